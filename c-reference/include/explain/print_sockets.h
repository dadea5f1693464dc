/* explain/print_sockets.h - prints the sockets. Rust counterpart: src/explain/print_sockets.rs. */
#ifndef EXPLAIN_PRINT_SOCKETS_H
#define EXPLAIN_PRINT_SOCKETS_H
#include "explain/snapshot.h"

/*
 * Prints the processes that hold sockets, or those to stop if stop. If the parent of a process
 * holds one of them as well, the process is only counted.
 */
void print_holders(const struct snapshot *snapshot, const struct socket_entry *sockets,
                   size_t count, bool stop);

/* Prints the sockets, in groups unless all. */
void print_sockets(const struct snapshot *snapshot, bool all);

/* Prints what could not be read, and what would help. */
void print_notes(const struct snapshot *snapshot);
#endif
