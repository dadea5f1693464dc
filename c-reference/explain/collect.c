/*
 * explain/collect.c - takes a snapshot: lists the sockets, finds their holders, and with --try
 * binds. Rust counterpart: src/explain/collect.rs.
 */
#include "explain/collect.h"
#include "explain/procfs.h"
#include "explain/sock_diag.h"
#include "sock.h"

#include <errno.h>
#include <unistd.h>

/*
 * Binds a new socket with this option to endpoint, and closes it. Without a port, it binds only if
 * the address is not ::. Returns 0, or the errno of the call that failed.
 */
static int try_bind(const struct endpoint *endpoint, int level, int option, bool value)
{
    int error = 0;

    int s = socket(endpoint->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s == -1)
        return errno;
    if (endpoint->port != 0 || !is_wildcard(&endpoint->address)) {
        set_option(s, level, option, value);
        error = bind_socket(s, endpoint) == -1 ? errno : 0;
    }
    close(s);
    return error;
}

/*
 * Returns endpoint as a target, and tests whether its address exists, as 127.0.0.0/8 does. This
 * bind takes no port.
 */
static struct target make_target(const struct endpoint *endpoint)
{
    struct target target = {.endpoint = *endpoint, .trials = {NOT_TRIED, NOT_TRIED}};
    struct endpoint no_port = *endpoint;

    no_port.port = 0;
    if (endpoint->family != AF_INET || endpoint->address.s6_addr[12] != 127)
        target.error = try_bind(&no_port, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, true);
    return target;
}

/* Lists the sockets again, and removes those that were not read because they no longer exist. */
static void leave_out_closed(struct snapshot *snapshot)
{
    struct snapshot now = {.port = snapshot->port};
    size_t kept = 0;

    find_sockets(&now);
    snapshot->diag_error = now.diag_error;
    now.sockets = grow(now.sockets, now.count, sizeof *now.sockets); /* not NULL */
    qsort(now.sockets, now.count, sizeof *now.sockets, by_inode);
    for (size_t i = 0; i < snapshot->count; i++) {
        struct socket_entry *entry = &snapshot->sockets[i];
        if (now.diag_error != 0 || entry->inode == 0 || entry->reuseaddr != UNKNOWN ||
            bsearch(entry, now.sockets, now.count, sizeof *entry, by_inode) != NULL)
            snapshot->sockets[kept++] = *entry;
        else
            free(entry->holders);
    }
    snapshot->changed = kept < snapshot->count;
    snapshot->count = kept;
    free_snapshot(&now);
}

struct snapshot collect(const struct endpoint *endpoints, size_t count, bool last)
{
    struct snapshot snapshot = {.port = endpoints->port};
    bool unread = false, unseen = false;
    int unprivileged[2] = {0, 0};

    find_sockets(&snapshot);
    find_holders(&snapshot, false);
    read_options(&snapshot);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct socket_entry *entry = &snapshot.sockets[i];
        unread |= !entry->udp && entry->inode != 0 && entry->reuseaddr == UNKNOWN;
    }
    if (unread && !last)
        leave_out_closed(&snapshot);
    for (size_t i = 0; i < snapshot.count; i++)
        unseen |= has_unseen_holder(&snapshot.sockets[i]);
    if (unseen && (geteuid() == 0 || !snapshot.hidden)) {
        find_holders(&snapshot, true);
        read_options(&snapshot);
    }
    for (size_t i = 0; i < count; i++) {
        struct target *target = &snapshot.targets[snapshot.target_count];
        *target = make_target(&endpoints[i]);
        /* A port without an address includes [::], if there is IPv6. */
        snapshot.target_count += target->error != EAFNOSUPPORT || count == 1;
    }
    read_numbers("ip_local_port_range", snapshot.ephemeral);
    read_numbers("ip_unprivileged_port_start", unprivileged);
    snapshot.denied = snapshot.port < unprivileged[0] && !may_bind_every_port();
    return snapshot;
}

void try_targets(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->target_count; i++) {
        struct target *target = &snapshot->targets[i];
        if (target->error != 0)
            continue;
        int error = try_bind(&target->endpoint, SOL_SOCKET, SO_REUSEADDR, true);
        target->trials[true] = error;
        if (error == 0)
            target->trials[false] = try_bind(&target->endpoint, SOL_SOCKET, SO_REUSEADDR, false);
        if (error != EACCES && error != EADDRINUSE)
            target->error = error;
    }
}
