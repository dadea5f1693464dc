/* abi/cases.h - what the calls of abi are tried on. Rust counterpart: src/abi/cases.rs. */
#ifndef ABI_CASES_H
#define ABI_CASES_H

#include <netinet/in.h>

/* Descriptors and addresses that calls are tried on. */
struct objects {
    int bad;       /* not an open descriptor */
    int file;      /* open, but not a socket */
    int datagram;  /* a UDP socket */
    int local;     /* an AF_UNIX socket */
    int listening; /* listens on a port chosen by the kernel */
    struct sockaddr_in address;
    const void *forbidden; /* a page that cannot be read or written */
};

/* Returns a new socket. Exits if that fails. */
int new_socket(int family, int type);

/*
 * Prints the result of call, for the arguments that text describes. Returns 1 if it did not set errno
 * to expected, or did not succeed where expected is 0; else 0.
 */
int expect(const char *call, const char *text, int expected, long result);

#endif
