/*
 * edit_history: a manifest as a list of edits, and every file that they name with the edit that added it and the one
 * that took it away. What stood at any edit is so found by looking at the files, without applying an edit again,
 * however far back it lies. Bytes: engine/lsm/FORMAT.md, "manifest" and "edit"; read by the engine's own decoders.
 *
 * One thread. Memory: that of what the edits say; the manifest's bytes are not kept.
 */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_EDIT_HISTORY_H
#define TOOLS_LOAM_INSPECT_SHAPE_EDIT_HISTORY_H

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/lsm/manifest_format.h"

enum { HISTORY_FILES_MAX = 4 << 20, HISTORY_EDITS_MAX = 1 << 20 };
#define HISTORY_STAYS UINT32_MAX /* no edit took it away */

/* One edit. Files and trees are counted; which files they are stands in the two lists of the history. */
struct shape_history_edit {
    uint64_t number, job;
    uint64_t offset; /* of its first sector in the manifest */
    int64_t time_ms; /* log time */
    uint8_t cause;   /* enum edit_cause */
    bool has_mark;
    struct engine_mark mark;
    uint64_t last_sequence;
    uint32_t format_level;           /* 0 = as before */
    uint32_t added_at, added;        /* files[added_at ..] */
    uint32_t removed_at, removed;    /* removed[removed_at ..]; those of dropped trees, too */
    uint32_t created, dropped;       /* trees */
    uint32_t value_files_at, values; /* value_files[value_files_at ..] */
};

/* One stay of a file on one level: a file that moves has another one there. Edits are indexes into the history. */
struct shape_history_file {
    struct edit_file meta; /* keys lie in the arena */
    uint32_t born, gone;   /* there from edit `born` on, no longer at `gone` */
    uint32_t next_of_tree; /* an older one of the same instance; HISTORY_STAYS = none */
    uint32_t next_of_slot; /* of the table by number */
};

struct shape_history_tree {
    struct edit_tree tree;
    uint32_t born, gone;
    uint32_t files; /* the newest of its files; HISTORY_STAYS = none */
};

struct shape_history_value_file {
    struct edit_value_file meta;
    uint32_t born;
};

struct shape_history {
    struct arena arena;
    struct manifest_id id;
    uint64_t bytes; /* of the manifest */
    struct shape_history_edit *edits;
    size_t edit_count, edit_capacity;
    struct shape_history_file *files; /* in the order of the edits that added them */
    size_t file_count, file_capacity;
    uint32_t *removed; /* indexes of files, in the order of the edits that took them away */
    size_t removed_count, removed_capacity;
    struct shape_history_tree *trees; /* by instance */
    size_t tree_count, tree_capacity;
    struct edit_kind *kinds; /* the newest of each id */
    size_t kind_count, kind_capacity;
    struct shape_history_value_file *value_files;
    size_t value_file_count, value_file_capacity;
    uint32_t *slots; /* files that are there at the last edit, by number */
    size_t slot_count;
    uint64_t applied; /* edits that were decoded and applied so far: each once */

    struct manifest_recovery recovery; /* torn: an edit was begun behind the last one */
    struct error damage;               /* status OK: it reads to its end */
    uint64_t stopped_at;               /* offset behind the last edit that is here */
};

/*
 * Reads a manifest, untrusted, as far as it goes: what ended it stands in history->damage, with the offset, and the
 * edits before it are there. expected and durable_bytes as in manifest_parse. deinit in any case. OK, also with damage;
 * NO_MEMORY, TOO_LARGE (more than HISTORY_EDITS_MAX edits or HISTORY_FILES_MAX files).
 */
MUST_CHECK enum status shape_history_read(struct shape_history *history, struct slice bytes,
                                          const struct manifest_id *expected, uint64_t durable_bytes);
void shape_history_deinit(struct shape_history *history);

/* Index of the edit of that number; false: it is not one of these. */
bool shape_history_find_edit(const struct shape_history *history, uint64_t number, uint32_t *at);
/* NULL: no such instance was ever made here. */
const struct shape_history_tree *shape_history_find_tree(const struct shape_history *history, uint32_t instance);
/* The file of that number that is there at the last edit; NULL = none. */
const struct shape_history_file *shape_history_find_file(const struct shape_history *history, uint64_t number);
/* NULL: no edit says. */
const struct edit_kind *shape_history_find_kind(const struct shape_history *history, uint32_t kind);

static inline bool shape_history_file_is_there(const struct shape_history_file *file, uint32_t at) {
    return file->born <= at && at < file->gone;
}

#endif
