/* rules/holder.h - sockets that hold a port. Rust counterpart: src/rules/holder.rs. */
#ifndef RULES_HOLDER_H
#define RULES_HOLDER_H

#include "rules/target.h"

/* How a socket comes to hold a port. */
enum scenario {
    BOUND,
    LISTEN,
    ESTABLISHED, /* accepted; the listening socket is closed */
    CLIENT,      /* bound, then connected */
    FIN_WAIT1,
    FIN_WAIT2,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
    PASSIVE_CLOSED, /* closed after the peer: no socket is left */
};

/* A socket that holds a port, and its peer. */
struct holder {
    bool exists; /* false after PASSIVE_CLOSED */
    struct tcp_socket socket;
    in_port_t port;
    int fd;   /* -1 if the descriptor is closed */
    int peer; /* the other end of the connection, or -1 */
};

/* Sets up scenario on target, on a port of its own. */
struct holder hold(enum scenario scenario, const struct target *target, bool reuseaddr,
                   bool reuseport);

/* Closes what hold() has opened. Nothing is left of it but TIME_WAIT. */
void release(const struct holder *holder);

#endif
