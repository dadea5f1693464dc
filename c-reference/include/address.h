/* address.h - addresses: text, endpoint, sockaddr. Rust counterpart: src/address.rs. */
#ifndef ADDRESS_H
#define ADDRESS_H
#include <netinet/in.h>
#include <stdbool.h>

/* Size of the longest ADDRESS:PORT and [IPv6]:PORT, with the NUL. */
#define ADDRESS_TEXT sizeof "255.255.255.255:65535"
#define ENDPOINT_TEXT sizeof "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535"

/* An IPv4 or IPv6 address and a port, in host byte order. */
struct endpoint {
    sa_family_t family;
    struct in6_addr address; /* IPv4-mapped if family is AF_INET */
    in_port_t port;
};

/* Room for either address that the kernel reads or writes. */
union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/*
 * Reads "[ADDRESS:]PORT" into *endpoint. ADDRESS is an IPv4 address, an IPv6 address in brackets,
 * or localhost; without it, the address is default_address, in host byte order.
 * Returns NULL, or a sentence that describes what was expected.
 */
const char *parse_endpoint(const char *text, in_addr_t default_address, struct endpoint *endpoint);

/* Formats *endpoint as "ADDRESS:PORT" or "[IPv6]:PORT". Returns text. */
const char *format_endpoint(const struct endpoint *endpoint, char text[ENDPOINT_TEXT]);

/* Formats *address as "ADDRESS:PORT". Returns text. */
const char *format_address(const struct sockaddr_in *address, char text[ADDRESS_TEXT]);

/* Fills in *address from *endpoint. Returns the size of the structure for that family. */
socklen_t make_sockaddr(const struct endpoint *endpoint, union socket_address *address);

/* Returns the endpoint in *address. */
struct endpoint make_endpoint(const union socket_address *address);

/* Returns whether address is a wildcard, 0.0.0.0 (IPv4-mapped) or ::. */
bool is_wildcard(const struct in6_addr *address);
#endif
