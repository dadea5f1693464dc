/*
 * sock.c - TCP sockets and their options, for rules, explain and abi.
 * Rust counterpart: src/sock.rs.
 */
#include "sock.h"
#include "output.h"

#include <sys/socket.h>

int open_socket(sa_family_t family, bool v6only, bool reuseaddr, bool reuseport)
{
    int s = socket(family, SOCK_STREAM, 0);
    if (s == -1)
        exit_with_error("socket", family == AF_INET6 ? "AF_INET6" : "AF_INET");
    set_option(s, SOL_SOCKET, SO_REUSEADDR, reuseaddr);
    set_option(s, SOL_SOCKET, SO_REUSEPORT, reuseport);
    if (family == AF_INET6)
        set_option(s, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
    return s;
}

int bind_socket(int s, const struct endpoint *endpoint)
{
    union socket_address address;
    socklen_t length = make_sockaddr(endpoint, &address);
    return bind(s, &address.any, length);
}

int connect_socket(int s, const struct endpoint *endpoint)
{
    union socket_address address;
    socklen_t length = make_sockaddr(endpoint, &address);
    return connect(s, &address.any, length);
}

void listen_on(int s)
{
    if (listen(s, 1) == -1)
        exit_with_error("listen", "TCP socket");
}

int accept_on(int s)
{
    int c = accept(s, NULL, NULL);
    if (c == -1)
        exit_with_error("accept", "TCP socket");
    return c;
}

struct endpoint local_endpoint(int s)
{
    union socket_address address;
    socklen_t length = sizeof address;

    if (getsockname(s, &address.any, &length) == -1)
        exit_with_error("getsockname", "TCP socket");
    return make_endpoint(&address);
}

void set_option(int s, int level, int name, int value)
{
    if (setsockopt(s, level, name, &value, sizeof value) == -1)
        exit_with_error("setsockopt", "TCP socket");
}

int get_option(int s, int level, int name)
{
    int value;
    socklen_t length = sizeof value;

    if (getsockopt(s, level, name, &value, &length) == -1)
        exit_with_error("getsockopt", "TCP socket");
    return value;
}
