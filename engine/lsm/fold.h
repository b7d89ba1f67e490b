/*
 * fold: from all versions of the keys of one tree, in order, to those that somebody may still ask for. For flushes and
 * compactions.
 *
 * Snapshots cut the sequences into stripes; of the versions of a key in one stripe only the newest can be seen. Range
 * deletes hide what is older in their stripe. Operands are folded as far as their stripe goes; with nothing older left,
 * down to a value. A delete goes when nothing older can be below it.
 */
#ifndef ENGINE_LSM_FOLD_H
#define ENGINE_LSM_FOLD_H

#include "engine/cache/block_cache.h"
#include "engine/entry/range_set.h"
#include "engine/entry/source.h"
#include "engine/lsm/resolve.h"

struct fold_options {
    const struct engine_tree_kind *kind;
    uint32_t instance;
    const uint64_t *snapshots; /* ascending; borrowed */
    size_t snapshot_count;
    const struct range_set *ranges; /* every range delete of the inputs; borrowed; NULL = none */
    int64_t mark_time_ms;           /* for the filter */
    bool filter;                    /* ask the tree's filter */
    bool zero_sequences;            /* a put that nothing older can be told from gets the sequence 0 */
    const struct slice *end;        /* stops in front of this key; borrowed; NULL = where the input ends */
    /* No version of key is older than the inputs'; NULL = never known. */
    bool (*is_bottom)(void *context, struct slice key);
    /* Takes what stays. new_key: the first version of its key. */
    enum status (*add)(void *context, struct slice key, uint64_t trailer, struct slice value, bool new_key);
    /* The value that a REFERENCE entry names, borrowed from *block. NULL = there are none. */
    enum status (*load)(void *context, struct slice key, struct slice reference, struct block **block,
                        struct slice *value);
    void *context; /* of all three */
};

struct fold {
    struct fold_options options;
    struct source *input; /* borrowed */
    struct buf key;
    struct buf base;
    struct buf value;
    struct operands operands;
    size_t extra_bytes;           /* work that add did beside the entries, for the budget of the step */
    struct range_stretch stretch; /* the stretch of ranges around the present key, when there are no snapshots */
    bool has_stretch;

    /* of the present key */
    bool any_added;
    bool first;  /* no version of it was looked at yet */
    bool hidden; /* older versions of stripe `hidden_stripe` can't be seen */
    size_t hidden_stripe;
    bool bottom_known, bottom;
};

void fold_init(struct fold *fold, const struct fold_options *options, struct source *input);
void fold_deinit(struct fold *fold);
/* Folds whole keys until about budget_bytes went in; *done at the end. The input's failure, add's, NO_MEMORY.
 */
MUST_CHECK enum status fold_step(struct fold *fold, size_t budget_bytes, bool *done);

/* Which stripe a sequence lies in: 0 is what the oldest snapshot sees. */
size_t fold_stripe(const uint64_t *snapshots, size_t count, uint64_t sequence);
/* The highest sequence of a stripe. */
uint64_t fold_stripe_end(const uint64_t *snapshots, size_t count, size_t stripe);

#endif
