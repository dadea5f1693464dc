/* explain/print_advice.h - prints advice. Rust counterpart: src/explain/print_advice.rs. */
#ifndef EXPLAIN_PRINT_ADVICE_H
#define EXPLAIN_PRINT_ADVICE_H
#include "explain/prediction.h"

/* Prints the result of a trial bind on endpoint, beside the prediction, and the reasons. */
void print_prediction(const struct endpoint *endpoint, const struct prediction *prediction);

/* Prints the advice, if there is any. */
void print_advice(const struct snapshot *snapshot, const struct remark_list *advice);
#endif
