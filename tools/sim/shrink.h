/*
 * shrink: from a plan that breaks a promise to a short one that breaks the same promise: fewer faults, then a shorter
 * run with fewer operations, fewer clients and nodes, then shorter and weaker faults, over and over until nothing can
 * be left out (delta debugging: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
 *
 * A run of a changed plan is another run from the first difference on, although links, machines and clients draw from
 * numbers of their own: what is left out may have mattered by its timing alone. So a candidate is tried under a few
 * seeds, which are part of the plan, too.
 *
 * One thread; a function of the plan and of what `run` answers.
 */
#ifndef TOOLS_SIM_SHRINK_H
#define TOOLS_SIM_SHRINK_H

#include "tools/sim/world.h"

struct shrink {
    void (*run)(void *context, const struct fault_plan *plan, struct world_report *report);
    /* Before each run but the first, with the shortest plan so far; false: that one is the result. May be NULL. */
    bool (*go_on)(void *context, const struct fault_plan *plan, unsigned runs);
    void *context;
    unsigned seeds; /* under which a candidate is tried; 0: a few */
};

struct shrink_result {
    struct fault_plan plan;
    struct world_report report; /* of a run of it */
    unsigned runs;
    bool is_least; /* nothing more can be left out; false: go_on ended it */
};

/* INVALID: the plan keeps every promise; result->report tells of its run. */
MUST_CHECK enum status shrink_plan(const struct shrink *shrink, const struct fault_plan *plan,
                                   struct shrink_result *result);

#endif
