/*
 * abi/sockopts.c - socket, setsockopt and getsockopt with right and wrong arguments, and their answers.
 *
 * What is expected is from socket(2), getsockopt(2) and socket(7), and from the kernel where they are
 * silent: net/core/sock.c, sk_setsockopt and sk_getsockopt. Twin: src/abi/sockopts.rs.
 */
#include "abi/sockopts.h"
#include "output.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int try_socket(void);
static int try_setsockopt(const struct objects *on);
static int try_getsockopt(const struct objects *on);

int try_options(const struct objects *on)
{
    int unexpected = try_socket();
    unexpected += try_setsockopt(on);
    unexpected += try_getsockopt(on);
    return unexpected;
}

static int try_socket(void)
{
    static const struct {
        const char *text;
        int family;
        int type;
        int protocol;
        int expected;
    } cases[] = {
        {"TCP over IPv4", AF_INET, SOCK_STREAM, 0, 0},
        {"family -1", -1, SOCK_STREAM, 0, EAFNOSUPPORT},
        {"type -1", AF_INET, -1, 0, EINVAL},
        {"type 0", AF_INET, 0, 0, ESOCKTNOSUPPORT},
        {"type SOCK_STREAM, protocol UDP", AF_INET, SOCK_STREAM, IPPROTO_UDP, EPROTONOSUPPORT},
        {"protocol -1", AF_INET, SOCK_STREAM, -1, EINVAL},
    };
    int unexpected = 0;

    /* 1. socket */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int s = socket(cases[i].family, cases[i].type, cases[i].protocol);
        unexpected += expect("socket", cases[i].text, cases[i].expected, s == -1 ? -1 : 0);
        if (s != -1)
            close(s);
    }
    return unexpected;
}

static int try_setsockopt(const struct objects *on)
{
    const int one[2] = {1, 1};
    const int s = new_socket(AF_INET, SOCK_STREAM);
    const struct {
        const char *text;
        int s;
        int level;
        int name;
        const void *value;
        socklen_t length;
        int expected;
    } cases[] = {
        {"a descriptor that is not open", on->bad, SOL_SOCKET, SO_REUSEADDR, one, sizeof one[0], EBADF},
        {"not a socket", on->file, SOL_SOCKET, SO_REUSEADDR, one, sizeof one[0], ENOTSOCK},
        {"level 99", s, 99, SO_REUSEADDR, one, sizeof one[0], ENOPROTOOPT},
        {"level -1", s, -1, SO_REUSEADDR, one, sizeof one[0], ENOPROTOOPT},
        {"level IPPROTO_IP: sets IP_TTL to 1", s, IPPROTO_IP, SO_REUSEADDR, one, sizeof one[0], 0},
        {"level IPPROTO_TCP: a TCP_MAXSEG of 1", s, IPPROTO_TCP, SO_REUSEADDR, one, sizeof one[0], EINVAL},
        {"option -1", s, SOL_SOCKET, -1, one, sizeof one[0], ENOPROTOOPT},
        {"option 9999", s, SOL_SOCKET, 9999, one, sizeof one[0], ENOPROTOOPT},
        {"length -1", s, SOL_SOCKET, SO_REUSEADDR, one, (socklen_t)-1, EINVAL},
        {"length 0", s, SOL_SOCKET, SO_REUSEADDR, one, 0, EINVAL},
        {"length 1, a bool", s, SOL_SOCKET, SO_REUSEADDR, one, 1, EINVAL},
        {"length 3", s, SOL_SOCKET, SO_REUSEADDR, one, 3, EINVAL},
        {"length 4", s, SOL_SOCKET, SO_REUSEADDR, one, 4, 0},
        {"length 8", s, SOL_SOCKET, SO_REUSEADDR, one, 8, 0},
        {"null pointer", s, SOL_SOCKET, SO_REUSEADDR, NULL, sizeof one[0], EFAULT},
        {"null pointer, length 3", s, SOL_SOCKET, SO_REUSEADDR, NULL, 3, EINVAL},
        {"pointer to a PROT_NONE page", s, SOL_SOCKET, SO_REUSEADDR, on->forbidden, sizeof one[0], EFAULT},
        {"a socket that listens", on->listening, SOL_SOCKET, SO_REUSEADDR, one, sizeof one[0], 0},
        {"a socket of AF_UNIX, which ignores it", on->local, SOL_SOCKET, SO_REUSEADDR, one, sizeof one[0], 0},
    };
    int unexpected = 0;

    /* 2. setsockopt */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        unexpected += expect("setsockopt", cases[i].text, cases[i].expected,
                             setsockopt(cases[i].s, cases[i].level, cases[i].name, cases[i].value,
                                        cases[i].length));
    close(s);
    return unexpected;
}

static int try_getsockopt(const struct objects *on)
{
    int value;
    const int s = new_socket(AF_INET, SOCK_STREAM);
    const struct {
        const char *text;
        int s;
        int level;
        int name;
        void *value;
        socklen_t length;
        int expected;
    } cases[] = {
        {"a descriptor that is not open", on->bad, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value, EBADF},
        {"not a socket", on->file, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value, ENOTSOCK},
        {"level 99, otherwise than setsockopt", s, 99, SO_REUSEADDR, &value, sizeof value, EOPNOTSUPP},
        {"option 9999", s, SOL_SOCKET, 9999, &value, sizeof value, ENOPROTOOPT},
        {"length -1", s, SOL_SOCKET, SO_REUSEADDR, &value, (socklen_t)-1, EINVAL},
        {"length 0", s, SOL_SOCKET, SO_REUSEADDR, &value, 0, 0},
        {"null pointer", s, SOL_SOCKET, SO_REUSEADDR, NULL, sizeof value, EFAULT},
        {"null pointer, length 0", s, SOL_SOCKET, SO_REUSEADDR, NULL, 0, 0},
        {"pointer to a PROT_NONE page", s, SOL_SOCKET, SO_REUSEADDR, (void *)on->forbidden, sizeof value, EFAULT},
    };
    int unexpected = 0;

    /* 3. getsockopt */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        socklen_t optlen = cases[i].length;
        unexpected += expect("getsockopt", cases[i].text, cases[i].expected,
                             getsockopt(cases[i].s, cases[i].level, cases[i].name, cases[i].value,
                                        &optlen));
    }
    unexpected += expect("getsockopt", "null pointer for the length", EFAULT,
                         getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, NULL));
    close(s);
    return unexpected;
}
