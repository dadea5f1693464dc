/* explain/print.h - prints a snapshot. Rust counterpart: src/explain/print.rs. */
#ifndef EXPLAIN_PRINT_H
#define EXPLAIN_PRINT_H
#include "explain/snapshot.h"

/* Prints the answer, what helps, the sockets, each of them if all, and what could not be read. */
void print_snapshot(const struct snapshot *snapshot, bool all);
#endif
