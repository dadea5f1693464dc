/*
 * address.c - addresses: text, endpoint, sockaddr.
 * Rust counterpart: src/address.rs.
 */
#include "address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char bad_address[] =
    "ADDRESS must be an IPv4 address, an IPv6 address in brackets, or localhost";
static const char bad_port[] = "PORT must be a decimal number from 1 to 65535";

/* Reads digits, and nothing else, into *port. Returns whether they are a port. */
static bool parse_port(const char *text, in_port_t *port)
{
    int number = 0;

    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        number = number * 10 + *text - '0';
        if (number > UINT16_MAX)
            return false;
    }
    *port = (in_port_t)number;
    return number != 0;
}

const char *parse_endpoint(const char *text, in_addr_t default_address, struct endpoint *endpoint)
{
    const char *colon = strrchr(text, ':');
    const char *port = colon != NULL ? colon + 1 : text;
    struct in6_addr *address = &endpoint->address;

    *endpoint = (struct endpoint){.family = AF_INET, .address.s6_addr = {[10] = 0xff, 0xff}};
    address->s6_addr32[3] = htonl(default_address);
    if (colon != NULL) {
        char host[sizeof "[]" + INET6_ADDRSTRLEN];
        size_t length = (size_t)(colon - text);
        if (length == 0 || length >= sizeof host)
            return bad_address;
        memcpy(host, text, length);
        host[length] = '\0';
        if (strcmp(host, "localhost") == 0) {
            address->s6_addr32[3] = htonl(INADDR_LOOPBACK);
        } else if (strchr(host, ':') != NULL) {
            bool brackets = host[0] == '[' && host[length - 1] == ']';
            host[length - brackets] = '\0';
            endpoint->family = AF_INET6;
            if (inet_pton(AF_INET6, host + brackets, address) != 1)
                return bad_address;
        } else if (inet_pton(AF_INET, host, &address->s6_addr32[3]) != 1) {
            return bad_address;
        }
    }
    return parse_port(port, &endpoint->port) ? NULL : bad_port;
}

const char *format_endpoint(const struct endpoint *endpoint, char text[ENDPOINT_TEXT])
{
    const struct in6_addr *address = &endpoint->address;
    char host[INET6_ADDRSTRLEN];

    if (endpoint->family == AF_INET) {
        inet_ntop(AF_INET, &address->s6_addr32[3], host, sizeof host);
        snprintf(text, ENDPOINT_TEXT, "%s:%u", host, (unsigned)endpoint->port);
        return text;
    }
    inet_ntop(AF_INET6, address, host, sizeof host);
    /* glibc formats ::1:2 as ::0.1.0.2, a form that RFC 4291 deprecates. */
    if (IN6_IS_ADDR_V4COMPAT(address) && address->s6_addr16[6] != 0)
        snprintf(host, sizeof host, "::%x:%x", (unsigned)ntohs(address->s6_addr16[6]),
                 (unsigned)ntohs(address->s6_addr16[7]));
    snprintf(text, ENDPOINT_TEXT, "[%s]:%u", host, (unsigned)endpoint->port);
    return text;
}

const char *format_address(const struct sockaddr_in *address, char text[ADDRESS_TEXT])
{
    char host[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &address->sin_addr, host, sizeof host);
    snprintf(text, ADDRESS_TEXT, "%s:%u", host, (unsigned)ntohs(address->sin_port));
    return text;
}

socklen_t make_sockaddr(const struct endpoint *endpoint, union socket_address *address)
{
    memset(address, 0, sizeof *address);
    if (endpoint->family == AF_INET6) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(endpoint->port);
        address->v6.sin6_addr = endpoint->address;
        return sizeof address->v6;
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(endpoint->port);
    address->v4.sin_addr.s_addr = endpoint->address.s6_addr32[3];
    return sizeof address->v4;
}

struct endpoint make_endpoint(const union socket_address *address)
{
    struct endpoint endpoint = {.family = AF_INET, .address.s6_addr = {[10] = 0xff, 0xff}};

    if (address->any.sa_family == AF_INET6) {
        endpoint.family = AF_INET6;
        endpoint.address = address->v6.sin6_addr;
        endpoint.port = ntohs(address->v6.sin6_port);
    } else {
        endpoint.address.s6_addr32[3] = address->v4.sin_addr.s_addr;
        endpoint.port = ntohs(address->v4.sin_port);
    }
    return endpoint;
}

bool is_wildcard(const struct in6_addr *address)
{
    return IN6_IS_ADDR_UNSPECIFIED(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr32[3] == htonl(INADDR_ANY));
}
