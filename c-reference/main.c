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

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION "0.1.0"

/* Number of bytes of a wrong argument that are quoted. */
#define QUOTE_MAX 64

static const char usage[] = "usage: reuseaddr serve [--no-reuseaddr] [[ADDRESS:]PORT]\n"
                            "       reuseaddr rules [--all]\n"
                            "       reuseaddr explain [ADDRESS:]PORT\n"
                            "       reuseaddr abi\n"
                            "       reuseaddr --help | --version\n";

static const char help[] =
    "\n"
    "serve    the forking echo server of Figure 12.1, on 127.0.0.1 and port 9099 by\n"
    "         default; --no-reuseaddr leaves out setsockopt(SO_REUSEADDR)\n"
    "rules    which sockets conflict, tested on this kernel in each state that can\n"
    "         hold a port; --all tests every combination and prints CSV\n"
    "explain  the sockets and processes that use a port, the result of bind(2) with\n"
    "         and without SO_REUSEADDR, and what would make it succeed. PORT alone\n"
    "         means 0.0.0.0:PORT; IPv6 addresses are in brackets, as in [::1]:9099\n"
    "abi      constants, sizes and offsets; results of system calls with right and\n"
    "         wrong arguments\n"
    "\n"
    "Exit status: 0 for success; 1 if a call fails, if a result is not the expected\n"
    "one, or if bind(2) to the address given to explain fails even with SO_REUSEADDR;\n"
    "2 for wrong usage.\n";

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

static int run_rules(char **arguments)
{
    bool all = false;

    for (; *arguments != NULL; arguments++) {
        if (strcmp(*arguments, "--all") != 0)
            usage_error(*arguments, "the only argument of rules is --all");
        all = true;
    }
    return rules(all);
}

static int run_explain(char **arguments)
{
    struct endpoint endpoint;

    if (*arguments == NULL)
        usage_error(NULL, "explain needs one [ADDRESS:]PORT");
    if (arguments[1] != NULL)
        usage_error(arguments[1], "explain takes one [ADDRESS:]PORT");
    const char *expected = parse_endpoint(*arguments, INADDR_ANY, &endpoint);
    if (expected != NULL)
        usage_error(*arguments, expected);
    return explain(&endpoint);
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
