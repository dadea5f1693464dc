/*
 * rules/steps.h - calls on the port under test, and what the rule predicts for them.
 * Rust counterpart: src/rules/steps.rs.
 */
#ifndef RULES_STEPS_H
#define RULES_STEPS_H
#include "rules/ports.h"

/* The errno value of a call, and the one that the rule predicts: 0 if it succeeds. */
struct outcome {
    int seen;
    int predicted;
};

/* Returns whether the kernel did what the rule predicts. */
bool agrees(const struct outcome *outcome);

/* Calls shutdown(2) on s, and waits until the socket with these ends is in state. */
void shut_down(const struct ends *ends, int s, int state);

/* Binds a new socket to the port. It is added to the sockets if the rule predicts success. */
struct outcome bind_step(struct ports *ports, const struct tcp_socket *plan);

/* Calls listen(2). */
struct outcome listen_step(struct ports *ports, size_t index);

/* Connects a socket to a new server. */
void connect_step(struct ports *ports, size_t index);

/* Connects a new client to a listener. Returns the client's socket, for accept_step(). */
int reach_step(const struct ports *ports, size_t index);

/* Accepts the connection of peer. The new socket belongs to the user of the listener. */
void accept_step(struct ports *ports, size_t index, int peer);

/* Closes a socket. One that is connected stays on the port, in FIN_WAIT2. */
void close_step(struct ports *ports, size_t index);

/* Changes one of the two options to its opposite. */
void toggle_step(struct ports *ports, size_t index, int option);

/* Closes all sockets of the port, and their peers. Only sockets in TIME_WAIT are left. */
void release_port(struct ports *ports);
#endif
