/*
 * rules/trial.c - one cell of the tables: what bind(2) and listen(2) return, and the prediction.
 * Rust counterpart: src/rules/trial.rs.
 */
#include "rules/trial.h"
#include "output.h"
#include "sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Attempts before a contradiction counts. If the network is not private, other processes can bind
 * to the port during an attempt. */
#define ATTEMPTS 3

bool agrees(const struct cell *cell)
{
    return cell->seen.bind == cell->predicted.bind && cell->seen.listen == cell->predicted.listen;
}

/* Returns 0, or the errno value of listen(2). */
static int try_listen(int s)
{
    return listen(s, 1) == -1 ? errno : 0;
}

struct cell try_new_socket(struct ports *ports, enum scenario scenario, enum moment change,
                           const struct tcp_socket *existing, const struct tcp_socket *new)
{
    for (int attempts = 1;; attempts++) {
        const struct holder holder = make_holder(ports, scenario, change, existing);
        bool conflict = holder.exists && conflicts(&holder.socket, new);
        struct cell cell = {.predicted.bind = conflict ? EADDRINUSE : 0};

        int s = open_planned(new);
        if (bind_planned(s, new, ports->port) == -1)
            cell.seen.bind = errno;
        else
            cell.seen.listen = try_listen(s);
        close(s);
        release_holder(&holder);
        if (agrees(&cell) || attempts == ATTEMPTS)
            return cell;
    }
}

void try_two_listeners(struct ports *ports, const struct tcp_socket *plan, struct cell cells[2])
{
    int first = take_port(ports, plan);
    int second = open_planned(plan);
    if (bind_planned(second, plan, ports->port) == -1)
        exit_with_error("bind", "TCP socket");
    listen_on(first);
    struct tcp_socket existing = *plan;
    existing.state = TCP_LISTEN;

    cells[0] = (struct cell){.predicted.listen = conflicts(&existing, plan) ? EADDRINUSE : 0};
    cells[0].seen.listen = try_listen(second);

    /* After listen(2) has failed, the socket is still bound, and listen(2) can be tried again. */
    close(first);
    cells[1] = (struct cell){.seen.listen = try_listen(second)};
    close(second);
}
