/*
 * sim_apart: a run in a process of its own, so that one which ends the program (a check of its own, a fault of memory)
 * is a broken promise like any other, and not the end of who asked. Of loam sim alone.
 */
#ifndef TOOLS_LOAM_SIM_APART_H
#define TOOLS_LOAM_SIM_APART_H

#include "tools/sim/world.h"

/* The promise of a run that ended its process. */
extern const char *const sim_apart_ended;

/*
 * Calls `run` in a child and hands over its report. Where the child ends before, the report is of a broken promise
 * (sim_apart_ended), its text the first line that the child wrote to stderr, or the signal; when it was is not known:
 * broken_ms is after the plan's end. What `run` does besides to memory is lost. IO, with words: no child could be made.
 * The caller has one thread.
 */
MUST_CHECK enum status sim_apart_run(void (*run)(const struct fault_plan *plan, struct world_report *report),
                                     const struct fault_plan *plan, struct world_report *report, struct error *error);

/* From now on a run that ends the program has it say, on stderr, whose seed it was. */
void sim_apart_catch_ends(void);
/* What this thread runs; 0: nothing that has a seed. */
void sim_apart_mark(uint64_t seed);

#endif
