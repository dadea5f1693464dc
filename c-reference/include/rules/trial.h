/* rules/trial.h - one cell of the tables of rules. Rust counterpart: src/rules/trial.rs. */
#ifndef RULES_TRIAL_H
#define RULES_TRIAL_H
#include "rules/holder.h"

/* Results of bind(2) and listen(2): 0 or an errno value. listen is 0 if bind(2) failed. */
struct outcome {
    int bind;
    int listen;
};

/* What the rule predicts, and what the kernel did. */
struct cell {
    struct outcome predicted;
    struct outcome seen;
};

/* Returns whether the kernel did what the rule predicts. */
bool agrees(const struct cell *cell);

/* Makes a holder that *existing describes, and tries a new socket on its port. */
struct cell try_new_socket(struct ports *ports, enum scenario scenario, enum moment change,
                           const struct tcp_socket *existing, const struct tcp_socket *new);

/*
 * Binds two sockets to one port. Stores the result of listen(2) on the second: in cells[0] while
 * the first listens, in cells[1] after the first is closed.
 */
void try_two_listeners(struct ports *ports, const struct tcp_socket *plan, struct cell cells[2]);
#endif
