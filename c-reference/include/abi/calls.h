/* abi/calls.h - calls with right and wrong arguments. Rust counterpart: src/abi/calls.rs. */
#ifndef ABI_CALLS_H
#define ABI_CALLS_H

/* Tries the calls and prints the results. Returns the number of unexpected results. */
int try_calls(void);

#endif
