/*
 * rules/holder.c - sockets that hold a port, in nine TCP states.
 *
 * Calls on both ends of a connection lead to each state, and TCP_INFO shows when it is reached.
 * Rust counterpart: src/rules/holder.rs.
 */
#include "rules/holder.h"
#include "output.h"
#include "rules/steps.h"
#include "sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* What happens in a scenario: the steps of an accepted socket, in this order. For a socket in
 * TIME_WAIT, TCP_INFO returns TCP_CLOSE. */
static const struct steps {
    const char *name;
    bool passive;  /* the peer calls shutdown(2) first */
    bool fill;     /* the socket sends until all buffers are full, so that its FIN has to wait */
    int own;       /* the socket calls shutdown(2), reaches this state, and is closed at the end */
    int peer_last; /* the peer calls shutdown(2), and the socket reaches this state */
    int state;     /* what the rule depends on; 0 if no socket is left */
} scenarios[] = {
#define STEPS(name, ...) [SCENARIO_##name] = {#name, __VA_ARGS__}
    /*    name            passive fill   own            peer_last    state */
    STEPS(BOUND,          false,  false, 0,             0,           TCP_CLOSE),
    STEPS(LISTEN,         false,  false, 0,             0,           TCP_LISTEN),
    STEPS(ESTABLISHED,    false,  false, 0,             0,           TCP_ESTABLISHED),
    STEPS(CLIENT,         false,  false, 0,             0,           TCP_ESTABLISHED),
    STEPS(FIN_WAIT1,      false,  true,  TCP_FIN_WAIT1, 0,           TCP_FIN_WAIT1),
    STEPS(FIN_WAIT2,      false,  false, TCP_FIN_WAIT2, 0,           TCP_FIN_WAIT2),
    STEPS(CLOSE_WAIT,     true,   false, 0,             0,           TCP_CLOSE_WAIT),
    STEPS(CLOSING,        false,  true,  TCP_FIN_WAIT1, TCP_CLOSING, TCP_CLOSING),
    STEPS(LAST_ACK,       true,   true,  TCP_LAST_ACK,  0,           TCP_LAST_ACK),
    STEPS(TIME_WAIT,      false,  false, TCP_FIN_WAIT2, TCP_CLOSE,   TCP_TIME_WAIT),
    STEPS(PASSIVE_CLOSED, true,   false, TCP_CLOSE,     0,           0),
};

const char *scenario_name(enum scenario scenario)
{
    return scenarios[scenario].name;
}

/* Sends until neither s nor its peer has room in a buffer. */
static void fill_buffers(int s)
{
    static const char zeros[1 << 16];

    set_option(s, SOL_SOCKET, SO_SNDBUF, 1);
    while (send(s, zeros, sizeof zeros, MSG_DONTWAIT) != -1)
        continue;
    if (errno != EAGAIN)
        exit_with_error("send", "TCP socket");
}

/* Exits if the call failed. */
static void require(const char *call, struct outcome outcome)
{
    errno = outcome.seen;
    if (errno != 0)
        exit_with_error(call, "TCP socket");
}

/* Changes SO_REUSEADDR if the change is due now. */
static void change_at(struct ports *ports, enum moment change, enum moment now)
{
    if (change == now)
        toggle_step(ports, 0, SO_REUSEADDR);
}

void make_holder(struct ports *ports, enum scenario scenario, enum moment change,
                 const struct tcp_socket *plan)
{
    const struct steps *steps = &scenarios[scenario];

    take_port(ports);
    struct outcome bind = bind_step(ports, plan);
    /* If the network is not private, another process can have taken the port meanwhile. */
    while (bind.seen == EADDRINUSE) {
        release_port(ports);
        take_port(ports);
        bind = bind_step(ports, plan);
    }
    require("bind", bind);
    change_at(ports, change, AFTER_BIND);
    switch (scenario) {
    case SCENARIO_BOUND:
        break;
    case SCENARIO_LISTEN:
        require("listen", listen_step(ports, 0));
        break;
    case SCENARIO_CLIENT:
        connect_step(ports, 0);
        break;
    default:
        require("listen", listen_step(ports, 0));
        change_at(ports, change, AFTER_LISTEN);
        int peer = reach_step(ports, 0);
        change_at(ports, change, AFTER_CONNECT);
        accept_step(ports, 0, peer);
        close_step(ports, 0);
        change_at(ports, change, AFTER_ACCEPT);
    }

    struct ends *ends = &ports->ends[0];
    if (steps->passive)
        shut_down(ends, ends->peer, TCP_CLOSE_WAIT);
    if (steps->fill)
        fill_buffers(ends->fd);
    if (steps->own != 0)
        shut_down(ends, ends->fd, steps->own);
    if (steps->peer_last != 0)
        shut_down(ends, ends->peer, steps->peer_last);
    if (steps->own != 0) {
        close(ends->fd);
        ends->fd = -1;
        ports->sockets[0].orphan = true;
    }
    ports->sockets[0].state = steps->state;
    if (steps->state == 0)
        release_port(ports);
}
