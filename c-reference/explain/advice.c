/*
 * explain/advice.c - derives advice from a snapshot and its predictions.
 * Rust counterpart: src/explain/advice.rs.
 */
#include "explain/advice.h"

#include <errno.h>
#include <string.h>

/* Returns the advice for a socket that conflicts. */
static enum advice_kind find_kind(const struct socket_entry *entry)
{
    if (is_unaccepted(entry))
        return CLOSES_WITH_LISTENER;
    switch (entry->state) {
    case TCP_LISTEN:
    case TCP_SYN_SENT:
    case TCP_CLOSE_WAIT: /* the peer has closed first, so TIME_WAIT is on its side */
        return STOP;
    case TCP_CLOSE:
        return STOP_OR_SET_OPTION;
    case TCP_ESTABLISHED:
        return CLOSE_PEER_FIRST;
    case TCP_TIME_WAIT:
        return WAIT_IN_TIME_WAIT;
    case TCP_LAST_ACK:
        return WAIT_FOR_ACK;
    default:
        if (entry->seconds >= 0)
            return WAIT_IN_FIN_WAIT2;
        return entry->inode != 0 ? STOP_AND_WAIT : WAIT_FOR_PEER;
    }
}

/* Adds the advice that concerns existing socket number. */
static void advise_on_socket(const struct snapshot *snapshot, size_t number,
                             struct advice advice[ADVICE_KINDS])
{
    const struct socket_entry *entry = &snapshot->sockets[number - 1];
    enum advice_kind kind = find_kind(entry);

    advice[kind].applies = true;
    add_id(&advice[kind].sockets, number);
    if (advice[kind].seconds < entry->seconds)
        advice[kind].seconds = entry->seconds;
    for (size_t i = 0; i < entry->holder_count; i++)
        add_id(&advice[kind].pids, (size_t)snapshot->processes[entry->holders[i].process].pid);

    /* SO_REUSEADDR does not help against a listener. */
    if (entry->state == TCP_LISTEN || kind == CLOSES_WITH_LISTENER)
        return;
    advice[SET_OPTION_THERE].applies = true;
    if (entry->state != TCP_CLOSE && snapshot->first_port <= snapshot->port &&
        snapshot->port <= snapshot->last_port)
        advice[CHOOSE_OTHER_PORT].applies = true;
}

void derive_advice(const struct snapshot *snapshot, const struct endpoint *endpoint,
                   const struct prediction *without, const struct prediction *with,
                   struct advice advice[ADVICE_KINDS])
{
    bool found = false;

    memset(advice, 0, ADVICE_KINDS * sizeof *advice);
    advice[BIND_AS_ROOT].applies = with->error == EACCES;
    advice[BIND_LOCAL_ADDRESS].applies = with->error == EADDRNOTAVAIL;
    advice[BIND_OTHER_ADDRESS].applies = with->error == EINVAL;
    if (!bind_fails(with)) {
        advice[SET_OPTION].applies = bind_fails(without);
        return;
    }
    for (size_t i = 0; i < snapshot->count; i++) {
        if (predict_one(&snapshot->sockets[i], endpoint, true) == NO_CONFLICT)
            continue;
        advise_on_socket(snapshot, i + 1, advice);
        found = true;
    }
    advice[FIND_HOLDER].applies = !found && with->error == EADDRINUSE;
}
