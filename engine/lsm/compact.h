/*
 * compact: what one compaction consists of. Used by compact.c, which drives it, compact_input.c, which finds what goes
 * in, compact_split.c, which cuts it into parts, and compact_part.c, which merges a part.
 *
 * A large merge has two parts, cut between two keys: each has sources, fold and files of its own, and whoever is free
 * takes one for a step: the compaction job, or the job that helps it where a core is left over (IO_POOL_LONG). All that
 * they share does not change from the time that the parts are shown until the last of them is done.
 */
#ifndef ENGINE_LSM_COMPACT_H
#define ENGINE_LSM_COMPACT_H

#include "engine/lsm/fold.h"
#include "engine/lsm/level_source.h"
#include "engine/lsm/merge_source.h"
#include "engine/lsm/output.h"
#include "engine/lsm/pick.h"

enum { COMPACT_PARTS = 2 };

struct compaction_part {
    struct compaction *compaction;
    const struct slice *low, *high; /* keys from *low on and before *high; NULL = all */
    struct level_source *sources;
    size_t source_count;
    struct source **children; /* and the heap behind it */
    struct merge_source merge;
    struct fold fold;
    struct output output;
    uint32_t below_at[ENGINE_LEVELS]; /* per level under the output: first file whose span does not end before the last
                                         key */
    bool open;                        /* the above is there */
    bool begun;                       /* its sources stand somewhere */

    bool busy;          /* mutex: somebody is at it; the rest is his meanwhile */
    bool done;          /* mutex */
    enum status status; /* mutex: of its last step */
};

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
    struct compaction_part parts[COMPACT_PARTS];
    unsigned part_count;
    struct slice split; /* where the second begins; of the arena */
    uint64_t read_bytes;
    uint64_t hidden_files; /* inputs that are covered whole: not read */
    bool done;
    bool names_synced;
    bool pinned; /* the inputs are */
    uint64_t start_ns;
};

/* Gathers range deletes, finds what is hidden whole, counts what is to be read. */
MUST_CHECK enum status compaction_prepare(struct compaction *compaction);
/* For sources: nothing of the file can be seen. context: the compaction. */
bool compaction_hides(void *context, struct file *file);
/* Every input file in turn. */
MUST_CHECK enum status compaction_each_input(struct compaction *compaction,
                                             enum status (*visit)(void *context, struct file *file, uint32_t level),
                                             void *context);

/* Cuts a large merge in two, shows the parts to the job that helps and starts it. */
MUST_CHECK enum status compaction_begin_parts(struct compaction *compaction);
/* One step of one part, or a wait for the helper's; sets `done` with the last. The status of the part that failed. */
MUST_CHECK enum status compaction_step_parts(struct compaction *compaction);
/* Takes the parts back: nobody is at one when it returns. */
void compaction_hide_parts(struct compaction *compaction);
/* Written by all parts. */
uint64_t compaction_written_bytes(const struct compaction *compaction);

MUST_CHECK enum status compaction_part_open(struct compaction_part *part);
/* installed: its files are in the version; otherwise they are removed. */
void compaction_part_close(struct compaction_part *part, bool installed);
/* Folds about so many bytes; *done: its files are durable, but for their names. */
MUST_CHECK enum status compaction_part_step(struct compaction_part *part, size_t budget_bytes, bool *done);

/* Estimates, for the pick, how many bytes of deeper files the range deletes of each file cover whole. REQUIRES:
 * install_lock, or the only compaction. */
void compaction_estimate_cover(struct engine *engine, const struct version *version);

#endif
