/*
 * care_cut_test: a manifest whose newest edits are gone whole reads to its end as any other does. Who verifies names it
 * before the tables that those edits took out, and a repair finds what stands in the tables that they brought.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/care.h"
#include "engine/explain.h"
#include "tests/harness/engine_lab.h"

enum { TREE = 1, KEYS = 200 };
static const char manifest[] = "db/0000000001.manifest";

struct fixture {
    struct lab_store lab;
    char first[ERROR_TEXT_BYTES]; /* finding of the last verify */
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    lab_store_init(&f->lab, 3);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    lab_store_deinit(&f->lab);
    free(f);
    return 0;
}

static const char *value_of(unsigned key, unsigned round, char text[32]) {
    snprintf(text, 32, "%u of round %u", key, round);
    return text;
}

/* Two rounds in tables of level 0 that one merge, the last edit, has taken down. */
static void fill(struct fixture *f) {
    char key[16], value[32];
    lab_store_open(&f->lab);
    lab_create_tree(f->lab.engine, TREE, LAB_PLAIN);
    for (unsigned round = 1; round <= 2; round++) {
        for (unsigned i = 0; i < KEYS; i++) {
            snprintf(key, sizeof key, "key%03u", i);
            lab_put(f->lab.engine, TREE, key, value_of(i, round, value));
        }
        if (f->lab.options.wal == ENGINE_WAL_OFF) engine_log_durable(f->lab.engine, UINT64_MAX);
        assert_int_equal(engine_flush(f->lab.engine), STATUS_OK);
    }
    assert_int_equal(engine_compact(f->lab.engine), STATUS_OK);
    engine_close(f->lab.engine);
    f->lab.engine = NULL;
}

static void take_last_edit_away(struct fixture *f) {
    struct io_file *file;
    uint64_t size;
    assert_int_equal(io_file_open(f->lab.io, manifest, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    assert_int_equal(io_file_truncate(file, size - IO_PAGE_BYTES), STATUS_OK);
    io_file_close(file);
}

static enum status remove_table(void *context, const struct io_entry *entry) {
    struct fixture *f = context;
    char path[IO_PATH_BYTES];
    if (!strstr(entry->name, ".sst")) return STATUS_OK;
    snprintf(path, sizeof path, "db/%s", entry->name);
    return io_remove(f->lab.io, path);
}

static void note(void *context, const struct engine_finding *finding) {
    struct fixture *f = context;
    if (!f->first[0]) snprintf(f->first, sizeof f->first, "%s: %s", finding->file, finding->text);
}

static enum status verify(struct fixture *f) {
    const struct care_verify_options options = {.visit = note, .context = f};
    struct care_verify_report report;
    struct error error;
    f->first[0] = 0;
    return engine_care_verify(f->lab.io, "db", &options, &report, &error);
}

static enum status repair(struct fixture *f, struct error *error) {
    const struct care_repair_options options = {.dry_run = false};
    struct care_repair_report report;
    return engine_care_repair(f->lab.io, "db", &options, &report, error);
}

static void the_manifest_is_named_first_and_all_comes_back(void **state) {
    struct fixture *f = *state;
    struct error error = {.status = STATUS_OK};
    char key[16], value[32];
    fill(f);
    assert_int_equal(verify(f), STATUS_OK);
    assert_int_equal(engine_explain_manifest(f->lab.io, "db", &error), STATUS_OK);
    take_last_edit_away(f);
    assert_int_equal(verify(f), STATUS_CORRUPT);
    if (!strstr(f->first, manifest) || !strstr(f->first, "lost its newest edits")) fail_msg("%s", f->first);
    assert_int_equal(engine_explain_manifest(f->lab.io, "db", &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, manifest));
    if (repair(f, &error) != STATUS_OK) fail_msg("%s", error.text);
    assert_int_equal(verify(f), STATUS_OK);
    lab_store_open(&f->lab);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key%03u", i);
        lab_expect(f->lab.engine, NULL, TREE, key, value_of(i, 2, value));
    }
}

/* Up to where its log is in tables, only the manifest said. */
static void a_store_whose_log_is_its_owners_is_not_repaired(void **state) {
    struct fixture *f = *state;
    struct error error = {.status = STATUS_OK};
    f->lab.options.wal = ENGINE_WAL_OFF;
    fill(f);
    take_last_edit_away(f);
    assert_int_equal(repair(f, &error), STATUS_UNSUPPORTED);
    assert_non_null(strstr(error.text, "lost its newest edits"));
    assert_int_equal(verify(f), STATUS_CORRUPT); /* as it was */
    assert_non_null(strstr(f->first, manifest));
}

/* The last edit, behind which nothing stands; then that of the second flush, behind which the merge does. */
static void a_damaged_edit_of_such_a_store_is_not_passed_over(void **state) {
    struct fixture *f = *state;
    struct error error = {.status = STATUS_OK};
    struct io_file *file;
    uint64_t size;
    f->lab.options.wal = ENGINE_WAL_OFF;
    fill(f);
    for (unsigned back = 1; back <= 2; back++) {
        uint8_t page[IO_PAGE_BYTES];
        size_t got;
        assert_int_equal(io_file_open(f->lab.io, manifest, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
        assert_int_equal(io_file_size(file, &size), STATUS_OK);
        assert_int_equal(io_file_read(file, size - back * IO_PAGE_BYTES, page, sizeof page, &got), STATUS_OK);
        assert_int_equal(io_file_write(file, size - back * IO_PAGE_BYTES + 100, "damaged", 7), STATUS_OK);
        assert_int_equal(repair(f, &error), STATUS_UNSUPPORTED);
        assert_non_null(strstr(error.text, "an edit is lost that may have said"));
        assert_int_equal(io_file_write(file, size - back * IO_PAGE_BYTES, page, sizeof page), STATUS_OK);
        io_file_close(file);
    }
    assert_int_equal(verify(f), STATUS_OK); /* nothing was changed */
}

static void tables_that_somebody_removed_are_what_is_missed(void **state) {
    struct fixture *f = *state;
    struct error error = {.status = STATUS_OK};
    fill(f);
    assert_int_equal(io_dir_list(f->lab.io, "db", remove_table, f), STATUS_OK);
    assert_int_equal(verify(f), STATUS_CORRUPT);
    assert_null(strstr(f->first, "edits"));
    assert_non_null(strstr(f->first, ".sst: not found"));
    assert_int_equal(engine_explain_manifest(f->lab.io, "db", &error), STATUS_OK);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_fixture(the_manifest_is_named_first_and_all_comes_back),
        with_fixture(a_store_whose_log_is_its_owners_is_not_repaired),
        with_fixture(a_damaged_edit_of_such_a_store_is_not_passed_over),
        with_fixture(tables_that_somebody_removed_are_what_is_missed),
    };
    return cmocka_run_group_tests_name("care_cut", tests, NULL, NULL);
}
