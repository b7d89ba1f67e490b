/* Dictionaries as the engine uses them: by format level, counted, verified, and what a repair saves without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/care.h"
#include "engine/sst/sst_read.h"
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

static void find_kept_table(void *context, const char *path, uint64_t size) {
    if (!strstr(path, "set-aside")) find_table(context, path, size);
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

/* How the table that was found last was built. */
static struct sst_properties built(struct fixture *fixture, const char *path) {
    struct sst_environment environment = {.io = fixture->lab.io, .codec = codec_create()};
    struct sst_identity identity;
    struct sst *sst;
    struct error error;
    assert_int_equal(sst_read_identity(fixture->lab.io, path, &identity, &error), STATUS_OK);
    if (sst_open(&environment, path, identity, 1, &sst, &error) != STATUS_OK) fail_msg("%s", error.text);
    struct sst_properties properties = *sst_properties(sst);
    properties.first = properties.last = slice_make(NULL, 0);
    sst_close(sst);
    codec_destroy(environment.codec);
    return properties;
}

static enum status write_outside(struct fixture *fixture, const char *path) {
    struct engine_sst_writer *writer;
    const enum status status = engine_sst_writer_open(fixture->lab.io, path, &fixture->kind, &writer);
    if (status != STATUS_OK) return status;
    for (unsigned i = 0; i < ROWS; i++) {
        char key[16], text[JSON_ROW_BYTES];
        snprintf(key, sizeof key, "row%05u", i);
        assert_int_equal(engine_sst_writer_put(writer, slice_from_text(key), slice_from_text(row_text(5000 + i, text))),
                         STATUS_OK);
    }
    assert_int_equal(engine_sst_writer_finish(writer), STATUS_OK);
    engine_sst_writer_close(writer);
    return STATUS_OK;
}

static void a_file_made_outside_has_one_and_is_taken_in_from_level_2_on(void **state) {
    struct fixture *fixture = *state;
    const char *path = "/in.sst";
    struct error error;
    fixture->kind.dictionary_bytes = 4096; /* blocks are larger there */
    assert_int_equal(write_outside(fixture, path), STATUS_OK);
    assert_true(built(fixture, path).dictionary.size > 0);
    fixture->lab.options.format_level = 1;
    open_store(fixture);
    lab_create_tree(fixture->lab.engine, TREE, KIND);
    assert_int_equal(engine_ingest(fixture->lab.engine, TREE, &path, 1, NULL, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "upgrade the store"));
    assert_int_equal(engine_upgrade(fixture->lab.engine, 0, &error), STATUS_OK);
    assert_int_equal(engine_ingest(fixture->lab.engine, TREE, &path, 1, NULL, &error), STATUS_OK);
    expect_rows(fixture, 5000);
    fixture->kind.dictionary_bytes = 100;
    assert_int_equal(write_outside(fixture, "/other.sst"), STATUS_INVALID);
    fixture->kind.dictionary_bytes = 0;
    assert_int_equal(write_outside(fixture, "/other.sst"), STATUS_OK);
    assert_int_equal(built(fixture, "/other.sst").dictionary.size, 0);
}

/* A repair knows no options: it builds as what it finds was built. */
static void what_a_repair_makes_is_built_as_what_was_there(void **state) {
    struct fixture *fixture = *state;
    char path[IO_PATH_BYTES] = "", made[IO_PATH_BYTES] = "";
    const struct care_repair_options repair = {.say = NULL};
    struct care_repair_report report;
    struct error error;
    fixture->kind.filter_prefix_bytes = 5;
    open_store(fixture);
    lab_create_tree(fixture->lab.engine, TREE, KIND);
    put_rows(fixture, 0);
    engine_close(fixture->lab.engine);
    fixture->lab.engine = NULL;
    sim_disk_walk(fixture->lab.disk, find_table, path);
    const struct sst_properties was = built(fixture, path);
    assert_true(was.dictionary.size > 0 && was.data_blocks > 10);
    assert_int_equal(sim_disk_damage(fixture->lab.disk, path, DICTIONARY_AT + was.dictionary.size + was.data_bytes / 2,
                                     SIM_DAMAGE_FLIP),
                     STATUS_OK);
    assert_int_equal(engine_care_repair(fixture->lab.io, "/db", &repair, &report, &error), STATUS_OK);
    assert_true(report.needed && report.kept == 1);
    sim_disk_walk(fixture->lab.disk, find_kept_table, made);
    const struct sst_properties is = built(fixture, made);
    assert_true(is.origin.cause == SST_CAUSE_REPAIR && is.entries < was.entries);
    assert_true(is.data_blocks > was.data_blocks * 4 / 5 && is.data_blocks < was.data_blocks * 6 / 5);
    assert_true(is.dictionary.size > 0 && is.codec == was.codec);
    assert_int_equal(is.filter_bits_per_key, was.filter_bits_per_key);
    assert_int_equal(is.filter_prefix_bytes, 5);
    open_store(fixture);
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(tables_have_one_and_what_it_saves_is_told),
        FACT(at_format_level_1_it_is_said_to_be_unused_until_an_upgrade),
        FACT(a_size_out_of_bounds_is_refused),
        FACT(a_damaged_dictionary_is_named_by_reads_verify_and_repair),
        FACT(a_file_made_outside_has_one_and_is_taken_in_from_level_2_on),
        FACT(what_a_repair_makes_is_built_as_what_was_there),
    };
    return cmocka_run_group_tests_name("engine dictionaries", tests, NULL, NULL);
}
