/* explain.h - who uses a port, and what would free it. Rust counterpart: src/explain.rs. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "address.h"

/*
 * Prints the sockets and processes that use endpoint's port, and the result of bind(2) on endpoint
 * without SO_REUSEADDR and with it. Returns the exit status: 0 if a server that sets SO_REUSEADDR
 * could bind.
 */
int explain(const struct endpoint *endpoint);

#endif
