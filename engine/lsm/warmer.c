/* warmer: a job that keeps a few runs in the pool. Invariant: its last act is to say that it ends. */
#include "engine/lsm/warmer.h"

#include "engine/io/job_wait.h"

enum { RUNS_AHEAD = 2 };

static enum io_job_state step(struct io_job *job) {
    struct warmer *warmer = job->context;
    mutex_lock(&warmer->mutex);
    const bool stops = warmer->stops;
    mutex_unlock(&warmer->mutex);
    if (!stops && page_pool_stock(warmer->pool, RUNS_AHEAD)) return IO_JOB_MORE;
    mutex_lock(&warmer->mutex);
    warmer->runs = false;
    condition_broadcast(&warmer->ended);
    mutex_unlock(&warmer->mutex);
    return IO_JOB_DONE;
}

static void poke(void *context) {
    struct warmer *warmer = context;
    mutex_lock(&warmer->mutex);
    if (!warmer->runs && !warmer->stops) {
        warmer->runs = true;
        io_job_start(warmer->io, &warmer->job);
    }
    mutex_unlock(&warmer->mutex);
}

void warmer_init(struct warmer *warmer, struct io *io, struct page_pool *pool) {
    *warmer = (struct warmer){.io = io, .pool = pool};
    warmer->job = (struct io_job){.pool = IO_POOL_LONG, .step = step, .context = warmer};
    mutex_init(&warmer->mutex);
    condition_init(&warmer->ended);
    page_pool_watch(pool, RUNS_AHEAD, poke, warmer);
}

void warmer_deinit(struct warmer *warmer) {
    mutex_lock(&warmer->mutex);
    warmer->stops = true;
    io_job_wait_while(warmer->io, &warmer->runs, &warmer->mutex, &warmer->ended);
    mutex_unlock(&warmer->mutex);
    page_pool_watch(warmer->pool, 0, NULL, NULL); /* the last one who could take has stopped, or takes alone */
    condition_deinit(&warmer->ended);
    mutex_deinit(&warmer->mutex);
}
