/*
 * rows: what stands under the keys, as bytes; encoders beside their decoders. Specification: graph/FORMAT.md. Decoders
 * check everything that can be checked without another row: CORRUPT, or VERSION if a later version wrote it.
 */
#ifndef GRAPH_STORE_ROWS_H
#define GRAPH_STORE_ROWS_H

#include "graph/edit.h"

struct graph_meta {
    uint64_t change;
    uint64_t next_node, next_edge;
    uint64_t node_count, edge_count;
    uint32_t words[GRAPH_VOCABULARIES];
};

/* One direction of one node. */
struct adjacency_head {
    uint64_t degree;    /* live entries */
    uint64_t next_slot; /* entries ever put since the degree was last 0; block of the next one: next_slot / 256 */
};

struct node_row {
    uint32_t label_count;
    const uint32_t *labels; /* ascending, each once */
    struct slice properties;
    struct slice external;
};

struct edge_row {
    uint64_t source, destination;
    uint32_t type;
    uint32_t blocks[2]; /* by direction: where its adjacency entries lie */
    struct slice properties;
};

/* Encoders append; NO_MEMORY only. */
MUST_CHECK enum status graph_meta_encode(struct buf *to, const struct graph_meta *meta);
MUST_CHECK enum status graph_meta_decode(struct slice bytes, struct graph_meta *meta);

MUST_CHECK enum status adjacency_head_encode(struct buf *to, const struct adjacency_head *head);
MUST_CHECK enum status adjacency_head_decode(struct slice bytes, struct adjacency_head *head);

MUST_CHECK enum status node_row_encode(struct buf *to, const struct node_row *row);
/* Labels go to `labels`, which has room for GRAPH_LABELS_MAX. Slices are borrowed from bytes. */
MUST_CHECK enum status node_row_decode(struct slice bytes, uint32_t *labels, struct node_row *row);

MUST_CHECK enum status edge_row_encode(struct buf *to, const struct edge_row *row);
MUST_CHECK enum status edge_row_decode(struct slice bytes, struct edge_row *row);

MUST_CHECK enum status graph_id_encode(struct buf *to, uint64_t id); /* a word's id; an external id's node */
MUST_CHECK enum status graph_id_decode(struct slice bytes, uint64_t *id);

/* Labels as rows and operations hold them: count, first, then distances. `room` holds GRAPH_LABELS_MAX. False: they are
 * not. */
MUST_CHECK enum status label_list_encode(struct buf *to, const uint32_t *labels, uint32_t count);
bool label_list_decode(struct decoder *decoder, uint32_t *room, uint32_t *count);

/* A property list: keys ascending, each once, at most GRAPH_PROPERTIES_MAX, values valid. *count may be NULL. */
bool property_list_is_valid(struct slice list, uint32_t *count);
/* Appends one property to a list; its key is above all that are there. */
MUST_CHECK enum status property_list_add(struct buf *to, const struct graph_property *property);

#endif
