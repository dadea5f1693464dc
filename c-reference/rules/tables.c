/*
 * rules/tables.c - the tables of rules.
 * Rust counterpart: src/rules/tables.rs.
 */
#include "rules/tables.h"
#include "output.h"
#include "rules/trial.h"

#include <stdio.h>
#include <sys/utsname.h>

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

/* The sockets in the fourth table. */
#define PLAIN {0}
#define REUSEADDR {.reuseaddr = true}
#define REUSEPORT {.reuseport = true}
#define BOTH {.reuseaddr = true, .reuseport = true}
#define OTHER_REUSEPORT {.reuseport = true, .other_user = true}
#define OTHER_BOTH {.reuseaddr = true, .reuseport = true, .other_user = true}
#define LO {.device = 1}
#define DEVICE2 {.device = 2}

/* The fourth table: text, and the sockets in the order of their bind(2). */
static const struct {
    const char *text;
    size_t n;
    struct plan plans[3];
} orders[] = {
    {"SO_REUSEPORT on both, two users", 2, {OTHER_REUSEPORT, REUSEPORT}},
    {"both options on both, two users", 2, {OTHER_BOTH, BOTH}},
    {"one bound to lo, the other to no device", 2, {LO, PLAIN}},
    {"both bound to lo", 2, {LO, LO}},
    {"bound to different devices", 2, {LO, DEVICE2}},
    {"SO_REUSEADDR, then both, then SO_REUSEPORT", 3, {REUSEADDR, BOTH, REUSEPORT}},
    {"both, then SO_REUSEADDR, then SO_REUSEPORT", 3, {BOTH, REUSEADDR, REUSEPORT}},
};

/* Prints and counts a cell, at least width wide. "!" marks one that contradicts the rule. */
static void print_cell(struct ports *ports, const struct cell *cell, int width)
{
    const char *mark = count_cell(ports, cell) ? "" : "!";
    int listen = cell->listen.seen;
    char text[64];

    snprintf(text, sizeof text, "%s%s%s", listen == 0 ? "" : "listen: ",
             result_name(listen == 0 ? cell->bind.seen : listen), mark);
    print("%-*s", width, text);
}

static void print_scenarios(struct ports *ports)
{
    struct utsname kernel;

    if (uname(&kernel) == -1)
        exit_with_error("uname", "the kernel");
    const struct {
        bool differs;
        const char *text;
    } kernels[] = {
        {ports->kernel.first_is_fast, "lacks commit 8002d44fe84d (Linux 6.8)"},
        {ports->kernel.skips_mapped,
         "has commit 5e07e672412b, but not its series, as Linux 6.1.168"},
        {ports->kernel.has_orphan_uid, "lacks commit c51da3f7a161 (Linux 6.17)"},
    };
    print("Result of bind(2), then listen(2), on a port that is in use.\n");
    print("Tested on Linux %s.\n", kernel.release);
    for (size_t i = 0; i < LENGTH(kernels); i++)
        if (kernels[i].differs)
            print("This kernel %s.\n", kernels[i].text);
    print("\n"
          "1. Both on 127.0.0.1. Columns: SO_REUSEADDR of the existing / the new socket.\n"
          "BOUND: not listening. ESTABLISHED: accepted. CLIENT: bound, then connected.\n"
          "PASSIVE_CLOSED: closed after its peer, so that no socket is left.\n\n"
          "existing          off / off    off / on     on / off     on / on\n");
    for (enum scenario i = SCENARIO_BOUND; i <= SCENARIO_PASSIVE_CLOSED; i++) {
        print("%-18s", scenario_name(i));
        for (int options = 0; options < 4; options++) {
            const struct tcp_socket existing = with_options(&v4_lo, options & 2, false);
            const struct tcp_socket new = with_options(&v4_lo, options & 1, false);
            const struct cell cell = try_new_socket(ports, i, NEVER, &existing, &new);
            print_cell(ports, &cell, options < 3 ? 13 : 0);
        }
        print("\n");
    }
}

static void print_addresses(struct ports *ports)
{
    print("\n2. Two addresses. Columns: state of the existing socket, SO_REUSEADDR of both.\n"
          "ESTAB: accepted by a listener on the address in column 1. If that address is\n"
          "0.0.0.0 or ::, the accepted socket's address is 127.0.0.1 or ::1.\n\n"
          "existing         new              BOUND, off  BOUND, on   LISTEN, on  ESTAB, off\n");
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        const struct target *holder = pairs[i][0], *target = pairs[i][1];
        if (!is_usable(ports, holder) || !is_usable(ports, target))
            continue;
        print("%-17s%-17s", holder->name, target->name);
        for (size_t j = 0; j < LENGTH(columns); j++) {
            const struct tcp_socket existing = with_options(holder, columns[j].option, false);
            const struct tcp_socket new = with_options(target, columns[j].option, false);
            const struct cell cell =
                try_new_socket(ports, columns[j].scenario, NEVER, &existing, &new);
            print_cell(ports, &cell, j < 3 ? 12 : 0);
        }
        print("\n");
    }
}

static void print_changes(struct ports *ports)
{
    const struct tcp_socket new = with_options(&v4_lo, true, false);
    struct cell cells[2];

    print("\n3. Both on 127.0.0.1. The new socket has SO_REUSEADDR. The option of the\n"
          "existing socket was\n\n");
    for (size_t i = 0; i < LENGTH(changes); i++) {
        const struct tcp_socket existing = with_options(&v4_lo, changes[i].before, false);
        const struct cell cell = try_new_socket(ports, changes[i].scenario,
                                                changes[i].change, &existing, &new);
        print("%-54s", changes[i].text);
        print_cell(ports, &cell, 0);
        print("\n");
    }
    try_two_listeners(ports, &new, cells);
    print("\nTwo sockets are bound with the option. Result of listen(2) by the second:\n\n");
    print("%-54s", "while the first listens");
    print_cell(ports, &cells[0], 0);
    print("\n%-54s", "after the first is closed");
    print_cell(ports, &cells[1], 0);
    print("\n");
}

static void print_orders(struct ports *ports)
{
    print("\n4. All on 127.0.0.1, not listening: two users, two devices, and three sockets in\n"
          "the order of their bind(2). Result of the last one:\n\n");
    for (size_t i = 0; i < LENGTH(orders); i++) {
        struct tcp_socket sockets[3];
        if (orders[i].plans[0].other_user && !has_other_user(ports))
            continue;
        for (size_t j = 0; j < orders[i].n; j++)
            sockets[j] = with_plan(ports, &v4_lo, &orders[i].plans[j]);
        const struct cell cell = try_last(ports, sockets, orders[i].n);
        print("%-54s", orders[i].text);
        print_cell(ports, &cell, 0);
        print("\n");
    }
}

void print_tables(struct ports *ports)
{
    print_scenarios(ports);
    print_addresses(ports);
    print_changes(ports);
    print_orders(ports);
}
