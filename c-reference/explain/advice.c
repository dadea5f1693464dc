/*
 * explain/advice.c - derives advice from a snapshot and its predictions.
 * Rust counterpart: src/explain/advice.rs.
 */
#include "explain/advice.h"

#include <errno.h>

/* Returns the advice for a socket that conflicts. */
static const char *find_advice(const struct socket_entry *entry)
{
    if (is_unaccepted(entry))
        return "stop the listener, which closes this too";
    switch (entry->state) {
    case TCP_LISTEN:
    case TCP_SYN_SENT:
    case TCP_CLOSE_WAIT: /* the peer has closed first, so TIME_WAIT is on its side */
        return "stop %s";
    case TCP_CLOSE:
        return "stop %s, or have it set SO_REUSEADDR";
    case TCP_ESTABLISHED:
        return "let the peer close, then stop %s (else wait up to 120 s)";
    case TCP_TIME_WAIT:
        return "wait %s s (TIME_WAIT)";
    case TCP_LAST_ACK:
        return "wait until the peer acknowledges, or until the kernel gives up";
    default: /* FIN_WAIT1, FIN_WAIT2, CLOSING */
        if (entry->seconds >= 0)
            return "wait %s s (FIN_WAIT2); if the peer closes, 60 s from then (TIME_WAIT)";
        return entry->inode != 0
                   ? "stop %s, then wait until 60 s after the peer closes"
                   : "wait until 60 s after the peer closes, or until the kernel gives up";
    }
}

/* Adds the advice that concerns existing socket number. */
static void advise_on_socket(const struct snapshot *snapshot, size_t number,
                             struct remark_list *advice)
{
    const struct socket_entry *entry = &snapshot->sockets[number - 1];
    struct remark *remark = find_remark(advice, find_advice(entry));

    add_id(&remark->sockets, number);
    if (remark->seconds < entry->seconds)
        remark->seconds = entry->seconds;
    for (size_t i = 0; i < entry->holder_count; i++)
        add_id(&remark->pids, (size_t)snapshot->processes[entry->holders[i].process].pid);
}

struct remark_list derive_advice(const struct snapshot *snapshot, const struct endpoint *endpoint,
                                 const struct prediction *without, const struct prediction *with)
{
    struct remark_list advice = {0};
    bool bound = false;     /* whether a socket conflicts that does not listen */
    bool connected = false; /* whether it is a connection */

    if (with->error == EACCES)
        find_remark(&advice, "bind as root, or with CAP_NET_BIND_SERVICE");
    if (with->error == EADDRNOTAVAIL)
        find_remark(&advice, "bind to an address of this machine; ip address lists them");
    if (with->error == EINVAL)
        find_remark(&advice, "bind to an address that is neither multicast nor link-local");
    if (!bind_fails(with)) {
        if (bind_fails(without))
            find_remark(&advice, "set SO_REUSEADDR before bind");
        return advice;
    }
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        if (predict_one(entry, endpoint, true) == NO_CONFLICT)
            continue;
        advise_on_socket(snapshot, i + 1, &advice);
        if (entry->state == TCP_LISTEN || is_unaccepted(entry))
            continue;
        bound = true;
        connected |= entry->state != TCP_CLOSE;
    }
    if (advice.count == 0 && with->error == EADDRINUSE)
        find_remark(&advice, "stop the process that holds it; as root, ss -tanp may show it");
    if (bound)
        find_remark(&advice, "next time: set SO_REUSEADDR before bind in every program that uses "
                             "the port");
    if (connected && snapshot->first_port <= snapshot->port &&
        snapshot->port <= snapshot->last_port)
        find_remark(&advice, "or choose a port outside the ephemeral range (%s)");
    return advice;
}
