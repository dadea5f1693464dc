/*
 * rules/target.c - the addresses in the tables of rules.
 *
 * Rust counterpart: src/rules/target.rs.
 */
#include "rules/target.h"
#include "output.h"
#include "sock.h"

#include <sys/socket.h>
#include <unistd.h>

int open_target(const struct target *target, bool reuseaddr, bool reuseport)
{
    return open_socket(target->endpoint.family, target->v6only, reuseaddr, reuseport);
}

struct endpoint with_port(struct endpoint endpoint, in_port_t port)
{
    endpoint.port = port;
    return endpoint;
}

int connect_client(const struct target *target, in_port_t port)
{
    const struct endpoint reach = with_port(target->reach, port);

    int client = socket(reach.family, SOCK_STREAM, 0);
    if (client == -1)
        exit_with_error("socket", target->name);
    /* With a small receive buffer, fill() is done soon. */
    set_option(client, SOL_SOCKET, SO_RCVBUF, 1);
    if (connect_socket(client, &reach) == -1)
        exit_with_error("connect", target->name);
    return client;
}

struct tcp_socket describe(int s, int state)
{
    const struct endpoint endpoint = local_endpoint(s);
    bool v6only = endpoint.family == AF_INET6 && get_option(s, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
    bool reuseaddr = get_option(s, SOL_SOCKET, SO_REUSEADDR) != 0;
    bool reuseport = get_option(s, SOL_SOCKET, SO_REUSEPORT) != 0;

    return (struct tcp_socket){
        .state = state,
        .family = endpoint.family,
        .address = endpoint.address,
        .v6only = v6only,
        .reuseaddr = reuseaddr,
        .reuseport = reuseport,
        .uid = geteuid(),
    };
}

struct tcp_socket describe_new(const struct target *target, bool reuseaddr, bool reuseport)
{
    return (struct tcp_socket){
        .state = TCP_CLOSE,
        .family = target->endpoint.family,
        .address = target->endpoint.address,
        .v6only = target->v6only,
        .reuseaddr = reuseaddr,
        .reuseport = reuseport,
        .uid = geteuid(),
    };
}
