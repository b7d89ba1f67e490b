/*
 * Reading beside a writer. In the simulator a writer lives through a seeded workload with flushes, compactions, new
 * manifests, recycled segments and restarts, and a reader refreshes now and then: it must hold all that was written, to
 * the byte; its snapshots and open iterators go on showing their own state; and nothing on the disk has changed. On the
 * machine a process that writes is killed at any moment while this one refreshes: every state is one that the writer
 * had, none is older than the one before, and what was acknowledged is there. In the third test both live in one
 * process, for `make tsan`: threads read while another one refreshes.
 */
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/base/sync.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/seeds.h"
#include "tests/harness/temp_dir.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_io.h"

enum { BATCHES = 160, SEEDS = 40, HELD = 3 };

/* ---- In the simulator -------------------------------------------------------------------------------------------- */

struct held {
    struct engine_snapshot *snapshot;
    uint32_t n;
};

struct life {
    struct prng prng;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct workload *workload;
    struct engine_options options, reader_options;
    struct engine *writer, *reader;
    struct held held[HELD];
    uint32_t n;
    uint64_t refreshes;
};

static void must(enum status status, const struct error *error, const char *what) {
    if (status != STATUS_OK) fail_msg("%s: %s: %s", what, status_name(status), error->text);
}

static void check_snapshot(struct life *life, const struct held *held) {
    struct error error = {0};
    must(model_compare_engine(workload_state(life->workload, held->n), held->n, life->reader, held->snapshot, &error),
         &error, "a snapshot of before");
}

static void let_go(struct life *life, struct held *held) {
    if (!held->snapshot) return;
    check_snapshot(life, held);
    engine_snapshot_release(life->reader, held->snapshot);
    held->snapshot = NULL;
}

static void refresh(struct life *life) {
    struct error error = {0};
    struct held *held = &life->held[prng_below(&life->prng, HELD)];
    const uint64_t before = sim_disk_hash(life->disk);
    if (!life->reader)
        must(engine_open(life->io, "/db", &life->reader_options, &life->reader, &error), &error, "open");
    else
        must(engine_refresh(life->reader, &error), &error, "refresh");
    assert_int_equal(sim_disk_hash(life->disk), before);
    life->refreshes++;
    must(workload_compare(life->workload, life->reader, life->n, &error), &error, "compare");
    let_go(life, held);
    *held = (struct held){engine_snapshot_acquire(life->reader), life->n};
    assert_non_null(held->snapshot);
}

/* With nothing held, the reader counts what is kept apart as the writer does; but for trees that were dropped and whose
 * files the writer keeps until a flush has told of it. */
static void compare_accounts(struct life *life) {
    struct engine_stats written, read;
    struct error error = {0};
    for (unsigned i = 0; i < HELD; i++) let_go(life, &life->held[i]);
    must(engine_flush(life->writer), &error, "flush");
    while (io_job_assist(life->io)) continue;
    must(engine_refresh(life->reader, &error), &error, "refresh");
    engine_get_stats(life->writer, &written);
    engine_get_stats(life->reader, &read);
    assert_int_equal(read.value_live_bytes, written.value_live_bytes);
    assert_int_equal(read.disk_bytes, written.disk_bytes);
}

static void close_reader(struct life *life) {
    for (unsigned i = 0; i < HELD; i++) let_go(life, &life->held[i]);
    engine_close(life->reader);
    life->reader = NULL;
}

static void open_writer(struct life *life) {
    struct error error = {0};
    must(engine_open(life->io, "/db", &life->options, &life->writer, &error), &error, "open the writer");
}

static void step(struct life *life, struct engine_batch *batch) {
    struct error error = {.text = ""};
    bool durable;
    const struct engine_write_options options = {.sync = prng_below(&life->prng, 4) == 0};
    must(workload_write(life->workload, life->io, life->writer, ++life->n, false, batch, &options, &durable), &error,
         "write");
    const uint64_t dice = prng_below(&life->prng, 100);
    if (dice < 30)
        refresh(life);
    else if (dice < 34)
        must(engine_flush(life->writer), &error, "flush");
    else if (dice < 37)
        must(engine_compact(life->writer), &error, "compact");
    else if (dice < 60)
        (void)io_job_assist(life->io);
    else if (dice < 62 && life->reader)
        close_reader(life);
    else if (dice < 64) {
        engine_close(life->writer);
        if (prng_below(&life->prng, 2) && life->reader) refresh(life); /* at rest, too */
        open_writer(life);
    }
}

static uint64_t live(uint64_t seed) {
    struct life life = {.workload = workload_create(seed, BATCHES, 20)};
    struct engine_batch batch;
    prng_init(&life.prng, seed);
    life.sim = sim_create(seed);
    life.disk = sim_disk_create(seed);
    life.io = sim_io_create(life.sim, life.disk, NULL);
    life.options = life.reader_options = workload_engine_options(life.workload);
    if (seed % 2) life.options.manifest_bytes = life.reader_options.manifest_bytes = 8 << 10;
    life.reader_options.read_only = true;
    engine_batch_init(&batch);
    open_writer(&life);
    while (life.n < BATCHES) step(&life, &batch);
    refresh(&life);
    compare_accounts(&life);
    close_reader(&life);
    engine_close(life.writer);
    engine_batch_deinit(&batch);
    workload_destroy(life.workload);
    io_destroy(life.io);
    sim_disk_destroy(life.disk);
    sim_destroy(life.sim);
    return life.refreshes;
}

static void a_reader_sees_what_its_writer_has_written(void **state) {
    (void)state;
    uint64_t refreshes = 0;
    const uint64_t first = test_seed(1), count = test_scaled(SEEDS);
    for (uint64_t seed = first; seed < first + count; seed++) {
        seed_starts("a_reader_sees_what_its_writer_has_written", seed);
        refreshes += live(seed);
        seed_passes();
    }
    assert_true(refreshes > count * 10);
}

/* ---- Two processes ----------------------------------------------------------------------------------------------- */

enum {
    TREE = 1,
    SUMS = 2,
    APART = 3,
    KEYS = 60,
    APART_KEYS = 7, /* few, so that files of values go soon */
    LIVES = 12,
    LOOKS = 250,
    LOOKS_LEAST = 4,
    LIFE_NS = 600000000, /* of looking on: a machine that is busy gives fewer looks */
    VALUE_BYTES = 120,
    LARGE_BYTES = 700,
};

/* Shared with the process that writes. */
struct told {
    _Atomic uint64_t written, acknowledged;
};

static struct slice key_of(uint64_t i, unsigned keys, char to[16]) {
    snprintf(to, 16, "key-%02u", (unsigned)(i % keys));
    return slice_from_text(to);
}

/* Batch i: one of the keys, a large value, the count, and one added to a sum, which tells a row that is met twice. */
static enum status write_batch(struct engine *engine, struct engine_batch *batch, uint64_t i) {
    char key[16], value[VALUE_BYTES + 1], large[LARGE_BYTES + 1];
    snprintf(value, sizeof value, "%0*" PRIu64, VALUE_BYTES, i);
    snprintf(large, sizeof large, "%0*" PRIu64, LARGE_BYTES, i);
    engine_batch_clear(batch);
    enum status status = engine_batch_put(batch, TREE, key_of(i, KEYS, key), slice_from_text(value));
    if (status == STATUS_OK)
        status = engine_batch_put(batch, APART, key_of(i, APART_KEYS, key), slice_from_text(large));
    if (status == STATUS_OK) status = engine_batch_put(batch, TREE, slice_from_text("n"), slice_from_text(value));
    if (status == STATUS_OK) status = engine_batch_merge(batch, SUMS, slice_from_text("sum"), slice_from_text("1"));
    return status == STATUS_OK ? engine_write(engine, batch, &(struct engine_write_options){.sync = i % 64 == 0})
                               : status;
}

static long long number_at(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                           struct slice key) {
    struct engine_value value;
    char text[LARGE_BYTES + 1] = "0";
    const enum status status = engine_get(engine, snapshot, tree, key, &value);
    if (status == STATUS_INVALID || status == STATUS_NOT_FOUND) return 0;
    if (status != STATUS_OK) return -1;
    memcpy(text, value.data.data, value.data.size < LARGE_BYTES ? value.data.size : LARGE_BYTES);
    engine_value_release(&value);
    return strtoll(text, NULL, 10);
}

static enum status make_trees(struct engine *engine, struct engine_batch *batch) {
    enum status status = engine_batch_create_tree(batch, TREE, LAB_PLAIN);
    if (status == STATUS_OK) status = engine_batch_create_tree(batch, SUMS, LAB_SUM);
    if (status == STATUS_OK) status = engine_batch_create_tree(batch, APART, LAB_APART);
    return status == STATUS_OK ? engine_write(engine, batch, NULL) : status;
}

static struct engine_options writer_options(void) {
    struct engine_options options = lab_options();
    options.manifest_bytes = 16 << 10;
    options.value_file_bytes = 16 << 10;
    return options;
}

static _Noreturn void be_writer(const char *dir, struct told *told) {
    struct io *io = NULL;
    struct engine *engine = NULL;
    struct engine_batch batch;
    const struct engine_options options = writer_options();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(1); /* a test that fails leaves nobody behind */
    if (io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, NULL) != STATUS_OK) _exit(2);
    if (engine_open(io, dir, &options, &engine, NULL) != STATUS_OK) _exit(3);
    engine_batch_init(&batch);
    if (make_trees(engine, &batch) != STATUS_OK) _exit(4);
    for (uint64_t i = (uint64_t)number_at(engine, NULL, TREE, slice_from_text("n")) + 1;; i++) {
        atomic_store(&told->written, i);
        if (write_batch(engine, &batch, i) != STATUS_OK) _exit(5);
        atomic_store(&told->acknowledged, i);
    }
}

/* The state is that after some batch n, whole. Any thread. */
static uint64_t check_state(struct engine *reader) {
    char key[16];
    struct engine_snapshot *snapshot = engine_snapshot_acquire(reader);
    check(snapshot != NULL);
    const long long n = number_at(reader, snapshot, TREE, slice_from_text("n"));
    check(n >= 0);
    check(number_at(reader, snapshot, SUMS, slice_from_text("sum")) == n);
    for (long long i = n; i > 0 && i > n - KEYS; i--)
        check(number_at(reader, snapshot, TREE, key_of((uint64_t)i, KEYS, key)) == i);
    for (long long i = n; i > 0 && i > n - APART_KEYS; i--)
        check(number_at(reader, snapshot, APART, key_of((uint64_t)i, APART_KEYS, key)) == i);
    engine_snapshot_release(reader, snapshot);
    return (uint64_t)n;
}

static struct engine *open_reader(struct io *io, const char *dir) {
    struct engine *reader = NULL;
    struct engine_options options = writer_options();
    struct error error = {0};
    options.read_only = true;
    must(engine_open(io, dir, &options, &reader, &error), &error, "open the reader");
    return reader;
}

static bool has_time(struct io *io, uint64_t began, uint64_t looks) {
    return looks < LOOKS_LEAST || (looks < test_scaled(LOOKS) && io_now_ns(io) - began < LIFE_NS);
}

/*
 * Writers are children of a process that has never had a thread: what a thread holds at the moment of a fork (a lock of
 * the allocator) stays held in the child for ever.
 */
struct nursery {
    pid_t pid;
    int asks, answers; /* our ends: a byte asks for a writer; its pid comes when it lives, and again when it is gone */
};

static _Noreturn void be_nursery(const char *dir, struct told *told, int asked, int answers) {
    char byte;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(1); /* a test that fails leaves nobody behind */
    while (read(asked, &byte, 1) == 1) {
        const pid_t child = fork();
        if (child == 0) be_writer(dir, told);
        if (child < 0 || write(answers, &child, sizeof child) != sizeof child) _exit(6);
        if (waitpid(child, NULL, 0) != child || write(answers, &child, sizeof child) != sizeof child) _exit(7);
    }
    _exit(0);
}

static void nursery_open(struct nursery *nursery, const char *dir, struct told *told) {
    int asks[2], answers[2];
    assert_int_equal(pipe(asks), 0);
    assert_int_equal(pipe(answers), 0);
    nursery->pid = fork();
    assert_true(nursery->pid >= 0);
    if (nursery->pid == 0) {
        close(asks[1]);
        be_nursery(dir, told, asks[0], answers[1]);
    }
    close(asks[0]);
    close(answers[1]);
    nursery->asks = asks[1];
    nursery->answers = answers[0];
}

static void nursery_close(struct nursery *nursery) {
    close(nursery->asks);
    assert_int_equal(waitpid(nursery->pid, NULL, 0), nursery->pid);
    close(nursery->answers);
}

static pid_t nursery_answer(const struct nursery *nursery) {
    pid_t child = 0;
    assert_int_equal(read(nursery->answers, &child, sizeof child), sizeof child);
    return child;
}

static pid_t nursery_bear(const struct nursery *nursery) {
    assert_int_equal(write(nursery->asks, "w", 1), 1);
    return nursery_answer(nursery);
}

static bool writer_is_gone(const struct nursery *nursery) {
    struct pollfd answer = {.fd = nursery->answers, .events = POLLIN};
    return poll(&answer, 1, 0) != 0;
}

/* A writer's life, which ends by a kill; returns the last state seen. */
static uint64_t look_on(const struct nursery *nursery, struct io *io, const char *dir, struct told *told,
                        struct engine **reader, uint64_t seen) {
    struct error error = {0};
    const uint64_t before = atomic_load(&told->acknowledged);
    const pid_t child = nursery_bear(nursery);
    const uint64_t began = io_now_ns(io);
    while (atomic_load(&told->acknowledged) < before + 100) {
        assert_false(writer_is_gone(nursery));
        io_sleep(io, 1000000);
    }
    if (!*reader) *reader = open_reader(io, dir);
    for (uint64_t i = 0; has_time(io, began, i); i++) {
        const uint64_t least = atomic_load(&told->acknowledged);
        must(engine_refresh(*reader, &error), &error, "refresh");
        const uint64_t n = check_state(*reader), most = atomic_load(&told->written);
        assert_true(n >= seen && n >= least && n <= most);
        seen = n;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(nursery_answer(nursery), child);
    must(engine_refresh(*reader, &error), &error, "refresh beside nobody");
    const uint64_t n = check_state(*reader);
    assert_true(n >= seen && n >= atomic_load(&told->acknowledged));
    return n;
}

static void a_writer_that_is_killed_never_confuses_its_reader(void **state) {
    (void)state;
    char path[TEMP_DIR_BYTES], dir[TEMP_DIR_BYTES + 8];
    struct io *io = NULL;
    struct engine *reader = NULL;
    struct nursery nursery;
    uint64_t seen = 0;
    struct told *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    temp_dir_make(path, "refresh");
    snprintf(dir, sizeof dir, "%s/db", path);
    nursery_open(&nursery, dir, told);
    assert_int_equal(io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, NULL), STATUS_OK);
    for (unsigned life = 0; life < LIVES; life++) {
        if (life % 4 == 3) { /* another one begins anew */
            engine_close(reader);
            reader = NULL;
        }
        seen = look_on(&nursery, io, dir, told, &reader, seen);
    }
    nursery_close(&nursery);
    printf("%" PRIu64 " batches seen\n", seen);
    engine_close(reader);
    temp_dir_remove(io, path);
    io_destroy(io);
    munmap(told, sizeof *told);
}

/* ---- One process ------------------------------------------------------------------------------------------------- */

enum { THREADS = 2, REFRESHES = 250 };

struct crew {
    struct engine *writer, *reader;
    atomic_bool ends;
    _Atomic uint64_t checks;
    struct told told;
};

static void write_on(void *context) {
    struct crew *crew = context;
    struct engine_batch batch;
    engine_batch_init(&batch);
    check(make_trees(crew->writer, &batch) == STATUS_OK);
    for (uint64_t i = 1; !atomic_load(&crew->ends); i++) {
        check(write_batch(crew->writer, &batch, i) == STATUS_OK);
        atomic_store(&crew->told.acknowledged, i);
    }
    engine_batch_deinit(&batch);
}

/* Without a snapshot, too: each read is of what was refreshed last, or later. */
static void read_on(void *context) {
    struct crew *crew = context;
    uint64_t seen = 0;
    while (!atomic_load(&crew->ends)) {
        const uint64_t n = check_state(crew->reader);
        check(n >= seen);
        seen = (uint64_t)number_at(crew->reader, NULL, TREE, slice_from_text("n"));
        check(seen >= n && seen != UINT64_MAX);
        atomic_fetch_add(&crew->checks, 1);
    }
}

static void refresh_on(struct crew *crew, struct io *io) {
    struct error error = {0};
    const uint64_t began = io_now_ns(io);
    for (uint64_t i = 0; i < LOOKS_LEAST || (i < REFRESHES && io_now_ns(io) - began < 4ULL * LIFE_NS); i++) {
        const uint64_t least = atomic_load(&crew->told.acknowledged);
        must(engine_refresh(crew->reader, &error), &error, "refresh");
        const long long n = number_at(crew->reader, NULL, TREE, slice_from_text("n"));
        assert_true(n >= (long long)least);
        io_sleep(io, 2000000);
    }
}

static void reads_go_on_while_it_refreshes(void **state) {
    (void)state;
    char path[TEMP_DIR_BYTES], dir[TEMP_DIR_BYTES + 8];
    struct io *io = NULL;
    struct crew crew = {.ends = false};
    struct thread writer, readers[THREADS];
    const struct engine_options options = writer_options();
    temp_dir_make(path, "refresh");
    snprintf(dir, sizeof dir, "%s/db", path);
    assert_int_equal(io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, NULL), STATUS_OK);
    crew.writer = lab_open(io, dir, &options);
    crew.reader = open_reader(io, dir);
    assert_int_equal(thread_start(&writer, "writer", write_on, &crew), STATUS_OK);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&readers[i], "reader", read_on, &crew), STATUS_OK);
    refresh_on(&crew, io);
    atomic_store(&crew.ends, true);
    thread_join(&writer);
    for (unsigned i = 0; i < THREADS; i++) thread_join(&readers[i]);
    printf("%" PRIu64 " batches, %" PRIu64 " checks\n", atomic_load(&crew.told.acknowledged),
           atomic_load(&crew.checks));
    engine_close(crew.reader);
    engine_close(crew.writer);
    temp_dir_remove(io, path);
    io_destroy(io);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_sees_what_its_writer_has_written),
        cmocka_unit_test(a_writer_that_is_killed_never_confuses_its_reader),
        cmocka_unit_test(reads_go_on_while_it_refreshes),
    };
    return seed_report(cmocka_run_group_tests_name("engine_refresh", tests, NULL, NULL),
                       "build/tests/property/engine_refresh_test");
}
