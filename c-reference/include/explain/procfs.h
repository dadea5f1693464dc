/* explain/procfs.h - finds the holders of sockets. Rust counterpart: src/explain/procfs.rs. */
#ifndef EXPLAIN_PROCFS_H
#define EXPLAIN_PROCFS_H
#include "explain/snapshot.h"

/* Orders socket entries, for qsort(3). */
int by_inode(const void *a, const void *b);

/*
 * Finds the processes that hold the sockets of the snapshot. If threads, it reads the threads, for
 * sockets that no process holds: a thread can have its own descriptor table, or outlive the first
 * thread of its process. Sets hidden, foreign and proc_error.
 */
void find_holders(struct snapshot *snapshot, bool threads);

/* Reads the options of the sockets on the port that were not read before. Sets getfd_error. */
void read_options(struct snapshot *snapshot);

/* Reads the first two numbers in a file of /proc/sys/net/ipv4. */
void read_numbers(const char *name, int numbers[2]);

/* Returns whether this process has CAP_NET_BIND_SERVICE, which is bit 10. */
bool may_bind_every_port(void);
#endif
