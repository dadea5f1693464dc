/*
 * explain/snapshot.c - what is around a port at one moment, in a fixed order, and what may be asked of it.
 *
 * Twin: src/explain/snapshot.rs.
 */
#include "explain/snapshot.h"

#include <string.h>

static int by_cookie(const void *a, const void *b);
static int by_rank(const void *a, const void *b);
static int compare(const struct endpoint *left, const struct endpoint *right);

struct scene look(in_port_t port)
{
    struct scene scene = {.port = port};

    find_sockets(&scene);
    find_owners(&scene);
    return scene;
}

void keep_present(struct scene *scene)
{
    struct scene now = {.port = scene->port};
    size_t count = 0;

    /* 1. What is listed again is as it is now; what was known of it is still so. */
    find_sockets(&now);
    if (scene->diag_error == 0)
        scene->diag_error = now.diag_error;
    if (scene->count_of_sockets > 0)
        qsort(scene->sockets, scene->count_of_sockets, sizeof *scene->sockets, by_cookie);
    for (size_t i = 0; i < now.count_of_sockets; i++) {
        struct listed *socket = &now.sockets[i];
        const struct listed *known = NULL;
        if (scene->count_of_sockets > 0)
            known = bsearch(socket, scene->sockets, scene->count_of_sockets,
                            sizeof *scene->sockets, by_cookie);
        if (known == NULL)
            continue;
        socket->reuseaddr = known->reuseaddr;
        socket->reuseport = known->reuseport;
        if (socket->v6only == UNKNOWN)
            socket->v6only = known->v6only;
        now.sockets[count++] = *socket;
    }
    free(scene->sockets);
    scene->sockets = now.sockets;
    scene->count_of_sockets = count;
    now.sockets = NULL;
    forget(&now);

    /* 2. In an order that does not hang on the kernel's tables. */
    if (count > 0)
        qsort(scene->sockets, count, sizeof *scene->sockets, by_rank);
}

void mark_holders(struct scene *scene)
{
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        size_t count;
        const struct owner *owner = owners_of(scene, &scene->sockets[i], &count);
        for (; count > 0; owner++, count--)
            scene->processes[owner->process].holds = true;
    }
}

static int by_cookie(const void *a, const void *b)
{
    const struct listed *left = a, *right = b;

    return (left->cookie > right->cookie) - (left->cookie < right->cookie);
}

/* Who listens first, then who is bound, then the connections. */
static int by_rank(const void *a, const void *b)
{
    const struct listed *left = a, *right = b;
    int left_rank = left->state == TCP_LISTEN ? 0 : left->state == TCP_CLOSE ? 1 : 2;
    int right_rank = right->state == TCP_LISTEN ? 0 : right->state == TCP_CLOSE ? 1 : 2;

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
