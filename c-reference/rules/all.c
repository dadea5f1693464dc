/*
 * rules/all.c - the rows of rules --all.
 * Rust counterpart: src/rules/all.rs.
 */
#include "rules/all.h"
#include "output.h"
#include "rules/trial.h"

/* Users and devices in --all, for the existing and the new socket: whether it belongs to the other
 * user, and the index of its device. */
static const struct variant {
    bool other_user;
    unsigned device;
} variants[][2] = {
    {{false, 0}, {false, 0}},
    {{true, 0}, {false, 0}},
    {{true, 0}, {true, 0}},
    {{false, 0}, {false, 1}},
    {{false, 0}, {false, 2}},
    {{false, 1}, {false, 0}},
    {{false, 1}, {false, 1}},
    {{false, 1}, {false, 2}},
    {{true, 1}, {false, 2}},
};

/* Prints a row of --all for each value of the four options. */
static void print_rows(struct ports *ports, enum scenario scenario, const struct target *holder,
                       const struct target *target, const struct variant variant[2])
{
    const struct variant *one = &variant[0], *two = &variant[1];

    for (int options = 0; options < 16; options++) {
        const struct plan a = {options & 8, options & 4, one->other_user, one->device};
        const struct plan b = {options & 2, options & 1, two->other_user, two->device};
        const struct tcp_socket existing = with_plan(ports, holder, &a);
        const struct tcp_socket new = with_plan(ports, target, &b);
        const struct cell cell = try_new_socket(ports, scenario, NEVER, &existing, &new);
        const struct outcome bind = cell.bind, listen = cell.listen;
        bool is_bound = bind.seen == 0, predicted = bind.predicted == 0;
        print("%s,%s,%d,%d,%s,%d,%d,%s,%s,%s,%s,%d,%u,%d,%u\n", scenario_name(scenario),
              holder->name, a.reuseaddr, a.reuseport, target->name, b.reuseaddr, b.reuseport,
              result_name(bind.seen), is_bound ? result_name(listen.seen) : "-",
              result_name(bind.predicted), predicted ? result_name(listen.predicted) : "-",
              a.other_user, a.device, b.other_user, b.device);
        count_cell(ports, &cell);
    }
}

void print_all(struct ports *ports)
{
    static const struct target *const few[] = {&v4_lo, &v4_any, &v6_any};

    /* Scripts parse this header, so the names are fixed: "present" is the holder. */
    print("state,present,present_reuseaddr,present_reuseport,newcomer,newcomer_reuseaddr,"
          "newcomer_reuseport,bind,listen,predicted_bind,predicted_listen,present_user,"
          "present_device,newcomer_user,newcomer_device\n");
    for (size_t number = 0; number < LENGTH(variants); number++) {
        if (variants[number]->other_user && !has_other_user(ports))
            continue;
        /* Device 2 need not exist, and then has no IPv6 address. PASSIVE_CLOSED has no socket. */
        enum scenario last = number == 0 ? SCENARIO_PASSIVE_CLOSED : SCENARIO_TIME_WAIT;
        const struct target *const *some = number == 0 ? targets : few;
        size_t n = number == 0 ? TARGETS : LENGTH(few);
        for (enum scenario i = SCENARIO_BOUND; i <= last; i++)
            for (size_t j = 0; j < n; j++)
                for (size_t k = 0; k < n; k++)
                    if (is_usable(ports, some[j]) && is_usable(ports, some[k]))
                        print_rows(ports, i, some[j], some[k], variants[number]);
    }
}
