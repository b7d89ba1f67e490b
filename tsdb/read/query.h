/*
 * query: the series that match filters, in the order of their names. Postings give candidates; the row of each decides.
 */
#ifndef TSDB_READ_QUERY_H
#define TSDB_READ_QUERY_H

#include "tsdb/read/filter.h"

struct matched {
    uint64_t series;
    struct slice row; /* bytes, in the arena */
    struct slice name;
};

struct matches {
    struct arena arena;
    struct matched *list; /* sorted by name */
    size_t count, capacity;
};

void matches_init(struct matches *matches);
void matches_deinit(struct matches *matches);

/* OK; INVALID: no positive matcher; TOO_LARGE: over TSDB_QUERY_MAX_BYTES; WOULD_BLOCK, CORRUPT, IO, NO_MEMORY. */
MUST_CHECK enum status query_run(const struct names_view *view, const struct tsdb_query *query,
                                 struct matches *matches);

#endif
