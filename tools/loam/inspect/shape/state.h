/*
 * state: what a store consisted of at one edit of its history: its files by tree, level and key, sums, and how files
 * lie over one another. Made by looking at each file of the history once; no edit is applied again.
 */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_STATE_H
#define TOOLS_LOAM_INSPECT_SHAPE_STATE_H

#include "tools/loam/inspect/shape/edit_history.h"

/* Of some files, as the edits count them: every version is an entry, a delete too. */
struct state_sums {
    uint64_t files, bytes, entries, deletes, operands, range_deletes, hidden;
    int64_t oldest_ms; /* log time of the oldest data; INT64_MAX = no files */
};

/* Files of one level that share keys with a file. */
struct state_overlap {
    uint32_t files;
    uint64_t bytes;
};

struct state_row {
    uint32_t file;               /* index into the history */
    uint32_t below_level;        /* the next level with files; ENGINE_LEVELS = none */
    struct state_overlap beside; /* on its own level, itself not: of level 0 only, elsewhere it is damage */
    struct state_overlap below;  /* on below_level: what a merge of it would read and write */
};

struct state_tree {
    uint32_t instance;
    struct state_sums sums;
    struct state_sums levels[ENGINE_LEVELS];
};

struct state {
    const struct shape_history *history; /* borrowed */
    uint32_t at;                         /* index of the edit */
    struct state_row *rows;              /* by instance, level, and key; level 0: newest first */
    size_t count;
    struct state_tree *trees; /* that are there, by instance; also those without files */
    size_t tree_count;
    struct state_sums all, levels[ENGINE_LEVELS];
    uint64_t value_files, value_bytes;          /* of values kept apart, that a file refers to */
    uint64_t value_records, used_value_records; /* in them; those that a file refers to */
    uint64_t used_value_bytes;
    struct engine_mark mark; /* up to there everything is in tables */
    uint64_t last_sequence;
    uint32_t format_level;
    uint64_t examined; /* files of the history that were looked at: the work of making it */
};

/* at: below history->edit_count. deinit in any case. NO_MEMORY. */
MUST_CHECK enum status state_make(struct state *state, const struct shape_history *history, uint32_t at);
void state_deinit(struct state *state);

static inline const struct shape_history_file *state_file(const struct state *state, size_t row) {
    return &state->history->files[state->rows[row].file];
}

/* Of the sums: deletes of all entries and range deletes, in thousandths. */
uint32_t state_tombstone_thousandths(const struct state_sums *sums);
void state_sums_add(struct state_sums *sums, const struct edit_file *file);

#endif
