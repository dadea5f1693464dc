/*
 * conflict.c - does this socket stand in that one's way? What the page's two conditions come down to.
 *
 * For a port given by number, bind(2) asks this about every socket that the kernel still lists there,
 * and listen(2) asks it again; one that stands in the way is enough for EADDRINUSE.
 * Source: Linux 6.18, net/ipv4/inet_connection_sock.c: inet_bind_conflict (steps 2 to 4),
 * inet_rcv_saddr_equal and inet_bhash2_addr_any_conflict (steps 5 to 7).
 * Left out: SO_BINDTODEVICE (two different devices never conflict), TCP_REPAIR (nothing is asked), and
 * sk_reuseport_match: where the last bind to the port had SO_REUSEPORT, the same user and address,
 * nothing is asked of a newcomer that has it too. Before 6.8, SO_REUSEADDR had such a short cut as
 * well, and one taken back after bind still let the next bind in. Twin: src/conflict.rs.
 */
#include "reuseaddr.h"

static bool overlap(const struct tcp_socket *present, const struct tcp_socket *newcomer);

bool conflicts(const struct tcp_socket *present, const struct tcp_socket *newcomer)
{
    /* 1. Whom the peer left first leaves nothing behind: no TIME_WAIT on our side. (T4) */
    if (present->state == PASSIVE_CLOSED)
        return false;

    /* 2. Both have SO_REUSEADDR, and the present one does not listen: no. (C1, C2) */
    /* Nothing else counts: no other state, no user, not what the newcomer is about to be. So two
     * may be bound here, and only the second one's listen(2) fails. */
    if (present->reuseaddr && newcomer->reuseaddr && present->state != LISTEN)
        return false;

    /* 3. Both have SO_REUSEPORT, and one user, or the present one is TIME_WAIT: no. */
    /* What FIN_WAIT2 leaves of a closed socket is kept as a TIME_WAIT one. rules has one user, and
     * does not try this difference. */
    bool time_wait = present->state == TIME_WAIT || present->state == FIN_WAIT2;
    if (present->reuseport && newcomer->reuseport && (time_wait || present->uid == newcomer->uid))
        return false;

    /* 4. Otherwise it is a matter of the addresses. */
    return overlap(present, newcomer);
}

static bool overlap(const struct tcp_socket *present, const struct tcp_socket *newcomer)
{
    bool present4 = IN6_IS_ADDR_V4MAPPED(&present->address);
    bool newcomer4 = IN6_IS_ADDR_V4MAPPED(&newcomer->address);

    /* 5. Both IPv4, mapped or not, or both IPv6: the same address, or a wildcard. */
    if (present4 == newcomer4)
        return IN6_ARE_ADDR_EQUAL(&present->address, &newcomer->address) ||
               is_any(&present->address) || is_any(&newcomer->address);

    /* 6. One of each: the IPv6 wildcard is IPv4's too, unless it is v6only. */
    const struct tcp_socket *ipv6 = present4 ? newcomer : present;
    if (is_any(&ipv6->address) && !ipv6->v6only)
        return true;

    /* 7. And 0.0.0.0 finds everybody who is not v6only in its way, even a child on ::1. */
    /* The kernel gives such an IPv6 socket an IPv4 address as well, LOOPBACK4_IPV6. It does so for an
     * AF_INET newcomer alone: ::ffff:0.0.0.0 passes. */
    return newcomer->family == AF_INET && is_any(&newcomer->address) && !present->v6only;
}

bool is_any(const struct in6_addr *address)
{
    return IN6_IS_ADDR_UNSPECIFIED(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr32[3] == htonl(INADDR_ANY));
}
