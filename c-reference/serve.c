/*
 * serve.c - the forking server of Figure 12.1.
 *
 * Warren W. Gay, Linux Socket Programming by Example, chapter 12, "Setting the SO_REUSEADDR
 * Option". In parentheses: the page's claims, by figure (F), trouble (T), remedy (R), condition (C)
 * and code (K), as listed in README.md. Rust counterpart: src/serve.rs.
 */
#include "serve.h"
#include "accept_error.h"
#include "address.h"
#include "output.h"

#include <sys/socket.h>
#include <unistd.h>

#define TRUE 1

static _Noreturn void echo(int c, const char *client_text, pid_t pid);

void serve(struct sockaddr_in adr_srvr, bool reuse)
{
    char server_text[ADDRESS_TEXT], client_text[ADDRESS_TEXT];
    bool reported = false; /* whether a shortage (accept_error) has been reported */
    int z;                 /* status code */
    format_address(&adr_srvr, server_text);

    /* 1. Create the socket as usual. (R1) */
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s == -1)
        exit_with_error("socket", server_text);

    /* 2. Set SO_REUSEADDR to TRUE. It must be set before bind. (R1, K1) */
    int so_reuseaddr = TRUE;
    void *optval = &so_reuseaddr;
    socklen_t optlen = sizeof so_reuseaddr;
    if (reuse) {
        z = setsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, optlen);
        if (z == -1)
            exit_with_error("setsockopt SO_REUSEADDR", server_text);
    }

    /* 3. Bind. Another socket here must not listen, and both need the option. (R1, T3, C1, C2) */
    socklen_t len_inet = sizeof adr_srvr;
    z = bind(s, (struct sockaddr *)&adr_srvr, len_inet);
    if (z == -1)
        exit_with_hint("bind", server_text);

    /* 4. Listen. Fails if another socket has begun to listen here since bind. (F1, C1) */
    z = listen(s, SOMAXCONN);
    if (z == -1)
        exit_with_hint("listen", server_text);

    /* 5. Read the option back, and announce the server. (K2) */
    z = getsockopt(s, SOL_SOCKET, SO_REUSEADDR, optval, &optlen);
    if (z == -1)
        exit_with_error("getsockopt SO_REUSEADDR", server_text);
    pid_t parent = getpid();
    write_line(STDOUT_FILENO, "server %d: listening on %s, SO_REUSEADDR is %d\n", parent,
               server_text, so_reuseaddr);

    for (;;) {
        /* 6. Accept a client. The new socket inherits SO_REUSEADDR from s. (F2, C2) */
        struct sockaddr_in adr_clnt;
        len_inet = sizeof adr_clnt;
        int c = accept(s, (struct sockaddr *)&adr_clnt, &len_inet);
        if (c == -1) {
            reported = accept_error(server_text, reported);
            continue;
        }
        reported = false;
        format_address(&adr_clnt, client_text);

        /* 7. Fork. Now both parent and child have s and c open. (F3) */
        pid_t pid = fork();
        if (pid == 0) {
            /* 8. The child closes s. Left open, s would go on listening. (T2, C1) */
            close(s);
            pid = getpid();
            write_line(STDOUT_FILENO, "server %d: child %d serves %s\n", parent, pid, client_text);
            echo(c, client_text, pid);
        }
        if (pid == -1)
            report_error("fork", client_text);

        /* 9. The parent closes c. Only the child, if there is one, has it open. (F4, T1, R2) */
        close(c);
    }
}

/* Sends back what the client sends (RFC 862). Does not return: the child process exits here. */
static void echo(int c, const char *client_text, pid_t pid)
{
    char buffer[1 << 16];
    unsigned long long total = 0;
    ssize_t n;

    /* 10. Echo until end of file. The parent takes no part. (F5) */
    while ((n = read_some(c, buffer, sizeof buffer)) > 0 && write_all(c, buffer, (size_t)n) == 0)
        total += (unsigned long long)n;
    if (n != 0)
        report_error(n == -1 ? "read" : "write", client_text);

    /* 11. Passive close: no TIME_WAIT. A child killed before end of file closes actively. (T4) */
    close(c);
    write_line(STDOUT_FILENO, "child %d: %s closed after %llu bytes\n", pid, client_text, total);
    _exit(0);
}
