/*
 * listen.c - a TCP server that prints the address of each client. Usage: listen PORT.
 * Rust counterpart: src/porting/listen.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *port = argv[1];
    if (argc != 2) {
        dprintf(STDERR_FILENO, "usage: listen PORT\n");
        return 2;
    }

    /* 1. Look up the addresses. With AI_PASSIVE and no host, they are the wildcard addresses. */
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *list, *p;
    int z = getaddrinfo(NULL, port, &hints, &list);
    if (z != 0)
        errx(1, "getaddrinfo %s: %s", port, gai_strerror(z));

    /* 2. Bind to the first address that can be bound. Set SO_REUSEADDR before bind. */
    int s = -1, on = 1, reason = EAFNOSUPPORT; /* if no socket can be created */
    for (p = list; p != NULL; p = p->ai_next) {
        s = socket(p->ai_family, p->ai_socktype, p->ai_protocol);
        if (s == -1)
            continue;
        z = setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (z == 0 && bind(s, p->ai_addr, p->ai_addrlen) == 0)
            break;
        reason = errno;
        close(s);
    }
    if (p == NULL)
        errx(1, "bind %s: %s", port, strerror(reason));
    freeaddrinfo(list);
    if (listen(s, SOMAXCONN) == -1)
        err(1, "listen %s", port);
    dprintf(STDOUT_FILENO, "listening on port %s\n", port);

    for (;;) {
        /* 3. Accept a client. A sockaddr_storage has room for an address of any family. */
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int c = accept(s, (struct sockaddr *)&address, &len);
        if (c == -1)
            err(1, "accept %s", port);

        /* 4. Read the address by its family. */
        char host[INET6_ADDRSTRLEN];
        if (address.ss_family == AF_INET) {
            struct sockaddr_in *in = (struct sockaddr_in *)&address;
            inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
            dprintf(STDOUT_FILENO, "client %s:%d\n", host, ntohs(in->sin_port));
        } else {
            struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
            inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
            dprintf(STDOUT_FILENO, "client [%s]:%d\n", host, ntohs(in6->sin6_port));
        }
        close(c);
    }
}
