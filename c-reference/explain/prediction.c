/*
 * explain/prediction.c - predicts the result of bind(2) from a snapshot, by the rule in conflict.c.
 * Rust counterpart: src/explain/prediction.rs.
 */
#include "explain/prediction.h"
#include "conflict.h"

#include <errno.h>

/* Returns a socket without SO_REUSEPORT. */
static struct tcp_socket make_socket(int state, const struct endpoint *at, bool reuseaddr,
                                     bool v6only)
{
    return (struct tcp_socket){.state = state,
                               .family = at->family,
                               .address = at->address,
                               .v6only = v6only,
                               .reuseaddr = reuseaddr};
}

/* Applies the rule, with these values for SO_REUSEADDR and IPV6_V6ONLY if they are unknown. */
static bool conflicts_if(const struct socket_entry *entry, const struct tcp_socket *new,
                         bool reuseaddr, bool v6only)
{
    if (entry->reuseaddr != UNKNOWN)
        reuseaddr = entry->reuseaddr;
    if (entry->v6only != UNKNOWN)
        v6only = entry->v6only;
    struct tcp_socket existing = make_socket(entry->state, &entry->local, reuseaddr, v6only);
    existing.orphan = entry->inode == 0;
    return conflicts(&existing, new);
}

/* Predicts whether entry's socket conflicts with a new socket on endpoint. */
static enum conflict predict_one(const struct socket_entry *entry, const struct endpoint *endpoint,
                                 bool reuseaddr)
{
    const struct tcp_socket new = make_socket(TCP_CLOSE, endpoint, reuseaddr, false);

    /* Setting an option of the existing socket can remove a conflict, but not cause one. */
    if (!conflicts_if(entry, &new, false, false))
        return NO_CONFLICT;
    return conflicts_if(entry, &new, true, true) ? CONFLICT : MAY_CONFLICT;
}

/*
 * Infers the options of sockets that no process holds from the listeners on their address, if these
 * agree. Connections are not used: an outgoing one can have this address. With no listener there, a
 * connection from an ephemeral to a non-ephemeral port is probably outgoing.
 */
static void infer_options(struct snapshot *snapshot)
{
    struct socket_entry *sockets = snapshot->sockets;
    int first = snapshot->ephemeral[0], last = snapshot->ephemeral[1];
    size_t count = 0;

    for (size_t i = 0; i < snapshot->count; i++) {
        if (sockets[i].state != TCP_LISTEN)
            continue;
        struct socket_entry listener = sockets[i];
        sockets[i] = sockets[count];
        sockets[count++] = listener;
    }
    for (size_t i = count; i < snapshot->count; i++) {
        struct socket_entry *entry = &sockets[i];
        const struct socket_entry *model = NULL;
        int peer = entry->peer.port;
        bool agree = true;
        for (size_t j = 0; j < count; j++) {
            if (predict_one(&sockets[j], &entry->local, true) != CONFLICT)
                continue;
            agree &= model == NULL || (model->reuseaddr == sockets[j].reuseaddr &&
                                       model->reuseport == sockets[j].reuseport);
            model = &sockets[j];
        }
        bool is_client = first <= snapshot->port && snapshot->port <= last && peer != 0;
        entry->outgoing = is_client && (peer < first || peer > last) && model == NULL;
        if (agree && model != NULL && model->reuseaddr != UNKNOWN && entry->inode == 0) {
            entry->reuseaddr = model->reuseaddr;
            entry->reuseport = model->reuseport;
            entry->inferred = true;
        }
    }
}

/* Predicts the results of bind(2) for a target. The result of a trial overrides the prediction. */
static void predict_target(struct target *target, struct snapshot *snapshot)
{
    /* A socket that is not listed may conflict. */
    bool incomplete = snapshot->diag_error != 0 || snapshot->changed;
    enum conflict worst = incomplete ? MAY_CONFLICT : NO_CONFLICT;

    for (int with = true; with >= false; with--) {
        int trial = with ? target->trial : NOT_TRIED;
        for (size_t i = 0; i < snapshot->count; i++) {
            struct socket_entry *entry = &snapshot->sockets[i];
            if (entry->udp || trial == 0)
                continue;
            enum conflict one = predict_one(entry, &target->endpoint, with);
            if (worst < one)
                worst = one;
            entry->blocks |= with && one != NO_CONFLICT;
        }
        target->results[with] = trial == 0 ? NO_CONFLICT : trial == EADDRINUSE ? CONFLICT : worst;
    }
    /* A server without the option fails wherever one with it does. */
    if (target->results[false] < target->results[true])
        target->results[false] = target->results[true];
}

void predict(struct snapshot *snapshot)
{
    infer_options(snapshot);
    for (size_t i = 0; i < snapshot->count; i++)
        snapshot->sockets[i].blocks = false;
    for (size_t i = 0; i < snapshot->target_count; i++) {
        if (snapshot->targets[i].error == 0)
            predict_target(&snapshot->targets[i], snapshot);
    }
    if (snapshot->count > 0)
        qsort(snapshot->sockets, snapshot->count, sizeof *snapshot->sockets, by_group);
}
