/*
 * exec.c - runs a command and sends its output to a client. Usage: exec ADDRESS COMMAND [ARG]...
 * Rust counterpart: src/porting/exec.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        dprintf(STDERR_FILENO, "usage: exec ADDRESS COMMAND [ARG]...\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN); /* as Rust's runtime has done before main */

    /* 1. Accept a client. Without SOCK_CLOEXEC, the command would keep the port in use. */
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, status;
    if (s == -1 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        err(1, "socket or setsockopt");
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1 || listen(s, SOMAXCONN) == -1)
        err(1, "bind or listen %s", argv[1]);
    int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
    if (c == -1)
        err(1, "accept4");

    /* 2. Fork, and wait. A status below 128 is the signal that terminated the command. */
    pid_t pid = fork();
    if (pid != 0) {
        if (pid == -1 || waitpid(pid, &status, 0) == -1)
            err(1, "fork or waitpid");
        dprintf(STDOUT_FILENO, "status %d\n", status);
        return 0;
    }

    /* 3. Reset SIGPIPE. A signal that is ignored stays ignored after exec. */
    signal(SIGPIPE, SIG_DFL);

    /* 4. Run the command. dup2 clears close-on-exec; execvp returns only if it fails. */
    dup2(c, STDOUT_FILENO);
    execvp(argv[2], argv + 2);
    warn("execvp %s", argv[2]);
    _exit(127);
}
