/* rules/tables.h - the tables of rules. Rust counterpart: src/rules/tables.rs. */
#ifndef RULES_TABLES_H
#define RULES_TABLES_H
#include "rules/ports.h"

/* Prints the four tables. */
void print_tables(struct ports *ports);
#endif
