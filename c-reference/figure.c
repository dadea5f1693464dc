/*
 * figure.c - the page's Figure 12.1 as it is now: who listens, its children, and their clients.
 *
 * Twin: src/figure.rs.
 */
#include "explain.h"

#include <stdio.h>

/* So many lines are drawn; the list has all. */
#define LINES_MAX 24

/* Room for what stands before a line: a step to the right for each ancestor. */
#define INDENT_TEXT ((LINES_MAX + 1) * sizeof " +-- ")

static void draw_process(const struct scene *scene, const struct process *process,
                         const char *before, const char *below, size_t *lines);
static void draw_rest(const struct scene *scene, const char *heading, bool seen, size_t *lines);
static void draw_socket(const struct scene *scene, size_t number, const char *below,
                        const char *line, size_t *lines);
static const struct process *find_peer(const struct scene *scene, const struct listed *socket);
static bool is_child(const struct process *process, const struct process *parent);
static bool has(const struct scene *scene, const struct process *process,
                const struct listed *socket);
static bool has_room(size_t *lines);

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
    draw_rest(scene, "no process", true, &lines);
    draw_rest(scene, "not seen from here", false, &lines);
}

/* Draws a process, its sockets and then its children. */
static void draw_process(const struct scene *scene, const struct process *process,
                         const char *before, const char *below, size_t *lines)
{
    size_t children = 0;

    if (!has_room(lines))
        return;
    print("%s%d %s\n", before, process->pid, process->command);
    for (size_t i = 0; i < scene->count_of_processes; i++)
        children += is_child(&scene->processes[i], process);
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        if (has(scene, process, &scene->sockets[i]))
            draw_socket(scene, i + 1, below, children > 0 ? " |   " : "     ", lines);
    }

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

/* Draws the sockets that no process has, or none that can be seen. */
static void draw_rest(const struct scene *scene, const char *heading, bool seen, size_t *lines)
{
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        size_t count;
        const struct listed *socket = &scene->sockets[i];
        owners_of(scene, socket, &count);
        if (count > 0 || is_out_of_sight(scene, socket) == seen)
            continue;
        if (heading != NULL && has_room(lines))
            print("%s\n", heading);
        heading = NULL;
        draw_socket(scene, i + 1, "", "     ", lines);
    }
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
    if (socket->state == LISTEN) {
        print(" listens\n");
        return;
    }
    if (socket->state == BOUND) {
        print(" is bound\n");
        return;
    }
    print(" <--> %s", format_endpoint(&socket->peer, peer));
    const struct process *process = find_peer(scene, socket);
    if (process != NULL)
        print(" of %d %s", process->pid, process->command);
    print(socket->state == ESTABLISHED ? "\n" : ", %s\n", socket->name);
}

/* Who has the other end, if that can be seen from here. */
static const struct process *find_peer(const struct scene *scene, const struct listed *socket)
{
    for (size_t i = 0; i < scene->count_of_peers; i++) {
        const struct listed *peer = &scene->peers[i];
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
