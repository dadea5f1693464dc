/* explain/print_sockets.h - prints the sockets. Rust counterpart: src/explain/print_sockets.rs. */
#ifndef EXPLAIN_PRINT_SOCKETS_H
#define EXPLAIN_PRINT_SOCKETS_H
#include "explain/snapshot.h"

/* Prints the processes that hold sockets, or those to stop if stop; of children, their number. */
void print_holders(const struct snapshot *snapshot, const struct socket_entry *sockets,
                   size_t count, bool stop);

/* Prints the sockets, in groups unless all, and then what could not be read. */
void print_sockets(const struct snapshot *snapshot, bool all);
#endif
