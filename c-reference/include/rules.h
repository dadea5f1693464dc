/* rules.h - the rule tested on the running kernel. Rust counterpart: src/rules.rs. */
#ifndef RULES_H
#define RULES_H
#include <stdbool.h>

/*
 * Prints the tables or, if all is true, every combination as CSV. Returns the exit status: 1 if the
 * kernel contradicts the rule.
 */
int rules(bool all);
#endif
