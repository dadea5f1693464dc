/*
 * output.c - everything that is written: lines, tables, errors.
 *
 * Uses write(2), not stdio: stdio holds lines back while stdout is a pipe, loses them to SIGKILL,
 * and duplicates them in a forked child. Rust counterpart: src/output.rs.
 */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longest line that POSIX guarantees to write to a pipe atomically (_POSIX_PIPE_BUF). */
#define LINE_SIZE 512

/* A program name of these characters is safe in a shell, in quotes if it has a space. */
#define PLAIN " +-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

/* Text that is printed but not yet written. */
static FILE *held;
static char *held_text;
static size_t held_size;

#define ERROR(name) {name, #name}

static const struct {
    int error;
    const char *name;
} errors[] = {
    ERROR(EACCES), ERROR(EADDRINUSE), ERROR(EADDRNOTAVAIL), ERROR(EAFNOSUPPORT), ERROR(EAGAIN),
    ERROR(EBADF), ERROR(ECHILD), ERROR(EFAULT), ERROR(EINVAL), ERROR(EISCONN), ERROR(ENOPROTOOPT),
    ERROR(ENOTCONN), ERROR(ENOTSOCK), ERROR(EOPNOTSUPP), ERROR(EPERM), ERROR(EPIPE),
    ERROR(EPROTONOSUPPORT), ERROR(ESOCKTNOSUPPORT),
};

int write_all(int fd, const void *buffer, size_t length)
{
    const char *rest = buffer;

    while (length > 0) {
        ssize_t n = write(fd, rest, length);
        if (n == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        rest += n;
        length -= (size_t)n;
    }
    return 0;
}

ssize_t read_some(int fd, void *buffer, size_t size)
{
    for (;;) {
        ssize_t n = read(fd, buffer, size);
        if (n != -1 || errno != EINTR)
            return n;
    }
}

void write_line(int fd, const char *format, ...)
{
    char line[LINE_SIZE + 1]; /* vsnprintf(3) adds a NUL */
    struct pollfd output = {.fd = fd, .events = POLLOUT};
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);

    if (length < 0)
        return;
    if (length > LINE_SIZE)
        length = LINE_SIZE;
    /* Do not block on a full pipe or a stopped terminal. O_NONBLOCK belongs to the open file
     * description, which other processes may share. POLLOUT: a pipe has room for PIPE_BUF bytes,
     * unless another process fills it now. */
    if (poll(&output, 1, 0) != 1)
        return;
    /* The result is ignored: there is nowhere to report it, and the clients matter more. */
    ssize_t n = write(fd, line, (size_t)length);
    (void)n;
}

void report_error(const char *call, const char *subject)
{
    write_line(STDERR_FILENO, "reuseaddr: %s %s: %s\n", call, subject, strerror(errno));
}

void exit_with_error(const char *call, const char *subject)
{
    print_note("reuseaddr: %s %s: %s\n", call, subject, strerror(errno));
    /* Not exit(3): in a forked child it would run the parent's atexit(3) handlers. */
    _exit(1);
}

void exit_with_hint(const char *call, const char *address)
{
    const char *program = program_invocation_name;
    int reason = errno;

    if (*program == '\0' || program[strspn(program, PLAIN)] != '\0')
        program = "reuseaddr";
    const char *quote = strchr(program, ' ') == NULL ? "" : "'";
    print_note("reuseaddr: %s %s: %s\n", call, address, strerror(errno));
    if (reason == EADDRINUSE)
        write_line(STDERR_FILENO, "reuseaddr: to see why, run: %s%s%s explain %s\n", quote, program,
                   quote, address);
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

/* Formats up to 1023 bytes and writes all of them to fd. Returns 0, or -1 with errno set. */
static int write_text(int fd, const char *format, va_list arguments)
{
    char text[1024];

    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0 || length >= (int)sizeof text) {
        errno = EMSGSIZE;
        return -1;
    }
    return write_all(fd, text, (size_t)length);
}

void hold_output(void)
{
    held = open_memstream(&held_text, &held_size);
    if (held == NULL)
        exit_with_error("open_memstream", "standard output");
}

int write_held(void)
{
    int z = fclose(held) == EOF ? -1 : write_all(STDOUT_FILENO, held_text, held_size);

    held = NULL;
    free(held_text);
    return z;
}

void print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int z = held != NULL ? vfprintf(held, format, arguments)
                         : write_text(STDOUT_FILENO, format, arguments);
    va_end(arguments);
    if (z < 0)
        exit_with_error("write", "standard output");
}

void print_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_text(STDERR_FILENO, format, arguments); /* nowhere to report an error */
    va_end(arguments);
}
