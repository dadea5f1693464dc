/* conflict.h - the rule: when bind(2) and listen(2) fail. Rust counterpart: src/conflict.rs. */
#ifndef CONFLICT_H
#define CONFLICT_H
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/types.h>

/* Variants of the rule in older kernels. All are false since Linux 6.17. */
struct kernel {
    /* Before 8002d44fe84d (6.8): if the first socket on a port has an option, later sockets with
     * that option can skip the test, whatever their address. */
    bool first_is_fast;
    /* With 5e07e672412b, but without the rest of its series (6.1.168; 6.6.131 not tested): bind(2)
     * to a specific IPv4-mapped address skips the sockets on 0.0.0.0 if the first of them was
     * AF_INET6. */
    bool skips_mapped;
    /* Before c51da3f7a161 (6.17): the uid of sockets that no process holds, which is root's. If
     * this user is not root, any other uid will do. */
    bool has_orphan_uid;
    uid_t orphan_uid;
};

/* What the rule depends on. */
struct tcp_socket {
    int state; /* TCP_ESTABLISHED ... TCP_CLOSING; TCP_CLOSE if bound and not listening */
    sa_family_t family;
    struct in6_addr address; /* IPv4-mapped if family is AF_INET */
    bool v6only;             /* IPV6_V6ONLY; bind(2) to a specific IPv6 address sets it */
    bool reuseaddr;          /* current value of SO_REUSEADDR */
    bool reuseport;          /* current value of SO_REUSEPORT */
    uid_t uid;
    unsigned device; /* index of the device that the socket is bound to, or 0 */
    bool orphan;     /* whether no process holds the socket */
};

/* What the kernel remembers of a port while it has sockets (struct inet_bind_bucket). */
struct bucket {
    /* Whether every socket had SO_REUSEADDR at bind(2), and none listened. False since 6.8. */
    bool fastreuse;
    bool any; /* whether fastreuseport matches any address (FASTREUSEPORT_ANY) */
    /* The last socket with SO_REUSEPORT that did not use the shortcut, as it was at that call. */
    struct tcp_socket fastreuseport;
    bool has_fastreuseport;
    sa_family_t wildcard_family; /* of the socket that was first on 0.0.0.0 or ::ffff:0.0.0.0 */
};

/*
 * Returns whether existing conflicts with new on the same port, if no shortcut applies.
 * (inet_bind_conflict)
 */
bool conflicts(const struct tcp_socket *existing, const struct tcp_socket *new);

/*
 * Returns whether bind(2) of new, or listen(2) if its state is LISTEN, succeeds on a port with
 * these n sockets, which can include new itself. If so, updates what the kernel remembers.
 * (inet_csk_get_port)
 */
bool get_port(const struct kernel *kernel, struct bucket *bucket, const struct tcp_socket *sockets,
              size_t n, const struct tcp_socket *new);
#endif
