/*
 * kv_golden_test: operations, rows of names and replies written by version 1 of their formats (kv/FORMAT.md,
 * engine/names/FORMAT.md, engine/base/reply.h) read as they did on the day they were written, and today's encoders
 * still write the same bytes.
 *
 *     kv_golden_test --make     writes the golden files anew (only with a new version of a format)
 *
 * A golden file is a row of strings: varint length, bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/base/reply.h"
#include "engine/names/names_format.h"
#include "kv/kv.h"
#include "tests/harness/golden.h"

enum { KINDS = KV_OP_REAP };

static const char operations_file[] = "tests/golden/kv/operations-v1";
static const char rows_file[] = "tests/golden/kv/rows-v1";
static const char replies_file[] = "tests/golden/kv/replies-v1";

/* ---- What the files hold ----------------------------------------------------------------------------------------- */

/* One operation of each kind, every flag used somewhere. */
static void append_operations(struct buf *file) {
    for (int kind = KV_OP_SET; kind <= KINDS; kind++) {
        const struct slice arguments[] = {slice_from_text("key"), slice_make("v\0\xff", 3), slice_from_text("")};
        const struct kv_op op = {.kind = (enum kv_op_kind)kind,
                                 .flags = 1u << (kind % 12) | KV_EXPIRE_AT,
                                 .origin = (uint8_t)(kind % 9),
                                 .number = kind % 2 ? -1000000007ll * kind : INT64_MAX - kind,
                                 .arguments = arguments,
                                 .argument_count = (size_t)kind % 4};
        struct buf bytes = BUF_EMPTY;
        check(kv_op_encode(&bytes, &op) == STATUS_OK);
        check(encode_string(file, buf_slice(&bytes)) == STATUS_OK);
        buf_deinit(&bytes);
    }
}

static const struct name_row rows[] = {
    {.type = NAME_STRING, .value = {(const uint8_t *)"plain", 5}},
    {.type = NAME_STRING},
    {.type = NAME_STRING, .expire_ms = 1700000000123, .value = {(const uint8_t *)"\0\xff", 2}},
    {.type = 7, .object = 300},
    {.type = 255, .object = UINT64_MAX, .expire_ms = INT64_MAX},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void append_rows(struct buf *file) {
    for (int i = 0; i < ROWS; i++) {
        struct buf bytes = BUF_EMPTY;
        check(names_encode_row(&bytes, &rows[i]) == STATUS_OK);
        check(encode_string(file, buf_slice(&bytes)) == STATUS_OK);
        buf_deinit(&bytes);
    }
    struct buf key = BUF_EMPTY;
    check(names_encode_key(&key, names_hash_of(99, slice_from_text("name")), slice_from_text("name")) == STATUS_OK);
    check(encode_string(file, buf_slice(&key)) == STATUS_OK);
    check(names_encode_expiry(&key, 1700000000123, slice_from_text("name")) == STATUS_OK);
    check(encode_string(file, buf_slice(&key)) == STATUS_OK);
    buf_deinit(&key);
}

static void append_replies(struct buf *file) {
    struct buf reply = BUF_EMPTY;
    check(reply_array(&reply, 12) == STATUS_OK && reply_ok(&reply) == STATUS_OK && reply_null(&reply) == STATUS_OK);
    check(reply_null_array(&reply) == STATUS_OK && reply_integer(&reply, INT64_MIN) == STATUS_OK);
    check(reply_double(&reply, -2.5) == STATUS_OK && reply_bulk(&reply, slice_make("\0x", 2)) == STATUS_OK);
    check(reply_status(&reply, "string") == STATUS_OK && reply_error(&reply, "ERR no") == STATUS_OK);
    check(reply_bool(&reply, true) == STATUS_OK && reply_bool(&reply, false) == STATUS_OK);
    check(reply_map(&reply, 0) == STATUS_OK && reply_set(&reply, 0) == STATUS_OK);
    check(encode_string(file, buf_slice(&reply)) == STATUS_OK);
    buf_deinit(&reply);
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static const struct golden_file files[] = {
    {operations_file, append_operations},
    {rows_file, append_rows},
    {replies_file, append_replies},
};
enum { FILES = sizeof files / sizeof files[0] };

static void todays_encoders_write_the_same_bytes(void **state) {
    (void)state;
    golden_expect(files, FILES);
}

static void operations_read_as_they_were_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    struct decoder decoder = decoder_make(golden_read(operations_file, room));
    for (int kind = KV_OP_SET; kind <= KINDS; kind++) {
        struct kv_op_reader reader;
        assert_int_equal(kv_op_decode(decode_string(&decoder), &reader), STATUS_OK);
        assert_int_equal(reader.op.kind, kind);
        assert_int_equal(reader.op.flags, 1u << (kind % 12) | KV_EXPIRE_AT);
        assert_int_equal(reader.op.origin, kind % 9);
        assert_true(reader.op.number == (kind % 2 ? -1000000007ll * kind : INT64_MAX - kind));
        assert_int_equal(reader.op.argument_count, kind % 4);
        if (reader.op.argument_count == 0) continue;
        assert_true(slice_equal(kv_op_next(&reader), slice_from_text("key")));
    }
    assert_true(decoder_finished(&decoder));
}

static void rows_and_keys_read_as_they_were_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    struct decoder decoder = decoder_make(golden_read(rows_file, room));
    for (int i = 0; i < ROWS; i++) {
        struct name_row row;
        assert_int_equal(names_decode_row(decode_string(&decoder), &row), STATUS_OK);
        assert_int_equal(row.type, rows[i].type);
        assert_true(row.object == rows[i].object && row.expire_ms == rows[i].expire_ms);
        assert_true(slice_equal(row.value, rows[i].value));
    }
    uint64_t hash = 0;
    int64_t expire_ms = 0;
    struct slice name;
    assert_int_equal(names_decode_key(decode_string(&decoder), &hash, &name), STATUS_OK);
    assert_true(hash == names_hash_of(99, slice_from_text("name")));
    assert_true(slice_equal(name, slice_from_text("name")));
    assert_int_equal(names_decode_expiry(decode_string(&decoder), &expire_ms, &name), STATUS_OK);
    assert_true(expire_ms == 1700000000123);
    assert_true(decoder_finished(&decoder));
}

static void replies_read_as_they_were_written(void **state) {
    (void)state;
    static const enum reply_tag tags[] = {REPLY_ARRAY,  REPLY_OK,   REPLY_NULL,   REPLY_NULL_ARRAY, REPLY_INTEGER,
                                          REPLY_DOUBLE, REPLY_BULK, REPLY_STATUS, REPLY_ERROR,      REPLY_TRUE,
                                          REPLY_FALSE,  REPLY_MAP,  REPLY_SET};
    static uint8_t room[GOLDEN_MAX_BYTES];
    struct decoder decoder = decoder_make(golden_read(replies_file, room));
    struct decoder reply = decoder_make(decode_string(&decoder));
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        struct reply_value value;
        assert_int_equal(reply_decode(&reply, &value), STATUS_OK);
        assert_int_equal(value.tag, tags[i]);
        if (value.tag == REPLY_INTEGER) assert_true(value.integer == INT64_MIN);
        if (value.tag == REPLY_DOUBLE) assert_true(value.number == -2.5);
        if (value.tag == REPLY_ERROR) assert_true(slice_equal(value.text, slice_from_text("ERR no")));
    }
    assert_true(decoder_finished(&reply) && decoder_finished(&decoder));
}

int main(int argc, char **argv) {
    if (golden_made(argc, argv, files, FILES)) return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(todays_encoders_write_the_same_bytes),
        cmocka_unit_test(operations_read_as_they_were_written),
        cmocka_unit_test(rows_and_keys_read_as_they_were_written),
        cmocka_unit_test(replies_read_as_they_were_written),
    };
    return cmocka_run_group_tests_name("kv_golden", tests, NULL, NULL);
}
