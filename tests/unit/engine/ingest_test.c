/* Files that were built outside: what the writer takes, what an ingest refuses, and what is read afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/engine_lab.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

static struct slice s(const char *text) {
    return slice_from_text(text);
}

struct fixture {
    struct lab_store lab;
};

static int set_up(void **state) {
    static struct fixture fixture;
    lab_store_init(&fixture.lab, 7);
    fixture.lab.engine = lab_open(fixture.lab.io, "/db", &fixture.lab.options);
    lab_create_tree(fixture.lab.engine, 1, LAB_PLAIN);
    lab_create_tree(fixture.lab.engine, 2, LAB_SUM);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    lab_store_deinit(&fixture->lab);
    return 0;
}

static struct engine_sst_writer *begin_file(const struct fixture *fixture, const char *path, unsigned kind) {
    struct engine_sst_writer *writer;
    assert_int_equal(engine_sst_writer_open(fixture->lab.io, path, &fixture->lab.options.kinds[kind - 1], &writer),
                     STATUS_OK);
    return writer;
}

static void end_file(struct engine_sst_writer *writer) {
    assert_int_equal(engine_sst_writer_finish(writer), STATUS_OK);
    engine_sst_writer_close(writer);
}

/* Keys "<prefix>000".., the value of each is `value`. */
static void make_file(const struct fixture *fixture, const char *path, const char *prefix, unsigned count,
                      const char *value) {
    struct engine_sst_writer *writer = begin_file(fixture, path, LAB_PLAIN);
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "%s%03u", prefix, i);
        assert_int_equal(engine_sst_writer_put(writer, s(key), s(value)), STATUS_OK);
    }
    end_file(writer);
}

static enum status ingest(const struct fixture *fixture, uint32_t tree, const char *path, struct error *error) {
    return engine_ingest(fixture->lab.engine, tree, &path, 1, NULL, error);
}

static void must_ingest(const struct fixture *fixture, uint32_t tree, const char *path) {
    struct error error;
    if (ingest(fixture, tree, path, &error) != STATUS_OK) fail_msg("ingest of %s: %s", path, error.text);
}

static void must_refuse(const struct fixture *fixture, uint32_t tree, const char *path, enum status expected,
                        const char *words) {
    struct error error;
    struct engine_stats before, after;
    engine_get_stats(fixture->lab.engine, &before);
    const enum status status = ingest(fixture, tree, path, &error);
    engine_get_stats(fixture->lab.engine, &after);
    if (status != expected || !strstr(error.text, words))
        fail_msg("%s \"%s\", expected %s with \"%s\"", status_name(status), error.text, status_name(expected), words);
    assert_int_equal(before.sequence, after.sequence);
    assert_int_equal(before.disk_bytes, after.disk_bytes);
}

static uint64_t files_on(const struct fixture *fixture, unsigned level) {
    struct engine_stats stats;
    engine_get_stats(fixture->lab.engine, &stats);
    return stats.levels[level].files;
}

static void count_tables(void *context, const char *path, uint64_t size) {
    (void)size;
    if (strncmp(path, "/db/", 4) == 0 && strstr(path, ".sst")) (*(unsigned *)context)++;
}

static unsigned tables(const struct fixture *fixture) {
    unsigned count = 0;
    sim_disk_walk(fixture->lab.disk, count_tables, &count);
    return count;
}

/* ---- What is read ------------------------------------------------------------------------------------------------ */

static void rows_of_the_file_come_between_earlier_and_later_writes(void **state) {
    const struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, 1, "k000", "old");
    lab_put(fixture->lab.engine, 1, "a", "stays");
    make_file(fixture, "/in.sst", "k", 3, "new");
    must_ingest(fixture, 1, "/in.sst");
    lab_put(fixture->lab.engine, 1, "k002", "newer");
    lab_expect_all(fixture->lab.engine, NULL, 1, "a=stays k000=new k001=new k002=newer");
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

static void a_snapshot_from_before_does_not_see_it(void **state) {
    const struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, 1, "k000", "old");
    struct engine_snapshot *snapshot = engine_snapshot_acquire(fixture->lab.engine);
    make_file(fixture, "/in.sst", "k", 2, "new");
    must_ingest(fixture, 1, "/in.sst");
    lab_expect_all(fixture->lab.engine, snapshot, 1, "k000=old");
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    lab_expect_all(fixture->lab.engine, snapshot, 1, "k000=old");
    lab_expect_all(fixture->lab.engine, NULL, 1, "k000=new k001=new");
    engine_snapshot_release(fixture->lab.engine, snapshot);
}

static void deletes_and_range_deletes_take_away_what_the_tree_held(void **state) {
    const struct fixture *fixture = *state;
    for (const char *key = "abcdef"; *key; key++) lab_put(fixture->lab.engine, 1, (char[]){*key, 0}, "old");
    struct engine_sst_writer *writer = begin_file(fixture, "/in.sst", LAB_PLAIN);
    assert_int_equal(engine_sst_writer_delete(writer, s("a")), STATUS_OK);
    assert_int_equal(engine_sst_writer_put(writer, s("d"), s("new")), STATUS_OK);
    assert_int_equal(engine_sst_writer_delete_range(writer, s("c"), s("f")), STATUS_OK);
    end_file(writer);
    must_ingest(fixture, 1, "/in.sst");
    lab_expect_all(fixture->lab.engine, NULL, 1, "b=old d=new f=old");
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    lab_expect_all(fixture->lab.engine, NULL, 1, "b=old d=new f=old");
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

static void merge_operands_fold_onto_what_is_there(void **state) {
    const struct fixture *fixture = *state;
    lab_merge(fixture->lab.engine, 2, "n", "3");
    struct engine_sst_writer *writer = begin_file(fixture, "/in.sst", LAB_SUM);
    assert_int_equal(engine_sst_writer_merge(writer, s("n"), s("4")), STATUS_OK);
    end_file(writer);
    must_ingest(fixture, 2, "/in.sst");
    lab_merge(fixture->lab.engine, 2, "n", "5");
    lab_expect(fixture->lab.engine, NULL, 2, "n", "12");
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    lab_expect(fixture->lab.engine, NULL, 2, "n", "12");
}

static void it_comes_to_the_lowest_level_where_it_fits(void **state) {
    const struct fixture *fixture = *state;
    make_file(fixture, "/1.sst", "k", 50, "1");
    make_file(fixture, "/2.sst", "m", 50, "2");
    make_file(fixture, "/3.sst", "k01", 5, "3");
    must_ingest(fixture, 1, "/1.sst");
    must_ingest(fixture, 1, "/2.sst");
    assert_int_equal(files_on(fixture, ENGINE_LEVELS - 1), 2);
    must_ingest(fixture, 1, "/3.sst");
    assert_int_equal(files_on(fixture, ENGINE_LEVELS - 2), 1);
}

static void several_files_come_in_at_once_and_are_there_after_a_restart(void **state) {
    struct fixture *fixture = *state;
    const char *paths[] = {"/2.sst", "/1.sst"};
    make_file(fixture, "/1.sst", "a", 2, "1");
    make_file(fixture, "/2.sst", "b", 2, "2");
    assert_int_equal(engine_ingest(fixture->lab.engine, 1, paths, 2, NULL, NULL), STATUS_OK);
    lab_put(fixture->lab.engine, 1, "b000", "later");
    engine_close(fixture->lab.engine);
    fixture->lab.engine = lab_open(fixture->lab.io, "/db", &fixture->lab.options);
    lab_expect_all(fixture->lab.engine, NULL, 1, "a000=1 a001=1 b000=later b001=2");
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

static void a_checkpoint_holds_it_and_goes_on_above_its_sequence(void **state) {
    const struct fixture *fixture = *state;
    struct engine_mark mark;
    make_file(fixture, "/in.sst", "k", 2, "in");
    must_ingest(fixture, 1, "/in.sst");
    assert_int_equal(engine_checkpoint(fixture->lab.engine, "/copy", &mark, NULL), STATUS_OK);
    struct engine *copy = lab_open(fixture->lab.io, "/copy", &fixture->lab.options);
    lab_put(copy, 1, "k001", "over it");
    lab_expect_all(copy, NULL, 1, "k000=in k001=over it");
    assert_int_equal(engine_compact(copy), STATUS_OK);
    lab_expect_all(copy, NULL, 1, "k000=in k001=over it");
    engine_close(copy);
}

static void the_same_file_may_come_into_several_trees(void **state) {
    const struct fixture *fixture = *state;
    lab_create_tree(fixture->lab.engine, 5, LAB_PLAIN);
    make_file(fixture, "/in.sst", "k", 1, "in");
    must_ingest(fixture, 1, "/in.sst");
    must_ingest(fixture, 5, "/in.sst");
    must_ingest(fixture, 1, "/in.sst");
    lab_expect_all(fixture->lab.engine, NULL, 1, "k000=in");
    lab_expect_all(fixture->lab.engine, NULL, 5, "k000=in");
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

static void a_tree_whose_making_is_still_in_memory_takes_it(void **state) {
    struct fixture *fixture = *state;
    lab_create_tree(fixture->lab.engine, 9, LAB_PLAIN);
    make_file(fixture, "/in.sst", "k", 1, "in");
    must_ingest(fixture, 9, "/in.sst");
    engine_close(fixture->lab.engine);
    fixture->lab.engine = lab_open(fixture->lab.io, "/db", &fixture->lab.options);
    lab_expect_all(fixture->lab.engine, NULL, 9, "k000=in");
}

static void the_original_stays_unless_it_is_moved(void **state) {
    const struct fixture *fixture = *state;
    struct io_entry entry;
    const char *path = "/in.sst";
    make_file(fixture, path, "k", 1, "in");
    must_ingest(fixture, 1, path);
    assert_int_equal(io_stat(fixture->lab.io, path, &entry), STATUS_OK);
    const struct engine_ingest_options move = {.move = true};
    assert_int_equal(engine_ingest(fixture->lab.engine, 1, &path, 1, &move, NULL), STATUS_OK);
    assert_int_equal(io_stat(fixture->lab.io, path, &entry), STATUS_NOT_FOUND);
    lab_expect(fixture->lab.engine, NULL, 1, "k000", "in");
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

static void the_writer_takes_keys_in_ascending_order_only(void **state) {
    const struct fixture *fixture = *state;
    struct engine_sst_writer *writer = begin_file(fixture, "/in.sst", LAB_PLAIN);
    assert_int_equal(engine_sst_writer_finish(writer), STATUS_INVALID);
    assert_int_equal(engine_sst_writer_put(writer, s(""), s("the empty key")), STATUS_OK);
    assert_int_equal(engine_sst_writer_put(writer, s("b"), s("1")), STATUS_OK);
    assert_int_equal(engine_sst_writer_put(writer, s("b"), s("2")), STATUS_INVALID);
    assert_int_equal(engine_sst_writer_delete(writer, s("a")), STATUS_INVALID);
    assert_int_equal(engine_sst_writer_merge(writer, s("c"), s("2")), STATUS_INVALID);
    assert_int_equal(engine_sst_writer_delete_range(writer, s("c"), s("c")), STATUS_INVALID);
    assert_int_equal(engine_sst_writer_put(writer, s("c"), s("3")), STATUS_OK);
    end_file(writer);
    must_ingest(fixture, 1, "/in.sst");
    lab_expect_all(fixture->lab.engine, NULL, 1, "=the empty key b=1 c=3");
}

static void an_unfinished_file_goes_and_a_strange_one_is_not_overwritten(void **state) {
    const struct fixture *fixture = *state;
    struct engine_sst_writer *writer = begin_file(fixture, "/in.sst", LAB_PLAIN), *other;
    struct io_entry entry;
    assert_int_equal(engine_sst_writer_open(fixture->lab.io, "/in.sst", fixture->lab.options.kinds, &other),
                     STATUS_EXISTS);
    engine_sst_writer_close(writer);
    assert_int_equal(io_stat(fixture->lab.io, "/in.sst", &entry), STATUS_NOT_FOUND);
}

static void a_file_of_another_kind_is_refused(void **state) {
    const struct fixture *fixture = *state;
    make_file(fixture, "/in.sst", "k", 1, "in");
    must_refuse(fixture, 2, "/in.sst", STATUS_INVALID, "kind");
    must_refuse(fixture, 77, "/in.sst", STATUS_INVALID, "no tree 77");
    must_refuse(fixture, 1, "/none.sst", STATUS_NOT_FOUND, "/none.sst");
}

static void files_that_share_keys_are_refused_together(void **state) {
    const struct fixture *fixture = *state;
    const char *paths[] = {"/1.sst", "/2.sst"};
    struct error error;
    make_file(fixture, "/1.sst", "a", 5, "1");
    make_file(fixture, "/2.sst", "a00", 5, "2");
    const unsigned before = tables(fixture);
    assert_int_equal(engine_ingest(fixture->lab.engine, 1, paths, 2, NULL, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "share keys"));
    lab_expect_all(fixture->lab.engine, NULL, 1, "");
    while (io_job_assist(fixture->lab.io)) continue;
    assert_int_equal(tables(fixture), before);
}

struct own_table {
    char path[64];
};

static void note_own_table(void *context, const char *path, uint64_t size) {
    struct own_table *own = context;
    (void)size;
    if (strncmp(path, "/db/", 4) == 0 && strstr(path, ".sst")) snprintf(own->path, sizeof own->path, "%s", path);
}

static void a_table_that_a_store_built_is_refused(void **state) {
    const struct fixture *fixture = *state;
    struct own_table own = {""};
    lab_put(fixture->lab.engine, 1, "k", "v");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    sim_disk_walk(fixture->lab.disk, note_own_table, &own);
    must_refuse(fixture, 1, own.path, STATUS_CORRUPT, "");
}

static void change_byte(const struct fixture *fixture, const char *path, uint64_t offset, uint8_t flip) {
    struct io_file *file;
    uint8_t byte;
    size_t got;
    assert_int_equal(io_file_open(fixture->lab.io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, offset, &byte, 1, &got), STATUS_OK);
    byte ^= flip;
    assert_int_equal(io_file_write(file, offset, &byte, 1), STATUS_OK);
    io_file_close(file);
}

static void every_damaged_byte_makes_it_refused(void **state) {
    const struct fixture *fixture = *state;
    struct io_entry entry;
    make_file(fixture, "/in.sst", "k", 40, "a value of some length");
    assert_int_equal(io_stat(fixture->lab.io, "/in.sst", &entry), STATUS_OK);
    const uint64_t size = entry.size;
    for (uint64_t at = 0; at < size; at++) {
        const uint8_t flip = (uint8_t)(1u << (at % 8));
        change_byte(fixture, "/in.sst", at, flip);
        struct error error;
        const enum status status = ingest(fixture, 1, "/in.sst", &error);
        if (status != STATUS_CORRUPT && status != STATUS_VERSION && status != STATUS_MISMATCH)
            fail_msg("offset %llu: %s %s", (unsigned long long)at, status_name(status), error.text);
        change_byte(fixture, "/in.sst", at, flip);
    }
    lab_expect_all(fixture->lab.engine, NULL, 1, "");
    must_ingest(fixture, 1, "/in.sst");
}

static void without_a_log_of_its_own_a_store_takes_none(void **state) {
    struct fixture *fixture = *state;
    make_file(fixture, "/in.sst", "k", 1, "in");
    engine_close(fixture->lab.engine);
    fixture->lab.options.wal = ENGINE_WAL_OFF;
    fixture->lab.engine = lab_open(fixture->lab.io, "/other", &fixture->lab.options);
    lab_create_tree(fixture->lab.engine, 1, LAB_PLAIN);
    must_refuse(fixture, 1, "/in.sst", STATUS_INVALID, "owner's log");
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(rows_of_the_file_come_between_earlier_and_later_writes),
        FACT(a_snapshot_from_before_does_not_see_it),
        FACT(deletes_and_range_deletes_take_away_what_the_tree_held),
        FACT(merge_operands_fold_onto_what_is_there),
        FACT(it_comes_to_the_lowest_level_where_it_fits),
        FACT(several_files_come_in_at_once_and_are_there_after_a_restart),
        FACT(a_checkpoint_holds_it_and_goes_on_above_its_sequence),
        FACT(the_same_file_may_come_into_several_trees),
        FACT(a_tree_whose_making_is_still_in_memory_takes_it),
        FACT(the_original_stays_unless_it_is_moved),
        FACT(the_writer_takes_keys_in_ascending_order_only),
        FACT(an_unfinished_file_goes_and_a_strange_one_is_not_overwritten),
        FACT(a_file_of_another_kind_is_refused),
        FACT(files_that_share_keys_are_refused_together),
        FACT(a_table_that_a_store_built_is_refused),
        FACT(every_damaged_byte_makes_it_refused),
        FACT(without_a_log_of_its_own_a_store_takes_none),
    };
    return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}
