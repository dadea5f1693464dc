/*
 * explain/prediction.c - predicts the result of bind(2) from a snapshot, by the rule in conflict.c.
 * Rust counterpart: src/explain/prediction.rs.
 */
#include "explain/prediction.h"
#include "conflict.h"

#include <errno.h>
#include <string.h>

/* Applies the rule, with these values for SO_REUSEADDR and IPV6_V6ONLY if they are unknown. */
static bool conflicts_if(const struct socket_entry *entry, const struct tcp_socket *new,
                         bool reuseaddr, bool v6only)
{
    const struct tcp_socket existing = {
        .state = entry->state,
        .family = entry->local.family,
        .address = entry->local.address,
        .v6only = entry->v6only == UNKNOWN ? v6only : entry->v6only,
        .reuseaddr =
            entry->reuseaddr == UNKNOWN || entry->inferred ? reuseaddr : entry->reuseaddr,
    };
    return conflicts(&existing, new);
}

/* Predicts whether entry's socket conflicts with a new socket on endpoint. */
static enum conflict predict_one(const struct socket_entry *entry, const struct endpoint *endpoint,
                                 bool reuseaddr)
{
    const struct tcp_socket new = {
        .state = TCP_CLOSE,
        .family = endpoint->family,
        .address = endpoint->address,
        .reuseaddr = reuseaddr,
    };

    /* Setting an option of the existing socket can remove a conflict, but not cause one. */
    if (!conflicts_if(entry, &new, false, false))
        return NO_CONFLICT;
    if (conflicts_if(entry, &new, true, true))
        return CONFLICT;
    return conflicts_if(entry, &new, entry->reuseaddr == 1, false) ? MAY_CONFLICT : PROBABLY_NOT;
}

/*
 * Infers the options of sockets that no process holds from the listeners on their address, if these
 * agree. Connections are not used: that of a client can have the same address.
 */
static void infer_options(struct socket_entry *sockets, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        if (sockets[i].state != TCP_LISTEN)
            continue;
        struct socket_entry listener = sockets[i];
        sockets[i] = sockets[count];
        sockets[count++] = listener;
    }
    for (struct socket_entry *entry = sockets + count; entry < sockets + n; entry++) {
        const struct socket_entry *model = NULL;
        bool agree = entry->inode == 0;
        for (size_t i = 0; i < count && agree; i++) {
            if (predict_one(&sockets[i], &entry->local, true) != CONFLICT)
                continue;
            agree = model == NULL || (model->reuseaddr == sockets[i].reuseaddr &&
                                      model->reuseport == sockets[i].reuseport);
            model = &sockets[i];
        }
        if (agree && model != NULL && model->reuseaddr != UNKNOWN) {
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
    enum conflict unlisted = snapshot->diag_error != 0 ? MAY_CONFLICT : NO_CONFLICT;

    target->results[true] = NO_CONFLICT;
    for (int of = true; of >= false; of--) {
        enum conflict result =
            unlisted > target->results[true] ? unlisted : target->results[true];
        for (size_t i = 0; i < snapshot->count; i++) {
            struct socket_entry *entry = &snapshot->sockets[i];
            if (entry->udp)
                continue;
            enum conflict one = target->trials[of] == 0
                                    ? NO_CONFLICT
                                    : predict_one(entry, &target->endpoint, of);
            if (result < one)
                result = one;
            if (entry->conflicts[of] < one)
                entry->conflicts[of] = one;
        }
        if (target->trials[of] == 0)
            result = NO_CONFLICT;
        target->results[of] = target->trials[of] == EADDRINUSE ? CONFLICT : result;
    }
}

void predict(struct snapshot *snapshot)
{
    infer_options(snapshot->sockets, snapshot->count);
    for (size_t i = 0; i < snapshot->count; i++)
        memset(snapshot->sockets[i].conflicts, 0, sizeof snapshot->sockets[i].conflicts);
    for (size_t i = 0; i < snapshot->target_count; i++) {
        if (snapshot->targets[i].error == 0)
            predict_target(&snapshot->targets[i], snapshot);
    }
    if (snapshot->count > 0)
        qsort(snapshot->sockets, snapshot->count, sizeof *snapshot->sockets, by_group);
}
