/*
 * sim_runs: many seeds in the simulator, by several threads side by side. What comes out does not depend on their
 * number: each run is a world of its own, and the reports are handed over in the order of the seeds.
 */
#ifndef TOOLS_LOAM_SIM_RUNS_H
#define TOOLS_LOAM_SIM_RUNS_H

#include "engine/base/status.h"
#include "tools/sim/world.h"

struct sim_runs {
    uint64_t first, count;
    uint64_t jobs; /* threads; 1: all happens in the caller's own */
    /* One run; from any thread, several at a time. */
    void (*run)(void *context, uint64_t seed, struct world_report *report);
    /* In order of the seeds, in the caller's thread. */
    void (*take)(void *context, uint64_t seed, const struct world_report *report);
    void *context; /* borrowed */
};

/* NO_MEMORY: not one thread could be started. */
MUST_CHECK enum status sim_runs_make(const struct sim_runs *runs);

/* Processors at hand, at least 1. */
uint64_t sim_runs_processors(void);

#endif
