/*
 * explain/print_tree.c - prints the current Figure 12.1: the listener, its children, their clients.
 * Rust counterpart: src/explain/print_tree.rs.
 */
#include "explain/print_tree.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

/* Largest number of lines of the tree, and of sockets of one process. The table has them all. */
#define LINES_MAX 24
#define SOCKETS_MAX 6

/* Size of what precedes a line: one step to the right for each ancestor. */
#define INDENT_TEXT ((LINES_MAX + 1) * sizeof " +-- ")

/* Counts a line. Returns whether there is room for it; prints dots after the last one. */
static bool has_room(size_t *lines)
{
    if (*lines == LINES_MAX)
        print("...\n");
    return (*lines)++ < LINES_MAX;
}

static bool is_child(const struct process *process, const struct process *parent)
{
    return process->holds_port && parent->holds_port && process->parent == parent->pid;
}

static bool holds_socket(const struct snapshot *snapshot, const struct process *process,
                         const struct socket_entry *entry)
{
    for (size_t i = 0; i < entry->holder_count; i++) {
        if (snapshot->processes[entry->holders[i].process].pid == process->pid)
            return true;
    }
    return false;
}

static void print_socket(const struct snapshot *snapshot, size_t number, const char *indent,
                         const char *line, size_t *lines)
{
    const struct socket_entry *entry = &snapshot->sockets[number - 1];
    char local[ENDPOINT_TEXT];
    char peer[ENDPOINT_TEXT];

    if (!has_room(lines))
        return;
    print("%s%s%zu: %s", indent, line, number, format_endpoint(&entry->local, local));
    if (entry->state == TCP_LISTEN) {
        print(", listening\n");
        return;
    }
    if (entry->state == TCP_CLOSE) {
        print(", bound, not listening\n");
        return;
    }
    print(" <--> %s", format_endpoint(&entry->peer, peer));
    const struct process *process = find_peer(snapshot, entry);
    if (process != NULL)
        print(" (%d %s)", process->pid, process->command);
    if (entry->state != TCP_ESTABLISHED)
        print(", %s", state_name(entry->state));
    print("\n");
}

/* Prints the sockets that belong below heading. */
static void print_rest(const struct snapshot *snapshot, const char *heading, size_t *lines)
{
    bool begun = false;

    for (size_t i = 0; i < snapshot->count; i++) {
        if (describe_unheld(&snapshot->sockets[i]) != heading)
            continue;
        if (!begun && has_room(lines))
            print("%s\n", heading);
        begun = true;
        print_socket(snapshot, i + 1, "", "     ", lines);
    }
}

/* Prints process, its sockets and its children. Its own line ends indent with a branch. */
static void print_process(const struct snapshot *snapshot, const struct process *process,
                          const char *indent, size_t *lines)
{
    size_t children = 0;
    size_t sockets = 0;

    if (!has_room(lines))
        return;
    if (*indent != '\0')
        print("%.*s +-- ", (int)(strlen(indent) - strlen(" +-- ")), indent);
    print("%d %s\n", process->pid, process->command);
    for (size_t i = 0; i < snapshot->process_count; i++)
        children += is_child(&snapshot->processes[i], process);
    const char *line = children > 0 ? " |   " : "     ";
    for (size_t i = 0; i < snapshot->count; i++) {
        if (holds_socket(snapshot, process, &snapshot->sockets[i]) && ++sockets <= SOCKETS_MAX)
            print_socket(snapshot, i + 1, indent, line, lines);
    }
    if (sockets > SOCKETS_MAX && has_room(lines))
        print("%s%sand %zu more\n", indent, line, sockets - SOCKETS_MAX);

    for (size_t i = 0; i < snapshot->process_count; i++) {
        const struct process *child = &snapshot->processes[i];
        if (!is_child(child, process))
            continue;
        children--;
        char child_indent[INDENT_TEXT];
        snprintf(child_indent, sizeof child_indent, "%s%s", indent,
                 children > 0 ? " |   " : "     ");
        print_process(snapshot, child, child_indent, lines);
    }
}

void print_tree(const struct snapshot *snapshot)
{
    size_t lines = 0;

    if (snapshot->count == 0 || snapshot->process_count == 0)
        return;
    print("\n");
    for (size_t i = 0; i < snapshot->process_count; i++) {
        const struct process *process = &snapshot->processes[i];
        bool has_parent = false;
        for (size_t j = 0; j < snapshot->process_count; j++)
            has_parent |= is_child(process, &snapshot->processes[j]);
        if (process->holds_port && !has_parent)
            print_process(snapshot, process, "", &lines);
    }
    print_rest(snapshot, not_accepted, &lines);
    print_rest(snapshot, no_process, &lines);
    print_rest(snapshot, not_visible, &lines);
}
