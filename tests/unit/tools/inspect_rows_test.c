/*
 * inspect_rows_test: rows in SSTs and operations in logs that are sound as units and records, and are not what their
 * tree or store should hold: some of them are corruption, all of them are another program's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/lsm/manifest.h"
#include "engine/names/names_format.h"
#include "engine/sst/sst_build.h"
#include "engine/wal.h"
#include "kv/kv.h"
#include "raft/log/envelope.h"
#include "raft/log/raft_log.h"
#include "tools/loam/inspect/inspect.h"
#include "tools/sim/sim_io.h"

enum { ROWS = 40, SEGMENT_BYTES = 64 << 10 };

/* ---- Making files -------------------------------------------------------------------------------------------------
 */

static void read_file(struct io *io, const char *path, struct buf *file) {
    assert_int_equal(file_read_all(io, path, 1 << 20, file), STATUS_OK);
}

/* Rows of names; every `bad_step`-th has a type of 0. */
static void make_sst(struct io *io, unsigned bad_step, enum codec_id codec, struct buf *file) {
    struct sst_environment environment = {.io = io, .codec = codec_create()};
    const struct sst_build_options options = {
        .identity = {.store = 1, .file = 2},
        .origin = {.tree = KIND_NAMES, .kind = KIND_NAMES, .cause = SST_CAUSE_FLUSH},
        .codec = codec,
        .block_bytes = 1024};
    struct sst_build *build = NULL;
    struct buf key = BUF_EMPTY, value = BUF_EMPTY;
    assert_int_equal(sst_build_create(&environment, "/rows.sst", &options, &build), STATUS_OK);
    for (unsigned i = 0; i < ROWS; i++) {
        const struct name_row row = {.type = NAME_STRING, .value = slice_from_text("the same value in all")};
        buf_clear(&value);
        assert_int_equal(names_encode_key(&key, i, slice_from_text("name")), STATUS_OK);
        assert_int_equal(names_encode_row(&value, &row), STATUS_OK);
        if (bad_step && i % bad_step == 0) value.data[0] = 0;
        assert_int_equal(sst_build_add(build, buf_slice(&key), entry_trailer(i + 1, ENTRY_PUT), buf_slice(&value)),
                         STATUS_OK);
    }
    assert_int_equal(sst_build_finish(build), STATUS_OK);
    assert_int_equal(sst_build_sync(build), STATUS_OK);
    sst_build_destroy(build);
    codec_destroy(environment.codec);
    buf_deinit(&key);
    buf_deinit(&value);
    read_file(io, "/rows.sst", file);
}

static void append_entry(struct wal *wal, uint64_t index, bool bad) {
    const struct slice arguments[] = {slice_from_text("k"), slice_from_text("v")};
    const struct kv_op op = {.kind = KV_OP_SET, .arguments = arguments, .argument_count = 2};
    const struct envelope envelope = {.time_ms = 1000};
    const struct raft_log_record record = {.index = index, .term = 1, .entry_kind = RAFT_ENTRY_COMMAND};
    uint8_t head[RAFT_LOG_ENTRY_HEAD_BYTES], envelope_head[ENVELOPE_HEAD_BYTES];
    struct buf operation = BUF_EMPTY;
    uint64_t lsn;
    assert_int_equal(kv_op_encode(&operation, &op), STATUS_OK);
    if (bad) operation.size--;
    raft_log_entry_head_encode(head, &record);
    envelope_encode(envelope_head, &envelope, 1);
    const struct slice parts[] = {slice_make(head, sizeof head), slice_make(envelope_head, sizeof envelope_head),
                                  buf_slice(&operation)};
    assert_int_equal(wal_append(wal, RAFT_LOG_ENTRY, parts, 3, &lsn), STATUS_OK);
    buf_deinit(&operation);
}

/* Entries of kv; every `bad_step`-th lacks its last byte. And a record that raft does not write, if so asked. */
static void make_log(struct io *io, unsigned bad_step, bool strange, struct buf *file) {
    const struct wal_options options = {.owner = 7, .segment_bytes = SEGMENT_BYTES};
    struct wal *wal = NULL;
    assert_int_equal(wal_open(io, "/wal", &options, NULL, NULL, &wal, NULL, NULL), STATUS_OK);
    for (unsigned i = 0; i < ROWS; i++) append_entry(wal, i + 1, bad_step && i % bad_step == 0);
    const struct slice text = slice_from_text("hello");
    uint64_t lsn;
    if (strange) assert_int_equal(wal_append(wal, 9, &text, 1, &lsn), STATUS_OK);
    assert_int_equal(wal_commit(wal, true), STATUS_OK);
    wal_close(wal);
    read_file(io, "/wal/00000001.wal", file);
}

/* ---- Asking --------------------------------------------------------------------------------------------------------
 */

static enum report_verdict inspect(const struct buf *file, void (*inspector)(struct report *), enum report_form form,
                                   const char *expected) {
    struct report report;
    report_init(&report, form, buf_slice(file));
    inspector(&report);
    assert_int_equal(report.next, file->size);
    assert_false(report.no_memory);
    struct buf text = BUF_EMPTY;
    const struct buf *const parts[] = {&report.facts, &report.problems, &report.fields, &report.rows};
    for (size_t i = 0; i < 4; i++) assert_int_equal(buf_append_slice(&text, buf_slice(parts[i])), STATUS_OK);
    assert_int_equal(buf_append_byte(&text, 0), STATUS_OK);
    if (!strstr((const char *)text.data, expected)) fail_msg("\"%s\" is not in\n%s", expected, (const char *)text.data);
    const enum report_verdict verdict = report.verdict;
    buf_deinit(&text);
    report_deinit(&report);
    return verdict;
}

static void expect_sst(unsigned bad_step, enum report_verdict verdict, const char *expected) {
    static const enum codec_id codecs[] = {CODEC_NONE, CODEC_LZ4, CODEC_ZSTD};
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        struct io *io = sim_io_create_alone(1);
        struct buf file = BUF_EMPTY;
        make_sst(io, bad_step, codecs[i], &file);
        for (enum report_form form = REPORT_SUMMARY; form <= REPORT_JSON; form++)
            assert_int_equal(inspect(&file, inspect_sst, form, expected), verdict);
        buf_deinit(&file);
        io_destroy(io);
    }
}

static void rows_of_a_sound_file_are_counted_by_their_tree(void **state) {
    (void)state;
    expect_sst(0, REPORT_CLEAN, "40 of names");
}

static void some_rows_that_their_tree_cannot_hold_are_corruption(void **state) {
    (void)state;
    expect_sst(20, REPORT_CORRUPT, "entry 0 of this unit is no row of names: not what it should be");
    expect_sst(2, REPORT_CORRUPT, "and 12 entries more behind it");
}

static void a_file_without_one_row_of_its_tree_is_another_programs(void **state) {
    (void)state;
    expect_sst(1, REPORT_CLEAN, "not those of names, whose number the kind of tree has: shown as text");
}

static void rows_of_compressed_and_raw_blocks_are_the_same_to_programs(void **state) {
    (void)state;
    static const enum codec_id codecs[] = {CODEC_NONE, CODEC_ZSTD};
    struct buf rows[2] = {BUF_EMPTY, BUF_EMPTY};
    for (size_t i = 0; i < 2; i++) {
        struct io *io = sim_io_create_alone(1);
        struct buf file = BUF_EMPTY;
        struct report report;
        make_sst(io, 0, codecs[i], &file);
        report_init(&report, REPORT_JSON, buf_slice(&file));
        inspect_sst(&report);
        /* but for where their units stand */
        struct slice rest = buf_slice(&report.rows);
        const uint8_t *at;
        while (rest.size > 0 && (at = memmem(rest.data, rest.size, "\"entry\"", 7)) != NULL) {
            const uint8_t *end = memchr(at, '\n', rest.size - (size_t)(at - rest.data));
            if (!end) end = rest.data + rest.size;
            assert_int_equal(buf_append(&rows[i], at, (size_t)(end - at)), STATUS_OK);
            rest = slice_from(rest, (size_t)(end - rest.data));
        }
        report_deinit(&report);
        buf_deinit(&file);
        io_destroy(io);
    }
    assert_true(rows[0].size > 0);
    /* the last row of a list has no comma; both lists end alike */
    assert_true(slice_equal(buf_slice(&rows[0]), buf_slice(&rows[1])));
    buf_deinit(&rows[0]);
    buf_deinit(&rows[1]);
}

static void expect_log(unsigned bad_step, bool strange, enum report_verdict verdict, const char *expected) {
    struct io *io = sim_io_create_alone(1);
    struct buf file = BUF_EMPTY;
    make_log(io, bad_step, strange, &file);
    for (enum report_form form = REPORT_SUMMARY; form <= REPORT_JSON; form++)
        assert_int_equal(inspect(&file, inspect_wal, form, expected), verdict);
    buf_deinit(&file);
    io_destroy(io);
}

static void operations_of_a_sound_log_are_counted_by_their_store(void **state) {
    (void)state;
    expect_log(0, false, REPORT_CLEAN, "40 kv");
    expect_log(0, false, REPORT_CLEAN, "a node: 40 entries, 1 to 40; 0 cuts, 0 notes of commit");
}

static void operations_that_their_store_cannot_apply_are_corruption(void **state) {
    (void)state;
    expect_log(20, false, REPORT_CORRUPT, "what is in this record can't be applied: not what it should be");
    expect_log(2, false, REPORT_CORRUPT, "and 12 records more behind it");
}

static void a_log_without_one_operation_of_loams_is_another_programs(void **state) {
    (void)state;
    expect_log(1, false, REPORT_CLEAN, "not those of loam's stores: shown as text");
}

static void a_record_that_raft_does_not_write_is_corruption(void **state) {
    (void)state;
    expect_log(0, true, REPORT_CORRUPT, "this record is sound as such, but not one of this log");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_sound_file_are_counted_by_their_tree),
        cmocka_unit_test(some_rows_that_their_tree_cannot_hold_are_corruption),
        cmocka_unit_test(a_file_without_one_row_of_its_tree_is_another_programs),
        cmocka_unit_test(rows_of_compressed_and_raw_blocks_are_the_same_to_programs),
        cmocka_unit_test(operations_of_a_sound_log_are_counted_by_their_store),
        cmocka_unit_test(operations_that_their_store_cannot_apply_are_corruption),
        cmocka_unit_test(a_log_without_one_operation_of_loams_is_another_programs),
        cmocka_unit_test(a_record_that_raft_does_not_write_is_corruption),
    };
    return cmocka_run_group_tests_name("inspect_rows", tests, NULL, NULL);
}
