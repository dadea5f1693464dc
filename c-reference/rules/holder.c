/*
 * rules/holder.c - a socket in every state in which it can hold a port.
 *
 * No state is waited for by time: each is reached by connecting and closing on lo, and checked with
 * TCP_INFO. Twin: src/rules/holder.rs.
 */
#include "reuseaddr.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A state that has not come after so many looks, a millisecond apart, does not come. */
#define LOOKS 10000

static void leave(int a, int peer, enum state state);
static void await_state(int s, int wanted);
static void fill(int s);

struct holder hold(enum state state, const struct place *place, bool reuseaddr, bool reuseport)
{
    struct holder holder = {.peer = -1};

    /* 1. Bind: from here on it holds the port. */
    int s = take_port(place, reuseaddr, reuseport, &holder.port);
    holder.fd = s;

    switch (state) {
    case BOUND:
        break;

    case LISTEN:
        if (listen(s, 1) == -1)
            bail("listen", place->name);
        break;

    case CLIENT:
        /* 2. A client: connect to a listener elsewhere, which need not accept. */
        holder.peer = open_socket(place, false, false);
        if (bind_socket(holder.peer, place, place->reach, 0) == -1)
            bail("bind", place->name);
        if (listen(holder.peer, 1) == -1)
            bail("listen", place->name);
        if (connect_to(s, holder.peer) == -1)
            bail("connect from", place->name);
        break;

    default:
        /* 3. An accepted child: its listener closed, it is alone on its port. */
        if (listen(s, 1) == -1)
            bail("listen", place->name);
        holder.peer = connect_peer(place, holder.port);
        holder.fd = accept(s, NULL, NULL);
        if (holder.fd == -1)
            bail("accept", place->name);
        close(s);
    }
    holder.present = describe(holder.fd, state);
    if (state > ESTABLISHED && state != CLIENT) {
        leave(holder.fd, holder.peer, state);
        /* 4. Whoever has shut down leaves altogether, as a process that ends. */
        if (state != CLOSE_WAIT) {
            close(holder.fd);
            holder.fd = -1;
        }
    }
    return holder;
}

/* Takes the accepted socket a from ESTABLISHED to state. */
static void leave(int a, int peer, enum state state)
{
    /* 5. The peer first: then we have no TIME_WAIT before us. */
    if (state == CLOSE_WAIT || state == LAST_ACK || state == PASSIVE_CLOSED) {
        shutdown(peer, SHUT_WR);
        await_state(a, TCP_CLOSE_WAIT);
    }
    if (state == CLOSE_WAIT)
        return;

    /* 6. Then we. What the peer does not read keeps our FIN back, and its ACK. */
    if (state == FIN_WAIT1 || state == CLOSING || state == LAST_ACK)
        fill(a);
    shutdown(a, SHUT_WR);
    switch (state) {
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
            bail("read", "a connection");
        set_option(peer, IPPROTO_TCP, TCP_QUICKACK, 1);
        await_state(a, TCP_FIN_WAIT2);
        break;
    }
    }

    /* 7. Then the peer. In TIME_WAIT the socket itself is done: it is CLOSE. */
    if (state == CLOSING || state == TIME_WAIT) {
        shutdown(peer, SHUT_WR);
        await_state(a, state == CLOSING ? TCP_CLOSING : TCP_CLOSE);
    }
}

static void await_state(int s, int wanted)
{
    for (int look = 0; look < LOOKS; look++) {
        /* The first byte of tcp_info: the structure has grown, and is not the same size everywhere. */
        unsigned char tcpi_state;
        socklen_t length = sizeof tcpi_state;
        if (getsockopt(s, IPPROTO_TCP, TCP_INFO, &tcpi_state, &length) == -1)
            bail("getsockopt TCP_INFO", "a connection");
        if (tcpi_state == wanted)
            return;
        poll(NULL, 0, 1);
    }
    errno = ETIMEDOUT;
    bail("getsockopt TCP_INFO", "a connection");
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
            bail("setsockopt SO_LINGER", "a connection");
        close(holder->peer);
    }
    if (holder->fd != -1)
        close(holder->fd);
}
