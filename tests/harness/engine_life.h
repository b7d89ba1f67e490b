/*
 * engine_life: an engine on a simulated machine that lives through a workload, and what may be believed of it at each
 * moment: which batches must be there after a cut, which may, what checkpoints and backups hold.
 */
#ifndef TESTS_HARNESS_ENGINE_LIFE_H
#define TESTS_HARNESS_ENGINE_LIFE_H

#include "tests/harness/engine_workload.h"
#include "tools/sim/sim_io.h"

enum { LIFE_KEPT_MAX = 4 };

#define LIFE_DIR "/store"
#define LIFE_BACKUPS "/backups"

/* What may and what must be there after a cut. */
struct promise {
    uint32_t durable;            /* acknowledged with sync, or covered by a flush that was said to be installed */
    uint32_t most;               /* handed in; without a log of its own: said to be durable in the owner's */
    unsigned level_asked, level; /* formats: what was asked for, and what the engine said is done */
};

struct checkpoint {
    char path[32];
    uint32_t holds;
};

struct life {
    uint64_t seed;
    const struct workload *workload;
    struct workload_options drawn; /* may change while the engine is closed */
    uint32_t batches;
    uint32_t issued; /* handed in */
    struct promise promise;
    struct checkpoint checkpoints[LIFE_KEPT_MAX];
    size_t checkpoint_count;
    uint32_t backups[LIFE_KEPT_MAX + 1]; /* what each holds, from 1 */
    unsigned backups_begun, backups_made;
};

bool life_has_own_log(const struct life *life);

struct machine {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
};

/* Boots, and opens the store at the path. The engine tells its events to nobody. */
MUST_CHECK enum status machine_boot(struct machine *machine, const struct life *life, const char *path,
                                    struct error *error);
/* The same with these options instead of the life's. */
MUST_CHECK enum status machine_boot_with(struct machine *machine, const struct life *life, const char *path,
                                         const struct engine_options *options, struct error *error);
void machine_stop(struct machine *machine);

/* Batch n, and what may be believed once it is written. sync: durable when it returns; or, without a log of its own,
 * the owner's log is. */
MUST_CHECK enum status life_write(const struct life *life, const struct machine *machine, uint32_t n, bool sync,
                                  struct promise *promise);
/* After it, all batches up to n are promised. */
MUST_CHECK enum status life_flush(const struct life *life, struct engine *engine, uint32_t n, struct promise *promise);
/* To the latest format level. */
MUST_CHECK enum status life_upgrade(struct engine *engine, struct promise *promise);

#endif
