/* explain/print_advice.h - prints results and advice. Rust counterpart: src/explain/print_advice.rs. */
#ifndef EXPLAIN_PRINT_ADVICE_H
#define EXPLAIN_PRINT_ADVICE_H

#include "explain/advice.h"

/* Prints the result of a trial bind on endpoint, the prediction, and the sockets responsible. */
void print_prediction(const struct endpoint *endpoint, const struct prediction *prediction);

/* Prints the advice that applies. */
void print_advice(const struct snapshot *snapshot, const struct advice advice[ADVICE_KINDS]);

#endif
