/*
 * output: a series of SSTs of one tree and level, written front to back. A file ends between user keys, when it is
 * large enough or would overlap too much of the level after; range deletes are cut at the same places, so that the
 * files of a level stay disjoint.
 */
#ifndef ENGINE_LSM_OUTPUT_H
#define ENGINE_LSM_OUTPUT_H

#include "engine/lsm/droppable.h"
#include "engine/lsm/store.h"
#include "engine/lsm/value_sink.h"

enum {
    OUTPUT_GRANDPARENT_FILES = 10, /* a file may overlap so many files' worth of bytes of the level after */
    OUTPUT_UNSYNCED_MAX = 4,       /* files that wait for their sync, while the device takes them in */
};

struct output_options {
    const struct engine_tree_kind *kind;
    uint32_t instance;
    uint32_t level;
    enum sst_cause cause;
    uint64_t job;
    int64_t mark_time_ms;
    int64_t oldest_ms;
    uint64_t file_bytes;              /* 0 = one file */
    const struct level *grandparents; /* the level after; borrowed; NULL = none */
    /* Range deletes to write, by begin; borrowed. */
    const struct range_tombstone *ranges;
    size_t range_count;
    const struct slice *high; /* every key lies before it, and range deletes are cut there; borrowed; NULL = no end */
};

struct output {
    struct engine *engine;
    struct output_options options;
    struct sst_build *build; /* the open file; NULL = none */
    uint64_t number;
    struct droppable droppable;
    uint64_t hidden; /* versions in the open file that a newer one hides */
    bool decided;    /* of the present key a put or delete was added */
    struct value_sink values;
    struct buf uses; /* what the finished file refers to: its meta's */
    struct buf low;  /* where the open file's share of range deletes begins */
    size_t range_at;
    uint32_t grandparent; /* first one whose span does not end before the last key */
    uint64_t overlap;     /* bytes of grandparents that the open file has passed */
    struct file **files;  /* finished; a reference to each */
    size_t count, capacity;
    struct sst_build *unsynced[OUTPUT_UNSYNCED_MAX]; /* of the last of them, oldest first */
    unsigned unsynced_count;
    uint64_t bytes; /* of finished files */
};

void output_init(struct output *output, struct engine *engine, const struct output_options *options);
/* Before the first entry: every key is at or behind low, and range deletes are cut there. NO_MEMORY. */
MUST_CHECK enum status output_begin_at(struct output *output, struct slice low);
/* Closes and removes what was written. For a series that came to nothing; after output_release it does nothing. */
void output_abandon(struct output *output);
/* Lets the files go (they were installed): drops the references and frees. */
void output_release(struct output *output);
MUST_CHECK enum status output_add(struct output *output, struct slice key, uint64_t trailer, struct slice value,
                                  bool new_key);
/* Ends the last file; all are durable, but for their names. */
MUST_CHECK enum status output_finish(struct output *output);

#endif
