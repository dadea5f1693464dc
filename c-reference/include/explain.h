/* explain.h - why bind(2) fails, and what helps. Rust counterpart: src/explain.rs. */
#ifndef EXPLAIN_H
#define EXPLAIN_H
#include "address.h"

/*
 * Prints the sockets and processes that use endpoint's port, the results of bind(2) on endpoint
 * without and with SO_REUSEADDR, and advice. Returns the exit status: 0 if a server that sets
 * SO_REUSEADDR could bind.
 */
int explain(const struct endpoint *endpoint);
#endif
