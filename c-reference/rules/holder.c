/*
 * rules/holder.c - a socket in every state in which it can hold a port.
 *
 * No state is waited for by time: each is reached by connecting and closing on lo, and checked with
 * TCP_INFO. Twin: src/rules/holder.rs.
 */
#include "rules/holder.h"
#include "output.h"
#include "rules/ports.h"
#include "sock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A state that has not come after so many looks, a millisecond apart, does not come. */
#define LOOKS 10000

static void leave(int a, int peer, enum scenario scenario);
static void await_state(int s, int wanted);
static void fill(int s);

/* The state that the rule depends on. */
static const int states[] = {
    [BOUND] = TCP_CLOSE,
    [LISTEN] = TCP_LISTEN,
    [ESTABLISHED] = TCP_ESTABLISHED,
    [CLIENT] = TCP_ESTABLISHED,
    [FIN_WAIT1] = TCP_FIN_WAIT1,
    [FIN_WAIT2] = TCP_FIN_WAIT2,
    [CLOSE_WAIT] = TCP_CLOSE_WAIT,
    [CLOSING] = TCP_CLOSING,
    [LAST_ACK] = TCP_LAST_ACK,
    [TIME_WAIT] = TCP_TIME_WAIT,
    [PASSIVE_CLOSED] = TCP_CLOSE,
};

struct holder hold(enum scenario scenario, const struct target *target, bool reuseaddr, bool reuseport)
{
    struct holder holder = {.peer = -1};

    /* 1. Bind: from here on it holds the port. */
    int s = take_port(target, reuseaddr, reuseport, &holder.port);
    holder.fd = s;

    switch (scenario) {
    case BOUND:
        break;

    case LISTEN:
        listen_on(s);
        break;

    case CLIENT:
        /* 2. A client: connect to a listener elsewhere, which need not accept. */
        holder.peer = open_target(target, false, false);
        if (bind_socket(holder.peer, &target->reach) == -1)
            exit_with_error("bind", target->name);
        listen_on(holder.peer);
        const struct endpoint listener = local_endpoint(holder.peer);
        if (connect_socket(s, &listener) == -1)
            exit_with_error("connect from", target->name);
        break;

    default:
        /* 3. An accepted child: its listener closed, it is alone on its port. */
        listen_on(s);
        holder.peer = connect_client(target, holder.port);
        holder.fd = accept_on(s);
        close(s);
    }
    holder.exists = scenario != PASSIVE_CLOSED;
    holder.socket = describe(holder.fd, states[scenario]);
    if (scenario > ESTABLISHED && scenario != CLIENT) {
        leave(holder.fd, holder.peer, scenario);
        /* 4. Whoever has shut down leaves altogether, as a process that ends. */
        if (scenario != CLOSE_WAIT) {
            close(holder.fd);
            holder.fd = -1;
        }
    }
    return holder;
}

/* Takes the accepted socket a from ESTABLISHED to state. */
static void leave(int a, int peer, enum scenario scenario)
{
    /* 5. The peer first: then we have no TIME_WAIT before us. */
    if (scenario == CLOSE_WAIT || scenario == LAST_ACK || scenario == PASSIVE_CLOSED) {
        shutdown(peer, SHUT_WR);
        await_state(a, TCP_CLOSE_WAIT);
    }
    if (scenario == CLOSE_WAIT)
        return;

    /* 6. Then we. What the peer does not read keeps our FIN back, and its ACK. */
    if (scenario == FIN_WAIT1 || scenario == CLOSING || scenario == LAST_ACK)
        fill(a);
    shutdown(a, SHUT_WR);
    switch (scenario) {
    case FIN_WAIT1:
    case CLOSING:
        await_state(a, TCP_FIN_WAIT1);
        break;
    case LAST_ACK:
        await_state(a, TCP_LAST_ACK);
        break;
    case PASSIVE_CLOSED:
        await_state(a, TCP_CLOSE);
        break;
    default: {
        /* The peer reads our end, and sends the ACK that it would else delay. */
        char end;
        if (read(peer, &end, sizeof end) == -1)
            exit_with_error("read", "a connection");
        set_option(peer, IPPROTO_TCP, TCP_QUICKACK, 1);
        await_state(a, TCP_FIN_WAIT2);
        break;
    }
    }

    /* 7. Then the peer. In TIME_WAIT the socket itself is done: it is CLOSE. */
    if (scenario == CLOSING || scenario == TIME_WAIT) {
        shutdown(peer, SHUT_WR);
        await_state(a, scenario == CLOSING ? TCP_CLOSING : TCP_CLOSE);
    }
}

static void await_state(int s, int wanted)
{
    for (int look = 0; look < LOOKS; look++) {
        /* The first byte of tcp_info: the structure has grown, and is not the same size everywhere. */
        unsigned char tcpi_state;
        socklen_t length = sizeof tcpi_state;
        if (getsockopt(s, IPPROTO_TCP, TCP_INFO, &tcpi_state, &length) == -1)
            exit_with_error("getsockopt TCP_INFO", "a connection");
        if (tcpi_state == wanted)
            return;
        poll(NULL, 0, 1);
    }
    errno = ETIMEDOUT;
    exit_with_error("getsockopt TCP_INFO", "a connection");
}

/* Sends as much as goes without waiting: more than the peer has room for. */
static void fill(int s)
{
    static const char zeros[1 << 16];

    set_option(s, SOL_SOCKET, SO_SNDBUF, 1);
    while (send(s, zeros, sizeof zeros, MSG_DONTWAIT) > 0)
        continue;
}

void release(const struct holder *holder)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    /* 8. A reset from the peer ends what is left of the connection. */
    if (holder->peer != -1) {
        if (setsockopt(holder->peer, SOL_SOCKET, SO_LINGER, &now, sizeof now) == -1)
            exit_with_error("setsockopt SO_LINGER", "a connection");
        close(holder->peer);
    }
    if (holder->fd != -1)
        close(holder->fd);
}
