/* abi/sockopts.h - checks of the calls for options. Rust counterpart: src/abi/sockopts.rs. */
#ifndef ABI_SOCKOPTS_H
#define ABI_SOCKOPTS_H
#include "abi/cases.h"

/* Makes and checks the calls. Returns the number of unexpected results. */
int check_options(const struct objects *on);
#endif
