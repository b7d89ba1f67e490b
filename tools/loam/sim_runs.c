/*
 * sim_runs: the seeds stand in one row, each thread takes the next. Invariant: a place of the window belongs to the
 * thread that took its seed until the report is there, then to the caller until that has passed it.
 */
#include "tools/loam/sim_runs.h"

#include <unistd.h>

#include "engine/base/sync.h"

enum { JOBS_MAX = 64, WINDOW = 4 * JOBS_MAX };

struct crew {
    const struct sim_runs *runs;
    struct mutex mutex;
    struct condition moved;
    uint64_t begun, passed; /* seeds, from the first */
    bool is_there[WINDOW];
    struct world_report reports[WINDOW];
};

uint64_t sim_runs_processors(void) {
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1) return 1;
    return count < JOBS_MAX ? (uint64_t)count : JOBS_MAX;
}

static bool take_place(struct crew *crew, uint64_t *number) {
    mutex_lock(&crew->mutex);
    while (crew->begun < crew->runs->count && crew->begun - crew->passed == WINDOW)
        condition_wait(&crew->moved, &crew->mutex);
    *number = crew->begun;
    const bool is_left = crew->begun < crew->runs->count;
    if (is_left) crew->begun++;
    mutex_unlock(&crew->mutex);
    return is_left;
}

static void work(void *context) {
    struct crew *crew = context;
    uint64_t number;
    while (take_place(crew, &number)) {
        crew->runs->run(crew->runs->context, crew->runs->first + number, &crew->reports[number % WINDOW]);
        mutex_lock(&crew->mutex);
        crew->is_there[number % WINDOW] = true;
        condition_broadcast(&crew->moved);
        mutex_unlock(&crew->mutex);
    }
}

static void take_in_order(struct crew *crew) {
    for (uint64_t number = 0; number < crew->runs->count; number++) {
        mutex_lock(&crew->mutex);
        while (!crew->is_there[number % WINDOW]) condition_wait(&crew->moved, &crew->mutex);
        mutex_unlock(&crew->mutex);
        crew->runs->take(crew->runs->context, crew->runs->first + number, &crew->reports[number % WINDOW]);
        mutex_lock(&crew->mutex);
        crew->is_there[number % WINDOW] = false;
        crew->passed = number + 1;
        condition_broadcast(&crew->moved);
        mutex_unlock(&crew->mutex);
    }
}

static void make_alone(const struct sim_runs *runs) {
    struct world_report report;
    for (uint64_t seed = runs->first; seed < runs->first + runs->count; seed++) {
        runs->run(runs->context, seed, &report);
        runs->take(runs->context, seed, &report);
    }
}

static enum status make_together(const struct sim_runs *runs, uint64_t jobs) {
    static struct crew crew; /* too large for a stack */
    struct thread threads[JOBS_MAX];
    uint64_t started = 0;
    enum status status = STATUS_OK;
    crew = (struct crew){.runs = runs};
    mutex_init(&crew.mutex);
    condition_init(&crew.moved);
    while (started < jobs && status == STATUS_OK) {
        status = thread_start(&threads[started], "loam-sim", work, &crew);
        if (status == STATUS_OK) started++;
    }
    if (started > 0) take_in_order(&crew); /* fewer do, too */
    for (uint64_t i = 0; i < started; i++) thread_join(threads + i);
    condition_deinit(&crew.moved);
    mutex_deinit(&crew.mutex);
    return started > 0 ? STATUS_OK : status;
}

enum status sim_runs_make(const struct sim_runs *runs) {
    uint64_t jobs = runs->jobs < JOBS_MAX ? runs->jobs : JOBS_MAX;
    if (jobs > runs->count) jobs = runs->count;
    if (jobs > 1) return make_together(runs, jobs);
    make_alone(runs);
    return STATUS_OK;
}
