/* accept_error.h - what to do if accept(2) fails. Rust counterpart: src/accept_error.rs. */
#ifndef ACCEPT_ERROR_H
#define ACCEPT_ERROR_H
#include <stdbool.h>

/*
 * Call this after accept(2) has failed, with errno set. Exits if the server cannot go on. Otherwise
 * returns whether a shortage has been reported since accept(2) last succeeded. Pass that value as
 * reported the next time, or false if accept(2) has succeeded since.
 */
bool accept_error(const char *server_text, bool reported);
#endif
