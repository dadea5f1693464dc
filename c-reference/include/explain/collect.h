/* explain/collect.h - takes a snapshot. Rust counterpart: src/explain/collect.rs. */
#ifndef EXPLAIN_COLLECT_H
#define EXPLAIN_COLLECT_H
#include "explain/snapshot.h"

/* Returns a snapshot of the endpoints' port, with the results of binds to them if trial. */
struct snapshot collect(const struct endpoint *endpoints, size_t count, bool trial);
#endif
