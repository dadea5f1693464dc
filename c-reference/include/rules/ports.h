/* rules/ports.h - ports that are free. Rust counterpart: src/rules/ports.rs. */
#ifndef RULES_PORTS_H
#define RULES_PORTS_H

#include "rules/target.h"

/* Below the default ephemeral range, which begins at 32768. */
#define FIRST_PORT 10000
#define LAST_PORT 32767

/*
 * Returns a socket for target with these options, bound to the next port that no socket of this
 * network uses, and stores the port in *port.
 */
int take_port(const struct target *target, bool reuseaddr, bool reuseport, in_port_t *port);

#endif
