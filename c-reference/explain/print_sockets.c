/*
 * explain/print_sockets.c - prints a table of the sockets, with the holders below each socket.
 * Rust counterpart: src/explain/print_sockets.rs.
 */
#include "explain/print_sockets.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *peer_text(const struct socket_entry *entry, char text[ENDPOINT_TEXT])
{
    if (entry->state == TCP_LISTEN || entry->state == TCP_CLOSE)
        return "-";
    return format_endpoint(&entry->peer, text);
}

static char digit(int option)
{
    return option == UNKNOWN ? '?' : option != 0 ? '1' : '0';
}

/* Prints the lines below entry: its holders, or why there is none. */
static void print_details(const struct snapshot *snapshot, const struct socket_entry *entry)
{
    for (size_t i = 0; i < entry->holder_count && i < IDS_MAX; i++) {
        const struct holder *holder = &entry->holders[i];
        const struct process *process = &snapshot->processes[holder->process];
        print("    held by pid %d (%s), fd %d, uid %u\n", process->pid, process->command,
              holder->fd, process->uid);
    }
    if (entry->holder_count > IDS_MAX)
        print("    more descriptors: %zu\n", entry->holder_count - IDS_MAX);
    if (entry->seconds >= 0)
        print("    no process, %d s left\n", entry->seconds);
    else if (entry->state == TCP_SYN_RECV)
        print("    no process; the handshake is not complete\n");
    else if (entry->inode == 0 && !is_unaccepted(entry))
        print("    no process; kept until the peer closes or the kernel gives up\n");
    else if (entry->holder_count == 0)
        print("    %s\n", describe_unheld(entry));
    if (entry->local.family == AF_INET6 && entry->v6only == 1)
        print("    v6only\n");
}

/* Prints what could not be read, and what would help. */
static void print_notes(const struct snapshot *snapshot)
{
    bool root = geteuid() == 0;
    bool unseen = false;
    bool unread = false;

    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        unseen |= has_unseen_holder(entry);
        unread |= entry->reuseaddr == UNKNOWN && entry->holder_count > 0;
    }
    if (snapshot->diag_error != 0)
        print("The sockets cannot be listed (sock_diag: %s).\n"
              "The trial binds below do not depend on the list.\n",
              strerror(snapshot->diag_error));
    if (snapshot->proc_error != 0)
        print("The processes cannot be listed (/proc: %s); is it mounted?\n",
              strerror(snapshot->proc_error));
    else if (unseen && snapshot->hidden && root)
        print("Some processes are hidden even from root; CAP_SYS_PTRACE is missing.\n");
    else if (unseen && !root)
        print("Other users' processes are hidden; run as root to see them.\n");
    else if (unseen)
        print("The owner may be in another PID namespace; run explain there or on the host.\n"
              "A socket in flight over a UNIX socket (SCM_RIGHTS) has no process, nor has a\n"
              "socket of the kernel.\n");
    if (unread && snapshot->getfd_error == ENOSYS)
        print("Options cannot be read: pidfd_getfd needs Linux 5.6 or newer.\n");
    else if (unread && snapshot->getfd_error != 0)
        print("Options cannot be read (pidfd_getfd: %s).\n%s", strerror(snapshot->getfd_error),
              snapshot->getfd_error != EPERM ? ""
              : root                         ? "CAP_SYS_PTRACE is missing.\n"
                                             : "Run as root to read them.\n");
}

void print_sockets(const struct snapshot *snapshot)
{
    char local[ENDPOINT_TEXT];
    char peer[ENDPOINT_TEXT];
    int local_width = (int)strlen("local");
    int peer_width = (int)strlen("peer");
    int number_width = snprintf(NULL, 0, "%zu", snapshot->count);

    if (snapshot->count + snapshot->others == 0 && snapshot->diag_error == 0)
        print("No TCP socket uses port %d in this network namespace.\n", snapshot->port);

    for (size_t i = 0; i < snapshot->count; i++) {
        int width = (int)strlen(format_endpoint(&snapshot->sockets[i].local, local));
        local_width = local_width < width ? width : local_width;
        width = (int)strlen(peer_text(&snapshot->sockets[i], peer));
        peer_width = peer_width < width ? width : peer_width;
    }
    if (snapshot->count > 0)
        print("%*s  %-11s  %-*s  %-*s  reuseaddr  reuseport  uid\n", number_width, "#", "state",
              local_width, "local", peer_width, "peer");
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        char uid[11] = "-"; /* room for any number of 32 bits */
        if (entry->inode != 0)
            snprintf(uid, sizeof uid, "%u", entry->uid);
        print("%*zu  %-11s  %-*s  %-*s  %c          %c          %s\n", number_width, i + 1,
              state_name(entry->state), local_width, format_endpoint(&entry->local, local),
              peer_width, peer_text(entry, peer), digit(entry->reuseaddr),
              digit(entry->reuseport), uid);
        print_details(snapshot, entry);
    }
    if (snapshot->others > 0)
        print("Sockets on other addresses of this port, without conflict: %zu.\n",
              snapshot->others);
    print_notes(snapshot);
}
