/*
 * conflict.c - the rule behind the page's two conditions: when bind(2) and listen(2) fail with
 * EADDRINUSE. (C1, C2)
 *
 * For an explicit port, both calls do what get_port() does. Unless a shortcut applies, it tests
 * every other socket on the port, and fails at the first conflict. Whether a shortcut applies
 * depends on the sockets bound earlier, so their order matters.
 * Source: Linux 6.18, net/ipv4/inet_connection_sock.c.
 * Not modelled: TCP_REPAIR, and sockets in a SO_REUSEPORT group that do not listen yet; VRFs, whose
 * ports are separate; and ports whose remaining sockets were all bound by connect(2)
 * (d57f4b874946).
 * Rust counterpart: src/conflict.rs.
 */
#include "conflict.h"
#include "address.h"

static bool is_ipv4(const struct tcp_socket *socket)
{
    return IN6_IS_ADDR_V4MAPPED(&socket->address);
}

/* Returns whether the wildcard :: of one covers the address of other. */
static bool covers(const struct tcp_socket *one, const struct tcp_socket *other)
{
    return IN6_IS_ADDR_UNSPECIFIED(&one->address) && !(one->v6only && is_ipv4(other));
}

/*
 * Returns whether the addresses of two sockets overlap. A wildcard covers the addresses of its
 * family, and :: covers IPv4 too, unless IPV6_V6ONLY is set. If both is false, the wildcard of
 * second counts as an ordinary address. (inet_rcv_saddr_equal)
 */
static bool overlap(const struct tcp_socket *first, const struct tcp_socket *second, bool both)
{
    /* For AF_INET, the kernel ignores the IPv6 address of the second socket. So 0.0.0.0 conflicts
     * with every existing IPv6 socket that is not v6only, even one on ::1 accepted by a listener on
     * :: (a socket bound to ::1 is v6only). A new socket on ::ffff:0.0.0.0 does not. */
    if (first->family == AF_INET || (is_ipv4(first) && is_ipv4(second))) {
        bool equal = IN6_ARE_ADDR_EQUAL(&first->address, &second->address) ||
                     is_wildcard(&first->address);
        return !second->v6only && (equal || (both && is_wildcard(&second->address)));
    }
    return IN6_ARE_ADDR_EQUAL(&first->address, &second->address) || covers(first, second) ||
           (both && covers(second, first));
}

bool conflicts(const struct tcp_socket *existing, const struct tcp_socket *new)
{
    /* A connection request does not hold the port. Its listener does. */
    if (existing->state == TCP_SYN_RECV && existing->orphan)
        return false;

    /* Sockets bound to different devices (SO_BINDTODEVICE) do not conflict. */
    if (existing->device != 0 && new->device != 0 && existing->device != new->device)
        return false;

    /* No conflict if both have SO_REUSEADDR and the existing socket is not listening. No other
     * state matters, nor do the users. The state of the new socket is not tested: two sockets can
     * both be bound, and only the second listen(2) fails. */
    if (existing->reuseaddr && new->reuseaddr && existing->state != TCP_LISTEN)
        return false;

    /* No conflict if both have SO_REUSEPORT, and either the user is the same or the existing socket
     * is in TIME_WAIT. The kernel keeps a FIN_WAIT2 socket without a process as a TIME_WAIT socket,
     * unless net.ipv4.tcp_fin_timeout is above 60. */
    bool fin_wait2 = existing->state == TCP_FIN_WAIT2 && existing->orphan;
    bool time_wait = existing->state == TCP_TIME_WAIT || fin_wait2;
    if (existing->reuseport && new->reuseport && (time_wait || existing->uid == new->uid))
        return false;

    return overlap(new, existing, true);
}

/*
 * Returns whether the shortcut of SO_REUSEPORT applies: the option, the user and the address of new
 * match those that the kernel remembers. (sk_reuseport_match)
 */
static bool reuseport_match(const struct bucket *bucket, const struct tcp_socket *new)
{
    const struct tcp_socket *fast = &bucket->fastreuseport;
    return bucket->has_fastreuseport && new->reuseport && fast->uid == new->uid &&
           (bucket->any || overlap(fast, new, false));
}

/* Returns whether socket is on 0.0.0.0 or ::ffff:0.0.0.0. */
static bool on_wildcard(const struct tcp_socket *socket)
{
    return is_ipv4(socket) && is_wildcard(&socket->address);
}

bool get_port(const struct kernel *kernel, struct bucket *bucket, const struct tcp_socket *sockets,
              size_t n, const struct tcp_socket *new)
{
    bool reuse = new->reuseaddr && new->state != TCP_LISTEN;

    /* 1. The kernel forgets the port with its last socket. (inet_bind_bucket_destroy) */
    if (n == 0)
        *bucket = (struct bucket){.fastreuse = kernel->first_is_fast, .any = kernel->first_is_fast};

    /* 2. Unless a shortcut applies, test the other sockets. (inet_csk_bind_conflict) */
    bool is_mapped = new->family == AF_INET6 && is_ipv4(new) && !on_wildcard(new);
    bool skips = kernel->skips_mapped && is_mapped && bucket->wildcard_family == AF_INET6;
    bool shortcut = (bucket->fastreuse && reuse) || reuseport_match(bucket, new);
    bool wildcard = false;
    for (size_t i = 0; i < n; i++) {
        struct tcp_socket existing = sockets[i];
        if (existing.orphan && kernel->has_orphan_uid)
            existing.uid = kernel->orphan_uid;
        bool is_skipped = &sockets[i] == new || (skips && on_wildcard(&existing));
        if (!shortcut && !is_skipped && conflicts(&existing, new))
            return false;
        wildcard = wildcard || on_wildcard(&existing);
    }

    /* 3. Remember the new socket. (inet_csk_update_fastreuse) */
    if (!wildcard)
        bucket->wildcard_family = new->family;
    bucket->fastreuse = bucket->fastreuse && reuse;
    if (!new->reuseport) {
        bucket->has_fastreuseport = false;
        bucket->any = false;
    } else if (!reuseport_match(bucket, new)) {
        bucket->any = bucket->any && !bucket->has_fastreuseport;
        bucket->has_fastreuseport = true;
        bucket->fastreuseport = *new;
    }
    return true;
}
