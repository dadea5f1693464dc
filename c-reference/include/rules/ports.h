/* rules/ports.h - free ports. Rust counterpart: src/rules/ports.rs. */
#ifndef RULES_PORTS_H
#define RULES_PORTS_H
#include "rules/target.h"

/* Below the default ephemeral range, which begins at 32768. */
#define FIRST_PORT 10000

/* Maximum number of sockets on a port. */
#define SOCKETS_MAX 5

/* Descriptors of a socket on the port, and of its peer. */
struct ends {
    int fd;   /* -1 if it is closed */
    int peer; /* -1 if the socket is not connected */
};

/* The ports under test, one after the other. */
struct ports {
    struct tcp_socket wildcard; /* conflicts with every socket on its port */
    in_port_t port;             /* the port taken last */
    int udp;                    /* UDP socket that reserves the port, or -1 */
    bool ipv6;                  /* whether ::1 can be bound */
    uid_t other_user;           /* a user id that this process may give a socket, or its own */
    struct kernel kernel;
    struct bucket bucket;                   /* what the kernel remembers of port */
    struct tcp_socket sockets[SOCKETS_MAX]; /* on port */
    struct ends ends[SOCKETS_MAX];          /* their descriptors, in the same order */
    size_t count;                           /* number of sockets */
    unsigned long results;
    unsigned long contradictions;
};

bool is_usable(const struct ports *ports, const struct target *target);

bool has_other_user(const struct ports *ports);

/* Returns the socket of target with the options, user and device of *plan. */
struct tcp_socket with_plan(const struct ports *ports, const struct target *target,
                            const struct plan *plan);

/* Counts a result. Returns whether it is as predicted. */
bool count_result(struct ports *ports, bool is_right);

/* Finds the next free port. Exits if no port is free. */
void take_port(struct ports *ports);
#endif
