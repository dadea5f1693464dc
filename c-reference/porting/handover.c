/*
 * handover.c - prints the start of a file that a child process opens. Usage: handover FILE.
 * Rust counterpart: src/porting/handover.rs.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char buffer[4096] = {0};
    int pair[2], fd;
    if (argc < 2) {
        dprintf(STDERR_FILENO, "usage: handover FILE\n");
        return 2;
    }

    /* 1. Describe a message of a byte and a descriptor. size_t aligns the control buffer. */
    size_t control[CMSG_SPACE(sizeof fd) / sizeof(size_t)] = {0};
    struct iovec data = {.iov_base = buffer, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    message.msg_control = control;
    message.msg_controllen = sizeof control;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
        err(1, "socketpair");
    pid_t pid = fork();
    if (pid == -1)
        err(1, "fork");
    if (pid == 0) {
        /* 2. The child process opens the file, and sends the descriptor. */
        fd = open(argv[1], O_RDONLY);
        if (fd == -1)
            err(1, "open %s", argv[1]);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
        if (sendmsg(pair[1], &message, 0) == -1)
            err(1, "sendmsg");
        _exit(0);
    }

    /* 3. The parent receives it. Without a descriptor, there is no header. */
    close(pair[1]);
    if (recvmsg(pair[0], &message, MSG_CMSG_CLOEXEC) == -1)
        err(1, "recvmsg");
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL)
        return 1;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n == -1 || write(STDOUT_FILENO, buffer, (size_t)n) == -1)
        err(1, "read or write");
    return 0;
}
