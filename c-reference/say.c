/*
 * say.c - how bytes leave: all of them, or one line at once.
 *
 * write(2) and no stdio: stdio would keep a line back while stdout is a pipe, lose it at SIGKILL,
 * and after fork(2) hold it twice. Twin: src/say.rs.
 */
#include "reuseaddr.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* POSIX promises that write(2) puts so many bytes into a pipe in one piece (_POSIX_PIPE_BUF). */
#define LINE_SIZE 512

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

void say(int fd, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);

    if (length < 0)
        return;
    if (length >= LINE_SIZE)
        length = LINE_SIZE - 1;
    /* Nobody is left to be told that a line was lost, and the clients matter more. */
    ssize_t n = write(fd, line, (size_t)length);
    (void)n;
}
