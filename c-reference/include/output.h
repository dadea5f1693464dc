/* output.h - everything that is written: lines, tables, errors. Rust counterpart: src/output.rs. */
#ifndef OUTPUT_H
#define OUTPUT_H
#include <stddef.h>
#include <sys/types.h>

/* Writes all length bytes of buffer to fd. Returns 0, or -1 with errno set by write(2). */
int write_all(int fd, const void *buffer, size_t length);

/*
 * Reads up to size bytes from fd into buffer, retrying if interrupted by a signal. Returns the
 * number of bytes read, 0 at end of file, or -1 with errno set by read(2).
 */
ssize_t read_some(int fd, void *buffer, size_t size);

/*
 * Writes one line of at most 512 bytes to fd with one write(2). A longer line is truncated. A
 * line that cannot be written without blocking is dropped.
 */
void write_line(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Writes "reuseaddr: CALL SUBJECT: REASON" to stderr with write_line(). The reason is strerror(3)
 * of errno.
 */
void report_error(const char *call, const char *subject);

/* Prints the same with print_note(), then terminates the process with exit status 1. */
_Noreturn void exit_with_error(const char *call, const char *subject);

/*
 * Does the same for a bind(2) or listen(2) on address. After EADDRINUSE it also prints the command
 * that shows which sockets conflict.
 */
_Noreturn void exit_with_hint(const char *call, const char *address);

/* Returns the name of errno value error, or "another errno" if print_errors() does not know it. */
const char *error_name(int error);

/* Prints the errno values that rules and abi can show, with strerror(3)'s text. */
void print_errors(void);

/* Makes print() collect its texts, which write_held() writes with one write(2). */
void hold_output(void);

/* Writes what was printed since hold_output(). Returns 0, or -1 with errno set by write(2). */
int write_held(void);

/* Writes up to 1023 bytes of text to stdout. Exits if that fails. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes up to 1023 bytes of text to stderr, and waits until they are written. */
void print_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
