/*
 * reap.c - a forking discard server that counts how its children end. Usage: reap ADDRESS.
 * Rust counterpart: src/porting/reap.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t succeeded, failed, killed;

static void on_sigchld(int signal)
{
    /* 1. Reap each child process that has ended: there may be several for one SIGCHLD. */
    int status, saved = errno; /* the interrupted code may read errno */
    (void)signal;
    while (waitpid(-1, &status, WNOHANG) > 0) {
        if (WIFSIGNALED(status))
            killed++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            succeeded++;
        else
            failed++;
    }
    errno = saved;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        dprintf(STDERR_FILENO, "usage: reap ADDRESS\n");
        return 2;
    }

    /* 2. Install the handler. With SA_RESTART, an accept that it interrupts continues. */
    struct sigaction action = {.sa_handler = on_sigchld, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGCHLD, &action, NULL) == -1)
        err(1, "sigaction SIGCHLD");

    /* 3. Listen. */
    int on = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        err(1, "socket or setsockopt");
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1 || listen(s, SOMAXCONN) == -1)
        err(1, "bind or listen %s", argv[1]);
    dprintf(STDOUT_FILENO, "listening on %s\n", argv[1]);

    for (;;) {
        /* 4. Fork a child process for each client. It reads until end of file, or fails. */
        int c = accept(s, NULL, NULL);
        pid_t pid = c == -1 ? -1 : fork();
        if (pid == -1)
            err(1, "accept or fork");
        if (pid == 0) {
            char buffer[4096];
            ssize_t n;
            close(s);
            while ((n = recv(c, buffer, sizeof buffer, 0)) > 0)
                continue;
            _exit(n == 0 ? 0 : 1);
        }
        close(c);
        dprintf(STDOUT_FILENO, "child %d; until now %d succeeded, %d failed, %d were killed\n", pid,
                succeeded, failed, killed);
    }
}
