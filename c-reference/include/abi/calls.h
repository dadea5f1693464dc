/* abi/calls.h - checks of bind(2), listen(2) and others. Rust counterpart: src/abi/calls.rs. */
#ifndef ABI_CALLS_H
#define ABI_CALLS_H
#include "abi/cases.h"

/* Makes and checks the calls. Returns the number of unexpected results. */
int check_calls(const struct objects *on);
#endif
