/* rules.h - the rule tested on the running kernel. Rust counterpart: src/rules.rs. */
#ifndef RULES_H
#define RULES_H
#include <stdbool.h>
#include <stdint.h>

/*
 * Prints the tables or, if all is true, every combination as CSV, or, if count is not 0, that many
 * random sequences. Returns the exit status: 1 if the kernel contradicts the rule.
 */
int rules(bool all, uint64_t count, uint64_t seed);
#endif
