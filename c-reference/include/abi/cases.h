/* abi/cases.h - objects to make calls on, and a check. Rust counterpart: src/abi/cases.rs. */
#ifndef ABI_CASES_H
#define ABI_CASES_H
#include <netinet/in.h>

/* Descriptors, an address and a page, for the arguments of the calls. */
struct objects {
    int bad;       /* not an open descriptor */
    int file;      /* open, but not a socket */
    int udp;       /* a UDP socket */
    int local;     /* an AF_UNIX socket */
    int listening; /* a TCP socket that listens on address and does not block */
    struct sockaddr_in address;
    void *forbidden; /* a page that can be neither read nor written */
};

/* Returns a new socket. Exits if that fails. */
int new_socket(int family, int type);

/* Opens the objects, which stay open until the process exits. Exits if that fails. */
struct objects make_objects(void);

/*
 * Prints the name of call, which ends at a parenthesis; text, which describes its arguments; and
 * the errno of result, or OK. Returns 1 if that is not the expected errno (0 for OK), else 0.
 */
int check_result(const char *call, const char *text, int expected, long result);

/* Makes the call and checks its result. */
#define CHECK(text, expected, call) check_result(#call, text, expected, call)
#endif
