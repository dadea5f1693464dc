/* explain/procfs.h - finds the holders of sockets. Rust counterpart: src/explain/procfs.rs. */
#ifndef EXPLAIN_PROCFS_H
#define EXPLAIN_PROCFS_H
#include "explain/snapshot.h"

/*
 * Finds the processes that hold the sockets of the snapshot, and reads the sockets' options.
 * Sets hidden, proc_error and getfd_error.
 */
void find_holders(struct snapshot *snapshot);

/* Reads the range of ports that the kernel assigns to clients. */
void read_port_range(struct snapshot *snapshot);
#endif
