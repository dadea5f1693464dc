/* epoll.c - a UDP echo server, which exits at the end of its standard input. Usage: epoll ADDRESS.
 * Rust counterpart: src/porting/epoll.rs. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Receives a datagram, and sets peer to the address of its sender. */
static ssize_t receive(int s, char buffer[2048], struct sockaddr_in *peer)
{
    /* 1. Pass the size of the address, not that of a pointer to it. */
    socklen_t len = sizeof *peer; /* sizeof peer is 8 */
    return recvfrom(s, buffer, 2048, 0, (struct sockaddr *)peer, &len);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
        errx(1, "usage: epoll ADDRESS");

    /* 2. Bind a socket that does not block. Watch it, and standard input. */
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (s == -1)
        err(1, "socket");
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1)
        err(1, "bind %s", argv[1]);
    int fds[] = {STDIN_FILENO, s}, ep = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)fds[i]};
        if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event) == -1)
            err(1, "epoll_ctl %d", fds[i]);
    }

    for (;;) {
        /* 3. Wait. SIGSTOP and SIGCONT make this fail with EINTR, even without a handler. */
        struct epoll_event ready;
        char buffer[2048];
        int count = epoll_wait(ep, &ready, 1, -1);
        if (count == -1 && errno != EINTR)
            err(1, "epoll_wait");
        if (count == 1 && ready.data.u64 == STDIN_FILENO && read(STDIN_FILENO, buffer, 2048) <= 0)
            return 0;

        /* 4. Echo until EAGAIN. A reply that cannot be sent is lost, as any datagram may be. */
        for (ssize_t n; (n = receive(s, buffer, &address)) != -1;)
            sendto(s, buffer, (size_t)n, 0, (struct sockaddr *)&address, sizeof address);
        if (errno != EAGAIN)
            err(1, "recvfrom %s", argv[1]);
    }
}
