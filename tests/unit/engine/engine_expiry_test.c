/* Values that end at a log time of their own: what reads and snapshots see of them, and when they leave the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/harness/engine_lab.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, KIND = 1 };

struct fixture {
    struct io *io;
    struct engine_tree_kind kind;
    struct engine_options options;
    struct engine *engine;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->io = sim_io_create_alone(1);
    fixture->kind = (struct engine_tree_kind){.id = KIND, .name = "expiring", .expires = true};
    fixture->options = lab_options();
    fixture->options.kinds = &fixture->kind;
    fixture->options.kind_count = 1;
    fixture->options.wal = ENGINE_WAL_OFF;
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    engine_log_durable(fixture->engine, UINT64_MAX - 1);
    lab_create_tree(fixture->engine, TREE, KIND);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    engine_close(fixture->engine);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

static void put_until(struct engine *engine, const char *key, const char *value, int64_t expires_ms) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put_until(&batch, TREE, slice_from_text(key), slice_from_text(value), expires_ms),
                     STATUS_OK);
    assert_int_equal(lab_write(engine, &batch), STATUS_OK);
    engine_batch_deinit(&batch);
}

static uint64_t entries_on_disk(struct engine *engine) {
    struct engine_tree_info info;
    assert_int_equal(engine_tree_info(engine, TREE, &info), STATUS_OK);
    return info.entries;
}

enum place { IN_MEMORY, IN_FILES, COMPACTED, PLACES };

static void bring_to(struct engine *engine, enum place place) {
    if (place == IN_FILES) assert_int_equal(engine_flush(engine), STATUS_OK);
    if (place == COMPACTED) assert_int_equal(engine_compact(engine), STATUS_OK);
}

static void a_value_shows_up_to_its_time(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    put_until(engine, "ever", "1", 0);
    put_until(engine, "soon", "2", 1000);
    put_until(engine, "none", "", 5000);
    lab_set_time(engine, 999);
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, NULL, TREE, "ever=1 none= soon=2");
        lab_expect(engine, NULL, TREE, "soon", "2");
    }
    lab_set_time(engine, 1000);
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, NULL, TREE, "ever=1 none=");
        lab_expect(engine, NULL, TREE, "soon", NULL);
    }
}

static void an_expired_version_uncovers_no_older_one(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    put_until(engine, "a", "old", 0);
    put_until(engine, "b", "stays", 0);
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK); /* the older version lies in the last level */
    put_until(engine, "a", "new", 1000);
    lab_set_time(engine, 2000);
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, NULL, TREE, "b=stays");
        lab_expect(engine, NULL, TREE, "a", NULL);
    }
    assert_int_equal(entries_on_disk(engine), 1);
}

static void what_expired_is_dropped_at_the_bottom(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    for (char key[2] = "a"; key[0] <= 'z'; key[0]++) put_until(engine, key, "v", 1000);
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    assert_int_equal(entries_on_disk(engine), 26);
    lab_set_time(engine, 5000);
    assert_int_equal(engine_flush(engine), STATUS_OK); /* the mark passes their time */
    assert_int_equal(engine_compact(engine), STATUS_OK);
    assert_int_equal(entries_on_disk(engine), 0);
}

static void a_snapshot_sees_by_the_time_of_its_mark(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    put_until(engine, "a", "1", 1000);
    lab_set_time(engine, 500);
    struct engine_snapshot *before = engine_snapshot_acquire(engine);
    lab_set_time(engine, 2000);
    struct engine_snapshot *after = engine_snapshot_acquire(engine);
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, before, TREE, "a=1");
        lab_expect(engine, before, TREE, "a", "1");
        lab_expect_all(engine, after, TREE, "");
        lab_expect(engine, after, TREE, "a", NULL);
    }
    engine_snapshot_release(engine, before);
    engine_snapshot_release(engine, after);
}

static void a_newer_value_of_a_key_counts_alone(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    put_until(engine, "a", "short", 1000);
    assert_int_equal(engine_flush(engine), STATUS_OK);
    put_until(engine, "a", "long", 9000);
    lab_set_time(engine, 2000);
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, NULL, TREE, "a=long");
    }
}

static enum status write_batch(struct engine *engine, struct engine_batch *batch, enum status built) {
    assert_int_equal(built, STATUS_OK);
    const enum status status = lab_write(engine, batch);
    engine_batch_deinit(batch);
    return status;
}

static void only_values_with_a_time_are_taken(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    struct engine_batch batch;
    const struct slice key = slice_from_text("k"), text = slice_from_text("12345678");
    engine_batch_init(&batch);
    assert_int_equal(write_batch(engine, &batch, engine_batch_put(&batch, TREE, key, slice_from_text("short"))),
                     STATUS_INVALID);
    assert_int_equal(write_batch(engine, &batch, engine_batch_append(&batch, TREE, key, text)), STATUS_INVALID);
    assert_int_equal(write_batch(engine, &batch, engine_batch_merge(&batch, TREE, key, text)), STATUS_INVALID);
    lab_expect(engine, NULL, TREE, "k", NULL);
}

static void a_tree_that_expires_is_not_opened_as_one_that_does_not(void **state) {
    struct fixture *fixture = *state;
    struct error error;
    put_until(fixture->engine, "a", "1", 1000);
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    engine_close(fixture->engine);
    fixture->engine = NULL;
    fixture->kind.expires = false;
    assert_int_equal(engine_open(fixture->io, "db", &fixture->options, &fixture->engine, &error), STATUS_MISMATCH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_value_shows_up_to_its_time),
        TEST(an_expired_version_uncovers_no_older_one),
        TEST(what_expired_is_dropped_at_the_bottom),
        TEST(a_snapshot_sees_by_the_time_of_its_mark),
        TEST(a_newer_value_of_a_key_counts_alone),
        TEST(only_values_with_a_time_are_taken),
        TEST(a_tree_that_expires_is_not_opened_as_one_that_does_not),
    };
    return cmocka_run_group_tests_name("engine_expiry", tests, NULL, NULL);
}
