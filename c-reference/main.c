/*
 * main.c - the command line: usage, version, dispatch.
 *
 * Twin: src/main.rs.
 */
#include "reuseaddr.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of a wrong word, so many bytes are quoted. */
#define QUOTE_MAX 64

static const char usage[] = "usage: reuseaddr serve [--no-reuseaddr] [[ADDRESS:]PORT]\n"
                            "       reuseaddr rules [--all]\n"
                            "       reuseaddr explain [ADDRESS:]PORT\n"
                            "       reuseaddr abi\n"
                            "       reuseaddr --help | --version\n";

static const char help[] =
    "\n"
    "serve   the forking echo server of Figure 12.1, on 127.0.0.1:9099 unless told\n"
    "        otherwise; --no-reuseaddr leaves out setsockopt(SO_REUSEADDR)\n"
    "rules   who may bind a port that somebody holds, tried on this kernel in every\n"
    "        state; --all tries every combination and prints CSV\n"
    "explain who has a port, and what a bind answers now, without SO_REUSEADDR and\n"
    "        with it; on 0.0.0.0 unless told otherwise; IPv6 in brackets: [::1]:9099\n"
    "abi     constants, sizes and offsets, and what calls answer to right and wrong\n"
    "        arguments\n"
    "\n"
    "Exit status: 1 for a call that failed, an answer that is not as expected, or an\n"
    "address that is not free; 2 for wrong usage.\n";

static void run_serve(char **words);
static int run_rules(char **words);
static int run_explain(char **words);
static int run_abi(char **words);
static _Noreturn void misuse(const char *word, const char *expected);

int main(int argc, char **argv)
{
    /* 1. Keep 0, 1 and 2 taken: a socket with one of these numbers would get our messages. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDONLY) == -1)
            bail("open", "/dev/null");
    }

    /* 2. Writing to a reader who has gone is an error to handle, and not the end. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        bail("signal", "SIGPIPE");

    /* 3. Help goes before everything, wherever it is asked for. */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print("%s%s", usage, help);
            return 0;
        }
    }

    /* 4. Run what the first word names. */
    if (argc < 2)
        misuse(NULL, "the command is missing; it must be serve, rules, explain or abi");
    else if (strcmp(argv[1], "--version") == 0)
        print("reuseaddr " VERSION "\n");
    else if (strcmp(argv[1], "serve") == 0)
        run_serve(argv + 2);
    else if (strcmp(argv[1], "rules") == 0)
        return run_rules(argv + 2);
    else if (strcmp(argv[1], "explain") == 0)
        return run_explain(argv + 2);
    else if (strcmp(argv[1], "abi") == 0)
        return run_abi(argv + 2);
    else
        misuse(argv[1], "the command must be serve, rules, explain or abi");
    return 0;
}

static void run_serve(char **words)
{
    const char *address = NULL;
    bool set_option = true;
    struct sockaddr_in adr_srvr;

    for (; *words != NULL; words++) {
        if (strcmp(*words, "--no-reuseaddr") == 0)
            set_option = false;
        else if (**words == '-')
            misuse(*words, "the only option of serve is --no-reuseaddr");
        else if (address == NULL)
            address = *words;
        else
            misuse(*words, "serve takes one [ADDRESS:]PORT");
    }
    if (address == NULL)
        address = "127.0.0.1:9099";

    const char *expected = parse_address(address, &adr_srvr);
    if (expected != NULL)
        misuse(address, expected);
    serve(adr_srvr, set_option);
}

static int run_rules(char **words)
{
    bool all = false;

    for (; *words != NULL; words++) {
        if (strcmp(*words, "--all") != 0)
            misuse(*words, "rules takes nothing but --all");
        all = true;
    }
    return rules(all);
}

static int run_explain(char **words)
{
    struct endpoint endpoint;

    if (*words == NULL)
        misuse(NULL, "explain needs one [ADDRESS:]PORT");
    if (words[1] != NULL)
        misuse(words[1], "explain takes one [ADDRESS:]PORT");
    const char *expected = parse_endpoint(*words, &endpoint);
    if (expected != NULL)
        misuse(*words, expected);
    return explain(&endpoint);
}

static int run_abi(char **words)
{
    if (*words != NULL)
        misuse(*words, "abi takes nothing");
    return abi();
}

static void misuse(const char *word, const char *expected)
{
    char quote[sizeof "\"\": " + 4 * QUOTE_MAX + sizeof "..."] = "";
    char *end = quote;

    /* 5. Quote the wrong word on one line and in ASCII, whatever its bytes are. */
    if (word != NULL) {
        const char *start = word;
        end += sprintf(end, "\"");
        for (; *word != '\0' && word - start < QUOTE_MAX; word++) {
            bool plain = ' ' <= *word && *word <= '~' && *word != '"' && *word != '\\';
            end += sprintf(end, plain ? "%c" : "\\x%02x", (unsigned char)*word);
        }
        sprintf(end, "%s\": ", *word != '\0' ? "..." : "");
    }
    say(STDERR_FILENO, "reuseaddr: %s%s\n", quote, expected);
    say(STDERR_FILENO, "%s", usage);
    _exit(2);
}
