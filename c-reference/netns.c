/*
 * netns.c - the private network namespace of rules and abi.
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
#include <sys/types.h>
#include <unistd.h>

/* Unshares the network and brings lo up. Returns NULL, or the failed call's name with errno set. */
static const char *unshare_network(void)
{
    struct ifreq request;

    /* Root stays in its user namespace, which has other users. Any other user needs a new one. */
    if (unshare(CLONE_NEWNET) == -1 && unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
        return "unshare";

    /* The only interface of a new namespace is lo, and it is down. */
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1)
        return "socket lo";
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", sizeof "lo");
    request.ifr_flags = IFF_UP;
    if (ioctl(s, SIOCSIFFLAGS, &request) == -1)
        return "ioctl SIOCSIFFLAGS lo";
    close(s);
    return NULL;
}

void enter_netns(const char *instead)
{
    int fds[2];
    char works = false;

    /* A child process tries first: unshare(2) cannot be undone, and SIOCSIFFLAGS may then fail. */
    if (pipe(fds) == -1)
        exit_with_error("pipe", "to a child process");
    const pid_t pid = fork();
    const char *reason = pid == -1 ? strerror(errno) : "the child process was killed";
    if (pid != 0) {
        close(fds[1]);
        ssize_t n = read_some(fds[0], &works, sizeof works);
        close(fds[0]);
        if (n != 1)
            print_note("reuseaddr: fork: %s; %s\n", reason, instead);
        if (!works)
            return; /* the child process, if there is one, has printed why */
    }
    const char *call = unshare_network();
    if (call != NULL)
        print_note("reuseaddr: %s: %s; %s\n", call, strerror(errno), instead);
    if (pid == 0) {
        works = call == NULL;
        write_all(fds[1], &works, sizeof works);
        _exit(0);
    }
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
