/*
 * explain/advice.c - what would make an address free, by what is in its way.
 *
 * Twin: src/explain/advice.rs.
 */
#include "explain/snapshot.h"

#include <errno.h>
#include <stdio.h>

/* What helps against a socket. */
enum remedy {
    END,
    END_OR_SET,
    PEER_FIRST,
    END_AND_WAIT,
    WAIT,
    WAIT_FOR_PEER,
    LINGERS,
    GIVE_UP,
    LISTENER,
    NONE,
};

static const struct {
    const char *before;
    bool processes; /* are named here */
    const char *after;
} remedies[NONE] = {
    [END] = {"end ", true, ""},
    [END_OR_SET] = {"end ", true, ", or have it set the option"},
    [PEER_FIRST] = {"let its peer close, then end ", true, "; if it ends first, wait 60 s"},
    [END_AND_WAIT] = {"end ", true, ", then wait until 60 s after its peer closes"},
    [WAIT] = {"wait ", false, ""},
    [WAIT_FOR_PEER] = {"wait ", false, ", or until 60 s after its peer closes"},
    [LINGERS] = {"wait until 60 s after its peer closes, or the kernel gives up", false, ""},
    [GIVE_UP] = {"wait until its peer answers, or the kernel gives up", false, ""},
    [LISTENER] = {"ends with its listener", false, ""},
};

static bool print_remedy(const struct scene *scene, const struct endpoint *endpoint,
                         enum remedy remedy);
static enum remedy find_remedy(const struct listed *socket);
static bool read_range(int *low, int *high);

void print_help(const struct scene *scene, const struct endpoint *endpoint,
                const struct verdict *without, const struct verdict *with)
{
    bool off = false;       /* a socket without the option is in the way, */
    bool connected = false; /* and it is a connection */
    bool found = false;
    int low, high;

    if (without->answer == 0 && with->answer == 0)
        return;
    print("\nWhat helps:\n");

    /* 1. Where the sockets do not matter. */
    if (with->answer == EACCES)
        print("    bind as root, or with CAP_NET_BIND_SERVICE\n");
    if (with->answer == EADDRNOTAVAIL)
        print("    bind an address of this machine; ip address lists them\n");
    if (with->answer == EINVAL)
        print("    bind another address: no multicast, no link-local one without its interface\n");
    if (!fails(with)) {
        if (fails(without))
            print("    set SO_REUSEADDR before bind\n");
        return;
    }

    /* 2. Where they do. */
    for (enum remedy remedy = END; remedy < NONE; remedy++)
        found |= print_remedy(scene, endpoint, remedy);
    if (!found && with->answer == EADDRINUSE)
        print("    end who has it: as root, ss -tanp may show more\n");

    /* 3. And the next time. */
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        const struct listed *socket = &scene->sockets[i];
        if (socket->state == TCP_LISTEN || find_remedy(socket) == LISTENER ||
            predict_bind(socket, endpoint, true) == OK)
            continue;
        off = true;
        connected |= socket->state != TCP_CLOSE;
    }
    if (off)
        print("    next time: set SO_REUSEADDR in their program too, before it connects or binds\n");
    if (connected && read_range(&low, &high) && low <= endpoint->port && endpoint->port <= high)
        print("    or choose a port that clients are not given: they are, from %d to %d\n", low, high);
}

/* Prints the sockets that it helps against. Returns whether a bind with the option meets any. */
static bool print_remedy(const struct scene *scene, const struct endpoint *endpoint,
                         enum remedy remedy)
{
    struct numbers numbers = {.count = 0};
    struct numbers pids = {.count = 0};
    int seconds = -1;

    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        const struct listed *socket = &scene->sockets[i];
        if (find_remedy(socket) != remedy || predict_bind(socket, endpoint, true) == OK)
            continue;
        add_number(&numbers, i + 1);
        if (seconds < socket->seconds)
            seconds = socket->seconds;
        size_t count;
        const struct owner *owner = owners_of(scene, socket, &count);
        for (; count > 0; owner++, count--)
            add_number(&pids, (size_t)scene->processes[owner->process].pid);
    }
    if (numbers.count == 0)
        return false;

    print("    ");
    print_numbers(&numbers);
    print(": %s", remedies[remedy].before);
    if (remedies[remedy].processes) {
        print(pids.count == 0 ? "its process" : pids.count == 1 ? "process " : "processes ");
        print_numbers(&pids);
    } else if (seconds >= 0) {
        print("%d s", seconds);
    }
    print("%s\n", remedies[remedy].after);
    return true;
}

static enum remedy find_remedy(const struct listed *socket)
{
    /* 4. Who closes last leaves nothing behind; who closes first is TIME_WAIT for a minute. */
    switch (socket->state) {
    case TCP_LISTEN:
    case TCP_SYN_SENT:
        return END;
    case TCP_CLOSE:
        return END_OR_SET;
    case TCP_CLOSE_WAIT:
        return socket->inode != 0 ? END : LISTENER;
    case TCP_ESTABLISHED:
        return socket->inode != 0 ? PEER_FIRST : LISTENER;
    case TCP_TIME_WAIT:
        return WAIT;
    case TCP_LAST_ACK:
        return GIVE_UP;
    default:
        if (socket->seconds >= 0)
            return WAIT_FOR_PEER;
        return socket->inode != 0 ? END_AND_WAIT : LINGERS;
    }
}

/* The ports that the kernel gives to clients. Returns whether it tells. */
static bool read_range(int *low, int *high)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");

    if (file == NULL)
        return false;
    int found = fscanf(file, "%d %d", low, high);
    fclose(file);
    return found == 2;
}
