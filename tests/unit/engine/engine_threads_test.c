/*
 * Several writers and readers on a real machine: each batch puts the same number under one key of two trees; whoever
 * reads must find them equal, whatever flushes and compacts meanwhile. Meant to run under the thread sanitizer too.
 */
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/base/sync.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/test_env.h"

enum { LEFT = 1, RIGHT = 2, CHURN = 3, CHURN_EVERY = 40, WRITERS = 3, READERS = 2, KEYS = 500 };

struct crowd {
    struct engine *engine;
    uint64_t writes; /* of each writer */
    uint64_t sync_every;
    _Atomic unsigned writing;
    _Atomic uint64_t reads;
    _Atomic unsigned faults;
    _Atomic(const char *) fault; /* the last one */
};

struct member {
    struct crowd *crowd;
    unsigned number;
    struct thread thread;
};

static void note_fault(struct crowd *crowd, const char *fault) {
    atomic_store(&crowd->fault, fault);
    atomic_fetch_add(&crowd->faults, 1);
}

/* Drops the tree and makes it anew with its one row, in one batch. */
static enum status churn(struct crowd *crowd, struct engine_batch *batch) {
    enum status status = engine_batch_drop_tree(batch, CHURN);
    if (status == STATUS_OK) status = engine_batch_create_tree(batch, CHURN, LAB_PLAIN);
    if (status == STATUS_OK) status = engine_batch_put(batch, CHURN, slice_from_text("row"), slice_from_text("here"));
    if (status == STATUS_OK) status = engine_write(crowd->engine, batch, NULL);
    engine_batch_clear(batch);
    return status;
}

static void run_writer(void *context) {
    struct member *member = context;
    struct crowd *crowd = member->crowd;
    struct engine_batch batch;
    struct prng prng;
    char key[16], value[100];
    prng_init(&prng, member->number);
    engine_batch_init(&batch);
    for (uint64_t i = 0; i < crowd->writes; i++) {
        snprintf(key, sizeof key, "key-%04u", (unsigned)prng_below(&prng, KEYS));
        snprintf(value, sizeof value, "%u-%" PRIu64 "-%060d", member->number, i, 0);
        enum status status = engine_batch_put(&batch, LEFT, slice_from_text(key), slice_from_text(value));
        if (status == STATUS_OK) status = engine_batch_put(&batch, RIGHT, slice_from_text(key), slice_from_text(value));
        if (status == STATUS_OK)
            status =
                engine_write(crowd->engine, &batch, &(struct engine_write_options){.sync = i % crowd->sync_every == 0});
        engine_batch_clear(&batch);
        if (status == STATUS_OK && member->number == 0 && i % CHURN_EVERY == 0) status = churn(crowd, &batch);
        if (status != STATUS_OK) note_fault(crowd, "a write failed");
    }
    engine_batch_deinit(&batch);
    atomic_fetch_sub(&crowd->writing, 1);
}

/* One key in both trees, at one snapshot. */
static void read_pair(struct crowd *crowd, const char *key) {
    struct engine_value left = {.data = {NULL, 0}}, right = {.data = {NULL, 0}};
    struct engine_snapshot *snapshot = engine_snapshot_acquire(crowd->engine);
    const enum status a = engine_get(crowd->engine, snapshot, LEFT, slice_from_text(key), &left);
    const enum status b = engine_get(crowd->engine, snapshot, RIGHT, slice_from_text(key), &right);
    if (a != b || (a != STATUS_OK && a != STATUS_NOT_FOUND) || !slice_equal(left.data, right.data))
        note_fault(crowd, "a pair differs");
    engine_value_release(&left);
    engine_value_release(&right);
    engine_snapshot_release(crowd->engine, snapshot);
}

/* Both trees side by side: the same keys and values, ascending. */
static void scan_both(struct crowd *crowd) {
    struct engine_iterator *left = NULL, *right = NULL;
    struct engine_snapshot *snapshot = engine_snapshot_acquire(crowd->engine);
    const struct engine_iterator_options options = {.snapshot = snapshot};
    if (engine_iterator_open(crowd->engine, LEFT, &options, &left) != STATUS_OK ||
        engine_iterator_open(crowd->engine, RIGHT, &options, &right) != STATUS_OK) {
        note_fault(crowd, "an iterator does not open");
    } else {
        engine_iterator_seek_first(left);
        engine_iterator_seek_first(right);
        while (engine_iterator_valid(left) && engine_iterator_valid(right)) {
            if (!slice_equal(engine_iterator_key(left), engine_iterator_key(right)) ||
                !slice_equal(engine_iterator_value(left), engine_iterator_value(right)))
                note_fault(crowd, "a scan finds two trees that differ");
            engine_iterator_next(left);
            engine_iterator_next(right);
        }
        if (engine_iterator_valid(left) || engine_iterator_valid(right))
            note_fault(crowd, "a scan finds trees of different length");
        if (engine_iterator_status(left) != STATUS_OK || engine_iterator_status(right) != STATUS_OK)
            note_fault(crowd, "a scan failed");
    }
    engine_iterator_close(left);
    engine_iterator_close(right);
    engine_snapshot_release(crowd->engine, snapshot);
}

static void run_reader(void *context) {
    struct member *member = context;
    struct crowd *crowd = member->crowd;
    struct prng prng;
    struct engine_value value;
    char key[16];
    prng_init(&prng, 100 + member->number);
    for (uint64_t i = 0; atomic_load(&crowd->writing) > 0; i++) {
        snprintf(key, sizeof key, "key-%04u", (unsigned)prng_below(&prng, KEYS));
        read_pair(crowd, key);
        if (i % 50 == 0) scan_both(crowd);
        if (engine_get_try(crowd->engine, NULL, LEFT, slice_from_text(key), &value) == STATUS_OK)
            engine_value_release(&value);
        /* The tree is never seen without its row. */
        if (engine_get(crowd->engine, NULL, CHURN, slice_from_text("row"), &value) == STATUS_OK)
            engine_value_release(&value);
        else
            note_fault(crowd, "the tree that comes and goes has no row");
        atomic_fetch_add(&crowd->reads, 1);
    }
}

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *walk) {
    (void)stat;
    (void)flag;
    (void)walk;
    return remove(path);
}

static void count_halved(void *context, const char *line) {
    atomic_uint *halved = context;
    if (strstr(line, "\"parts\":2")) atomic_fetch_add(halved, 1);
}

static void run_crowd(uint64_t writes, uint64_t sync_every) {
    char path[] = "/tmp/loam-engine-threads-XXXXXX", dir[64];
    assert_non_null(mkdtemp(path));
    snprintf(dir, sizeof dir, "%s/db", path);
    struct io *io = NULL;
    assert_int_equal(io_create(&(struct io_options){.backend = IO_BACKEND_POSIX, .compaction_threads = 2}, &io, NULL),
                     STATUS_OK);
    struct engine_options options = lab_options();
    atomic_uint halved = 0;
    options.file_bytes = 2 << 10; /* so that merges are cut in two, which two threads work on */
    options.on_event = count_halved;
    options.event_context = &halved;
    struct crowd crowd = {.writes = writes, .sync_every = sync_every, .writing = WRITERS};
    crowd.engine = lab_open(io, dir, &options);
    struct member members[WRITERS + READERS];
    lab_create_tree(crowd.engine, LEFT, LAB_PLAIN);
    lab_create_tree(crowd.engine, RIGHT, LAB_PLAIN);
    lab_create_tree(crowd.engine, CHURN, LAB_PLAIN);
    lab_put(crowd.engine, CHURN, "row", "here");
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        members[i] = (struct member){.crowd = &crowd, .number = i};
        assert_int_equal(thread_start(&members[i].thread, "crowd", i < WRITERS ? run_writer : run_reader, &members[i]),
                         STATUS_OK);
    }
    for (unsigned i = 0; i < WRITERS + READERS; i++) thread_join(&members[i].thread);
    if (atomic_load(&crowd.faults) > 0)
        fail_msg("%u faults; the last: %s", atomic_load(&crowd.faults), atomic_load(&crowd.fault));
    assert_true(atomic_load(&crowd.reads) > 0);
    struct engine_stats stats;
    engine_get_stats(crowd.engine, &stats);
    assert_true(stats.flushes > 0);
    assert_int_equal(engine_flush(crowd.engine), STATUS_OK);
    assert_int_equal(engine_compact(crowd.engine), STATUS_OK);
    assert_true(atomic_load(&halved) > 0);
    assert_true(stats.wal_commits <= WRITERS * crowd.writes + crowd.writes / CHURN_EVERY + 8);
    scan_both(&crowd);
    assert_int_equal(atomic_load(&crowd.faults), 0);
    assert_int_equal(engine_verify(crowd.engine, NULL, NULL), STATUS_OK);
    engine_close(crowd.engine);
    io_destroy(io);
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void readers_see_whole_batches_while_writers_flush_and_compact(void **state) {
    (void)state;
    run_crowd(test_scaled(6000), 64);
}

static void and_while_each_writer_waits_for_the_device(void **state) {
    (void)state;
    run_crowd(test_scaled(2000), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_whole_batches_while_writers_flush_and_compact),
        cmocka_unit_test(and_while_each_writer_waits_for_the_device),
    };
    return cmocka_run_group_tests_name("engine_threads", tests, NULL, NULL);
}
