/* accept_error.h - what to do if accept(2) fails. Rust counterpart: src/accept_error.rs. */
#ifndef ACCEPT_ERROR_H
#define ACCEPT_ERROR_H
#include <stdbool.h>

/*
 * Returns if accept(2) on the server's socket, which has failed with errno, can be called again;
 * exits if not. A shortage is reported once: reported tells whether it has been, and the result
 * whether it now has.
 */
bool accept_error(const char *server_text, bool reported);
#endif
