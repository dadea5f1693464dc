/*
 * rules.c - the rule tested on the running kernel.
 *
 * A socket, the holder, holds a port. A new socket calls bind(2) on that port, then listen(2). The
 * results are compared with what conflict.c predicts.
 * Limits: all sockets belong to one user, so SO_REUSEPORT is not tested between users. Rows with
 * IPv6 are left out if ::1 cannot be bound. Before Linux 6.8, "cleared after bind" contradicts the
 * rule (see conflict.c). The sockets are in a private network namespace. If none can be created,
 * they use free ports of the current network, where --all leaves about 2,000 sockets in TIME_WAIT
 * for a minute.
 * Rust counterpart: src/rules.rs.
 */
#include "rules.h"
#include "netns.h"
#include "output.h"
#include "rules/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

struct run {
    struct ports ports;
    bool ipv6;
    int cells;
    int contradictions;
};

/* The addresses of --all. */
static const struct target *const targets[] = {
    &v4_lo, &v4_lo2, &v4_any, &v6_lo, &v6_any, &v6_only, &mapped_lo, &mapped_any,
};

/* The addresses of the holder and of the new socket in the second table. */
static const struct target *const pairs[][2] = {
    {&v4_lo, &v4_lo}, {&v4_lo, &v4_lo2}, {&v4_lo, &v4_any}, {&v4_any, &v4_lo}, {&v4_any, &v4_lo2},
    {&v4_any, &v6_any}, {&v6_any, &v4_any}, {&v4_lo, &v6_any},   {&v6_any, &v4_lo},
    {&v4_any, &v6_only}, {&v6_only, &v4_any}, {&v4_lo, &v6_lo},  {&v6_lo, &v4_lo},
    {&v4_any, &v6_lo},  {&v6_lo, &v4_any},  {&v6_lo, &v6_any},   {&v6_any, &v6_lo},
    {&mapped_lo, &v4_lo}, {&v4_lo, &mapped_lo}, {&mapped_lo, &v4_any}, {&mapped_lo, &v6_only},
};

/* The columns of the second table: scenario, and SO_REUSEADDR of both sockets. */
static const struct {
    enum scenario scenario;
    bool option;
} columns[] = {
    {SCENARIO_BOUND, false}, {SCENARIO_BOUND, true}, {SCENARIO_LISTEN, true},
    {SCENARIO_ESTABLISHED, false},
};

/* The third table. */
static const struct {
    const char *text;
    enum scenario scenario;
    enum moment change;
    bool before;
} changes[] = {
    {"set after bind", SCENARIO_BOUND, AFTER_BIND, false},
    {"cleared after bind", SCENARIO_BOUND, AFTER_BIND, true},
    {"set on the listener before the client connects", SCENARIO_ESTABLISHED, AFTER_LISTEN, false},
    {"set on the listener after the client connects", SCENARIO_ESTABLISHED, AFTER_CONNECT, false},
    {"set on the accepted socket", SCENARIO_ESTABLISHED, AFTER_ACCEPT, false},
    {"cleared on the accepted socket", SCENARIO_ESTABLISHED, AFTER_ACCEPT, true},
};

static bool is_usable(const struct run *run, const struct target *target)
{
    return run->ipv6 || target->socket.family == AF_INET;
}

static void count(struct run *run, const struct cell *cell)
{
    run->cells++;
    run->contradictions += !agrees(cell);
}

static const char *bind_name(const struct outcome *outcome)
{
    return outcome->bind == 0 ? "OK" : error_name(outcome->bind);
}

static const char *listen_name(const struct outcome *outcome)
{
    return outcome->bind != 0 ? "-" : outcome->listen == 0 ? "OK" : error_name(outcome->listen);
}

/* Prints and counts a cell, at least width wide. "!" marks one that contradicts the rule. */
static void print_cell(struct run *run, const struct cell *cell, int width)
{
    bool is_bound = cell->seen.bind == 0;
    char text[64];

    snprintf(text, sizeof text, "%s%s%s", cell->seen.listen == 0 ? "" : "listen: ",
             is_bound ? listen_name(&cell->seen) : bind_name(&cell->seen), agrees(cell) ? "" : "!");
    print("%-*s", width, text);
    count(run, cell);
}

static void print_scenarios(struct run *run)
{
    struct utsname kernel;

    if (uname(&kernel) == -1)
        exit_with_error("uname", "the kernel");
    print("Result of bind(2), then listen(2), on a port that is in use.\n"
          "Tested on Linux %s.\n\n"
          "1. Both on 127.0.0.1. Columns: SO_REUSEADDR of the existing / the new socket.\n"
          "BOUND: not listening. ESTABLISHED: accepted. CLIENT: bound, then connected.\n"
          "PASSIVE_CLOSED: closed after its peer, so that no socket is left.\n\n"
          "existing          off / off    off / on     on / off     on / on\n",
          kernel.release);
    for (enum scenario i = SCENARIO_BOUND; i <= SCENARIO_PASSIVE_CLOSED; i++) {
        print("%-18s", scenario_name(i));
        for (int options = 0; options < 4; options++) {
            const struct tcp_socket existing = with_options(&v4_lo, options & 2, false);
            const struct tcp_socket new = with_options(&v4_lo, options & 1, false);
            const struct cell cell = try_new_socket(&run->ports, i, NEVER, &existing, &new);
            print_cell(run, &cell, options < 3 ? 13 : 0);
        }
        print("\n");
    }
}

static void print_addresses(struct run *run)
{
    print("\n2. Two addresses. Columns: state of the existing socket, SO_REUSEADDR of both.\n"
          "ESTAB: accepted by a listener on the address in column 1. If that address is\n"
          "0.0.0.0 or ::, the accepted socket's address is 127.0.0.1 or ::1."
          "\n\n"
          "existing         new              BOUND, off  BOUND, on   LISTEN, on  ESTAB, off\n");
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        const struct target *holder = pairs[i][0], *target = pairs[i][1];
        if (!is_usable(run, holder) || !is_usable(run, target))
            continue;
        print("%-17s%-17s", holder->name, target->name);
        for (size_t j = 0; j < LENGTH(columns); j++) {
            const struct tcp_socket existing = with_options(holder, columns[j].option, false);
            const struct tcp_socket new = with_options(target, columns[j].option, false);
            const struct cell cell =
                try_new_socket(&run->ports, columns[j].scenario, NEVER, &existing, &new);
            print_cell(run, &cell, j < 3 ? 12 : 0);
        }
        print("\n");
    }
}

static void print_changes(struct run *run)
{
    const struct tcp_socket new = with_options(&v4_lo, true, false);
    struct cell cells[2];

    print("\n3. Both on 127.0.0.1. The new socket has SO_REUSEADDR. The option of the\n"
          "existing socket was\n\n");
    for (size_t i = 0; i < LENGTH(changes); i++) {
        const struct tcp_socket existing = with_options(&v4_lo, changes[i].before, false);
        const struct cell cell = try_new_socket(&run->ports, changes[i].scenario,
                                                changes[i].change, &existing, &new);
        print("%-54s", changes[i].text);
        print_cell(run, &cell, 0);
        print("\n");
    }
    try_two_listeners(&run->ports, &new, cells);
    print("\nTwo sockets are bound with the option. Result of listen(2) by the second:\n\n");
    print("%-54s", "while the first listens");
    print_cell(run, &cells[0], 0);
    print("\n%-54s", "after the first is closed");
    print_cell(run, &cells[1], 0);
    print("\n");
}

/* Prints a row of --all for each value of the four options. */
static void print_rows(struct run *run, enum scenario scenario, const struct target *holder,
                       const struct target *target)
{
    for (int options = 0; options < 16; options++) {
        const struct tcp_socket existing = with_options(holder, options & 8, options & 4);
        const struct tcp_socket new = with_options(target, options & 2, options & 1);
        const struct cell cell = try_new_socket(&run->ports, scenario, NEVER, &existing, &new);
        print("%s,%s,%d,%d,%s,%d,%d,%s,%s,%s,%s\n", scenario_name(scenario), holder->name,
              existing.reuseaddr, existing.reuseport, target->name, new.reuseaddr, new.reuseport,
              bind_name(&cell.seen), listen_name(&cell.seen), bind_name(&cell.predicted),
              listen_name(&cell.predicted));
        count(run, &cell);
    }
}

static void print_all(struct run *run)
{
    /* Programs read this header, so its words stay: "present" is the holder. */
    print("state,present,present_reuseaddr,present_reuseport,newcomer,newcomer_reuseaddr,"
          "newcomer_reuseport,bind,listen,predicted_bind,predicted_listen\n");
    for (enum scenario i = SCENARIO_BOUND; i <= SCENARIO_PASSIVE_CLOSED; i++)
        for (size_t j = 0; j < LENGTH(targets); j++)
            for (size_t k = 0; k < LENGTH(targets); k++)
                if (is_usable(run, targets[j]) && is_usable(run, targets[k]))
                    print_rows(run, i, targets[j], targets[k]);
}

int rules(bool all)
{
    struct run run = {0};

    enter_netns("using free ports of the current network");
    run.ipv6 = has_ipv6();
    if (!run.ipv6)
        print_note("reuseaddr: ::1: %s; rows with IPv6 are left out\n", strerror(errno));
    const struct target *wildcard = run.ipv6 ? &v6_any : &v4_any;
    run.ports = (struct ports){wildcard->socket, FIRST_PORT, -1};

    if (all) {
        print_all(&run);
    } else {
        print_scenarios(&run);
        print_addresses(&run);
        print_changes(&run);
    }
    const char *s = run.contradictions == 1 ? "s" : "";
    if (all)
        print_note("%d rows; %d contradict%s the rule.\n", run.cells, run.contradictions, s);
    else
        print("\n%d cells; %d contradict%s the rule.\n", run.cells, run.contradictions, s);
    return run.contradictions > 0 ? 1 : 0;
}
