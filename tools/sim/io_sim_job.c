/*
 * io_sim_job: jobs. Each pool has workers; a worker is an event that takes the first job (by priority, then order of
 * start), runs one step, and comes again after the time that the step took and a drawn pause. So steps of several jobs,
 * and turns of the loop, interleave as the seed says.
 */
#include "engine/base/check.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/sim_private.h"

enum {
    PAUSE_NS = 30000,
    STEP_LEAST_NS = 1000, /* with a stated device: a step takes time */
    PAUSED_NS = 5000000,
    /* Long reads yield the processor: now and then for long, so that much happens between two steps. */
    YIELD_NS = 20000000,
    YIELD_ONE_IN = 4,
    /* The calls of a step are all charged at the speed that the disk had when it began. A disk that hung for a second
     * is well again before the last of many calls. */
    STEP_MOST_NS = 1500000000,
    ASSISTS_MOST = 500000, /* one behind another: no test's jobs have as much to do */
};

static void enqueue(struct io_sim *io, struct io_job *job) {
    struct list *at = io->jobs[job->pool].next;
    for (; at != &io->jobs[job->pool]; at = at->next) {
        const struct io_job *other = list_entry(at, struct io_job, link);
        if (other->priority > job->priority) break;
        if (other->priority == job->priority && other->backend[0] > job->backend[0]) break;
    }
    list_insert_before(at, &job->link);
}

static void call_worker(struct io_sim *io, enum io_pool pool) {
    for (unsigned i = 0; i < io->worker_count[pool]; i++) {
        struct worker *worker = &io->workers[pool][i];
        if (!worker->is_idle) continue;
        worker->is_idle = false;
        sim_schedule(io->sim, &worker->event, io_sim_time(io) + (io->has_device ? 0 : prng_below(&io->prng, PAUSE_NS)));
        return;
    }
}

void job_start(struct io *base, struct io_job *job) {
    struct io_sim *io = io_sim_of(base);
    job->backend[0] = ++io->job_sequence;
    enqueue(io, job);
    call_worker(io, job->pool);
}

static void job_is_done(struct io_sim *io, struct io_job *job) {
    if (job->done == NULL) return;
    list_push_back(&io->ready, &flight_make(io, NULL, job)->link);
    io_sim_want(io);
}

/* With a stated device the next step of a job comes when this one's time has passed, not before: until then the worker
 * keeps it. */
static void put_back(struct io_sim *io, struct io_job *job, struct worker *worker) {
    if (worker != NULL && io->has_device)
        worker->kept = job;
    else
        enqueue(io, job);
}

static void release_kept(struct worker *worker) {
    struct io_job *job = worker->kept;
    worker->kept = NULL;
    if (job != NULL) enqueue(worker->io, job);
}

/* One step of the pool's first job; false if there is none. worker NULL: a waiting caller's. */
static bool step_first(struct io_sim *io, enum io_pool pool, struct worker *worker) {
    struct list *link = list_pop_front(&io->jobs[pool]);
    if (link == NULL) return false;
    struct io_job *job = list_entry(link, struct io_job, link);
    bool has_done = job->done != NULL; /* without one, its memory may be gone after the last step */
    if (job->step(job) == IO_JOB_MORE) {
        put_back(io, job, worker);
    } else if (has_done) {
        job_is_done(io, job);
    }
    return true;
}

static uint64_t draw_pause_ns(struct io_sim *io, enum io_pool pool) {
    if (io->has_device) return STEP_LEAST_NS;
    bool yields = pool == IO_POOL_LONG && prng_chance(&io->prng, 1, YIELD_ONE_IN);
    return prng_below(&io->prng, yields ? YIELD_NS : PAUSE_NS);
}

static void work(struct sim_event *event) {
    struct worker *worker = event->context;
    struct io_sim *io = worker->io;
    if (io->is_paused) {
        sim_schedule(io->sim, event, io->sim->now_ns + PAUSED_NS);
        return;
    }
    uint64_t lead = io->lead_ns; /* the loop's */
    io->lead_ns = 0;
    release_kept(worker);
    bool was_busy = step_first(io, worker->pool, worker);
    uint64_t cost = io->lead_ns < STEP_MOST_NS ? io->lead_ns : STEP_MOST_NS;
    io->lead_ns = lead;
    worker->is_idle = !was_busy;
    if (was_busy) sim_schedule(io->sim, event, io->sim->now_ns + cost + draw_pause_ns(io, worker->pool));
}

bool job_assist(struct io *base) {
    struct io_sim *io = io_sim_of(base);
    unsigned first = (unsigned)prng_below(&io->prng, IO_POOL_COUNT);
    for (unsigned pool = 0; pool < IO_POOL_COUNT; pool++) /* whoever waits can't wait for a worker's time to pass */
        for (unsigned i = 0; i < io->worker_count[pool]; i++) release_kept(&io->workers[pool][i]);
    for (unsigned i = 0; i < IO_POOL_COUNT; i++) {
        if (!step_first(io, (enum io_pool)((first + i) % IO_POOL_COUNT), NULL)) continue;
        check(++io->assists < ASSISTS_MOST); /* whoever waits for the jobs would wait for ever: they find no end */
        return true;
    }
    io->assists = 0;
    return false;
}

static void init_workers(struct io_sim *io, enum io_pool pool, unsigned count) {
    check(count <= SIM_WORKERS_MAX);
    list_init(&io->jobs[pool]);
    io->worker_count[pool] = count ? count : 1;
    for (unsigned i = 0; i < SIM_WORKERS_MAX; i++) {
        struct worker *worker = &io->workers[pool][i];
        *worker = (struct worker){.io = io, .pool = pool, .is_idle = true};
        worker->event.fire = work;
        worker->event.context = worker;
    }
}

void jobs_init(struct io_sim *io, const struct sim_io_options *options) {
    init_workers(io, IO_POOL_COMPACTION, options->compaction_workers);
    init_workers(io, IO_POOL_READ, options->read_workers);
    init_workers(io, IO_POOL_LONG, options->long_workers);
}

void jobs_deinit(struct io_sim *io) {
    for (unsigned pool = 0; pool < IO_POOL_COUNT; pool++) {
        for (unsigned i = 0; i < io->worker_count[pool]; i++) sim_unschedule(io->sim, &io->workers[pool][i].event);
        while (list_pop_front(&io->jobs[pool]) != NULL) continue;
    }
}
