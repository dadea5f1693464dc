/* rules/target.h - the addresses in the tables of rules. Rust counterpart: src/rules/target.rs. */
#ifndef RULES_TARGET_H
#define RULES_TARGET_H
#include "conflict.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* An address to bind to, and a socket on it with neither option set. */
struct target {
    const char *name; /* name in the tables */
    struct tcp_socket socket;
};

/* The other properties of a socket. */
struct plan {
    bool reuseaddr;
    bool reuseport;
    bool other_user; /* whether the socket belongs to the other user */
    unsigned device;
};

extern const struct target v4_lo, v4_lo2, v4_any, v6_lo, v6_any, v6_only, mapped_lo, mapped_any;

/* The addresses of --all and --sequences. The first three are IPv4. */
#define TARGETS 8
extern const struct target *const targets[TARGETS];

/* Returns the socket of target with these options, for the user of this process. */
struct tcp_socket with_options(const struct target *target, bool reuseaddr, bool reuseport);

/* Gives s to the user of *plan, as if that user had created it. */
void set_user(int s, const struct tcp_socket *plan);

/* Returns a new socket with the options, user and device of *plan, not bound yet. */
int open_planned(const struct tcp_socket *plan);

/* Binds s to port, on the address of *plan. Returns 0, or -1 with errno set by bind(2). */
int bind_planned(int s, const struct tcp_socket *plan, in_port_t port);
#endif
