/* output.h - everything that is written: lines, tables, errors. Rust counterpart: src/output.rs. */
#ifndef OUTPUT_H
#define OUTPUT_H
#include <stddef.h>
#include <sys/types.h>

/* Writes all length bytes of buffer to fd. Returns 0, or -1 with errno set by write(2). */
int write_all(int fd, const void *buffer, size_t length);

/*
 * Reads up to size bytes from fd into buffer, again if a signal interrupts read(2). Returns the
 * number of bytes read, 0 at end of file, or -1 with errno set by read(2).
 */
ssize_t read_some(int fd, void *buffer, size_t size);

/* Writes one line to fd with one write(2). A line that cannot be written is dropped. */
void write_line(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints on stderr that call failed for subject, and the reason in errno. */
void report_error(const char *call, const char *subject);

/* Reports the error, then terminates the process with exit status 1. */
_Noreturn void exit_with_error(const char *call, const char *subject);

/*
 * Does the same for a bind(2) or listen(2) on address. After EADDRINUSE it also prints the command
 * that shows which sockets conflict.
 */
_Noreturn void exit_with_hint(const char *call, const char *address);

/* Returns the name of errno value error, if it is in the table of print_errors(). */
const char *error_name(int error);

/* Prints the errno values that rules and abi can show, with strerror(3)'s text. */
void print_errors(void);

/* Writes up to 1023 bytes of text to stdout. Exits if that fails. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
