/*
 * explain/procfs.c - finds the holders of sockets in /proc, and reads the sockets' options.
 *
 * getsockopt(2) needs a descriptor. pidfd_getfd(2) copies one from a holder of the socket, if it
 * may be traced with ptrace(2). Rust counterpart: src/explain/procfs.rs.
 */
#include "explain/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From <linux/pidfd.h>, since Linux 6.9. */
#undef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL

/* C only: Rust has slice::sort_by_key. */
int by_inode(const void *a, const void *b)
{
    const struct socket_entry *left = a, *right = b;

    return (left->inode > right->inode) - (left->inode < right->inode);
}

/* C only: Rust has std::fs. Reads up to size - 1 bytes into text. Returns their number. */
static size_t read_file(const char *path, char *text, size_t size)
{
    ssize_t length = -1;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        length = read(fd, text, size - 1);
        close(fd);
    }
    text[length < 0 ? 0 : length] = '\0';
    return length < 0 ? 0 : (size_t)length;
}

/* Reads /proc/PID/status and /proc/PID/cmdline. Returns whether the process still exists. */
static bool read_process(struct process *process)
{
    char path[64], text[4096], state;

    snprintf(path, sizeof path, "/proc/%d/status", process->pid);
    read_file(path, text, sizeof text);
    const char *states = strstr(text, "\nState:\t");
    const char *parent = strstr(text, "\nPPid:\t");
    const char *uids = strstr(text, "\nUid:\t");
    if (states == NULL || parent == NULL || uids == NULL ||
        sscanf(states, " State: %c", &state) != 1 ||
        sscanf(parent, " PPid: %d", &process->parent) != 1 ||
        sscanf(uids, " Uid: %*u %u", &process->uid) != 1)
        return false;
    process->suspended = state == 'T' || state == 't';

    snprintf(path, sizeof path, "/proc/%d/cmdline", process->pid);
    size_t length = read_file(path, process->command, sizeof process->command);
    while (length > 0 && process->command[length - 1] == '\0')
        length--;
    const char *name = text + strlen("Name:\t");
    if (length == 0) /* a zombie, for example */
        length = (size_t)snprintf(process->command, sizeof process->command, "[%.*s]",
                                  (int)strcspn(name, "\n"), name);
    printable(process->command, length); /* a process can set it to any bytes */
    return true;
}

/*
 * Adds the descriptors in directory path, which are those of thread of process pid, to the
 * sockets. These are sorted by inode.
 */
static void find_descriptors(struct snapshot *snapshot, const char *path, pid_t pid, pid_t thread)
{
    struct process process = {.thread = thread}; /* pid is 0 until it is added */
    const struct dirent *file;

    DIR *directory = opendir(path);
    if (directory == NULL) {
        /* The mount option hidepid of /proc decides which of the two errors is returned. */
        if (errno == EACCES || errno == EPERM)
            snapshot->hidden = true;
        else if (errno != ENOENT && errno != ESRCH)
            snapshot->proc_error = errno;
        return;
    }
    while ((file = readdir(directory)) != NULL) {
        char target[64];
        ssize_t length = readlinkat(dirfd(directory), file->d_name, target, sizeof target - 1);
        /* EACCES is also the error for a process that no longer exists. */
        snapshot->hidden |= length == -1 && errno == EACCES && access(path, F_OK) == 0;
        target[length < 0 ? 0 : length] = '\0';
        struct socket_entry key, *entry;
        if (sscanf(target, "socket:[%u]", &key.inode) != 1 ||
            (entry = bsearch(&key, snapshot->sockets, snapshot->count, sizeof key, by_inode)) ==
                NULL)
            continue;
        /* One descriptor of each process is enough, and of a thread only if no process has one. */
        const struct process *last = NULL;
        if (entry->holder_count > 0)
            last = &snapshot->processes[entry->holders[entry->holder_count - 1].process];
        if (last != NULL && (last->pid == pid || (thread != pid && last->thread == last->pid)))
            continue;
        if (process.pid == 0) {
            process.pid = pid;
            if (!read_process(&process))
                break;
            snapshot->processes =
                grow(snapshot->processes, snapshot->process_count, sizeof process);
            snapshot->processes[snapshot->process_count++] = process;
        }
        entry->holders = grow(entry->holders, entry->holder_count, sizeof *entry->holders);
        entry->holders[entry->holder_count++] =
            (struct holder){snapshot->process_count - 1, atoi(file->d_name)};
    }
    closedir(directory);
}

/* C only: Rust lists them. Returns the next number that is a name in directory, or 0. */
static pid_t next_number(DIR *directory)
{
    const struct dirent *file;
    pid_t number = 0;

    while (number == 0 && (file = readdir(directory)) != NULL)
        number = atoi(file->d_name);
    return number;
}

void find_holders(struct snapshot *snapshot, bool threads)
{
    char path[64], own[64] = "";
    bool has_init = false;
    pid_t pid = 0, tid;

    if (snapshot->count > 0)
        qsort(snapshot->sockets, snapshot->count, sizeof *snapshot->sockets, by_inode);
    if (snapshot->count == 0 || snapshot->sockets[snapshot->count - 1].inode == 0)
        return;
    DIR *processes = opendir("/proc");
    int error = processes == NULL ? errno : ENOENT; /* not mounted */
    for (; processes != NULL && (pid = next_number(processes)) > 0; error = 0) {
        has_init |= pid == 1;
        snprintf(path, sizeof path, threads ? "/proc/%d/task" : "/proc/%d/fd", pid);
        if (!threads)
            find_descriptors(snapshot, path, pid, pid);
        DIR *tasks = threads ? opendir(path) : NULL;
        while (tasks != NULL && (tid = next_number(tasks)) > 0) {
            snprintf(path, sizeof path, "/proc/%d/task/%d/fd", pid, tid);
            if (tid != pid)
                find_descriptors(snapshot, path, pid, tid);
        }
        if (tasks != NULL)
            closedir(tasks);
    }
    if (processes != NULL)
        closedir(processes);
    if (snapshot->proc_error == 0)
        snapshot->proc_error = error;
    /* Process 1 always exists. If /proc does not list it, processes are hidden (hidepid=2). */
    snapshot->hidden |= !has_init;
    if (readlink("/proc/self", own, sizeof own - 1) == -1 || atoi(own) != getpid())
        snapshot->foreign = true;
}

/*
 * Closes a copied descriptor. If the holder has closed the socket, this is the last descriptor, and
 * with SO_LINGER close(2) would block until all data is acknowledged. The exit of a process does
 * not block, so a child process keeps the descriptor open until it is killed.
 */
static void close_copy(int fd)
{
    struct linger linger;
    socklen_t length = sizeof linger;
    pid_t pid = -1;

    int z = getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length);
    if (z == 0 && linger.l_onoff != 0 && linger.l_linger != 0)
        pid = fork();
    if (pid == 0) {
        sleep(1); /* in case its parent is killed first */
        _exit(0);
    }
    close(fd);
    if (pid > 0)
        kill(pid, SIGKILL); /* the kernel reaps it: SIGCHLD is ignored */
}

/* Returns a copy of process's descriptor fd for the socket inode, or -1 with errno set. */
static int copy_descriptor(const struct process *process, int fd, unsigned inode)
{
    int flags = process->thread == process->pid ? 0 : PIDFD_THREAD;
    struct stat status;

    int pidfd = (int)syscall(SYS_pidfd_open, process->thread, flags);
    if (pidfd == -1)
        return -1;
    int s = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    int error = errno;
    close(pidfd);
    errno = error;
    if (s == -1)
        return -1;

    /* The process may have reused the number for another file. */
    if (fstat(s, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == inode)
        return s;
    close_copy(s);
    errno = EBADF;
    return -1;
}

/* Returns the value of a boolean option, or UNKNOWN. */
static int read_option(int s, int level, int name)
{
    int value;
    socklen_t length = sizeof value;

    if (getsockopt(s, level, name, &value, &length) == -1)
        return UNKNOWN;
    return value != 0;
}

void read_options(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        struct socket_entry *entry = &snapshot->sockets[i];
        /* Process ids of another namespace name other processes here. */
        size_t count = entry->udp || snapshot->foreign ? 0 : entry->holder_count;
        for (size_t j = 0; j < count && entry->reuseaddr == UNKNOWN; j++) {
            const struct process *process = &snapshot->processes[entry->holders[j].process];
            int s = copy_descriptor(process, entry->holders[j].fd, entry->inode);
            if (s == -1) {
                snapshot->getfd_error = errno;
                continue;
            }
            entry->reuseaddr = read_option(s, SOL_SOCKET, SO_REUSEADDR);
            entry->reuseport = read_option(s, SOL_SOCKET, SO_REUSEPORT);
            if (entry->v6only == UNKNOWN)
                entry->v6only = read_option(s, IPPROTO_IPV6, IPV6_V6ONLY);
            close_copy(s);
        }
    }
}

void read_numbers(const char *name, int numbers[2])
{
    char path[64], text[64];

    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    read_file(path, text, sizeof text);
    sscanf(text, "%d %d", &numbers[0], &numbers[1]);
}

bool may_bind_every_port(void)
{
    char text[1 << 15];
    unsigned long long mask = 0;

    read_file("/proc/self/status", text, sizeof text);
    const char *capabilities = strstr(text, "\nCapEff:\t");
    return capabilities != NULL && sscanf(capabilities, " CapEff: %llx", &mask) == 1 &&
           (mask & 1 << 10) != 0;
}
