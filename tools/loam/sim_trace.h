/* sim_trace: one run of the simulator, drawn: what `loam sim --trace FILE.html` does beside the run. */
#ifndef TOOLS_LOAM_SIM_TRACE_H
#define TOOLS_LOAM_SIM_TRACE_H

#include "tools/loam/trace/trace_page.h"

struct sim_trace {
    struct record *record;
    struct trace_operations operations;
};

/* The run of these options is recorded from now on; sim_trace_close ends it. */
void sim_trace_open(struct sim_trace *trace, struct world_options *options);
/* Writes the page of the run that is over. False: told on stderr. */
bool sim_trace_write(const struct sim_trace *trace, const struct world_options *options,
                     const struct world_report *report, const char *path);
void sim_trace_close(struct sim_trace *trace);

#endif
