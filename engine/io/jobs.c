/*
 * jobs: pools of threads that drive step functions. A pool has one lock and one queue by priority; a job that has more
 * to do queues up behind its equals, so that a long scan does not starve a short one. Finished jobs go to the loop over
 * a lock-free stack.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "engine/io/machine.h"

enum { YIELDING_NICE = 10, RUN_NS = 200000, PAUSE_NS = 50000, LINGER_NS = 10000000 };

/* ---- Finished jobs: many pool threads push, the loop takes all --------------------------------------------------- */

struct job_state {
    struct io_job *next;
} __attribute__((may_alias));

static struct job_state *job_state(struct io_job *job) {
    return (struct job_state *)(void *)job->backend;
}

static void push_finished(struct machine *machine, struct io_job *job) {
    struct io_job *head = atomic_load(&machine->finished);
    do job_state(job)->next = head;
    while (!atomic_compare_exchange_weak(&machine->finished, &head, job));
    machine_wake(&machine->base);
}

size_t jobs_deliver(struct machine *machine) {
    if (!atomic_load_explicit(&machine->finished, memory_order_relaxed)) return 0;
    struct io_job *newest = atomic_exchange(&machine->finished, NULL);
    struct io_job *oldest = NULL;
    while (newest) {
        struct io_job *next = job_state(newest)->next;
        job_state(newest)->next = oldest;
        oldest = newest;
        newest = next;
    }
    size_t count = 0;
    while (oldest) {
        struct io_job *job = oldest;
        oldest = job_state(job)->next;
        job->done(job);
        count++;
    }
    return count;
}

/* ---- Pools ------------------------------------------------------------------------------------------------------- */

/* REQUIRES: pool->mutex held. Behind all of the same or a lower number. */
static void enqueue(struct job_pool *pool, struct io_job *job) {
    struct list *at = &pool->queue;
    while (at->prev != &pool->queue && list_entry(at->prev, struct io_job, link)->priority > job->priority)
        at = at->prev;
    list_insert_before(at, &job->link);
}

static struct io_job *dequeue(struct job_pool *pool) {
    while (!pool->stopping && list_is_empty(&pool->queue)) condition_wait(&pool->work, &pool->mutex);
    return pool->stopping ? NULL : list_entry(list_pop_front(&pool->queue), struct io_job, link);
}

/* On Linux a priority is a thread's own. Where it is refused the thread runs on as the others do. */
static void yield_to_others(void) {
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), YIELDING_NICE);
}

/* What a thread that yields remembers between steps. */
struct pacer {
    uint64_t turns;      /* of the loop, when last looked at */
    uint64_t seen_ns;    /* when they had last become more */
    uint64_t resumed_ns; /* after the last pause */
};

/*
 * A priority counts among threads of one group alone (a session under autogroup, a service under cgroups): a worker of
 * the kernel or another process still waits up to a tick, 4 ms, for a thread that computes. So such a thread lets
 * go of its core by itself while the loop works; for a while after its last turn, too, since what it waits for may
 * wait for this core.
 */
static void pause_for_loop(struct pacer *pacer, struct machine *machine) {
    const uint64_t now = machine_now_ns(&machine->base);
    if (now - pacer->resumed_ns < RUN_NS) return;
    const uint64_t turns = atomic_load_explicit(&machine->turns, memory_order_relaxed);
    if (turns != pacer->turns) pacer->seen_ns = now;
    pacer->turns = turns;
    pacer->resumed_ns = now;
    if (now - pacer->seen_ns > LINGER_NS) return;
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    (void)nanosleep(&pause, NULL);
    pacer->resumed_ns = machine_now_ns(&machine->base);
}

static void drive_jobs(void *context) {
    struct job_pool *pool = context;
    struct io_job *job;
    struct pacer pacer = {0};
    if (pool->yields) yield_to_others();
    mutex_lock(&pool->mutex);
    while ((job = dequeue(pool))) {
        mutex_unlock(&pool->mutex);
        const bool wants_done = job->done != NULL; /* without it, the job's memory is gone after its last step */
        const enum io_job_state state = job->step(job);
        if (state == IO_JOB_DONE && wants_done) push_finished(pool->machine, job);
        if (pool->yields) pause_for_loop(&pacer, pool->machine);
        mutex_lock(&pool->mutex);
        if (state == IO_JOB_MORE) enqueue(pool, job);
    }
    mutex_unlock(&pool->mutex);
}

enum status job_pool_start(struct job_pool *pool, struct machine *machine, const char *name, unsigned threads) {
    pool->threads = calloc(threads, sizeof *pool->threads);
    if (!pool->threads) return STATUS_NO_MEMORY;
    pool->machine = machine;
    list_init(&pool->queue);
    mutex_init(&pool->mutex);
    condition_init(&pool->work);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && pool->thread_count < threads) {
        status = thread_start(&pool->threads[pool->thread_count], name, drive_jobs, pool);
        if (status == STATUS_OK) pool->thread_count++;
    }
    if (status != STATUS_OK) job_pool_stop(pool);
    return status;
}

void job_pool_stop(struct job_pool *pool) {
    if (!pool->threads) return;
    mutex_lock(&pool->mutex);
    pool->stopping = true;
    condition_broadcast(&pool->work);
    mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++) thread_join(&pool->threads[i]);
    condition_deinit(&pool->work);
    mutex_deinit(&pool->mutex);
    free(pool->threads);
    pool->threads = NULL;
}

void machine_job_start(struct io *io, struct io_job *job) {
    struct job_pool *pool = &machine_of(io)->pools[job->pool];
    mutex_lock(&pool->mutex);
    enqueue(pool, job);
    mutex_unlock(&pool->mutex);
    condition_signal(&pool->work); /* after the lock: a thread that wakes up finds it free */
}

bool machine_job_assist(struct io *io) {
    (void)io;
    return false;
}
