/*
 * address.c - text to addresses and back.
 *
 * Twin: src/address.rs.
 */
#include "reuseaddr.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char bad_address[] = "ADDRESS must be a dotted quad such as 127.0.0.1";
static const char bad_port[] = "PORT must be decimal digits from 0 to 65535";
static const char bad_host[] = "ADDRESS must be a dotted quad, or IPv6 in brackets";
static const char bad_held_port[] = "PORT must be decimal digits from 1 to 65535";

static bool parse_port(const char *text, in_port_t *port);

const char *parse_address(const char *text, struct sockaddr_in *address)
{
    const char *colon = strrchr(text, ':');
    const char *port = colon != NULL ? colon + 1 : text;

    /* 1. Start from zeros: sockaddr_in ends in padding. */
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;

    /* 2. What stands before the last colon is the address; the network is for who asks for it. */
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (colon != NULL) {
        char quad[INET_ADDRSTRLEN];
        size_t length = (size_t)(colon - text);
        if (length >= sizeof quad)
            return bad_address;
        memcpy(quad, text, length);
        quad[length] = '\0';
        if (inet_pton(AF_INET, quad, &address->sin_addr) != 1)
            return bad_address;
    }

    if (!parse_port(port, &address->sin_port))
        return bad_port;
    address->sin_port = htons(address->sin_port);
    return NULL;
}

const char *parse_endpoint(const char *text, struct endpoint *endpoint)
{
    const char *colon = strrchr(text, ':');
    const char *port = colon != NULL ? colon + 1 : text;

    /* 3. Brackets are IPv6's. Who names no address asks about all of IPv4's. */
    *endpoint = (struct endpoint){.family = AF_INET, .address.s6_addr = {[10] = 0xff, 0xff}};
    if (colon != NULL) {
        char host[sizeof "[]" + INET6_ADDRSTRLEN];
        size_t length = (size_t)(colon - text);
        if (length == 0 || length >= sizeof host)
            return bad_host;
        memcpy(host, text, length);
        host[length] = '\0';
        void *to = &endpoint->address.s6_addr[12];
        const char *start = host;
        if (host[0] == '[' && host[length - 1] == ']') {
            endpoint->family = AF_INET6;
            to = &endpoint->address;
            host[length - 1] = '\0';
            start++;
        }
        if (inet_pton(endpoint->family, start, to) != 1)
            return bad_host;
    }

    /* 4. Nobody holds port 0. */
    if (!parse_port(port, &endpoint->port) || endpoint->port == 0)
        return bad_held_port;
    return NULL;
}

/* Reads text into *port, in host byte order. Returns whether that is what it is. */
static bool parse_port(const char *text, in_port_t *port)
{
    uint16_t number = 0;

    /* 5. Digits and nothing else. */
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        int digit = *text - '0';
        if (number > (UINT16_MAX - digit) / 10)
            return false;
        number = (uint16_t)(number * 10 + digit);
    }
    *port = number;
    return true;
}

const char *format_address(const struct sockaddr_in *address, char text[ADDRESS_TEXT])
{
    char quad[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &address->sin_addr, quad, sizeof quad);
    snprintf(text, ADDRESS_TEXT, "%s:%u", quad, (unsigned)ntohs(address->sin_port));
    return text;
}

const char *format_endpoint(const struct endpoint *endpoint, char text[ENDPOINT_TEXT])
{
    const struct in6_addr *address = &endpoint->address;
    char host[INET6_ADDRSTRLEN];

    if (endpoint->family == AF_INET) {
        inet_ntop(AF_INET, &address->s6_addr[12], host, sizeof host);
        snprintf(text, ENDPOINT_TEXT, "%s:%u", host, (unsigned)endpoint->port);
        return text;
    }
    inet_ntop(AF_INET6, address, host, sizeof host);
    /* glibc writes ::1:2 as ::0.1.0.2, which RFC 4291 has deprecated. */
    if (IN6_IS_ADDR_V4COMPAT(address) && address->s6_addr16[6] != 0)
        snprintf(host, sizeof host, "::%x:%x", (unsigned)ntohs(address->s6_addr16[6]),
                 (unsigned)ntohs(address->s6_addr16[7]));
    snprintf(text, ENDPOINT_TEXT, "[%s]:%u", host, (unsigned)endpoint->port);
    return text;
}
