/*
 * engine_lab: short words for tests of the engine: kinds of trees with a merge operator and with an expiry filter,
 * options small enough that a few hundred writes flush and compact, and calls that fail the test when the engine does.
 */
#ifndef TESTS_HARNESS_ENGINE_LAB_H
#define TESTS_HARNESS_ENGINE_LAB_H

#include "engine/engine.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_disk.h"

enum {
    LAB_PLAIN = 1,
    LAB_SUM = 2,    /* merge adds decimal numbers: "3" and "4" make "7" */
    LAB_APART = 4,  /* values of 256 bytes or more lie apart; merge as LAB_SUM's */
    LAB_EXPIRY = 3, /* the filter drops values that begin with a decimal time <= log time */
};

/* kinds, small memtables, files and levels; the own log. */
struct engine_options lab_options(void);

struct engine *lab_open(struct io *io, const char *dir, const struct engine_options *options);

/* A store, or the place for one, in a simulated machine of its own. */
struct lab_store {
    uint64_t seed;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine_options options; /* lab_options, to be changed before an open */
    struct engine *engine;         /* the test's, until the end */
};
void lab_store_init(struct lab_store *lab, uint64_t seed);
void lab_store_open(struct lab_store *lab); /* "db" */
void lab_store_reopen(struct lab_store *lab);
void lab_store_deinit(struct lab_store *lab); /* closes the engine if it is open */

/* Each is a batch of its own. With ENGINE_WAL_OFF the mark's index goes on from engine_applied. */
void lab_create_tree(struct engine *engine, uint32_t tree, uint32_t kind);
void lab_drop_tree(struct engine *engine, uint32_t tree);
void lab_put(struct engine *engine, uint32_t tree, const char *key, const char *value);
void lab_delete(struct engine *engine, uint32_t tree, const char *key);
void lab_delete_range(struct engine *engine, uint32_t tree, const char *begin, const char *end);
void lab_merge(struct engine *engine, uint32_t tree, const char *key, const char *operand);
void lab_append(struct engine *engine, uint32_t tree, const char *key, const char *bytes);
/* Writes what is in the batch, and clears it. */
enum status lab_write(struct engine *engine, struct engine_batch *batch);
/* A batch that only moves the log time (as the own log stamps it, or in the mark). */
void lab_set_time(struct engine *engine, int64_t time_ms);

/* expected NULL: it is not there. */
void lab_expect(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree, const char *key,
                const char *expected);
/* All keys and values of a tree, "k=v k=v", forward; checks that backward gives the same. `to` holds at least `size`
 * bytes. */
void lab_dump(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree, char *to, size_t size);
void lab_expect_all(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree, const char *expected);

#endif
