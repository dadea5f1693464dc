/*
 * abi.c - the binary interface of the socket calls: constants, types, option values, results.
 *
 * Every number comes from the headers of the C library, in Rust from the libc crate.
 * Rust counterpart: src/abi.rs.
 */
#include "abi.h"
#include "abi/calls.h"
#include "abi/cases.h"
#include "abi/sockopts.h"
#include "address.h"
#include "netns.h"
#include "output.h"
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define VALUE(name) print("%-24s%ld\n", #name, (long)(name));
#define TYPE(name, t) print("%-24ssize %zu, alignment %zu\n", name, sizeof(t), _Alignof(t));
/* FIELD belongs in the second argument of STRUCT, which defines its type. */
#define FIELD(name) print("  %-22soffset %zu\n", #name, offsetof(type, name));
#define STRUCT(name, fields) { typedef struct name type; TYPE(#name, type) fields }

static void print_constants(void)
{
    print("1. Constants\n\n");
    VALUE(AF_INET) VALUE(AF_INET6) VALUE(AF_UNIX) VALUE(AF_UNSPEC) VALUE(INADDR_ANY)
    VALUE(INADDR_LOOPBACK) VALUE(AI_PASSIVE) VALUE(AI_NUMERICHOST) VALUE(AI_NUMERICSERV)
    VALUE(EAI_NONAME) VALUE(EAI_SYSTEM) VALUE(NI_NUMERICHOST) VALUE(NI_NUMERICSERV)
    VALUE(SOCK_STREAM) VALUE(SOCK_DGRAM) VALUE(SOCK_NONBLOCK) VALUE(SOCK_CLOEXEC) VALUE(IPPROTO_IP)
    VALUE(IPPROTO_TCP) VALUE(IPPROTO_UDP) VALUE(IPPROTO_IPV6) VALUE(SOMAXCONN) VALUE(SHUT_RD)
    VALUE(SHUT_WR) VALUE(SHUT_RDWR) VALUE(SOL_SOCKET) VALUE(SO_REUSEADDR) VALUE(SO_REUSEPORT)
    VALUE(SO_ERROR) VALUE(SO_LINGER) VALUE(SO_RCVBUF) VALUE(SO_SNDBUF) VALUE(SO_RCVTIMEO)
    VALUE(SO_SNDTIMEO) VALUE(IPV6_V6ONLY) VALUE(TCP_INFO) VALUE(TCP_NODELAY) VALUE(TCP_QUICKACK)
    VALUE(MSG_DONTWAIT) VALUE(MSG_NOSIGNAL) VALUE(MSG_PEEK) VALUE(MSG_TRUNC) VALUE(MSG_CTRUNC)
    VALUE(MSG_CMSG_CLOEXEC) VALUE(SCM_RIGHTS) VALUE(POLLIN) VALUE(POLLOUT) VALUE(POLLERR)
    VALUE(POLLHUP) VALUE(FD_SETSIZE) VALUE(EPOLL_CLOEXEC) VALUE(EPOLL_CTL_ADD) VALUE(EPOLL_CTL_MOD)
    VALUE(EPOLL_CTL_DEL) VALUE(EPOLLIN) VALUE(EPOLLOUT) VALUE(EPOLLERR) VALUE(EPOLLHUP)
    VALUE(SIGCHLD) VALUE(SIGPIPE) VALUE(SIGTERM) VALUE(SIG_DFL) VALUE(SIG_IGN) VALUE(SA_RESTART)
    VALUE(SA_NOCLDSTOP) VALUE(SA_NOCLDWAIT) VALUE(WNOHANG) VALUE(CLONE_NEWUSER) VALUE(CLONE_NEWNET)
    VALUE(F_GETFD) VALUE(F_SETFD) VALUE(FD_CLOEXEC) VALUE(F_GETFL) VALUE(F_SETFL) VALUE(O_RDONLY)
    VALUE(O_RDWR) VALUE(O_NONBLOCK) VALUE(O_CLOEXEC) VALUE(SIOCSIFFLAGS) VALUE(IFF_UP)
    VALUE(PROT_NONE) VALUE(MAP_PRIVATE) VALUE(MAP_ANONYMOUS) VALUE(EINTR) VALUE(EAGAIN)
    VALUE(EINPROGRESS) VALUE(EADDRINUSE) VALUE(ECONNREFUSED) VALUE(EPIPE) VALUE(ECHILD)
}

static void print_types(void)
{
    print("\n2. Types (libc crate: sa_sigaction for sa_handler, u64 for epoll_event's data)\n\n");
    TYPE("int", int) TYPE("size_t", size_t) TYPE("ssize_t", ssize_t) TYPE("pid_t", pid_t)
    TYPE("uid_t", uid_t) TYPE("socklen_t", socklen_t) TYPE("sa_family_t", sa_family_t)
    TYPE("in_port_t", in_port_t)
    STRUCT(in_addr, FIELD(s_addr)) STRUCT(in6_addr, FIELD(s6_addr))
    STRUCT(sockaddr, FIELD(sa_family) FIELD(sa_data)) STRUCT(sockaddr_storage, FIELD(ss_family))
    STRUCT(sockaddr_in, FIELD(sin_family) FIELD(sin_port) FIELD(sin_addr) FIELD(sin_zero))
    STRUCT(sockaddr_in6, FIELD(sin6_family) FIELD(sin6_port) FIELD(sin6_flowinfo) FIELD(sin6_addr)
        FIELD(sin6_scope_id))
    STRUCT(sockaddr_un, FIELD(sun_family) FIELD(sun_path))
    STRUCT(addrinfo, FIELD(ai_flags) FIELD(ai_family) FIELD(ai_socktype) FIELD(ai_protocol)
        FIELD(ai_addrlen) FIELD(ai_addr) FIELD(ai_canonname) FIELD(ai_next))
    STRUCT(linger, FIELD(l_onoff) FIELD(l_linger)) STRUCT(iovec, FIELD(iov_base) FIELD(iov_len))
    STRUCT(timeval, FIELD(tv_sec) FIELD(tv_usec)) STRUCT(timespec, FIELD(tv_sec) FIELD(tv_nsec))
    TYPE("fd_set", fd_set) STRUCT(pollfd, FIELD(fd) FIELD(events) FIELD(revents))
    STRUCT(epoll_event, FIELD(events) FIELD(data)) TYPE("sigset_t", sigset_t)
    STRUCT(sigaction, FIELD(sa_handler) FIELD(sa_sigaction) FIELD(sa_mask) FIELD(sa_flags)
        FIELD(sa_restorer))
    STRUCT(msghdr, FIELD(msg_name) FIELD(msg_namelen) FIELD(msg_iov) FIELD(msg_iovlen)
        FIELD(msg_control) FIELD(msg_controllen) FIELD(msg_flags))
    STRUCT(cmsghdr, FIELD(cmsg_len) FIELD(cmsg_level) FIELD(cmsg_type))
    STRUCT(ifreq, FIELD(ifr_name)) STRUCT(utsname, FIELD(release))
}

/* Formats size bytes, at most 16, in hexadecimal. Returns text. */
static const char *hex(const void *bytes, size_t size, char text[3 * 16])
{
    for (size_t i = 0; i < size; i++)
        sprintf(text + 3 * i, i + 1 < size ? "%02x " : "%02x", ((const unsigned char *)bytes)[i]);
    return text;
}

static void print_bytes(void)
{
    const struct endpoint endpoint = {
        .family = AF_INET,
        .address.s6_addr = {[10] = 0xff, 0xff, 192, 168, 0, 1},
        .port = 9099,
    };
    union socket_address address;
    char text[3 * 16];

    socklen_t length = make_sockaddr(&endpoint, &address);
    hex(&address, length, text);
    print("\n3. Bytes of a sockaddr_in for 192.168.0.1:9099\n\n%s\n", text);
}

static void print_values(void)
{
    static const int values[] = {0, 1, 2, -1, 256, 65536};
    const int s = new_socket(AF_INET, SOCK_STREAM);

    print("\n4. SO_REUSEADDR: value set, and value returned by getsockopt\n\n");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        set_option(s, SOL_SOCKET, SO_REUSEADDR, values[i]);
        print("%-24d%d\n", values[i], get_option(s, SOL_SOCKET, SO_REUSEADDR));
    }
    print("\nThe option is on. optlen passed; optlen returned, buffer (ee: not written)\n");
    print("On a big-endian machine, lengths 1 to 3 return zeros, as if it were off.\n\n");
    for (socklen_t length = 0; length <= 8; length++) {
        unsigned char bytes[8] = {0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
        socklen_t optlen = length;
        char text[3 * 16];
        if (getsockopt(s, SOL_SOCKET, SO_REUSEADDR, bytes, &optlen) == -1)
            exit_with_error("getsockopt", "SO_REUSEADDR");
        print("%-24u%u, %s\n", length, optlen, hex(bytes, sizeof bytes, text));
    }
    close(s);
}

int abi(void)
{
    /* In a network namespace, no other process can connect to the ports that are opened below. */
    enter_netns("using the current network");

    print_constants();
    print_types();
    print_bytes();
    print_values();
    print("\n5. Calls and their results\n\n");
    const struct objects objects = make_objects();
    int unexpected = check_options(&objects);
    unexpected += check_calls(&objects);
    print("\n6. Error messages\n\n");
    print_errors();
    print("\nunexpected results: %d\n", unexpected);
    return unexpected > 0 ? 1 : 0;
}
