/*
 * rules/target.c - the addresses in the tables of rules.
 * Rust counterpart: src/rules/target.rs.
 */
#include "rules/target.h"
#include "output.h"
#include "sock.h"

#include <sys/socket.h>
#include <unistd.h>

#define IPV4(in, a, b, c, d) \
    {.state = TCP_CLOSE, .family = in, .address.s6_addr = {[10] = 0xff, 0xff, a, b, c, d}}
#define IPV6(in6, only) \
    {.state = TCP_CLOSE, .family = AF_INET6, .address = in6, .v6only = only}

const struct target v4_lo = {"127.0.0.1", IPV4(AF_INET, 127, 0, 0, 1)};
const struct target v4_lo2 = {"127.0.0.2", IPV4(AF_INET, 127, 0, 0, 2)};
const struct target v4_any = {"0.0.0.0", IPV4(AF_INET, 0, 0, 0, 0)};
const struct target v6_lo = {"::1", IPV6(IN6ADDR_LOOPBACK_INIT, true)};
const struct target v6_any = {"::", IPV6(IN6ADDR_ANY_INIT, false)};
const struct target v6_only = {"::v6only", IPV6(IN6ADDR_ANY_INIT, true)};
const struct target mapped_lo = {"::ffff:127.0.0.1", IPV4(AF_INET6, 127, 0, 0, 1)};
const struct target mapped_any = {"::ffff:0.0.0.0", IPV4(AF_INET6, 0, 0, 0, 0)};

const struct target *const targets[TARGETS] = {
    &v4_lo, &v4_lo2, &v4_any, &v6_lo, &v6_any, &v6_only, &mapped_lo, &mapped_any,
};

struct tcp_socket with_options(const struct target *target, bool reuseaddr, bool reuseport)
{
    struct tcp_socket plan = target->socket;
    plan.reuseaddr = reuseaddr;
    plan.reuseport = reuseport;
    plan.uid = geteuid();
    return plan;
}

void set_user(int s, const struct tcp_socket *plan)
{
    if (plan->uid != geteuid() && fchown(s, plan->uid, (gid_t)-1) == -1)
        exit_with_error("fchown", "TCP socket");
}

int open_planned(const struct tcp_socket *plan)
{
    int s = open_socket(plan->family, plan->v6only, plan->reuseaddr, plan->reuseport);
    set_user(s, plan);
    if (plan->device != 0)
        set_option(s, SOL_SOCKET, SO_BINDTOIFINDEX, (int)plan->device);
    return s;
}

int bind_planned(int s, const struct tcp_socket *plan, in_port_t port)
{
    const struct endpoint endpoint = {plan->family, plan->address, port};
    return bind_socket(s, &endpoint);
}
