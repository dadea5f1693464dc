/*
 * explain/procfs.c - whose sockets these are, from /proc; and their options, from the sockets themselves.
 *
 * The kernel tells a socket's options to who has a descriptor for it. So each owner is asked for a
 * copy of its own: pidfd_getfd(2), which takes what ptrace(2) takes. Twin: src/explain/procfs.rs.
 */
#include "explain/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void find_descriptors(struct scene *scene, pid_t pid, const struct owner *wanted,
                             size_t count);
static bool read_status(struct process *process);
static void read_options(struct scene *scene, struct listed *socket);
static int borrow(pid_t pid, int fd, unsigned inode);
static int read_option(int s, int level, int name);
static int by_inode(const void *a, const void *b);

void find_owners(struct scene *scene)
{
    struct owner *wanted = NULL; /* inodes alone */
    size_t count = 0;

    /* 1. Without an inode, a socket is the kernel's alone. */
    for (size_t i = 0; i < scene->count_of_sockets + scene->count_of_peers; i++) {
        const struct listed *socket = i < scene->count_of_sockets
                                          ? &scene->sockets[i]
                                          : &scene->peers[i - scene->count_of_sockets];
        if (socket->inode == 0)
            continue;
        wanted = grow(wanted, count, sizeof *wanted);
        wanted[count++] = (struct owner){.inode = socket->inode};
    }
    if (count == 0)
        return;
    qsort(wanted, count, sizeof *wanted, by_inode);

    /* 2. Every process, by its number; we are one ourselves. */
    DIR *proc = opendir("/proc");
    scene->proc_error = proc != NULL ? 0 : errno;
    bool mounted = false;
    const struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        pid_t pid = atoi(entry->d_name);
        if (pid <= 0)
            continue;
        mounted = true;
        find_descriptors(scene, pid, wanted, count);
    }
    if (proc != NULL && !mounted)
        scene->proc_error = ENOENT;
    if (proc != NULL)
        closedir(proc);
    free(wanted);
    if (scene->count_of_owners == 0)
        return;
    qsort(scene->owners, scene->count_of_owners, sizeof *scene->owners, by_inode);

    /* 3. The options of those that have the port. */
    for (size_t i = 0; i < scene->count_of_sockets; i++)
        read_options(scene, &scene->sockets[i]);
}

/* Finds the descriptors of a process for wanted sockets. One that has gone meanwhile has none. */
static void find_descriptors(struct scene *scene, pid_t pid, const struct owner *wanted,
                             size_t count)
{
    struct process process = {.pid = pid};
    bool known = false;
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        /* 4. Which of the two it is depends on how /proc is mounted (hidepid). */
        if (errno == EACCES || errno == EPERM)
            scene->hidden = true;
        else if (errno != ENOENT && errno != ESRCH)
            scene->proc_error = errno;
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        /* 5. A descriptor is a link to "socket:[INODE]". */
        char link[64];
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        scene->hidden |= length == -1 && errno == EACCES;
        link[length < 0 ? 0 : length] = '\0';
        struct owner owner = {0};
        if (sscanf(link, "socket:[%u]", &owner.inode) != 1 ||
            bsearch(&owner, wanted, count, sizeof owner, by_inode) == NULL)
            continue;
        if (!known) {
            if (!read_status(&process))
                break;
            scene->processes = grow(scene->processes, scene->count_of_processes, sizeof process);
            scene->processes[scene->count_of_processes++] = process;
            known = true;
        }
        owner.process = scene->count_of_processes - 1;
        owner.fd = atoi(entry->d_name);
        scene->owners = grow(scene->owners, scene->count_of_owners, sizeof owner);
        scene->owners[scene->count_of_owners++] = owner;
    }
    closedir(folder);
}

/* Reads who the process is. Returns whether it is still there. */
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
    /* 6. A process names itself as it likes: what is no plain character is not printed. */
    const char *name = text + strlen("Name:\t");
    for (size_t i = 0; i < sizeof process->command - 1 && name[i] != '\n'; i++)
        process->command[i] = name[i];
    if (process->command[0] == '\0')
        process->command[0] = '?';
    for (char *at = process->command; *at != '\0'; at++) {
        if (*at < '!' || *at > '~')
            *at = '?';
    }
    return true;
}

/* Reads the options of the socket by the first of them that lets us. */
static void read_options(struct scene *scene, struct listed *socket)
{
    size_t count;
    const struct owner *owner = owners_of(scene, socket, &count);
    int reason = 0;

    for (; count > 0; owner++, count--) {
        if (socket->reuseaddr != UNKNOWN)
            break;
        int s = borrow(scene->processes[owner->process].pid, owner->fd, owner->inode);
        if (s == -1) {
            reason = errno;
            continue;
        }
        socket->reuseaddr = read_option(s, SOL_SOCKET, SO_REUSEADDR);
        socket->reuseport = read_option(s, SOL_SOCKET, SO_REUSEPORT);
        if (socket->local.family == AF_INET6)
            socket->v6only = read_option(s, IPPROTO_IPV6, IPV6_V6ONLY);
        close(s);
    }
    if (socket->reuseaddr == UNKNOWN && reason != 0)
        scene->getfd_error = reason;
}

/* A copy of a process's descriptor for the socket inode. Returns it, or -1 with errno set. */
static int borrow(pid_t pid, int fd, unsigned inode)
{
    struct stat status;

    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd == -1)
        return -1;
    int s = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    int reason = errno;
    close(pidfd);
    errno = reason;
    if (s == -1)
        return -1;

    /* 7. The number may be another file's by now. */
    if (fstat(s, &status) == 0 && status.st_ino == inode)
        return s;
    close(s);
    errno = EBADF;
    return -1;
}

/* Returns 0 or 1, or UNKNOWN. */
static int read_option(int s, int level, int name)
{
    int value;
    socklen_t length = sizeof value;

    if (getsockopt(s, level, name, &value, &length) == -1)
        return UNKNOWN;
    return value != 0;
}

static int by_inode(const void *a, const void *b)
{
    const struct owner *left = a, *right = b;

    if (left->inode != right->inode)
        return left->inode > right->inode ? 1 : -1;
    if (left->process != right->process)
        return left->process > right->process ? 1 : -1;
    return left->fd - right->fd;
}
