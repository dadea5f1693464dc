/*
 * explain/sock_diag.c - the TCP sockets around a port, as the kernel lists them: sock_diag(7), which ss(8) asks too.
 *
 * Not /proc/net/tcp: it has no time left of FIN_WAIT2, no IPV6_V6ONLY and no socket that is only
 * bound. The latter are listed from Linux 6.8 on. Twin: src/explain/sock_diag.rs.
 */
#include "explain/snapshot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* idiag_timer of a TIME_WAIT, and of a FIN_WAIT2 that is kept like one. */
#define TIMER_TIME_WAIT 3

struct request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

/* The kernel's include/net/tcp_states.h, from 1 on; and what they are to the rule. */
static const struct {
    const char *name;
    int state;
} states[] = {
    {"ESTABLISHED", TCP_ESTABLISHED},
    {"SYN_SENT", TCP_SYN_SENT},
    {"SYN_RECV", TCP_SYN_RECV}, /* not a socket yet: it is its listener that holds the port */
    {"FIN_WAIT1", TCP_FIN_WAIT1},
    {"FIN_WAIT2", TCP_FIN_WAIT2},
    {"TIME_WAIT", TCP_TIME_WAIT},
    {"BOUND", TCP_CLOSE}, /* CLOSE; without a port it would not be listed */
    {"CLOSE_WAIT", TCP_CLOSE_WAIT},
    {"LAST_ACK", TCP_LAST_ACK},
    {"LISTEN", TCP_LISTEN},
    {"CLOSING", TCP_CLOSING},
};

static int dump(int s, struct scene *scene, sa_family_t family, bool peers);
static void take(struct scene *scene, const char *body, size_t length, bool peers);
static struct endpoint diag_endpoint(sa_family_t family, const uint32_t address[4], uint16_t port);

void find_sockets(struct scene *scene)
{
    static const struct {
        sa_family_t family;
        bool peers;
    } questions[] = {{AF_INET, false}, {AF_INET6, false}, {AF_INET, true}, {AF_INET6, true}};

    /* 1. Two families, each asked for those that have the port, then for those connected to it. */
    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (s == -1) {
        scene->diag_error = errno;
        return;
    }
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (dump(s, scene, questions[i].family, questions[i].peers) == -1) {
            scene->diag_error = errno;
            break;
        }
    }
    close(s);
}

/* Takes what the kernel lists of family. Returns 0, or -1 with errno set. */
static int dump(int s, struct scene *scene, sa_family_t family, bool peers)
{
    char buffer[1 << 16];
    struct request request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = UINT32_MAX,
                 .id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
    };
    *(peers ? &request.body.id.idiag_dport : &request.body.id.idiag_sport) = htons(scene->port);

    /* 2. One request, many answers, in as many datagrams as it takes. */
    if (send(s, &request, sizeof request, 0) == -1)
        return -1;
    for (;;) {
        ssize_t n = recv(s, buffer, sizeof buffer, 0);
        if (n == -1)
            return -1;
        struct nlmsghdr header;
        size_t length = (size_t)n;
        for (size_t at = 0; at + sizeof header <= length; at += NLMSG_ALIGN(header.nlmsg_len)) {
            memcpy(&header, buffer + at, sizeof header);
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > length - at) {
                errno = EBADMSG;
                return -1;
            }
            const char *body = buffer + at + sizeof header;
            /* 3. An error and the end both carry an errno, as a negative number, or 0. */
            if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
                int error = 0;
                if (header.nlmsg_len >= sizeof header + sizeof error)
                    memcpy(&error, body, sizeof error);
                errno = -error;
                return error < 0 ? -1 : 0;
            }
            take(scene, body, header.nlmsg_len - sizeof header, peers);
        }
    }
}

/* Takes one socket into scene. */
static void take(struct scene *scene, const char *body, size_t length, bool peers)
{
    struct inet_diag_msg message;

    if (length < sizeof message)
        return;
    memcpy(&message, body, sizeof message);
    size_t state = message.idiag_state - 1U;
    if (state >= sizeof states / sizeof *states)
        return;
    sa_family_t family = message.idiag_family;
    struct listed socket = {
        .name = states[state].name,
        .state = states[state].state,
        .local = diag_endpoint(family, message.id.idiag_src, message.id.idiag_sport),
        .peer = diag_endpoint(family, message.id.idiag_dst, message.id.idiag_dport),
        .cookie = (uint64_t)message.id.idiag_cookie[1] << 32 | message.id.idiag_cookie[0],
        .inode = message.idiag_inode,
        .seconds = -1,
        .reuseaddr = UNKNOWN,
        .reuseport = UNKNOWN,
        .v6only = family == AF_INET6 ? UNKNOWN : 0,
    };
    if (message.idiag_timer == TIMER_TIME_WAIT)
        socket.seconds = (int)((message.idiag_expires + 999) / 1000);

    /* 4. Bound sockets are listed whatever port is asked for; one that is its own peer comes once. */
    bool present = socket.local.port == scene->port;
    if (peers ? present || socket.peer.port != scene->port : !present)
        return;

    /* 5. IPV6_V6ONLY is told of those that listen or are bound, in an attribute of one byte. */
    struct nlattr attribute;
    for (size_t at = sizeof message; at + sizeof attribute < length;
         at += (size_t)NLA_ALIGN(attribute.nla_len)) {
        memcpy(&attribute, body + at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute)
            break;
        if (attribute.nla_type == INET_DIAG_SKV6ONLY)
            socket.v6only = body[at + sizeof attribute];
    }
    if (peers) {
        scene->peers = grow(scene->peers, scene->count_of_peers, sizeof socket);
        scene->peers[scene->count_of_peers++] = socket;
    } else {
        scene->sockets = grow(scene->sockets, scene->count_of_sockets, sizeof socket);
        scene->sockets[scene->count_of_sockets++] = socket;
    }
}

/* From the kernel's words, all in network byte order. */
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
