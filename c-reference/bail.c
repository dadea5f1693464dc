/*
 * bail.c - how a failed call is reported: program, call, what it was called for, reason; and what is
 * printed, or reported as failed.
 *
 * Twin: src/bail.rs.
 */
#include "reuseaddr.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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

const char *error_name(int error)
{
    switch (error) {
    case EACCES:
        return "EACCES";
    case EADDRINUSE:
        return "EADDRINUSE";
    case EADDRNOTAVAIL:
        return "EADDRNOTAVAIL";
    case EINVAL:
        return "EINVAL";
    case EPERM:
        return "EPERM";
    default:
        return "another errno";
    }
}

void print(const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof text) {
        errno = EMSGSIZE;
        bail("vsnprintf", "standard output");
    }
    if (write_all(STDOUT_FILENO, text, (size_t)length) == -1)
        bail("write", "standard output");
}
