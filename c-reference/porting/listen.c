/* listen.c - a TCP server that prints the address of each client. Usage: listen PORT [HOST].
 * Rust counterpart: src/porting/listen.rs. */
#include <arpa/inet.h>
#include <err.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2)
        errx(1, "usage: listen PORT [HOST]");
    const char *port = argv[1], *host = argv[2]; /* argv[argc] is null */

    /* 1. Look up the address. With AI_PASSIVE, a null host stands for the wildcard address. */
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *p;
    int z = getaddrinfo(host, port, &hints, &p), on = 1;
    if (z != 0)
        errx(1, "getaddrinfo %s: %s", port, gai_strerror(z));

    /* 2. Listen on the first address. Set SO_REUSEADDR before bind. */
    int s = socket(p->ai_family, p->ai_socktype | SOCK_CLOEXEC, p->ai_protocol);
    if (s == -1)
        err(1, "socket");
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s, p->ai_addr, p->ai_addrlen) == -1)
        err(1, "bind %s", port);
    freeaddrinfo(p);
    if (listen(s, SOMAXCONN) == -1)
        err(1, "listen %s", port);

    for (;;) {
        /* 3. Accept a client. A sockaddr_storage has room for an address of any family. */
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int c = accept(s, (struct sockaddr *)&address, &len);
        if (c == -1)
            err(1, "accept %s", port);

        /* 4. Read the address according to its family. */
        char text[INET6_ADDRSTRLEN];
        if (address.ss_family == AF_INET) {
            struct sockaddr_in *in = (struct sockaddr_in *)&address;
            inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
            dprintf(STDOUT_FILENO, "client %s:%d\n", text, ntohs(in->sin_port));
        } else {
            struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
            inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
            dprintf(STDOUT_FILENO, "client [%s]:%d\n", text, ntohs(in6->sin6_port));
        }
        close(c);
    }
}
