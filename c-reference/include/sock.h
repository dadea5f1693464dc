/*
 * sock.h - TCP sockets and their options, for rules, explain and abi. Each function exits with an
 * error if its call fails, unless it returns a result. Rust counterpart: src/sock.rs.
 */
#ifndef SOCK_H
#define SOCK_H
#include "address.h"

/* Returns a new socket with these options. v6only applies to AF_INET6 only. */
int open_socket(sa_family_t family, bool v6only, bool reuseaddr, bool reuseport);

/* Calls bind(2). Returns 0, or -1 with errno set. */
int bind_socket(int s, const struct endpoint *endpoint);

/* Calls connect(2). Returns 0, or -1 with errno set. */
int connect_socket(int s, const struct endpoint *endpoint);

/* Listens on s, with a backlog of 1. */
void listen_on(int s);

/* Returns the next connected socket from the queue of listening socket s. */
int accept_on(int s);

/* Returns the endpoint that s is bound to. */
struct endpoint local_endpoint(int s);

/* Sets an option of type int. */
void set_option(int s, int level, int name, int value);

/* Returns the value of an option of type int. */
int get_option(int s, int level, int name);
#endif
