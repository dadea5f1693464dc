/* explain/prediction.h - predicts bind(2). Rust counterpart: src/explain/prediction.rs. */
#ifndef EXPLAIN_PREDICTION_H
#define EXPLAIN_PREDICTION_H
#include "explain/snapshot.h"

/* Whether existing sockets conflict with the new socket. Unknown options leave it open. */
enum conflict { NO_CONFLICT, MAY_CONFLICT, CONFLICT };

/* The prediction for one bind(2), beside the result of the trial. */
struct prediction {
    bool reuseaddr;             /* SO_REUSEADDR of the new socket */
    enum conflict conflict;     /* of all sockets together */
    int error;                  /* of the trial: 0 or errno */
    struct remark_list reasons; /* for the conflicts */
};

/* Predicts whether entry's socket conflicts with a new socket on endpoint. */
enum conflict predict_one(const struct socket_entry *entry, const struct endpoint *endpoint,
                          bool reuseaddr);

/* Predicts the result of bind(2) on endpoint from the sockets of the snapshot. */
struct prediction predict(const struct snapshot *snapshot, const struct endpoint *endpoint,
                          bool reuseaddr);

/* Returns whether the result of the trial contradicts the prediction. */
bool is_wrong(const struct prediction *prediction);

/* Returns whether bind(2) fails, for a user who may bind the port. */
bool bind_fails(const struct prediction *prediction);
#endif
