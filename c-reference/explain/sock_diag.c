/*
 * explain/sock_diag.c - lists the sockets of a port with sock_diag(7), a netlink(7) protocol.
 *
 * /proc/net/tcp is not enough: it lacks IPV6_V6ONLY, and the sockets that are bound and not
 * listening, which sock_diag lists since Linux 6.8.
 * Rust counterpart: src/explain/sock_diag.rs.
 */
#include "explain/sock_diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* idiag_timer of a socket in TIME_WAIT, or in FIN_WAIT2 without a process. */
#define TIMER_TIME_WAIT 3

struct request {
    struct nlmsghdr header;
    union {
        struct inet_diag_req tcp; /* the older request; it lists both families */
        struct inet_diag_req_v2 udp;
    };
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
        .device = message.id.idiag_if,
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

/*
 * Reads the whole reply to request. Sets changed if the kernel marks it inconsistent. Returns 0, or
 * -1 with errno set.
 */
static int read_reply(int s, const struct request *request, struct snapshot *snapshot)
{
    char buffer[1 << 16];
    struct nlmsghdr header;
    struct socket_entry entry;

    for (;;) {
        struct sockaddr_nl sender = {0};
        socklen_t size = sizeof sender;
        /* With MSG_TRUNC, recvfrom(2) returns the length of the whole datagram. */
        ssize_t n =
            recvfrom(s, buffer, sizeof buffer, MSG_TRUNC, (struct sockaddr *)&sender, &size);
        if (n == -1 && errno == EAGAIN)
            errno = ETIMEDOUT; /* SO_RCVTIMEO */
        if (n == -1 && errno != EINTR)
            return -1;
        /* Only the kernel has port id 0. Other senders need CAP_NET_ADMIN. */
        if (n == -1 || sender.nl_pid != 0)
            continue;
        size_t length = (size_t)n;
        if (length > sizeof buffer) {
            errno = EMSGSIZE;
            return -1;
        }
        for (size_t at = 0; at + sizeof header <= length; at += NLMSG_ALIGN(header.nlmsg_len)) {
            memcpy(&header, buffer + at, sizeof header);
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > length - at) {
                errno = EBADMSG;
                return -1;
            }
            if (header.nlmsg_seq != request->header.nlmsg_seq)
                continue;
            snapshot->changed |= (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
            const char *body = buffer + at + sizeof header;
            size_t body_length = header.nlmsg_len - sizeof header;
            /* NLMSG_ERROR and NLMSG_DONE both carry a negative errno, or 0. */
            if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
                int error = 0;
                if (body_length >= sizeof error)
                    memcpy(&error, body, sizeof error);
                errno = -error;
                return error < 0 ? -1 : 0;
            }
            if (!parse_entry(body, body_length, &entry))
                continue;
            /* The kernel does not filter bound sockets by port. */
            if (entry.local.port != snapshot->port)
                continue;
            entry.udp = request->header.nlmsg_type == SOCK_DIAG_BY_FAMILY;
            snapshot->sockets = grow(snapshot->sockets, snapshot->count, sizeof entry);
            snapshot->sockets[snapshot->count++] = entry;
        }
    }
}

/* Adds the sockets that request describes. Returns 0, or -1 with errno set. */
static int dump(int s, struct request *request, size_t size, struct snapshot *snapshot)
{
    request->header.nlmsg_len = (unsigned)(sizeof request->header + size);
    request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->header.nlmsg_seq = 1;
    if (send(s, request, request->header.nlmsg_len, 0) == -1)
        return -1;
    return read_reply(s, request, snapshot);
}

void find_sockets(struct snapshot *snapshot)
{
    const struct inet_diag_sockid id = {.idiag_sport = htons(snapshot->port)};
    struct request tcp = {.header.nlmsg_type = TCPDIAG_GETSOCK,
                          .tcp = {.id = id, .idiag_states = UINT32_MAX}};
    const struct timeval timeout = {.tv_sec = 5};

    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (s == -1) {
        snapshot->diag_error = errno;
        return;
    }
    int z = setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    /* The older request lists both families, in one pass through the kernel's tables. */
    if (z == -1 || dump(s, &tcp, sizeof tcp.tcp, snapshot) == -1)
        snapshot->diag_error = errno;
    for (int i = 0; i < 2 && snapshot->diag_error == 0; i++) {
        struct request udp = {.header.nlmsg_type = SOCK_DIAG_BY_FAMILY,
                              .udp = {.sdiag_family = i == 0 ? AF_INET : AF_INET6,
                                      .sdiag_protocol = IPPROTO_UDP,
                                      .idiag_states = UINT32_MAX,
                                      .id = id}};
        /* UDP sockets are only mentioned. A kernel without udp_diag cannot list them. */
        dump(s, &udp, sizeof udp.udp, snapshot);
    }
    close(s);
}
