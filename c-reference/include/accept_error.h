/* accept_error.h - what to do if accept(2) fails. Rust counterpart: src/accept_error.rs. */
#ifndef ACCEPT_ERROR_H
#define ACCEPT_ERROR_H
#include <stdbool.h>

/*
 * Call this after accept(2) has failed, with errno set. Returns if the server can go on; exits if
 * not. Pass the result of the last call as reported, and false after accept(2) has succeeded, so
 * that a shortage is reported once.
 */
bool accept_error(const char *server_text, bool reported);
#endif
