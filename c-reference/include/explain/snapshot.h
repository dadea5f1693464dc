/* explain/snapshot.h - the collected data. Rust counterpart: src/explain/snapshot.rs. */
#ifndef EXPLAIN_SNAPSHOT_H
#define EXPLAIN_SNAPSHOT_H
#include "address.h"

#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>

/* Value of an option that cannot be read. */
#define UNKNOWN (-1)

/* A process's descriptor for a socket. */
struct holder {
    size_t process; /* index in the snapshot */
    int fd;
};

/* A socket as listed by sock_diag(7), with its options as read by getsockopt(2). */
struct socket_entry {
    bool relevant; /* on the port; false for peers and for sockets that are left out */
    int state;     /* TCP_ESTABLISHED ... TCP_CLOSING */
    struct endpoint local;
    struct endpoint peer;
    uint64_t cookie; /* identifies the socket for its whole life */
    unsigned inode;  /* 0 if no process holds the socket */
    uid_t uid;       /* owner of the socket's inode, as in this user namespace; unknown if inode is 0 */
    int seconds;     /* remaining in TIME_WAIT, or in FIN_WAIT2 without a process; else -1 */
    int reuseaddr, reuseport, v6only; /* 0, 1 or UNKNOWN */
    struct holder *holders;
    size_t holder_count;
};

/* Size of a name in /proc/PID/status, with the NUL: TASK_COMM_LEN, doubled by escapes. */
#define COMMAND_TEXT 32

/* A process that holds a socket of the snapshot. */
struct process {
    pid_t pid;
    pid_t parent;
    uid_t uid; /* effective user id */
    char command[COMMAND_TEXT];
    bool holds_port; /* whether it holds a relevant socket */
};

/* The sockets and processes that use a port. An error is an errno, or 0. */
struct snapshot {
    in_port_t port;
    struct socket_entry *sockets; /* relevant ones first, after sort_sockets() */
    size_t count;                 /* of relevant sockets, after sort_sockets() */
    size_t total;                 /* of all sockets */
    size_t others;                /* sockets on the port that are left out */
    struct process *processes;    /* by pid */
    size_t process_count;
    int first_port, last_port; /* ephemeral range; 0 if it cannot be read */
    bool hidden;        /* whether the descriptors of some process cannot be read */
    int diag_error;     /* of listing the sockets */
    int proc_error;     /* of listing the processes */
    int getfd_error;    /* of copying a descriptor, to read its options */
    int bind_errors[2]; /* of the trial bind without SO_REUSEADDR, and with it */
};

/* Maximum number of ids printed in a list, and of descriptors printed for a socket. */
#define IDS_MAX 8

/* Row numbers of sockets, or process ids. Has one more than are printed, if there are more. */
struct id_list {
    size_t count;
    size_t ids[IDS_MAX + 1];
};

/* A reason or a piece of advice, in words, and the sockets and processes that it is about. */
struct remark {
    const char *text; /* %s: the ephemeral range (if sockets is empty), seconds or processes */
    struct id_list sockets;
    struct id_list pids;
    int seconds; /* the longest time left, or -1 */
};

/* Remarks with different texts. */
struct remark_list {
    size_t count;
    struct remark remarks[16];
};

/* What describe_unheld() returns, and the headings of such sockets in the tree. */
extern const char not_accepted[], no_process[], not_visible[];

/* Returns the state's name in the kernel, but BOUND for TCP_CLOSE. */
const char *state_name(int state);

/* Returns whether a process should hold entry's socket but none was found. */
bool has_unseen_holder(const struct socket_entry *entry);

/* Returns whether entry is a connection that its listener has not accepted yet. */
bool is_unaccepted(const struct socket_entry *entry);

/* Returns in words why no holder of entry's socket is known, or NULL if one is. */
const char *describe_unheld(const struct socket_entry *entry);

/* Returns a process that holds the other end of entry's connection, or NULL. */
const struct process *find_peer(const struct snapshot *snapshot, const struct socket_entry *entry);

/* Puts the relevant sockets first, in the order of the table, and sets count and holds_port. */
void sort_sockets(struct snapshot *snapshot);

/* Adds id to list, unless list has it already or is full. */
void add_id(struct id_list *list, size_t id);

/* Returns the remark with this text in list, which is added if it is missing. */
struct remark *find_remark(struct remark_list *list, const char *text);

/* Makes room in array for one more element, and returns it. */
void *grow(void *array, size_t count, size_t size);

/* Frees what snapshot points to. */
void free_snapshot(const struct snapshot *snapshot);
#endif
