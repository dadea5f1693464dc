/*
 * output.c - how a failed call is reported: program, call, what it was called for, reason. And how tables
 * are printed, which fails like any other call.
 *
 * Twin: src/output.rs.
 */
#include "reuseaddr.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Those that the tables may show. */
static const struct {
    int error;
    const char *name;
} errors[] = {
    {EACCES, "EACCES"},
    {EADDRINUSE, "EADDRINUSE"},
    {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    {EAFNOSUPPORT, "EAFNOSUPPORT"},
    {EAGAIN, "EAGAIN"},
    {EBADF, "EBADF"},
    {ECHILD, "ECHILD"},
    {EFAULT, "EFAULT"},
    {EINVAL, "EINVAL"},
    {EISCONN, "EISCONN"},
    {ENOPROTOOPT, "ENOPROTOOPT"},
    {ENOTCONN, "ENOTCONN"},
    {ENOTSOCK, "ENOTSOCK"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
    {EPERM, "EPERM"},
    {EPIPE, "EPIPE"},
    {EPROTONOSUPPORT, "EPROTONOSUPPORT"},
    {ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"},
};

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
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (errors[i].error == error)
            return errors[i].name;
    }
    return "another errno";
}

void print_errors(void)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        print("%-24s%s\n", errors[i].name, strerror(errors[i].error));
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
