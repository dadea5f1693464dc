/* abi.h - the binary interface of the socket calls. Rust counterpart: src/abi.rs. */
#ifndef ABI_H
#define ABI_H
/*
 * Prints constants, sizes and offsets, then the results of system calls with right and wrong
 * arguments. Returns the exit status: 1 if a result is not the expected one.
 */
int abi(void);
#endif
