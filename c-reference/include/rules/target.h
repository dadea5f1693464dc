/* rules/target.h - the addresses in the tables of rules. Rust counterpart: src/rules/target.rs. */
#ifndef RULES_TARGET_H
#define RULES_TARGET_H

#include "address.h"
#include "conflict.h"

/* An address that sockets are bound to. */
struct target {
    const char *name;         /* in the tables */
    struct endpoint endpoint; /* port 0 */
    struct endpoint reach;    /* where a client connects to a socket that listens on it */
    bool v6only;
};

/* Returns a socket for target, not bound, with these options. */
int open_target(const struct target *target, bool reuseaddr, bool reuseport);

/* Returns endpoint with its port set to port. */
struct endpoint with_port(struct endpoint endpoint, in_port_t port);

/* Returns a client connected to port of target. */
int connect_client(const struct target *target, in_port_t port);

/* Returns what the rule depends on, read from s, which is in state. */
struct tcp_socket describe(int s, int state);

/* Returns what the rule depends on, for a new socket that will be bound to target. */
struct tcp_socket describe_new(const struct target *target, bool reuseaddr, bool reuseport);

#endif
