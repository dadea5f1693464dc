/*
 * explain/sock_diag.c - lists the TCP sockets of a port with sock_diag(7), a netlink(7) protocol.
 *
 * /proc/net/tcp would not do: it lacks the time left of FIN_WAIT2, IPV6_V6ONLY, and the sockets
 * that are bound and not listening, which sock_diag lists since Linux 6.8.
 * Rust counterpart: src/explain/sock_diag.rs.
 */
#include "explain/sock_diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* idiag_timer of a socket in TIME_WAIT, or in FIN_WAIT2 without a process. */
#define TIMER_TIME_WAIT 3

struct request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

/* Returns the endpoint with this address and port, both in network byte order. */
static struct endpoint diag_endpoint(sa_family_t family, const uint32_t address[4], uint16_t port)
{
    struct endpoint endpoint = {.family = family, .port = ntohs(port)};

    if (family == AF_INET6) {
        memcpy(&endpoint.address, address, sizeof endpoint.address);
    } else {
        endpoint.address.s6_addr32[2] = htonl(0xffff);
        endpoint.address.s6_addr32[3] = address[0];
    }
    return endpoint;
}

/* Returns the value of IPV6_V6ONLY from the attributes at the end of body, or UNKNOWN. */
static int parse_v6only(const char *body, size_t length)
{
    struct nlattr attribute;

    for (size_t at = sizeof(struct inet_diag_msg); at + sizeof attribute < length;
         at += (size_t)NLA_ALIGN(attribute.nla_len)) {
        memcpy(&attribute, body + at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute)
            break;
        if (attribute.nla_type == INET_DIAG_SKV6ONLY)
            return body[at + sizeof attribute] != 0;
    }
    return UNKNOWN;
}

/* Reads a message's body into *entry. Returns whether it is a socket. */
static bool parse_entry(const char *body, size_t length, struct socket_entry *entry)
{
    struct inet_diag_msg message;

    if (length < sizeof message)
        return false;
    memcpy(&message, body, sizeof message);
    if (message.idiag_state < TCP_ESTABLISHED || message.idiag_state > TCP_CLOSING)
        return false;
    sa_family_t family = message.idiag_family;
    *entry = (struct socket_entry){
        .state = message.idiag_state,
        .local = diag_endpoint(family, message.id.idiag_src, message.id.idiag_sport),
        .peer = diag_endpoint(family, message.id.idiag_dst, message.id.idiag_dport),
        .cookie = (uint64_t)message.id.idiag_cookie[1] << 32 | message.id.idiag_cookie[0],
        .inode = message.idiag_inode,
        .uid = message.idiag_uid,
        .seconds = -1,
        .reuseaddr = UNKNOWN,
        .reuseport = UNKNOWN,
        .v6only = family == AF_INET6 ? parse_v6only(body, length) : 0,
    };
    if (message.idiag_timer == TIMER_TIME_WAIT)
        entry->seconds = (int)((message.idiag_expires + 999) / 1000);
    return true;
}

/* Reads the messages of the reply until the last one. Returns 0, or -1 with errno set. */
static int read_reply(int s, struct snapshot *snapshot, bool peers)
{
    char buffer[1 << 16];
    struct nlmsghdr header;
    struct socket_entry entry;

    for (;;) {
        ssize_t n = recv(s, buffer, sizeof buffer, 0);
        if (n == -1)
            return -1;
        size_t length = (size_t)n;
        for (size_t at = 0; at + sizeof header <= length; at += NLMSG_ALIGN(header.nlmsg_len)) {
            memcpy(&header, buffer + at, sizeof header);
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > length - at) {
                errno = EBADMSG;
                return -1;
            }
            const char *body = buffer + at + sizeof header;
            size_t body_length = header.nlmsg_len - sizeof header;
            /* Both an error and the end carry a negative errno, or 0. */
            if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
                int error = 0;
                if (body_length >= sizeof error)
                    memcpy(&error, body, sizeof error);
                errno = -error;
                return error < 0 ? -1 : 0;
            }
            if (!parse_entry(body, body_length, &entry))
                continue;
            /* Bound sockets are listed on any port. A socket can be connected to itself. */
            entry.relevant = entry.local.port == snapshot->port;
            if (entry.relevant != peers && (!peers || entry.peer.port == snapshot->port)) {
                snapshot->sockets = grow(snapshot->sockets, snapshot->total, sizeof entry);
                snapshot->sockets[snapshot->total++] = entry;
            }
        }
    }
}

/* Requests the sockets of family on the port, or connected to it. Returns 0, or -1 with errno. */
static int dump(int s, struct snapshot *snapshot, sa_family_t family, bool peers)
{
    struct request request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = UINT32_MAX,
                 .id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
    };
    if (peers)
        request.body.id.idiag_dport = htons(snapshot->port);
    else
        request.body.id.idiag_sport = htons(snapshot->port);

    if (send(s, &request, sizeof request, 0) == -1)
        return -1;
    return read_reply(s, snapshot, peers);
}

void find_sockets(struct snapshot *snapshot)
{
    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (s == -1) {
        snapshot->diag_error = errno;
        return;
    }
    if (dump(s, snapshot, AF_INET, false) == -1 || dump(s, snapshot, AF_INET6, false) == -1 ||
        dump(s, snapshot, AF_INET, true) == -1 || dump(s, snapshot, AF_INET6, true) == -1)
        snapshot->diag_error = errno;
    close(s);
}
