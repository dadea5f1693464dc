/*
 * scene.c - what is around a port at one moment, in a fixed order, and what may be asked of it.
 *
 * Twin: src/scene.rs.
 */
#include "explain.h"

#include <string.h>

static int by_rank(const void *a, const void *b);
static int compare(const struct endpoint *left, const struct endpoint *right);

struct scene look(in_port_t port)
{
    struct scene scene = {.port = port};

    find_sockets(&scene);
    find_owners(&scene);
    if (scene.count_of_sockets > 0)
        qsort(scene.sockets, scene.count_of_sockets, sizeof *scene.sockets, by_rank);
    return scene;
}

/* Who listens first, then who is bound, then the connections. */
static int by_rank(const void *a, const void *b)
{
    const struct listed *left = a, *right = b;
    int left_rank = left->state == LISTEN ? 0 : left->state == BOUND ? 1 : 2;
    int right_rank = right->state == LISTEN ? 0 : right->state == BOUND ? 1 : 2;

    if (left_rank != right_rank)
        return left_rank - right_rank;
    int order = compare(&left->local, &right->local);
    if (order == 0)
        order = compare(&left->peer, &right->peer);
    if (order == 0 && left->inode != right->inode)
        order = left->inode > right->inode ? 1 : -1;
    return order;
}

static int compare(const struct endpoint *left, const struct endpoint *right)
{
    int order = memcmp(&left->address, &right->address, sizeof left->address);

    if (order == 0)
        order = left->port - right->port;
    return order != 0 ? order : left->family - right->family;
}

const struct owner *owners_of(const struct scene *scene, const struct listed *socket, size_t *count)
{
    size_t start = 0, end = scene->count_of_owners;

    while (start < end) {
        size_t middle = start + (end - start) / 2;
        if (scene->owners[middle].inode < socket->inode)
            start = middle + 1;
        else
            end = middle;
    }
    while (end < scene->count_of_owners && scene->owners[end].inode == socket->inode)
        end++;
    *count = end - start;
    return *count > 0 ? scene->owners + start : NULL;
}

bool is_out_of_sight(const struct scene *scene, const struct listed *socket)
{
    size_t count;

    owners_of(scene, socket, &count);
    return socket->inode != 0 && count == 0;
}
