/* conflict.h - the rule: which sockets conflict. Rust counterpart: src/conflict.rs. */
#ifndef CONFLICT_H
#define CONFLICT_H
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/types.h>

/* What the rule depends on. */
struct tcp_socket {
    int state; /* TCP_ESTABLISHED ... TCP_CLOSING; TCP_CLOSE if bound and not listening */
    sa_family_t family;
    struct in6_addr address; /* IPv4-mapped if family is AF_INET */
    bool v6only;             /* IPV6_V6ONLY; bind(2) to a specific IPv6 address sets it */
    bool reuseaddr;          /* current value of SO_REUSEADDR */
    bool reuseport;          /* current value of SO_REUSEPORT */
    uid_t uid;
};

/*
 * Returns whether existing conflicts with new on the same port, so that bind(2) or listen(2) of new
 * fails with EADDRINUSE.
 */
bool conflicts(const struct tcp_socket *existing, const struct tcp_socket *new);
#endif
