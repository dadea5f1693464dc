/*
 * abi/calls.c - bind(2), listen(2), connect(2) and others with right and wrong arguments.
 *
 * The expected results come from the man pages or, where these are silent, from the kernel.
 * Rust counterpart: src/abi/calls.rs.
 */
#include "abi/calls.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int check_bind(const struct objects *on)
{
    const int s = new_socket(AF_INET, SOCK_STREAM);
    const struct sockaddr_storage any_port = {.ss_family = AF_INET}; /* 0.0.0.0, port 0 */
    const struct sockaddr_in wrong_family = {.sin_family = AF_UNIX};
    const struct sockaddr_in no_family = {.sin_addr = {htonl(INADDR_LOOPBACK)}}; /* AF_UNSPEC */
    /* TEST-NET-1, for examples only (RFC 5737) */
    const struct sockaddr_in foreign = {.sin_family = AF_INET, .sin_addr = {htonl(0xc0000201)}};
    const struct sockaddr *address = (const struct sockaddr *)&any_port;
    const struct sockaddr *server = (const struct sockaddr *)&on->address;
    const socklen_t size = sizeof on->address;
    int n = 0;

    n += CHECK("descriptor -1", EBADF, bind(on->bad, address, size));
    n += CHECK("not a socket", ENOTSOCK, bind(on->file, address, size));
    n += CHECK("length -1", EINVAL, bind(s, address, (socklen_t)-1));
    n += CHECK("length 0", EINVAL, bind(s, address, 0));
    n += CHECK("length 15, one byte too short", EINVAL, bind(s, address, 15));
    n += CHECK("length 129, more than sockaddr_storage", EINVAL, bind(s, address, 129));
    n += CHECK("null pointer", EFAULT, bind(s, NULL, size));
    n += CHECK("pointer to a PROT_NONE page", EFAULT, bind(s, on->forbidden, size));
    n += CHECK("family AF_UNIX", EAFNOSUPPORT,
               bind(s, (const struct sockaddr *)&wrong_family, size));
    n += CHECK("family AF_UNSPEC, address not 0.0.0.0", EAFNOSUPPORT,
               bind(s, (const struct sockaddr *)&no_family, size));
    n += CHECK("address of another host", EADDRNOTAVAIL,
               bind(s, (const struct sockaddr *)&foreign, size));
    n += CHECK("address of a listening socket", EADDRINUSE, bind(s, server, size));
    n += CHECK("length 128, sockaddr_storage", 0, bind(s, address, 128));
    n += CHECK("already bound", EINVAL, bind(s, address, size));
    close(s);
    return n;
}

int check_calls(const struct objects *on)
{
    int n = check_bind(on);
    const int s = new_socket(AF_INET, SOCK_STREAM);
    const int connected = new_socket(AF_INET, SOCK_STREAM);
    const int waiting = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    const struct sockaddr *server = (const struct sockaddr *)&on->address;
    const socklen_t size = sizeof on->address;
    socklen_t negative = (socklen_t)-1;
    struct sockaddr peer;
    char byte = 0;

    n += CHECK("descriptor -1", EBADF, listen(on->bad, 1));
    n += CHECK("not a socket", ENOTSOCK, listen(on->file, 1));
    n += CHECK("UDP socket", EOPNOTSUPP, listen(on->udp, 1));
    n += CHECK("not bound: the kernel chooses a port", 0, listen(waiting, 1));
    n += CHECK("already listening, backlog -1", 0, listen(waiting, -1));
    n += CHECK("descriptor -1", EBADF, connect(on->bad, server, size));
    n += CHECK("length 8", EINVAL, connect(connected, server, 8));
    n += CHECK("null pointer", EFAULT, connect(connected, NULL, size));
    n += CHECK("to a listening socket", 0, connect(connected, server, size));
    n += CHECK("already connected", EISCONN, connect(connected, server, size));
    n += CHECK("connected socket", EINVAL, listen(connected, 1));
    n += CHECK("descriptor -1", EBADF, accept(on->bad, NULL, NULL));
    n += CHECK("not a socket", ENOTSOCK, accept(on->file, NULL, NULL));
    n += CHECK("UDP socket", EOPNOTSUPP, accept(on->udp, NULL, NULL));
    n += CHECK("not listening", EINVAL, accept(s, NULL, NULL));
    n += CHECK("empty queue, O_NONBLOCK", EAGAIN, accept(waiting, NULL, NULL));
    n += CHECK("length -1: the connection is lost", EINVAL,
               accept(on->listening, &peer, &negative));

    n += CHECK("descriptor -1", EBADF, read(on->bad, &byte, 1));
    n += CHECK("not connected", ENOTCONN, read(s, &byte, 1));
    n += CHECK("length 0", 0, read(s, &byte, 0));
    n += CHECK("descriptor -1", EBADF, write(on->bad, &byte, 1));
    /* main() ignores SIGPIPE, which would kill the process here. */
    n += CHECK("not connected", EPIPE, write(s, &byte, 1));
    n += CHECK("not connected", ENOTCONN, shutdown(s, SHUT_WR));
    n += CHECK("how 3", EINVAL, shutdown(s, 3));
    n += CHECK("not a socket", ENOTSOCK, shutdown(on->file, SHUT_WR));

    n += CHECK("not a socket", ENOTSOCK, getsockname(on->file, &peer, &negative));
    n += CHECK("length -1", EINVAL, getsockname(s, &peer, &negative));
    n += CHECK("null pointer for the length", EFAULT, getsockname(s, &peer, NULL));
    n += CHECK("not a child process", ECHILD, waitpid(getpid(), NULL, 0));
    n += CHECK("invalid options", EINVAL, waitpid(-1, NULL, 1 << 28));
    n += CHECK("descriptor -1", EBADF, close(on->bad));
    n += CHECK("open descriptor", 0, close(s));
    n += CHECK("closed descriptor", EBADF, close(s));
    close(connected);
    close(waiting);
    return n;
}
