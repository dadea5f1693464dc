/*
 * explain/print_sockets.c - prints the sockets with their processes, and what could not be read.
 * Rust counterpart: src/explain/print_sockets.rs.
 */
#include "explain/print_sockets.h"
#include "output.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Maximum number of groups of sockets that are printed. */
#define ROWS_MAX 16

/* Maximum number of processes that are printed for a group. */
#define PROCESSES_MAX 8

/* Prints start and a process, truncated to the width of the terminal, or to 80 columns. */
static void print_process(const char *start, const struct process *process)
{
    struct winsize size = {0};
    char name[USER_TEXT], line[USER_TEXT + 64];

    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    int width = size.ws_col == 0 ? 80 : size.ws_col;
    int length = snprintf(line, sizeof line, "%spid %d (%s%s): ", start, process->pid,
                          user_name(process->uid, name), process->suspended ? ", suspended" : "");
    int room = width - length > 20 ? width - length : 20;
    print("%s%.*s\n", line, room, process->command);
}

void print_holders(const struct snapshot *snapshot, const struct socket_entry *sockets,
                   size_t count, bool stop)
{
    const struct process *processes = snapshot->processes;
    bool *holds = grow(NULL, 0, snapshot->process_count + 1);
    const char *start = stop ? "    stop " : "        ";
    size_t heads = 0, children = 0;

    memset(holds, false, snapshot->process_count + 1);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sockets[i].holder_count && (!stop || sockets[i].blocks); j++)
            holds[sockets[i].holders[j].process] = true;
    }
    for (size_t i = 0; i < snapshot->process_count; i++) {
        bool has_parent = false;
        for (size_t j = 0; j < snapshot->process_count && holds[i]; j++)
            has_parent |= holds[j] && processes[j].pid == processes[i].parent &&
                          processes[j].pid != 1;
        children += has_parent;
        if (!holds[i] || has_parent)
            continue;
        heads++;
        if (stop && processes[i].pid == 1)
            print("    stop process 1's socket unit (systemctl list-sockets) or container\n");
        else if (heads <= PROCESSES_MAX)
            print_process(start, &processes[i]);
        if (stop && processes[i].suspended && heads <= PROCESSES_MAX)
            print("        it is suspended: kill -CONT it as well, or kill -KILL\n");
    }
    if (heads > PROCESSES_MAX)
        print("%smore processes: %zu\n", start, heads - PROCESSES_MAX);
    if (children > 0)
        print("        and child processes: %zu%s\n", children,
              stop ? "; if they remain, run explain again" : "");
    free(holds);
}

/* Prints sockets of one group in one line, and below it their holders, or why there is none. */
static void print_group(const struct snapshot *snapshot, const struct socket_entry *sockets,
                        size_t count)
{
    static const char *const values[] = {"unknown", "off", "on"};
    const struct socket_entry *entry = &sockets[0];
    const char *probably = entry->inferred ? "probably " : "";
    char local[ENDPOINT_TEXT], peer[ENDPOINT_TEXT] = "-", name[USER_TEXT], device[IF_NAMESIZE] = "";
    int seconds = -1;

    if (count > 1)
        snprintf(peer, sizeof peer, "%zu sockets", count);
    else if (entry->state != TCP_LISTEN && entry->state != TCP_CLOSE)
        format_endpoint(&entry->peer, peer);
    print("    %-11s  %-15s  %-15s  ", state_names[entry->state],
          format_endpoint(&entry->local, local), peer);
    print("SO_REUSEADDR %s%s", probably, values[entry->reuseaddr + 1]);
    if (entry->reuseport == 1)
        print(", SO_REUSEPORT %son", probably);
    if (entry->v6only == 1)
        print(", v6only");
    if (entry->device != 0) {
        if_indextoname(entry->device, device); /* it may have been removed */
        print(", only on %%%s", printable(device, strlen(device)));
    }
    if (entry->outgoing)
        print(", probably outgoing");
    for (size_t i = 0; i < count; i++)
        seconds = sockets[i].seconds > seconds ? sockets[i].seconds : seconds;
    if (seconds >= 0)
        print(", %d s left", seconds);
    print("\n");
    if (has_unseen_holder(entry))
        print("        process not found (user %s)\n", user_name(entry->uid, name));
    else if (is_unaccepted(entry))
        print("        not accepted yet by the listener\n");
    else if (entry->inode == 0)
        print("        no process\n");
    print_holders(snapshot, sockets, count, false);
}

void print_sockets(const struct snapshot *snapshot, bool all)
{
    const struct socket_entry *sockets = snapshot->sockets;
    size_t count = 0, rows = 0, start = 0, end;

    while (count < snapshot->count && !sockets[count].udp)
        count++;
    if (count > 0)
        print("\nSockets on port %d:\n", snapshot->port);
    else if (snapshot->diag_error == 0)
        print("No TCP socket uses port %d in this network namespace. If bind fails, the\n"
              "server is in another one, or binds the port twice: to 0.0.0.0 and to [::].\n",
              snapshot->port);
    for (; start < count && (all || rows < ROWS_MAX); start = end, rows++) {
        end = start + 1;
        while (!all && end < count && compare_groups(&sockets[start], &sockets[end]) == 0)
            end++;
        print_group(snapshot, &sockets[start], end - start);
    }
    if (start < count)
        print("    more sockets: %zu; --all lists them\n", count - start);
    if (count < snapshot->count) {
        print("UDP uses this port too, which does not conflict with TCP.\n");
        print_holders(snapshot, &sockets[count], snapshot->count - count, false);
    }
}

void print_notes(const struct snapshot *snapshot)
{
    const char *remedy = geteuid() == 0 ? "that needs CAP_SYS_PTRACE" : "run explain as root";
    bool unseen = false, unread = false, incomplete = false;

    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        unseen |= has_unseen_holder(entry);
        incomplete |= may_have_hidden_holder(snapshot, entry);
        unread |= entry->reuseaddr == UNKNOWN && entry->holder_count > 0;
    }
    if (snapshot->diag_error != 0)
        print("The sockets cannot be listed (sock_diag: %s).\n", strerror(snapshot->diag_error));
    if (snapshot->proc_error != 0) {
        print("The processes cannot be listed (/proc: %s); is it mounted?\n",
              strerror(snapshot->proc_error));
    } else if (incomplete) {
        print("Some processes cannot be inspected: %s.\n", remedy);
    } else if (unseen) {
        print("No process here holds the socket. It may belong to another PID namespace (a\n");
        print("container) or to the kernel, or be in flight over a UNIX socket (SCM_RIGHTS).\n");
    }
    if (snapshot->foreign)
        print("/proc shows another PID namespace; its pids are not valid here.\n");
    if (unread && snapshot->getfd_error != 0)
        print("Options cannot be read (pidfd_getfd: %s).\n", strerror(snapshot->getfd_error));
}
