/*
 * query_load: connections that each ask a query, wait for its rows, and ask the next one, driven by whoever runs the
 * io's loop: a load in its own right, or what goes on beside another one.
 */
#ifndef TOOLS_LOAM_BENCH_QUERY_LOAD_H
#define TOOLS_LOAM_BENCH_QUERY_LOAD_H

#include "engine/base/hist.h"
#include "engine/io.h"

struct query_load;

struct query_load_options {
    const char *address;
    const char *graph;
    unsigned clients;
    /* The next query's text, borrowed until the next call. */
    const char *(*next)(void *context);
    void *context;
};

struct query_load_result {
    uint64_t queries, errors;
    char first_error[128];
    struct hist latency_ns;
};

/* Connects and asks as soon as the loop runs. `options` is copied, what it points to borrowed. */
MUST_CHECK enum status query_load_start(struct io *io, const struct query_load_options *options,
                                        struct query_load **load);
/* Asks no more and runs the loop until what was asked is answered: nothing of it reaches into what is measured next.
   TIMED_OUT if that has not come about `limit_ns` from now. */
MUST_CHECK enum status query_load_finish(struct query_load *load, uint64_t limit_ns, struct error *error);
/* Ends it, whatever is under way, and frees it; *result is what has been answered, and OK or the first fault. */
MUST_CHECK enum status query_load_stop(struct query_load *load, struct query_load_result *result, struct error *error);

#endif
