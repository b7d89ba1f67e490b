/*
 * engine_workload: a seeded series of batches for an engine, and what every tree holds after each of them
 * (engine_model.h).
 *
 * Batch n (1..) is a function of the seed and n alone; it uses every kind of operation on a handful of trees that come
 * and go. Each also writes n under a marker key, so that a recovered store tells by itself how much it kept: it must
 * then hold, to the byte, what the model holds after n batches. A fixed share of the batches can stand in a file,
 * another one is written by transactions. Log time after batch n is n ms (after a file as before it).
 *
 * The seed also draws how the life goes: keys that move upwards (so that files do not overlap and compaction moves them
 * whole), keys that stay few, trees that come and go often, many deletes. In one life of eight a tree is filled and
 * deleted key by key, so that scans pass over many deletes; in one of twelve it is deleted by a range delete, which
 * covers whole files; and in another one of twelve one tree of MODEL_CAPPED gets most of what is written.
 */
#ifndef TESTS_HARNESS_ENGINE_WORKLOAD_H
#define TESTS_HARNESS_ENGINE_WORKLOAD_H

#include "engine/base/prng.h"
#include "tests/harness/engine_model.h"

enum { WORKLOAD_MARKER_TREE = 1, WORKLOAD_MARKER_KEY = 0 }; /* never dropped */

struct workload;

/* `large` of a hundred values are large ones (up to 3 KiB). */
struct workload *workload_create(uint64_t seed, uint32_t batches, unsigned large);
void workload_destroy(struct workload *workload);
uint32_t workload_batches(const struct workload *workload);
bool workload_is_capped(uint64_t seed);
bool workload_clears_bulk(uint64_t seed); /* by range deletes */
bool workload_has_bulk(const struct workload *workload);
/* Written by a transaction, where the engine has a log of its own. */
bool workload_transacts(const struct workload *workload, uint32_t n);
bool workload_ingests(const struct workload *workload, uint32_t n);
/* Borrowed until the workload is destroyed; n = 0 is the empty store. */
const struct model_state *workload_state(const struct workload *workload, uint32_t n);

/* Small limits, so that a few dozen batches flush, compact and rotate the log. kinds are the model's. */
struct engine_options workload_engine_options(const struct workload *workload);

/* Options that shall make no difference: sizes, limits, compression, filters. */
struct workload_options {
    struct engine_options options; /* kinds point below */
    struct engine_tree_kind kinds[MODEL_KINDS];
};
void workload_draw_options(struct prng *prng, struct workload_options *drawn);
/* The policies alone, anew: another one may come at any opening. */
void workload_draw_policies(struct prng *prng, struct workload_options *drawn);

/* Makes the batch the n-th one; its mark, too. */
MUST_CHECK enum status workload_build(const struct workload *workload, uint32_t n, struct engine_batch *batch);

/*
 * Writes the n-th one: as that batch, by a transaction, or, where its operations can stand in a file, by ingesting one
 * that is built at a path of its own. Without a log of its own the engine takes none of these: `log_off` has it all as
 * batches. *durable:
 * it is, whatever the options say.
 */
void workload_set_ingest_path(struct workload *workload, const char *path); /* where files are built [/workload.in] */
MUST_CHECK enum status workload_write(const struct workload *workload, struct io *io, struct engine *engine, uint32_t n,
                                      bool log_off, struct engine_batch *batch,
                                      const struct engine_write_options *options, bool *durable);

/* How many batches the store holds, by its marker. */
MUST_CHECK enum status workload_recovered(struct engine *engine, uint32_t *n);
/* The same from memory, for a reader that may not touch a file: WOULD_BLOCK. */
MUST_CHECK enum status workload_recovered_try(struct engine *engine, uint32_t *n);

/* Whether the value was ever put under the key in any tree of the kind (a repair may have to guess a tree's number):
 * what was mended may hold any of them, and no other. True for kinds whose values come of several operations (all but
 * MODEL_UNTIL, MODEL_AGED and MODEL_CAPPED). */
bool workload_was_written(const struct workload *workload, enum model_kind kind, unsigned key, struct slice value);

/* Compares everything with the model after n batches: see model_compare_engine. */
MUST_CHECK enum status workload_compare(const struct workload *workload, struct engine *engine, uint32_t n,
                                        struct error *error);

#endif
