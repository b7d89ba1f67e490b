/*
 * import: an operation that loads rows of nodes and edges whose ends are named by external ids of the user's.
 *
 * A row's external id is looked up in apply, so rows of one load may come in any number of operations and after other
 * changes; nothing conflicts. A node that is there already under its external id gets the row's labels and properties
 * besides its own. An edge row always makes an edge.
 */
#ifndef GRAPH_IMPORT_H
#define GRAPH_IMPORT_H

#include "graph/edit.h"

enum { GRAPH_IMPORT_ROWS_MAX = 1 << 14 }; /* in one operation: apply is on the loop thread */

enum graph_import_flag {
    GRAPH_IMPORT_MAKE_ENDS = 1 << 0, /* an edge's end that is not there becomes a node without labels; else the edge is
                                        refused, and counted in the reply */
};

/* Writes one operation. Plain data; `to` is borrowed until finish. */
struct graph_import {
    struct buf *to;
    size_t start; /* where the operation begins */
    uint64_t rows;
    uint32_t words[GRAPH_VOCABULARIES]; /* declared so far */
};

/* Appends the head. */
MUST_CHECK enum status graph_import_begin(struct graph_import *import, struct buf *to, struct slice graph_name,
                                          uint32_t flags);
/* Declares a label, type or key for the rows of this operation: numbers from 0 for each vocabulary. TOO_LARGE over
 * GRAPH_NAMES_MAX or GRAPH_NAME_MAX_BYTES; INVALID when empty. */
MUST_CHECK enum status graph_import_word(struct graph_import *import, enum graph_vocabulary vocabulary,
                                         struct slice text, uint32_t *number);
/* Labels and keys are numbers of this operation. TOO_LARGE: a limit of graph.h, or GRAPH_IMPORT_ROWS_MAX: finish and
 * begin the next operation. After TOO_LARGE the operation is as it was. */
MUST_CHECK enum status graph_import_node(struct graph_import *import, struct slice external, const uint32_t *labels,
                                         size_t label_count, const struct graph_property *properties,
                                         size_t property_count);
MUST_CHECK enum status graph_import_edge(struct graph_import *import, struct slice source, struct slice destination,
                                         uint32_t type, const struct graph_property *properties, size_t property_count);

/* What apply answered; SYNTAX if the reply is none of import's (an error reply, for instance). */
struct graph_import_counts {
    uint64_t nodes_created, nodes_updated, edges_created, edges_refused;
    int64_t first_refused; /* row number among the operation's edge rows; -1 = none */
};
MUST_CHECK enum status graph_import_read_reply(struct slice reply, struct graph_import_counts *counts);

#endif
