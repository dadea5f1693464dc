/*
 * netns.c - the network that rules and abi work in.
 * Rust counterpart: src/netns.rs.
 */
#include "netns.h"
#include "output.h"
#include "sock.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int enter_netns(void)
{
    struct ifreq request;

    /* Any user may create a network namespace in a new user namespace; root needs none. */
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1 && unshare(CLONE_NEWNET) == -1)
        return -1;

    /* The only interface of a new namespace is lo, and it is down. */
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1)
        exit_with_error("socket", "lo");
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", sizeof "lo");
    request.ifr_flags = IFF_UP;
    if (ioctl(s, SIOCSIFFLAGS, &request) == -1)
        exit_with_error("ioctl SIOCSIFFLAGS", "lo");
    close(s);
    return 0;
}

bool has_ipv6(void)
{
    const struct endpoint loopback = {.family = AF_INET6, .address = IN6ADDR_LOOPBACK_INIT};

    int s = socket(AF_INET6, SOCK_STREAM, 0);
    if (s == -1)
        return false;
    int z = bind_socket(s, &loopback);
    int reason = errno;
    close(s);
    errno = reason;
    return z == 0;
}
