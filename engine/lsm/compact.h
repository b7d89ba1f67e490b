/*
 * compact: the parts of one compaction. Used by compact.c, which drives it, and compact_input.c, which prepares what
 * goes in.
 */
#ifndef ENGINE_LSM_COMPACT_H
#define ENGINE_LSM_COMPACT_H

#include "engine/lsm/fold.h"
#include "engine/lsm/level_source.h"
#include "engine/lsm/merge_source.h"
#include "engine/lsm/output.h"
#include "engine/lsm/pick.h"

struct compaction {
    struct engine *engine;
    struct version *version; /* a reference: the one that was picked from */
    struct pick pick;
    uint64_t job;
    int64_t mark_time_ms;
    uint64_t *snapshots;
    size_t snapshot_count;

    /* Range deletes of the inputs. */
    struct arena arena;
    struct range_set ranges;
    struct range_tombstone *gathered; /* by sequence */
    size_t gathered_count, gathered_capacity;
    struct range_tombstone *kept; /* what the output holds of them, by begin */
    size_t kept_count, kept_capacity;

    /* Entries. */
    struct level_source *sources;
    size_t source_count;
    struct source **children; /* and the heap behind it */
    struct merge_source merge;
    bool merge_open;
    struct fold fold;
    struct output output;
    uint32_t below_at[ENGINE_LEVELS]; /* per level under the output: first file whose span does not end before the last
                                         key */
    uint64_t read_bytes;
    uint64_t hidden_files; /* inputs that are covered whole: not read */
    bool done;
    bool names_synced;
    bool pinned; /* the inputs are */
    uint64_t start_ns;
};

/* Gathers range deletes, finds what is hidden whole, opens the sources. The rest of the steps then fold. */
MUST_CHECK enum status compaction_prepare(struct compaction *compaction);
/* Every input file in turn. */
MUST_CHECK enum status compaction_each_input(struct compaction *compaction,
                                             enum status (*visit)(void *context, struct file *file, uint32_t level),
                                             void *context);
/* Estimates, for the pick, how many bytes of deeper files the range deletes of each file cover whole. REQUIRES:
 * install_lock, or the only compaction. */
void compaction_estimate_cover(struct engine *engine, const struct version *version);

#endif
