/* serve.h - the forking server of Figure 12.1. Rust counterpart: src/serve.rs. */
#ifndef SERVE_H
#define SERVE_H
#include <netinet/in.h>
#include <stdbool.h>

/*
 * Listens on adr_srvr and serves each client in a child process, forever. Sets SO_REUSEADDR before
 * bind(2) if reuse is true. Exits with status 1 if it cannot listen, or accept(2) fails for good.
 */
_Noreturn void serve(struct sockaddr_in adr_srvr, bool reuse);
#endif
