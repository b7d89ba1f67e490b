/*
 * pick: which files compaction takes next. Pure: from a version, the options and what is known about snapshots and time
 * to a choice; it touches nothing. Each tree goes by the policy of its kind (enum engine_policy); any policy takes over
 * a tree as another one left it.
 *
 * LEVELED (pick_leveled.c): targets from the bottom up, tree by tree: the last level may be any size, each level above
 * a ratio smaller, down to level_base_bytes. The first level with a target is the base: level 0 goes there, the levels
 * between stay empty. So a small tree lives in level 0 and the last level alone.
 *
 * LAZY and TIERED (pick_runs.c): the levels between the first and the last are places for sorted runs of any size, the
 * newest highest. Runs are merged with runs of about their size; the last level is touched when what lies above it has
 * grown to a part of it (a quarter; for TIERED, as much as it). After Dayan and Idreos, "Dostoevsky", 2018.
 * While nobody writes, what lies above the last level of a LAZY tree goes down until it is a sixth of it; a small tree
 * becomes one run. What is written then costs no writer anything, and every read after it less.
 *
 * FIFO (pick_fifo.c): files are never merged; the oldest go by bytes or by age.
 */
#ifndef ENGINE_LSM_PICK_H
#define ENGINE_LSM_PICK_H

#include "engine/lsm/version.h"

enum pick_kind {
    PICK_NONE,
    PICK_MOVE,  /* the files go to the output level as they are */
    PICK_MERGE, /* the files and those that they overlap become others */
    PICK_DROP,  /* the files go */
};

/* Why. For logs and tests. */
enum pick_reason {
    PICK_SIZE,
    PICK_DELETES,
    PICK_SCANS,
    PICK_RANGE_DELETES,
    PICK_DROPPABLE,
    PICK_VALUES,
    PICK_HIDDEN,
    PICK_ALL,
    PICK_OLD,
    PICK_REST
};
const char *pick_reason_text(enum pick_reason reason);

enum {
    PICK_MOVE_FILES = 32,  /* at once */
    PICK_DELETE_SHARE = 2, /* a file with this part of deletes (1/2) goes down, */
    PICK_BOTTOM_SHARE = 4, /* in the last level with this part (1/4) of deletes or hidden versions it is written anew */
    PICK_LAZY_SHARE = 4,   /* above the last level lies at most this part of it (1/4) */
    PICK_TIERED_SHARE = 1,
    PICK_REST_SHARE = 6,        /* and while nobody writes, at most this part (1/6) */
    PICK_RUNS_LEVEL0 = 2,       /* where runs are merged, level 0 may have so many times its trigger of files */
    PICK_RUN_RATIO = 2,         /* a run is merged with newer ones that are together this part of it (1/2) */
    PICK_WHOLE_FACTOR = 16,     /* a tree of so many level_base_bytes is merged as a whole: nothing is written twice */
    PICK_SCAN_DELETES = 1024,   /* so many in a file, when scans pass over them */
    PICK_DELETE_COST = 4 << 10, /* deletes in level 0 are worth rewriting so many bytes each */
};

struct pick_context {
    const struct engine_options *options;
    uint64_t oldest_snapshot;    /* UINT64_MAX = there is none */
    uint64_t newest_snapshot;    /* 0 = there is none */
    uint64_t oldest_transaction; /* sequence; 0 = there is none: that it was written since must be seen */
    int64_t mark_time_ms;
    bool all;        /* everything goes to the last level */
    bool scans_hurt; /* scans have passed over many deletes: fewer of them make a file urgent */
    bool at_rest;    /* nobody has written for a while */
};

struct pick {
    enum pick_kind kind;
    enum pick_reason reason;
    const struct tree_files *tree; /* borrowed from the version */
    uint32_t level, output_level;  /* equal: written anew in the last level */
    uint32_t from, to;             /* files of `level`; in level 0 the oldest, which are the last ones */
    bool between;                  /* and all files of the levels between; otherwise none there overlaps */
    uint32_t next_from, next_to;   /* files of output_level that they overlap; none when output_level = level */
    uint64_t score;                /* in thousandths: 1000 = due */
};

void pick(const struct version *version, const struct pick_context *context, struct pick *choice);

struct pick_targets {
    uint32_t base; /* where level 0 goes */
    uint64_t bytes[ENGINE_LEVELS];
};
/* LEVELED. */
void pick_targets(const struct tree_files *tree, const struct engine_options *options, struct pick_targets *targets);

/* Bytes that compaction still has to move until every tree is as its policy wants it while writes come. *level0_most:
 * files of the fullest level 0 that compaction empties. */
uint64_t pick_debt(const struct version *version, const struct engine_options *options, uint64_t *level0_most);
/* Bytes above the last level of trees where that is more than may stay once nobody writes. */
uint64_t pick_rest_debt(const struct version *version);

#endif
