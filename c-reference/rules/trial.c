/*
 * rules/trial.c - one cell of the tables: what bind(2) and listen(2) result, beside what the rule says.
 *
 * Twin: src/rules/trial.rs.
 */
#include "rules/trial.h"
#include "output.h"
#include "rules/ports.h"
#include "sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often a state is tried, each time on another port, before it is believed that the kernel
 * contradicts the rule: on a network that we share, somebody may have come in between. */
#define TRIES 3

static struct result predict(const struct holder *holder, const struct tcp_socket *new);
static struct result attempt(const struct target *target, in_port_t port, bool reuseaddr,
                             bool reuseport);

struct cell try_scenario(enum scenario scenario, const struct target *holder_target,
                         bool holder_reuseaddr, bool holder_reuseport, const struct target *target,
                         bool reuseaddr, bool reuseport)
{
    const struct tcp_socket new = describe_new(target, reuseaddr, reuseport);
    struct cell cell;

    for (int i = 0; i < TRIES; i++) {
        /* 1. A port of its own for each trial: the kernel remembers what was bound to one. */
        struct holder holder = hold(scenario, holder_target, holder_reuseaddr, holder_reuseport);
        cell.predicted = predict(&holder, &new);
        cell.seen = attempt(target, holder.port, reuseaddr, reuseport);
        release(&holder);
        if (agrees(&cell))
            break;
    }
    return cell;
}

struct cell try_change(const struct target *target, const struct change *change)
{
    const struct tcp_socket new = describe_new(target, true, false);
    struct holder holder = {.exists = true, .peer = -1};

    /* 2. The holder goes its way from bind to accept, and its option changes on the way. */
    holder.fd = take_port(target, change->before, false, &holder.port);
    if (change->when == AFTER_BIND) {
        set_option(holder.fd, SOL_SOCKET, SO_REUSEADDR, change->after);
        holder.socket = describe(holder.fd, TCP_CLOSE);
    } else {
        int s = holder.fd;
        listen_on(s);
        if (change->when == AFTER_LISTEN)
            set_option(s, SOL_SOCKET, SO_REUSEADDR, change->after);
        holder.peer = connect_client(target, holder.port);
        if (change->when == AFTER_CONNECT)
            set_option(s, SOL_SOCKET, SO_REUSEADDR, change->after);
        holder.fd = accept_on(s);
        close(s);
        if (change->when == AFTER_ACCEPT)
            set_option(holder.fd, SOL_SOCKET, SO_REUSEADDR, change->after);
        holder.socket = describe(holder.fd, TCP_ESTABLISHED);
    }

    struct cell cell = {
        .predicted = predict(&holder, &new),
        .seen = attempt(target, holder.port, true, false),
    };
    release(&holder);
    return cell;
}

void try_listens(const struct target *target, struct cell cells[2])
{
    in_port_t port;
    int first = take_port(target, true, false, &port);
    int second = open_target(target, true, false);

    /* 3. Both bind; then the first listens, and the second may only after it. (C1) */
    const struct endpoint endpoint = with_port(target->endpoint, port);
    if (bind_socket(second, &endpoint) == -1)
        exit_with_error("bind", target->name);
    const struct tcp_socket new = describe(second, TCP_CLOSE);
    listen_on(first);
    const struct tcp_socket existing = describe(first, TCP_LISTEN);
    cells[0].predicted = (struct result){0, conflicts(&existing, &new) ? EADDRINUSE : 0};
    cells[0].seen = (struct result){0, listen(second, 1) == -1 ? errno : 0};

    /* 4. listen(2) that failed has left the second bound: it can be tried again. */
    close(first);
    cells[1].predicted = (struct result){0, 0};
    cells[1].seen = (struct result){0, listen(second, 1) == -1 ? errno : 0};
    close(second);
}

static struct result predict(const struct holder *holder, const struct tcp_socket *new)
{
    if (holder->exists && conflicts(&holder->socket, new))
        return (struct result){EADDRINUSE, NOT_TRIED};
    return (struct result){0, 0};
}

/* What a newcomer is answered by the kernel. */
static struct result attempt(const struct target *target, in_port_t port, bool reuseaddr,
                             bool reuseport)
{
    struct result result = {0, NOT_TRIED};

    int s = open_target(target, reuseaddr, reuseport);
    const struct endpoint endpoint = with_port(target->endpoint, port);
    if (bind_socket(s, &endpoint) == -1)
        result.bind = errno;
    else
        result.listen = listen(s, 1) == -1 ? errno : 0;
    close(s);
    return result;
}

bool agrees(const struct cell *cell)
{
    return cell->seen.bind == cell->predicted.bind && cell->seen.listen == cell->predicted.listen;
}
