/*
 * explain/prediction.c - predicts the result of bind(2) from a snapshot, by the rule in conflict.c.
 * Rust counterpart: src/explain/prediction.rs.
 */
#include "explain/prediction.h"
#include "conflict.h"

#include <errno.h>

/* Applies the rule, with the options that cannot be read taken as unknown. */
static bool conflicts_if(const struct socket_entry *entry, const struct tcp_socket *new,
                         bool unknown)
{
    const struct tcp_socket existing = {
        .state = entry->state,
        .family = entry->local.family,
        .address = entry->local.address,
        .v6only = entry->v6only == UNKNOWN ? unknown : entry->v6only,
        .reuseaddr = entry->reuseaddr == UNKNOWN ? unknown : entry->reuseaddr,
    };
    return conflicts(&existing, new);
}

enum conflict predict_one(const struct socket_entry *entry, const struct endpoint *endpoint,
                          bool reuseaddr)
{
    const struct tcp_socket new = {
        .state = TCP_CLOSE,
        .family = endpoint->family,
        .address = endpoint->address,
        .reuseaddr = reuseaddr,
    };

    /* Setting an option of the existing socket can remove a conflict, but not cause one. */
    if (!conflicts_if(entry, &new, false))
        return NO_CONFLICT;
    return conflicts_if(entry, &new, true) ? CONFLICT : MAY_CONFLICT;
}

/* Returns why entry's socket conflicts or may conflict. decisive: it alone decides the result. */
static const char *find_reason(const struct socket_entry *entry, const struct endpoint *endpoint,
                               const struct prediction *prediction, bool decisive)
{
    struct socket_entry off = *entry;

    if (predict_one(entry, endpoint, prediction->reuseaddr) == CONFLICT) {
        if (entry->state == TCP_LISTEN)
            return "is listening (C1)";
        return prediction->reuseaddr ? "lacks SO_REUSEADDR (C2)"
                                     : "conflicts because the new socket lacks SO_REUSEADDR (C2)";
    }

    /* If SO_REUSEADDR is the only unknown, the result of the trial may reveal it. */
    off.reuseaddr = 0;
    if (predict_one(&off, endpoint, prediction->reuseaddr) != CONFLICT)
        return "may lack IPV6_V6ONLY, which cannot be read";
    if (prediction->error == 0)
        return "has SO_REUSEADDR, as the result shows";
    return decisive && prediction->error == EADDRINUSE
               ? "lacks SO_REUSEADDR, as the result shows (C2)"
               : "may lack SO_REUSEADDR, which cannot be read (C2)";
}

struct prediction predict(const struct snapshot *snapshot, const struct endpoint *endpoint,
                          bool reuseaddr)
{
    struct prediction prediction = {
        .reuseaddr = reuseaddr,
        .conflict = NO_CONFLICT,
        .error = snapshot->bind_errors[reuseaddr],
    };
    size_t unknown = 0; /* sockets that may conflict */

    /* A socket that is not listed may conflict. */
    if (snapshot->diag_error != 0) {
        prediction.conflict = MAY_CONFLICT;
        unknown++;
    }
    for (size_t i = 0; i < snapshot->count; i++) {
        enum conflict one = predict_one(&snapshot->sockets[i], endpoint, reuseaddr);
        if (prediction.conflict < one)
            prediction.conflict = one;
        unknown += one == MAY_CONFLICT;
    }

    bool decisive = prediction.conflict == MAY_CONFLICT && unknown == 1;
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        if (predict_one(entry, endpoint, reuseaddr) == NO_CONFLICT)
            continue;
        const char *text = find_reason(entry, endpoint, &prediction, decisive);
        add_id(&find_remark(&prediction.reasons, text)->sockets, i + 1);
    }
    return prediction;
}

bool is_wrong(const struct prediction *prediction)
{
    return (prediction->error == 0 && prediction->conflict == CONFLICT) ||
           (prediction->error == EADDRINUSE && prediction->conflict == NO_CONFLICT);
}

bool bind_fails(const struct prediction *prediction)
{
    /* EACCES concerns the user and the port (below 1024), not the sockets. */
    if (prediction->error == EACCES)
        return prediction->conflict != NO_CONFLICT;
    return prediction->error != 0;
}
