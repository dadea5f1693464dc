/* rules/trial.h - one cell of the tables of rules. Rust counterpart: src/rules/trial.rs. */
#ifndef RULES_TRIAL_H
#define RULES_TRIAL_H

#include "rules/holder.h"

/* Results of bind(2) and then listen(2): 0, an errno value, or NOT_TRIED. */
#define NOT_TRIED (-1)
struct result {
    int bind;
    int listen;
};

/* What the kernel did, and what the rule predicts. */
struct cell {
    struct result seen;
    struct result predicted;
};

/* When, after bind, the SO_REUSEADDR option of the holder changes, and how. */
struct change {
    const char *text;
    bool before;
    enum { AFTER_BIND, AFTER_LISTEN, AFTER_CONNECT, AFTER_ACCEPT } when;
    bool after;
};

/* Tries a holder in scenario on one target, and a new socket on another; each has both options. */
struct cell try_scenario(enum scenario scenario, const struct target *holder_target,
                         bool holder_reuseaddr, bool holder_reuseport, const struct target *target,
                         bool reuseaddr, bool reuseport);

/* Tries a holder on target whose option changes, and a new socket with the option. */
struct cell try_change(const struct target *target, const struct change *change);

/*
 * Binds two sockets with the option to target, and lets both listen. Stores the results of the
 * second: in cells[0] while the first listens, in cells[1] once it is closed.
 */
void try_listens(const struct target *target, struct cell cells[2]);

/* Returns whether the kernel did what the rule predicts. */
bool agrees(const struct cell *cell);

#endif
