/*
 * rules/trial.c - one cell of the tables: what bind(2) and listen(2) return, and the prediction.
 * Rust counterpart: src/rules/trial.rs.
 */
#include "rules/trial.h"
#include "output.h"

/* Attempts before a contradiction counts. If the network is not private, other processes can bind
 * to the port during an attempt. */
#define ATTEMPTS 3

/* Returns whether both outcomes are as predicted. */
static bool is_right(const struct cell *cell)
{
    return agrees(&cell->bind) && agrees(&cell->listen);
}

bool count_cell(struct ports *ports, const struct cell *cell)
{
    return count_result(ports, is_right(cell));
}

const char *result_name(int error)
{
    return error == 0 ? "OK" : error_name(error);
}

/* Binds a new socket to the port, and calls listen(2) if bind(2) succeeds. */
static struct cell try_bind(struct ports *ports, const struct tcp_socket *new)
{
    size_t index = ports->count;
    struct cell cell = {.bind = bind_step(ports, new)};
    if (cell.bind.seen == 0 && cell.bind.predicted == 0)
        cell.listen = listen_step(ports, index);
    return cell;
}

struct cell try_new_socket(struct ports *ports, enum scenario scenario, enum moment change,
                           const struct tcp_socket *existing, const struct tcp_socket *new)
{
    for (int attempts = 1;; attempts++) {
        make_holder(ports, scenario, change, existing);
        const struct cell cell = try_bind(ports, new);
        release_port(ports);
        if (is_right(&cell) || attempts == ATTEMPTS)
            return cell;
    }
}

struct cell try_last(struct ports *ports, const struct tcp_socket *plans, size_t n)
{
    take_port(ports);
    for (size_t i = 0; i < n - 1; i++)
        bind_step(ports, &plans[i]);
    const struct cell cell = try_bind(ports, &plans[n - 1]);
    release_port(ports);
    return cell;
}

void try_two_listeners(struct ports *ports, const struct tcp_socket *plan, struct cell cells[2])
{
    take_port(ports);
    bind_step(ports, plan);
    bind_step(ports, plan);
    listen_step(ports, 0);
    cells[0] = (struct cell){.listen = listen_step(ports, 1)};

    /* After listen(2) has failed, the socket is still bound, and listen(2) can be tried again. */
    close_step(ports, 0);
    cells[1] = (struct cell){.listen = listen_step(ports, 0)};
    release_port(ports);
}
