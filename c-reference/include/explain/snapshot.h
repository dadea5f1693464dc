/* explain/snapshot.h - the collected data. Rust counterpart: src/explain/snapshot.rs. */
#ifndef EXPLAIN_SNAPSHOT_H
#define EXPLAIN_SNAPSHOT_H
#include "address.h"

#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>

/* Value of an option that cannot be read. */
#define UNKNOWN (-1)

/* Whether existing sockets conflict with a new socket. */
enum conflict {
    NO_CONFLICT,
    MAY_CONFLICT, /* depends on an option that could not be read */
    CONFLICT,
};

/* A process's descriptor for a socket. */
struct holder {
    size_t process; /* index in the snapshot */
    int fd;
};

/* A socket as listed by sock_diag(7), with its options as read by getsockopt(2). */
struct socket_entry {
    bool udp;
    int state; /* TCP_ESTABLISHED ... TCP_CLOSING */
    struct endpoint local, peer;
    unsigned device; /* index of the network device that it is bound to, or 0 */
    unsigned inode;  /* 0 if no process holds the socket */
    uid_t uid;       /* owner of the inode, mapped to this user namespace; unknown if inode is 0 */
    int seconds;     /* remaining in TIME_WAIT, or in FIN_WAIT2 without a process; else -1 */
    int reuseaddr, reuseport, v6only; /* 0, 1 or UNKNOWN */
    bool outgoing;              /* whether it is probably a client's connection */
    bool inferred;              /* whether the first two options are inferred from other sockets */
    bool blocks; /* whether it conflicts, or may conflict, with a server that sets SO_REUSEADDR */
    struct holder *holders;     /* one for each process */
    size_t holder_count;
};

/* Size of a command line, with the NUL. */
#define COMMAND_SIZE 512

/* A process that holds a socket of the snapshot. */
struct process {
    pid_t pid;
    pid_t thread; /* whose descriptors were read; not pid if it has its own table */
    pid_t parent;
    uid_t uid;    /* effective user id */
    bool suspended; /* by a signal or a tracer */
    char command[COMMAND_SIZE];
};

/* Value of a trial that was not made. */
#define NOT_TRIED (-1)

/* An address and port that a server may bind. */
struct target {
    struct endpoint endpoint;
    int error;                /* of binding to the address, regardless of the port; or 0 */
    int trial;                /* errno or 0 of a bind with SO_REUSEADDR */
    enum conflict results[2]; /* without SO_REUSEADDR, and with it */
};

#define TARGETS_MAX 3

/* The sockets and processes that use a port. An error is an errno, or 0. */
struct snapshot {
    in_port_t port;
    struct target targets[TARGETS_MAX];
    size_t target_count;
    struct socket_entry *sockets; /* in the order of the output, after predict() */
    size_t count;
    struct process *processes;
    size_t process_count;
    int ephemeral[2]; /* first and last ephemeral port, or zeros */
    bool denied;      /* whether this user may not bind the port */
    bool changed;     /* whether a socket was closed before its options were read */
    bool hidden;      /* whether the descriptors of some process cannot be read */
    bool foreign;     /* whether /proc shows another PID namespace */
    int diag_error;   /* of listing the sockets */
    int proc_error;   /* of listing the processes */
    int getfd_error;  /* of copying a descriptor, to read its options */
};

/* The kernel's names of the states, but BOUND for TCP_CLOSE: without a port, it is not listed. */
extern const char *const state_names[];

/* Returns whether a process should hold entry's socket but none was found. */
bool has_unseen_holder(const struct socket_entry *entry);

/*
 * Returns whether another snapshot may find the holder of a socket: a process of this user, or any
 * user if all can be inspected.
 */
bool may_find_holder(const struct snapshot *snapshot);

/* Returns whether a process that cannot be inspected may hold entry, and this matters. */
bool may_have_hidden_holder(const struct snapshot *snapshot, const struct socket_entry *entry);

/* Returns whether entry is a connection that its listener has not accepted yet. */
bool is_unaccepted(const struct socket_entry *entry);

/* Returns the worst result of all targets, for a server that sets SO_REUSEADDR if with. */
enum conflict worst_result(const struct snapshot *snapshot, bool with);

/* Orders sockets as they are printed, those that block first. Equal ones can share a line. */
int compare_groups(const struct socket_entry *left, const struct socket_entry *right);

/* Orders as compare_groups() does, and equal ones independently of the kernel's hash tables. */
int by_group(const void *a, const void *b);

/* Replaces bytes of text that are not printable by question marks, and NULs by spaces. */
char *printable(char *text, size_t length);

/* Size of a user name, with the NUL. */
#define USER_TEXT 257

/* Returns the name of user uid in text, or the number if /etc/passwd does not have it. */
const char *user_name(uid_t uid, char text[USER_TEXT]);

/* Makes room in array for one more element, and returns it. */
void *grow(void *array, size_t count, size_t size);

/* Frees the sockets and processes, and removes them. */
void free_snapshot(struct snapshot *snapshot);
#endif
