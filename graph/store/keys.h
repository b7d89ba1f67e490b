/*
 * keys: the trees of the graph store and the keys of their rows. Every key begins with the graph's id, big-endian, so
 * that a graph is one range of each tree. Specification: graph/FORMAT.md.
 */
#ifndef GRAPH_STORE_KEYS_H
#define GRAPH_STORE_KEYS_H

#include "graph/graph.h"

/* Trees; their kinds have the same numbers. */
enum graph_tree {
    TREE_GRAPHS = 24,          /* {graph, part}: counters; name */
    TREE_GRAPH_WORDS = 25,     /* {graph, vocabulary, 0, id} -> text; {graph, vocabulary, 1, text} -> id */
    TREE_GRAPH_NODES = 26,     /* {graph, node} */
    TREE_GRAPH_EDGES = 27,     /* {graph, edge} */
    TREE_GRAPH_ADJACENCY = 28, /* {graph, node, direction} -> head; {graph, node, direction, block} -> block */
    TREE_GRAPH_LABELS = 29,    /* {graph, label, node} -> nothing */
    TREE_GRAPH_EXTERNAL = 30,  /* {graph, external id} -> node */
};
enum { GRAPH_TREE_COUNT = 7 };

enum graph_part { GRAPH_PART_META = 0, GRAPH_PART_NAME = 1 };

enum { GRAPH_KEY_MAX_BYTES = 24, GRAPH_HEAD_KEY_BYTES = 17, GRAPH_BLOCK_KEY_BYTES = 21 };

/* A key of fixed size. */
struct graph_key {
    uint8_t bytes[GRAPH_KEY_MAX_BYTES];
    uint8_t size;
};
static inline struct slice graph_key_slice(const struct graph_key *key) {
    return slice_make(key->bytes, key->size);
}

struct graph_key graph_key_part(uint64_t graph, enum graph_part part);
struct graph_key graph_key_word(uint64_t graph, enum graph_vocabulary vocabulary, uint32_t id);
struct graph_key graph_key_element(uint64_t graph, uint64_t id); /* a node's row; an edge's */
struct graph_key graph_key_head(uint64_t graph, uint64_t node, enum graph_direction direction);
struct graph_key graph_key_block(uint64_t graph, uint64_t node, enum graph_direction direction, uint32_t block);
struct graph_key graph_key_label(uint64_t graph, uint32_t label, uint64_t node);
struct graph_key graph_key_graph(uint64_t graph); /* what all keys of the graph begin with */
struct graph_key graph_key_label_prefix(uint64_t graph, uint32_t label);

/* Replace *key. */
MUST_CHECK enum status graph_key_text(struct buf *key, uint64_t graph, enum graph_vocabulary vocabulary,
                                      struct slice text);
MUST_CHECK enum status graph_key_external(struct buf *key, uint64_t graph, struct slice external);

/* The first key behind all that begin with this one. */
struct graph_key graph_key_after(const struct graph_key *prefix);

#endif
