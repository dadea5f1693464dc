/* chat.c - a chat server: forwards what a client sends to all other clients. Usage: chat ADDRESS.
 * Rust counterpart: src/porting/chat.rs. */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
        errx(1, "usage: chat ADDRESS");

    /* 1. Listen, and watch the listening socket. */
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (s == -1)
        err(1, "socket");
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1)
        err(1, "bind %s", argv[1]);
    if (listen(s, SOMAXCONN) == -1)
        err(1, "listen %s", argv[1]);
    struct pollfd *fds = malloc(sizeof *fds);
    if (fds == NULL)
        err(1, "malloc");
    *fds = (struct pollfd){.fd = s, .events = POLLIN};

    for (nfds_t count = 1;;) {
        /* 2. Wait. Go through the clients from the last one, so that removing one skips none. */
        if (poll(fds, count, -1) == -1)
            err(1, "poll");
        for (nfds_t i = count; --i > 0;) {
            if (fds[i].revents == 0) /* POLLERR and POLLHUP come without POLLIN, and unrequested */
                continue;

            /* 3. Receive. Remove a client that has closed. */
            char text[1024];
            ssize_t n = recv(fds[i].fd, text, sizeof text, 0);
            if (n <= 0) {
                close(fds[i].fd);
                fds[i] = fds[--count];
            }

            /* 4. Send to the others, without SIGPIPE. A client that does not read loses text. */
            for (nfds_t other = 1; n > 0 && other < count; other++)
                if (other != i)
                    send(fds[other].fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
        }

        /* 5. Accept, and watch the client's socket. */
        if (fds[0].revents != 0) {
            int c = accept(s, NULL, NULL);
            if (c == -1)
                err(1, "accept %s", argv[1]);
            fds = realloc(fds, (count + 1) * sizeof *fds);
            if (fds == NULL)
                err(1, "realloc");
            fds[count++] = (struct pollfd){.fd = c, .events = POLLIN};
        }
    }
}
