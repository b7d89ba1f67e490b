/* Dictionaries as the engine uses them: by format level, counted, verified, and what a repair saves without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/care.h"
#include "tests/harness/engine_lab.h"
#include "tools/loam/bench/json_rows.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, KIND = 1, ROWS = 400, DICTIONARY_AT = 64 + 20 };

struct fixture {
    struct lab_store lab;
    struct engine_tree_kind kind;
};

static int set_up(void **state) {
    static struct fixture fixture;
    lab_store_init(&fixture.lab, 7);
    fixture.kind = (struct engine_tree_kind){.id = KIND,
                                             .name = "rows",
                                             .upper = ENGINE_COMPRESSION_ZSTD,
                                             .bottom = ENGINE_COMPRESSION_ZSTD,
                                             .filter_bits_per_key = 10,
                                             .dictionary_bytes = 1024};
    fixture.lab.options.kinds = &fixture.kind;
    fixture.lab.options.kind_count = 1;
    fixture.lab.options.memtable_bytes = 1 << 20;
    fixture.lab.options.file_bytes = 1 << 20;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    lab_store_deinit(&fixture->lab);
    return 0;
}

static void open_store(struct fixture *fixture) {
    fixture->lab.engine = lab_open(fixture->lab.io, "/db", &fixture->lab.options);
}

static const char *row_text(unsigned number, char text[JSON_ROW_BYTES]) {
    text[json_row(number, text)] = 0;
    return text;
}

static void put_rows(const struct fixture *fixture, unsigned from) {
    for (unsigned i = 0; i < ROWS; i++) {
        char key[16], text[JSON_ROW_BYTES];
        snprintf(key, sizeof key, "row%05u", i);
        lab_put(fixture->lab.engine, TREE, key, row_text(from + i, text));
    }
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
}

static void expect_rows(const struct fixture *fixture, unsigned from) {
    for (unsigned i = 0; i < ROWS; i++) {
        char key[16], text[JSON_ROW_BYTES];
        snprintf(key, sizeof key, "row%05u", i);
        lab_expect(fixture->lab.engine, NULL, TREE, key, row_text(from + i, text));
    }
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

static struct engine_stats stats_of(const struct fixture *fixture) {
    struct engine_stats stats;
    engine_get_stats(fixture->lab.engine, &stats);
    return stats;
}

static void tables_have_one_and_what_it_saves_is_told(void **state) {
    struct fixture *fixture = *state;
    open_store(fixture);
    lab_create_tree(fixture->lab.engine, TREE, KIND);
    put_rows(fixture, 0);
    expect_rows(fixture, 0);
    const struct engine_stats with = stats_of(fixture);
    assert_true(with.dictionaries > 0 && with.dictionary_saved_bytes > 1000);
    fixture->kind.dictionary_bytes = 0;
    engine_close(fixture->lab.engine);
    open_store(fixture);
    expect_rows(fixture, 0); /* what is there stays readable without the option */
    put_rows(fixture, 0);
    expect_rows(fixture, 0);
    assert_int_equal(stats_of(fixture).dictionaries, 0);
    assert_true(stats_of(fixture).disk_bytes > with.disk_bytes * 11 / 10);
}

static void keep_event(void *context, const char *line) {
    assert_int_equal(buf_append_format(context, "%s\n", line), STATUS_OK);
}

/* The ratchet: a store that an older binary may take back has none. */
static void at_format_level_1_it_is_said_to_be_unused_until_an_upgrade(void **state) {
    struct fixture *fixture = *state;
    struct buf lines = BUF_EMPTY;
    fixture->lab.options.format_level = 1;
    fixture->lab.options.on_event = keep_event;
    fixture->lab.options.event_context = &lines;
    open_store(fixture);
    assert_int_equal(buf_append_byte(&lines, 0), STATUS_OK);
    assert_non_null(strstr((const char *)lines.data, "\"dictionary unused\""));
    lab_create_tree(fixture->lab.engine, TREE, KIND);
    put_rows(fixture, 0);
    assert_int_equal(stats_of(fixture).dictionaries, 0);
    assert_int_equal(engine_upgrade(fixture->lab.engine, 0, NULL), STATUS_OK);
    put_rows(fixture, ROWS);
    assert_true(stats_of(fixture).dictionaries > 0);
    expect_rows(fixture, ROWS);
    engine_close(fixture->lab.engine);
    fixture->lab.engine = NULL;
    fixture->lab.options.on_event = NULL;
    buf_deinit(&lines);
    open_store(fixture);
}

static void a_size_out_of_bounds_is_refused(void **state) {
    struct fixture *fixture = *state;
    static const size_t sizes[] = {1, 255, 65537};
    for (unsigned i = 0; i < 3; i++) {
        struct error error;
        struct engine *engine;
        fixture->kind.dictionary_bytes = sizes[i];
        assert_int_equal(engine_open(fixture->lab.io, "/db", &fixture->lab.options, &engine, &error), STATUS_INVALID);
        assert_non_null(strstr(error.text, "dictionary_bytes"));
    }
}

static void find_table(void *context, const char *path, uint64_t size) {
    (void)size;
    if (strstr(path, ".sst")) snprintf(context, IO_PATH_BYTES, "%s", path);
}

static void say(void *context, const char *line) {
    assert_int_equal(buf_append_format(context, "%s\n", line), STATUS_OK);
}

/* Every row was packed by it: all keys are named, the dictionary too, and the store works again. */
static void a_damaged_dictionary_is_named_by_reads_verify_and_repair(void **state) {
    struct fixture *fixture = *state;
    char path[IO_PATH_BYTES] = "";
    struct buf lines = BUF_EMPTY;
    struct engine_value value;
    struct error error;
    struct care_repair_report report;
    open_store(fixture);
    lab_create_tree(fixture->lab.engine, TREE, KIND);
    put_rows(fixture, 0);
    engine_close(fixture->lab.engine);
    sim_disk_walk(fixture->lab.disk, find_table, path);
    assert_int_equal(sim_disk_damage(fixture->lab.disk, path, DICTIONARY_AT + 500, SIM_DAMAGE_FLIP), STATUS_OK);
    open_store(fixture);
    assert_int_equal(engine_get(fixture->lab.engine, NULL, TREE, slice_from_text("row00007"), &value), STATUS_CORRUPT);
    engine_last_error(fixture->lab.engine, &error);
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, "the dictionary at offset 64"));
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_CORRUPT);
    engine_close(fixture->lab.engine);
    fixture->lab.engine = NULL;
    const struct care_repair_options repair = {.say = say, .context = &lines};
    assert_int_equal(engine_care_repair(fixture->lab.io, "/db", &repair, &report, &error), STATUS_OK);
    assert_int_equal(buf_append_byte(&lines, 0), STATUS_OK);
    assert_non_null(strstr((const char *)lines.data, "the dictionary at offset 64"));
    assert_non_null(strstr((const char *)lines.data, "lost with it"));
    assert_non_null(strstr((const char *)lines.data, "row00000"));
    open_store(fixture);
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
    put_rows(fixture, 0);
    expect_rows(fixture, 0);
    buf_deinit(&lines);
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(tables_have_one_and_what_it_saves_is_told),
        FACT(at_format_level_1_it_is_said_to_be_unused_until_an_upgrade),
        FACT(a_size_out_of_bounds_is_refused),
        FACT(a_damaged_dictionary_is_named_by_reads_verify_and_repair),
    };
    return cmocka_run_group_tests_name("engine dictionaries", tests, NULL, NULL);
}
