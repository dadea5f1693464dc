/*
 * udp.c - sends standard input as a datagram, and prints the reply's sender. Usage: udp ADDRESS.
 * Rust counterpart: src/porting/udp.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

/* Sends n bytes to peer, and receives the reply into the buffer. Sets peer to its sender. */
static ssize_t ask(int s, char buffer[1024], size_t n, struct sockaddr_in *peer)
{
    /* 1. Pass the size of the address, not that of a pointer to it. */
    socklen_t len = sizeof *peer; /* sizeof peer is 8 */
    if (sendto(s, buffer, n, 0, (struct sockaddr *)peer, len) == -1)
        return -1;
    return recvfrom(s, buffer, 1024, 0, (struct sockaddr *)peer, &len);
}

int main(int argc, char **argv)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 2 || inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1) {
        dprintf(STDERR_FILENO, "usage: udp ADDRESS\n");
        return 2;
    }

    /* 2. Wait for at most one second. A timeout of zero would be no limit. */
    struct timeval timeout = {.tv_sec = 1};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s == -1 || setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == -1)
        err(1, "socket or setsockopt");

    /* 3. Ask. After one second, recvfrom fails with EAGAIN. */
    char buffer[1024], host[INET_ADDRSTRLEN];
    ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n == -1 || (n = ask(s, buffer, (size_t)n, &peer)) == -1)
        err(1, "read, sendto or recvfrom %s", argv[1]);
    inet_ntop(AF_INET, &peer.sin_addr, host, sizeof host);
    dprintf(STDOUT_FILENO, "%s:%d replies with %zd bytes\n", host, ntohs(peer.sin_port), n);
    return 0;
}
