/*
 * explain/print_advice.c - prints the results of the trial binds, beside the predictions, and advice.
 * Rust counterpart: src/explain/print_advice.rs.
 */
#include "explain/print_advice.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>

/* Size of the text of an id_list, with room for more. */
#define TEXT_SIZE 256

static const char *const reason_texts[NO_REASON] = {
    [LISTENING] = "listening (C1)",
    [NEW_SOCKET_OFF] = "the new socket lacks SO_REUSEADDR (C2)",
    [OPTION_OFF] = "SO_REUSEADDR is off (C2)",
    [MUST_BE_OFF] = "SO_REUSEADDR must be off, as bind failed (C2)",
    [MAY_BE_OFF] = "SO_REUSEADDR may be off; it cannot be read (C2)",
    [MUST_BE_ON] = "SO_REUSEADDR must be on, as bind succeeded",
    [MAY_LACK_V6ONLY] = "IPV6_V6ONLY may be off; it cannot be read",
};

/* %s: the processes to stop, the seconds to wait, or the range of ports. */
static const char *const advice_texts[ADVICE_KINDS] = {
    [BIND_AS_ROOT] = "bind as root, or with CAP_NET_BIND_SERVICE",
    [BIND_LOCAL_ADDRESS] = "bind to an address of this machine; ip address lists them",
    [BIND_OTHER_ADDRESS] = "bind to an address that is neither multicast nor link-local",
    [SET_OPTION] = "set SO_REUSEADDR before bind",
    [STOP] = "stop %s",
    [STOP_OR_SET_OPTION] = "stop %s, or have it set SO_REUSEADDR",
    [CLOSE_PEER_FIRST] = "let the peer close before you stop %s; otherwise wait 60 s",
    [STOP_AND_WAIT] = "stop %s, then wait until 60 s after the peer closes",
    [WAIT_IN_TIME_WAIT] = "wait %s s (TIME_WAIT)",
    [WAIT_IN_FIN_WAIT2] = "wait %s s (FIN_WAIT2); if the peer closes, 60 s from then (TIME_WAIT)",
    [WAIT_FOR_PEER] = "wait until 60 s after the peer closes, or until the kernel gives up",
    [WAIT_FOR_ACK] = "wait until the peer acknowledges, or until the kernel gives up",
    [CLOSES_WITH_LISTENER] = "closed together with its listener",
    [FIND_HOLDER] = "stop the process that holds it; as root, ss -tanp may show it",
    [SET_OPTION_THERE] = "next time: set SO_REUSEADDR in their program too, before bind or connect",
    [CHOOSE_OTHER_PORT] = "or choose a port outside the ephemeral range (%s)",
};

/* Formats list as "1, 2, 3", in text. */
static const char *format_ids(const struct id_list *list, char text[TEXT_SIZE])
{
    char *end = text;

    *end = '\0';
    for (size_t i = 0; i < list->count && i < IDS_MAX; i++)
        end += sprintf(end, i == 0 ? "%zu" : ", %zu", list->ids[i]);
    if (list->count > IDS_MAX)
        sprintf(end, " and more");
    return text;
}

/* Prints how the result of the trial compares with the prediction. */
static const char *compare(const struct prediction *prediction)
{
    enum conflict conflict = prediction->conflict;

    if (prediction->error != 0 && prediction->error != EADDRINUSE)
        return conflict == NO_CONFLICT ? "; no socket conflicts"
               : conflict == CONFLICT  ? "; a socket conflicts"
                                       : "; a socket may conflict";
    if (is_wrong(prediction))
        return conflict == CONFLICT ? ", but EADDRINUSE was predicted" : ", but OK was predicted";
    return conflict == MAY_CONFLICT ? ", found by a trial bind" : ", as predicted";
}

void print_prediction(const struct endpoint *endpoint, const struct prediction *prediction)
{
    char text[ENDPOINT_TEXT];
    char ids[TEXT_SIZE];

    print("bind %s %s SO_REUSEADDR: %s%s\n", format_endpoint(endpoint, text),
          prediction->reuseaddr ? "with" : "without",
          prediction->error == 0 ? "OK" : error_name(prediction->error), compare(prediction));
    for (enum reason reason = 0; reason < NO_REASON; reason++) {
        const struct id_list *sockets = &prediction->reasons[reason];
        if (sockets->count > 0)
            print("    %s: %s\n", format_ids(sockets, ids), reason_texts[reason]);
    }
    if (prediction->error == EADDRINUSE && prediction->conflict == NO_CONFLICT)
        print("    the conflicting socket is not listed, or has just been closed\n");
}

/* Formats what replaces %s in the advice. */
static const char *format_value(const struct snapshot *snapshot, enum advice_kind kind,
                                const struct advice *advice, char text[TEXT_SIZE])
{
    const char *noun = advice->pids.count == 1 ? "process" : "processes";
    char ids[TEXT_SIZE];

    if (kind == CHOOSE_OTHER_PORT)
        snprintf(text, TEXT_SIZE, "%d to %d", snapshot->first_port, snapshot->last_port);
    else if (kind == WAIT_IN_TIME_WAIT || kind == WAIT_IN_FIN_WAIT2)
        snprintf(text, TEXT_SIZE, "%d", advice->seconds);
    else if (advice->pids.count == 0)
        return "its process";
    else
        snprintf(text, TEXT_SIZE, "%s %s", noun, format_ids(&advice->pids, ids));
    return text;
}

void print_advice(const struct snapshot *snapshot, const struct advice advice[ADVICE_KINDS])
{
    bool begun = false;
    char ids[TEXT_SIZE];
    char value[TEXT_SIZE];

    for (enum advice_kind kind = 0; kind < ADVICE_KINDS; kind++) {
        if (!advice[kind].applies)
            continue;
        if (!begun)
            print("\nWhat helps:\n");
        begun = true;
        print("    %s%s", format_ids(&advice[kind].sockets, ids),
              advice[kind].sockets.count > 0 ? ": " : "");
        print(advice_texts[kind], format_value(snapshot, kind, &advice[kind], value));
        print("\n");
    }
}
