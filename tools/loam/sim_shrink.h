/* sim_shrink: a plan that breaks a promise, made short. Of loam sim alone. */
#ifndef TOOLS_LOAM_SIM_SHRINK_H
#define TOOLS_LOAM_SIM_SHRINK_H

#include "tools/sim/fault_plan.h"

/*
 * Shrinks for up to `seconds` of real time and prints the plan that it comes to, as text for --plan, on stdout; how it
 * goes on stderr. Returns the exit code: SIM_EXIT_BROKEN, EXIT_CLEAN where the plan keeps every promise, EXIT_FAILED.
 */
int sim_shrink(const struct fault_plan *plan, uint64_t seconds);

enum { SIM_EXIT_BROKEN = 4 };

#endif
