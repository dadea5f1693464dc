/* explain.h - whether a port is free, why not, what helps. Rust counterpart: src/explain.rs. */
#ifndef EXPLAIN_H
#define EXPLAIN_H
#include "address.h"

#include <stddef.h>

/*
 * Prints whether a server can bind to endpoints, which have the same port, why not, what helps, and
 * the sockets and processes that use the port: each socket if all. Binds to them if trial. Returns
 * the exit status.
 */
int explain(const struct endpoint *endpoints, size_t count, bool trial, bool all);
#endif
