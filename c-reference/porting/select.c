/*
 * select.c - a client: sends its standard input, prints what it receives. Usage: select ADDRESS.
 * Rust counterpart: src/porting/select.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <sys/select.h>
#include <unistd.h>

/* Copies what can be read. Returns 0 at end of file. */
static ssize_t copy(int from, int to)
{
    char buffer[4096];
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n == -1 || (n > 0 && write(to, buffer, (size_t)n) != n))
        err(1, "read or write");
    return n;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        dprintf(STDERR_FILENO, "usage: select ADDRESS\n");
        return 2;
    }

    /* 1. Connect. An fd_set has room for descriptors below FD_SETSIZE only. */
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s >= FD_SETSIZE)
        errx(1, "socket: descriptor %d is too large", s);
    if (s == -1 || connect(s, (struct sockaddr *)&address, sizeof address) == -1)
        err(1, "connect %s", argv[1]);

    for (int stdin_open = 1;;) {
        /* 2. Fill the set again before each call: select leaves in it what is readable. */
        fd_set set;
        FD_ZERO(&set);
        FD_SET(s, &set);
        if (stdin_open)
            FD_SET(STDIN_FILENO, &set);

        /* 3. Wait. nfds is the highest descriptor plus one. */
        if (select(s + 1, &set, NULL, NULL, NULL) == -1)
            err(1, "select");

        /* 4. Copy. After standard input has ended, the server may still send. */
        if (FD_ISSET(s, &set) && copy(s, STDOUT_FILENO) == 0)
            return 0;
        if (FD_ISSET(STDIN_FILENO, &set) && copy(STDIN_FILENO, s) == 0) {
            stdin_open = 0;
            shutdown(s, SHUT_WR);
        }
    }
}
