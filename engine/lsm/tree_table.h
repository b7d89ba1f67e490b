/*
 * tree_table: which trees there are, at every sequence that can still ask. A tree's id names one instance after
 * another; each has the sequence at which it was created and, later, dropped.
 *
 * Threads: one writer (the leader of the commit queue, under the engine's lock); tree_table_find from any thread,
 * lock-free, while it holds a view: a removed instance is freed only when no view is left that was there at its
 * removal. The rest under the engine's lock.
 */
#ifndef ENGINE_LSM_TREE_TABLE_H
#define ENGINE_LSM_TREE_TABLE_H

#include <stdatomic.h>

#include "engine/engine.h"

enum { TREE_TABLE_BUCKETS = 4096 };

struct tree {
    uint32_t id;
    uint32_t instance;
    const struct engine_tree_kind *kind; /* borrowed */
    uint64_t created;                    /* sequence */
    _Atomic uint64_t dropped;            /* sequence; TREE_LIVE = not dropped */
    bool installed;                      /* the manifest knows it */
    bool drop_installed;                 /* the manifest knows that it is dropped */
    _Atomic(struct tree *) next;         /* same bucket by id, newer instances first */
    struct tree *next_instance;          /* same bucket by instance; then: list of the removed */
    uint64_t removed_view;
    /* Since open: what jobs have read and written for it. Engine's lock. */
    uint64_t flushed_bytes, compacted_read_bytes, compacted_written_bytes, compactions;
};

#define TREE_LIVE UINT64_MAX

struct tree_table {
    _Atomic(struct tree *) by_id[TREE_TABLE_BUCKETS];
    struct tree *by_instance[TREE_TABLE_BUCKETS];
    struct tree *removed; /* unlinked, waiting for readers */
    size_t live;          /* not dropped */
    size_t dropped;       /* dropped and still in the table */
};

void tree_table_init(struct tree_table *table);
void tree_table_deinit(struct tree_table *table);

/* The instance of id that a reader at `sequence` sees; NULL = none. */
struct tree *tree_table_find(const struct tree_table *table, uint32_t id, uint64_t sequence);
/* The live one, for the writer; NULL = none. */
struct tree *tree_table_live(const struct tree_table *table, uint32_t id);
struct tree *tree_table_by_instance(const struct tree_table *table, uint32_t instance);

/* NO_MEMORY; TOO_LARGE at ENGINE_TREES_MAX. */
MUST_CHECK enum status tree_table_create(struct tree_table *table, uint32_t id, uint32_t instance,
                                         const struct engine_tree_kind *kind, uint64_t sequence, struct tree **tree);
void tree_table_drop(struct tree_table *table, struct tree *tree, uint64_t sequence);
/* Takes back creations and drops of id with a sequence >= first, which nobody saw. */
void tree_table_undo(struct tree_table *table, uint32_t id, uint64_t first, uint64_t view);
/* Unlinks a dropped instance; freed by tree_table_collect once no view numbered up to `view` is left. */
void tree_table_remove(struct tree_table *table, struct tree *tree, uint64_t view);
/* Frees what was removed before oldest_view. */
void tree_table_collect(struct tree_table *table, uint64_t oldest_view);

/* Calls visit for every instance in the table; visit may remove the one it is shown. */
void tree_table_each(struct tree_table *table, void (*visit)(void *context, struct tree *tree), void *context);

#endif
