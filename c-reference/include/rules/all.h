/* rules/all.h - the rows of rules --all. Rust counterpart: src/rules/all.rs. */
#ifndef RULES_ALL_H
#define RULES_ALL_H
#include "rules/ports.h"

/* Prints every combination as CSV. */
void print_all(struct ports *ports);
#endif
