/*
 * engine_workloads: the workloads of `loam bench engine`, run on one engine in this process. The same seed gives every
 * engine the same keys and values in the same order.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_WORKLOADS_H
#define TOOLS_LOAM_BENCH_ENGINE_WORKLOADS_H

#include "engine/io.h"
#include "tools/loam/bench/engine_bench.h"
#include "tools/loam/bench/engine_driver.h"

struct bench_run;
struct lane;

struct workload {
    const char *name;
    const char *summary;
    enum status (*work)(struct lane *lane);   /* of each thread */
    enum status (*beside)(struct lane *lane); /* of one more thread, until the others have ended; may be NULL */
    unsigned threads;
    bool fresh;   /* begins with an empty store */
    bool writes;  /* ends when the store is at rest */
    bool durable; /* every write is synced */
    bool large;   /* values of BENCH_LARGE_VALUE_BYTES, a quarter of the keys */
    bool alone;   /* it concerns the device: runs once a round, beside no engine */
    bool compacts;
    bool reopens;       /* the store is another one behind it */
    bool replays;       /* opened with what fits a memtable in its log alone */
    bool seeks_deleted; /* into a row of keys that is deleted, */
    bool deletes_row;   /* by this one */
    bool transacts;     /* threads: as many as the settings' writers */
};

extern const struct workload engine_workloads[];
extern const unsigned engine_workload_count;
/* UINT32_MAX: there is none of that name. */
uint32_t workload_find(const char *name, size_t size);
/* How many keys, from a quarter of them on, `deletes_row` deletes. */
uint64_t workload_deleted_keys(uint64_t space);
unsigned workload_threads(const struct workload *workload, const struct bench_settings *settings);
/* Operations that it makes with these settings. */
uint64_t workload_operations(const struct workload *workload, const struct bench_settings *settings);

/* Both are borrowed for the life of the run. The driver is bound. */
MUST_CHECK enum status bench_run_create(struct io *io, const struct bench_settings *settings,
                                        const struct driver *driver, struct bench_run **run);
/* Closes the store; its directory stays. NULL is allowed. */
void bench_run_destroy(struct bench_run *run);
/* Runs one step, and waits until the engine is at rest. What went wrong is in result->error. */
void bench_run_step(struct bench_run *run, const struct bench_step *step, struct bench_result *result);

/* The engine's directory below settings->dir. */
void bench_engine_dir(const struct bench_settings *settings, const char *engine, char path[BENCH_PATH_BYTES]);

#endif
