/* explain/print_sockets.h - prints the table. Rust counterpart: src/explain/print_sockets.rs. */
#ifndef EXPLAIN_PRINT_SOCKETS_H
#define EXPLAIN_PRINT_SOCKETS_H
#include "explain/snapshot.h"

/* Prints the sockets and their holders, then what could not be read. */
void print_sockets(const struct snapshot *snapshot);
#endif
