/*
 * io_job_facts: background work as step functions.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/sync.h"
#include "tests/harness/io_facts.h"

struct counted_job {
    struct io_job job;
    struct io *io;
    unsigned steps_left;
    unsigned steps_done;
    unsigned completions; /* loop thread */
    atomic_uint ended;    /* set by the last step, for jobs without done */
    atomic_bool inside;
    bool overlapped;
    pthread_t done_thread;
};

static enum io_job_state count_step(struct io_job *job) {
    struct counted_job *counted = job->context;
    if (atomic_exchange(&counted->inside, true)) counted->overlapped = true;
    counted->steps_done++;
    const bool last = --counted->steps_left == 0;
    atomic_store(&counted->inside, false);
    if (last) atomic_store(&counted->ended, 1);
    return last ? IO_JOB_DONE : IO_JOB_MORE;
}

static void count_done(struct io_job *job) {
    struct counted_job *counted = job->context;
    counted->completions++;
    counted->done_thread = pthread_self();
}

static void prepare(struct counted_job *counted, struct io *io, enum io_pool pool, unsigned steps) {
    *counted = (struct counted_job){.io = io, .steps_left = steps};
    counted->job = (struct io_job){.pool = pool, .step = count_step, .done = count_done, .context = counted};
}

static void many_steps(void **state) {
    struct io *io = fixture_io(state);
    for (int pool = 0; pool < IO_POOL_COUNT; pool++) {
        struct counted_job counted;
        prepare(&counted, io, (enum io_pool)pool, 50);
        io_job_start(io, &counted.job);
        run_until(io, &counted.completions, 1);
        assert_int_equal(counted.steps_done, 50);
        assert_int_equal(counted.completions, 1);
        assert_false(counted.overlapped);
        assert_true(pthread_equal(counted.done_thread, pthread_self()));
    }
}

static void many_jobs(void **state) {
    struct io *io = fixture_io(state);
    enum { COUNT = 200 };
    struct counted_job *jobs = calloc(COUNT, sizeof *jobs);
    assert_non_null(jobs);
    for (unsigned i = 0; i < COUNT; i++) {
        prepare(&jobs[i], io, (enum io_pool)(i % IO_POOL_COUNT), 1 + i % 5);
        jobs[i].job.priority = (int)(i % 3);
        io_job_start(io, &jobs[i].job);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        run_until(io, &jobs[i].completions, 1);
        assert_int_equal(jobs[i].steps_done, 1 + i % 5);
        assert_false(jobs[i].overlapped);
    }
    free(jobs);
}

/* ---- Order ------------------------------------------------------------------------------------------------------- */

struct order {
    struct io *io;
    struct io_job starter;
    struct io_job jobs[4];
    char names[8];
    unsigned count;
    unsigned completions;
};

static enum io_job_state note_step(struct io_job *job) {
    struct order *order = job->context;
    order->names[order->count++] = (char)('a' + (job - order->jobs));
    return IO_JOB_DONE;
}

static void note_done(struct io_job *job) {
    struct order *order = job->context;
    order->completions++;
}

/* Runs in the pool's only thread, so that all four wait before the first one is chosen. */
static enum io_job_state start_step(struct io_job *job) {
    struct order *order = job->context;
    static const int priorities[4] = {5, 1, 5, -2};
    for (unsigned i = 0; i < 4; i++) {
        order->jobs[i] =
            (struct io_job){.pool = IO_POOL_READ, .priority = priorities[i], .step = note_step, .done = note_done};
        order->jobs[i].context = order;
        io_job_start(order->io, &order->jobs[i]);
    }
    return IO_JOB_DONE;
}

static void priorities(void **state) {
    struct order order = {.io = fixture_io(state)};
    order.starter = (struct io_job){.pool = IO_POOL_READ, .step = start_step, .done = note_done, .context = &order};
    io_job_start(order.io, &order.starter);
    run_until(order.io, &order.completions, 5);
    assert_string_equal(order.names, "dbac");
}

/* ---- Without done, from done, from threads ----------------------------------------------------------------------- */

static void no_done(void **state) {
    struct io *io = fixture_io(state);
    struct counted_job counted;
    prepare(&counted, io, IO_POOL_COMPACTION, 3);
    counted.job.done = NULL;
    io_job_start(io, &counted.job);
    const uint64_t give_up = io_now_ns(io) + 10000000000u;
    while (!atomic_load(&counted.ended) && io_now_ns(io) < give_up) {
        if (!io_job_assist(io)) io_run(io, io_now_ns(io) + 1000000u);
    }
    assert_int_equal(atomic_load(&counted.ended), 1);
    assert_int_equal(counted.steps_done, 3);
}

static void restart_done(struct io_job *job) {
    struct counted_job *counted = job->context;
    counted->completions++;
    counted->steps_left = 2;
    if (counted->completions < 10) io_job_start(counted->io, job);
}

static void restart_from_done(void **state) {
    struct io *io = fixture_io(state);
    struct counted_job counted;
    prepare(&counted, io, IO_POOL_READ, 2);
    counted.job.done = restart_done;
    io_job_start(io, &counted.job);
    run_until(io, &counted.completions, 10);
    assert_int_equal(counted.steps_done, 20);
}

enum { STARTERS = 4, JOBS_PER_STARTER = 25 };

struct starter {
    struct io *io;
    struct counted_job *jobs;
};

static void *start_jobs(void *context) {
    struct starter *starter = context;
    for (unsigned i = 0; i < JOBS_PER_STARTER; i++) io_job_start(starter->io, &starter->jobs[i].job);
    return NULL;
}

static void start_from_threads(void **state) {
    struct io *io = fixture_io(state);
    if (!fixture_of(state)->factory->threads) skip();
    struct counted_job *jobs = calloc(STARTERS * JOBS_PER_STARTER, sizeof *jobs);
    assert_non_null(jobs);
    for (unsigned i = 0; i < STARTERS * JOBS_PER_STARTER; i++)
        prepare(&jobs[i], io, (enum io_pool)(i % IO_POOL_COUNT), 2);
    pthread_t threads[STARTERS];
    struct starter starters[STARTERS];
    for (unsigned i = 0; i < STARTERS; i++) {
        starters[i] = (struct starter){.io = io, .jobs = jobs + i * JOBS_PER_STARTER};
        assert_int_equal(pthread_create(&threads[i], NULL, start_jobs, &starters[i]), 0);
    }
    for (unsigned i = 0; i < STARTERS * JOBS_PER_STARTER; i++) run_until(io, &jobs[i].completions, 1);
    for (unsigned i = 0; i < STARTERS; i++) pthread_join(threads[i], NULL);
    free(jobs);
}

static void assist(void **state) {
    struct io *io = fixture_io(state);
    assert_false(io_job_assist(io)); /* there is no job */
    struct counted_job counted;
    prepare(&counted, io, IO_POOL_COMPACTION, 3);
    io_job_start(io, &counted.job);
    if (fixture_of(state)->factory->threads) {
        assert_false(io_job_assist(io));
    } else {
        while (!atomic_load(&counted.ended)) assert_true(io_job_assist(io));
        assert_int_equal(counted.completions, 0); /* done comes from io_run only */
    }
    run_until(io, &counted.completions, 1);
    assert_int_equal(counted.steps_done, 3);
}

static atomic_uint slow_state; /* 0 not started, 1 in its step, 2 out of it */

static enum io_job_state slow_step(struct io_job *job) {
    atomic_store(&slow_state, 1);
    io_sleep(job->context, 30000000u);
    atomic_store(&slow_state, 2);
    return IO_JOB_MORE;
}

static void destroy_waits(void **state) {
    struct io_fixture *fixture = fixture_of(state);
    if (!fixture->factory->threads) skip();
    const char *reason;
    struct io *io = fixture->factory->create(&reason);
    assert_non_null(io);
    atomic_store(&slow_state, 0);
    struct io_job job = {.pool = IO_POOL_COMPACTION, .step = slow_step, .context = io};
    io_job_start(io, &job);
    while (atomic_load(&slow_state) == 0) io_sleep(io, 1000000u);
    io_destroy(io);
    assert_int_equal(atomic_load(&slow_state), 2);
}

struct signaller {
    struct io_job job;
    struct mutex mutex;
    struct condition condition;
    bool signalled;
};

static enum io_job_state signal_once(struct io_job *job) {
    struct signaller *signaller = job->context;
    mutex_lock(&signaller->mutex);
    signaller->signalled = true;
    condition_signal(&signaller->condition);
    mutex_unlock(&signaller->mutex);
    return IO_JOB_DONE;
}

static void wait_ends(void **state) {
    struct io *io = fixture_io(state);
    struct signaller signaller = {.job = {.pool = IO_POOL_COMPACTION, .step = signal_once, .context = &signaller}};
    mutex_init(&signaller.mutex);
    condition_init(&signaller.condition);
    mutex_lock(&signaller.mutex);
    const uint64_t begin_ns = io_now_ns(io);
    while (io_now_ns(io) - begin_ns < 20000000u) io_wait(io, &signaller.condition, &signaller.mutex, 2000000u);
    if (fixture_of(state)->factory->threads) {
        const uint64_t start_ns = io_now_ns(io);
        io_job_start(io, &signaller.job);
        while (!signaller.signalled) io_wait(io, &signaller.condition, &signaller.mutex, 3600000000000u);
        assert_true(io_now_ns(io) - start_ns < 1800000000000u);
    }
    mutex_unlock(&signaller.mutex);
    condition_deinit(&signaller.condition);
    mutex_deinit(&signaller.mutex);
}

static const struct io_fact facts[] = {
    {"a job makes its steps one by one and is done on the loop", many_steps},
    {"many jobs in both pools all end", many_jobs},
    {"a lower priority number goes first, equals in order", priorities},
    {"a job without done ends with its last step", no_done},
    {"a job may be started again from its done", restart_from_done},
    {"jobs may be started from many threads", start_from_threads},
    {"assist runs a step exactly where there are no threads", assist},
    {"a wait ends by itself, and by a signal", wait_ends},
    {"destroy waits for a step in progress", destroy_waits},
};

const struct io_fact_table io_job_facts = {facts, sizeof facts / sizeof *facts};
