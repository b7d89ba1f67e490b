/*
 * engine_child: an engine in a process of its own: the parent starts it with settings, asks it for one step at a time,
 * and gets a result for each. It ends when the parent closes its side or dies.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_CHILD_H
#define TOOLS_LOAM_BENCH_ENGINE_CHILD_H

#include "tools/loam/bench/engine_bench.h"

struct child {
    long pid;
    int requests; /* our end of the pipe that it reads */
    int results;  /* our end of the pipe that it writes */
};

/* Starts `loam bench engine --child` from the running program. */
MUST_CHECK enum status child_start(const struct bench_settings *settings, struct child *child, struct error *error);
/* Runs one step; blocks until it has ended. CLOSED if the child died. What went wrong with the step itself is in
 * result->error. */
MUST_CHECK enum status child_ask(const struct child *child, const struct bench_step *step, struct bench_result *result);
/* Has it close its store and waits. Not OK if it did not end well. */
MUST_CHECK enum status child_end(struct child *child);

/* In the child: serves until the parent is done. Returns the exit code. */
int child_serve(void);

#endif
