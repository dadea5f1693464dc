/* rules.h - the rule tested against the kernel. Rust counterpart: src/rules.rs. */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>

/* Prints the tables, or CSV of every combination if all is true. Returns the exit status. */
int rules(bool all);

#endif
