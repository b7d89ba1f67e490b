/*
 * trace_page: a recorded run as one page that needs nothing else: no network, no other file. What is shown of it and
 * how it is used is the matter of trace_page.html, trace_page.css and the three scripts beside them; here the run
 * becomes their data. All text of the run goes through trace_string_print and reaches the document as text only.
 */
#ifndef TOOLS_LOAM_TRACE_TRACE_PAGE_H
#define TOOLS_LOAM_TRACE_TRACE_PAGE_H

#include "engine/base/buf.h"
#include "tools/sim/record.h"
#include "tools/sim/world.h"

/* What clients asked; the newest are kept. */
struct trace_operations {
    struct world_operation *items; /* a ring; tokens are not kept */
    uint64_t told;
};
enum { TRACE_OPERATIONS_MAX = 8192 };

/* All borrowed. */
struct trace_run {
    const struct fault_plan *plan;
    const struct world_report *report;
    const struct record *record;
    const struct trace_operations *operations;
};

/* For world_options.history; context: struct trace_operations, whose items has room for TRACE_OPERATIONS_MAX. */
void trace_operations_take(void *context, const struct world_operation *operation);

/* NO_MEMORY. */
MUST_CHECK enum status trace_page_make(struct buf *to, const struct trace_run *run);

#endif
