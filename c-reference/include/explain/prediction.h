/* explain/prediction.h - predicts bind(2). Rust counterpart: src/explain/prediction.rs. */
#ifndef EXPLAIN_PREDICTION_H
#define EXPLAIN_PREDICTION_H
#include "explain/snapshot.h"

/* Predicts the results for all targets, and sorts the sockets. */
void predict(struct snapshot *snapshot);
#endif
