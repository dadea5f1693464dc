/* explain/snapshot.h - what is around a port. Rust counterpart: src/explain/snapshot.rs. */
#ifndef EXPLAIN_SNAPSHOT_H
#define EXPLAIN_SNAPSHOT_H

#include "address.h"
#include "conflict.h"
#include "output.h"

#include <stdint.h>
#include <stdlib.h>

/* Of an option that cannot be read. */
#define UNKNOWN (-1)

/* A socket as sock_diag(7) lists it; its options as getsockopt(2) says. */
struct listed {
    const char *name; /* of its state */
    int state;
    struct endpoint local;
    struct endpoint peer;
    uint64_t cookie; /* the kernel's name for it, whatever becomes of it */
    unsigned inode;  /* 0: no process has it, or none yet */
    int seconds;    /* TIME_WAIT and FIN_WAIT2 without a process: how long still; else -1 */
    int reuseaddr;  /* 0, 1 or UNKNOWN, */
    int reuseport;  /* as are these */
    int v6only;
};

/* Room for what /proc/PID/status calls Name, with its NUL: TASK_COMM_LEN, doubled by escapes. */
#define COMMAND_TEXT 32

struct process {
    pid_t pid;
    pid_t parent;
    uid_t uid; /* the effective one */
    char command[COMMAND_TEXT];
    bool holds; /* the port, and not only a peer */
};

/* A process's descriptor for a socket. */
struct owner {
    unsigned inode;
    size_t process; /* which one of the scene */
    int fd;
};

/* What is seen around a port. */
struct scene {
    in_port_t port;
    struct listed *sockets; /* that have the port */
    size_t count_of_sockets;
    size_t others; /* so many more have it, on addresses that do not matter */
    struct listed *peers; /* of these, if they are on this machine */
    size_t count_of_peers;
    struct process *processes; /* that have one of all these, by pid */
    size_t count_of_processes;
    struct owner *owners; /* by inode, pid and descriptor */
    size_t count_of_owners;
    bool hidden;     /* whether there are processes whose descriptors may not be seen */
    int diag_error;  /* why the sockets cannot be listed, */
    int proc_error;  /* or the processes, */
    int getfd_error; /* or the options of a socket be read; else 0 */
};

/* Room in an array for one more. Rust has Vec::push. Bails where there is no memory. */
static inline void *grow(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    array = realloc(array, (count == 0 ? 1 : 2 * count) * size);
    if (array == NULL)
        exit_with_error("realloc", "a table");
    return array;
}

/* explain/sock_diag.c: finds the sockets of scene's port; what prevents it is scene's diag_error. */
void find_sockets(struct scene *scene);

/* explain/procfs.c: finds who has the sockets of scene, and reads their options. */
void find_owners(struct scene *scene);

/* explain/snapshot.c: what is around port now. */
struct scene look(in_port_t port);

/* explain/snapshot.c: leaves out the sockets that the kernel lists no more, and puts the others in order. */
void keep_present(struct scene *scene);

/* explain/snapshot.c: marks the processes that have one of the sockets. */
void mark_holders(struct scene *scene);

/* explain/snapshot.c: those who have a socket: the first, and to *count how many. */
const struct owner *owners_of(const struct scene *scene, const struct listed *socket,
                              size_t *count);

/* explain/snapshot.c: whether a process seems to have the socket, but none is seen. */
bool is_out_of_sight(const struct scene *scene, const struct listed *socket);

/* explain/snapshot.c: frees what look() found. Rust does so by itself. */
static inline void forget(const struct scene *scene)
{
    free(scene->sockets);
    free(scene->peers);
    free(scene->processes);
    free(scene->owners);
}

/* explain/print_sockets.c: prints the sockets of scene, with those who have them, and what could not be seen. */
void list(const struct scene *scene);

/* So many numbers of a set are printed. */
#define NUMBERS_MAX 8

/* Different numbers, and one more than are printed if there are more. */
struct numbers {
    size_t count;
    size_t number[NUMBERS_MAX + 1];
};

/* explain/print_sockets.c: puts number into *numbers, if it is not there and there is room. */
void add_number(struct numbers *numbers, size_t number);

/* explain/print_sockets.c: prints numbers, and whether there are more. */
void print_numbers(const struct numbers *numbers);

/* explain/print_tree.c: draws the processes of scene with their sockets, parents above children. */
void draw(const struct scene *scene);

/* What a bind is predicted to answer, by all sockets, or because of one. */
enum prediction { OK, IN_USE, EITHER };

/* A bind, with SO_REUSEADDR or without. */
struct verdict {
    bool option;
    enum prediction predicted;
    size_t undecided; /* so many sockets may be in the way or not */
    int answer;       /* 0 or errno */
};

/* explain/prediction.c: binds a new socket to endpoint, and closes it. Returns 0, or what bind(2) set errno to. */
int try_bind(const struct endpoint *endpoint, bool option);

/* explain/prediction.c: what a bind to endpoint is predicted to answer, beside its answer. */
struct verdict judge(const struct scene *scene, const struct endpoint *endpoint, bool option,
                     int answer);

/* explain/prediction.c: what a bind to endpoint, with SO_REUSEADDR or without, answers because of socket. */
enum prediction predict_bind(const struct listed *socket, const struct endpoint *endpoint,
                             bool option);

/* explain/prediction.c: whether the answer is another one than was predicted. */
bool contradicts(const struct verdict *verdict);

/* explain/prediction.c: whether the bind fails. */
bool fails(const struct verdict *verdict);

/* explain/prediction.c: prints a verdict, and which sockets of scene it is due to. */
void print_verdict(const struct scene *scene, const struct endpoint *endpoint,
                   const struct verdict *verdict);

/* explain/advice.c: prints what would make endpoint free for a server that sets SO_REUSEADDR. */
void print_help(const struct scene *scene, const struct endpoint *endpoint,
                const struct verdict *without, const struct verdict *with);

#endif
