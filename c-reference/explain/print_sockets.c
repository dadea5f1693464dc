/*
 * explain/print_sockets.c - the sockets of a port as a table, and below each of them who has it.
 *
 * A line that begins with a number is a socket, and the lines further in are about it.
 * Twin: src/explain/print_sockets.rs.
 */
#include "explain/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *peer_text(const struct listed *socket, char text[ENDPOINT_TEXT]);
static char digit(int option);
static void print_details(const struct scene *scene, const struct listed *socket);
static const char *ownerless(const struct listed *socket);
static void print_notes(const struct scene *scene);

void list(const struct scene *scene)
{
    char local[ENDPOINT_TEXT];
    char peer[ENDPOINT_TEXT];
    size_t local_width = strlen("local");
    size_t peer_width = strlen("peer");
    int number_width = snprintf(NULL, 0, "%zu", scene->count_of_sockets);

    if (scene->count_of_sockets + scene->others == 0 && scene->diag_error == 0)
        print("No TCP socket has port %u in this network namespace.\n", (unsigned)scene->port);

    /* 1. As wide as the widest, and a line for each. */
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        size_t width = strlen(format_endpoint(&scene->sockets[i].local, local));
        if (local_width < width)
            local_width = width;
        width = strlen(peer_text(&scene->sockets[i], peer));
        if (peer_width < width)
            peer_width = width;
    }
    if (scene->count_of_sockets > 0)
        print("%*s  %-11s  %-*s  %-*s  reuseaddr  reuseport\n", number_width, "#", "state",
              (int)local_width, "local", (int)peer_width, "peer");
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        const struct listed *socket = &scene->sockets[i];
        print("%*zu  %-11s  %-*s  %-*s  %c          %c\n", number_width, i + 1, socket->name,
              (int)local_width, format_endpoint(&socket->local, local), (int)peer_width,
              peer_text(socket, peer), digit(socket->reuseaddr), digit(socket->reuseport));
        print_details(scene, socket);
    }
    if (scene->others > 0)
        print("Not in the way: %zu that have the port on other addresses.\n",
              scene->others);
    print_notes(scene);
}

static const char *peer_text(const struct listed *socket, char text[ENDPOINT_TEXT])
{
    if (socket->state == TCP_LISTEN || socket->state == TCP_CLOSE)
        return "-";
    return format_endpoint(&socket->peer, text);
}

static char digit(int option)
{
    return option == UNKNOWN ? '?' : option != 0 ? '1' : '0';
}

static void print_details(const struct scene *scene, const struct listed *socket)
{
    size_t count;
    const struct owner *owner = owners_of(scene, socket, &count);

    /* 2. Each descriptor: a listener that a child keeps open has two. */
    for (; count > 0; owner++, count--) {
        const struct process *process = &scene->processes[owner->process];
        print("    pid %d fd %d uid %u %s\n", process->pid, owner->fd, process->uid,
              process->command);
    }
    if (is_out_of_sight(scene, socket))
        print("    no process that is seen from here\n");
    if (socket->inode == 0)
        print("    %s", ownerless(socket));
    if (socket->seconds >= 0)
        print(", for %d s", socket->seconds);
    if (socket->inode == 0)
        print("\n");
    if (socket->local.family == AF_INET6 && socket->v6only == 1)
        print("    v6only\n");
}

/* What it means that no process has it. */
static const char *ownerless(const struct listed *socket)
{
    if (socket->state == TCP_ESTABLISHED || socket->state == TCP_CLOSE_WAIT)
        return "not accepted yet";
    if (socket->state == TCP_SYN_RECV)
        return "not connected yet";
    if (socket->seconds < 0)
        return "no process, until its peer has closed or the kernel gives up";
    return "no process";
}

/* What could not be found out, and where it can be. */
static void print_notes(const struct scene *scene)
{
    bool root = geteuid() == 0;
    bool out_of_sight = false;
    bool unread = false;

    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        const struct listed *socket = &scene->sockets[i];
        bool hidden = is_out_of_sight(scene, socket);
        out_of_sight |= hidden;
        unread |= socket->reuseaddr == UNKNOWN && socket->inode != 0 && !hidden;
    }

    /* 3. The sockets are asked of the kernel, the rest of /proc and of the processes. */
    if (scene->diag_error != 0)
        print("The sockets cannot be listed (sock_diag: %s);\n"
              "a bind is tried all the same.\n",
              strerror(scene->diag_error));
    if (scene->proc_error != 0)
        print("The processes cannot be listed (/proc: %s)%s\n", strerror(scene->proc_error),
              scene->proc_error == ENOENT ? ": is it mounted?" : ".");
    else if (out_of_sight && scene->hidden && root)
        print("Some processes are hidden, even from root: it takes CAP_SYS_PTRACE.\n");
    else if (out_of_sight && !root)
        print("Other users' processes are hidden; root sees them (sudo).\n");
    else if (out_of_sight)
        print("Who has them may be in another PID namespace: look from there, or from the host.\n"
              "A socket on its way through a UNIX one, or the kernel's own, has no process.\n");

    /* 4. Where none was found, there was nobody to ask. */
    if (!unread)
        return;
    if (scene->getfd_error == ENOSYS)
        print("Options cannot be read: pidfd_getfd needs Linux 5.6 or newer.\n");
    else if (scene->getfd_error != 0)
        print("Options cannot be read (pidfd_getfd: %s)%s.\n", strerror(scene->getfd_error),
              root ? ": CAP_SYS_PTRACE is missing" : "; root may (sudo)");
}

void add_number(struct numbers *numbers, size_t number)
{
    for (size_t i = 0; i < numbers->count; i++) {
        if (numbers->number[i] == number)
            return;
    }
    if (numbers->count <= NUMBERS_MAX)
        numbers->number[numbers->count++] = number;
}

void print_numbers(const struct numbers *numbers)
{
    for (size_t i = 0; i < numbers->count && i < NUMBERS_MAX; i++)
        print(i == 0 ? "%zu" : ", %zu", numbers->number[i]);
    if (numbers->count > NUMBERS_MAX)
        print(" and more");
}
