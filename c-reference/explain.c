/*
 * explain.c - diagnosis of EADDRINUSE: which sockets conflict with a bind, and what helps.
 *
 * The data flows one way: collect a snapshot, predict, derive advice, print. To collect, explain
 * lists the sockets and their holders, binds a trial socket without SO_REUSEADDR and then one with
 * it, and lists the sockets again. It predicts from the sockets that are in both lists. If a trial
 * contradicts the prediction, or a holder is missing, it starts again, up to five times in all.
 * Limits: see the documentation of src/explain.rs, its Rust counterpart.
 */
#include "explain.h"
#include "explain/advice.h"
#include "explain/collect.h"
#include "explain/print_advice.h"
#include "explain/print_sockets.h"
#include "explain/print_tree.h"
#include "output.h"

/* Sockets come and go while a snapshot is taken. Take at most this many. */
#define SNAPSHOTS_MAX 5

/* Leaves out the sockets that cannot conflict with endpoint and do not have its address. */
static void leave_out_others(struct snapshot *snapshot, const struct endpoint *endpoint)
{
    for (size_t i = 0; i < snapshot->total; i++) {
        struct socket_entry *entry = &snapshot->sockets[i];
        /* A port without an address is a request for all sockets on that port. */
        if (!entry->relevant || is_wildcard(&endpoint->address) ||
            IN6_ARE_ADDR_EQUAL(&entry->local.address, &endpoint->address) ||
            predict_one(entry, endpoint, false) != NO_CONFLICT)
            continue;
        entry->relevant = false;
        snapshot->others++;
    }
    sort_sockets(snapshot);
}

/* Returns whether the snapshot seems to show one moment. */
static bool is_consistent(const struct snapshot *snapshot, const struct prediction *without,
                          const struct prediction *with)
{
    if (is_wrong(without) || is_wrong(with))
        return false;

    /* A socket without a holder may have been passed on, unless its holder is hidden from us. */
    for (size_t i = 0; i < snapshot->count; i++) {
        if (!snapshot->hidden && has_unseen_holder(&snapshot->sockets[i]))
            return false;
    }
    return true;
}

int explain(const struct endpoint *endpoint)
{
    struct snapshot snapshot;
    struct prediction without, with;

    for (int count = 1;; count++) {
        snapshot = collect(endpoint);
        leave_out_others(&snapshot, endpoint);
        without = predict(&snapshot, endpoint, false);
        with = predict(&snapshot, endpoint, true);
        if (count == SNAPSHOTS_MAX || is_consistent(&snapshot, &without, &with))
            break;
        free_snapshot(&snapshot);
    }
    struct remark_list advice = derive_advice(&snapshot, endpoint, &without, &with);

    print_sockets(&snapshot);
    print_tree(&snapshot);
    print("\n");
    print_prediction(endpoint, &without);
    print_prediction(endpoint, &with);
    print_advice(&snapshot, &advice);
    free_snapshot(&snapshot);
    return bind_fails(&with) || is_wrong(&without) || is_wrong(&with);
}
