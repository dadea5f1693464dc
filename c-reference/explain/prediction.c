/*
 * explain/prediction.c - what a bind would answer: predicted by the rule, then tried.
 *
 * Twin: src/explain/prediction.rs.
 */
#include "explain/snapshot.h"
#include "sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Why a socket is in the way, or may be. */
enum reason { LISTENS, BIND_OFF, OFF, MUST_BE_OFF, MAY_BE_OFF, MUST_BE_ON, MAY_BE_V6ONLY, NONE };

static const char *const reasons[NONE] = {
    [LISTENS] = "C1, it listens",
    [BIND_OFF] = "C2, the bind has the option off",
    [OFF] = "C2, its option is off",
    [MUST_BE_OFF] = "C2, its option is off, as the answer tells",
    [MAY_BE_OFF] = "C2, its option may be off, it cannot be read",
    [MUST_BE_ON] = "its option is on, as the answer tells",
    [MAY_BE_V6ONLY] = "it may be v6only, which cannot be read",
};

static const char *name_of(enum prediction prediction);
static enum reason find_reason(const struct listed *socket, const struct endpoint *endpoint,
                               const struct verdict *verdict);

int try_bind(const struct endpoint *endpoint, bool option)
{
    int answer = 0;

    int s = open_socket(endpoint->family, false, option, false);
    if (bind_socket(s, endpoint) == -1)
        answer = errno;
    close(s);
    return answer;
}

struct verdict judge(const struct scene *scene, const struct endpoint *endpoint, bool option,
                     int answer)
{
    struct verdict verdict = {.option = option, .predicted = OK, .answer = answer};

    /* 1. One that stands in the way is enough. What is not listed may be one. */
    if (scene->diag_error != 0) {
        verdict.predicted = EITHER;
        verdict.undecided = 1;
    }
    for (size_t i = 0; i < scene->count_of_sockets; i++) {
        enum prediction one = predict_bind(&scene->sockets[i], endpoint, option);
        if (one == IN_USE || verdict.predicted == OK)
            verdict.predicted = one;
        verdict.undecided += one == EITHER;
    }
    return verdict;
}

enum prediction predict_bind(const struct listed *socket, const struct endpoint *endpoint,
                             bool option)
{
    struct tcp_socket newcomer = {
        .state = TCP_CLOSE,
        .family = endpoint->family,
        .address = endpoint->address,
        .reuseaddr = option,
    };
    bool conflicting = false;
    bool passing = false;

    /* 2. What cannot be read may be so or so. */
    for (int reuseaddr = 0; reuseaddr <= 1; reuseaddr++) {
        for (int v6only = 0; v6only <= 1; v6only++) {
            struct tcp_socket present = {
                .state = socket->state,
                .family = socket->local.family,
                .address = socket->local.address,
                .v6only = v6only,
                .reuseaddr = reuseaddr,
            };
            if ((socket->reuseaddr != UNKNOWN && socket->reuseaddr != reuseaddr) ||
                (socket->v6only != UNKNOWN && socket->v6only != v6only))
                continue;
            if (conflicts(&present, &newcomer))
                conflicting = true;
            else
                passing = true;
        }
    }
    if (conflicting && passing)
        return EITHER;
    return conflicting ? IN_USE : OK;
}

bool contradicts(const struct verdict *verdict)
{
    return (verdict->answer == 0 && verdict->predicted == IN_USE) ||
           (verdict->answer == EADDRINUSE && verdict->predicted == OK);
}

bool fails(const struct verdict *verdict)
{
    /* 3. EACCES is about a port below 1024, and not about who has it: for root the rule counts. */
    if (verdict->answer == EACCES)
        return verdict->predicted != OK;
    return verdict->answer != 0;
}

void print_verdict(const struct scene *scene, const struct endpoint *endpoint,
                   const struct verdict *verdict)
{
    char name[ENDPOINT_TEXT];
    int answer = verdict->answer;

    print("bind %s %s SO_REUSEADDR: %s", format_endpoint(endpoint, name),
          verdict->option ? "with" : "without", answer == 0 ? "OK" : error_name(answer));
    if (answer != 0 && answer != EADDRINUSE)
        print("; the rule says %s\n", name_of(verdict->predicted));
    else if (contradicts(verdict))
        print(", NOT as predicted: %s\n", name_of(verdict->predicted));
    else if (verdict->predicted == EITHER)
        print(", found by trying\n");
    else
        print(", as predicted\n");

    /* 4. Each reason, and whose it is. */
    for (enum reason reason = LISTENS; reason < NONE; reason++) {
        struct numbers numbers = {.count = 0};
        for (size_t i = 0; i < scene->count_of_sockets; i++) {
            if (find_reason(&scene->sockets[i], endpoint, verdict) == reason)
                add_number(&numbers, i + 1);
        }
        if (numbers.count > 0) {
            print("    %s: ", reasons[reason]);
            print_numbers(&numbers);
            print("\n");
        }
    }
    if (answer == EADDRINUSE && verdict->predicted == OK)
        print("    a socket is in the way that is not listed, or came and went meanwhile\n");
}

static const char *name_of(enum prediction prediction)
{
    return prediction == OK ? "OK" : prediction == IN_USE ? "EADDRINUSE" : "OK or EADDRINUSE";
}

/* Why socket is in the way of that bind, or may be; or NONE. */
static enum reason find_reason(const struct listed *socket, const struct endpoint *endpoint,
                               const struct verdict *verdict)
{
    enum prediction one = predict_bind(socket, endpoint, verdict->option);
    struct listed off = *socket;

    if (one == OK)
        return NONE;
    if (one == IN_USE && socket->state == TCP_LISTEN)
        return LISTENS;
    if (one == IN_USE)
        return verdict->option ? OFF : BIND_OFF;

    /* 5. If it hangs on its option alone, the answer tells that, unless another is in the way. */
    off.reuseaddr = 0;
    if (predict_bind(&off, endpoint, verdict->option) != IN_USE)
        return MAY_BE_V6ONLY;
    if (verdict->answer == 0)
        return MUST_BE_ON;
    bool alone = verdict->predicted == EITHER && verdict->undecided == 1;
    return alone && verdict->answer == EADDRINUSE ? MUST_BE_OFF : MAY_BE_OFF;
}
