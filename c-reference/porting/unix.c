/*
 * unix.c - prints one message that is sent to a UNIX domain socket.
 *
 * Usage: unix PATH. Rust counterpart: src/porting/unix.rs.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char buffer[4096];

    /* 1. Copy the path. Its NUL has to fit; an empty path would be an abstract address. */
    const char *path = argc > 1 ? argv[1] : "";
    if (strlen(path) == 0 || strlen(path) >= sizeof address.sun_path) {
        dprintf(STDERR_FILENO, "usage: unix PATH\n");
        return 2;
    }
    strcpy(address.sun_path, path);

    /* 2. Bind. Fails with EADDRINUSE if the path exists; SO_REUSEADDR does not change that. */
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (s == -1 || bind(s, (struct sockaddr *)&address, sizeof address) == -1)
        err(1, "bind %s", path);

    /* 3. Print a message. */
    ssize_t n = recv(s, buffer, sizeof buffer, 0);
    if (n == -1 || write(STDOUT_FILENO, buffer, (size_t)n) == -1)
        err(1, "recv or write");

    /* 4. Remove the path, which outlives the socket. */
    if (unlink(path) == -1)
        err(1, "unlink %s", path);
    return 0;
}
