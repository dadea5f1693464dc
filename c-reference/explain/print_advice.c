/*
 * explain/print_advice.c - prints the predictions with the results of the trial binds, and advice.
 * Rust counterpart: src/explain/print_advice.rs.
 */
#include "explain/print_advice.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>

/* Size of the text of an id_list, with room for more. */
#define TEXT_SIZE 256

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
    return conflict == MAY_CONFLICT ? ", not predictable, as an option cannot be read"
                                    : ", as predicted";
}

void print_prediction(const struct endpoint *endpoint, const struct prediction *prediction)
{
    char text[ENDPOINT_TEXT];
    char ids[TEXT_SIZE];

    print("bind %s %s SO_REUSEADDR: %s%s\n", format_endpoint(endpoint, text),
          prediction->reuseaddr ? "with" : "without",
          prediction->error == 0 ? "OK" : error_name(prediction->error), compare(prediction));
    for (size_t i = 0; i < prediction->reasons.count; i++) {
        const struct remark *reason = &prediction->reasons.remarks[i];
        print("    #%s: %s\n", format_ids(&reason->sockets, ids), reason->text);
    }
    if (prediction->error == EADDRINUSE && prediction->conflict == NO_CONFLICT)
        print("    the conflicting socket is not listed, or has just been closed\n");
}

/* Formats what replaces %s in advice. */
static const char *format_value(const struct snapshot *snapshot, const struct remark *advice,
                                char text[TEXT_SIZE])
{
    const char *noun = advice->pids.count == 1 ? "process" : "processes";
    char ids[TEXT_SIZE];

    if (advice->sockets.count == 0)
        snprintf(text, TEXT_SIZE, "%d to %d", snapshot->first_port, snapshot->last_port);
    else if (advice->seconds >= 0)
        snprintf(text, TEXT_SIZE, "%d", advice->seconds);
    else if (advice->pids.count == 0)
        return "the owner";
    else
        snprintf(text, TEXT_SIZE, "%s %s", noun, format_ids(&advice->pids, ids));
    return text;
}

void print_advice(const struct snapshot *snapshot, const struct remark_list *advice)
{
    char ids[TEXT_SIZE];
    char value[TEXT_SIZE];

    if (advice->count > 0)
        print("\nWhat helps:\n");
    for (size_t i = 0; i < advice->count; i++) {
        const struct remark *remark = &advice->remarks[i];
        print(remark->sockets.count > 0 ? "    #%s: " : "    ", format_ids(&remark->sockets, ids));
        print(remark->text, format_value(snapshot, remark, value));
        print("\n");
    }
}
