/*
 * bail.c - how a failed call is reported: program, call, what it was called for, reason.
 *
 * Twin: src/bail.rs.
 */
#include "reuseaddr.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void complain(const char *call, const char *subject)
{
    say(STDERR_FILENO, "reuseaddr: %s %s: %s\n", call, subject, strerror(errno));
}

void bail(const char *call, const char *subject)
{
    complain(call, subject);
    /* Not exit(3): a forked child ends here too, and atexit(3)'s handlers are its parent's. */
    _exit(1);
}
