/*
 * vertex_view: a node of a graph as the store answers for it: its row, its index rows, its lists and what their blocks
 * take; what can't be read, and what does not fit together. Each row is asked for by itself, so that damage of one
 * leaves the others.
 */
#ifndef TOOLS_LOAM_INSPECT_VERTEX_VERTEX_VIEW_H
#define TOOLS_LOAM_INSPECT_VERTEX_VERTEX_VIEW_H

#include "tools/loam/explain/subject.h"
#include "tools/loam/inspect/vertex/vertex_rows.h"

enum {
    VERTEX_TYPES_SHOWN = 4,
    VERTEX_WORD_BYTES = 200,
    VERTEX_PLAIN_BITS = 128 /* neighbour and edge, 8 bytes each */
};

/* What a block, or all blocks of a list, take. */
struct vertex_bytes {
    uint64_t entries, groups;
    uint64_t value, keys;           /* of the rows */
    uint64_t neighbours, edges;     /* of the value: distances of entries, */
    uint64_t group_heads, versions; /* heads of groups, version bytes, */
    uint64_t malformed;
};
static inline double vertex_bits(uint64_t bytes, uint64_t entries) {
    return entries ? 8.0 * (double)bytes / (double)entries : 0;
}

struct vertex_type {
    uint32_t type;
    uint64_t entries;
};

struct vertex_block {
    uint32_t number;
    enum status status; /* NOT_FOUND: deleted, or dropped when it was empty */
    struct vertex_bytes bytes;
    struct vertex_type types[VERTEX_TYPES_SHOWN]; /* the first groups */
};

struct vertex_list {
    enum graph_direction direction;
    bool wanted;
    bool is_damaged;    /* rows of it are lost, or may be */
    enum status status; /* of the head; NOT_FOUND: the list is empty */
    uint64_t degree, slots;
    uint64_t head_bytes, head_key_bytes;
    struct vertex_block *blocks; /* ascending; of every block that has a version somewhere */
    size_t block_count;
    struct vertex_bytes sum;   /* of those that can be read */
    uint64_t unread, empty;    /* blocks */
    struct vertex_type *types; /* ascending */
    size_t type_count;
};

struct vertex_index_row { /* of a label of the node, or of its external id */
    uint32_t label;
    enum status status; /* NOT_FOUND: there is none, though there should be; MISMATCH: it leads to another node */
    uint64_t bytes;
};

struct vertex_view {
    struct subject subject;
    const char *graph_name;
    uint64_t graph, id;
    struct graph_facts facts; /* next_node 0: can't be read */
    enum status status;       /* of the node's row */
    struct engine_value value;
    struct graph_node node;
    struct vertex_index_row labels[GRAPH_LABELS_MAX];
    struct vertex_index_row external;
    struct vertex_list lists[2];
    struct vertex_rows rows;
    struct buf damage;     /* lines for people */
    uint64_t damage_count; /* also of what is left out */
};

void vertex_view_deinit(struct vertex_view *view);
/* The graph behind the name. *error has words if it is not OK; NOT_FOUND: they name the graphs that there are. */
MUST_CHECK enum status vertex_view_find_graph(struct vertex_view *view, struct error *error);
/* view->id: by its digits, or by an external id. */
MUST_CHECK enum status vertex_view_find_node(struct vertex_view *view, const char *typed, bool external,
                                             struct error *error);
/* All else. NO_MEMORY; damage is in the view. */
MUST_CHECK enum status vertex_view_read(struct vertex_view *view);

/* A label, type or key: its text as far as it can be shown, or "type 3" if its row can't be had. */
const char *vertex_view_word(struct vertex_view *view, enum graph_vocabulary vocabulary, uint32_t id,
                             char text[VERTEX_WORD_BYTES]);
/* The value of a row. Release it after OK. Damage is noted. */
MUST_CHECK enum status vertex_view_get(struct vertex_view *view, const struct graph_place *place, const char *name,
                                       struct engine_value *value);
MUST_CHECK enum status vertex_view_get_key(struct vertex_view *view, uint32_t tree, struct slice key, const char *name,
                                           struct engine_value *value);
/* What the get of the row of that name met: `failed`. */
MUST_CHECK enum status vertex_view_note_row(struct vertex_view *view, const char *name, enum status failed);
/* After vertex_rows_find. NO_MEMORY; damage is noted. */
MUST_CHECK enum status vertex_list_read(struct vertex_view *view, struct vertex_list *list);
/* Where a list is damaged: how many edges it should have, by the edges' own rows. */
MUST_CHECK enum status vertex_lists_count_lost(struct vertex_view *view);
/* A line of damage; from the VERTEX_DAMAGE_MAX-th on they are counted only. */
enum { VERTEX_DAMAGE_MAX = 100 };
__attribute__((format(printf, 2, 3))) MUST_CHECK enum status vertex_view_note(struct vertex_view *view,
                                                                              const char *format, ...);

#endif
