/*
 * rules/ports.c - ports that are free.
 *
 * Rust counterpart: src/rules/ports.rs.
 */
#include "rules/ports.h"
#include "netns.h"
#include "output.h"
#include "sock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static in_port_t next_port(void);
static int reserve(int port);

int take_port(const struct target *target, bool reuseaddr, bool reuseport, in_port_t *port)
{
    for (;;) {
        *port = next_port();
        int s = open_target(target, reuseaddr, reuseport);
        const struct endpoint endpoint = with_port(target->endpoint, *port);
        if (bind_socket(s, &endpoint) == 0)
            return s;
        /* 3. Somebody else may come in between, on a network that we share. */
        if (errno != EADDRINUSE)
            exit_with_error("bind", target->name);
        close(s);
    }
}

/* Returns the next port that nobody uses. */
static in_port_t next_port(void)
{
    static struct endpoint wildcard = {.family = AF_INET, .address.s6_addr = {[10] = 0xff, 0xff}};
    static int lock = -1;

    /* 4. Two of us on one network begin at different ports. */
    if (wildcard.port == 0) {
        if (has_ipv6())
            wildcard = (struct endpoint){.family = AF_INET6};
        wildcard.port = (in_port_t)(FIRST_PORT + (int)(getpid() * 997LL % (LAST_PORT - FIRST_PORT)));
    }
    for (;;) {
        wildcard.port = wildcard.port < LAST_PORT ? wildcard.port + 1 : FIRST_PORT;

        /* 5. And where they meet, one passes on: an AF_UNIX name says that the port is taken. */
        if (lock != -1)
            close(lock);
        lock = reserve(wildcard.port);
        if (lock == -1)
            continue;

        /* 6. All addresses without SO_REUSEADDR: then nobody has any of them. */
        int s = open_socket(wildcard.family, false, false, false);
        if (bind_socket(s, &wildcard) == 0) {
            close(s);
            return wildcard.port;
        }
        if (errno != EADDRINUSE)
            exit_with_error("bind", "a wildcard address");
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
        exit_with_error("socket", "AF_UNIX");
    if (bind(lock, (struct sockaddr *)&name, sizeof name) == 0)
        return lock;
    if (errno != EADDRINUSE)
        exit_with_error("bind", "AF_UNIX");
    close(lock);
    return -1;
}
