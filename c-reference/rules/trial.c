/*
 * rules/trial.c - one cell of the tables: what bind(2) and listen(2) answer, beside what the rule says.
 *
 * Twin: src/rules/trial.rs.
 */
#include "reuseaddr.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often a state is tried, each time on another port, before it is believed that the kernel
 * contradicts the rule: on a network that we share, somebody may have come in between. */
#define TRIES 3

static struct answer predict(const struct tcp_socket *present, const struct tcp_socket *newcomer);
static struct answer attempt(const struct place *place, in_port_t port, bool reuseaddr,
                             bool reuseport);

struct cell try_state(enum state state, const struct place *present, bool present_reuseaddr,
                      bool present_reuseport, const struct place *place, bool reuseaddr,
                      bool reuseport)
{
    const struct tcp_socket newcomer = newcomer_for(place, reuseaddr, reuseport);
    struct cell cell;

    for (int i = 0; i < TRIES; i++) {
        /* 1. A port of its own for each trial: the kernel remembers what was bound to one. */
        struct holder holder = hold(state, present, present_reuseaddr, present_reuseport);
        cell.rule = predict(&holder.present, &newcomer);
        cell.seen = attempt(place, holder.port, reuseaddr, reuseport);
        release(&holder);
        if (agrees(&cell))
            break;
    }
    return cell;
}

struct cell try_order(const struct place *place, const struct order *order)
{
    const struct tcp_socket newcomer = newcomer_for(place, true, false);
    struct holder holder = {.peer = -1};

    /* 2. The holder goes its way from bind to accept, and its option changes on the way. */
    holder.fd = take_port(place, order->before, false, &holder.port);
    if (order->when == AFTER_BIND) {
        set_option(holder.fd, SOL_SOCKET, SO_REUSEADDR, order->after);
        holder.present = describe(holder.fd, BOUND);
    } else {
        int s = holder.fd;
        if (listen(s, 1) == -1)
            bail("listen", place->name);
        if (order->when == AFTER_LISTEN)
            set_option(s, SOL_SOCKET, SO_REUSEADDR, order->after);
        holder.peer = connect_peer(place, holder.port);
        if (order->when == AFTER_CONNECT)
            set_option(s, SOL_SOCKET, SO_REUSEADDR, order->after);
        holder.fd = accept(s, NULL, NULL);
        if (holder.fd == -1)
            bail("accept", place->name);
        close(s);
        if (order->when == AFTER_ACCEPT)
            set_option(holder.fd, SOL_SOCKET, SO_REUSEADDR, order->after);
        holder.present = describe(holder.fd, ESTABLISHED);
    }

    struct cell cell = {
        .rule = predict(&holder.present, &newcomer),
        .seen = attempt(place, holder.port, true, false),
    };
    release(&holder);
    return cell;
}

void try_listens(const struct place *place, struct cell cells[2])
{
    in_port_t port;
    int first = take_port(place, true, false, &port);
    int second = open_socket(place, true, false);

    /* 3. Both bind; then the first listens, and the second may only after it. (C1) */
    if (bind_socket(second, place, place->text, port) == -1)
        bail("bind", place->name);
    const struct tcp_socket newcomer = describe(second, BOUND);
    if (listen(first, 1) == -1)
        bail("listen", place->name);
    const struct tcp_socket present = describe(first, LISTEN);
    cells[0].rule = (struct answer){0, conflicts(&present, &newcomer) ? EADDRINUSE : 0};
    cells[0].seen = (struct answer){0, listen(second, 1) == -1 ? errno : 0};

    /* 4. listen(2) that failed has left the second bound: it can be tried again. */
    close(first);
    cells[1].rule = (struct answer){0, 0};
    cells[1].seen = (struct answer){0, listen(second, 1) == -1 ? errno : 0};
    close(second);
}

static struct answer predict(const struct tcp_socket *present, const struct tcp_socket *newcomer)
{
    if (conflicts(present, newcomer))
        return (struct answer){EADDRINUSE, NOT_TRIED};
    return (struct answer){0, 0};
}

/* What a newcomer is answered by the kernel. */
static struct answer attempt(const struct place *place, in_port_t port, bool reuseaddr,
                             bool reuseport)
{
    struct answer answer = {0, NOT_TRIED};

    int s = open_socket(place, reuseaddr, reuseport);
    if (bind_socket(s, place, place->text, port) == -1)
        answer.bind = errno;
    else
        answer.listen = listen(s, 1) == -1 ? errno : 0;
    close(s);
    return answer;
}

bool agrees(const struct cell *cell)
{
    return cell->seen.bind == cell->rule.bind && cell->seen.listen == cell->rule.listen;
}
