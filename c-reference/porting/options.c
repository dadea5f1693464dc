/*
 * options.c - sets socket options, and waits for a client. Usage: options ADDRESS MILLISECONDS.
 * Rust counterpart: src/porting/options.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/* Sets an option to value, and reads it back. */
static void set_option(int s, int level, int name, void *value, socklen_t size)
{
    if (setsockopt(s, level, name, value, size) == -1 ||
        getsockopt(s, level, name, value, &size) == -1)
        err(1, "socket option %d", name);
}

int main(int argc, char **argv)
{
    /* 1. Parse. strtol skips spaces, stops at the first other character, and sets errno. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    char *end = "";
    errno = 0;
    long ms = argc > 2 ? strtol(argv[2], &end, 10) : 0;
    if (ms <= 0 || *end != '\0' || errno != 0 || !inet_pton(AF_INET, argv[1], &address.sin_addr)) {
        dprintf(STDERR_FILENO, "usage: options ADDRESS MILLISECONDS\n");
        return 2;
    }

    /* 2. Set the options. Each has its own type, and a timeout of 0 would be none. */
    int s = socket(AF_INET, SOCK_STREAM, 0), reuse = 1, nodelay = 1;
    struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    struct linger linger = {.l_onoff = 1, .l_linger = 5};
    set_option(s, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    set_option(s, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    set_option(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    set_option(s, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof nodelay);
    dprintf(STDOUT_FILENO, "reuse %d, nodelay %d, linger %d s\n", reuse, nodelay, linger.l_linger);
    dprintf(STDOUT_FILENO, "timeout %ld.%06ld s\n", timeout.tv_sec, timeout.tv_usec);

    /* 3. Bind after SO_REUSEADDR is set. The timeout makes accept fail with EAGAIN. */
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1 || listen(s, SOMAXCONN) == -1)
        err(1, "bind or listen %s", argv[1]);
    if (accept(s, NULL, NULL) == -1)
        err(1, "accept");
    return 0;
}
