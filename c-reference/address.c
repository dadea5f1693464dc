/*
 * address.c - text to sockaddr_in and back.
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

    /* 3. The port: digits and nothing else, in network byte order. */
    uint16_t number = 0;
    if (*port == '\0')
        return bad_port;
    for (; *port != '\0'; port++) {
        if (*port < '0' || *port > '9')
            return bad_port;
        int digit = *port - '0';
        if (number > (UINT16_MAX - digit) / 10)
            return bad_port;
        number = (uint16_t)(number * 10 + digit);
    }
    address->sin_port = htons(number);
    return NULL;
}

const char *format_address(const struct sockaddr_in *address, char text[ADDRESS_TEXT])
{
    char quad[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &address->sin_addr, quad, sizeof quad);
    snprintf(text, ADDRESS_TEXT, "%s:%u", quad, (unsigned)ntohs(address->sin_port));
    return text;
}
