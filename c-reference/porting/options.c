/* options.c - sets options of a TCP socket, and reads them back. Usage: options MILLISECONDS.
 * Rust counterpart: src/porting/options.rs. */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

/* Sets an option to value, and reads it back. */
static void set_option(int s, int level, int name, void *value, socklen_t size)
{
    if (setsockopt(s, level, name, value, size) == -1)
        err(1, "setsockopt %d", name);
    getsockopt(s, level, name, value, &size);
}

int main(int argc, char **argv)
{
    /* 1. Parse. strtol skips white space, stops at the first other character, and sets errno. */
    char *end = "";
    errno = 0;
    long ms = argc > 1 ? strtol(argv[1], &end, 10) : 0;
    if (ms <= 0 || *end != '\0' || errno != 0)
        errx(1, "usage: options MILLISECONDS");

    /* 2. Set the options. Each has its own type, and 0 would mean no timeout. */
    int s = socket(AF_INET, SOCK_STREAM, 0), reuse = 1, nodelay = 1;
    if (s == -1)
        err(1, "socket");
    struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    struct linger linger = {.l_onoff = 1, .l_linger = 5};
    set_option(s, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    set_option(s, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    set_option(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    set_option(s, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof nodelay);
    printf("reuse %d, nodelay %d, linger %d s, ", reuse, nodelay, linger.l_linger);
    printf("timeout %ld.%06ld s\n", timeout.tv_sec, timeout.tv_usec);
}
