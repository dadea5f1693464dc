/*
 * explain.c - who has a port, and what would help: what to ask after EADDRINUSE.
 *
 * Twin: src/explain.rs.
 */
#include "explain.h"
#include "explain/snapshot.h"

/* Sockets come and go meanwhile: so often it looks until what it sees fits together. */
#define LOOKS 5

static void leave_out_others(struct scene *scene, const struct endpoint *endpoint);
static bool fits(const struct scene *scene, const struct verdict *without,
                 const struct verdict *with);

int explain(const struct endpoint *endpoint)
{
    struct scene scene;
    struct verdict without, with;

    /* 1. See who has the port, at once try to bind, and see who still has it. */
    for (int looks = 1;; looks++) {
        scene = look(endpoint->port);
        int without_option = try_bind(endpoint, false);
        int with_option = try_bind(endpoint, true);
        keep_present(&scene);
        leave_out_others(&scene, endpoint);
        without = judge(&scene, endpoint, false, without_option);
        with = judge(&scene, endpoint, true, with_option);
        if (looks == LOOKS || fits(&scene, &without, &with))
            break;
        forget(&scene);
    }

    /* 2. Say what was seen, what it means, and what to do. */
    mark_holders(&scene);
    list(&scene);
    draw(&scene);
    print("\n");
    print_verdict(&scene, endpoint, &without);
    print_verdict(&scene, endpoint, &with);
    print_help(&scene, endpoint, &without, &with);
    forget(&scene);
    return fails(&with) || contradicts(&without) || contradicts(&with);
}

/* Leaves out the sockets that have the port on another address than endpoint's, and counts them. */
static void leave_out_others(struct scene *scene, const struct endpoint *endpoint)
{
    size_t kept = 0;

    /* 3. Who asks for a port, and no address, is told of all. */
    if (is_wildcard(&endpoint->address))
        return;
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        const struct listed *socket = &scene->sockets[i];
        if (!IN6_ARE_ADDR_EQUAL(&socket->local.address, &endpoint->address) &&
            predict_bind(socket, endpoint, false) == OK)
            continue;
        scene->sockets[kept++] = *socket;
    }
    scene->others = scene->count_of_sockets - kept;
    scene->count_of_sockets = kept;
}

/* Whether it all belongs to one moment. */
static bool fits(const struct scene *scene, const struct verdict *without,
                 const struct verdict *with)
{
    if (contradicts(without) || contradicts(with))
        return false;

    /* 4. A socket without its process may have changed hands, unless processes are hidden. */
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        if (!scene->hidden && is_out_of_sight(scene, &scene->sockets[i]))
            return false;
    }
    return true;
}
