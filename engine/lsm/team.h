/*
 * team: many pieces of work done by the caller and by a job beside it, each taken by whoever is free. For work that
 * reads whole files and is the machine's processor's more than its disk's.
 */
#ifndef ENGINE_LSM_TEAM_H
#define ENGINE_LSM_TEAM_H

#include "engine/io.h"

/*
 * Calls work(context, at) for each at in [0, count), in any order, up to two at once, and returns when all have
 * returned: OK, or the status of one that did not. Blocking; never from the loop, nor from a job of that pool, whose
 * only thread it may be. pool: where the other half runs; where an io has no threads, the caller does all.
 */
MUST_CHECK enum status team_run(struct io *io, enum io_pool pool, size_t count,
                                enum status (*work)(void *context, size_t at), void *context);

#endif
