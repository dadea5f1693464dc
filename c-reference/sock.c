/*
 * sock.c - sockets for the addresses of the tables, their options, and what the rule has to know.
 *
 * Twin: src/sock.rs.
 */
#include "reuseaddr.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union address make_address(sa_family_t family, const char *text, in_port_t port);
static int get_option(int s, int level, int name);
static struct in6_addr as_ipv6(const union address *address);

int open_socket(const struct place *place, bool reuseaddr, bool reuseport)
{
    int s = socket(place->family, SOCK_STREAM, 0);
    if (s == -1)
        bail("socket", place->name);
    set_option(s, SOL_SOCKET, SO_REUSEADDR, reuseaddr);
    set_option(s, SOL_SOCKET, SO_REUSEPORT, reuseport);
    if (place->family == AF_INET6)
        set_option(s, IPPROTO_IPV6, IPV6_V6ONLY, place->v6only);
    return s;
}

int bind_socket(int s, const struct place *place, const char *text, in_port_t port)
{
    union address address = make_address(place->family, text, port);
    return bind(s, &address.any, sizeof address);
}

int connect_to(int s, int listener)
{
    union address address;
    socklen_t length = sizeof address;

    if (getsockname(listener, &address.any, &length) == -1)
        return -1;
    return connect(s, &address.any, length);
}

int connect_peer(const struct place *place, in_port_t port)
{
    union address address = make_address(place->family, place->reach, port);

    int peer = socket(place->family, SOCK_STREAM, 0);
    if (peer == -1)
        bail("socket", place->name);
    /* Little room, as in fill(), which is soon done then. */
    set_option(peer, SOL_SOCKET, SO_RCVBUF, 1);
    if (connect(peer, &address.any, sizeof address) == -1)
        bail("connect to", place->name);
    return peer;
}

static union address make_address(sa_family_t family, const char *text, in_port_t port)
{
    union address address;

    memset(&address, 0, sizeof address);
    address.any.sa_family = family;
    if (family == AF_INET) {
        address.v4.sin_port = htons(port);
        inet_pton(family, text, &address.v4.sin_addr);
    } else {
        address.v6.sin6_port = htons(port);
        inet_pton(family, text, &address.v6.sin6_addr);
    }
    return address;
}

void set_option(int s, int level, int name, int value)
{
    if (setsockopt(s, level, name, &value, sizeof value) == -1)
        bail("setsockopt", "a socket of the table");
}

static int get_option(int s, int level, int name)
{
    int value;
    socklen_t length = sizeof value;

    if (getsockopt(s, level, name, &value, &length) == -1)
        bail("getsockopt", "a socket of the table");
    return value;
}

struct tcp_socket describe(int s, enum state state)
{
    struct tcp_socket socket = {.state = state};
    union address address;
    socklen_t length = sizeof address;

    if (getsockname(s, &address.any, &length) == -1)
        bail("getsockname", "a socket of the table");
    socket.family = address.any.sa_family;
    socket.address = as_ipv6(&address);
    if (socket.family == AF_INET6)
        socket.v6only = get_option(s, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
    socket.reuseaddr = get_option(s, SOL_SOCKET, SO_REUSEADDR) != 0;
    socket.reuseport = get_option(s, SOL_SOCKET, SO_REUSEPORT) != 0;
    socket.uid = geteuid();
    return socket;
}

struct tcp_socket newcomer_for(const struct place *place, bool reuseaddr, bool reuseport)
{
    union address address = make_address(place->family, place->text, 0);

    return (struct tcp_socket){
        .state = BOUND,
        .family = place->family,
        .address = as_ipv6(&address),
        .v6only = place->v6only,
        .reuseaddr = reuseaddr,
        .reuseport = reuseport,
        .uid = geteuid(),
    };
}

/* The address, an IPv4 one as IPv4-mapped. */
static struct in6_addr as_ipv6(const union address *address)
{
    struct in6_addr mapped = {.s6_addr = {[10] = 0xff, 0xff}};

    if (address->any.sa_family == AF_INET6)
        return address->v6.sin6_addr;
    memcpy(&mapped.s6_addr[12], &address->v4.sin_addr, sizeof address->v4.sin_addr);
    return mapped;
}
