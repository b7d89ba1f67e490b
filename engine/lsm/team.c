/* team: a counter that two take from. Invariant: the caller outlives the job, whose last act is to say that it ends. */
#include "engine/lsm/team.h"

#include "engine/io/job_wait.h"

struct team {
    struct io_job job;
    struct mutex mutex;
    struct condition changed;
    size_t next, count;
    bool helps; /* the job has not ended */
    enum status status;
    enum status (*work)(void *context, size_t at);
    void *context;
};

/* One piece; false: none is left. */
static bool work_once(struct team *team) {
    mutex_lock(&team->mutex);
    const size_t at = team->next;
    const bool any = at < team->count;
    if (any) team->next++;
    mutex_unlock(&team->mutex);
    if (!any) return false;
    const enum status status = team->work(team->context, at);
    if (status == STATUS_OK) return true;
    mutex_lock(&team->mutex);
    if (team->status == STATUS_OK) team->status = status;
    mutex_unlock(&team->mutex);
    return true;
}

static enum io_job_state step(struct io_job *job) {
    struct team *team = job->context;
    if (work_once(team)) return IO_JOB_MORE;
    mutex_lock(&team->mutex);
    team->helps = false;
    condition_broadcast(&team->changed);
    mutex_unlock(&team->mutex);
    return IO_JOB_DONE;
}

static void wait_for_helper(struct team *team, struct io *io) {
    mutex_lock(&team->mutex);
    io_job_wait_while(io, &team->helps, &team->mutex, &team->changed);
    mutex_unlock(&team->mutex);
}

enum status team_run(struct io *io, enum io_pool pool, size_t count, enum status (*work)(void *context, size_t at),
                     void *context) {
    struct team team = {.count = count, .helps = count > 1, .work = work, .context = context};
    team.job = (struct io_job){.pool = pool, .step = step, .context = &team};
    mutex_init(&team.mutex);
    condition_init(&team.changed);
    if (team.helps) io_job_start(io, &team.job);
    while (work_once(&team)) continue;
    wait_for_helper(&team, io);
    condition_deinit(&team.changed);
    mutex_deinit(&team.mutex);
    return team.status;
}
