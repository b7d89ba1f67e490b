/*
 * sim_store: a store on a simulated disk in virtual time, to which recorded writes are given. The engine is the real
 * one; disk, clock and threads are the simulator's, so that nothing of it depends on the machine that it runs on.
 *
 * It runs without a log (ENGINE_WAL_OFF, as in a node): a log costs every configuration the same. Values are made up:
 * the half of each 100 bytes repeats the other. A merge's operand takes the place of what was there.
 */
#ifndef TOOLS_LOAM_SIMULATE_SIM_STORE_H
#define TOOLS_LOAM_SIMULATE_SIM_STORE_H

#include "engine/engine.h"
#include "tools/loam/simulate/write_op.h"
#include "tools/sim/sim_io.h"

enum { SIM_STORE_KIND = 1, SIM_STORE_WRITE_NS = 1000 /* that a write takes of its writer's time, at least */ };

struct sim_store {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
    struct engine_tree_kind kind;
    struct engine_batch batch;
    uint64_t index;  /* of the last batch */
    uint32_t *trees; /* that are there, in order */
    size_t tree_count, tree_capacity;
    uint8_t *noise; /* values are cut from it */
    size_t noise_bytes, noise_at;
    uint32_t value_most;
    struct error error; /* why a call failed, in words */
};

struct sim_store_options {
    struct engine_options engine; /* kinds, log and reserve are set by open */
    struct engine_tree_kind kind; /* of every tree; id, name and merge operator are set */
    struct sim_device device;
    uint64_t capacity_bytes; /* of the disk */
    uint32_t value_most;     /* no value is larger */
};

/* *store is all zero. Not OK: store->error has words. Close it in any case. */
MUST_CHECK enum status sim_store_open(struct sim_store *store, const struct sim_store_options *options);
void sim_store_close(struct sim_store *store);

/* One write. BUSY: not now. Others: store->error has words, NO_SPACE: the disk's capacity is used up. */
MUST_CHECK enum status sim_store_write(struct sim_store *store, const struct write_op *op);
/* The same, and waits until the engine takes it. TIMED_OUT: it does not. */
MUST_CHECK enum status sim_store_write_waiting(struct sim_store *store, const struct write_op *op, uint64_t *waited_ns);
/* Whether a tree was written to, and not dropped since. */
bool sim_store_has_tree(const struct sim_store *store, uint32_t tree);

/*
 * What is installed, as a store of its own that is only read: a copy of the disk (of no bytes: pages are shared), on
 * which nothing costs time. Reads there leave no trace in the store itself: no table is open for them, no block cached.
 */
struct sim_store_reader {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
};
MUST_CHECK enum status sim_store_open_reader(struct sim_store *store, struct sim_store_reader *reader);
void sim_store_close_reader(struct sim_store_reader *reader);

uint64_t sim_store_now_ns(const struct sim_store *store);
/* Time goes on: jobs of the engine work. */
void sim_store_run_until(struct sim_store *store, uint64_t at_ns);
/* Until no job has anything to do: everything is flushed and merged that will be while nobody writes. */
MUST_CHECK enum status sim_store_rest(struct sim_store *store);

#endif
