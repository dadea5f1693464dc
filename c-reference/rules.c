/*
 * rules.c - the rule tested on the running kernel.
 *
 * An existing socket holds a port. bind(2) and listen(2) are called on a new socket for that port.
 * The results are compared with what conflict.c predicts. Probes first determine which variant of
 * the rule applies.
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

/* Returns a user id that this process may give a socket with fchown(2), or its own. */
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

/*
 * Returns whether a socket can be bound to a wildcard beside an orphan on 127.0.0.1, if both have
 * SO_REUSEPORT.
 */
static bool probe_orphan(struct ports *ports, bool other_user)
{
    const struct plan plan = {.reuseport = true, .other_user = other_user};
    const struct tcp_socket orphan = with_plan(ports, &v4_lo, &plan);
    const struct tcp_socket new = with_options(&v4_any, false, true);
    return try_new_socket(ports, SCENARIO_FIN_WAIT1, NEVER, &orphan, &new).bind.seen == 0;
}

/* Determines which variant of the rule applies. */
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
        kernel.skips_mapped = cell.bind.seen == 0;
    }

    if (!probe_orphan(ports, false)) {
        kernel.has_orphan_uid = true;
        kernel.orphan_uid = ~geteuid();
    } else if (has_other_user(ports) && probe_orphan(ports, true)) {
        kernel.has_orphan_uid = true;
        kernel.orphan_uid = geteuid();
    }
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
