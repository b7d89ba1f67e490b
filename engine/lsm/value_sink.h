/*
 * value_sink: where the outputs of one flush or compaction put values that are kept apart. An entry goes in with a
 * value, or with a reference from an older SST, and comes out as what stands in the new SST; what that SST uses is
 * counted.
 *
 * A put of value_threshold_bytes or more goes to the sink's own file. A reference is carried as it is, unless the file
 * it names is stale: then the value is read and written anew, so that the old file can go.
 */
#ifndef ENGINE_LSM_VALUE_SINK_H
#define ENGINE_LSM_VALUE_SINK_H

#include "engine/lsm/store.h"
#include "engine/values/value_build.h"

struct value_sink {
    struct engine *engine;
    const struct engine_tree_kind *kind;
    uint32_t instance;
    enum codec_id codec;
    struct value_build *build;  /* the open file; NULL = none */
    struct value_file *file;    /* the same; a reference */
    struct value_count *counts; /* of the present SST, by number */
    struct value_file **kept;   /* beside each count: a reference */
    size_t count, capacity;
    uint8_t reference[VALUE_REFERENCE_BYTES]; /* what an entry became */
    struct block *inline_value;               /* what an entry became, where that is a value again */
    uint64_t written_bytes;                   /* of finished files */
    uint64_t moved_bytes;                     /* values written anew, since the sink began */
};

void value_sink_init(struct value_sink *sink, struct engine *engine, const struct engine_tree_kind *kind,
                     uint32_t instance, enum codec_id codec);
/* Ends in any state; an unfinished file is removed. */
void value_sink_deinit(struct value_sink *sink);

/* Turns an entry into what stands in the SST: *trailer and *value may change; the value is borrowed until the next
 * call. Other entries than puts and references pass as they are. */
MUST_CHECK enum status value_sink_take(struct value_sink *sink, struct slice key, uint64_t *trailer,
                                       struct slice *value);
/* The present SST ends: what it uses, as in struct edit_file, and begins anew. */
MUST_CHECK enum status value_sink_end_table(struct value_sink *sink, struct buf *values);
/* The references that end_table's counts stand for are held until this, which follows once a struct file holds them. */
void value_sink_drop_table(struct value_sink *sink);
/* Ends the open file, durable but for its name. */
MUST_CHECK enum status value_sink_finish(struct value_sink *sink);

#endif
