/*
 * limit.c - the machine's limits for the bench: minimal and linked static.
 *
 *     limit                  exits at once
 *     limit fork TIME        forks for TIME ms; each child exits at once and is reaped;
 *                            prints the forks a second
 *     limit serve IP PORT    echoes to one client after the other, without fork
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Returns the time in seconds. */
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int run_fork(double seconds)
{
    const double start = now();
    long count = 0;

    for (; now() - start < seconds; count++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid == -1 || waitpid(pid, NULL, 0) != pid)
            return 1;
    }
    return printf("%.1f\n", (double)count / (now() - start)) < 0;
}

static int run_serve(const char *ip, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char buffer[4096];
    const int on = 1;

    address.sin_port = htons((in_port_t)atoi(port));
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1 || inet_pton(AF_INET, ip, &address.sin_addr) != 1 ||
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(s, (struct sockaddr *)&address, sizeof address) == -1 || listen(s, SOMAXCONN) == -1)
        return 1;
    for (;;) {
        int c = accept(s, NULL, NULL);
        ssize_t n;
        /* A client of the bench sends 64 bytes, which write takes at once. */
        while ((n = read(c, buffer, sizeof buffer)) > 0) {
            if (write(c, buffer, (size_t)n) != n)
                return 1;
        }
        close(c);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "fork") == 0)
        return run_fork(atof(argv[2]) / 1e3);
    if (argc == 4 && strcmp(argv[1], "serve") == 0)
        return run_serve(argv[2], argv[3]);
    return argc != 1;
}
