/* connect.c - tests whether a TCP server can be reached, for one second per address.
 * Usage: connect HOST PORT. Rust counterpart: src/porting/connect.rs. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Returns 0 if a connection to the address is established, or else the error. */
static int try_address(const struct addrinfo *p)
{
    /* 1. Make the socket non-blocking, so that connect does not wait. */
    int s = socket(p->ai_family, p->ai_socktype, p->ai_protocol);
    if (s == -1)
        return errno;
    fcntl(s, F_SETFL, fcntl(s, F_GETFL) | O_NONBLOCK);
    int error = connect(s, p->ai_addr, p->ai_addrlen) == 0 ? 0 : errno;

    /* 2. Wait until the connection is established or has failed. SO_ERROR is the result. */
    if (error == EINPROGRESS) {
        struct pollfd fd = {.fd = s, .events = POLLOUT};
        socklen_t len = sizeof error;
        error = ETIMEDOUT;
        if (poll(&fd, 1, 1000) == 1)
            getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &len);
    }
    close(s);
    return error;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(1, "usage: connect HOST PORT");
    const char *host = argv[1], *port = argv[2];

    /* 3. Look up the addresses. Without ai_socktype, each would be in the list several times. */
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int z = getaddrinfo(host, port, &hints, &list), error = -1;
    if (z != 0)
        errx(1, "getaddrinfo %s %s: %s", host, port, gai_strerror(z));

    /* 4. Try each, until one succeeds. */
    for (const struct addrinfo *p = list; p != NULL && error != 0; p = p->ai_next)
        error = try_address(p);
    freeaddrinfo(list);
    if (error != 0)
        errx(1, "connect %s %s: %s", host, port, strerror(error));
    dprintf(STDOUT_FILENO, "connected to %s %s\n", host, port);
}
