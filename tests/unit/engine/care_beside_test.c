/*
 * care_beside_test: verify beside an owner at work, who removes tables and files of values, cuts the log and changes
 * manifests between any two looks: that is no damage, and damage is still found.
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
#include "engine/io_backend.h"
#include "tests/harness/engine_lab.h"

enum { PLAIN = 1, APART = 2, KEYS = 60, VALUE_BYTES = 400 };

struct fixture {
    struct lab_store lab;
    unsigned writes;
    struct buf findings;
    struct care_verify_report report; /* of the last verify */
};

static void value_of(unsigned write, char text[VALUE_BYTES]) {
    const int size = snprintf(text, VALUE_BYTES, "%u:", write);
    memset(text + size, 'v', (size_t)(VALUE_BYTES - 1 - size));
    text[VALUE_BYTES - 1] = 0;
}

static void write_some(struct fixture *f, unsigned count) {
    char key[16], value[VALUE_BYTES];
    for (unsigned i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key%03u", f->writes % KEYS);
        value_of(f->writes++, value);
        lab_put(f->lab.engine, i % 2 ? APART : PLAIN, key, value);
    }
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    lab_store_init(&f->lab, 5);
    f->lab.options.memtable_bytes = 8 << 10;
    lab_store_open(&f->lab);
    lab_create_tree(f->lab.engine, PLAIN, LAB_PLAIN);
    lab_create_tree(f->lab.engine, APART, LAB_APART);
    write_some(f, 4 * KEYS);
    assert_int_equal(engine_flush(f->lab.engine), STATUS_OK);
    write_some(f, 5); /* the log has something to tell */
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    buf_deinit(&f->findings);
    lab_store_deinit(&f->lab);
    free(f);
    return 0;
}

/* ---- An io that lets the owner work before a file is opened ------------------------------------------------------ */

static struct {
    const struct io_vtable *inner;
    struct io_vtable vtable;
    const char *ending;
    unsigned first, times; /* openings that are passed by; then those before which it acts */
    void (*act)(struct fixture *f);
    struct fixture *fixture;
    bool acting;
    unsigned acted;
} hook;

static enum status open_after_acting(struct io *io, const char *path, unsigned flags, struct io_file **file) {
    const size_t size = strlen(path), ending = strlen(hook.ending);
    const bool matches = size > ending && strcmp(path + size - ending, hook.ending) == 0;
    if (!hook.acting && matches && hook.first > 0) {
        hook.first--;
    } else if (!hook.acting && matches && hook.times > 0) {
        hook.acting = true;
        hook.times--;
        hook.acted++;
        hook.act(hook.fixture);
        hook.acting = false;
    }
    return hook.inner->file_open(io, path, flags, file);
}

static void note_finding(void *context, const struct engine_finding *finding) {
    struct fixture *f = context;
    assert_int_equal(buf_append_format(&f->findings, "%s: %s\n", finding->file, finding->text), STATUS_OK);
}

/* Verifies while `act` happens before each of the `times` openings of such files that come behind `first` others. */
static enum status verify_beside(struct fixture *f, const char *ending, unsigned first, unsigned times,
                                 void (*act)(struct fixture *f)) {
    const struct care_verify_options options = {.visit = note_finding, .context = f};
    struct error error = {.status = STATUS_OK};
    struct io *io = f->lab.io;
    buf_clear(&f->findings);
    hook.inner = io->vtable;
    hook.vtable = *io->vtable;
    hook.vtable.file_open = open_after_acting;
    hook.ending = ending;
    hook.first = first;
    hook.times = times;
    hook.act = act;
    hook.fixture = f;
    hook.acted = 0;
    io->vtable = &hook.vtable;
    const enum status status = engine_care_verify(io, "db", &options, &f->report, &error);
    io->vtable = hook.inner;
    assert_int_equal(buf_append_byte(&f->findings, 0), STATUS_OK);
    assert_true(hook.acted > 0);
    if (status != STATUS_OK && status != STATUS_CORRUPT) fail_msg("%s", error.text);
    return status;
}

static void expect_sound(struct fixture *f, const char *ending, unsigned first, unsigned times,
                         void (*act)(struct fixture *f)) {
    if (verify_beside(f, ending, first, times, act) != STATUS_OK)
        fail_msg("%s: %s", ending, (const char *)f->findings.data);
}

/* ---- What an owner does ------------------------------------------------------------------------------------------ */

static void write_and_flush(struct fixture *f) {
    write_some(f, KEYS);
    assert_int_equal(engine_flush(f->lab.engine), STATUS_OK);
    write_some(f, 5);
}

static void merge_all(struct fixture *f) {
    write_and_flush(f);
    assert_int_equal(engine_compact(f->lab.engine), STATUS_OK);
    write_some(f, 5);
}

static void begin_anew(struct fixture *f) {
    lab_store_reopen(&f->lab);
    write_and_flush(f);
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static void a_log_that_is_cut_meanwhile_does_not_leap(void **state) {
    struct fixture *f = *state;
    for (unsigned times = 1; times < 8; times++) expect_sound(f, ".wal", 0, times, write_and_flush);
}

static void tables_that_are_merged_meanwhile_are_not_missing(void **state) {
    struct fixture *f = *state;
    for (unsigned times = 1; times < 4; times++) {
        expect_sound(f, ".sst", 0, times, merge_all);
        assert_true(f->report.left > 0); /* and it is told that nobody has judged them */
    }
    /* Between the first and the second look at a table, too. */
    for (unsigned first = 1; first < 5; first++) {
        write_and_flush(f);
        expect_sound(f, ".sst", first, 1, merge_all);
    }
}

static void values_that_are_collected_meanwhile_are_not_lost(void **state) {
    struct fixture *f = *state;
    for (unsigned times = 1; times < 4; times++) expect_sound(f, ".val", 0, times, merge_all);
}

static void a_manifest_that_is_begun_anew_meanwhile_is_not_missing(void **state) {
    struct fixture *f = *state;
    for (unsigned times = 1; times < 4; times++) expect_sound(f, ".manifest", 0, times, begin_anew);
    expect_sound(f, "SUPERBLOCK", 0, 1, begin_anew);
}

static void damage_is_found_beside_an_owner(void **state) {
    struct fixture *f = *state;
    char path[IO_PATH_BYTES];
    uint64_t offset;
    assert_int_equal(sim_disk_damage_any(f->lab.disk, ".sst", SIM_DAMAGE_FLIP, path, sizeof path, &offset), STATUS_OK);
    assert_int_equal(verify_beside(f, ".wal", 0, 2, write_and_flush), STATUS_CORRUPT);
    assert_non_null(strstr((const char *)f->findings.data, strrchr(path, '/') + 1));
}

static void a_table_that_is_gone_and_named_is_found_missing(void **state) {
    struct fixture *f = *state;
    char path[IO_PATH_BYTES];
    uint64_t offset;
    assert_int_equal(sim_disk_damage_any(f->lab.disk, ".sst", SIM_DAMAGE_FLIP, path, sizeof path, &offset), STATUS_OK);
    assert_int_equal(io_remove(f->lab.io, path), STATUS_OK);
    assert_int_equal(verify_beside(f, ".wal", 0, 2, write_and_flush), STATUS_CORRUPT);
    assert_non_null(strstr((const char *)f->findings.data, strrchr(path, '/') + 1));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(a_log_that_is_cut_meanwhile_does_not_leap),
        FACT(tables_that_are_merged_meanwhile_are_not_missing),
        FACT(values_that_are_collected_meanwhile_are_not_lost),
        FACT(a_manifest_that_is_begun_anew_meanwhile_is_not_missing),
        FACT(damage_is_found_beside_an_owner),
        FACT(a_table_that_is_gone_and_named_is_found_missing),
    };
    return cmocka_run_group_tests_name("verify beside an owner", tests, NULL, NULL);
}
