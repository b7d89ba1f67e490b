/*
 * edit: changes of one graph, held in memory on an open `struct graph` until they become an operation.
 *
 * Every read of the handle sees them. They touch the engine only when the operation is applied, on every replica, on
 * the state that they were computed on: the operation carries the graph's `change`, apply answers a conflict if it is
 * another one by then, and the query is run again on a newer snapshot.
 *
 * TOO_LARGE from any function: over a limit of graph.h; the handle's edits are to be thrown away (graph_open). The same
 * after WOULD_BLOCK, CORRUPT, IO, NO_MEMORY. NOT_FOUND, INVALID: nothing was changed, the edit goes on.
 */
#ifndef GRAPH_EDIT_H
#define GRAPH_EDIT_H

#include "graph/graph.h"

/* A property: id of its key, and its value as bytes (graph/property.h). */
struct graph_property {
    uint32_t key;
    struct slice value;
};

/* What the edits have done so far. */
struct graph_edit_counts {
    uint64_t nodes_created, nodes_deleted;
    uint64_t edges_created, edges_deleted;
    uint64_t properties_set, properties_removed; /* those of new nodes and edges included */
    uint64_t labels_created;                     /* that the graph did not know before */
    uint64_t labels_added, labels_removed;       /* of nodes that were there before the call */
};
void graph_edit_get_counts(const struct graph *graph, struct graph_edit_counts *counts);
/* Whether the operation would do anything (making the graph included). */
bool graph_edit_is_empty(const struct graph *graph);

/* The id of a label, type or property key; a new one if the graph has none. INVALID: empty text. */
MUST_CHECK enum status graph_edit_word(struct graph *graph, enum graph_vocabulary vocabulary, struct slice text,
                                       uint32_t *id);

/* Labels and keys are ids of this graph (else INVALID), in any order; a repeated label counts once, a repeated key is
 * INVALID. All is copied in. */
MUST_CHECK enum status graph_edit_create_node(struct graph *graph, const uint32_t *labels, size_t label_count,
                                              const struct graph_property *properties, size_t property_count,
                                              uint64_t *id);
/* NOT_FOUND: an end is not there. */
MUST_CHECK enum status graph_edit_create_edge(struct graph *graph, uint32_t type, uint64_t source, uint64_t destination,
                                              const struct graph_property *properties, size_t property_count,
                                              uint64_t *id);

MUST_CHECK enum status graph_edit_delete_edge(struct graph *graph, uint64_t id); /* OK or NOT_FOUND */
/* EXISTS: it still has edges, and `detach` did not ask to delete them with it. */
MUST_CHECK enum status graph_edit_delete_node(struct graph *graph, uint64_t id, bool detach);

/* An empty value removes. Setting what is there already, or removing what is not, changes and counts nothing. */
MUST_CHECK enum status graph_edit_set_node_property(struct graph *graph, uint64_t id, uint32_t key, struct slice value);
MUST_CHECK enum status graph_edit_set_edge_property(struct graph *graph, uint64_t id, uint32_t key, struct slice value);
/* A label that is there already, or is not there, changes and counts nothing. */
MUST_CHECK enum status graph_edit_add_label(struct graph *graph, uint64_t id, uint32_t label);
MUST_CHECK enum status graph_edit_remove_label(struct graph *graph, uint64_t id, uint32_t label);

/* Appends the operation that does on the log what was edited here: GRAPH_OP_EFFECTS. TOO_LARGE over
 * GRAPH_OPERATION_MAX_BYTES. */
MUST_CHECK enum status graph_edit_operation(const struct graph *graph, struct buf *to);

#endif
