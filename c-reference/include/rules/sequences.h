/* rules/sequences.h - random sequences of calls. Rust counterpart: src/rules/sequences.rs. */
#ifndef RULES_SEQUENCES_H
#define RULES_SEQUENCES_H
#include "rules/ports.h"

#include <stdint.h>

/* Runs count random sequences, and prints a row for each call. */
void print_sequences(struct ports *ports, uint64_t count, uint64_t seed);
#endif
