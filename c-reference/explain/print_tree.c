/*
 * explain/print_tree.c - the page's Figure 12.1 as it is now: who listens, its children, and their clients.
 *
 * Twin: src/explain/print_tree.rs.
 */
#include "explain/snapshot.h"

#include <stdio.h>

/* So many lines are drawn, and so many of one process's sockets; the list has all. */
#define LINES_MAX 24
#define SOCKETS_MAX 6

/* Room for what stands before a line: a step to the right for each ancestor. */
#define INDENT_TEXT ((LINES_MAX + 1) * sizeof " +-- ")

static void draw_process(const struct scene *scene, const struct process *process,
                         const char *before, const char *below, size_t *lines);
static void draw_rest(const struct scene *scene, const char *heading, size_t *lines);
static const char *find_heading(const struct scene *scene, const struct listed *socket);
static void draw_socket(const struct scene *scene, size_t number, const char *below,
                        const char *line, size_t *lines);
static const struct process *find_peer(const struct scene *scene, const struct listed *socket);
static bool is_child(const struct process *process, const struct process *parent);
static bool has(const struct scene *scene, const struct process *process,
                const struct listed *socket);
static bool has_room(size_t *lines);

/* What those are called that belong to no process that is drawn. */
static const char unaccepted[] = "not accepted yet";
static const char no_process[] = "no process";
static const char unseen[] = "not seen from here";

void draw(const struct scene *scene)
{
    size_t lines = 0;

    if (scene->count_of_processes == 0)
        return;
    print("\n");
    /* 1. Whose parent has none of the sockets is the head of a family. */
    for (size_t i = 0; i < scene->count_of_processes; i++) {
        const struct process *process = &scene->processes[i];
        bool head = process->holds;
        for (size_t j = 0; j < scene->count_of_processes; j++)
            head &= !is_child(process, &scene->processes[j]);
        if (head)
            draw_process(scene, process, "", "", &lines);
    }

    /* 2. And some sockets have outlived their process. */
    draw_rest(scene, unaccepted, &lines);
    draw_rest(scene, no_process, &lines);
    draw_rest(scene, unseen, &lines);
}

/* Draws a process, its sockets and then its children. */
static void draw_process(const struct scene *scene, const struct process *process,
                         const char *before, const char *below, size_t *lines)
{
    size_t children = 0;
    size_t sockets = 0;

    if (!has_room(lines))
        return;
    print("%s%d %s\n", before, process->pid, process->command);
    for (size_t i = 0; i < scene->count_of_processes; i++)
        children += is_child(&scene->processes[i], process);
    const char *line = children > 0 ? " |   " : "     ";
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        if (has(scene, process, &scene->sockets[i]) && ++sockets <= SOCKETS_MAX)
            draw_socket(scene, i + 1, below, line, lines);
    }
    if (sockets > SOCKETS_MAX && has_room(lines))
        print("%s%sand %zu more\n", below, line, sockets - SOCKETS_MAX);

    /* 3. The line ends at the last child. */
    for (size_t i = 0; i < scene->count_of_processes; i++) {
        const struct process *child = &scene->processes[i];
        if (!is_child(child, process))
            continue;
        children--;
        char before_child[INDENT_TEXT];
        char below_child[INDENT_TEXT];
        snprintf(before_child, sizeof before_child, "%s +-- ", below);
        snprintf(below_child, sizeof below_child, "%s%s", below, children > 0 ? " |   " : "     ");
        draw_process(scene, child, before_child, below_child, lines);
    }
}

/* Draws the sockets that belong under heading, and no process. */
static void draw_rest(const struct scene *scene, const char *heading, size_t *lines)
{
    bool begun = false;

    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        if (find_heading(scene, &scene->sockets[i]) != heading)
            continue;
        if (!begun && has_room(lines))
            print("%s\n", heading);
        begun = true;
        draw_socket(scene, i + 1, "", "     ", lines);
    }
}

/* What a socket is called that no process has, or none that can be seen; else NULL. */
static const char *find_heading(const struct scene *scene, const struct listed *socket)
{
    if (is_out_of_sight(scene, socket))
        return unseen;
    if (socket->inode != 0)
        return NULL;
    return socket->state == TCP_ESTABLISHED || socket->state == TCP_CLOSE_WAIT ? unaccepted : no_process;
}

static void draw_socket(const struct scene *scene, size_t number, const char *below,
                        const char *line, size_t *lines)
{
    const struct listed *socket = &scene->sockets[number - 1];
    char local[ENDPOINT_TEXT];
    char peer[ENDPOINT_TEXT];

    if (!has_room(lines))
        return;
    print("%s%s%zu: %s", below, line, number, format_endpoint(&socket->local, local));
    if (socket->state == TCP_LISTEN) {
        print(" listens\n");
        return;
    }
    if (socket->state == TCP_CLOSE) {
        print(" is bound\n");
        return;
    }
    print(" <--> %s", format_endpoint(&socket->peer, peer));
    const struct process *process = find_peer(scene, socket);
    if (process != NULL)
        print(" of %d %s", process->pid, process->command);
    print(socket->state == TCP_ESTABLISHED ? "\n" : ", %s\n", socket->name);
}

/* Who has the other end, if that can be seen from here. */
static const struct process *find_peer(const struct scene *scene, const struct listed *socket)
{
    for (size_t i = 0; i < scene->count_of_peers + scene->count_of_sockets; i++) {
        const struct listed *peer = i < scene->count_of_peers
                                        ? &scene->peers[i]
                                        : &scene->sockets[i - scene->count_of_peers];
        if (!IN6_ARE_ADDR_EQUAL(&peer->local.address, &socket->peer.address) ||
            !IN6_ARE_ADDR_EQUAL(&peer->peer.address, &socket->local.address) ||
            peer->local.port != socket->peer.port)
            continue;
        size_t count;
        const struct owner *owner = owners_of(scene, peer, &count);
        if (count > 0)
            return &scene->processes[owner->process];
    }
    return NULL;
}

static bool is_child(const struct process *process, const struct process *parent)
{
    return process->holds && parent->holds && process->parent == parent->pid;
}

static bool has(const struct scene *scene, const struct process *process,
                const struct listed *socket)
{
    size_t count;
    const struct owner *owner = owners_of(scene, socket, &count);

    for (; count > 0; owner++, count--) {
        if (scene->processes[owner->process].pid == process->pid)
            return true;
    }
    return false;
}

/* Counts a line. Returns whether there is room for it; where there is no more, dots say so. */
static bool has_room(size_t *lines)
{
    if (*lines == LINES_MAX)
        print("...\n");
    return (*lines)++ < LINES_MAX;
}
