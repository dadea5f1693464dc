/*
 * accept_error.c - what to do if accept(2) fails.
 *
 * Three classes: try again at once, try again after a delay, or give up.
 * Rust counterpart: src/accept_error.rs.
 */
#include "accept_error.h"
#include "output.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

bool accept_error(const char *server_text, bool reported)
{
    const struct timespec delay = {.tv_nsec = 100 * 1000 * 1000};

    switch (errno) {
    case EINTR: case ECONNABORTED: case EPROTO: case ENOPROTOOPT: case EOPNOTSUPP:
    case EPROTONOSUPPORT: case ESOCKTNOSUPPORT: case ENOSR: case ETIMEDOUT: case ENETDOWN:
    case ENETUNREACH: case ENONET: case EHOSTDOWN: case EHOSTUNREACH:
        /* A signal, or an error that was pending on the new connection. Accept the next client. */
        return reported;

    case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM: case EPERM:
        /* The connection stays in the queue. Without a delay the server would spin. */
        if (!reported)
            report_error("accept", server_text);
        nanosleep(&delay, NULL);
        return true;

    default:
        report_error("accept", server_text);
        _exit(1);
    }
}
