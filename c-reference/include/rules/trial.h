/* rules/trial.h - one cell of the tables of rules. Rust counterpart: src/rules/trial.rs. */
#ifndef RULES_TRIAL_H
#define RULES_TRIAL_H
#include "rules/holder.h"
#include "rules/steps.h"

/* The outcomes of bind(2) and listen(2). listen has no errors if bind(2) fails. */
struct cell {
    struct outcome bind;
    struct outcome listen;
};

/* Counts the cell. Returns whether both outcomes are as predicted. */
bool count_cell(struct ports *ports, const struct cell *cell);

/* Returns the name of errno value error, or OK for 0. */
const char *result_name(int error);

/* Makes a holder that *existing describes, and tries a new socket on its port. */
struct cell try_new_socket(struct ports *ports, enum scenario scenario, enum moment change,
                           const struct tcp_socket *existing, const struct tcp_socket *new);

/* Binds n sockets to one port. Returns the outcomes of the last one. */
struct cell try_last(struct ports *ports, const struct tcp_socket *plans, size_t n);

/*
 * Binds two sockets to one port. Stores the outcome of listen(2) on the second: in cells[0] while
 * the first listens, in cells[1] after the first is closed.
 */
void try_two_listeners(struct ports *ports, const struct tcp_socket *plan, struct cell cells[2]);
#endif
