/*
 * pick: which files compaction takes next. Pure: from a version, the options and what is known about snapshots and time
 * to a choice; it touches nothing.
 *
 * Leveled, with targets from the bottom up, tree by tree: the last level may be any size, each level above a ratio
 * smaller, down to level_base_bytes. The first level with a target is the base: level 0 goes there, the levels between
 * stay empty. So a small tree lives in level 0 and the last level alone.
 */
#ifndef ENGINE_LSM_PICK_H
#define ENGINE_LSM_PICK_H

#include "engine/lsm/version.h"

enum pick_kind {
    PICK_NONE,
    PICK_MOVE,  /* the files go a level down as they are */
    PICK_MERGE, /* the files and those that they overlap become others */
};

/* Why. For logs and tests. */
enum pick_reason { PICK_SIZE, PICK_DELETES, PICK_RANGE_DELETES, PICK_DROPPABLE, PICK_ALL };
const char *pick_reason_text(enum pick_reason reason);

enum {
    PICK_MOVE_FILES = 32,  /* at once */
    PICK_DELETE_SHARE = 2, /* a file with this part of deletes (1/2) goes down, */
    PICK_BOTTOM_SHARE = 4, /* in the last level with this part (1/4) it is written anew */
};

struct pick_context {
    const struct engine_options *options;
    uint64_t oldest_snapshot; /* UINT64_MAX = there is none */
    int64_t mark_time_ms;
    bool all; /* everything goes to the last level */
};

struct pick {
    enum pick_kind kind;
    enum pick_reason reason;
    const struct tree_files *tree; /* borrowed from the version */
    uint32_t level, output_level;  /* equal: written anew in the last level */
    uint32_t from, to;             /* files of `level`; in level 0 the oldest, which are the last ones */
    uint32_t next_from, next_to;   /* files of output_level that they overlap; none when output_level = level */
    uint64_t score;                /* in thousandths: 1000 = due */
};

void pick(const struct version *version, const struct pick_context *context, struct pick *choice);

struct pick_targets {
    uint32_t base; /* where level 0 goes */
    uint64_t bytes[ENGINE_LEVELS];
};
void pick_targets(const struct tree_files *tree, const struct engine_options *options, struct pick_targets *targets);

/* Bytes that compaction still has to move until no level is over its target. *level0_most: files of the fullest level
 * 0. */
uint64_t pick_debt(const struct version *version, const struct engine_options *options, uint64_t *level0_most);

#endif
