/*
 * result: the reply to a query, verbose and compact, as FalkorDB documents them.
 *
 * A query with columns is answered by [header, rows, statistics], one without by [statistics]. Verbose: names, and
 * nodes and edges as named parts; lists, maps and paths as text. Compact: [column type, name], every value as [type,
 * value], labels, types and property keys by their ids. Bytes are those of engine/base/reply.h.
 */
#ifndef GRAPH_RESULT_H
#define GRAPH_RESULT_H

#include "engine/base/reply.h"
#include "graph/query.h"

/* What compact replies call a type of value. */
enum result_type {
    RESULT_UNKNOWN = 0,
    RESULT_NULL = 1,
    RESULT_STRING = 2,
    RESULT_INTEGER = 3,
    RESULT_BOOLEAN = 4,
    RESULT_DOUBLE = 5,
    RESULT_ARRAY = 6,
    RESULT_EDGE = 7,
    RESULT_NODE = 8,
    RESULT_PATH = 9,
    RESULT_MAP = 10,
};

enum { RESULT_COLUMN_SCALAR = 1 };

/* Collects the rows of one run. Owns its memory. */
struct result {
    struct buf rows;
    struct buf text; /* scratch */
    uint64_t row_count;
    size_t limit_bytes; /* of rows; 0 = none. A row over it is refused: TOO_LARGE */
    bool compact;
    bool is_too_deep; /* why a row was refused: lists and maps within one another, beyond what a compact reply holds */
};

void result_init(struct result *result, bool compact, size_t limit_bytes);
void result_deinit(struct result *result);
void result_reset(struct result *result); /* for another run of the query */

/* Its sink; the result is borrowed. TOO_LARGE, NO_MEMORY; NOT_FOUND: a node or an edge of the row has been deleted. */
struct query_sink result_sink(struct result *result);

/* Appends the whole reply of a query that has ended. */
MUST_CHECK enum status result_finish(const struct result *result, const struct query *query, bool cached,
                                     double milliseconds, struct buf *reply);
/* Appends the statistics alone: counts NULL = nothing was changed. */
MUST_CHECK enum status result_statistics(const struct graph_edit_counts *counts, bool cached, double milliseconds,
                                         struct buf *reply);
/* Appends the error reply for what prepare, start or step answered; not for OK and BUSY. `query` may be NULL. */
MUST_CHECK enum status result_error(const struct query *query, enum status status, struct buf *reply);

#endif
