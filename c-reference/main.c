/*
 * main.c - the command line: arguments, usage, dispatch.
 * Rust counterpart: src/main.rs.
 */
#include "abi.h"
#include "address.h"
#include "explain.h"
#include "output.h"
#include "rules.h"
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION "0.1.0"

/* Default number of sequences of rules --sequences. */
#define SEQUENCES 1000

/* Number of bytes of a wrong argument that are quoted. */
#define QUOTE_MAX 64

static const char usage[] = "usage: reuseaddr serve [--no-reuseaddr] [[ADDRESS:]PORT]\n"
                            "       reuseaddr rules [--all | --sequences [COUNT [SEED]]]\n"
                            "       reuseaddr explain [--try] [--all] [ADDRESS:]PORT\n"
                            "       reuseaddr abi\n"
                            "       reuseaddr --help | --version\n";

static const char help[] =
    "\n"
    "serve    the forking echo server of Figure 12.1, on 127.0.0.1 and port 9099 by\n"
    "         default; --no-reuseaddr leaves out setsockopt(SO_REUSEADDR)\n"
    "rules    which sockets conflict, tested on this kernel in each state that can\n"
    "         hold a port; CSV of every combination (--all) or random --sequences\n"
    "explain  whether a server can bind a port, why not, what helps, and the sockets\n"
    "         and processes that use the port. PORT alone means 127.0.0.1, 0.0.0.0\n"
    "         and [::]. --all lists each socket separately. --try\n"
    "         binds the port for an instant: a server that starts just then can fail\n"
    "abi      constants, sizes and offsets; results of system calls with right and\n"
    "         wrong arguments\n"
    "\n"
    "Exit status: 0 for success; 1 if a call fails or a result is not the expected\n"
    "one; 2 for wrong usage. explain: 0 if the port is free for a server that sets\n"
    "SO_REUSEADDR, even if this user may not bind it, 1 if the port is in use, 3 if\n"
    "that cannot be determined.\n";

/* Prints the wrong argument, what was expected and the usage. Exits with status 2. */
static _Noreturn void usage_error(const char *argument, const char *expected)
{
    char quote[sizeof "\"\": " + 4 * QUOTE_MAX + sizeof "..."] = "";
    char *end = quote;

    /* Quote the argument in ASCII and on one line, whatever its bytes are. */
    if (argument != NULL) {
        const char *start = argument;
        end += sprintf(end, "\"");
        for (; *argument != '\0' && argument - start < QUOTE_MAX; argument++) {
            bool plain =
                ' ' <= *argument && *argument <= '~' && *argument != '"' && *argument != '\\';
            end += sprintf(end, plain ? "%c" : "\\x%02x", (unsigned char)*argument);
        }
        sprintf(end, "%s\": ", *argument != '\0' ? "..." : "");
    }
    print_note("reuseaddr: %s%s\n%s", quote, expected, usage);
    _exit(2);
}

static _Noreturn void run_serve(char **arguments)
{
    const char *address = NULL;
    bool reuse = true;
    struct endpoint endpoint;
    union socket_address adr_srvr;

    for (; *arguments != NULL; arguments++) {
        if (strcmp(*arguments, "--no-reuseaddr") == 0)
            reuse = false;
        else if (**arguments == '-')
            usage_error(*arguments, "the only option of serve is --no-reuseaddr");
        else if (address == NULL)
            address = *arguments;
        else
            usage_error(*arguments, "serve takes one [ADDRESS:]PORT");
    }
    if (address == NULL)
        address = "127.0.0.1:9099";

    const char *expected = parse_endpoint(address, INADDR_LOOPBACK, &endpoint);
    if (expected != NULL)
        usage_error(address, expected);
    if (endpoint.family != AF_INET)
        usage_error(address, "the ADDRESS of serve must be an IPv4 address");
    make_sockaddr(&endpoint, &adr_srvr);
    serve(adr_srvr.v4, reuse);
}

/* Reads a number from 1. */
static uint64_t parse_number(const char *argument)
{
    errno = 0;
    uint64_t number = strtoull(argument, NULL, 10);
    if (errno != 0 || number == 0 || argument[strspn(argument, "0123456789")] != '\0')
        usage_error(argument, "COUNT and SEED are numbers from 1");
    return number;
}

static int run_rules(char **arguments)
{
    static const char expected[] = "rules takes --all, or --sequences [COUNT [SEED]]";
    uint64_t numbers[2] = {SEQUENCES, 1};

    if (*arguments == NULL)
        return rules(false, 0, 0);
    bool all = strcmp(*arguments, "--all") == 0;
    if (!all && strcmp(*arguments, "--sequences") != 0)
        usage_error(*arguments, expected);
    for (int i = 0; *++arguments != NULL; i++) {
        if (all || i == 2)
            usage_error(*arguments, expected);
        numbers[i] = parse_number(*arguments);
    }
    return rules(all, all ? 0 : numbers[0], numbers[1]);
}

static int run_explain(char **arguments)
{
    const char *address = NULL;
    bool trial = false, all = false;
    struct endpoint endpoints[3];
    size_t count = 1;

    for (; *arguments != NULL; arguments++) {
        if (strcmp(*arguments, "--try") == 0)
            trial = true;
        else if (strcmp(*arguments, "--all") == 0)
            all = true;
        else if (**arguments == '-')
            usage_error(*arguments, "the options of explain are --try and --all");
        else if (address == NULL)
            address = *arguments;
        else
            usage_error(*arguments, "explain takes one [ADDRESS:]PORT");
    }
    if (address == NULL)
        usage_error(NULL, "explain needs one [ADDRESS:]PORT");

    /* As ss(8) and others write a port on any address: *:PORT and :PORT. */
    const char *port = address + (*address == '*');
    port = *port == ':' && strchr(port + 1, ':') == NULL ? port + 1 : address;
    const char *colon = strrchr(port, ':');
    if (strcmp(colon == NULL ? port : colon + 1, "0") == 0)
        usage_error(address, "port 0 means any free port of net.ipv4.ip_local_port_range");
    const char *expected = parse_endpoint(port, INADDR_LOOPBACK, &endpoints[0]);
    if (expected != NULL)
        usage_error(address, expected);
    if (colon == NULL) {
        parse_endpoint(port, INADDR_ANY, &endpoints[count++]);
        endpoints[count] = endpoints[0];
        endpoints[count].family = AF_INET6;
        endpoints[count++].address = in6addr_any;
    }
    return explain(endpoints, count, trial, all);
}

static void ignore_signal(int number, const char *name)
{
    struct sigaction ignore;

    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    if (sigaction(number, &ignore, NULL) == -1)
        exit_with_error("sigaction", name);
}

int main(int argc, char **argv)
{
    /* If a standard stream is closed, open /dev/null in its place, read-only, so that writes still
     * fail. Otherwise a socket could become descriptor 1 or 2, and get our messages. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDONLY) == -1)
            exit_with_error("open", "/dev/null");
    }

    /* With SIGPIPE ignored, write(2) fails with EPIPE. With SIGCHLD ignored, the kernel reaps the
     * children of serve. */
    ignore_signal(SIGPIPE, "SIGPIPE");
    ignore_signal(SIGCHLD, "SIGCHLD");

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print("%s", usage);
            print("%s", help);
            return 0;
        }
    }

    if (argc < 2)
        usage_error(NULL, "the command is missing: serve, rules, explain or abi");
    if (strcmp(argv[1], "serve") == 0)
        run_serve(argv + 2);
    if (strcmp(argv[1], "rules") == 0)
        return run_rules(argv + 2);
    if (strcmp(argv[1], "explain") == 0)
        return run_explain(argv + 2);
    if (strcmp(argv[1], "abi") == 0) {
        if (argc > 2)
            usage_error(argv[2], "abi takes no argument");
        return abi();
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        if (argc > 2)
            usage_error(argv[2], "--version takes no argument");
        print("reuseaddr " VERSION "\n");
        return 0;
    }
    usage_error(argv[1], "the command must be serve, rules, explain or abi");
}
