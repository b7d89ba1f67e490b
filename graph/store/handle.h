/*
 * handle: what stands behind `struct graph`: a view, the counters, the words met so far, and the edits.
 *
 * Invariant: `meta` is `stored` with the edits; the engine is read through handle_get alone, so that memory_only and
 * the snapshot hold everywhere.
 */
#ifndef GRAPH_STORE_HANDLE_H
#define GRAPH_STORE_HANDLE_H

#include "engine/base/arena.h"
#include "graph/store/keys.h"
#include "graph/store/overlay.h"

/* One vocabulary as far as it is known: texts by id, ids by text. */
struct word_list {
    struct slice *texts; /* in the arena; data NULL = not read yet */
    size_t room;
    uint32_t *slots; /* ids + 1 by the hash of their text */
    size_t capacity, count;
};

struct graph {
    bool is_open;
    struct names_view view;
    uint64_t object;
    struct buf name;
    struct graph_meta stored, meta;
    struct arena arena;
    struct word_list words[GRAPH_VOCABULARIES];
    struct overlay overlay;
    struct graph_edit_counts counts;
    struct buf effects; /* the edits as an operation holds them */
    uint32_t edit_count;
    size_t edit_bytes;   /* memory of the edits, counted the same on every node */
    bool replays;        /* apply: effects are not recorded again */
    struct buf key, row; /* scratch */
    struct buf sorted;   /* scratch: properties in order */
    struct buf changes;  /* scratch: adjacency changes of a finish */
};

/* Opens by object id, 0 = a graph that is to be made. NOT_FOUND: no counters are stored under it (CORRUPT to who came
 * by a name). */
MUST_CHECK enum status handle_open(struct graph *graph, const struct names_view *view, struct slice name,
                                   uint64_t object);

/* A stored row as the view shows it. */
MUST_CHECK enum status handle_get(const struct graph *graph, enum graph_tree tree, struct slice key,
                                  struct engine_value *value);
MUST_CHECK enum status handle_read_head(const struct graph *graph, uint64_t node, enum graph_direction direction,
                                        struct adjacency_head *head); /* OK: also when there is none: zeros */
/* An iterator over the stored rows whose keys begin with `prefix`; both keys are borrowed until it is closed. OK with
 * NULL for a graph that does not exist yet. */
MUST_CHECK enum status handle_iterate(const struct graph *graph, enum graph_tree tree, const struct graph_key *prefix,
                                      const struct graph_key *after, bool no_fill, struct engine_iterator **iterator);

/* Copies into the arena. */
MUST_CHECK enum status handle_copy(struct graph *graph, struct slice from, struct slice *to);
/* Makes the word known under its id; the text lies in the arena. */
MUST_CHECK enum status handle_learn_word(struct graph *graph, enum graph_vocabulary vocabulary, uint32_t id,
                                         struct slice text);

/* The overlay's entry of a node or edge that is there: touched before, or loaded now. NOT_FOUND. */
MUST_CHECK enum status handle_touch_node(struct graph *graph, uint64_t id, uint32_t *index);
MUST_CHECK enum status handle_touch_edge(struct graph *graph, uint64_t id, uint32_t *index);
/* Fill in the entry's row. */
MUST_CHECK enum status handle_load_node(struct graph *graph, uint32_t index);
MUST_CHECK enum status handle_load_edge(struct graph *graph, uint32_t index);
MUST_CHECK enum status handle_load_head(struct graph *graph, uint32_t index, enum graph_direction direction);

bool node_row_has_label(const struct node_row *row, uint32_t label);

/* Verbs as graph/edit.h, on rows as operations hold them: labels and keys ascending; checked. */
MUST_CHECK enum status handle_create_node(struct graph *graph, const struct node_row *row, uint64_t *id);
MUST_CHECK enum status handle_create_edge(struct graph *graph, uint32_t type, uint64_t source, uint64_t destination,
                                          struct slice properties, uint64_t *id);
/* Adds labels and sets properties of a node that is there; *changed tells whether anything did. */
MUST_CHECK enum status handle_merge_node(struct graph *graph, uint64_t id, const struct node_row *more, bool *changed);

/* Puts the edits into the batch; the graph's `change` becomes `index`, which is its id too if it is new. Reads nothing.
 */
MUST_CHECK enum status handle_finish(struct graph *graph, uint64_t index, struct engine_batch *batch);

#endif
