/*
 * abi.c - the argument layout: the constants, sizes and offsets of what we hand to the kernel, and what
 * it makes of the option's value.
 *
 * Every number comes from the C library's headers, as its twin's come from the libc crate.
 * Twin: src/abi.rs.
 */
#include "abi.h"
#include "abi/calls.h"
#include "address.h"
#include "netns.h"
#include "output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define CONSTANT(name) print("%-24s%ld\n", #name, (long)(name))
#define TYPE(name, type) \
    print("%-24ssize %zu, alignment %zu\n", name, sizeof(type), _Alignof(type))
#define FIELD(type, field) print("  %-22soffset %zu\n", #field, offsetof(type, field))

static void print_constants(void);
static void print_types(void);
static void print_bytes(void);
static void print_values(void);

int abi(void)
{
    /* 1. A network of our own, if it may be: nobody reaches the ports that are opened below. */
    if (enter_netns() == -1)
        report_error("using this network, as unshare", "fails");

    print_constants();
    print_types();
    print_bytes();
    print_values();
    int unexpected = try_calls();
    print("\n6. What the errors mean\n\n");
    print_errors();
    print("\n%d calls were answered otherwise than expected\n", unexpected);
    return unexpected > 0 ? 1 : 0;
}

static void print_constants(void)
{
    /* 2. The constants. */
    print("1. Constants\n\n");
    CONSTANT(AF_INET);
    CONSTANT(AF_INET6);
    CONSTANT(AF_UNIX);
    CONSTANT(AF_UNSPEC);
    CONSTANT(SOCK_STREAM);
    CONSTANT(SOCK_DGRAM);
    CONSTANT(SOCK_NONBLOCK);
    CONSTANT(IPPROTO_IP);
    CONSTANT(IPPROTO_TCP);
    CONSTANT(IPPROTO_UDP);
    CONSTANT(IPPROTO_IPV6);
    CONSTANT(SOL_SOCKET);
    CONSTANT(SO_REUSEADDR);
    CONSTANT(SO_REUSEPORT);
    CONSTANT(SO_LINGER);
    CONSTANT(SO_RCVBUF);
    CONSTANT(SO_SNDBUF);
    CONSTANT(IPV6_V6ONLY);
    CONSTANT(TCP_INFO);
    CONSTANT(TCP_QUICKACK);
    CONSTANT(SOMAXCONN);
    CONSTANT(SHUT_WR);
    CONSTANT(MSG_DONTWAIT);
    CONSTANT(INADDR_LOOPBACK);
    CONSTANT(SIGCHLD);
    CONSTANT(SIGPIPE);
    CONSTANT(SIG_IGN);
    CONSTANT(CLONE_NEWUSER);
    CONSTANT(CLONE_NEWNET);
    CONSTANT(SIOCSIFFLAGS);
    CONSTANT(IFF_UP);
    CONSTANT(F_GETFD);
    CONSTANT(O_RDONLY);
    CONSTANT(O_RDWR);
    CONSTANT(PROT_NONE);
    CONSTANT(MAP_PRIVATE);
    CONSTANT(MAP_ANONYMOUS);
    CONSTANT(EINTR);
    CONSTANT(EADDRINUSE);
}

static void print_types(void)
{
    /* 3. The types, in bytes; the fields from the start of the structure. */
    print("\n2. Types\n\n");
    TYPE("int", int);
    TYPE("size_t", size_t);
    TYPE("ssize_t", ssize_t);
    TYPE("pid_t", pid_t);
    TYPE("uid_t", uid_t);
    TYPE("socklen_t", socklen_t);
    TYPE("sa_family_t", sa_family_t);
    TYPE("in_port_t", in_port_t);
    TYPE("in_addr", struct in_addr);
    FIELD(struct in_addr, s_addr);
    TYPE("in6_addr", struct in6_addr);
    FIELD(struct in6_addr, s6_addr);
    TYPE("sockaddr", struct sockaddr);
    FIELD(struct sockaddr, sa_family);
    FIELD(struct sockaddr, sa_data);
    TYPE("sockaddr_in", struct sockaddr_in);
    FIELD(struct sockaddr_in, sin_family);
    FIELD(struct sockaddr_in, sin_port);
    FIELD(struct sockaddr_in, sin_addr);
    FIELD(struct sockaddr_in, sin_zero);
    TYPE("sockaddr_in6", struct sockaddr_in6);
    FIELD(struct sockaddr_in6, sin6_family);
    FIELD(struct sockaddr_in6, sin6_port);
    FIELD(struct sockaddr_in6, sin6_flowinfo);
    FIELD(struct sockaddr_in6, sin6_addr);
    FIELD(struct sockaddr_in6, sin6_scope_id);
    TYPE("sockaddr_un", struct sockaddr_un);
    FIELD(struct sockaddr_un, sun_family);
    FIELD(struct sockaddr_un, sun_path);
    TYPE("sockaddr_storage", struct sockaddr_storage);
    FIELD(struct sockaddr_storage, ss_family);
    TYPE("linger", struct linger);
    FIELD(struct linger, l_onoff);
    FIELD(struct linger, l_linger);
    TYPE("timespec", struct timespec);
    FIELD(struct timespec, tv_sec);
    FIELD(struct timespec, tv_nsec);
    TYPE("sigaction", struct sigaction);
    FIELD(struct sigaction, sa_mask);
    FIELD(struct sigaction, sa_flags);
    TYPE("ifreq", struct ifreq);
    FIELD(struct ifreq, ifr_name);
    TYPE("utsname", struct utsname);
    FIELD(struct utsname, release);
}

static void print_bytes(void)
{
    const struct endpoint endpoint = {
        .family = AF_INET,
        .address.s6_addr = {[10] = 0xff, 0xff, 192, 168, 0, 1},
        .port = 9099,
    };
    union socket_address made;

    /* 4. An address as the kernel reads it: port and address in network byte order. */
    make_sockaddr(&endpoint, &made);
    const struct sockaddr_in address = made.v4;
    print("\n3. The bytes of a sockaddr_in for 192.168.0.1:9099\n\n");
    for (size_t i = 0; i < sizeof address; i++)
        print("%02x%s", ((const unsigned char *)&address)[i], i + 1 < sizeof address ? " " : "\n");
}

static void print_values(void)
{
    static const int values[] = {0, 1, 2, -1, 256, 65536};

    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1)
        exit_with_error("socket", "AF_INET");

    /* 5. The option's value: not zero is one, and getsockopt gives as much of it as there is room. */
    print("\n4. SO_REUSEADDR: what is set, and what getsockopt gives then\n\n");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int value = values[i];
        if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value) == -1)
            exit_with_error("setsockopt SO_REUSEADDR", "a socket");
        socklen_t optlen = sizeof value;
        if (getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, &optlen) == -1)
            exit_with_error("getsockopt SO_REUSEADDR", "a socket");
        print("%-24d%d\n", values[i], value);
    }
    for (socklen_t room = 0; room <= 8; room++) {
        unsigned char bytes[8];
        socklen_t optlen = room;
        memset(bytes, 0xee, sizeof bytes);
        if (getsockopt(s, SOL_SOCKET, SO_REUSEADDR, bytes, &optlen) == -1)
            exit_with_error("getsockopt SO_REUSEADDR", "a socket");
        print("length %u               length %u, bytes", room, optlen);
        for (size_t i = 0; i < sizeof bytes; i++)
            print(" %02x", bytes[i]);
        print("\n");
    }
    close(s);
}
