/*
 * chat.c - a chat server: sends what a client sends to all other clients. Usage: chat ADDRESS.
 * Rust counterpart: src/porting/chat.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        dprintf(STDERR_FILENO, "usage: chat ADDRESS\n");
        return 2;
    }

    /* 1. Listen, and watch the listening socket. */
    int on = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        err(1, "socket or setsockopt");
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1 || listen(s, SOMAXCONN) == -1)
        err(1, "bind or listen %s", argv[1]);
    dprintf(STDOUT_FILENO, "listening on %s\n", argv[1]);
    struct pollfd *fds = malloc(sizeof *fds);
    if (fds == NULL)
        err(1, "malloc");
    fds[0] = (struct pollfd){.fd = s, .events = POLLIN};

    for (nfds_t count = 1;;) {
        /* 2. Wait. Go through the sockets from the last one, so that removing one skips none. */
        if (poll(fds, count, -1) == -1)
            err(1, "poll");
        for (nfds_t i = count; i-- > 0;) {
            if (fds[i].revents == 0) /* POLLERR and POLLHUP come without POLLIN, and unrequested */
                continue;

            /* 3. Accept, and watch the client's socket. */
            if (i == 0) {
                int c = accept(s, NULL, NULL);
                fds = realloc(fds, (count + 1) * sizeof *fds);
                if (c == -1 || fds == NULL)
                    err(1, "accept or realloc");
                fds[count++] = (struct pollfd){.fd = c, .events = POLLIN};
                continue;
            }

            /* 4. Receive. Remove a client that has closed. */
            char text[1024];
            ssize_t n = recv(fds[i].fd, text, sizeof text, 0);
            if (n <= 0) {
                close(fds[i].fd);
                fds[i] = fds[--count];
                continue;
            }

            /* 5. Send to the others. A send to one that has closed would raise SIGPIPE. */
            for (nfds_t other = 1; other < count; other++)
                if (other != i)
                    send(fds[other].fd, text, (size_t)n, MSG_NOSIGNAL);
        }
    }
}
