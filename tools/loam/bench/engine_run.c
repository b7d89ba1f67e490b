/*
 * engine_run: steps on one engine: opening stores, starting threads, waiting for rest, and taking the measures.
 *
 * Invariant: between two steps the engine is at rest, so that nothing of one step is paid for in the next.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/coding.h"
#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/engine_lane.h"
#include "tools/loam/bench/engine_measure.h"
#include "tools/loam/bench/engine_workloads.h"
#include "tools/loam/bench/json_rows.h"

enum {
    NOISE_BYTES = 1 << 20,        /* values are cut from so many bytes */
    JSON_VALUES_BYTES = 16 << 20, /* of rows: so many that no table's dictionary knows a part of them by heart */
    LANES_MAX = BENCH_SYNC_WRITERS + 1,
    REST_WINDOW_NS = 20 * 1000 * 1000,    /* between two looks */
    REST_WINDOW_CPU_NS = 2 * 1000 * 1000, /* an engine that used more in a window is at work, whatever it says */
    REST_WINDOWS = 10,                    /* quiet ones in a row */
    REST_WINDOWS_READ = 3,                /* the same behind reads, which seldom set off anything */
};
static const uint64_t rest_limit_ns = 900ull * 1000 * 1000 * 1000;

struct bench_run {
    struct io *io;
    const struct bench_settings *settings;
    const struct driver *driver;
    struct store *store;
    bool durable; /* as it was opened */
    uint8_t *noise;
    size_t noise_bytes;

    /* what is in the store: a bit for each key */
    uint64_t *present;
    uint64_t space;
    uint64_t value_bytes;
    bool present_known;
    bool filled_at_random;
    uint64_t fill_seed; /* of the last fill at random */

    struct lane *lanes;
};

void bench_engine_dir(const struct bench_settings *settings, const char *engine, char path[BENCH_PATH_BYTES]) {
    (void)snprintf(path, BENCH_PATH_BYTES, "%.480s/%s", settings->dir, engine);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void make_noise(struct bench_run *run) {
    struct prng prng;
    prng_init(&prng, run->settings->seed);
    for (size_t at = 0; at < run->noise_bytes + BENCH_VALUE_MAX_BYTES; at++) {
        bool repeats = at % 100 >= 50;
        run->noise[at] = repeats ? run->noise[at - 50] : (uint8_t)(' ' + prng_below(&prng, 95));
    }
}

/* A value begins with a row; where rows are shorter, others follow, and the last one is cut. */
static void make_rows(struct bench_run *run) {
    const size_t size = run->settings->value_bytes ? run->settings->value_bytes : 1;
    char row[JSON_ROW_BYTES];
    uint64_t number = run->settings->seed << 32;
    run->noise_bytes -= run->noise_bytes % size;
    for (size_t from = 0; from < run->noise_bytes + BENCH_VALUE_MAX_BYTES; from += size) {
        const size_t end = from + size < run->noise_bytes + BENCH_VALUE_MAX_BYTES
                               ? from + size
                               : run->noise_bytes + BENCH_VALUE_MAX_BYTES;
        for (size_t at = from; at < end;) {
            const size_t whole = json_row(number++, row), part = whole < end - at ? whole : end - at;
            memcpy(run->noise + at, row, part);
            at += part;
        }
    }
}

enum status bench_run_create(struct io *io, const struct bench_settings *settings, const struct driver *driver,
                             struct bench_run **created) {
    struct bench_run *run = calloc(1, sizeof *run);
    if (!run) return STATUS_NO_MEMORY;
    *run = (struct bench_run){.io = io, .settings = settings, .driver = driver, .space = settings->entries};
    run->noise_bytes = settings->json_values ? JSON_VALUES_BYTES : NOISE_BYTES;
    run->noise = malloc(run->noise_bytes + BENCH_VALUE_MAX_BYTES);
    run->present = calloc(settings->entries / 64 + 1, sizeof *run->present);
    run->lanes = calloc(LANES_MAX, sizeof *run->lanes);
    if (!run->noise || !run->present || !run->lanes) {
        bench_run_destroy(run);
        return STATUS_NO_MEMORY;
    }
    settings->json_values ? make_rows(run) : make_noise(run);
    *created = run;
    return STATUS_OK;
}

static void close_store(struct bench_run *run) {
    if (run->store) run->driver->close(run->store);
    run->store = NULL;
}

void bench_run_destroy(struct bench_run *run) {
    if (!run) return;
    close_store(run);
    free(run->noise);
    free(run->present);
    free(run->lanes);
    free(run);
}

/* ---- The store --------------------------------------------------------------------------------------------------- */

static enum status open_store(struct bench_run *run, const struct workload *workload, struct error *error) {
    char dir[BENCH_PATH_BYTES];
    bench_engine_dir(run->settings, run->driver->name, dir);
    if (run->store && !workload->fresh) return STATUS_OK;
    close_store(run);
    if (workload->fresh) bench_remove_dir(run->io, dir);
    enum status status = bench_make_dir(run->io, dir);
    if (status != STATUS_OK) return error_set(error, status, "cannot make %s: %s", dir, status_text(status));
    if (workload->fresh || !run->settings->reuse) {
        run->space = workload->large ? (run->settings->entries + 3) / 4 : run->settings->entries;
        memset(run->present, 0, (run->settings->entries / 64 + 1) * sizeof *run->present);
        run->present_known = true;
        run->filled_at_random = false;
    }
    run->value_bytes = workload->large ? BENCH_LARGE_VALUE_BYTES : run->settings->value_bytes;
    run->durable = workload->durable;
    status = run->driver->open(run->io, run->settings, dir, run->durable, &run->store);
    return status == STATUS_OK ? status : error_set(error, status, "cannot open %s: %s", dir, status_text(status));
}

static void mark_key(struct bench_run *run, uint64_t number, bool there) {
    uint64_t bit = (uint64_t)1 << (number % 64);
    if (there) {
        run->present[number / 64] |= bit;
    } else {
        run->present[number / 64] &= ~bit;
    }
}

/* Each draws two keys and writes the first. Behind txnhot it is not known which of the few there were before. */
static void note_transactions(struct bench_run *run, const struct workload *workload, const struct lane *lane) {
    struct prng prng;
    prng_init(&prng, lane->seed);
    run->present_known = run->present_known && strcmp(workload->name, "txn") == 0;
    for (uint64_t i = 0; i < lane->count && run->present_known; i++) {
        mark_key(run, prng_below(&prng, lane->space), true);
        (void)prng_below(&prng, lane->space);
    }
}

/* Draws the keys of a lane once more, to know what is in the store now. */
static void note_keys(struct bench_run *run, const struct workload *workload, const struct lane *lane) {
    struct prng prng;
    prng_init(&prng, lane->seed);
    bool in_order = strcmp(workload->name, "fillseq") == 0 || strcmp(workload->name, "fillbatch") == 0;
    bool there = strcmp(workload->name, "deleterandom") != 0;
    if (workload->transacts) {
        note_transactions(run, workload, lane);
        return;
    }
    for (uint64_t i = 0; i < lane->count; i++) mark_key(run, in_order ? i : prng_below(&prng, lane->space), there);
    if (in_order || !there) return;
    run->filled_at_random = true;
    run->fill_seed = lane->seed;
}

/* What `deletes_row` deletes. */
static void note_deleted_row(struct bench_run *run) {
    for (uint64_t i = 0; i < workload_deleted_keys(run->space); i++) mark_key(run, run->space / 4 + i, false);
}

static uint64_t live_keys(const struct bench_run *run) {
    uint64_t keys = 0;
    for (uint64_t i = 0; i <= run->settings->entries / 64; i++) keys += (uint64_t)__builtin_popcountll(run->present[i]);
    return run->present_known ? keys : 0;
}

/* ---- Rest -------------------------------------------------------------------------------------------------------- */

/* *quiet_ns: when the quiet that lasts began. */
static enum status wait_for_rest(struct bench_run *run, unsigned windows, uint64_t *quiet_ns, struct error *error) {
    const uint64_t begin_ns = io_now_ns(run->io);
    unsigned quiet = 0;
    *quiet_ns = begin_ns;
    while (quiet < windows) {
        const uint64_t cpu_ns = measure_cpu_ns();
        io_sleep(run->io, REST_WINDOW_NS);
        const uint64_t used_ns = measure_cpu_ns() - cpu_ns; /* the question itself, which may cost, is not in it */
        const bool rests = used_ns < REST_WINDOW_CPU_NS && run->driver->at_rest(run->store);
        quiet = rests ? quiet + 1 : 0;
        const uint64_t now_ns = io_now_ns(run->io);
        if (!rests) *quiet_ns = now_ns;
        if (now_ns - begin_ns > rest_limit_ns) return error_set(error, STATUS_TIMED_OUT, "not at rest in 15 minutes");
    }
    return STATUS_OK;
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

static void run_lane(void *context) {
    struct lane *lane = context;
    lane->status = lane->work(lane);
    atomic_store_explicit(&lane->begun, true, memory_order_release);
}

static void prepare_lane(struct bench_run *run, const struct workload *workload, const struct bench_step *step,
                         unsigned number) {
    struct lane *lane = &run->lanes[number];
    memset(lane, 0, sizeof *lane);
    lane->io = run->io;
    lane->settings = run->settings;
    lane->driver = run->driver;
    lane->store = run->store;
    lane->noise = run->noise;
    lane->noise_bytes = run->noise_bytes;
    lane->space = run->space;
    lane->value_bytes = run->value_bytes;
    lane->count = workload_operations(workload, run->settings) / workload_threads(workload, run->settings);
    if (lane->count == 0) lane->count = 1;
    lane->seed = run->settings->seed + 1000003 * (step->ordinal + 1) + number;
    lane->durable = workload->durable;
    lane->work = workload->work;
}

/* Starts the lane beside the others, and waits until it is at work. */
static enum status start_beside(struct bench_run *run, const struct workload *workload, struct lane *writer,
                                atomic_bool *stop) {
    enum { LOOK_NS = 50 * 1000 };
    *writer = run->lanes[0];
    writer->work = workload->beside;
    writer->stop = stop;
    writer->count = UINT64_MAX;
    writer->refill = run->filled_at_random;
    if (writer->refill) writer->seed = run->fill_seed;
    enum status status = thread_start(&writer->thread, "writer", run_lane, writer);
    while (status == STATUS_OK && !atomic_load_explicit(&writer->begun, memory_order_acquire))
        io_sleep(run->io, LOOK_NS);
    return status;
}

/* The first lane's work is done by the calling thread. What ends *end_ns is the last lane, not the one beside them. */
static enum status run_lanes(struct bench_run *run, const struct workload *workload, uint64_t *start_ns,
                             uint64_t *end_ns, struct bench_result *result) {
    atomic_bool stop = false;
    struct lane *writer = workload->beside ? &run->lanes[workload_threads(workload, run->settings)] : NULL;
    enum status status = writer ? start_beside(run, workload, writer, &stop) : STATUS_OK;
    const bool writes = writer && status == STATUS_OK;
    unsigned started = 1;
    *start_ns = io_now_ns(run->io);
    while (status == STATUS_OK && started < workload_threads(workload, run->settings)) {
        struct lane *lane = &run->lanes[started];
        status = thread_start(&lane->thread, "lane", run_lane, lane);
        if (status == STATUS_OK) started++;
    }
    if (status == STATUS_OK) run_lane(&run->lanes[0]);
    for (unsigned i = 1; i < started; i++) thread_join(&run->lanes[i].thread);
    *end_ns = io_now_ns(run->io);
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    if (writes) thread_join(&writer->thread);
    for (unsigned i = 0; status == STATUS_OK && i < started; i++) status = run->lanes[i].status;
    if (status == STATUS_OK && writes) status = writer->status;
    if (writes) {
        result->beside = writer->operations;
        result->beside_max_ns = writer->latency.max;
    }
    return status;
}

/* ---- A step ------------------------------------------------------------------------------------------------------ */

static void merge_lanes(struct bench_run *run, const struct workload *workload, struct bench_result *result) {
    struct lane *first = &run->lanes[0];
    for (unsigned i = 0; i < workload_threads(workload, run->settings); i++) {
        const struct lane *lane = &run->lanes[i];
        result->operations += lane->operations;
        result->found += lane->found;
        result->bytes += lane->bytes;
        result->conflicts += lane->conflicts;
        if (i > 0) hist_merge(&first->latency, &lane->latency);
        if (workload->replays || (workload->writes && !workload->compacts)) note_keys(run, workload, lane);
    }
    if (workload->deletes_row) note_deleted_row(run);
    result->latency_count = first->latency.count;
    result->p50_ns = hist_quantile(&first->latency, 0.5);
    result->p99_ns = hist_quantile(&first->latency, 0.99);
    result->p999_ns = hist_quantile(&first->latency, 0.999);
    result->max_ns = first->latency.max;
    if (workload_threads(workload, run->settings) > 1 || first->sample_count == 0) return;
    result->timeline_ns = first->sample_ns;
    result->timeline_count = first->sample_count;
    memcpy(result->timeline, first->samples, first->sample_count * sizeof *first->samples);
}

static void measure_files(struct bench_run *run, struct bench_result *result) {
    char dir[BENCH_PATH_BYTES];
    bench_engine_dir(run->settings, run->driver->name, dir);
    measure_directory(run->io, dir, run->driver->is_log, &result->log_bytes, &result->table_bytes);
    if (run->driver->table_bytes) result->table_bytes = run->driver->table_bytes(run->store);
    result->live_bytes = live_keys(run) * (BENCH_KEY_BYTES + run->value_bytes);
}

static enum status measure_step(struct bench_run *run, const struct bench_step *step, const struct workload *workload,
                                struct bench_result *result) {
    const unsigned lanes = workload_threads(workload, run->settings);
    for (unsigned i = 0; i < lanes; i++) prepare_lane(run, workload, step, i);
    uint64_t written_before = 0, written_after = 0, quiet_ns = 0;
    measure_reset_peak(run->io);
    const bool counted = measure_written(run->io, &written_before);
    const uint64_t cpu_ns = measure_cpu_ns();
    uint64_t start_ns, end_ns;
    enum status status = run_lanes(run, workload, &start_ns, &end_ns, result);
    run->store = run->lanes[0].store;
    if (status != STATUS_OK) return error_set(&result->error, status, "%s: %s", workload->name, status_text(status));
    result->elapsed_ns = workload->reopens || workload->deletes_row ? run->lanes[0].latency.sum : end_ns - start_ns;
    result->cpu_ns = measure_cpu_ns() - cpu_ns;
    merge_lanes(run, workload, result);
    if (workload->compacts && run->driver->compact) result->operations = live_keys(run);
    if (!workload->alone)
        status = wait_for_rest(run, workload->writes || workload->beside ? REST_WINDOWS : REST_WINDOWS_READ, &quiet_ns,
                               &result->error);
    if (status != STATUS_OK) return status;
    if (workload->writes) {
        result->rest_ns = quiet_ns > end_ns ? quiet_ns - start_ns : end_ns - start_ns;
        result->cpu_ns = measure_cpu_ns() - cpu_ns;
        result->user_bytes = result->bytes;
    }
    result->counted_writes = counted && measure_written(run->io, &written_after);
    result->written_bytes = written_after - written_before;
    result->peak_bytes = measure_peak_bytes(run->io);
    result->comparable =
        !workload->beside && !workload->transacts && !workload->alone && !workload->compacts && run->present_known;
    if (!workload->alone) measure_files(run, result);
    return STATUS_OK;
}

void bench_run_step(struct bench_run *run, const struct bench_step *step, struct bench_result *result) {
    const struct workload *workload = &engine_workloads[step->workload];
    memset(result, 0, sizeof *result);
    enum status status = STATUS_OK;
    const bool reopens = !run->store && !workload->fresh && !workload->alone;
    uint64_t quiet_ns;
    if (workload->transacts && !run->driver->txn_open) return; /* no operations: shown as such */
    if (!workload->alone) status = open_store(run, workload, &result->error);
    if (status == STATUS_OK && workload->transacts && run->driver->txn_prepare)
        status = run->driver->txn_prepare(run->store);
    if (status == STATUS_OK && reopens) status = wait_for_rest(run, REST_WINDOWS, &quiet_ns, &result->error);
    if (status == STATUS_OK) status = measure_step(run, step, workload, result);
    if (status != STATUS_OK && result->error.status == STATUS_OK)
        (void)error_set(&result->error, status, "%s: %s", workload->name, status_text(status));
}
