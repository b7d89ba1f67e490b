/* Marks, log time and what hangs on them: flushes behind the owner's log, expiry on disk, checkpoints, directories and
 * their owners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/alloc_fault.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_io.h"

enum { PACED_NS = 1000000000, TREE = 1 };

struct fixture {
    struct lab_store lab;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    lab_store_init(&fixture->lab, 3);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    lab_store_deinit(&fixture->lab);
    free(fixture);
    return 0;
}

static void work(struct fixture *fixture) {
    while (io_job_assist(fixture->lab.io)) continue;
}

static void open_off(struct fixture *fixture) {
    fixture->lab.options.wal = ENGINE_WAL_OFF;
    lab_store_open(&fixture->lab);
}

static enum status put_at(struct engine *engine, uint64_t index, const char *key, const char *value) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text(key), slice_from_text(value)), STATUS_OK);
    batch.mark = (struct engine_mark){.index = index, .term = 2, .time_ms = (int64_t)index * 10};
    const enum status status = engine_write(engine, &batch, &(struct engine_write_options){.no_wait = true});
    engine_batch_deinit(&batch);
    return status;
}

static void a_flush_is_installed_only_behind_the_durable_log(void **state) {
    struct fixture *fixture = *state;
    open_off(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN); /* index 1 */
    assert_int_equal(put_at(fixture->lab.engine, 5, "a", "1"), STATUS_OK);
    assert_int_equal(engine_flush_start(fixture->lab.engine), STATUS_OK);
    work(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 0);
    engine_log_durable(fixture->lab.engine, 4);
    work(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 0);
    engine_log_durable(fixture->lab.engine, 5);
    work(fixture);
    const struct engine_mark mark = engine_installed(fixture->lab.engine);
    assert_int_equal(mark.index, 5);
    assert_int_equal(mark.term, 2);
    assert_int_equal(mark.time_ms, 50);
}

static void what_was_not_installed_is_the_owners_to_replay(void **state) {
    struct fixture *fixture = *state;
    open_off(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    assert_int_equal(put_at(fixture->lab.engine, 2, "a", "1"), STATUS_OK);
    engine_log_durable(fixture->lab.engine, 2);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(put_at(fixture->lab.engine, 3, "b", "1"), STATUS_OK);
    engine_close(fixture->lab.engine);
    open_off(fixture);
    assert_int_equal(engine_applied(fixture->lab.engine).index, 2);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1");
    assert_int_equal(put_at(fixture->lab.engine, 2, "b", "1"), STATUS_INVALID); /* not above the last */
    assert_int_equal(put_at(fixture->lab.engine, 3, "b", "1"), STATUS_OK);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1 b=1");
}

static void an_empty_batch_moves_the_mark(void **state) {
    struct fixture *fixture = *state;
    struct engine_batch batch;
    open_off(fixture);
    engine_batch_init(&batch);
    batch.mark = (struct engine_mark){.index = 9, .term = 3, .time_ms = 7};
    assert_int_equal(engine_write(fixture->lab.engine, &batch, NULL), STATUS_OK);
    engine_batch_deinit(&batch);
    assert_int_equal(engine_applied(fixture->lab.engine).index, 9);
    engine_log_durable(fixture->lab.engine, 9);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    engine_close(fixture->lab.engine);
    open_off(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 9);
    assert_int_equal(engine_installed(fixture->lab.engine).time_ms, 7);
}

static void full_memory_answers_busy_and_a_durable_log_frees_it(void **state) {
    struct fixture *fixture = *state;
    char key[16], value[1000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    fixture->lab.options.memtable_bytes = 8 << 10;
    open_off(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    uint64_t index = 1;
    enum status status = STATUS_OK;
    unsigned before = 0;
    while (status == STATUS_OK && index < 1000) {
        snprintf(key, sizeof key, "k%04u", (unsigned)index);
        const unsigned pressure = engine_pressure(fixture->lab.engine);
        assert_true(pressure <= 1000);
        if (pressure > before) before = pressure;
        status = put_at(fixture->lab.engine, ++index, key, value);
        work(fixture);
    }
    assert_int_equal(status, STATUS_BUSY);
    assert_true(index > 20 && index < 100);
    assert_true(before > 0); /* it rose before it refused */
    engine_log_durable(fixture->lab.engine, index);
    work(fixture);
    assert_int_equal(put_at(fixture->lab.engine, index, key, value), STATUS_OK);
}

/* Puts from *index on, `bytes` in all, none of which may be refused but for its pace. */
static void put_bytes(struct fixture *fixture, uint64_t *index, size_t bytes) {
    static char value[16 << 10];
    char key[16];
    memset(value, 'v', sizeof value - 1);
    for (size_t done = 0; done < bytes; done += sizeof value) {
        snprintf(key, sizeof key, "k%06u", (unsigned)++*index);
        enum status status = put_at(fixture->lab.engine, *index, key, value);
        if (status == STATUS_BUSY) io_sleep(fixture->lab.io, PACED_NS);
        if (status == STATUS_BUSY) status = put_at(fixture->lab.engine, *index, key, value);
        assert_int_equal(status, STATUS_OK);
    }
}

static void the_pace_follows_what_a_flush_has_left(void **state) {
    struct fixture *fixture = *state;
    enum { MEMTABLE = 2 << 20, LOOK = 80 << 10 };
    uint64_t index = 1;
    fixture->lab.options.memtable_bytes = MEMTABLE;
    fixture->lab.options.memtable_limit = 4;
    open_off(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    put_bytes(fixture, &index, 3 * MEMTABLE - (1 << 19));
    assert_int_equal(engine_pressure(fixture->lab.engine), 0); /* three quarters of what may be filled are free */
    put_bytes(fixture, &index, 1 << 20);
    const unsigned full = engine_pressure(fixture->lab.engine);
    assert_true(full > 0);
    for (int steps = 0; steps < 6; steps++) assert_true(io_job_assist(fixture->lab.io));
    put_bytes(fixture, &index, LOOK);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 0);
    assert_true(engine_pressure(fixture->lab.engine) < full);
    work(fixture); /* until the flush waits for the log: the memory stays, and has its price again */
    put_bytes(fixture, &index, LOOK);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 0);
    assert_true(engine_pressure(fixture->lab.engine) >= full);
    engine_log_durable(fixture->lab.engine, index);
    work(fixture);
    put_bytes(fixture, &index, LOOK);
    assert_int_equal(engine_pressure(fixture->lab.engine), 0);
}

/* ---- A memtable that its owner seals ---- */

static void open_sealed_by_owner(struct fixture *fixture) {
    fixture->lab.options.owner_seals = true;
    open_off(fixture);
}

static enum status amend(struct fixture *fixture, const char *key, const char *value, bool seal) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text(key), slice_from_text(value)), STATUS_OK);
    const enum status status = engine_amend(fixture->lab.engine, &batch, seal);
    engine_batch_deinit(&batch);
    return status;
}

/* Ordinary writes from index + 1 on, until one is refused, not for its pace alone; the last index that was taken. */
static uint64_t fill(struct fixture *fixture, uint64_t index) {
    char key[16], value[1000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        snprintf(key, sizeof key, "k%04u", (unsigned)++index);
        status = put_at(fixture->lab.engine, index, key, value);
        if (status == STATUS_BUSY) io_sleep(fixture->lab.io, PACED_NS);
        if (status == STATUS_BUSY) status = put_at(fixture->lab.engine, index, key, value);
        work(fixture);
        assert_true(index < 1000);
    }
    assert_int_equal(status, STATUS_BUSY);
    return index - 1;
}

static void what_an_owner_seals_is_installed_with_its_last_rows(void **state) {
    struct fixture *fixture = *state;
    open_sealed_by_owner(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    assert_int_equal(put_at(fixture->lab.engine, 7, "a", "1"), STATUS_OK);
    assert_int_equal(engine_flush_start(fixture->lab.engine), STATUS_OK);
    engine_log_durable(fixture->lab.engine, 8);
    work(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 0); /* it waits for the owner */
    assert_true(engine_wants_seal(fixture->lab.engine));
    assert_int_equal(amend(fixture, "own", "7", true), STATUS_OK);
    assert_false(engine_wants_seal(fixture->lab.engine));
    assert_int_equal(put_at(fixture->lab.engine, 8, "b", "1"), STATUS_OK);
    work(fixture);
    const struct engine_mark mark = engine_installed(fixture->lab.engine);
    assert_int_equal(mark.index, 7);
    assert_int_equal(mark.term, 2);
    assert_int_equal(mark.time_ms, 70);
    engine_close(fixture->lab.engine);
    open_sealed_by_owner(fixture);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1 own=7");
}

static void rows_that_amend_stand_at_the_last_mark(void **state) {
    struct fixture *fixture = *state;
    open_sealed_by_owner(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    assert_int_equal(put_at(fixture->lab.engine, 4, "a", "1"), STATUS_OK);
    assert_int_equal(amend(fixture, "own", "4", false), STATUS_OK);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1 own=4");
    assert_int_equal(engine_applied(fixture->lab.engine).index, 4);
    assert_int_equal(put_at(fixture->lab.engine, 5, "b", "1"), STATUS_OK);
    work(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 0); /* nothing was sealed */
}

static void a_flush_of_nothing_new_asks_its_owner_for_nothing(void **state) {
    struct fixture *fixture = *state;
    open_sealed_by_owner(fixture);
    assert_int_equal(engine_flush_start(fixture->lab.engine), STATUS_OK);
    assert_false(engine_wants_seal(fixture->lab.engine));
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    assert_false(engine_wants_seal(fixture->lab.engine));
    assert_int_equal(engine_flush_start(fixture->lab.engine), STATUS_OK);
    assert_true(engine_wants_seal(fixture->lab.engine));
    assert_int_equal(amend(fixture, "own", "1", true), STATUS_OK);
    engine_log_durable(fixture->lab.engine, 1);
    work(fixture);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK); /* all is installed: no wait either */
    assert_false(engine_wants_seal(fixture->lab.engine));
    assert_int_equal(put_at(fixture->lab.engine, 2, "a", "1"), STATUS_OK);
    assert_false(engine_wants_seal(fixture->lab.engine));
}

static void a_full_memtable_takes_only_what_seals_it(void **state) {
    struct fixture *fixture = *state;
    fixture->lab.options.memtable_bytes = 8 << 10;
    open_sealed_by_owner(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    const uint64_t last = fill(fixture, 1);
    assert_true(engine_wants_seal(fixture->lab.engine));
    assert_int_equal(amend(fixture, "own", "x", true), STATUS_OK);
    assert_int_equal(put_at(fixture->lab.engine, last + 1, "a", "1"), STATUS_OK);
}

static void without_room_for_a_memtable_a_seal_is_busy_and_leaves_no_trace(void **state) {
    struct fixture *fixture = *state;
    fixture->lab.options.memtable_bytes = 8 << 10;
    fixture->lab.options.memtable_limit = 2;
    open_sealed_by_owner(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    const uint64_t first = fill(fixture, 1);
    assert_int_equal(amend(fixture, "own", "1", true), STATUS_OK);
    const uint64_t last = fill(fixture, first);
    assert_false(engine_wants_seal(fixture->lab.engine)); /* it does, but there is no room */
    assert_int_equal(amend(fixture, "own", "2", true), STATUS_BUSY);
    lab_expect(fixture->lab.engine, NULL, TREE, "own", "1");
    engine_log_durable(fixture->lab.engine, last);
    work(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, first);
    assert_true(engine_wants_seal(fixture->lab.engine));
    assert_int_equal(amend(fixture, "own", "2", true), STATUS_OK);
    work(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, last);
    lab_expect(fixture->lab.engine, NULL, TREE, "own", "2");
}

static void a_seal_without_memory_leaves_no_trace(void **state) {
    struct fixture *fixture = *state;
    char value[1 << 16]; /* the memtable has to grow, too */
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    open_sealed_by_owner(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text("own"), slice_from_text(value)), STATUS_OK);
    enum status status = STATUS_NO_MEMORY;
    unsigned refusals = 0;
    for (uint64_t n = 1; status != STATUS_OK; n++) {
        alloc_fault_at(n);
        status = engine_amend(fixture->lab.engine, &batch, true);
        (void)alloc_fault_clear();
        if (status == STATUS_OK) break;
        assert_int_equal(status, STATUS_NO_MEMORY);
        lab_expect(fixture->lab.engine, NULL, TREE, "own", NULL);
        refusals++;
    }
    engine_batch_deinit(&batch);
    assert_true(refusals >= 3); /* a memtable, a view, the row */
    engine_log_durable(fixture->lab.engine, 1);
    work(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 1);
    lab_expect(fixture->lab.engine, NULL, TREE, "own", value);
}

static void a_flush_needs_no_space_that_writes_are_refused_for(void **state) {
    struct fixture *fixture = *state;
    open_sealed_by_owner(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    engine_log_durable(fixture->lab.engine, 1);
    assert_int_equal(amend(fixture, "own", "1", true), STATUS_OK);
    work(fixture);
    engine_close(fixture->lab.engine);
    fixture->lab.options.disk_reserve_bytes = UINT64_MAX; /* never enough */
    open_sealed_by_owner(fixture);
    assert_int_equal(put_at(fixture->lab.engine, 2, "a", "1"), STATUS_NO_SPACE);
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_delete(&batch, TREE, slice_from_text("a")), STATUS_OK);
    batch.mark.index = 2;
    assert_int_equal(engine_write(fixture->lab.engine, &batch, NULL), STATUS_OK);
    engine_batch_deinit(&batch);
    assert_int_equal(amend(fixture, "own", "2", true), STATUS_OK);
    engine_log_durable(fixture->lab.engine, 2);
    work(fixture);
    assert_int_equal(engine_installed(fixture->lab.engine).index, 2);
}

static void an_engine_with_its_own_log_seals_itself(void **state) {
    struct fixture *fixture = *state;
    struct error error;
    fixture->lab.options.owner_seals = true;
    assert_int_equal(engine_open(fixture->lab.io, "db", &fixture->lab.options, &fixture->lab.engine, &error),
                     STATUS_INVALID);
    assert_non_null(strstr(error.text, "owner_seals"));
}

static void a_store_that_is_only_read_takes_writes_into_memory_alone(void **state) {
    struct fixture *fixture = *state;
    struct error error;
    fixture->lab.options.memory_writes = true;
    assert_int_equal(engine_open(fixture->lab.io, "db", &fixture->lab.options, &fixture->lab.engine, &error),
                     STATUS_INVALID);
    fixture->lab.options.memory_writes = false;
    open_sealed_by_owner(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    assert_int_equal(put_at(fixture->lab.engine, 7, "a", "1"), STATUS_OK);
    assert_int_equal(amend(fixture, "own", "7", true), STATUS_OK);
    engine_log_durable(fixture->lab.engine, 7);
    work(fixture);
    engine_close(fixture->lab.engine);

    fixture->lab.options.read_only = fixture->lab.options.memory_writes = true;
    open_sealed_by_owner(fixture);
    assert_int_equal(put_at(fixture->lab.engine, 8, "b", "2"), STATUS_OK);
    assert_int_equal(amend(fixture, "own", "8", false), STATUS_OK);
    assert_int_equal(amend(fixture, "own", "9", true), STATUS_READ_ONLY);
    assert_int_equal(engine_flush_start(fixture->lab.engine), STATUS_READ_ONLY);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1 b=2 own=8");
    fill(fixture, 8); /* up to the memtable's size: BUSY */
    engine_close(fixture->lab.engine);

    fixture->lab.options.read_only = fixture->lab.options.memory_writes = false;
    open_sealed_by_owner(fixture);
    assert_int_equal(engine_applied(fixture->lab.engine).index, 7);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1 own=7");
}

static void expired_values_leave_the_disk_as_log_time_passes(void **state) {
    struct fixture *fixture = *state;
    enum { HOUR = 3600000 };
    char key[16], value[64];
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, TREE, LAB_EXPIRY);
    lab_set_time(fixture->lab.engine, INT64_C(4000000000000));
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "k%04d", i);
        snprintf(value, sizeof value, "%lld-%040d", 4000000000000LL + (i < 400 ? 1000 : 1000LL * HOUR), i);
        lab_put(fixture->lab.engine, TREE, key, value);
    }
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    struct engine_tree_info info;
    assert_int_equal(engine_tree_info(fixture->lab.engine, TREE, &info), STATUS_OK);
    assert_int_equal(info.entries, 500);
    /* Nobody touches the tree; only the log time of an installed flush moves on. */
    lab_set_time(fixture->lab.engine, INT64_C(4000000000000) + 2 * HOUR);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    work(fixture);
    assert_int_equal(engine_tree_info(fixture->lab.engine, TREE, &info), STATUS_OK);
    assert_int_equal(info.entries, 100);
    lab_expect(fixture->lab.engine, NULL, TREE, "k0000", NULL);
}

static void a_filter_takes_nothing_that_a_snapshot_sees(void **state) {
    struct fixture *fixture = *state;
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, TREE, LAB_EXPIRY);
    lab_set_time(fixture->lab.engine, INT64_C(4000000000000));
    lab_put(fixture->lab.engine, TREE, "a", "4000000000005");
    struct engine_snapshot *snapshot = engine_snapshot_acquire(fixture->lab.engine);
    lab_set_time(fixture->lab.engine, INT64_C(4000000000010));
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    lab_expect(fixture->lab.engine, snapshot, TREE, "a", "4000000000005");
    engine_snapshot_release(fixture->lab.engine, snapshot);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    lab_expect(fixture->lab.engine, NULL, TREE, "a", NULL);
}

static void a_checkpoint_is_a_store_of_its_own(void **state) {
    struct fixture *fixture = *state;
    struct engine_mark mark;
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    lab_put(fixture->lab.engine, TREE, "a", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_put(fixture->lab.engine, TREE, "b", "not installed");
    assert_int_equal(engine_checkpoint(fixture->lab.engine, "copy", &mark, NULL), STATUS_OK);
    assert_int_equal(mark.index, engine_installed(fixture->lab.engine).index);
    lab_put(fixture->lab.engine, TREE, "a", "2");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    engine_close(fixture->lab.engine);
    sim_disk_cut(fixture->lab.disk, SIM_CUT_NONE);
    io_destroy(fixture->lab.io);
    fixture->lab.io = sim_io_create(fixture->lab.sim, fixture->lab.disk, NULL);
    fixture->lab.engine = lab_open(fixture->lab.io, "copy", &fixture->lab.options);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1");
    lab_put(fixture->lab.engine, TREE, "c", "3");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1 c=3");
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

static void a_checkpoint_that_exists_is_refused(void **state) {
    struct fixture *fixture = *state;
    lab_store_open(&fixture->lab);
    assert_int_equal(engine_checkpoint(fixture->lab.engine, "copy", NULL, NULL), STATUS_OK);
    assert_int_equal(engine_checkpoint(fixture->lab.engine, "copy", NULL, NULL), STATUS_EXISTS);
}

static void a_second_open_says_who_holds_the_directory(void **state) {
    struct fixture *fixture = *state;
    struct engine *second;
    struct error error;
    lab_store_open(&fixture->lab);
    assert_int_equal(engine_open(fixture->lab.io, "db", &fixture->lab.options, &second, &error), STATUS_LOCKED);
    assert_true(error.text[0] != 0);
}

static void a_read_only_open_sees_files_and_log_and_writes_nothing(void **state) {
    struct fixture *fixture = *state;
    struct engine_options options = fixture->lab.options;
    options.read_only = true;
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    lab_put(fixture->lab.engine, TREE, "a", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_put(fixture->lab.engine, TREE, "b", "2");
    const uint64_t before = sim_disk_hash(fixture->lab.disk);
    struct engine *reader = lab_open(fixture->lab.io, "db", &options);
    lab_expect_all(reader, NULL, TREE, "a=1 b=2");
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text("c"), slice_from_text("3")), STATUS_OK);
    assert_int_equal(engine_write(reader, &batch, NULL), STATUS_READ_ONLY);
    engine_batch_deinit(&batch);
    assert_int_equal(engine_flush(reader), STATUS_READ_ONLY);
    engine_close(reader);
    assert_int_equal(sim_disk_hash(fixture->lab.disk), before);
}

static void another_operator_under_a_kind_is_refused_by_name(void **state) {
    struct fixture *fixture = *state;
    struct engine *engine;
    struct error error;
    struct engine_tree_kind kinds[8];
    struct engine_merge other = {.name = "other.sum"};
    lab_store_open(&fixture->lab);
    engine_close(fixture->lab.engine);
    fixture->lab.engine = NULL;
    struct engine_options options = fixture->lab.options;
    memcpy(kinds, options.kinds, options.kind_count * sizeof kinds[0]);
    kinds[1].merge = &other;
    options.kinds = kinds;
    assert_int_equal(engine_open(fixture->lab.io, "db", &options, &engine, &error), STATUS_MISMATCH);
    assert_non_null(strstr(error.text, "lab.sum"));
    options.kind_count = 1;
    assert_int_equal(engine_open(fixture->lab.io, "db", &options, &engine, &error), STATUS_MISMATCH);
}

static void must_exist_makes_nothing(void **state) {
    struct fixture *fixture = *state;
    struct engine *engine;
    struct io_entry entry;
    fixture->lab.options.must_exist = true;
    assert_int_equal(engine_open(fixture->lab.io, "db", &fixture->lab.options, &engine, NULL), STATUS_NOT_FOUND);
    assert_int_equal(io_stat(fixture->lab.io, "db", &entry), STATUS_NOT_FOUND);
}

static void the_own_log_is_cut_behind_flushes(void **state) {
    struct fixture *fixture = *state;
    char key[16], value[1000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k%02d", i % 50);
        lab_put(fixture->lab.engine, TREE, key, value);
    }
    work(fixture);
    assert_true(sim_disk_used_bytes(fixture->lab.disk) < 1 << 20); /* three megabytes went through the log */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_flush_is_installed_only_behind_the_durable_log),
        TEST(what_was_not_installed_is_the_owners_to_replay),
        TEST(an_empty_batch_moves_the_mark),
        TEST(full_memory_answers_busy_and_a_durable_log_frees_it),
        TEST(the_pace_follows_what_a_flush_has_left),
        TEST(what_an_owner_seals_is_installed_with_its_last_rows),
        TEST(rows_that_amend_stand_at_the_last_mark),
        TEST(a_flush_of_nothing_new_asks_its_owner_for_nothing),
        TEST(a_full_memtable_takes_only_what_seals_it),
        TEST(without_room_for_a_memtable_a_seal_is_busy_and_leaves_no_trace),
        TEST(a_seal_without_memory_leaves_no_trace),
        TEST(a_flush_needs_no_space_that_writes_are_refused_for),
        TEST(an_engine_with_its_own_log_seals_itself),
        TEST(a_store_that_is_only_read_takes_writes_into_memory_alone),
        TEST(expired_values_leave_the_disk_as_log_time_passes),
        TEST(a_filter_takes_nothing_that_a_snapshot_sees),
        TEST(a_checkpoint_is_a_store_of_its_own),
        TEST(a_checkpoint_that_exists_is_refused),
        TEST(a_second_open_says_who_holds_the_directory),
        TEST(a_read_only_open_sees_files_and_log_and_writes_nothing),
        TEST(another_operator_under_a_kind_is_refused_by_name),
        TEST(must_exist_makes_nothing),
        TEST(the_own_log_is_cut_behind_flushes),
    };
    return cmocka_run_group_tests_name("engine_mark", tests, NULL, NULL);
}
