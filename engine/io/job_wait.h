/*
 * job_wait: how one waits for the end of a job of one's own: where an io has no threads, by running its steps.
 */
#ifndef ENGINE_IO_JOB_WAIT_H
#define ENGINE_IO_JOB_WAIT_H

#include "engine/base/sync.h"
#include "engine/io.h"

/* Until *busy is false, which stands under the mutex; who makes it so broadcasts `changed`. REQUIRES: mutex held; it is
 * given up meanwhile. Any thread but the loop's. */
void io_job_wait_while(struct io *io, const bool *busy, struct mutex *mutex, struct condition *changed);

#endif
