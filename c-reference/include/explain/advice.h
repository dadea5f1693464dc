/* explain/advice.h - what makes bind(2) succeed. Rust counterpart: src/explain/advice.rs. */
#ifndef EXPLAIN_ADVICE_H
#define EXPLAIN_ADVICE_H

#include "explain/prediction.h"

/* Kinds of advice, in the order in which they are printed. */
enum advice_kind {
    /* to change the new socket */
    BIND_AS_ROOT, BIND_LOCAL_ADDRESS, BIND_OTHER_ADDRESS, SET_OPTION,
    /* to stop a process */
    STOP, STOP_OR_SET_OPTION, CLOSE_PEER_FIRST, STOP_AND_WAIT,
    /* to wait for a socket without a process */
    WAIT_IN_TIME_WAIT, WAIT_IN_FIN_WAIT2, WAIT_FOR_PEER, WAIT_FOR_ACK, CLOSES_WITH_LISTENER,
    /* to search, and to avoid the problem */
    FIND_HOLDER, SET_OPTION_THERE, CHOOSE_OTHER_PORT,
    ADVICE_KINDS
};

/* One piece of advice. */
struct advice {
    bool applies;
    struct id_list sockets; /* the sockets that it is about, if any */
    struct id_list pids;    /* the processes that hold them */
    int seconds;            /* the longest time left of them */
};

/* Derives the advice for a server that sets SO_REUSEADDR and binds to endpoint. */
void derive_advice(const struct snapshot *snapshot, const struct endpoint *endpoint,
                   const struct prediction *without, const struct prediction *with,
                   struct advice advice[ADVICE_KINDS]);

#endif
