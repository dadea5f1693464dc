/*
 * rules/steps.c - calls on the port under test, and what the rule predicts for them.
 * Rust counterpart: src/rules/steps.rs.
 */
#include "rules/steps.h"
#include "output.h"
#include "sock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Give up after this many polls, 1 ms apart. */
#define POLLS 10000

bool agrees(const struct outcome *outcome)
{
    return outcome->seen == outcome->predicted;
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

void shut_down(const struct ends *ends, int s, int state)
{
    char byte;

    if (shutdown(s, SHUT_WR) == -1)
        exit_with_error("shutdown", "TCP socket");
    if (state == TCP_FIN_WAIT2) {
        /* The peer delays its ACK. Let it read end of file, then send the ACK. */
        if (read_some(ends->peer, &byte, sizeof byte) == -1)
            exit_with_error("read", "TCP socket");
        set_option(ends->peer, IPPROTO_TCP, TCP_QUICKACK, 1);
    }
    await_state(ends->fd, state);
}

/* Connects s to listener. If that is bound to a wildcard, the connection is over loopback. */
static void connect_to(int s, int listener)
{
    const struct endpoint server = local_endpoint(listener);
    if (connect_socket(s, &server) == -1)
        exit_with_error("connect", "TCP socket");
}

/* Returns the socket of s in state. Its address and options can differ from those of *plan. */
static struct tcp_socket read_socket(int s, int state, const struct tcp_socket *plan)
{
    struct tcp_socket socket = *plan;

    if (plan->family == AF_INET6)
        socket.v6only = get_option(s, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
    socket.state = state;
    socket.address = local_endpoint(s).address;
    socket.reuseaddr = get_option(s, SOL_SOCKET, SO_REUSEADDR) != 0;
    socket.reuseport = get_option(s, SOL_SOCKET, SO_REUSEPORT) != 0;
    return socket;
}

/* Adds a socket to those on the port. C only: Rust has Vec::push. */
static void add_socket(struct ports *ports, const struct tcp_socket *socket, int fd, int peer)
{
    ports->sockets[ports->count] = *socket;
    ports->ends[ports->count++] = (struct ends){.fd = fd, .peer = peer};
}

struct outcome bind_step(struct ports *ports, const struct tcp_socket *plan)
{
    int s = open_planned(plan);
    int seen = bind_planned(s, plan, ports->port) == -1 ? errno : 0;
    bool succeeds =
        get_port(&ports->kernel, &ports->bucket, ports->sockets, ports->count, plan);
    if (succeeds)
        add_socket(ports, plan, s, -1);
    else
        close(s);
    return (struct outcome){seen, succeeds ? 0 : EADDRINUSE};
}

struct outcome listen_step(struct ports *ports, size_t index)
{
    int seen = listen(ports->ends[index].fd, 1) == -1 ? errno : 0;
    struct tcp_socket *new = &ports->sockets[index];
    new->state = TCP_LISTEN;
    bool succeeds =
        get_port(&ports->kernel, &ports->bucket, ports->sockets, ports->count, new);
    if (!succeeds)
        new->state = TCP_CLOSE;
    return (struct outcome){seen, succeeds ? 0 : EADDRINUSE};
}

void connect_step(struct ports *ports, size_t index)
{
    int s = ports->ends[index].fd;
    struct tcp_socket *socket = &ports->sockets[index];
    int listener = open_socket(socket->family, socket->v6only, false, false);
    listen_on(listener); /* on a free port */
    connect_to(s, listener);
    ports->ends[index].peer = accept_on(listener);
    close(listener);
    *socket = read_socket(s, TCP_ESTABLISHED, socket);
}

int reach_step(const struct ports *ports, size_t index)
{
    int peer = open_socket(ports->sockets[index].family, false, false, false);
    set_option(peer, SOL_SOCKET, SO_RCVBUF, 1); /* so that fill_buffers() fills it soon */
    connect_to(peer, ports->ends[index].fd);
    return peer;
}

void accept_step(struct ports *ports, size_t index, int peer)
{
    const struct tcp_socket *plan = &ports->sockets[index];
    int fd = accept_on(ports->ends[index].fd);
    set_user(fd, plan);
    const struct tcp_socket socket = read_socket(fd, TCP_ESTABLISHED, plan);
    add_socket(ports, &socket, fd, peer);
}

void close_step(struct ports *ports, size_t index)
{
    struct ends *ends = &ports->ends[index];
    struct tcp_socket *socket = &ports->sockets[index];
    if (ends->peer == -1) {
        close(ends->fd);
        size_t rest = --ports->count - index;
        memmove(ends, ends + 1, rest * sizeof *ends);
        memmove(socket, socket + 1, rest * sizeof *socket);
        return;
    }
    shut_down(ends, ends->fd, TCP_FIN_WAIT2);
    close(ends->fd);
    ends->fd = -1;
    socket->state = TCP_FIN_WAIT2;
    socket->orphan = true;
}

void toggle_step(struct ports *ports, size_t index, int option)
{
    struct tcp_socket *socket = &ports->sockets[index];
    bool *value = option == SO_REUSEADDR ? &socket->reuseaddr : &socket->reuseport;
    *value = !*value;
    set_option(ports->ends[index].fd, SOL_SOCKET, option, *value);
}

void release_port(struct ports *ports)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    for (size_t i = 0; i < ports->count; i++) {
        const struct ends *ends = &ports->ends[i];
        if (ends->peer != -1) {
            /* The peer sends a reset, which ends the connection in any state but TIME_WAIT. */
            if (setsockopt(ends->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == -1)
                exit_with_error("setsockopt SO_LINGER", "TCP socket");
            close(ends->peer);
        }
        if (ends->fd != -1)
            close(ends->fd);
    }
    ports->count = 0;
}
