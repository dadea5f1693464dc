/*
 * reuseaddr.h - what the files of the C build know of each other.
 *
 * Twin: the mod lines of src/main.rs. In Rust the documentation stands at each function; here it
 * stands at each declaration.
 */
#ifndef REUSEADDR_H
#define REUSEADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define VERSION "0.1.0"

/* Room for an address as text, with its NUL. */
#define ADDRESS_TEXT sizeof "255.255.255.255:65535"
#define ENDPOINT_TEXT sizeof "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535"

/* An address of IPv4 or IPv6, and a port. */
struct endpoint {
    sa_family_t family;
    struct in6_addr address; /* an IPv4 address as IPv4-mapped */
    in_port_t port;
};

/* What a socket can be while it holds a port; named as in rules.c's table. */
enum state {
    BOUND,
    LISTEN,
    ESTABLISHED, /* accepted, its listener closed */
    CLIENT,      /* bound, then connected */
    FIN_WAIT1,
    FIN_WAIT2,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
    PASSIVE_CLOSED, /* the peer closed first, then we: it holds nothing any more */
};

/* A TCP socket, as far as it can stand in another one's way. */
struct tcp_socket {
    enum state state;
    sa_family_t family;
    struct in6_addr address; /* an IPv4 address as IPv4-mapped */
    bool v6only;             /* IPV6_V6ONLY; the kernel sets it for one specific IPv6 address */
    bool reuseaddr;          /* SO_REUSEADDR, as it is now */
    bool reuseport;          /* SO_REUSEPORT, as it is now */
    uid_t uid;
};

/*
 * conflict.c: whether present, which has a port, keeps newcomer from it: then bind(2) and listen(2)
 * fail with EADDRINUSE.
 */
bool conflicts(const struct tcp_socket *present, const struct tcp_socket *newcomer);

/* conflict.c: whether address is 0.0.0.0 (mapped) or ::, the wildcards. */
bool is_any(const struct in6_addr *address);

/* An address to bind, as a table names it. */
struct place {
    const char *name;
    sa_family_t family;
    const char *text;
    const char *reach; /* where a client finds what is bound to it */
    bool v6only;
};

/* Ports below those that Linux, unless told otherwise, chooses for clients (32768 and up). */
#define FIRST_PORT 10000
#define LAST_PORT 32767

/* rules/ports.c: moves to a network namespace of our own, lo up. Returns 0, or -1 with errno set. */
int own_network(void);

/* rules/ports.c: whether ::1 can be bound; if not, errno says why. */
bool has_ipv6(void);

/*
 * rules/ports.c: a socket for place with its options, bound to the next of these ports that nobody on this
 * network uses; the port goes to *port. Bails where that fails.
 */
int take_port(const struct place *place, bool reuseaddr, bool reuseport, in_port_t *port);

/* sock.c: an unbound socket for place, with its options. Bails where that fails. */
int open_socket(const struct place *place, bool reuseaddr, bool reuseport);

/* sock.c: calls bind(2) for text, an address of place's family. Returns 0, or -1 with errno. */
int bind_socket(int s, const struct place *place, const char *text, in_port_t port);

/* sock.c: connects s to where listener listens. Returns 0, or -1 with errno. */
int connect_to(int s, int listener);

/* sock.c: a client connected to what listens on place and port. Bails where that fails. */
int connect_peer(const struct place *place, in_port_t port);

/* sock.c: sets an int option of a socket. Bails where that fails. */
void set_option(int s, int level, int name, int value);

/* sock.c: what the rule has to know of s, read from the kernel; the state is the caller's. */
struct tcp_socket describe(int s, enum state state);

/* sock.c: what it has to know of a newcomer that is going to bind to place. */
struct tcp_socket newcomer_for(const struct place *place, bool reuseaddr, bool reuseport);

/* rules/holder.c: a socket that holds a port, and what keeps it as it is. */
struct holder {
    struct tcp_socket present;
    in_port_t port;
    int fd;   /* -1 once it is closed, and only the kernel knows it */
    int peer; /* the other end of its connection, or -1 */
};

/* rules/holder.c: puts a socket in state on place and a port of its own. Bails where that fails. */
struct holder hold(enum state state, const struct place *place, bool reuseaddr, bool reuseport);

/* rules/holder.c: closes what hold() opened, and the kernel forgets it, but for TIME_WAIT. */
void release(const struct holder *holder);

/* What bind(2) and then listen(2) answer: 0, errno, or NOT_TRIED. */
#define NOT_TRIED (-1)
struct answer {
    int bind;
    int listen;
};

/* rules/trial.c: one trial: what the kernel answered, and what the rule says. */
struct cell {
    struct answer seen;
    struct answer rule;
};

/* When, after bind, a holder's SO_REUSEADDR changes, and how. */
struct order {
    const char *text;
    bool before;
    enum { AFTER_BIND, AFTER_LISTEN, AFTER_CONNECT, AFTER_ACCEPT } when;
    bool after;
};

/* rules/trial.c: a holder in state on present, and a newcomer on place; the options of both. */
struct cell try_state(enum state state, const struct place *present, bool present_reuseaddr,
                      bool present_reuseport, const struct place *place, bool reuseaddr,
                      bool reuseport);

/* rules/trial.c: a holder on place whose option changes, and a newcomer with the option. */
struct cell try_order(const struct place *place, const struct order *order);

/*
 * rules/trial.c: two with the option are bound to place, and both listen. The second one's answers: while
 * the first one listens, in cells[0], and once it is closed, in cells[1].
 */
void try_listens(const struct place *place, struct cell cells[2]);

/* rules/trial.c: whether the kernel keeps the rule. */
bool agrees(const struct cell *cell);

/* rules.c: prints the tables, or with all the cross product. Returns the exit status. */
int rules(bool all);

/* abi.c: prints the layout, and tries calls with right and wrong arguments. Returns the exit status. */
int abi(void);

/* What the calls are tried on. */
struct objects {
    int bad;       /* a number that is no open descriptor */
    int file;      /* a descriptor, but no socket */
    int datagram;  /* a socket of UDP */
    int local;     /* a socket of AF_UNIX */
    int listening; /* a socket that listens on a port that the kernel chose */
    struct sockaddr_in address;
    const void *forbidden; /* a page that may not be read nor written */
};

/* abi/calls.c: tries calls. Returns how many were not answered as expected. */
int try_calls(void);

/* abi/calls.c: a socket to try calls on. Bails where there is none. */
int new_socket(int family, int type);

/*
 * abi/calls.c: prints what call answered to what text says: 0 or more as OK. Returns 1 if another errno than
 * expected was the answer, else 0.
 */
int expect(const char *call, const char *text, int expected, long result);

/* abi/sockopts.c: tries socket, setsockopt and getsockopt. Returns what try_calls() returns. */
int try_options(const struct objects *on);

/*
 * serve.c: serves every client on adr_srvr by a child of its own, for ever; with set_option,
 * SO_REUSEADDR is set before bind(2). Ends by bail() if a call fails.
 */
_Noreturn void serve(struct sockaddr_in adr_srvr, bool set_option);

/*
 * address.c: reads "[ADDRESS:]PORT" into *address; without ADDRESS it is 127.0.0.1.
 * Returns NULL, or the sentence that says what was expected.
 */
const char *parse_address(const char *text, struct sockaddr_in *address);

/* address.c: writes *address as "ADDRESS:PORT" into text and returns text. */
const char *format_address(const struct sockaddr_in *address, char text[ADDRESS_TEXT]);

/*
 * address.c: reads "[ADDRESS:]PORT" into *endpoint, where ADDRESS may be "[IPv6]"; without it, it is
 * 0.0.0.0. Returns NULL, or the sentence that says what was expected.
 */
const char *parse_endpoint(const char *text, struct endpoint *endpoint);

/* address.c: writes *endpoint as "ADDRESS:PORT" or "[IPv6]:PORT" into text and returns text. */
const char *format_endpoint(const struct endpoint *endpoint, char text[ENDPOINT_TEXT]);

/*
 * say.c: writes all length bytes of buffer to fd, however many calls it takes.
 * Returns 0, or -1 with errno set by write(2).
 */
int write_all(int fd, const void *buffer, size_t length);

/* say.c: writes one line to fd, by one write(2). A line that cannot be written is dropped. */
void say(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* output.c: says on stderr that call failed for subject, and errno's reason. */
void complain(const char *call, const char *subject);

/* output.c: complains, then ends the process with status 1. */
_Noreturn void bail(const char *call, const char *subject);

/* output.c: the name of an errno that the tables know. */
const char *error_name(int error);

/* output.c: prints them all, with strerror(3)'s words. */
void print_errors(void);

/* output.c: writes to stdout all of a text of up to 1023 bytes. Bails where that fails. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * explain.c: prints who has endpoint's port, and what a bind to it answers. Returns the exit status: 0
 * if a server that sets SO_REUSEADDR could bind.
 */
int explain(const struct endpoint *endpoint);

#endif
