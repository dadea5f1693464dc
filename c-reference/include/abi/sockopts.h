/*
 * abi/sockopts.h - socket, setsockopt and getsockopt with right and wrong arguments. Rust
 * counterpart: src/abi/sockopts.rs.
 */
#ifndef ABI_SOCKOPTS_H
#define ABI_SOCKOPTS_H

#include "abi/cases.h"

/* Tries the three calls and prints the results. Returns the number of unexpected results. */
int try_options(const struct objects *on);

#endif
