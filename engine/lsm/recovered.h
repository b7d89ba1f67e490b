/*
 * recovered: what a manifest's edits add up to, before there is a version. Plain and mutable: edits are applied one by
 * one, in O(1) per change.
 */
#ifndef ENGINE_LSM_RECOVERED_H
#define ENGINE_LSM_RECOVERED_H

#include "engine/base/arena.h"
#include "engine/lsm/edit.h"

struct recovered_file {
    struct edit_file meta;       /* keys lie in the arena */
    struct recovered_file *next; /* same bucket */
};

struct recovered_tree {
    struct edit_tree tree;
    bool dropped;
};

struct recovered {
    struct arena arena;
    struct recovered_file **buckets; /* of the files that are there */
    size_t bucket_count, file_count;
    struct recovered_tree *trees;
    size_t tree_count, tree_capacity; /* by instance, ascending */
    struct edit_kind *kinds;          /* names lie in the arena */
    size_t kind_count, kind_capacity;
    struct edit_value_file *value_files; /* ever named; those that no file refers to are gone */
    size_t value_file_count, value_file_capacity;
    size_t value_files_sorted; /* the first so many are in order */
    uint64_t first_edit, last_edit;
    struct engine_mark mark;
    uint64_t last_sequence;
    uint64_t next_file;
    uint32_t next_instance;
    uint32_t format_level;
};

void recovered_init(struct recovered *recovered);
void recovered_deinit(struct recovered *recovered);
/* For manifest_read: context is the struct recovered. CORRUPT when the edit contradicts what stands: *error says how.
 */
enum status recovered_apply(void *context, const struct edit *edit, struct error *error);
/* The tree of an instance; NULL = none, or dropped. */
const struct recovered_tree *recovered_tree(const struct recovered *recovered, uint32_t instance);
/* Every file that is there, in no order that matters. */
MUST_CHECK enum status recovered_each_file(const struct recovered *recovered,
                                           enum status (*visit)(void *context, const struct edit_file *meta),
                                           void *context);
/* NULL = none of that number was named. O(their number) for the first call after an edit, then O(log). */
const struct edit_value_file *recovered_value_file(struct recovered *recovered, uint64_t number);
bool recovered_has_file(const struct recovered *recovered, uint64_t number);

#endif
