/*
 * rules/ports.c - free ports.
 * Rust counterpart: src/rules/ports.rs.
 */
#include "rules/ports.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAST_PORT 32767

bool is_usable(const struct ports *ports, const struct target *target)
{
    return ports->ipv6 || target->socket.family == AF_INET;
}

bool has_other_user(const struct ports *ports)
{
    return ports->other_user != geteuid();
}

struct tcp_socket with_plan(const struct ports *ports, const struct target *target,
                            const struct plan *plan)
{
    struct tcp_socket socket = with_options(target, plan->reuseaddr, plan->reuseport);
    if (plan->other_user)
        socket.uid = ports->other_user;
    socket.device = plan->device;
    return socket;
}

bool count_result(struct ports *ports, bool is_right)
{
    ports->results++;
    ports->contradictions += !is_right;
    return is_right;
}

/* Binds s to port. Returns whether the port was free. */
static bool bind_free(int s, const struct tcp_socket *plan, in_port_t port)
{
    int z = bind_planned(s, plan, port);
    if (z == -1 && errno != EADDRINUSE)
        exit_with_error("bind", "a free port");
    return z == 0;
}

void take_port(struct ports *ports)
{
    for (int tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
        ports->port = ports->port < LAST_PORT ? ports->port + 1 : FIRST_PORT;

        /* Other processes that run rules on this network skip a port whose UDP port is in use. */
        if (ports->udp != -1)
            close(ports->udp);
        ports->udp = socket(AF_INET, SOCK_DGRAM, 0);
        if (ports->udp == -1)
            exit_with_error("socket", "UDP");
        if (!bind_free(ports->udp, &v4_lo.socket, ports->port))
            continue;

        /* Without options, a wildcard conflicts with every other socket on the port. */
        int s = open_planned(&ports->wildcard);
        bool is_free = bind_free(s, &ports->wildcard, ports->port);
        close(s);
        if (is_free)
            return;
    }
    char text[32];
    snprintf(text, sizeof text, "ports %d to %d", FIRST_PORT, LAST_PORT);
    errno = EADDRINUSE;
    exit_with_error("bind", text);
}
