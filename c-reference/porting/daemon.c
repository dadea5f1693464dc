/*
 * daemon.c - a server that leaves its terminal. Usage: daemon ADDRESS PIDFILE.
 * Rust counterpart: src/porting/daemon.rs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Continues in a child process. The parent exits without running atexit handlers. */
static void fork_and_exit(void)
{
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid == -1);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9099)};
    if (argc < 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        dprintf(STDERR_FILENO, "usage: daemon ADDRESS PIDFILE\n");
        return 2;
    }

    /* 1. Listen, and open the file, while stderr and the current directory are the user's. */
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (s == -1 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        err(1, "socket or setsockopt");
    if (bind(s, (struct sockaddr *)&address, sizeof address) == -1 || listen(s, SOMAXCONN) == -1)
        err(1, "bind or listen %s", argv[1]);
    int file = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file == -1)
        err(1, "open %s", argv[2]);

    /* 2. Start a session. Fork first, since setsid fails for the leader of a process group. */
    fork_and_exit();
    setsid();

    /* 3. Fork again: only the leader of a session can acquire a terminal. */
    fork_and_exit();
    umask(0);
    if (chdir("/") == -1)
        err(1, "chdir /");

    /* 4. Write the pid, which is known only after the last fork. */
    dprintf(file, "%d\n", getpid());
    close(file);

    /* 5. Replace stdin, stdout and stderr. If they were closed, sockets would get their numbers. */
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; fd++)
        if (dup2(null, fd) == -1)
            err(1, "dup2 /dev/null");
    close(null);

    /* 6. Serve. No message of err would be seen now. */
    for (int c; (c = accept(s, NULL, NULL)) != -1; close(c))
        send(c, "daemon\n", 7, MSG_NOSIGNAL);
    return 1;
}
