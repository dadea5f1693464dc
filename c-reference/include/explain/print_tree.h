/* explain/print_tree.h - prints the tree. Rust counterpart: src/explain/print_tree.rs. */
#ifndef EXPLAIN_PRINT_TREE_H
#define EXPLAIN_PRINT_TREE_H
#include "explain/snapshot.h"

/* Prints the processes with their sockets, each child below its parent. */
void print_tree(const struct snapshot *snapshot);
#endif
