/*
 * epoll.c - an echo server for many clients in one process. Usage: epoll ADDRESS.
 * Rust counterpart: src/porting/epoll.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        dprintf(STDERR_FILENO, "usage: epoll ADDRESS\n");
        return 2;
    }

    /* 1. Listen on a non-blocking socket. */
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    if (s == -1 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        err(1, "socket or setsockopt");
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1 || listen(s, SOMAXCONN) == -1)
        err(1, "bind or listen %s", argv[1]);

    /* 2. Watch it. EPOLLET reports it once, however many clients are in its queue. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)s};
    int ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep == -1 || epoll_ctl(ep, EPOLL_CTL_ADD, s, &event) == -1)
        err(1, "epoll_create1 or epoll_ctl");

    for (;;) {
        /* 3. Wait. SIGSTOP and SIGCONT make this fail with EINTR, even without a handler. */
        struct epoll_event ready[16];
        int count = epoll_wait(ep, ready, 16, -1);
        if (count == -1 && errno != EINTR)
            err(1, "epoll_wait");
        for (int i = 0; i < count; i++) {
            int fd = (int)ready[i].data.u64;
            if (fd != s) {
                /* 4. Echo. Close at end of file, on an error, and if the client does not read. */
                char buffer[4096];
                ssize_t n = recv(fd, buffer, sizeof buffer, 0);
                if (n <= 0 || send(fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
                    close(fd);
                continue;
            }

            /* 5. Accept until EAGAIN. The new sockets block: they do not inherit the flag. */
            while ((fd = accept(s, NULL, NULL)) != -1) {
                event = (struct epoll_event){.events = EPOLLIN, .data.u64 = (uint64_t)fd};
                if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == -1)
                    err(1, "epoll_ctl");
            }
            if (errno != EAGAIN)
                err(1, "accept");
        }
    }
}
