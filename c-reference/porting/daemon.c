/* daemon.c - runs a command without a terminal, and prints its pid. Usage: daemon COMMAND [ARG]...
 * Rust counterpart: src/porting/daemon.rs. */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Continues in a child process. The parent exits without running atexit handlers. */
static void fork_and_exit(void)
{
    pid_t pid = fork();
    if (pid == -1)
        err(1, "fork");
    if (pid != 0)
        _exit(0);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        errx(1, "usage: daemon COMMAND [ARG]...");

    /* 1. Start a session. Fork first, since setsid fails for the leader of a process group. */
    fork_and_exit();
    setsid();

    /* 2. Fork again: only a session leader can acquire a controlling terminal. Print the pid. */
    fork_and_exit();
    umask(0);
    if (chdir("/") == -1)
        err(1, "chdir /");
    dprintf(STDOUT_FILENO, "%d\n", getpid());

    /* 3. Replace stdin, stdout and stderr. Until exec, keep stderr for an error of execvp. */
    int null = open("/dev/null", O_RDWR);
    if (null == -1)
        err(1, "open /dev/null");
    int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO) /* it is 0 to 2 if one of these was closed */
        close(null);

    /* 4. Run the command. A signal that is ignored stays ignored after exec. */
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[1], argv + 1);
    dup2(saved, STDERR_FILENO);
    err(1, "execvp %s", argv[1]);
}
