/*
 * abi/calls.c - right and wrong arguments, and what each call answers: the man page, made to happen.
 *
 * What is expected is from the man pages of section 2, and from the kernel where they are silent.
 * Twin: src/abi/calls.rs.
 */
#include "abi/calls.h"
#include "abi/cases.h"
#include "abi/sockopts.h"
#include "output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct objects make_objects(void);
static int try_bind(const struct objects *on);
static int try_rest(const struct objects *on);

int try_calls(void)
{
    print("\n5. Calls, and what they answer\n\n");
    struct objects objects = make_objects();
    int unexpected = try_options(&objects);
    unexpected += try_bind(&objects);
    unexpected += try_rest(&objects);
    return unexpected;
}

static struct objects make_objects(void)
{
    struct objects objects = {.bad = -1};
    socklen_t length = sizeof objects.address;

    objects.datagram = new_socket(AF_INET, SOCK_DGRAM);
    objects.local = new_socket(AF_UNIX, SOCK_STREAM);
    objects.listening = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    objects.file = open("/dev/null", O_RDWR);
    if (objects.file == -1)
        exit_with_error("open", "/dev/null");
    if (listen(objects.listening, 1) == -1)
        exit_with_error("listen", "a port that the kernel chooses");
    if (getsockname(objects.listening, (struct sockaddr *)&objects.address, &length) == -1)
        exit_with_error("getsockname", "a port that the kernel chose");
    objects.forbidden = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (objects.forbidden == MAP_FAILED)
        exit_with_error("mmap", "a page");
    return objects;
}

static int try_bind(const struct objects *on)
{
    const int s = new_socket(AF_INET, SOCK_STREAM);
    struct sockaddr_storage address, local_family, no_family, foreign, busy;
    struct sockaddr_in any_port = on->address, other = on->address;

    /* Room for a sockaddr_storage each, so that a length may be too large. */
    any_port.sin_port = htons(0);
    memset(&address, 0, sizeof address);
    memcpy(&address, &any_port, sizeof any_port);
    local_family = no_family = foreign = busy = address;
    local_family.ss_family = AF_UNIX;
    other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    other.sin_port = htons(0);
    memcpy(&no_family, &other, sizeof other);
    no_family.ss_family = AF_UNSPEC;
    other.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, TEST-NET-1 (RFC 5737) */
    memcpy(&foreign, &other, sizeof other);
    memcpy(&busy, &on->address, sizeof on->address);
    const struct {
        const char *text;
        int s;
        const void *address;
        socklen_t length;
        int expected;
    } cases[] = {
        {"a descriptor that is not open", on->bad, &address, sizeof any_port, EBADF},
        {"not a socket", on->file, &address, sizeof any_port, ENOTSOCK},
        {"length -1", s, &address, (socklen_t)-1, EINVAL},
        {"length 0", s, &address, 0, EINVAL},
        {"length 15, one too few", s, &address, 15, EINVAL},
        {"length 129, more than sockaddr_storage", s, &address, 129, EINVAL},
        {"null pointer", s, NULL, sizeof any_port, EFAULT},
        {"pointer to a PROT_NONE page", s, on->forbidden, sizeof any_port, EFAULT},
        {"family AF_UNIX", s, &local_family, sizeof any_port, EAFNOSUPPORT},
        {"family AF_UNSPEC, and an address", s, &no_family, sizeof any_port, EAFNOSUPPORT},
        {"an address of another machine", s, &foreign, sizeof any_port, EADDRNOTAVAIL},
        {"an address that somebody listens on", s, &busy, sizeof any_port, EADDRINUSE},
        {"length 128, sockaddr_storage", s, &address, 128, 0},
        {"bound already", s, &address, sizeof any_port, EINVAL},
    };
    int unexpected = 0;

    /* 1. bind */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        unexpected += expect("bind", cases[i].text, cases[i].expected,
                             bind(cases[i].s, cases[i].address, cases[i].length));
    close(s);
    return unexpected;
}

static int try_rest(const struct objects *on)
{
    const int s = new_socket(AF_INET, SOCK_STREAM);
    const int connected = new_socket(AF_INET, SOCK_STREAM);
    const int waiting = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    const struct sockaddr *server = (const struct sockaddr *)&on->address;
    const socklen_t size = sizeof on->address;
    socklen_t negative = (socklen_t)-1;
    struct sockaddr_in peer;
    char byte = 0;
    int n = 0;

    /* 2. listen, connect, accept */
    n += expect("listen", "a descriptor that is not open", EBADF, listen(on->bad, 1));
    n += expect("listen", "not a socket", ENOTSOCK, listen(on->file, 1));
    n += expect("listen", "UDP", EOPNOTSUPP, listen(on->datagram, 1));
    n += expect("listen", "not bound: the kernel chooses a port", 0, listen(waiting, 1));
    n += expect("listen", "listening already, backlog -1", 0, listen(waiting, -1));
    n += expect("connect", "a descriptor that is not open", EBADF, connect(on->bad, server, size));
    n += expect("connect", "length 8", EINVAL, connect(connected, server, 8));
    n += expect("connect", "null pointer", EFAULT, connect(connected, NULL, size));
    n += expect("connect", "somebody listens", 0, connect(connected, server, size));
    n += expect("connect", "connected already", EISCONN, connect(connected, server, size));
    n += expect("listen", "connected", EINVAL, listen(connected, 1));
    n += expect("accept", "a descriptor that is not open", EBADF, accept(on->bad, NULL, NULL));
    n += expect("accept", "not a socket", ENOTSOCK, accept(on->file, NULL, NULL));
    n += expect("accept", "UDP", EOPNOTSUPP, accept(on->datagram, NULL, NULL));
    n += expect("accept", "not listening", EINVAL, accept(s, NULL, NULL));
    n += expect("accept", "nobody waits, O_NONBLOCK", EAGAIN, accept(waiting, NULL, NULL));
    n += expect("accept", "length -1: the client is lost", EINVAL,
                accept(on->listening, (struct sockaddr *)&peer, &negative));

    /* 3. read, write, shutdown: signal(SIGPIPE, SIG_IGN) makes EPIPE of a death */
    n += expect("read", "a descriptor that is not open", EBADF, read(on->bad, &byte, 1));
    n += expect("read", "not connected", ENOTCONN, read(s, &byte, 1));
    n += expect("read", "length 0", 0, read(s, &byte, 0));
    n += expect("write", "a descriptor that is not open", EBADF, write(on->bad, &byte, 1));
    n += expect("write", "not connected", EPIPE, write(s, &byte, 1));
    n += expect("shutdown", "not connected", ENOTCONN, shutdown(s, SHUT_WR));
    n += expect("shutdown", "direction 3", EINVAL, shutdown(s, 3));
    n += expect("shutdown", "not a socket", ENOTSOCK, shutdown(on->file, SHUT_WR));

    /* 4. getsockname, waitpid, close */
    n += expect("getsockname", "not a socket", ENOTSOCK,
                getsockname(on->file, (struct sockaddr *)&peer, &negative));
    n += expect("getsockname", "length -1", EINVAL,
                getsockname(s, (struct sockaddr *)&peer, &negative));
    n += expect("getsockname", "null pointer for the length", EFAULT,
                getsockname(s, (struct sockaddr *)&peer, NULL));
    n += expect("waitpid", "not a child of ours", ECHILD, waitpid(getpid(), NULL, 0));
    n += expect("waitpid", "options that are none", EINVAL, waitpid(-1, NULL, 1 << 28));
    n += expect("close", "a descriptor that is not open", EBADF, close(on->bad));
    n += expect("close", "an open one", 0, close(s));
    n += expect("close", "a second time", EBADF, close(s));
    close(connected);
    close(waiting);
    return n;
}
