/*
 * engine_workload: a seeded series of batches for an engine, and what every tree holds after each of them.
 *
 * Batch n (1..) is a function of the seed and n alone; it uses every kind of operation on a handful of trees that come
 * and go. Each also writes n under the marker key, so that a recovered store tells by itself how much it kept: it must
 * then hold, to the byte, what the model holds after n batches.
 */
#ifndef TESTS_HARNESS_ENGINE_WORKLOAD_H
#define TESTS_HARNESS_ENGINE_WORKLOAD_H

#include "engine/engine.h"

enum { WORKLOAD_TREES = 5, WORKLOAD_KINDS = 2 };

struct workload;

/* `large` of a hundred values are large ones (up to 3 KiB). */
struct workload *workload_create(uint64_t seed, uint32_t batches, unsigned large);
void workload_destroy(struct workload *workload);
uint32_t workload_batches(const struct workload *workload);

/* Small limits, so that a few dozen batches flush, compact and rotate the log. kinds are the workload's. */
struct engine_options workload_engine_options(const struct workload *workload);

/* Makes the batch the n-th one. */
MUST_CHECK enum status workload_build(const struct workload *workload, uint32_t n, struct engine_batch *batch);

/*
 * Writes the n-th one: as that batch, or, where its operations can stand in a file (a fixed share of all), by ingesting
 * one that is built beside the store. Without a log of its own the engine takes no files: `log_off` has it all as
 * batches. *durable: it is, whatever the options say.
 */
MUST_CHECK enum status workload_write(const struct workload *workload, struct io *io, struct engine *engine, uint32_t n,
                                      bool log_off, struct engine_batch *batch,
                                      const struct engine_write_options *options, bool *durable);

/* How many batches the store holds, by its marker. */
MUST_CHECK enum status workload_recovered(struct engine *engine, uint32_t *n);

/*
 * Compares everything with the model after n batches: which trees exist, every key and value forward, backward and by
 * get. OK; MISMATCH with words when it differs; else what the engine answered.
 */
MUST_CHECK enum status workload_compare(const struct workload *workload, struct engine *engine, uint32_t n,
                                        struct error *error);

#endif
