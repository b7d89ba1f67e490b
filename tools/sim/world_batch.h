/*
 * world_batch: the figures of many runs, and whether the batch has met the rare cases: a batch of runs that never
 * changed a leader proves nothing.
 */
#ifndef TOOLS_SIM_WORLD_BATCH_H
#define TOOLS_SIM_WORLD_BATCH_H

#include "engine/base/buf.h"
#include "tools/sim/world.h"

enum { WORLD_BATCH_FIGURES = 31 };

struct world_batch {
    size_t runs;
    size_t capacity;
    uint64_t *figures[WORLD_BATCH_FIGURES]; /* by figure, by run; owned */
    uint64_t broken;
    uint64_t stuck;
};

void world_batch_init(struct world_batch *batch);
void world_batch_deinit(struct world_batch *batch);
void world_batch_add(struct world_batch *batch, const struct world_report *report);

/* A line per figure: smallest, median, nine tenths, greatest, sum. */
MUST_CHECK enum status world_batch_print(struct buf *to, struct world_batch *batch);
MUST_CHECK enum status world_batch_print_json(struct buf *to, struct world_batch *batch);
/* NULL, or which rare case too few runs have met. */
const char *world_batch_misses(struct world_batch *batch);

/* One run in a line, without newline; and as a JSON object. */
MUST_CHECK enum status world_report_print(struct buf *to, uint64_t seed, const struct world_report *report);
MUST_CHECK enum status world_report_print_json(struct buf *to, uint64_t seed, const struct world_report *report);
const char *world_verdict_name(enum world_verdict verdict);

#endif
