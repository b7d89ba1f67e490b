/* The engine end to end: what is written is read back, now, after a flush and after a reopen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "tools/sim/sim_io.h"

enum { TREE = 7, KIND = 1 };

static const struct engine_tree_kind kinds[] = {
    {.id = KIND,
     .name = "test",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_ZSTD,
     .filter_bits_per_key = 10},
};

struct fixture {
    struct io *io;
    struct engine *engine;
    struct engine_options options;
};

static int set_up(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.io = sim_io_create_alone(1)};
    fixture.options = (struct engine_options){.kinds = kinds,
                                              .kind_count = 1,
                                              .memtable_bytes = 64 << 10,
                                              .disk_reserve_bytes = 1,
                                              .wal_segment_bytes = 64 << 10};
    *state = &fixture;
    return fixture.io ? 0 : -1;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    engine_close(fixture->engine);
    io_destroy(fixture->io);
    return 0;
}

static void open_engine(struct fixture *fixture) {
    struct error error;
    const enum status status = engine_open(fixture->io, "db", &fixture->options, &fixture->engine, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), error.text);
}

static void reopen(struct fixture *fixture) {
    engine_close(fixture->engine);
    fixture->engine = NULL;
    open_engine(fixture);
}

static void create_tree(struct engine *engine, uint32_t tree) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_create_tree(&batch, tree, KIND), STATUS_OK);
    assert_int_equal(engine_write(engine, &batch, NULL), STATUS_OK);
    engine_batch_deinit(&batch);
}

static void put(struct engine *engine, const char *key, const char *value) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text(key), slice_from_text(value)), STATUS_OK);
    assert_int_equal(engine_write(engine, &batch, NULL), STATUS_OK);
    engine_batch_deinit(&batch);
}

static void assert_value(struct engine *engine, const char *key, const char *expected) {
    struct engine_value value;
    const enum status status = engine_get(engine, NULL, TREE, slice_from_text(key), &value);
    assert_int_equal(status, expected ? STATUS_OK : STATUS_NOT_FOUND);
    if (!expected) return;
    assert_int_equal(value.data.size, strlen(expected));
    assert_memory_equal(value.data.data, expected, value.data.size);
    engine_value_release(&value);
}

static void a_value_is_read_back_from_memory_file_and_log(void **state) {
    struct fixture *fixture = *state;
    open_engine(fixture);
    create_tree(fixture->engine, TREE);
    put(fixture->engine, "a", "1");
    assert_value(fixture->engine, "a", "1");
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    assert_value(fixture->engine, "a", "1");
    put(fixture->engine, "b", "2");
    reopen(fixture);
    assert_value(fixture->engine, "a", "1");
    assert_value(fixture->engine, "b", "2");
    assert_value(fixture->engine, "c", NULL);
}

static void many_writes_cross_memtables_and_reopen(void **state) {
    struct fixture *fixture = *state;
    char key[32], value[200];
    open_engine(fixture);
    create_tree(fixture->engine, TREE);
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key-%06d", i * 7919 % 5000);
        snprintf(value, sizeof value, "value-%d-%0100d", i, i);
        put(fixture->engine, key, value);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(key, sizeof key, "key-%06d", i * 7919 % 5000);
            snprintf(value, sizeof value, "value-%d-%0100d", i, i);
            assert_value(fixture->engine, key, value);
        }
        reopen(fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_value_is_read_back_from_memory_file_and_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_writes_cross_memtables_and_reopen, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
