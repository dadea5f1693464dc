/*
 * serve.c - the forking server of Figure 12.1: socket, setsockopt, bind, listen, accept, fork.
 *
 * Warren W. Gay, Linux Socket Programming by Example, chapter 12, "Setting the SO_REUSEADDR
 * Option". F1 to K2 are the README's names for what the page says. Twin: src/serve.rs.
 */
#include "reuseaddr.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRUE 1

/* Of a child's buffer. It is static: a page of it costs memory when it is used, and not before. */
#define BUFFER_SIZE (1 << 16)

static int accept_client(int s, const char *server, struct sockaddr_in *adr_clnt);
static _Noreturn void converse(int c, const char *client, pid_t child);

void serve(struct sockaddr_in adr_srvr, bool set_option)
{
    char server[ADDRESS_TEXT];
    char client[ADDRESS_TEXT];
    int z; /* status code */

    format_address(&adr_srvr, server);

    /* 1. Create the socket as usual. (R1) */
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1)
        bail("socket", server);

    /* 2. Set SO_REUSEADDR to TRUE: after bind it would be too late for us. (R1, K1) */
    int so_reuseaddr = TRUE;
    if (set_option) {
        z = setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &so_reuseaddr, sizeof so_reuseaddr);
        if (z == -1)
            bail("setsockopt SO_REUSEADDR", server);
    }

    /* 3. Bind as usual: a listener refuses us, or a socket without the option. (R1, T3, C1, C2) */
    z = bind(s, (struct sockaddr *)&adr_srvr, sizeof adr_srvr);
    if (z == -1 && errno == EADDRINUSE) {
        complain("bind", server);
        say(STDERR_FILENO, "reuseaddr: who is in the way: reuseaddr explain %s\n", server);
        _exit(1);
    }
    if (z == -1)
        bail("bind", server);

    /* 4. Listen: nobody else may while we do, and nobody does when we end. (F1, C1, T2) */
    z = listen(s, SOMAXCONN);
    if (z == -1)
        bail("listen", server);

    /* 5. Have the kernel bury the children: no zombies, and no EINTR from their deaths. */
    if (signal(SIGCHLD, SIG_IGN) == SIG_ERR)
        bail("signal SIGCHLD", server);

    /* 6. Ask what the kernel made of port 0 and of the option, and say it. (F1, K2) */
    socklen_t len_inet = sizeof adr_srvr;
    z = getsockname(s, (struct sockaddr *)&adr_srvr, &len_inet);
    if (z == -1)
        bail("getsockname", server);
    format_address(&adr_srvr, server);
    socklen_t optlen = sizeof so_reuseaddr;
    z = getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &so_reuseaddr, &optlen);
    if (z == -1)
        bail("getsockopt SO_REUSEADDR", server);
    pid_t parent = getpid();
    say(STDOUT_FILENO, "server %d: listening on %s, SO_REUSEADDR is %d\n", parent, server,
        so_reuseaddr);

    for (;;) {
        /* 7. Accept a client: its socket inherits the option from s. (F2, C2) */
        struct sockaddr_in adr_clnt;
        int c = accept_client(s, server, &adr_clnt);
        format_address(&adr_clnt, client);

        /* 8. Fork: parent and child both exist now, and both hold s and c. (F3) */
        switch (fork()) {
        case -1:
            complain("fork", client);
            break;

        case 0: /* child */
            /* 9. The child closes s: kept open, it would listen on after the parent. (C1) */
            close(s);
            /* Said by the child, so that it stands before all else the child says. */
            pid_t child = getpid();
            say(STDOUT_FILENO, "server %d: child %d serves %s\n", parent, child, client);
            converse(c, client, child);

        default: /* parent */
            break;
        }

        /* 10. The parent closes c: the child alone has it, even after our end. (F4, T1, R2) */
        close(c);
    }
}

/* Returns the next connected socket, its peer in *adr_clnt; bails when accepting is no use. */
static int accept_client(int s, const char *server, struct sockaddr_in *adr_clnt)
{
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    bool complained = false;

    for (;;) {
        socklen_t len_inet = sizeof *adr_clnt;
        int c = accept(s, (struct sockaddr *)adr_clnt, &len_inet);
        if (c != -1)
            return c;

        /* 11. Tell apart what went wrong with the client, with the machine, with us. */
        switch (errno) {
        case EINTR:
            break;

        case ECONNABORTED: case EPROTO: case ENOPROTOOPT: case EOPNOTSUPP: case EPROTONOSUPPORT:
        case ESOCKTNOSUPPORT: case ENOSR: case ETIMEDOUT: case ENETDOWN: case ENETUNREACH:
        case ENONET: case EHOSTDOWN: case EHOSTUNREACH:
            /* That client is gone: accept(2) hands on the network's errors of its socket. */
            break;

        case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM: case EPERM:
            /* That client stays in the queue: without a pause we would spin. */
            if (!complained)
                complain("accept", server);
            complained = true;
            nanosleep(&pause, NULL);
            break;

        default:
            bail("accept", server);
        }
    }
}

/* Echoes what the client sends (RFC 862) and ends the process: the child's whole life. */
static _Noreturn void converse(int c, const char *client, pid_t child)
{
    static char buffer[BUFFER_SIZE];
    unsigned long long total = 0;

    for (;;) {
        /* 12. Read until end of file; the parent has no part in it. (F5) */
        ssize_t n = read(c, buffer, sizeof buffer);
        if (n == 0)
            break;
        if (n == -1) {
            if (errno == EINTR)
                continue;
            bail("read", client);
        }

        /* 13. Write back all that was read. (F5) */
        if (write_all(c, buffer, (size_t)n) == -1)
            bail("write", client);
        total += (unsigned long long)n;
    }

    /* 14. Close after the client: no TIME_WAIT. Killed earlier, we close first and get it. (T4) */
    close(c);
    say(STDOUT_FILENO, "child %d: %s closed after %llu bytes\n", child, client, total);
    _exit(0);
}
