/*
 * rules/sequences.c - random sequences of calls on one port.
 *
 * A sequence creates up to five sockets. The result of each call is compared with what the rule
 * predicts from the sockets on the port and, through the bucket, from earlier ones. A sequence
 * ends at the first contradiction.
 * Rust counterpart: src/rules/sequences.rs.
 */
#include "rules/sequences.h"
#include "output.h"
#include "rules/trial.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Number of calls that are drawn for a sequence. A draw that is not possible is skipped. */
#define DRAWS 16

/* The calls to draw from. Those that can fail are more frequent. */
static const char *const calls[] = {
    "bind", "bind", "bind", "listen", "listen", "listen", "close", "connect", "accept",
    "setsockopt",
};

/* A sequence of calls on the port taken last. */
struct sequence {
    struct ports *ports;
    uint64_t random;
    uint64_t number;
    int steps;
    unsigned created;
};

/* Returns a random number below limit. */
static unsigned draw(struct sequence *run, unsigned limit)
{
    /* Knuth's MMIX generator. The upper bits are more random. */
    run->random = run->random * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(run->random >> 33) % limit;
}

static bool draw_bool(struct sequence *run)
{
    return draw(run, 2) == 1;
}

/* Prints a row for a call of *socket. */
static void print_row(struct sequence *run, const struct tcp_socket *socket, const char *call,
                      const struct outcome *outcome)
{
    const char *name = NULL;

    for (size_t i = 0; i < TARGETS; i++) {
        const struct tcp_socket *one = &targets[i]->socket;
        bool v6only = !IN6_IS_ADDR_UNSPECIFIED(&one->address) || one->v6only == socket->v6only;
        if (one->family == socket->family && v6only &&
            IN6_ARE_ADDR_EQUAL(&one->address, &socket->address))
            name = targets[i]->name;
    }
    count_result(run->ports, agrees(outcome));
    print("%llu,%d,%s,%d,%d,%d,%u,%s,%s,%s\n", (unsigned long long)run->number, ++run->steps, name,
          socket->reuseaddr, socket->reuseport, socket->uid != geteuid(), socket->device, call,
          result_name(outcome->seen), result_name(outcome->predicted));
}

/* Draws a socket to bind: address, options, user and device. */
static struct tcp_socket draw_plan(struct sequence *run)
{
    const struct target *target = targets[draw(run, run->ports->ipv6 ? TARGETS : 3)];
    struct tcp_socket plan = with_options(target, false, false);

    plan.reuseaddr = draw_bool(run);
    plan.reuseport = draw_bool(run);
    if (draw_bool(run))
        plan.uid = run->ports->other_user;
    /* Device 2 need not exist: IPv4 and :: do not require it. */
    bool is_ipv6 = plan.family == AF_INET6 && !IN6_IS_ADDR_UNSPECIFIED(&plan.address);
    plan.device = draw(run, is_ipv6 ? 2 : 3);
    return plan;
}

/* Draws a call and, for all but bind(2), a socket. If the call is possible, makes and prints it. */
static void take_step(struct sequence *run, unsigned limit)
{
    struct ports *ports = run->ports;
    const char *call = calls[draw(run, LENGTH(calls))];
    struct outcome outcome = {0, 0};

    if (run->created == 0 || (strcmp(call, "bind") == 0 && run->created < limit)) {
        const struct tcp_socket plan = draw_plan(run);
        run->created++;
        outcome = bind_step(ports, &plan);
        print_row(run, &plan, "bind", &outcome);
        return;
    }
    size_t count = ports->count, listeners = 0;
    if (count == 0)
        return;
    size_t index = draw(run, (unsigned)count);
    struct tcp_socket socket = ports->sockets[index];
    for (size_t i = 0; i < count; i++)
        listeners += ports->sockets[i].state == TCP_LISTEN;
    bool is_bound = socket.state == TCP_CLOSE, is_reachable = socket.device < 2;
    /* If others listen, the kernel may choose one of them for the connection. */
    bool accepts = socket.state == TCP_LISTEN && listeners == 1 && run->created < limit;
    if (strcmp(call, "listen") == 0 && is_bound) {
        outcome = listen_step(ports, index);
    } else if (strcmp(call, "connect") == 0 && is_bound && is_reachable) {
        connect_step(ports, index);
        socket = ports->sockets[index];
    } else if (strcmp(call, "accept") == 0 && accepts && is_reachable) {
        run->created++;
        int peer = reach_step(ports, index);
        accept_step(ports, index, peer);
        socket = ports->sockets[count];
    } else if (strcmp(call, "close") == 0 && !socket.orphan) {
        close_step(ports, index);
    } else if (strcmp(call, "setsockopt") == 0 && !socket.orphan) {
        int option = draw_bool(run) ? SO_REUSEADDR : SO_REUSEPORT;
        toggle_step(ports, index, option);
        socket = ports->sockets[index];
    } else {
        return;
    }
    print_row(run, &socket, call, &outcome);
}

void print_sequences(struct ports *ports, uint64_t count, uint64_t seed)
{
    struct sequence run = {.ports = ports, .random = seed};

    print("sequence,step,address,reuseaddr,reuseport,user,device,call,result,predicted\n");
    while (run.number < count) {
        unsigned long contradictions = ports->contradictions;
        unsigned limit = 2 + draw(&run, 4);
        run.number++;
        run.steps = 0;
        run.created = 0;
        take_port(ports);
        hold_output();
        for (int i = 0; i < DRAWS; i++)
            if (ports->contradictions == contradictions)
                take_step(&run, limit);
        release_port(ports);
        if (write_held() == -1)
            exit_with_error("write", "standard output");
    }
}
