/* explain/sock_diag.h - lists sockets. Rust counterpart: src/explain/sock_diag.rs. */
#ifndef EXPLAIN_SOCK_DIAG_H
#define EXPLAIN_SOCK_DIAG_H
#include "explain/snapshot.h"

/* Finds the sockets on the snapshot's port. Sets diag_error on failure. */
void find_sockets(struct snapshot *snapshot);
#endif
