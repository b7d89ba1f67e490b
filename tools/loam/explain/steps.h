/*
 * steps: what an engine told while it answered (engine/explain.h), kept with the words for people. Memory: at most
 * STEPS_MAX steps and STEPS_WORDS_MAX bytes; what comes behind is counted and left out.
 */
#ifndef TOOLS_LOAM_EXPLAIN_STEPS_H
#define TOOLS_LOAM_EXPLAIN_STEPS_H

#include "engine/explain.h"
#include "tools/loam/inspect/describers.h"

enum { STEPS_MAX = 1 << 17, STEPS_WORDS_MAX = 32 << 20, STEP_WORDS_SHOWN = 160 };

struct told_step {
    struct engine_step step; /* its slices are empty */
    bool is_row;             /* none of the engine's: a scan shows a row here */
    size_t key, value;       /* where the words of key (or span) and value begin, see steps_words; 0 = none */
    size_t value_bytes;
};

struct steps {
    const struct row_describer *rows; /* of the tree; NULL = keys and values are texts */
    struct engine_watch watch;
    struct slice wanted; /* the key of a get: it is named in the words of its values; borrowed */
    struct told_step *items;
    size_t count, capacity;
    uint64_t left_out;
    struct buf words;
    enum status status; /* NO_MEMORY */
};

/* Sets steps->watch up, for engine_explain. */
void steps_init(struct steps *steps, const struct row_describer *rows);
void steps_deinit(struct steps *steps);
/* A row that a scan shows. */
void steps_add_row(struct steps *steps, struct slice key, struct slice value);
/* The words at a place; "" for 0. Borrowed until the next step. */
const char *steps_words(const struct steps *steps, size_t place);

/* What they cost. */
struct steps_cost {
    uint64_t memtables, files_asked, files_passed, files_opened;
    uint64_t filters, filters_negative, filters_wrong; /* wrong: let a key pass that the file does not have */
    uint64_t blocks_read, blocks_cached, blocks_ahead; /* from the file, the cache, a stretch read ahead */
    uint64_t values_read, values_cached;
    uint64_t bytes_read, read_ns; /* of blocks, stretches and values that came from files */
    uint64_t entries;
};
void steps_sum(const struct steps *steps, struct steps_cost *cost);
/* The step that failed; NULL = none did. */
const struct told_step *steps_failed(const struct steps *steps);

#endif
