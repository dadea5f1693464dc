/* explain/print_answer.h - prints the answer. Rust counterpart: src/explain/print_answer.rs. */
#ifndef EXPLAIN_PRINT_ANSWER_H
#define EXPLAIN_PRINT_ANSWER_H
#include "explain/snapshot.h"

/* Prints whether the port is free, why not, and what helps. */
void print_answer(const struct snapshot *snapshot);
#endif
