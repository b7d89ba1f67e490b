/*
 * query: a Cypher query from its text to its rows and its effects.
 *
 *   query_prepare   text -> plan; says whether it writes and what its columns are
 *   query_start     on an open graph; may be started again after stop, on a newer state
 *   query_step      bounded work; rows go to the sink; BUSY until OK
 *   query_encode    what a writing query changed, as an operation for the log (graph_apply)
 *   query_stop
 *
 * Who runs a writing query opens the graph on a snapshot, steps it to its end, proposes the operation, and, when apply
 * answers a conflict, opens a newer state and starts again; rows of the first run are to be thrown away.
 * Time and chance come with the start, so that the same query on the same state gives the same rows. A query belongs to
 * one thread at a time, which may change between calls; `cancelled` may be set from any thread.
 */
#ifndef GRAPH_QUERY_H
#define GRAPH_QUERY_H

#include <stdatomic.h>

#include "graph/edit.h"
#include "graph/value.h"

enum {
    QUERY_MEMORY_DEFAULT_BYTES = 256 << 20,
    QUERY_STEP_WORK = 512, /* a step of about a tenth of a millisecond */
};

struct query;
struct cypher_fault;
struct cypher_catalogue;

/* Parses, checks, plans. The text is copied. SYNTAX, UNSUPPORTED, TOO_LARGE, INVALID: *query is there all the same, to
 * ask it what is wrong; only destroy and query_error_* may follow. NO_MEMORY: *query may be NULL. */
MUST_CHECK enum status query_prepare(struct slice text, struct query **query);
/* The same with procedures of the caller's; each in the catalogue is the head of a graph_procedure. */
MUST_CHECK enum status query_prepare_with(struct slice text, const struct cypher_catalogue *catalogue,
                                          struct query **query);
void query_destroy(struct query *query); /* NULL is allowed; stops it */

bool query_is_update(const struct query *query);
uint32_t query_column_count(const struct query *query); /* 0: it returns no rows */
struct slice query_column_name(const struct query *query, uint32_t column);
/* The plan as lines: "\n" ends each, four blanks per level. */
MUST_CHECK enum status query_explain(const struct query *query, struct buf *to);

/* Takes rows. Values are borrowed for the call; nodes and edges are read from the graph, which is as the query left it.
 * Anything but OK ends the query with that status. */
struct query_sink {
    enum status (*row)(void *context, struct graph *graph, const struct value *values, uint32_t count);
    void *context;
};

struct query_options {
    struct graph *graph;            /* open; borrowed until stop */
    struct query_sink sink;         /* row may be NULL: rows are dropped */
    size_t memory_limit_bytes;      /* 0: QUERY_MEMORY_DEFAULT_BYTES */
    struct value_pool *memory_pool; /* shared with other queries; may be NULL; borrowed until stop */
    uint64_t row_limit;             /* more rows are a fault; 0: no limit */
    uint64_t seed;                  /* rand(), and the order of nothing else */
    int64_t clock_ms;               /* timestamp() */
    const atomic_bool *cancelled;   /* may be NULL; borrowed until stop */
};

/* INVALID (a parameter is missing), TOO_LARGE, NO_MEMORY, UNSUPPORTED: query_error_text says more; stop follows all the
 * same. */
MUST_CHECK enum status query_start(struct query *query, const struct query_options *options);
/* OK: it has ended. BUSY: call again. CANCELLED; what the sink answered; WOULD_BLOCK, CORRUPT, IO from the graph; else
 * query_error_text says more. After anything but BUSY only stop may follow, or the calls below after OK. */
MUST_CHECK enum status query_step(struct query *query, uint64_t work);
void query_stop(struct query *query); /* harmless when it was not started */

/* Of the last failure of prepare, start or step: one line with the place in the text; "" if it was not the query's
 * fault (cancelled, the graph could not be read). NULL is allowed. Borrowed until the next start. */
const char *query_error_text(const struct query *query);
/* The same by its kind, for those inside the layer (graph/cypher/fault.h). */
const struct cypher_fault *query_fault(const struct query *query);
/* The most memory that the run held. */
size_t query_peak_bytes(const struct query *query);
/* What it holds as long as it is there: its text, tree and plan. */
size_t query_held_bytes(const struct query *query);
/* What it has changed so far. */
void query_get_counts(const struct query *query, struct graph_edit_counts *counts);
/* After OK: appends the operation; nothing if there is nothing to change. TOO_LARGE. */
MUST_CHECK enum status query_encode(const struct query *query, struct buf *operation);

#endif
