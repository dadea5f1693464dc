/*
 * explain/print.c - prints whether the port is free, why not, what helps, and the sockets with
 * their processes. Rust counterpart: src/explain/print.rs.
 */
#include "explain/print.h"
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

/*
 * Prints the processes that hold sockets, or those to stop if stop. If the parent of a process
 * holds one of them as well, the process is only counted.
 */
static void print_holders(const struct snapshot *snapshot, const struct socket_entry *sockets,
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
            print("    stop the socket unit or container of process 1: systemctl list-sockets\n");
        else if (heads <= PROCESSES_MAX)
            print_process(start, &processes[i]);
        if (stop && processes[i].suspended && heads <= PROCESSES_MAX)
            print("        it is suspended: kill -CONT it as well, or kill -KILL\n");
    }
    if (heads > PROCESSES_MAX)
        print("%smore processes: %zu\n", start, heads - PROCESSES_MAX);
    if (children > 0)
        print("        and its child processes: %zu%s\n", children,
              stop ? "; if they remain, run explain again" : "");
    free(holds);
}

/* Size of an answer, with the NUL. */
#define ANSWER_TEXT (USER_TEXT + 160)

/*
 * Finds the owner of the sockets that block, if all of them have or may have SO_REUSEPORT, and
 * whether all have it. Then a server of this user that sets it can bind. Returns whether there is
 * such an owner.
 */
static bool find_reuseport_user(const struct snapshot *snapshot, uid_t *user, bool *all_share)
{
    bool found = false;

    *all_share = true;
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        if (!entry->blocks)
            continue;
        *all_share &= entry->reuseport == 1 && entry->inode != 0;
        if (entry->reuseport == 0 || (entry->inode != 0 && found && entry->uid != *user))
            return false;
        if (entry->inode != 0) {
            *user = entry->uid;
            found = true;
        }
    }
    return found;
}

/* Returns the answer for target, without its address, in text. */
static const char *describe_target(const struct snapshot *snapshot, const struct target *target,
                                   char text[ANSWER_TEXT])
{
    static const char *const free_texts[] = {
        "is free.",
        "is free for a server that sets SO_REUSEADDR.",
        "is free for a server that sets SO_REUSEADDR, but not for others.",
    };
    uid_t user;
    bool all_share;
    char name[USER_TEXT];

    if (target->error != 0) {
        snprintf(text, ANSWER_TEXT, "cannot be bound (%s).", strerror(target->error));
        return text;
    }
    switch (target->results[true]) {
    case CONFLICT:
        if (!find_reuseport_user(snapshot, &user, &all_share))
            return "is in use. A server cannot bind it, even if it sets SO_REUSEADDR.";
        snprintf(text, ANSWER_TEXT,
                 "is in use. A server that sets SO_REUSEADDR cannot bind it, but one of user %s "
                 "that also sets SO_REUSEPORT can%s.",
                 user_name(user, name), all_share ? "" : ", if the old program set it too");
        return text;
    case MAY_CONFLICT:
        if (target->results[false] == CONFLICT)
            return "is in use. A server without SO_REUSEADDR cannot bind it; one that sets it can "
                   "only if the old program set it too.";
        return "may be in use, depending on options that cannot be read.";
    default:
        return free_texts[target->results[false]];
    }
}

/* Prints the answer for each target, in one line if they agree. */
static void print_targets(const struct snapshot *snapshot)
{
    char texts[TARGETS_MAX][ANSWER_TEXT], address[ENDPOINT_TEXT];
    const char *answers[TARGETS_MAX];
    const struct target *targets = snapshot->targets;
    const char *end = snapshot->denied ? " This user may not bind it." : "";
    bool agree = snapshot->target_count > 1;

    for (size_t i = 0; i < snapshot->target_count; i++) {
        answers[i] = describe_target(snapshot, &targets[i], texts[i]);
        agree &= strcmp(answers[i], answers[0]) == 0;
    }
    if (agree)
        print("TCP port %d %s%s\n", snapshot->port, answers[0], end);
    for (size_t i = 0; i < snapshot->target_count && !agree; i++)
        print("%s %s%s\n", format_endpoint(&targets[i].endpoint, address), answers[i], end);
}

/* Prints why the port is not free: the number of sockets for each reason. */
static void print_reasons(const struct snapshot *snapshot)
{
    static const char *const reasons[] = {
        "listening sockets, which SO_REUSEADDR does not override",
        "sockets without SO_REUSEADDR",
        "sockets whose options cannot be read",
    };
    size_t counts[] = {0, 0, 0};

    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        bool read = entry->reuseaddr == 0 && !entry->inferred;
        counts[entry->state == TCP_LISTEN ? 0 : read ? 1 : 2] += entry->blocks;
    }
    for (size_t i = 0; i < 3; i++) {
        if (counts[i] > 0)
            print("    %s: %zu\n", reasons[i], counts[i]);
    }
}

/* Returns whether entry's socket can remain for some time after its process has ended. */
static bool lasts(const struct socket_entry *entry)
{
    return !is_unaccepted(entry) && entry->state != TCP_CLOSE && entry->state != TCP_CLOSE_WAIT &&
           entry->state != TCP_LISTEN && entry->state != TCP_SYN_SENT;
}

/* Prints what helps a server that sets SO_REUSEADDR. */
static void print_advice(const struct snapshot *snapshot)
{
    enum conflict without = worst_result(snapshot, false), with = worst_result(snapshot, true);
    bool blocked = false, unseen = false, lacking = false, held = false, remaining = false;
    bool sending = false, incomplete = false, ipv4 = true;
    bool dual = IN6_IS_ADDR_UNSPECIFIED(&snapshot->targets[0].endpoint.address);
    int first = snapshot->ephemeral[0], last = snapshot->ephemeral[1], port = snapshot->port;
    int tried = NOT_TRIED, seconds = 0;
    char wait[80], destroy[80], reserve[80];

    for (size_t i = 0; i < snapshot->target_count; i++) {
        if (tried < snapshot->targets[i].trial)
            tried = snapshot->targets[i].trial;
    }
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        if (!entry->blocks)
            continue;
        bool remains = lasts(entry) && entry->inode == 0;
        blocked = true;
        unseen |= has_unseen_holder(entry);
        lacking |= entry->reuseaddr == 0 && entry->state != TCP_LISTEN;
        held |= lasts(entry) && entry->inode != 0;
        remaining |= remains;
        sending |= remains && entry->seconds == -1;
        incomplete |= may_have_hidden_holder(snapshot, entry);
        ipv4 &= IN6_IS_ADDR_V4MAPPED(&entry->local.address) != 0;
        /* The peer can close in the last second: 60 s of TIME_WAIT. Timers are up to 5 s late. */
        int more = entry->state == TCP_FIN_WAIT2 ? 72 : 6;
        if (remains && entry->seconds + more > seconds)
            seconds = entry->seconds + more;
    }
    snprintf(wait, sizeof wait, "wait %d s at most", seconds);
    snprintf(destroy, sizeof destroy, "or%s sport = :%d",
             held || sending ? " close all connections, as root: ss -K -t state connected"
                             : ", as root: ss -K -t state time-wait state fin-wait-2",
             port);
    snprintf(reserve, sizeof reserve,
             "next time, keep clients off it: add %d to net.ipv4.ip_local_reserved_ports", port);
    const struct {
        bool applies;
        const char *text;
    } advice[] = {
        {unseen, "stop the process that holds the socket (not found)"},
        {held, "    but let its peers close first, or wait: 130 s, or minutes if one is gone"},
        {incomplete && geteuid() != 0,
         "run explain as root, which shows all processes that hold the sockets"},
        {snapshot->denied, "bind as root, or with CAP_NET_BIND_SERVICE"},
        {tried == EACCES && !snapshot->denied,
         "allow the bind in the security policy (in SELinux: name_bind)"},
        {tried == EADDRINUSE && !blocked, "run explain again: it lists no socket that conflicts"},
        {with == NO_CONFLICT && without != NO_CONFLICT, "set SO_REUSEADDR before bind"},
        {with == MAY_CONFLICT && remaining,
         "set SO_REUSEADDR before bind, and start the server; if bind still fails:"},
        {sending, "wait until peers have taken the last data, or the kernel gives up (minutes)"},
        {remaining && !sending, wait},
        {held || remaining, destroy},
        {blocked && !held && !remaining && !incomplete,
         "then a server that sets SO_REUSEADDR can bind at once"},
        {with == MAY_CONFLICT && tried == NOT_TRIED,
         "run explain with --try, which binds the port for an instant"},
        {lacking, "next time, set SO_REUSEADDR before bind in every program on the port"},
        {dual && blocked && ipv4, "or set IPV6_V6ONLY before bind: [::] then excludes IPv4"},
        {(held || remaining) && first <= port && port <= last, reserve},
    };

    if (without != NO_CONFLICT || tried == EACCES || snapshot->denied)
        print("\nWhat helps:\n");
    print_holders(snapshot, snapshot->sockets, snapshot->count, true);
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++) {
        if (advice[i].applies)
            print("    %s\n", advice[i].text);
    }
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

/* Prints the sockets, in groups unless all. */
static void print_sockets(const struct snapshot *snapshot, bool all)
{
    const struct socket_entry *sockets = snapshot->sockets;
    size_t count = 0, rows = 0, start = 0, end;

    while (count < snapshot->count && !sockets[count].udp)
        count++;
    if (count > 0)
        print("\nSockets on port %d:\n", snapshot->port);
    else if (snapshot->diag_error == 0)
        print("No TCP socket uses port %d in this network namespace. A server that still\n"
              "fails runs in another one, or binds the port twice: to 0.0.0.0 and to [::].\n",
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

/* Prints what could not be read, and what would help. */
static void print_notes(const struct snapshot *snapshot)
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
        print("/proc is that of another PID namespace; its pids are not valid here.\n");
    if (unread && snapshot->getfd_error != 0)
        print("Options cannot be read (pidfd_getfd: %s).\n", strerror(snapshot->getfd_error));
}

void print_snapshot(const struct snapshot *snapshot, bool all)
{
    print_targets(snapshot);
    print_reasons(snapshot);
    print_advice(snapshot);
    print_sockets(snapshot, all);
    print_notes(snapshot);
}
