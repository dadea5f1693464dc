/*
 * explain/print_answer.c - prints whether the port is free, why not, and what helps.
 * Rust counterpart: src/explain/print_answer.rs.
 */
#include "explain/print_answer.h"
#include "explain/print_sockets.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Size of an answer, with the NUL. */
#define ANSWER_TEXT 160

/*
 * Finds the owner of all sockets that block, if these have SO_REUSEPORT: its servers can bind.
 * Returns whether there is one.
 */
static bool find_reuseport_user(const struct snapshot *snapshot, uid_t *user)
{
    bool found = false;

    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        if (!blocks(entry))
            continue;
        if (entry->reuseport != 1 || entry->inode == 0 || (found && entry->uid != *user))
            return false;
        *user = entry->uid;
        found = true;
    }
    return found;
}

/* Returns the answer for target, without its address, in text. */
static const char *describe_target(const struct snapshot *snapshot, const struct target *target,
                                   char text[ANSWER_TEXT])
{
    uid_t user;
    char name[USER_TEXT];

    if (target->error != 0) {
        snprintf(text, ANSWER_TEXT, "cannot be bound (%s).", strerror(target->error));
        return text;
    }
    switch (target->results[true]) {
    case CONFLICT:
        if (!find_reuseport_user(snapshot, &user))
            return "is in use. A server cannot bind it, even if it sets SO_REUSEADDR.";
        snprintf(text, ANSWER_TEXT,
                 "is in use. A server that sets SO_REUSEADDR cannot bind it, but one of user %s "
                 "that also sets SO_REUSEPORT can.",
                 user_name(user, name));
        return text;
    case MAY_CONFLICT:
        if (target->results[false] == CONFLICT)
            return "is in use. A server without SO_REUSEADDR cannot bind it; one that sets it can "
                   "only if the old program set it too.";
        return "may be in use, depending on options that cannot be read.";
    default:
        return target->results[false] == NO_CONFLICT
                   ? "is free."
                   : "is free for a server that sets SO_REUSEADDR, but not for others.";
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
    bool blocked = false, unseen = false, lacking = false, held = false, sending = false;
    bool remaining = false, incomplete = false;
    int first = snapshot->ephemeral[0], last = snapshot->ephemeral[1], port = snapshot->port;
    int tried = NOT_TRIED, seconds = 0;

    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        if (!blocks(entry))
            continue;
        blocked = true;
        unseen |= has_unseen_holder(entry);
        lacking |= entry->reuseaddr == 0 && entry->state != TCP_LISTEN;
        held |= lasts(entry) && entry->inode != 0;
        incomplete |= may_have_hidden_holder(snapshot, entry);
        bool remains = lasts(entry) && entry->inode == 0;
        remaining |= remains;
        sending |= remains && entry->seconds == -1;
        /* In FIN_WAIT2, the peer can close in the last second, which starts 60 s of TIME_WAIT. */
        int left = entry->seconds + (entry->state == TCP_FIN_WAIT2 ? 60 : 0);
        seconds = remains && left > seconds ? left : seconds;
    }
    for (size_t i = 0; i < snapshot->target_count; i++) {
        if (tried < snapshot->targets[i].trials[true])
            tried = snapshot->targets[i].trials[true];
    }

    if (without >= MAY_CONFLICT || tried == EACCES || snapshot->denied)
        print("\nWhat helps:\n");
    if (snapshot->denied)
        print("    bind as root, or with CAP_NET_BIND_SERVICE\n");
    else if (tried == EACCES)
        print("    allow the bind in the security policy (in SELinux: name_bind)\n");
    if (with < MAY_CONFLICT) {
        if (without >= MAY_CONFLICT)
            print("    set SO_REUSEADDR before bind\n");
        return;
    }
    if (incomplete && geteuid() != 0)
        print("    run explain as root, which shows all processes that hold the sockets\n");
    print_holders(snapshot, snapshot->sockets, snapshot->count, true);
    if (unseen)
        print("    stop the process that holds the socket (not found)\n");
    else if (!blocked && tried == EADDRINUSE)
        print("    run explain again: it lists no socket that conflicts\n");
    if (held)
        print("        but let its peers close first, or wait 120 s afterwards\n");
    if (with == MAY_CONFLICT && remaining)
        print("    set SO_REUSEADDR before bind, and start the server; if bind still fails:\n");
    if (sending)
        print("    wait until peers have taken the last data, or the kernel gives up (minutes)\n");
    else if (remaining)
        print("    wait %d s at most\n", seconds);
    if (held || sending)
        print("    or close all connections, as root: ss -K -t state connected sport = :%d\n",
              port);
    else if (remaining)
        print("    or, as root: ss -K -t state time-wait state fin-wait-2 sport = :%d\n", port);
    else if (blocked && !incomplete)
        print("    then a server that sets SO_REUSEADDR can bind at once\n");
    if (with == MAY_CONFLICT && tried == NOT_TRIED)
        print("    or run explain with --try, which binds the port for an instant\n");
    if (lacking)
        print("    next time, set SO_REUSEADDR before bind in every program on the port\n");
    if ((held || remaining) && first <= port && port <= last) {
        print("    or exclude the port from the ephemeral range, %d to %d:\n", first, last);
        print("        add %d to the list net.ipv4.ip_local_reserved_ports\n", port);
    }
}

void print_answer(const struct snapshot *snapshot)
{
    size_t counts[] = {0, 0, 0};
    bool lacking = worst_result(snapshot, true) == CONFLICT;

    print_targets(snapshot);
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        bool read = entry->reuseaddr == 0 && !entry->inferred;
        counts[entry->state == TCP_LISTEN ? 0 : read ? 1 : 2] += blocks(entry);
        lacking &= entry->conflicts[true] != CONFLICT;
    }
    const char *const reasons[] = {
        "listening sockets, which SO_REUSEADDR does not override",
        "sockets without SO_REUSEADDR",
        lacking ? "sockets, of which at least one lacks SO_REUSEADDR"
                : "sockets whose options cannot be read",
    };
    for (size_t i = 0; i < 3; i++) {
        if (counts[i] > 0)
            print("    %s: %zu\n", reasons[i], counts[i]);
    }
    print_advice(snapshot);
}
