/* rules/ports.h - free ports. Rust counterpart: src/rules/ports.rs. */
#ifndef RULES_PORTS_H
#define RULES_PORTS_H
#include "rules/target.h"

/* Below the default ephemeral range, which begins at 32768. */
#define FIRST_PORT 10000

/* The search for free ports. It starts after port. */
struct ports {
    struct tcp_socket wildcard; /* conflicts with every socket on its port */
    in_port_t port;             /* the port taken last */
    int udp;                    /* UDP socket that reserves the port, or -1 */
};

/* Finds the next free port, and returns a new socket bound to it. Exits if no port is free. */
int take_port(struct ports *ports, const struct tcp_socket *plan);
#endif
