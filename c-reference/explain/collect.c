/*
 * explain/collect.c - takes a snapshot: lists sockets and holders, tries to bind, and lists again.
 * Rust counterpart: src/explain/collect.rs.
 */
#include "explain/collect.h"
#include "explain/procfs.h"
#include "explain/sock_diag.h"
#include "sock.h"

#include <errno.h>
#include <unistd.h>

/* Binds a new socket to endpoint and closes it. Returns 0, or the errno of bind(2). */
static int trial_bind(const struct endpoint *endpoint, bool reuseaddr)
{
    int s = open_socket(endpoint->family, false, reuseaddr, false);
    int error = bind_socket(s, endpoint) == -1 ? errno : 0;
    close(s);
    return error;
}

static int by_cookie(const void *a, const void *b)
{
    const struct socket_entry *left = a, *right = b;

    return (left->cookie > right->cookie) - (left->cookie < right->cookie);
}

/* Lists the sockets again. Keeps what is known of those that are still there, and nothing else. */
static void update_sockets(struct snapshot *snapshot)
{
    struct snapshot now = {.port = snapshot->port};
    size_t kept = 0;

    find_sockets(&now);
    if (snapshot->diag_error == 0)
        snapshot->diag_error = now.diag_error;
    if (snapshot->total > 0)
        qsort(snapshot->sockets, snapshot->total, sizeof *snapshot->sockets, by_cookie);
    for (size_t i = 0; i < now.total && snapshot->total > 0; i++) {
        struct socket_entry *entry = &now.sockets[i];
        struct socket_entry *known =
            bsearch(entry, snapshot->sockets, snapshot->total, sizeof *entry, by_cookie);
        if (known == NULL)
            continue;
        entry->reuseaddr = known->reuseaddr;
        entry->reuseport = known->reuseport;
        if (entry->v6only == UNKNOWN)
            entry->v6only = known->v6only;
        if (entry->inode == known->inode) {
            entry->holders = known->holders;
            entry->holder_count = known->holder_count;
            known->holders = NULL;
        }
        now.sockets[kept++] = *entry;
    }
    struct snapshot old = {.sockets = snapshot->sockets, .total = snapshot->total};
    snapshot->sockets = now.sockets;
    snapshot->total = kept;
    free_snapshot(&old);
}

struct snapshot collect(const struct endpoint *endpoint)
{
    struct snapshot snapshot = {.port = endpoint->port};

    find_sockets(&snapshot);
    find_holders(&snapshot);
    snapshot.bind_errors[false] = trial_bind(endpoint, false);
    snapshot.bind_errors[true] = trial_bind(endpoint, true);
    update_sockets(&snapshot);
    read_port_range(&snapshot);
    return snapshot;
}
