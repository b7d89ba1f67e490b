/*
 * care_salvage: all that the manifests of a directory still say. Every edit that verifies is taken, also behind damaged
 * ones, and what an edit says is taken also where it does not fit what stands: a sound manifest gives the same as
 * recovered.h, a damaged one as much as there is.
 */
#ifndef ENGINE_LSM_CARE_SALVAGE_H
#define ENGINE_LSM_CARE_SALVAGE_H

#include "engine/base/arena.h"
#include "engine/lsm/edit.h"
#include "engine/lsm/superblock.h"

struct salvaged_file {
    struct edit_file meta; /* keys lie in the arena */
    bool gone;             /* an edit removed it */
};

struct salvaged_tree {
    struct edit_tree tree;
    bool dropped;
    bool guessed; /* no edit says which tree it is */
};

struct salvage {
    struct arena arena;
    struct salvaged_file *files; /* by number */
    size_t file_count, file_capacity;
    struct salvaged_tree *trees; /* by instance */
    size_t tree_count, tree_capacity;
    struct edit_value_file *value_files; /* by number */
    size_t value_file_count, value_file_capacity;
    struct edit_kind *kinds;
    size_t kind_count, kind_capacity;
    bool has_mark;
    struct engine_mark mark;
    bool mark_may_be_old; /* behind the edit that it is of one is missing, or something stands that does not verify */
    uint64_t last_sequence;
    uint64_t last_edit, next_file;
    uint32_t next_instance;
    uint64_t edits;
    uint32_t format_level; /* the highest that an edit requires */
    bool is_newer;         /* an edit requires what this version does not know */
    bool whole;            /* the first edit is there, and none is missing between it and the last that was found */
};

void salvage_init(struct salvage *salvage);
void salvage_deinit(struct salvage *salvage);
/* Takes what verifies of a manifest's bytes. `store` and `number` salt its checks: from its name, its header or the
 * superblock. NO_MEMORY. */
MUST_CHECK enum status salvage_manifest(struct salvage *salvage, struct slice bytes, uint64_t store, uint64_t number);

/* NULL: no edit names it. */
struct salvaged_file *salvage_file(const struct salvage *salvage, uint64_t number);
const struct edit_value_file *salvage_value_file(const struct salvage *salvage, uint64_t number);
struct salvaged_tree *salvage_tree(const struct salvage *salvage, uint32_t instance);
/* NO_MEMORY; an instance that is there stays. */
MUST_CHECK enum status salvage_add_tree(struct salvage *salvage, const struct salvaged_tree *tree);

#endif
