/*
 * explain/procfs.c - finds the holders of sockets in /proc, and reads the sockets' options.
 *
 * getsockopt(2) needs a descriptor: pidfd_getfd(2) copies one from a process that holds
 * the socket, if ptrace(2) of that process is permitted. Rust counterpart: src/explain/procfs.rs.
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
#include <sys/wait.h>
#include <unistd.h>

static int by_inode(const void *a, const void *b)
{
    const struct socket_entry *left = a, *right = b;

    return (left->inode > right->inode) - (left->inode < right->inode);
}

/* Reads /proc/PID/status. Returns whether the process still exists. */
static bool read_status(struct process *process)
{
    char path[64];
    char text[4096];

    snprintf(path, sizeof path, "/proc/%d/status", process->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length < 0 ? 0 : length] = '\0';

    const char *parent = strstr(text, "\nPPid:\t");
    const char *uids = strstr(text, "\nUid:\t");
    if (parent == NULL || uids == NULL || sscanf(parent, " PPid: %d", &process->parent) != 1 ||
        sscanf(uids, " Uid: %*u %u", &process->uid) != 1)
        return false;

    /* A process can set its name to any bytes: replace those that are not printable. */
    const char *name = text + strlen("Name:\t");
    for (size_t i = 0; i < sizeof process->command - 1 && name[i] != '\n'; i++)
        process->command[i] = '!' <= name[i] && name[i] <= '~' ? name[i] : '?';
    if (process->command[0] == '\0')
        process->command[0] = '?';
    return true;
}

/* Adds the descriptors of process pid to the sockets, which are sorted by inode. */
static void find_descriptors(struct snapshot *snapshot, pid_t pid)
{
    struct process process = {.pid = pid};
    bool added = false;
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        /* The mount option hidepid of /proc decides which of the two errors is returned. */
        if (errno == EACCES || errno == EPERM)
            snapshot->hidden = true;
        else if (errno != ENOENT && errno != ESRCH)
            snapshot->proc_error = errno;
        return;
    }
    const struct dirent *file;
    while ((file = readdir(directory)) != NULL) {
        char target[64];
        ssize_t length = readlinkat(dirfd(directory), file->d_name, target, sizeof target - 1);
        snapshot->hidden |= length == -1 && errno == EACCES;
        target[length < 0 ? 0 : length] = '\0';
        struct socket_entry key, *entry;
        if (sscanf(target, "socket:[%u]", &key.inode) != 1 ||
            (entry = bsearch(&key, snapshot->sockets, snapshot->total, sizeof key, by_inode)) ==
                NULL)
            continue;
        if (!added) {
            if (!read_status(&process))
                break;
            snapshot->processes =
                grow(snapshot->processes, snapshot->process_count, sizeof process);
            snapshot->processes[snapshot->process_count++] = process;
            added = true;
        }
        entry->holders = grow(entry->holders, entry->holder_count, sizeof *entry->holders);
        entry->holders[entry->holder_count++] = (struct holder){
            .process = snapshot->process_count - 1,
            .fd = atoi(file->d_name),
        };
    }
    closedir(directory);
}

/*
 * Closes a copied descriptor. If the holder has closed the socket, this is the last descriptor, and
 * with SO_LINGER close(2) would block until all data is acknowledged. The exit of a process does not
 * block: so a child process has it open until it is killed.
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
        sleep(1); /* if its parent is killed first */
        _exit(0);
    }
    close(fd);
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

/* Returns a copy of process pid's descriptor fd for the socket inode, or -1 with errno set. */
static int copy_descriptor(pid_t pid, int fd, unsigned inode)
{
    struct stat status;

    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
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

/* Reads the options of entry's socket with the first descriptor that can be copied. */
static void read_options(struct snapshot *snapshot, struct socket_entry *entry)
{
    int error = 0;

    for (size_t i = 0; i < entry->holder_count && entry->reuseaddr == UNKNOWN; i++) {
        const struct holder *holder = &entry->holders[i];
        pid_t pid = snapshot->processes[holder->process].pid;
        int s = copy_descriptor(pid, holder->fd, entry->inode);
        if (s == -1) {
            error = errno;
            continue;
        }
        entry->reuseaddr = read_option(s, SOL_SOCKET, SO_REUSEADDR);
        entry->reuseport = read_option(s, SOL_SOCKET, SO_REUSEPORT);
        if (entry->local.family == AF_INET6)
            entry->v6only = read_option(s, IPPROTO_IPV6, IPV6_V6ONLY);
        close_copy(s);
    }
    if (entry->reuseaddr == UNKNOWN && error != 0)
        snapshot->getfd_error = error;
}

void find_holders(struct snapshot *snapshot)
{
    bool needed = false;
    bool mounted = false;
    bool has_init = false;
    const struct dirent *file;

    for (size_t i = 0; i < snapshot->total; i++)
        needed |= snapshot->sockets[i].inode != 0;
    if (!needed)
        return;
    qsort(snapshot->sockets, snapshot->total, sizeof *snapshot->sockets, by_inode);
    DIR *directory = opendir("/proc");
    snapshot->proc_error = directory == NULL ? errno : 0;
    while (directory != NULL && (file = readdir(directory)) != NULL) {
        pid_t pid = atoi(file->d_name);
        if (pid <= 0)
            continue;
        mounted = true;
        has_init |= pid == 1;
        find_descriptors(snapshot, pid);
    }
    if (directory != NULL && !mounted)
        snapshot->proc_error = ENOENT;
    if (directory != NULL)
        closedir(directory);
    /* Process 1 always exists. If /proc does not list it, processes are hidden (hidepid=2). */
    snapshot->hidden |= !has_init;
    for (size_t i = 0; i < snapshot->total; i++) {
        if (snapshot->sockets[i].relevant)
            read_options(snapshot, &snapshot->sockets[i]);
    }
}

void read_port_range(struct snapshot *snapshot)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");

    if (file == NULL)
        return;
    if (fscanf(file, "%d %d", &snapshot->first_port, &snapshot->last_port) != 2)
        snapshot->first_port = snapshot->last_port = 0;
    fclose(file);
}
