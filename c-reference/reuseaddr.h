/*
 * reuseaddr.h - what the files of the C build know of each other.
 *
 * Twin: the mod lines of src/main.rs. In Rust the documentation stands at each function; here it
 * stands at each declaration.
 */
#ifndef REUSEADDR_H
#define REUSEADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define VERSION "0.1.0"

/* Room for an address as text, with its NUL. */
#define ADDRESS_TEXT sizeof "255.255.255.255:65535"

/*
 * serve.c: serves every client on adr_srvr by a child of its own, for ever; with set_option,
 * SO_REUSEADDR is set before bind(2). Ends by bail() if a call fails.
 */
_Noreturn void serve(struct sockaddr_in adr_srvr, bool set_option);

/*
 * address.c: reads "[ADDRESS:]PORT" into *address; without ADDRESS it is 127.0.0.1.
 * Returns NULL, or the sentence that says what was expected.
 */
const char *parse_address(const char *text, struct sockaddr_in *address);

/* address.c: writes *address as "ADDRESS:PORT" into text and returns text. */
const char *format_address(const struct sockaddr_in *address, char text[ADDRESS_TEXT]);

/*
 * say.c: writes all length bytes of buffer to fd, however many calls it takes.
 * Returns 0, or -1 with errno set by write(2).
 */
int write_all(int fd, const void *buffer, size_t length);

/* say.c: writes one line to fd, by one write(2). A line that cannot be written is dropped. */
void say(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* bail.c: says on stderr that call failed for subject, and errno's reason. */
void complain(const char *call, const char *subject);

/* bail.c: complains, then ends the process with status 1. */
_Noreturn void bail(const char *call, const char *subject);

#endif
