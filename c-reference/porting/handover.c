/* handover.c - receives a descriptor at PATH, or sends that of FILE. Usage: handover PATH [FILE].
 * Rust counterpart: src/porting/handover.rs. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    /* 1. Copy the path. Its NUL has to fit; an empty path would be an abstract address. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = argc > 1 ? argv[1] : "";
    if (*path == '\0' || strlen(path) >= sizeof address.sun_path)
        errx(1, "usage: handover PATH [FILE]");
    strcpy(address.sun_path, path);
    int fd, s = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (s == -1)
        err(1, "socket");

    /* 2. Describe a message of one byte and a descriptor. size_t aligns the control buffer. */
    size_t control[CMSG_SPACE(sizeof fd) / sizeof(size_t)] = {0};
    char buffer[4096] = {0};
    struct iovec data = {.iov_base = buffer, .iov_len = 1};
    struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address,
                             .msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    /* 3. Send the descriptor of the file. */
    if (argc > 2) {
        fd = open(argv[2], O_RDONLY);
        if (fd == -1)
            err(1, "open %s", argv[2]);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
        if (sendmsg(s, &message, 0) == -1)
            err(1, "sendmsg %s", path);
        return 0;
    }

    /* 4. Receive. bind fails with EADDRINUSE if the path exists, even with SO_REUSEADDR. */
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1)
        err(1, "bind %s", path);
    if (recvmsg(s, &message, MSG_CMSG_CLOEXEC) == -1)
        err(1, "recvmsg %s", path);
    unlink(path); /* it would outlive the socket */
    header = CMSG_FIRSTHDR(&message);
    if (header == NULL) /* the message had no descriptor */
        errx(1, "recvmsg %s: no descriptor", path);
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n == -1)
        err(1, "read");
    printf("read %zd bytes\n", n);
}
