/*
 * explain.c - diagnosis of EADDRINUSE: whether a server can bind a port, why not, and what helps.
 *
 * The data flows one way: collect a snapshot, predict, print. A snapshot lists the sockets, their
 * holders and options. If a holder is not found or a socket is closed meanwhile, it takes another
 * snapshot, up to five in all.
 * Limits: see the documentation of src/explain.rs, its Rust counterpart.
 */
#include "explain.h"
#include "explain/prediction.h"
#include "explain/print_answer.h"
#include "explain/print_sockets.h"
#include "explain/procfs.h"
#include "explain/sock_diag.h"
#include "output.h"
#include "sock.h"

#include <errno.h>
#include <unistd.h>

/* Exit statuses besides 0 (free) and 2 (wrong usage). */
#define IN_USE 1
#define UNDETERMINED 3

/* Maximum number of snapshots. Sockets can be opened and closed while one is taken. */
#define SNAPSHOTS_MAX 5

/*
 * Binds a new socket with this option to endpoint, and closes it. Returns the errno of the call
 * that failed, or 0.
 */
static int try_bind(const struct endpoint *endpoint, int level, int option, bool value)
{
    int s = socket(endpoint->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s == -1)
        return errno;
    set_option(s, level, option, value);
    int error = bind_socket(s, endpoint) == -1 ? errno : 0;
    close(s);
    return error;
}

/* Returns a snapshot without sockets. Its targets are the endpoints, which have the same port. */
static struct snapshot find_targets(const struct endpoint *endpoints, size_t count)
{
    struct snapshot snapshot = {.port = endpoints->port};
    int unprivileged[2] = {0, 0};

    read_numbers("ip_local_port_range", snapshot.ephemeral);
    read_numbers("ip_unprivileged_port_start", unprivileged);
    snapshot.denied = snapshot.port < unprivileged[0] && !may_bind_every_port();
    for (size_t i = 0; i < count; i++) {
        /* Test whether the address exists. This bind takes no port. */
        struct endpoint no_port = endpoints[i];
        no_port.port = 0;
        int error = try_bind(&no_port, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, true);
        /* A port without an address includes [::], if there is IPv6. */
        if (error != EAFNOSUPPORT || count == 1)
            snapshot.targets[snapshot.target_count++] = (struct target){
                .endpoint = endpoints[i], .error = error, .trial = NOT_TRIED};
    }
    return snapshot;
}

/* Lists the sockets again, and removes those that no longer exist. Sets changed if it does. */
static void leave_out_closed(struct snapshot *snapshot)
{
    struct snapshot now = {.port = snapshot->port};
    size_t kept = 0;

    find_sockets(&now);
    now.sockets = grow(now.sockets, now.count, sizeof *now.sockets); /* not NULL */
    qsort(now.sockets, now.count, sizeof *now.sockets, by_inode);
    for (size_t i = 0; i < snapshot->count; i++) {
        struct socket_entry *entry = &snapshot->sockets[i];
        if (now.diag_error != 0 || entry->inode == 0 ||
            bsearch(entry, now.sockets, now.count, sizeof *entry, by_inode) != NULL)
            snapshot->sockets[kept++] = *entry;
        else
            free(entry->holders);
    }
    snapshot->changed |= kept < snapshot->count;
    snapshot->count = kept;
    free_snapshot(&now);
}

/* Replaces the sockets and processes of the snapshot by those that exist now. */
static void collect(struct snapshot *snapshot)
{
    bool unread = false;

    free_snapshot(snapshot);
    snapshot->changed = snapshot->hidden = false;
    snapshot->proc_error = 0;
    find_sockets(snapshot);
    find_holders(snapshot, false);
    read_options(snapshot);
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        unread |= !entry->udp && entry->inode != 0 && entry->reuseaddr == UNKNOWN;
    }
    if (unread)
        leave_out_closed(snapshot);
    if (may_find_holder(snapshot)) {
        find_holders(snapshot, true);
        read_options(snapshot);
    }
}

/*
 * Binds to each target's port with SO_REUSEADDR. A server without the option that binds at that
 * instant fails.
 */
static void try_targets(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->target_count; i++) {
        struct target *target = &snapshot->targets[i];
        if (target->error != 0)
            continue;
        int error = try_bind(&target->endpoint, SOL_SOCKET, SO_REUSEADDR, true);
        target->trial = error;
        if (error != EACCES && error != EADDRINUSE)
            target->error = error;
    }
}

/* Returns the exit status: 0 if a server that sets SO_REUSEADDR can bind to each target. */
static int exit_status(const struct snapshot *snapshot)
{
    enum conflict worst = worst_result(snapshot, true);
    bool known = worst == NO_CONFLICT;

    for (size_t i = 0; i < snapshot->target_count; i++)
        known &= snapshot->targets[i].error == 0;
    return worst == CONFLICT ? IN_USE : known ? 0 : UNDETERMINED;
}

int explain(const struct endpoint *endpoints, size_t count, bool trial, bool all)
{
    struct snapshot snapshot = find_targets(endpoints, count);

    for (int taken = 0; taken < SNAPSHOTS_MAX; taken++) {
        collect(&snapshot);
        predict(&snapshot);
        /* If the port is in use anyway, a closed socket does not matter. */
        bool changed = snapshot.changed && worst_result(&snapshot, true) != CONFLICT;
        /* A socket can move to a process that was already read. */
        if (!changed && !may_find_holder(&snapshot))
            break;
    }
    if (trial) {
        try_targets(&snapshot);
        predict(&snapshot);
    }

    hold_output();
    print_answer(&snapshot);
    print_sockets(&snapshot, all);
    print_notes(&snapshot);
    int status = exit_status(&snapshot);
    free_snapshot(&snapshot);
    if (write_held() == -1 && errno != EPIPE) { /* a reader may stop, as head(1) does */
        report_error("write", "standard output");
        return UNDETERMINED;
    }
    return status;
}
