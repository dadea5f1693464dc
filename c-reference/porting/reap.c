/* reap.c - starts three child processes, and counts how they end. Usage: reap.
 * Rust counterpart: src/porting/reap.rs. */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t pids[3], reaped, failed, killed;

static void on_sigchld(int signal)
{
    /* 1. Reap each child process that has ended: one SIGCHLD may stand for several. */
    int status, saved = errno; /* the interrupted code may read errno */
    (void)signal;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        int ours = pid == pids[0] || pid == pids[1] || pid == pids[2]; /* forked after exec */
        reaped += ours;
        failed += ours && WIFEXITED(status) && WEXITSTATUS(status) != 0;
        killed += ours && WIFSIGNALED(status);
    }
    errno = saved;
}

int main(void)
{
    /* 2. Install the handler. Block SIGCHLD, which could come just before sigsuspend. */
    struct sigaction action = {.sa_handler = on_sigchld, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGCHLD);
    sigaction(SIGCHLD, &action, NULL);
    sigset_t before;
    sigprocmask(SIG_BLOCK, &action.sa_mask, &before);
    sigdelset(&before, SIGCHLD); /* the program that executed this one may have blocked it */

    /* 3. Fork. */
    for (int child = 0; child < 3; child++) {
        pid_t pid = pids[child] = fork();
        if (pid == -1)
            err(1, "fork");
        if (pid == 0 && child == 2)
            raise(SIGKILL);
        if (pid == 0)
            _exit(3 * child);
    }

    /* 4. Wait. The handler runs only while sigsuspend has SIGCHLD unblocked. */
    while (reaped < 3)
        sigsuspend(&before);
    printf("%d reaped, %d failed, %d killed\n", reaped, failed, killed);
}
