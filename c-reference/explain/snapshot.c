/*
 * explain/snapshot.c - the data that explain collects, and look-ups on it.
 * Rust counterpart: src/explain/snapshot.rs.
 */
#include "explain/snapshot.h"
#include "output.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const state_names[] = {
    "",          "ESTABLISHED", "SYN_SENT",   "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
    "TIME_WAIT", "BOUND",       "CLOSE_WAIT", "LAST_ACK", "LISTEN",    "CLOSING",
};

bool has_unseen_holder(const struct socket_entry *entry)
{
    return entry->inode != 0 && entry->holder_count == 0;
}

bool may_find_holder(const struct snapshot *snapshot)
{
    bool may_find = false;

    for (size_t i = 0; i < snapshot->count; i++) {
        const struct socket_entry *entry = &snapshot->sockets[i];
        bool visible = !snapshot->hidden || entry->uid == geteuid();
        may_find |= visible && has_unseen_holder(entry);
    }
    return may_find;
}

bool may_have_hidden_holder(const struct snapshot *snapshot, const struct socket_entry *entry)
{
    bool other_user = entry->inode != 0 && entry->uid != geteuid();
    return snapshot->hidden && (has_unseen_holder(entry) || (entry->blocks && other_user));
}

bool is_unaccepted(const struct socket_entry *entry)
{
    return entry->inode == 0 &&
           (entry->state == TCP_ESTABLISHED || entry->state == TCP_CLOSE_WAIT);
}

enum conflict worst_result(const struct snapshot *snapshot, bool with)
{
    enum conflict worst = NO_CONFLICT;

    for (size_t i = 0; i < snapshot->target_count; i++) {
        if (worst < snapshot->targets[i].results[with])
            worst = snapshot->targets[i].results[with];
    }
    return worst;
}

int compare_groups(const struct socket_entry *left, const struct socket_entry *right)
{
    const int orders[] = {
        left->udp - right->udp,
        right->blocks - left->blocks,
        (right->state == TCP_LISTEN) - (left->state == TCP_LISTEN),
        (right->state == TCP_CLOSE) - (left->state == TCP_CLOSE),
        memcmp(&left->local.address, &right->local.address, sizeof left->local.address),
        left->state - right->state,
        left->outgoing - right->outgoing,
        (int)left->device - (int)right->device,
        left->reuseaddr - right->reuseaddr,
        (left->reuseport == 1) - (right->reuseport == 1),
        (left->v6only == 1) - (right->v6only == 1),
        left->inferred - right->inferred,
        (left->inode == 0) - (right->inode == 0),
    };

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (orders[i] != 0)
            return orders[i];
    }
    return 0;
}

int by_group(const void *a, const void *b)
{
    const struct socket_entry *left = a, *right = b;
    int order = compare_groups(left, right);

    if (order == 0)
        order = memcmp(&left->peer.address, &right->peer.address, sizeof left->peer.address);
    if (order == 0)
        order = left->peer.port - right->peer.port;
    return order != 0 ? order : (left->inode > right->inode) - (left->inode < right->inode);
}

char *printable(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0')
            text[i] = ' ';
        else if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    }
    return text;
}

const char *user_name(uid_t uid, char text[USER_TEXT])
{
    const struct passwd *entry;

    FILE *file = fopen("/etc/passwd", "re");
    do { /* "+" stands for the entries of NIS */
        entry = file == NULL ? NULL : fgetpwent(file);
    } while (entry != NULL && (entry->pw_uid != uid || *entry->pw_name == '+'));
    if (entry != NULL)
        snprintf(text, USER_TEXT, "%s", entry->pw_name);
    else
        snprintf(text, USER_TEXT, "%u", uid);
    if (file != NULL)
        fclose(file);
    return printable(text, strlen(text));
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
void free_snapshot(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        free(snapshot->sockets[i].holders);
    free(snapshot->sockets);
    free(snapshot->processes);
    snapshot->sockets = NULL;
    snapshot->processes = NULL;
    snapshot->count = snapshot->process_count = 0;
}
