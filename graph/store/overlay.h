/*
 * overlay: the edits of one graph in memory: which nodes and edges were touched, and what became of them.
 *
 * Entries stand in arrays in order of first touch, found by id through open addressing; they are named by their index,
 * for the arrays move when they grow. Rows are written into the handle's arena and never changed there, so that what a
 * reader borrowed stays.
 */
#ifndef GRAPH_STORE_OVERLAY_H
#define GRAPH_STORE_OVERLAY_H

#include "graph/store/rows.h"

#define OVERLAY_NONE UINT32_MAX

/* ids -> indices into an array of the owner's */
struct id_table {
    uint32_t *slots; /* index + 1; 0 = free */
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

struct head_edit {
    struct adjacency_head head;   /* as it is now */
    struct adjacency_head stored; /* as the engine has it */
    bool loaded;
};

struct node_edit {
    uint64_t id;
    bool stored;         /* the engine has its row */
    bool present;        /* it is there after the edits */
    bool loaded;         /* row and stored_row are filled in */
    bool changed;        /* row differs from what is stored */
    struct node_row row; /* memory: the arena */
    struct node_row stored_row;
    struct head_edit heads[2];
    uint32_t first_made[2], last_made[2]; /* chains of edges made at it, by direction: indices into edges */
};

struct edge_edit {
    uint64_t id;
    bool stored, present, changed;
    bool loaded;           /* row.properties is filled in */
    struct edge_row row;   /* ends, type and blocks: always */
    uint32_t next_made[2]; /* in the chains of its ends */
};

struct external_edit {
    struct slice external; /* in the arena */
    uint64_t hash;
    uint64_t node;
};

struct overlay {
    struct node_edit *nodes;
    struct edge_edit *edges;
    struct external_edit *externals;
    size_t node_room, edge_room, external_room;
    struct id_table node_table, edge_table, external_table;
    uint64_t edges_deleted; /* stored ones; 0 = readers need not look */
};

static inline size_t overlay_node_count(const struct overlay *overlay) {
    return overlay->node_table.count;
}
static inline size_t overlay_edge_count(const struct overlay *overlay) {
    return overlay->edge_table.count;
}

void overlay_deinit(struct overlay *overlay);
void overlay_clear(struct overlay *overlay);

/* OVERLAY_NONE: not touched. */
uint32_t overlay_find_node(const struct overlay *overlay, uint64_t id);
uint32_t overlay_find_edge(const struct overlay *overlay, uint64_t id);
const struct external_edit *overlay_find_external(const struct overlay *overlay, struct slice external);

/* Add an entry that is not there yet. NO_MEMORY leaves all as it was. */
MUST_CHECK enum status overlay_add_node(struct overlay *overlay, const struct node_edit *node, uint32_t *index);
MUST_CHECK enum status overlay_add_edge(struct overlay *overlay, const struct edge_edit *edge, uint32_t *index);
MUST_CHECK enum status overlay_add_external(struct overlay *overlay, struct slice external, uint64_t node);

/* Hangs the edge into the chains of both its ends. */
void overlay_link_edge(struct overlay *overlay, uint32_t edge, uint32_t source, uint32_t destination);

#endif
