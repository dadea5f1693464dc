/*
 * rules.c - the rule against the kernel: somebody holds a port, somebody else wants it, and bind(2)
 * and listen(2) answer. Every cell is tried as it is printed, and compared with conflict.c.
 *
 * Twin: src/rules.rs.
 */
#include "rules.h"
#include "netns.h"
#include "output.h"
#include "rules/ports.h"
#include "rules/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Rows from one sign of progress to the next. */
#define PROGRESS 250

struct sums {
    int cells;
    int contradictions;
};

#define V4(a, b, c, d) \
    {.family = AF_INET, .address.s6_addr = {[10] = 0xff, 0xff, a, b, c, d}}
#define MAPPED(a, b, c, d) \
    {.family = AF_INET6, .address.s6_addr = {[10] = 0xff, 0xff, a, b, c, d}}
#define V6_LO {.family = AF_INET6, .address = IN6ADDR_LOOPBACK_INIT}
#define V6_ANY {.family = AF_INET6, .address = IN6ADDR_ANY_INIT}

static const struct target lo = {"127.0.0.1", V4(127, 0, 0, 1), V4(127, 0, 0, 1), false};
static const struct target lo2 = {"127.0.0.2", V4(127, 0, 0, 2), V4(127, 0, 0, 2), false};
static const struct target any = {"0.0.0.0", V4(0, 0, 0, 0), V4(127, 0, 0, 1), false};
static const struct target lo_v6 = {"::1", V6_LO, V6_LO, false};
static const struct target any_v6 = {"::", V6_ANY, V6_LO, false};
static const struct target any_v6only = {"::v6only", V6_ANY, V6_LO, true};
static const struct target lo_mapped = {"::ffff:127.0.0.1", MAPPED(127, 0, 0, 1),
                                        MAPPED(127, 0, 0, 1), false};
static const struct target any_mapped = {"::ffff:0.0.0.0", MAPPED(0, 0, 0, 0),
                                         MAPPED(127, 0, 0, 1), false};

static const struct target *const places[] = {
    &lo, &lo2, &any, &lo_v6, &any_v6, &any_v6only, &lo_mapped, &any_mapped,
};

static const char *const names[] = {
    "BOUND",      "LISTEN",  "ESTABLISHED", "CLIENT",    "FIN_WAIT1",      "FIN_WAIT2",
    "CLOSE_WAIT", "CLOSING", "LAST_ACK",    "TIME_WAIT", "PASSIVE_CLOSED",
};

/* Holder and newcomer of the second table. */
static const struct target *const pairs[][2] = {
    {&lo, &lo},         {&lo, &lo2},        {&lo, &any},          {&any, &lo},          {&any, &lo2},
    {&any, &any_v6},    {&any_v6, &any},    {&lo, &any_v6},       {&any_v6, &lo},
    {&any, &any_v6only}, {&any_v6only, &any}, {&lo, &lo_v6},      {&lo_v6, &lo},
    {&any, &lo_v6},     {&lo_v6, &any},     {&lo_v6, &any_v6},    {&any_v6, &lo_v6},
    {&lo_mapped, &lo},  {&lo, &lo_mapped},  {&lo_mapped, &any},   {&lo_mapped, &any_v6only},
};

/* The third table. */
static const struct change orders[] = {
    {"set after bind", false, AFTER_BIND, true},
    {"taken back after bind", true, AFTER_BIND, false},
    {"set on the listener, then the client connects", false, AFTER_LISTEN, true},
    {"set on the listener once the client is connected", false, AFTER_CONNECT, true},
    {"set by the child on its own socket", false, AFTER_ACCEPT, true},
    {"taken back by the child on its own socket", true, AFTER_ACCEPT, false},
};

static void print_page(struct sums *sums);
static void print_addresses(struct sums *sums, bool ipv6);
static void print_orders(struct sums *sums);
static void print_all(struct sums *sums, bool ipv6);
static void print_options(struct sums *sums, enum scenario state, const struct target *present,
                          const struct target *place);
static void print_cell(struct sums *sums, const struct cell *cell, int width);
static void count(struct sums *sums, const struct cell *cell);
static const char *answer_name(int error);

int rules(bool all)
{
    struct sums sums = {0, 0};

    /* 1. Work where nobody is disturbed and nobody disturbs, if that may be. */
    if (enter_netns() == -1)
        write_line(STDERR_FILENO, "reuseaddr: unshare: %s; using free ports of this network, %d to %d\n",
            strerror(errno), FIRST_PORT, LAST_PORT);
    bool ipv6 = has_ipv6();
    if (!ipv6)
        write_line(STDERR_FILENO, "reuseaddr: ::1: %s; the rows with IPv6 are left out\n",
            strerror(errno));

    /* 2. Try and print. */
    if (all) {
        print_all(&sums, ipv6);
        write_line(STDERR_FILENO, "%d rows, %d contradict the rule\n", sums.cells, sums.contradictions);
    } else {
        print_page(&sums);
        print_addresses(&sums, ipv6);
        print_orders(&sums);
        print("\n%d cells, %d contradict the rule%s\n", sums.cells, sums.contradictions,
              sums.contradictions > 0 ? " (!)" : "");
    }
    return sums.contradictions > 0 ? 1 : 0;
}

static void print_page(struct sums *sums)
{
    struct utsname kernel;

    if (uname(&kernel) == -1)
        exit_with_error("uname", "the kernel");

    /* 3. The page's case: one address, every state, the option of both. */
    print("A socket holds a port, a newcomer wants it: what bind, and then listen, answer.\n"
          "Tried on Linux %s.\n\n"
          "1. Both on 127.0.0.1. SO_REUSEADDR of the holder / of the newcomer:\n\n"
          "%-18s%-13s%-13s%-13s%s\n",
          kernel.release, "holder", "off / off", "off / on", "on / off", "on / on");
    for (enum scenario state = BOUND; state <= PASSIVE_CLOSED; state++) {
        print("%-18s", names[state]);
        for (int options = 0; options < 4; options++) {
            bool present = options / 2 == 1, newcomer = options % 2 == 1;
            struct cell cell = try_scenario(state, &lo, present, false, &lo, newcomer, false);
            print_cell(sums, &cell, options < 3 ? 13 : 0);
        }
        print("\n");
    }
}

static void print_addresses(struct sums *sums, bool ipv6)
{
    static const struct {
        enum scenario state;
        bool option;
    } columns[] = {{BOUND, false}, {BOUND, true}, {LISTEN, true}, {ESTABLISHED, false}};

    /* 4. Two addresses, of one family and of two. */
    /* What a child has is not its listener's wildcard, but the address to which its client came. */
    print("\n2. State of the holder, or a child of it (of :: on ::1), SO_REUSEADDR of both:\n\n"
          "%-17s%-17s%-12s%-12s%-12s%s\n",
          "holder", "newcomer", "BOUND, off", "BOUND, on", "LISTEN, on", "child, off");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct target *present = pairs[i][0], *place = pairs[i][1];
        if (!ipv6 && (present->endpoint.family == AF_INET6 || place->endpoint.family == AF_INET6))
            continue;
        print("%-17s%-17s", present->name, place->name);
        for (int column = 0; column < 4; column++) {
            bool option = columns[column].option;
            struct cell cell =
                try_scenario(columns[column].state, present, option, false, place, option, false);
            print_cell(sums, &cell, column < 3 ? 12 : 0);
        }
        print("\n");
    }
}

static void print_orders(struct sums *sums)
{
    struct cell cells[2];

    /* 5. The option counts as it is when the newcomer calls, and not as it was at bind. */
    print("\n3. Both on 127.0.0.1. The newcomer has the option. The holder's is\n\n");
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        print("%-54s", orders[i].text);
        cells[0] = try_change(&lo, &orders[i]);
        print_cell(sums, &cells[0], 0);
        print("\n");
    }
    try_listens(&lo, cells);
    print("\n%-54s", "Both are bound with it, the first listens: the second");
    print_cell(sums, &cells[0], 0);
    print("\n%-54s", "Then the first is closed: the second");
    print_cell(sums, &cells[1], 0);
    print("\n");
}

static void print_all(struct sums *sums, bool ipv6)
{
    const size_t count_of_places = sizeof places / sizeof *places;

    /* 6. Everything with everything: states, addresses, and two options on both sides. */
    print("state,present,present_reuseaddr,present_reuseport,newcomer,newcomer_reuseaddr,"
          "newcomer_reuseport,bind,listen,predicted_bind,predicted_listen\n");
    for (enum scenario state = BOUND; state <= PASSIVE_CLOSED; state++)
        for (size_t i = 0; i < count_of_places; i++)
            for (size_t j = 0; j < count_of_places; j++)
                if (ipv6 || (places[i]->endpoint.family == AF_INET && places[j]->endpoint.family == AF_INET))
                    print_options(sums, state, places[i], places[j]);
}

static void print_options(struct sums *sums, enum scenario state, const struct target *present,
                          const struct target *place)
{
    for (int options = 0; options < 16; options++) {
        bool a = options / 8 % 2 == 1, b = options / 4 % 2 == 1;
        bool c = options / 2 % 2 == 1, d = options % 2 == 1;
        struct cell cell = try_scenario(state, present, a, b, place, c, d);
        print("%s,%s,%d,%d,%s,%d,%d,%s,%s,%s,%s\n", names[state], present->name, a, b, place->name,
              c, d, answer_name(cell.seen.bind), answer_name(cell.seen.listen), answer_name(cell.predicted.bind),
              answer_name(cell.predicted.listen));
        count(sums, &cell);
        if (sums->cells % PROGRESS == 0 && isatty(STDERR_FILENO) == 1)
            write_line(STDERR_FILENO, "%d rows\r", sums->cells);
    }
}

/* Prints a cell, at least width wide; one that contradicts the rule ends in an exclamation mark. */
static void print_cell(struct sums *sums, const struct cell *cell, int width)
{
    char text[64];
    int error = cell->seen.bind != 0 ? cell->seen.bind : cell->seen.listen;

    snprintf(text, sizeof text, "%s%s%s", cell->seen.bind == 0 && error != 0 ? "listen: " : "",
             answer_name(error), agrees(cell) ? "" : "!");
    print("%-*s", width, text);
    count(sums, cell);
}

static void count(struct sums *sums, const struct cell *cell)
{
    sums->cells++;
    sums->contradictions += !agrees(cell);
}

static const char *answer_name(int error)
{
    return error == NOT_TRIED ? "-" : error == 0 ? "OK" : error_name(error);
}
