/* explain/collect.h - takes a snapshot. Rust counterpart: src/explain/collect.rs. */
#ifndef EXPLAIN_COLLECT_H
#define EXPLAIN_COLLECT_H
#include "explain/snapshot.h"

/* Returns a snapshot of endpoint's port, with the results of the trial binds on endpoint. */
struct snapshot collect(const struct endpoint *endpoint);
#endif
