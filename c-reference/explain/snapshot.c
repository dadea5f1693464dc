/*
 * explain/snapshot.c - the data that explain collects, and look-ups on it.
 * Rust counterpart: src/explain/snapshot.rs.
 */
#include "explain/snapshot.h"
#include "output.h"

#include <string.h>

const char not_accepted[] = "not accepted yet", no_process[] = "no process";
const char not_visible[] = "owner not visible";

const char *state_name(int state)
{
    static const char *const names[] = {
        [TCP_ESTABLISHED] = "ESTABLISHED",
        [TCP_SYN_SENT] = "SYN_SENT",
        [TCP_SYN_RECV] = "SYN_RECV",
        [TCP_FIN_WAIT1] = "FIN_WAIT1",
        [TCP_FIN_WAIT2] = "FIN_WAIT2",
        [TCP_TIME_WAIT] = "TIME_WAIT",
        [TCP_CLOSE] = "BOUND", /* a closed socket without a port is not listed */
        [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
        [TCP_LAST_ACK] = "LAST_ACK",
        [TCP_LISTEN] = "LISTEN",
        [TCP_CLOSING] = "CLOSING",
    };

    return names[state];
}

bool has_unseen_holder(const struct socket_entry *entry)
{
    return entry->inode != 0 && entry->holder_count == 0;
}

bool is_unaccepted(const struct socket_entry *entry)
{
    return entry->inode == 0 &&
           (entry->state == TCP_ESTABLISHED || entry->state == TCP_CLOSE_WAIT);
}

const char *describe_unheld(const struct socket_entry *entry)
{
    if (has_unseen_holder(entry))
        return not_visible;
    if (is_unaccepted(entry))
        return not_accepted;
    return entry->inode == 0 ? no_process : NULL;
}

const struct process *find_peer(const struct snapshot *snapshot, const struct socket_entry *entry)
{
    for (size_t i = 0; i < snapshot->total; i++) {
        const struct socket_entry *peer = &snapshot->sockets[i];
        if (peer->holder_count > 0 && peer->local.port == entry->peer.port &&
            IN6_ARE_ADDR_EQUAL(&peer->local.address, &entry->peer.address) &&
            peer->peer.port == entry->local.port &&
            IN6_ARE_ADDR_EQUAL(&peer->peer.address, &entry->local.address))
            return &snapshot->processes[peer->holders[0].process];
    }
    return NULL;
}

static int rank(const struct socket_entry *entry)
{
    if (!entry->relevant)
        return 3;
    return entry->state == TCP_LISTEN ? 0 : entry->state == TCP_CLOSE ? 1 : 2;
}

/* Makes the order independent of the kernel's hash tables. */
static int by_rank(const void *a, const void *b)
{
    const struct socket_entry *left = a, *right = b;

    int order = rank(left) - rank(right);
    if (order == 0)
        order = memcmp(&left->local.address, &right->local.address, sizeof left->local.address);
    if (order == 0)
        order = memcmp(&left->peer.address, &right->peer.address, sizeof left->peer.address);
    if (order == 0)
        order = left->peer.port - right->peer.port;
    return order != 0 ? order : (left->inode > right->inode) - (left->inode < right->inode);
}

void sort_sockets(struct snapshot *snapshot)
{
    if (snapshot->total > 0)
        qsort(snapshot->sockets, snapshot->total, sizeof *snapshot->sockets, by_rank);
    for (size_t i = 0; i < snapshot->total && snapshot->sockets[i].relevant; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        for (size_t j = 0; j < entry->holder_count; j++)
            snapshot->processes[entry->holders[j].process].holds_port = true;
        snapshot->count++;
    }
}

void add_id(struct id_list *list, size_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->ids[i] == id)
            return;
    }
    if (list->count <= IDS_MAX)
        list->ids[list->count++] = id;
}

struct remark *find_remark(struct remark_list *list, const char *text)
{
    size_t i = 0;

    while (i < list->count && strcmp(list->remarks[i].text, text) != 0)
        i++;
    if (i == list->count)
        list->remarks[list->count++] = (struct remark){.text = text, .seconds = -1};
    return &list->remarks[i];
}

/* C only: Rust has Vec::push. */
void *grow(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    array = realloc(array, (count == 0 ? 1 : 2 * count) * size);
    if (array == NULL)
        exit_with_error("realloc", "a table");
    return array;
}

/* C only: Rust has Drop. */
void free_snapshot(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->total; i++)
        free(snapshot->sockets[i].holders);
    free(snapshot->sockets);
    free(snapshot->processes);
}
