/* apply: what the files that apply operations share. One struct per operation; everything in it is borrowed. */
#ifndef GRAPH_STORE_APPLY_H
#define GRAPH_STORE_APPLY_H

#include "graph/import.h"
#include "graph/op.h"
#include "graph/store/handle.h"

struct graph_apply {
    struct graph *graph; /* open on the operation's graph, replaying */
    struct graph_op op;
    struct buf *reply;
};

/*
 * Each turns the records of one kind of operation into edits and a reply. INVALID, NOT_FOUND, EXISTS: it does not fit
 * the graph; TOO_LARGE: over a limit; both become error replies, and nothing happens. Others as graph_apply.
 */
MUST_CHECK enum status apply_effects(struct graph_apply *apply);
MUST_CHECK enum status apply_import(struct graph_apply *apply);

#endif
