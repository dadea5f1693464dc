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
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define CONSTANT(name) {#name, (long)(name)}
#define TYPE(name, type) \
    print("%-24ssize %zu, alignment %zu\n", name, sizeof(type), _Alignof(type))
#define STRUCT(name) TYPE(#name, struct name)
#define FIELD(name, field) print("  %-22soffset %zu\n", #field, offsetof(struct name, field))

static void print_constants(void)
{
    const struct {
        const char *name;
        long value;
    } constants[] = {
        CONSTANT(AF_INET), CONSTANT(AF_INET6), CONSTANT(AF_UNIX), CONSTANT(AF_UNSPEC),
        CONSTANT(SOCK_STREAM), CONSTANT(SOCK_DGRAM), CONSTANT(SOCK_NONBLOCK), CONSTANT(IPPROTO_IP),
        CONSTANT(IPPROTO_TCP), CONSTANT(IPPROTO_UDP), CONSTANT(IPPROTO_IPV6), CONSTANT(SOL_SOCKET),
        CONSTANT(SO_REUSEADDR), CONSTANT(SO_REUSEPORT), CONSTANT(SO_LINGER), CONSTANT(SO_RCVBUF),
        CONSTANT(SO_SNDBUF), CONSTANT(IPV6_V6ONLY), CONSTANT(TCP_INFO), CONSTANT(TCP_QUICKACK),
        CONSTANT(SOMAXCONN), CONSTANT(SHUT_WR), CONSTANT(MSG_DONTWAIT), CONSTANT(INADDR_LOOPBACK),
        CONSTANT(POLLOUT), CONSTANT(SIGCHLD), CONSTANT(SIGPIPE), CONSTANT(SIG_IGN),
        CONSTANT(CLONE_NEWUSER), CONSTANT(CLONE_NEWNET), CONSTANT(SIOCSIFFLAGS), CONSTANT(IFF_UP),
        CONSTANT(F_GETFD), CONSTANT(O_RDONLY), CONSTANT(O_RDWR), CONSTANT(PROT_NONE),
        CONSTANT(MAP_PRIVATE), CONSTANT(MAP_ANONYMOUS), CONSTANT(EINTR), CONSTANT(EADDRINUSE),
    };

    print("1. Constants\n\n");
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        print("%-24s%ld\n", constants[i].name, constants[i].value);
}

static void print_types(void)
{
    print("\n2. Types\n\n");
    TYPE("int", int); TYPE("size_t", size_t); TYPE("ssize_t", ssize_t);
    TYPE("pid_t", pid_t); TYPE("uid_t", uid_t); TYPE("socklen_t", socklen_t);
    TYPE("sa_family_t", sa_family_t); TYPE("in_port_t", in_port_t);
    STRUCT(in_addr); FIELD(in_addr, s_addr);
    STRUCT(in6_addr); FIELD(in6_addr, s6_addr);
    STRUCT(sockaddr); FIELD(sockaddr, sa_family); FIELD(sockaddr, sa_data);
    STRUCT(sockaddr_in); FIELD(sockaddr_in, sin_family); FIELD(sockaddr_in, sin_port);
    FIELD(sockaddr_in, sin_addr); FIELD(sockaddr_in, sin_zero);
    STRUCT(sockaddr_in6); FIELD(sockaddr_in6, sin6_family); FIELD(sockaddr_in6, sin6_port);
    FIELD(sockaddr_in6, sin6_flowinfo); FIELD(sockaddr_in6, sin6_addr);
    FIELD(sockaddr_in6, sin6_scope_id);
    STRUCT(sockaddr_un); FIELD(sockaddr_un, sun_family); FIELD(sockaddr_un, sun_path);
    STRUCT(sockaddr_storage); FIELD(sockaddr_storage, ss_family);
    STRUCT(linger); FIELD(linger, l_onoff); FIELD(linger, l_linger);
    STRUCT(pollfd); FIELD(pollfd, fd); FIELD(pollfd, events); FIELD(pollfd, revents);
    STRUCT(timespec); FIELD(timespec, tv_sec); FIELD(timespec, tv_nsec);
    STRUCT(sigaction); FIELD(sigaction, sa_mask); FIELD(sigaction, sa_flags);
    STRUCT(ifreq); FIELD(ifreq, ifr_name);
    STRUCT(utsname); FIELD(utsname, release);
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
    print("\nThe option is on. optlen passed; optlen returned, buffer (ee: not written)\n\n");
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
