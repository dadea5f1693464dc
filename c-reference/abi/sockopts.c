/*
 * abi/sockopts.c - socket(2), setsockopt(2) and getsockopt(2) with right and wrong arguments.
 *
 * The expected results come from the man pages or, where these are silent, from the kernel's
 * net/core/sock.c. Rust counterpart: src/abi/sockopts.rs.
 */
#include "abi/sockopts.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int check_socket(void)
{
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    int n = check_result("socket", "TCP over IPv4", 0, s);
    close(s);

    n += CHECK("family -1", EAFNOSUPPORT, socket(-1, SOCK_STREAM, 0));
    n += CHECK("type -1", EINVAL, socket(AF_INET, -1, 0));
    n += CHECK("type 0", ESOCKTNOSUPPORT, socket(AF_INET, 0, 0));
    n += CHECK("type SOCK_STREAM, protocol UDP", EPROTONOSUPPORT,
               socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    n += CHECK("protocol -1", EINVAL, socket(AF_INET, SOCK_STREAM, -1));
    return n;
}

static int check_setsockopt(const struct objects *on)
{
    const int s = new_socket(AF_INET, SOCK_STREAM);
    const int one[2] = {1, 1};
    const socklen_t size = sizeof one[0];
    int n = 0;

    n += CHECK("descriptor -1", EBADF, setsockopt(on->bad, SOL_SOCKET, SO_REUSEADDR, one, size));
    n += CHECK("not a socket", ENOTSOCK, setsockopt(on->file, SOL_SOCKET, SO_REUSEADDR, one, size));
    n += CHECK("level 99", ENOPROTOOPT, setsockopt(s, 99, SO_REUSEADDR, one, size));
    n += CHECK("level -1", ENOPROTOOPT, setsockopt(s, -1, SO_REUSEADDR, one, size));
    /* SO_REUSEADDR is 2 on most machines: IP_TTL and TCP_MAXSEG at the levels below. */
    n += CHECK("level IPPROTO_IP, 2: IP_TTL of 1", 0, setsockopt(s, IPPROTO_IP, 2, one, size));
    n += CHECK("level IPPROTO_TCP, 2: TCP_MAXSEG of 1", EINVAL,
               setsockopt(s, IPPROTO_TCP, 2, one, size));
    n += CHECK("option -1", ENOPROTOOPT, setsockopt(s, SOL_SOCKET, -1, one, size));
    n += CHECK("option 9999", ENOPROTOOPT, setsockopt(s, SOL_SOCKET, 9999, one, size));
    n += CHECK("length -1", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, (socklen_t)-1));
    n += CHECK("length 0", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 0));
    n += CHECK("length 1, a bool", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 1));
    n += CHECK("length 3", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 3));
    n += CHECK("length 4", 0, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 4));
    n += CHECK("length 8", 0, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, one, 8));
    n += CHECK("null pointer", EFAULT, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, NULL, size));
    n += CHECK("null pointer, length 3", EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, NULL, 3));
    n += CHECK("pointer to a PROT_NONE page", EFAULT,
               setsockopt(s, SOL_SOCKET, SO_REUSEADDR, on->forbidden, size));
    n += CHECK("listening socket", 0,
               setsockopt(on->listening, SOL_SOCKET, SO_REUSEADDR, one, size));
    n += CHECK("AF_UNIX socket, which ignores it", 0,
               setsockopt(on->local, SOL_SOCKET, SO_REUSEADDR, one, size));
    close(s);
    return n;
}

static int check_getsockopt(const struct objects *on)
{
    const int s = new_socket(AF_INET, SOCK_STREAM);
    int value = 0;
    /* No call below changes these: a call that fails sets no length, and a length of 0 stays 0. */
    socklen_t size = sizeof value, zero = 0, negative = (socklen_t)-1;
    int n = 0;

    n += CHECK("descriptor -1", EBADF,
               getsockopt(on->bad, SOL_SOCKET, SO_REUSEADDR, &value, &size));
    n += CHECK("not a socket", ENOTSOCK,
               getsockopt(on->file, SOL_SOCKET, SO_REUSEADDR, &value, &size));
    n += CHECK("level 99 (ENOPROTOOPT in setsockopt)", EOPNOTSUPP,
               getsockopt(s, 99, SO_REUSEADDR, &value, &size));
    n += CHECK("option 9999", ENOPROTOOPT, getsockopt(s, SOL_SOCKET, 9999, &value, &size));
    n += CHECK("length -1", EINVAL, getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, &negative));
    n += CHECK("length 0", 0, getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, &zero));
    n += CHECK("null pointer", EFAULT, getsockopt(s, SOL_SOCKET, SO_REUSEADDR, NULL, &size));
    n += CHECK("null pointer, length 0", 0, getsockopt(s, SOL_SOCKET, SO_REUSEADDR, NULL, &zero));
    n += CHECK("pointer to a PROT_NONE page", EFAULT,
               getsockopt(s, SOL_SOCKET, SO_REUSEADDR, on->forbidden, &size));
    n += CHECK("null pointer for the length", EFAULT,
               getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, NULL));
    close(s);
    return n;
}

int check_options(const struct objects *on)
{
    int n = check_socket();
    n += check_setsockopt(on);
    n += check_getsockopt(on);
    return n;
}
