/* explain/collect.h - takes a snapshot. Rust counterpart: src/explain/collect.rs. */
#ifndef EXPLAIN_COLLECT_H
#define EXPLAIN_COLLECT_H
#include "explain/snapshot.h"

/*
 * Returns a snapshot of the endpoints' port. Sockets that are closed meanwhile set changed and are
 * left out, but not if last.
 */
struct snapshot collect(const struct endpoint *endpoints, size_t count, bool last);

/*
 * Binds to each target's port: first with SO_REUSEADDR and, if that succeeds, without it, which
 * conflicts with any server that binds at that instant.
 */
void try_targets(struct snapshot *snapshot);
#endif
