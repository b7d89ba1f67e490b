/*
 * graph_pages: the rows of a graph on a server, page by page (GRAPH.EXPORT), as one state: the pages' `change` is
 * compared, and a graph that changes meanwhile is a failure. Memory: one page.
 */
#ifndef TOOLS_LOAM_EXPORT_GRAPH_PAGES_H
#define TOOLS_LOAM_EXPORT_GRAPH_PAGES_H

#include "tools/loam/client.h"

struct graph_pages {
    struct client *client; /* borrowed; speaks RESP3 */
    const char *graph;
    bool has_change;
    int64_t change; /* of all pages so far */
    bool edges;
    int64_t next; /* id that the next page begins with; -1 = there is none */
    const struct resp_reply *rows;
    size_t at;
};

/* Says HELLO 3. */
MUST_CHECK enum status graph_pages_open(struct graph_pages *pages, struct client *client, const char *graph,
                                        struct error *error);
/* From the first node, or edge; as often as wanted. */
void graph_pages_begin(struct graph_pages *pages, bool edges);
/*
 * The next row, borrowed until the next call: node [id, external or null, [label, ...], [key, value, ...]], edge
 * [id, source, destination, type, [key, value, ...]]; its shape has been checked. END behind the last. INVALID: the
 * server refuses, or the graph has changed, with words.
 */
MUST_CHECK enum status graph_pages_next(struct graph_pages *pages, const struct resp_reply **row, struct error *error);

#endif
