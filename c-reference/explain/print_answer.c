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
                 "is in use. A server that sets SO_REUSEADDR cannot bind it, but one run by %s "
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
        "connections that are probably outgoing, from this port",
    };
    size_t counts[] = {0, 0, 0, 0};

    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        bool read = entry->reuseaddr == 0 && !entry->inferred;
        int other = entry->outgoing ? 3 : read ? 1 : 2;
        counts[entry->state == TCP_LISTEN ? 0 : other] += entry->blocks;
    }
    for (size_t i = 0; i < 4; i++) {
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
        lacking |= entry->reuseaddr == 0 && entry->state != TCP_LISTEN && !entry->outgoing;
        held |= lasts(entry) && entry->inode != 0;
        remaining |= remains;
        sending |= remains && entry->seconds == -1;
        incomplete |= may_have_hidden_holder(snapshot, entry);
        ipv4 &= IN6_IS_ADDR_V4MAPPED(&entry->local.address) != 0;
        /* The peer can close in the last second: 60 s of TIME_WAIT. Allow 6 s for each timer. */
        int more = entry->state == TCP_FIN_WAIT2 ? 72 : 6;
        if (remains && entry->seconds + more > seconds)
            seconds = entry->seconds + more;
    }
    snprintf(wait, sizeof wait, "wait %d s at most", seconds);
    snprintf(destroy, sizeof destroy, "or%s sport = :%d",
             held || sending ? " close these connections, as root: ss -K -t state connected"
                             : ", as root: ss -K -t state time-wait state fin-wait-2",
             port);
    snprintf(reserve, sizeof reserve,
             "next time, reserve the port: add %d to net.ipv4.ip_local_reserved_ports", port);
    const struct {
        bool applies;
        const char *text;
    } advice[] = {
        {unseen, "stop the process that holds the socket (not found)"},
        {held, "    let its peers close first; else wait 130 s, or minutes if a peer is gone"},
        {incomplete && geteuid() != 0,
         "run explain as root, which shows all processes that hold the sockets"},
        {snapshot->denied, "bind as root, or with CAP_NET_BIND_SERVICE"},
        {tried == EACCES && !snapshot->denied,
         "allow the bind in the security policy (in SELinux: name_bind)"},
        {tried == EADDRINUSE && !blocked, "run explain again: no conflicting socket was found"},
        {with == NO_CONFLICT && without != NO_CONFLICT, "set SO_REUSEADDR before bind"},
        {with == MAY_CONFLICT && remaining,
         "set SO_REUSEADDR before bind, and start the server; if bind still fails:"},
        {sending, "wait until peers acknowledge the last data, or TCP gives up (minutes)"},
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

void print_answer(const struct snapshot *snapshot)
{
    print_targets(snapshot);
    print_reasons(snapshot);
    print_advice(snapshot);
}
