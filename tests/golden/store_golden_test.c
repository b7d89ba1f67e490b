/*
 * store_golden_test: a whole store as the first releases wrote it, format level 1 (tests/golden/store/level-1: tables
 * on several levels, one that was ingested, range deletes, operands, a dropped tree, batches that are in the log alone)
 * opens, answers, verifies and goes on at its level; the versions that wrote it could take it back; upgraded, it holds
 * the same.
 *
 *     store_golden_test --make DIR    writes such a store anew
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/care.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/options_format.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/temp_dir.h"

static const char golden[] = "tests/golden/store/level-1";

enum { KEYS = 600, TREE_GONE = 9, LATER = 20 };

static struct engine_options options_of(void) {
    struct engine_options options = lab_options();
    options.memtable_bytes = 8 << 10;
    options.file_bytes = 4 << 10;
    options.level_base_bytes = 8 << 10;
    options.level_ratio = 2;
    return options;
}

static void key_of(unsigned i, char key[16]) {
    snprintf(key, 16, "key%04u", i);
}

static void value_of(unsigned i, unsigned round, char value[64]) {
    snprintf(value, 64, "value %u of round %u, and a tail of words", i * 7919 % 1000, round);
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void write_round(struct engine *engine, unsigned round, unsigned from, unsigned to, unsigned step) {
    char key[16], value[64];
    for (unsigned i = from; i < to; i += step) {
        key_of(i, key);
        value_of(i, round, value);
        lab_put(engine, LAB_PLAIN, key, value);
    }
}

static void ingest(struct io *io, struct engine *engine, const struct engine_options *options, const char *dir) {
    struct engine_sst_writer *writer;
    char path[IO_PATH_BYTES];
    struct error error;
    snprintf(path, sizeof path, "%s.in", dir);
    check(engine_sst_writer_open(io, path, &options->kinds[0], &writer) == STATUS_OK);
    check(engine_sst_writer_put(writer, slice_from_text("in1"), slice_from_text("ingested")) == STATUS_OK);
    check(engine_sst_writer_put(writer, slice_from_text("in2"), slice_from_text("too")) == STATUS_OK);
    check(engine_sst_writer_finish(writer) == STATUS_OK);
    engine_sst_writer_close(writer);
    const char *const paths[] = {path};
    const struct engine_ingest_options move = {.move = true};
    check(engine_ingest(engine, LAB_PLAIN, paths, 1, &move, &error) == STATUS_OK);
}

static int make(const char *dir) {
    const struct io_options io_options = {.backend = IO_BACKEND_POSIX};
    struct engine_options options = options_of();
    struct error error;
    struct io *io;
    options.format_level = 1;
    check(io_create(&io_options, &io, &error) == STATUS_OK);
    struct engine *engine = lab_open(io, dir, &options);
    lab_create_tree(engine, LAB_PLAIN, LAB_PLAIN);
    lab_create_tree(engine, LAB_SUM, LAB_SUM);
    lab_create_tree(engine, TREE_GONE, LAB_PLAIN);
    write_round(engine, 1, 0, KEYS, 1);
    lab_put(engine, TREE_GONE, "never", "seen");
    check(engine_compact(engine) == STATUS_OK);
    lab_drop_tree(engine, TREE_GONE);
    lab_delete_range(engine, LAB_PLAIN, "key0100", "key0200");
    lab_merge(engine, LAB_SUM, "sum", "40");
    ingest(io, engine, &options, dir);
    write_round(engine, 2, 0, KEYS / 4, 3);
    check(engine_flush(engine) == STATUS_OK);
    lab_merge(engine, LAB_SUM, "sum", "2");
    lab_append(engine, LAB_PLAIN, "key0300", "+appended");
    lab_delete(engine, LAB_PLAIN, "key0301");
    lab_put(engine, LAB_PLAIN, "last", "in the log alone");
    engine_close(engine);
    io_destroy(io);
    return 0;
}

/* ---- A copy to work on ------------------------------------------------------------------------------------------- */

struct store {
    struct io *io;
    char temp[TEMP_DIR_BYTES];
    char dir[IO_PATH_BYTES];
    struct engine_options options;
};

struct copying {
    struct io *io;
    const char *from, *to;
};

static void copy_dir(struct io *io, const char *from, const char *to);

static enum status copy_entry(void *context, const struct io_entry *entry) {
    const struct copying *copying = context;
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    struct buf bytes = BUF_EMPTY;
    struct io_file *file = NULL;
    snprintf(from, sizeof from, "%s/%s", copying->from, entry->name);
    snprintf(to, sizeof to, "%s/%s", copying->to, entry->name);
    if (entry->kind == IO_ENTRY_DIR) {
        copy_dir(copying->io, from, to);
        return STATUS_OK;
    }
    assert_int_equal(file_read_all(copying->io, from, 1 << 20, &bytes), STATUS_OK);
    assert_int_equal(io_file_open(copying->io, to, IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, 0, bytes.data, bytes.size), STATUS_OK);
    io_file_close(file);
    buf_deinit(&bytes);
    return STATUS_OK;
}

static void copy_dir(struct io *io, const char *from, const char *to) {
    struct copying copying = {io, from, to};
    assert_int_equal(io_dir_make(io, to), STATUS_OK);
    if (io_dir_list(io, from, copy_entry, &copying) != STATUS_OK) fail_msg("%s: can't be read", from);
}

static void set_up(struct store *store) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct error error;
    store->options = options_of();
    assert_int_equal(io_create(&options, &store->io, &error), STATUS_OK);
    temp_dir_make(store->temp, "golden");
    snprintf(store->dir, sizeof store->dir, "%s/db", store->temp);
    copy_dir(store->io, golden, store->dir);
}

static void tear_down(struct store *store) {
    temp_dir_remove(store->io, store->temp);
    io_destroy(store->io);
}

static unsigned level_at(const struct store *store) {
    struct error error;
    unsigned level = 0;
    if (engine_care_format_level(store->io, store->dir, &level, &error) != STATUS_OK) fail_msg("%s", error.text);
    return level;
}

static void expect_all(struct engine *engine) {
    char key[16], value[80];
    for (unsigned i = 0; i < KEYS; i++) {
        const bool again = i < KEYS / 4 && i % 3 == 0, deleted = i >= 100 && i < 200;
        key_of(i, key);
        value_of(i, again ? 2 : 1, value);
        if (i == 300) strcat(value, "+appended");
        lab_expect(engine, NULL, LAB_PLAIN, key, i == 301 || (deleted && !again) ? NULL : value);
    }
    lab_expect(engine, NULL, LAB_PLAIN, "in1", "ingested");
    lab_expect(engine, NULL, LAB_PLAIN, "in2", "too");
    lab_expect(engine, NULL, LAB_PLAIN, "last", "in the log alone");
    lab_expect(engine, NULL, LAB_SUM, "sum", "42");
    struct engine_value gone;
    assert_int_equal(engine_get(engine, NULL, TREE_GONE, slice_from_text("never"), &gone), STATUS_INVALID);
}

static void verify(const struct store *store, unsigned level) {
    const struct care_verify_options options = {.visit = NULL};
    struct care_verify_report report;
    struct error error;
    if (engine_care_verify(store->io, store->dir, &options, &report, &error) != STATUS_OK) fail_msg("%s", error.text);
    assert_int_equal(report.findings, 0);
    assert_int_equal(report.format_level, level);
    assert_true(report.files > 2 && report.entries > KEYS / 2);
}

/* Writes, flushes, compacts, opens again. */
static void go_on(const struct store *store, unsigned level) {
    char key[16];
    struct engine *engine = lab_open(store->io, store->dir, &store->options);
    expect_all(engine);
    for (unsigned i = 0; i < LATER; i++) {
        snprintf(key, sizeof key, "later%03u", i);
        lab_put(engine, LAB_PLAIN, key, "new");
        if (i == LATER / 2) assert_int_equal(engine_flush(engine), STATUS_OK);
    }
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    engine_close(engine);
    engine = lab_open(store->io, store->dir, &store->options);
    expect_all(engine);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    expect_all(engine);
    lab_expect(engine, NULL, LAB_PLAIN, "later019", "new");
    engine_close(engine);
    assert_int_equal(level_at(store), level);
    verify(store, level);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void a_store_of_level_1_verifies_as_it_lies(void **state) {
    (void)state;
    struct store store;
    set_up(&store);
    verify(&store, 1);
    tear_down(&store);
}

struct lines {
    unsigned count;
    bool has_kind;
};

static void take_line(void *context, struct slice name, struct slice value) {
    struct lines *lines = context;
    lines->count++;
    if (slice_equal(name, slice_from_text("memtable_bytes"))) assert_true(slice_equal(value, slice_from_text("8192")));
    lines->has_kind = lines->has_kind || slice_equal(name, slice_from_text("kind.2"));
}

/* Each byte of OPTIONS is under its check. */
static void options_of_level_1_are_read_and_no_flip_is_let_pass(void **state) {
    (void)state;
    struct store store;
    struct buf bytes = BUF_EMPTY;
    struct error error;
    struct lines lines = {.count = 0};
    char path[IO_PATH_BYTES];
    set_up(&store);
    assert_int_equal(file_path(path, store.dir, FILE_OPTIONS, 0), STATUS_OK);
    assert_int_equal(file_read_all(store.io, path, 1 << 20, &bytes), STATUS_OK);
    assert_int_equal(options_file_parse(buf_slice(&bytes), take_line, &lines, &error), STATUS_OK);
    assert_int_equal(lines.count, 18);
    assert_true(lines.has_kind);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (options_file_parse(buf_slice(&bytes), take_line, &lines, &error) == STATUS_OK) fail_msg("bit %zu", bit);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_deinit(&bytes);
    tear_down(&store);
}

static void a_store_of_level_1_works_and_stays_at_its_level(void **state) {
    (void)state;
    struct store store;
    set_up(&store);
    go_on(&store, 1);
    tear_down(&store);
}

static void upgraded_at_rest_it_holds_the_same(void **state) {
    (void)state;
    struct store store;
    struct care_upgrade_report report;
    struct error error;
    set_up(&store);
    assert_int_equal(engine_care_upgrade(store.io, store.dir, 0, &report, &error), STATUS_OK);
    assert_true(report.from == 1 && report.to == ENGINE_FORMAT_LEVEL_LATEST);
    verify(&store, ENGINE_FORMAT_LEVEL_LATEST);
    go_on(&store, ENGINE_FORMAT_LEVEL_LATEST);
    tear_down(&store);
}

static void upgraded_while_it_runs_it_holds_the_same(void **state) {
    (void)state;
    struct store store;
    struct error error;
    set_up(&store);
    struct engine *engine = lab_open(store.io, store.dir, &store.options);
    assert_int_equal(engine_upgrade(engine, 0, &error), STATUS_OK);
    expect_all(engine);
    engine_close(engine);
    go_on(&store, ENGINE_FORMAT_LEVEL_LATEST);
    tear_down(&store);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--make") == 0) return make(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_of_level_1_verifies_as_it_lies),
        cmocka_unit_test(options_of_level_1_are_read_and_no_flip_is_let_pass),
        cmocka_unit_test(a_store_of_level_1_works_and_stays_at_its_level),
        cmocka_unit_test(upgraded_at_rest_it_holds_the_same),
        cmocka_unit_test(upgraded_while_it_runs_it_holds_the_same),
    };
    return cmocka_run_group_tests_name("store_golden", tests, NULL, NULL);
}
