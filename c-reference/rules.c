/*
 * rules.c - the rule tested on the running kernel.
 *
 * A socket, the holder, holds a port. A new socket calls bind(2) on that port, then listen(2). The
 * results are compared with what conflict.c predicts. Three tests come first, which show how this
 * kernel differs from the newest one.
 * Limits: rows with IPv6 are left out if ::1 cannot be bound, and rows with two users if this user
 * may not give a socket to another one. The sockets are in a private network namespace or, if none
 * can be created, on free ports of the current network. --all leaves 3,200 of them in TIME_WAIT for
 * a minute, which net.ipv4.tcp_max_tw_buckets has to permit.
 * Rust counterpart: src/rules.rs.
 */
#include "rules.h"
#include "netns.h"
#include "output.h"
#include "rules/all.h"
#include "rules/sequences.h"
#include "rules/tables.h"
#include "rules/trial.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Returns a user to whom this process may give a socket, or its own user if there is none. */
static uid_t find_other_user(void)
{
    const struct tcp_socket plan = with_options(&v4_lo, false, false);
    uid_t other = geteuid() + 1;

    int s = open_planned(&plan);
    if (fchown(s, other, (gid_t)-1) == -1) {
        print_note("reuseaddr: fchown: %s; rows with two users are left out\n", strerror(errno));
        other = geteuid();
    }
    close(s);
    return other;
}

/* Tests how this kernel differs from the newest one. */
static void probe_kernel(struct ports *ports)
{
    struct kernel kernel = {0};
    const struct tcp_socket reuseaddr = with_options(&v4_lo, true, false);
    struct cell cell = try_new_socket(ports, SCENARIO_BOUND, AFTER_BIND, &reuseaddr, &reuseaddr);
    kernel.first_is_fast = cell.bind.seen == 0;

    if (ports->ipv6) {
        const struct tcp_socket wildcard = with_options(&mapped_any, false, false);
        const struct tcp_socket lo = with_options(&mapped_lo, false, false);
        cell = try_new_socket(ports, SCENARIO_BOUND, NEVER, &wildcard, &lo);
        kernel.misses_mapped = cell.bind.seen == 0;
    }

    /* If there is another user, this one is root. */
    const struct plan plan = {.reuseport = true, .other_user = true};
    const struct tcp_socket orphan = with_plan(ports, &v4_lo, &plan);
    const struct tcp_socket new = with_options(&v4_any, false, true);
    cell = try_new_socket(ports, SCENARIO_FIN_WAIT1, NEVER, &orphan, &new);
    bool is_root = has_other_user(ports);
    kernel.orphans_are_roots = (cell.bind.seen == 0) == is_root;
    kernel.orphan_uid = is_root ? new.uid : ~new.uid;
    ports->kernel = kernel;
}

int rules(bool all, uint64_t count, uint64_t seed)
{
    struct ports ports = {.port = FIRST_PORT, .udp = -1};

    enter_netns("using free ports of the current network");
    ports.ipv6 = has_ipv6();
    if (!ports.ipv6)
        print_note("reuseaddr: ::1: %s; rows with IPv6 are left out\n", strerror(errno));
    ports.wildcard = with_options(ports.ipv6 ? &v6_any : &v4_any, false, false);
    ports.other_user = find_other_user();

    probe_kernel(&ports);
    if (count != 0)
        print_sequences(&ports, count, seed);
    else if (all)
        print_all(&ports);
    else
        print_tables(&ports);
    unsigned long results = ports.results, contradictions = ports.contradictions;
    const char *s = contradictions == 1 ? "s" : "";
    if (all || count != 0)
        print_note("%lu rows; %lu contradict%s the rule.\n", results, contradictions, s);
    else
        print("\n%lu cells; %lu contradict%s the rule.\n", results, contradictions, s);
    return contradictions > 0 ? 1 : 0;
}
