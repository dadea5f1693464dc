/*
 * conflict.c - the rule behind the page's two conditions: which sockets conflict. (C1, C2)
 *
 * For an explicit port, bind(2) applies this rule to every other socket on the port, and listen(2)
 * applies it again. One conflict is enough for EADDRINUSE.
 * Source: Linux 6.18, net/ipv4/inet_connection_sock.c: inet_bind_conflict,
 * inet_bhash2_addr_any_conflict and inet_rcv_saddr_equal.
 * Not modelled: SO_BINDTODEVICE (sockets on different devices never conflict), TCP_REPAIR (no test
 * at all), and sk_reuseport_match (if the last socket bound to the port has SO_REUSEPORT, a new
 * socket with SO_REUSEPORT, the same user and the same address is not tested). Before Linux 6.8,
 * SO_REUSEADDR had a similar shortcut: if the option was cleared on the existing socket after its
 * bind, a new socket with the option could still bind.
 * Rust counterpart: src/conflict.rs.
 */
#include "conflict.h"
#include "address.h"

/* Returns whether the addresses of two sockets overlap. */
static bool overlap(const struct tcp_socket *existing, const struct tcp_socket *new)
{
    bool existing4 = IN6_IS_ADDR_V4MAPPED(&existing->address);
    bool new4 = IN6_IS_ADDR_V4MAPPED(&new->address);

    /* Both IPv4 (or IPv4-mapped), or both IPv6: equal, or either is a wildcard. */
    if (existing4 == new4)
        return IN6_ARE_ADDR_EQUAL(&existing->address, &new->address) ||
               is_wildcard(&existing->address) || is_wildcard(&new->address);

    /* One of each: :: covers IPv4 too, unless IPV6_V6ONLY is set. */
    const struct tcp_socket *ipv6 = existing4 ? new : existing;
    if (is_wildcard(&ipv6->address) && !ipv6->v6only)
        return true;

    /* For a new AF_INET socket, the kernel ignores the existing socket's IPv6 address. So 0.0.0.0
     * conflicts with every IPv6 socket that is not v6only, even one on ::1 accepted by a listener
     * on :: (a socket bound to ::1 is v6only). A new socket on ::ffff:0.0.0.0 does not. */
    return new->family == AF_INET && is_wildcard(&new->address) && !existing->v6only;
}

bool conflicts(const struct tcp_socket *existing, const struct tcp_socket *new)
{
    /* A connection request does not hold the port. Its listener does. */
    if (existing->state == TCP_SYN_RECV)
        return false;

    /* No conflict if both have SO_REUSEADDR and the existing socket is not listening. No other
     * state matters, nor do the users. The state of the new socket is not tested: two sockets can
     * both be bound, and only the second listen(2) fails. */
    if (existing->reuseaddr && new->reuseaddr && existing->state != TCP_LISTEN)
        return false;

    /* No conflict if both have SO_REUSEPORT, and either the user is the same or the existing socket
     * is in TIME_WAIT. The kernel keeps a FIN_WAIT2 socket without a process as a TIME_WAIT socket.
     * Simplified: for one that a process still holds, the kernel requires the same user. */
    bool time_wait = existing->state == TCP_TIME_WAIT || existing->state == TCP_FIN_WAIT2;
    if (existing->reuseport && new->reuseport && (time_wait || existing->uid == new->uid))
        return false;

    return overlap(existing, new);
}
