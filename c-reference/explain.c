/*
 * explain.c - diagnosis of EADDRINUSE: whether a server can bind a port, why not, and what helps.
 *
 * The data flows one way: collect a snapshot, predict, print. A snapshot lists the sockets, their
 * holders and options. If a holder is not found or a socket closes meanwhile, it takes another one,
 * up to five in all.
 * Limits: see the documentation of src/explain.rs, its Rust counterpart.
 */
#include "explain.h"
#include "explain/collect.h"
#include "explain/prediction.h"
#include "explain/print_answer.h"
#include "explain/print_sockets.h"
#include "output.h"

#include <errno.h>

/* Exit statuses besides 0 (free) and 2 (wrong usage). */
#define IN_USE 1
#define UNDETERMINED 3

/* Maximum number of snapshots. Sockets can be opened and closed while one is taken. */
#define SNAPSHOTS_MAX 5

/* Returns the exit status: 0 if a server that sets SO_REUSEADDR can bind to each target. */
static int exit_status(const struct snapshot *snapshot)
{
    enum conflict worst = worst_result(snapshot, true);

    if (worst >= MAY_CONFLICT)
        return worst == CONFLICT ? IN_USE : UNDETERMINED;
    for (size_t i = 0; i < snapshot->target_count; i++) {
        if (snapshot->targets[i].error != 0)
            return UNDETERMINED;
    }
    return 0;
}

int explain(const struct endpoint *endpoints, size_t count, bool trial, bool all)
{
    struct snapshot snapshot;

    for (int taken = 1;; taken++) {
        bool unseen = false;
        snapshot = collect(endpoints, count, taken == SNAPSHOTS_MAX);
        predict(&snapshot);
        /* The socket may have moved to a process already read. Hidden processes stay hidden. */
        for (size_t i = 0; i < snapshot.count; i++)
            unseen |= has_unseen_holder(&snapshot.sockets[i]);
        /* Where the others suffice, a socket that was closed does not matter. */
        bool changed = snapshot.changed && worst_result(&snapshot, true) != CONFLICT;
        if (taken == SNAPSHOTS_MAX || (!changed && (!unseen || snapshot.hidden)))
            break;
        free_snapshot(&snapshot);
    }
    if (trial) {
        try_targets(&snapshot);
        predict(&snapshot);
    }

    hold_output();
    print_answer(&snapshot);
    print_sockets(&snapshot, all);
    int status = exit_status(&snapshot);
    free_snapshot(&snapshot);
    if (write_held() == -1 && errno != EPIPE) { /* a reader may stop, as head(1) does */
        report_error("write", "standard output");
        return UNDETERMINED;
    }
    return status;
}
