/* netns.h - the private network namespace of rules and abi. Rust counterpart: src/netns.rs. */
#ifndef NETNS_H
#define NETNS_H
#include <stdbool.h>

/*
 * Moves the process to a new network namespace and brings its loopback interface up. On failure,
 * prints the call that failed and instead, which describes the caller's fallback.
 */
void enter_netns(const char *instead);

/* Returns whether ::1 can be bound. If not, errno is set. */
bool has_ipv6(void);
#endif
