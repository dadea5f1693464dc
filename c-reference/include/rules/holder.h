/* rules/holder.h - sockets that hold a port. Rust counterpart: src/rules/holder.rs. */
#ifndef RULES_HOLDER_H
#define RULES_HOLDER_H
#include "rules/ports.h"

/*
 * How a socket comes to hold a port. ESTABLISHED is an accepted socket whose listener is closed.
 * CLIENT is bound, then connected. PASSIVE_CLOSED closes after its peer, so no socket is left.
 */
enum scenario {
    SCENARIO_BOUND, SCENARIO_LISTEN, SCENARIO_ESTABLISHED, SCENARIO_CLIENT,
    SCENARIO_FIN_WAIT1, SCENARIO_FIN_WAIT2, SCENARIO_CLOSE_WAIT, SCENARIO_CLOSING,
    SCENARIO_LAST_ACK, SCENARIO_TIME_WAIT, SCENARIO_PASSIVE_CLOSED,
};

/* When the holder's SO_REUSEADDR changes to its opposite. */
enum moment { NEVER, AFTER_BIND, AFTER_LISTEN, AFTER_CONNECT, AFTER_ACCEPT };

/* Returns the name of scenario in the tables. */
const char *scenario_name(enum scenario scenario);

/* Takes a port, and sets up scenario with one socket on it, as *plan describes. Toggles its
 * SO_REUSEADDR at change. */
void make_holder(struct ports *ports, enum scenario scenario, enum moment change,
                 const struct tcp_socket *plan);
#endif
