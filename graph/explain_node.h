/*
 * explain_node: a node as it lies in the store, for tools: where its rows are, and what their bytes say one by one.
 * Rows are asked for by the graph's id alone, so that what is damaged elsewhere hides nothing. Any bytes are safe.
 */
#ifndef GRAPH_EXPLAIN_NODE_H
#define GRAPH_EXPLAIN_NODE_H

#include "graph/graph.h"

/* ---- Places ------------------------------------------------------------------------------------------------------ */

/* A row: its tree and its key. */
struct graph_place {
    uint32_t tree;
    uint8_t size;
    uint8_t key[24];
};
static inline struct slice graph_place_key(const struct graph_place *place) {
    return slice_make(place->key, place->size);
}

struct graph_place graph_place_counters(uint64_t graph);
struct graph_place graph_place_word(uint64_t graph, enum graph_vocabulary vocabulary, uint32_t id);
struct graph_place graph_place_node(uint64_t graph, uint64_t node);
struct graph_place graph_place_head(uint64_t graph, uint64_t node, enum graph_direction direction);
/* Its key begins with that of the head: a list is one range of the tree. */
struct graph_place graph_place_block(uint64_t graph, uint64_t node, enum graph_direction direction, uint32_t block);
struct graph_place graph_place_label(uint64_t graph, uint32_t label, uint64_t node);
/* The row of an external id, whose key may be long: *tree, and *key is replaced. NO_MEMORY. */
MUST_CHECK enum status graph_place_external(uint64_t graph, struct slice external, uint32_t *tree, struct buf *key);

enum graph_list_row { GRAPH_LIST_STRANGE, GRAPH_LIST_HEAD, GRAPH_LIST_BLOCK };
/* Which row of a node's list a key is; *block is set for BLOCK. */
enum graph_list_row graph_place_list_row(struct slice key, uint32_t *block);

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

/* Visits each graph that has rows, by the name that these hold; the name space is not asked. visit's status, if not OK,
 * ends it. CORRUPT, IO: the rest can't be read. */
MUST_CHECK enum status graph_explain_graphs(struct engine *engine,
                                            enum status (*visit)(void *context, struct slice name, uint64_t graph),
                                            void *context);

/* Visits the ends of every edge of the graph, by the edges' own rows: what lists have lost can be told from them. As
 * above; rows that are no edges are passed over. */
MUST_CHECK enum status graph_explain_edges(struct engine *engine, uint64_t graph,
                                           enum status (*visit)(void *context, uint64_t source, uint64_t destination),
                                           void *context);

/* Decoders: CORRUPT, VERSION. */
MUST_CHECK enum status graph_explain_counters(struct slice row, struct graph_facts *facts); /* object is 0 */
/* Slices are borrowed from the row; nothing to release. */
MUST_CHECK enum status graph_explain_node(struct slice row, uint64_t id, struct graph_node *node);
MUST_CHECK enum status graph_explain_head(struct slice row, uint64_t *degree, uint64_t *slots);
MUST_CHECK enum status graph_explain_id(struct slice row, uint64_t *id); /* of an external id's row */
/* How many entries an operand puts in and takes out. */
MUST_CHECK enum status graph_explain_operand(struct slice operand, uint64_t *put, uint64_t *taken);

/* A property's value in words, cut where it is long: "integer 41", "list of 2: true, false". Terminated. */
enum { GRAPH_EXPLAIN_WORDS_BYTES = 320 };
void graph_explain_value(struct slice value, char words[GRAPH_EXPLAIN_WORDS_BYTES]);

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

enum { GRAPH_EXPLAIN_BLOCK_ENTRIES = 256 }; /* that a block has room for */

enum graph_piece_kind {
    GRAPH_PIECE_VERSION,
    GRAPH_PIECE_GROUP, /* its head: two varints */
    GRAPH_PIECE_ENTRY, /* two varints */
    GRAPH_PIECE_MALFORMED,
};

struct graph_piece {
    enum graph_piece_kind kind;
    size_t at;            /* its first byte in the block */
    size_t first, second; /* bytes of its first part and of its second: GROUP: type and count; ENTRY: neighbour and
                             edge; else all are of the first */
    uint64_t type;
    uint64_t distance;     /* as it is stored: of the type, of the neighbour */
    uint64_t count;        /* GROUP: entries that it says it has */
    int64_t edge_distance; /* ENTRY */
    uint64_t number;       /* ENTRY: in the block, from 0 */
    uint64_t node, edge;   /* ENTRY */
};

/* Calls visit with each piece, from the block's first byte to its last without a gap. What the store's own decoder
 * says of the block: OK, CORRUPT, VERSION. */
MUST_CHECK enum status
graph_explain_block(struct slice block, void (*visit)(void *context, const struct graph_piece *piece), void *context);

#endif
