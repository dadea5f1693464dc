/*
 * rules/ports.c - where the sockets of rules live: a network namespace of their own, or free ports.
 *
 * Twin: src/rules/ports.rs.
 */
#include "reuseaddr.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static in_port_t next_port(void);
static int reserve(int port);

int own_network(void)
{
    /* 1. A user namespace lets anybody have a network namespace; root may do without one. */
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1 && unshare(CLONE_NEWNET) == -1)
        return -1;

    /* 2. It begins with lo, which is down. */
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1)
        bail("socket", "lo");
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", sizeof "lo");
    request.ifr_flags = IFF_UP;
    if (ioctl(s, SIOCSIFFLAGS, &request) == -1)
        bail("ioctl SIOCSIFFLAGS", "lo");
    close(s);
    return 0;
}

bool has_ipv6(void)
{
    static const struct place loopback = {"::1", AF_INET6, "::1", "::1", true};

    int s = socket(AF_INET6, SOCK_STREAM, 0);
    if (s == -1)
        return false;
    int z = bind_socket(s, &loopback, loopback.text, 0);
    int reason = errno;
    close(s);
    errno = reason;
    return z == 0;
}

int take_port(const struct place *place, bool reuseaddr, bool reuseport, in_port_t *port)
{
    for (;;) {
        *port = next_port();
        int s = open_socket(place, reuseaddr, reuseport);
        if (bind_socket(s, place, place->text, *port) == 0)
            return s;
        /* 3. Somebody else may come in between, on a network that we share. */
        if (errno != EADDRINUSE)
            bail("bind", place->name);
        close(s);
    }
}

/* Returns the next port that nobody uses. */
static in_port_t next_port(void)
{
    static const struct place ipv4 = {"0.0.0.0", AF_INET, "0.0.0.0", "127.0.0.1", false};
    static const struct place both = {"::", AF_INET6, "::", "::1", false};
    static const struct place *wildcard = NULL;
    static int port;
    static int lock = -1;

    /* 4. Two of us on one network begin at different ports. */
    if (wildcard == NULL) {
        wildcard = has_ipv6() ? &both : &ipv4;
        port = FIRST_PORT + (int)(getpid() * 997LL % (LAST_PORT - FIRST_PORT));
    }
    for (;;) {
        port = port < LAST_PORT ? port + 1 : FIRST_PORT;

        /* 5. And where they meet, one passes on: an AF_UNIX name says that the port is taken. */
        if (lock != -1)
            close(lock);
        lock = reserve(port);
        if (lock == -1)
            continue;

        /* 6. All addresses without SO_REUSEADDR: then nobody has any of them. */
        int s = open_socket(wildcard, false, false);
        if (bind_socket(s, wildcard, wildcard->text, (in_port_t)port) == 0) {
            close(s);
            return (in_port_t)port;
        }
        if (errno != EADDRINUSE)
            bail("bind", wildcard->name);
        close(s);
    }
}

/* Binds an abstract name for port. Returns the socket, or -1 if somebody has it. */
static int reserve(int port)
{
    struct sockaddr_un name;

    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "reuseaddr rules %d", port);
    int lock = socket(AF_UNIX, SOCK_STREAM, 0);
    if (lock == -1)
        bail("socket", "AF_UNIX");
    if (bind(lock, (struct sockaddr *)&name, sizeof name) == 0)
        return lock;
    if (errno != EADDRINUSE)
        bail("bind", "AF_UNIX");
    close(lock);
    return -1;
}
