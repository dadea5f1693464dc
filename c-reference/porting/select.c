/* select.c - a client: sends its standard input and prints what it receives. Usage: select ADDRESS.
 * Rust counterpart: src/porting/select.rs. */
#include <arpa/inet.h>
#include <err.h>
#include <sys/select.h>
#include <unistd.h>

/* Copies what can be read. Returns 0 at end of file. */
static ssize_t copy(int from, int to)
{
    char buffer[4096];
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n == -1)
        err(1, "read");
    for (ssize_t z, done = 0; done < n; done += z) /* short after SIGSTOP */
        if ((z = write(to, buffer + done, (size_t)(n - done))) == -1)
            err(1, "write");
    return n;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
        errx(1, "usage: select ADDRESS");

    /* 1. Connect. */
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1)
        err(1, "socket");
    if (connect(s, (struct sockaddr *)&address, sizeof address) == -1)
        err(1, "connect %s", argv[1]);

    fd_set set;
    do {
        /* 2. Wait. select leaves in the set only what is readable. nfds is s + 1. */
        FD_ZERO(&set);
        FD_SET(STDIN_FILENO, &set);
        FD_SET(s, &set); /* writes past the end if s >= FD_SETSIZE (1024) */
        if (select(s + 1, &set, NULL, NULL, NULL) == -1)
            err(1, "select");
        if (FD_ISSET(s, &set) && copy(s, STDOUT_FILENO) == 0)
            return 0;
    } while (!FD_ISSET(STDIN_FILENO, &set) || copy(STDIN_FILENO, s) > 0);

    /* 3. Standard input has ended. Copy until the server closes. */
    shutdown(s, SHUT_WR);
    while (copy(s, STDOUT_FILENO) > 0)
        continue;
}
