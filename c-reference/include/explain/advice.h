/* explain/advice.h - what makes bind(2) succeed. Rust counterpart: src/explain/advice.rs. */
#ifndef EXPLAIN_ADVICE_H
#define EXPLAIN_ADVICE_H
#include "explain/prediction.h"

/* Returns the advice for a server that sets SO_REUSEADDR and binds to endpoint. */
struct remark_list derive_advice(const struct snapshot *snapshot, const struct endpoint *endpoint,
                                 const struct prediction *without, const struct prediction *with);
#endif
