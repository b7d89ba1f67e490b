/* The parts of `loam explain` that read texts and records: typed keys, lines of events, operations of a node's log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "kv/kv.h"
#include "raft/log/envelope.h"
#include "raft/log/raft_log.h"
#include "tests/harness/test_env.h"
#include "tools/loam/explain/bytes.h"
#include "tools/loam/explain/event_lines.h"
#include "tools/loam/explain/touch.h"
#include "tools/sim/sim_io.h"

static void a_typed_key_has_bytes_behind_backslashes(void **state) {
    (void)state;
    struct buf key = BUF_EMPTY;
    assert_int_equal(bytes_from_text(&key, "a\\x00\\xfFz\\\\\\\""), STATUS_OK);
    assert_true(slice_equal(buf_slice(&key), slice_make((const uint8_t *)"a\0\xffz\\\"", 6)));
    assert_int_equal(bytes_from_text(&key, "\\x4"), STATUS_SYNTAX);
    assert_int_equal(bytes_from_text(&key, "\\q"), STATUS_SYNTAX);
    assert_int_equal(bytes_from_text(&key, "a\\"), STATUS_SYNTAX);
    buf_deinit(&key);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static void write_file(struct io *io, const char *path, const char *text) {
    struct io_file *file = NULL;
    assert_int_equal(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, 0, text, strlen(text)), STATUS_OK);
    io_file_close(file);
}

static void a_file_is_found_by_the_job_that_made_it_and_its_removal(void **state) {
    (void)state;
    struct io *io = sim_io_create_alone(1);
    struct event_lines lines;
    struct event_found found;
    assert_int_equal(io_dir_make(io, "db"), STATUS_OK);
    write_file(io, "db/EVENTS.1",
               "{\"time_ms\":5,\"event\":\"flush start\",\"job\":1,\"why\":\"of a life before\"}\n"
               "{\"time_ms\":6,\"event\":\"open\"}\n");
    write_file(
        io, "db/EVENTS",
        "{\"time_ms\":10,\"event\":\"flush start\",\"job\":1,\"why\":\"the memtable is full\"}\n"
        "{\"time_ms\":11,\"event\":\"flush end\",\"job\":1,\"output\":[{\"file\":3,\"level\":0,\"bytes\":9}]}\n"
        "{\"time_ms\":12,\"event\":\"compaction end\",\"job\":2,\"input\":[{\"file\":3,\"level\":0}],\"output\":[]}\n"
        "{\"time_ms\":13,\"event\":\"sweep\",\"file\":3,\"bytes\":9,\"why\":\"nobody reads it\"}\n"
        "{\"time_ms\":14,\"event\":\"flush end\",\"output\":[{\"file\":4,"); /* torn */
    assert_int_equal(event_lines_read(&lines, io, "db"), STATUS_OK);
    assert_true(event_lines_find_made(&lines, 3, &found));
    assert_int_equal(found.time_ms, 11);
    assert_string_equal(found.why, "the memtable is full");
    assert_true(event_lines_find_removed(&lines, 3, &found));
    assert_int_equal(found.time_ms, 13);
    assert_false(event_lines_find_made(&lines, 4, &found));
    assert_false(event_lines_find_made(&lines, 33, &found));
    assert_int_equal(event_lines_begin(&lines), 5);
    event_lines_deinit(&lines);
    io_destroy(io);
}

static void a_store_without_events_has_none(void **state) {
    (void)state;
    struct io *io = sim_io_create_alone(1);
    struct event_lines lines;
    assert_int_equal(io_dir_make(io, "db"), STATUS_OK);
    assert_int_equal(event_lines_read(&lines, io, "db"), STATUS_OK);
    assert_int_equal(event_lines_begin(&lines), 0);
    event_lines_deinit(&lines);
    io_destroy(io);
}

/* ---- Operations -------------------------------------------------------------------------------------------------- */

/* An entry of a node's log with an operation of kv. */
static void make_entry(struct buf *record, const struct kv_op *op) {
    static const struct envelope envelope = {.time_ms = 1000, .seed = 1, .session = 2, .serial = 3};
    uint8_t head[17];
    buf_clear(record);
    coding_put_u64(head, 7);
    coding_put_u64(head + 8, 2);
    head[16] = 2; /* a command */
    assert_int_equal(buf_append(record, head, sizeof head), STATUS_OK);
    struct buf operation = BUF_EMPTY;
    assert_int_equal(kv_op_encode(&operation, op), STATUS_OK);
    uint8_t envelope_head[ENVELOPE_HEAD_BYTES];
    envelope_encode(envelope_head, &envelope, 1);
    assert_int_equal(buf_append(record, envelope_head, sizeof envelope_head), STATUS_OK);
    assert_int_equal(buf_append_slice(record, buf_slice(&operation)), STATUS_OK);
    buf_deinit(&operation);
}

static bool touches(const struct kv_op *op, const char *name) {
    struct buf bytes = BUF_EMPTY, words = BUF_EMPTY;
    struct touch touch;
    make_entry(&bytes, op);
    const struct wal_record record = {.lsn = 1, .type = 1, .payload = buf_slice(&bytes)};
    assert_int_equal(touch_judge(&record, slice_from_text(name), &touch, &words), STATUS_OK);
    assert_int_equal(touch.kind, TOUCH_ENTRY);
    assert_int_equal(touch.index, 7);
    assert_int_equal(touch.term, 2);
    assert_int_equal(touch.time_ms, 1000);
    buf_deinit(&bytes);
    buf_deinit(&words);
    return touch.touches;
}

static void an_operation_touches_its_keys_and_not_its_values(void **state) {
    (void)state;
    const struct slice words[] = {slice_from_text("a"), slice_from_text("b"), slice_from_text("c"),
                                  slice_from_text("d")};
    const struct kv_op set = {.kind = KV_OP_SET, .arguments = words, .argument_count = 2};
    const struct kv_op mset = {.kind = KV_OP_MSET, .arguments = words, .argument_count = 4};
    const struct kv_op gone = {.kind = KV_OP_DELETE, .arguments = words, .argument_count = 3};
    const struct kv_op rename = {.kind = KV_OP_RENAME, .arguments = words, .argument_count = 2};
    const struct kv_op clear = {.kind = KV_OP_CLEAR};
    assert_true(touches(&set, "a"));
    assert_false(touches(&set, "b"));
    assert_true(touches(&mset, "c"));
    assert_false(touches(&mset, "d"));
    assert_true(touches(&gone, "c"));
    assert_false(touches(&gone, "d"));
    assert_true(touches(&rename, "b"));
    assert_true(touches(&clear, "whatever"));
}

static void any_bytes_are_judged(void **state) {
    (void)state;
    struct prng prng;
    struct buf bytes = BUF_EMPTY, words = BUF_EMPTY;
    struct touch touch;
    const struct slice argument = slice_from_text("a");
    const struct kv_op op = {.kind = KV_OP_SET, .arguments = (struct slice[]){argument, argument}, .argument_count = 2};
    prng_init(&prng, test_seed(1));
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        make_entry(&bytes, &op);
        for (unsigned flips = 1 + (unsigned)prng_below(&prng, 3); flips > 0; flips--)
            bytes.data[prng_below(&prng, bytes.size)] ^= (uint8_t)(1 << prng_below(&prng, 8));
        const struct wal_record record = {.lsn = 1,
                                          .type = (uint8_t)prng_below(&prng, 5),
                                          .payload = slice_make(bytes.data, prng_below(&prng, bytes.size + 1))};
        assert_int_equal(touch_judge(&record, argument, &touch, &words), STATUS_OK);
    }
    buf_deinit(&bytes);
    buf_deinit(&words);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typed_key_has_bytes_behind_backslashes),
        cmocka_unit_test(a_file_is_found_by_the_job_that_made_it_and_its_removal),
        cmocka_unit_test(a_store_without_events_has_none),
        cmocka_unit_test(an_operation_touches_its_keys_and_not_its_values),
        cmocka_unit_test(any_bytes_are_judged),
    };
    return cmocka_run_group_tests_name("loam_explain", tests, NULL, NULL);
}
