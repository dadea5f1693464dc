/*
 * rules/holder.c - sockets that hold a port, in every TCP state that can.
 *
 * Calls on both ends of a connection lead to each state, and TCP_INFO shows when it is reached.
 * Rust counterpart: src/rules/holder.rs.
 */
#include "rules/holder.h"
#include "output.h"
#include "sock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Give up after this many polls, 1 ms apart. */
#define POLLS 10000

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

/* Waits until s is in state. */
static void await_state(int s, int state)
{
    for (int i = 0; i < POLLS; i++) {
        /* Only the first byte of struct tcp_info, whose size differs between versions. */
        unsigned char tcpi_state;
        socklen_t length = sizeof tcpi_state;
        if (getsockopt(s, IPPROTO_TCP, TCP_INFO, &tcpi_state, &length) == -1)
            exit_with_error("getsockopt TCP_INFO", "TCP socket");
        if (tcpi_state == state)
            return;
        poll(NULL, 0, 1);
    }
    errno = ETIMEDOUT;
    exit_with_error("getsockopt TCP_INFO", "TCP socket");
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

/* Takes a step of steps: calls shutdown(2) on s, and waits until the holder is in state. */
static void shut_down(const struct holder *holder, int s, int state)
{
    char byte;

    if (state == 0)
        return;
    if (shutdown(s, SHUT_WR) == -1)
        exit_with_error("shutdown", "TCP socket");
    if (state == TCP_FIN_WAIT2) {
        /* The peer delays its ACK. Let it read end of file, then send the ACK. */
        if (read_some(holder->peer, &byte, sizeof byte) == -1)
            exit_with_error("read", "TCP socket");
        set_option(holder->peer, IPPROTO_TCP, TCP_QUICKACK, 1);
    }
    await_state(holder->fd, state);
}

/* Changes the option of s if the change is due now. */
static void change_at(enum moment now, enum moment change, int s, const struct tcp_socket *plan)
{
    if (now == change)
        set_option(s, SOL_SOCKET, SO_REUSEADDR, !plan->reuseaddr);
}

/* Connects s to listener. If that is bound to a wildcard, the connection is over loopback. */
static void connect_to(int s, int listener)
{
    const struct endpoint server = local_endpoint(listener);
    if (connect_socket(s, &server) == -1)
        exit_with_error("connect", "TCP socket");
}

struct holder make_holder(struct ports *ports, enum scenario scenario, enum moment change,
                          const struct tcp_socket *plan)
{
    const struct steps *steps = &scenarios[scenario];
    int s = take_port(ports, plan);
    struct holder holder = {.socket = *plan, .fd = s, .peer = -1};

    change_at(AFTER_BIND, change, s, plan);
    switch (scenario) {
    case SCENARIO_BOUND:
        break;
    case SCENARIO_LISTEN:
        listen_on(s);
        break;
    case SCENARIO_CLIENT:
        /* listen(2) binds the peer to a free port. Nothing needs to accept the connection. */
        holder.peer = open_planned(plan);
        listen_on(holder.peer);
        connect_to(s, holder.peer);
        break;
    default:
        listen_on(s);
        change_at(AFTER_LISTEN, change, s, plan);
        holder.peer = open_socket(plan->family, false, false, false);
        set_option(holder.peer, SOL_SOCKET, SO_RCVBUF, 1); /* full soon */
        connect_to(holder.peer, s);
        change_at(AFTER_CONNECT, change, s, plan);
        holder.fd = accept_on(s);
        close(s);
        change_at(AFTER_ACCEPT, change, holder.fd, plan);
    }

    /* Read what can differ from the plan, while there is a descriptor. */
    holder.exists = steps->state != 0;
    holder.socket.state = steps->state;
    holder.socket.address = local_endpoint(holder.fd).address;
    holder.socket.reuseaddr = get_option(holder.fd, SOL_SOCKET, SO_REUSEADDR) != 0;
    if (plan->family == AF_INET6)
        holder.socket.v6only = get_option(holder.fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0;

    if (steps->passive)
        shut_down(&holder, holder.peer, TCP_CLOSE_WAIT);
    if (steps->fill)
        fill_buffers(holder.fd);
    shut_down(&holder, holder.fd, steps->own);
    shut_down(&holder, holder.peer, steps->peer_last);
    if (steps->own != 0) {
        close(holder.fd);
        holder.fd = -1;
    }
    return holder;
}

void release_holder(const struct holder *holder)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (holder->peer != -1) {
        /* The peer sends a reset, which ends the connection in any state but TIME_WAIT. */
        if (setsockopt(holder->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == -1)
            exit_with_error("setsockopt SO_LINGER", "TCP socket");
        close(holder->peer);
    }
    if (holder->fd != -1)
        close(holder->fd);
}
