/*
 * tsdb_golden_test: operations, rows, keys and chunks written by version 1 of their formats (tsdb/FORMAT.md) read as
 * they did on the day they were written, and today's encoders still write the same bytes.
 *
 *     tsdb_golden_test --make     writes the golden files anew (only with a new version of a format)
 *
 * A golden file is a row of strings: varint length, bytes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "tests/harness/golden.h"
#include "tsdb/codec/chunk.h"
#include "tsdb/codec/rows.h"

enum { KINDS = TSDB_OP_DELETE_RANGE, SAMPLES = 300, CHUNKS = 4 };

static const char operations_file[] = "tests/golden/tsdb/operations-v1";
static const char rows_file[] = "tests/golden/tsdb/rows-v1";
static const char chunks_file[] = "tests/golden/tsdb/chunks-v1";

/* ---- What the files hold ----------------------------------------------------------------------------------------- */

static const struct tsdb_label labels[] = {{{(const uint8_t *)"room", 4}, {(const uint8_t *)"1\0", 2}},
                                           {{(const uint8_t *)"kind", 4}, {(const uint8_t *)"temp", 4}}};

static const struct tsdb_add samples[] = {
    {.name = {(const uint8_t *)"a", 1}, .time_ms = 1700000000000, .value = 1.5},
    {.name = {(const uint8_t *)"a", 1}, .time_ms = 1700000060000, .value = -0.0},
    {.name = {(const uint8_t *)"", 0}, .now = true, .value = INFINITY},
    {.name = {(const uint8_t *)"b", 1}, .fault = TSDB_SAMPLE_NEGATIVE_TIME},
    {.name = {(const uint8_t *)"b", 1}, .time_ms = INT64_MIN, .value = NAN},
};

static struct tsdb_op golden_op(int kind) {
    struct tsdb_op op = {.kind = (enum tsdb_op_kind)kind, .samples = samples};
    op.sample_count = kind == TSDB_OP_ADD ? 1 : kind == TSDB_OP_MADD ? 5 : 0;
    if (kind != TSDB_OP_ADD && kind != TSDB_OP_MADD) op.name = slice_from_text("series");
    if (kind == TSDB_OP_ADD) op.on_duplicate = TSDB_POLICY_SUM;
    if (kind == TSDB_OP_DELETE_RANGE) {
        op.from_ms = -5;
        op.to_ms = INT64_MAX;
    }
    if (kind <= TSDB_OP_ADD)
        op.settings = (struct tsdb_settings){.given = 0xf,
                                             .retention_ms = 86400000,
                                             .chunk_bytes = 1024,
                                             .policy = TSDB_POLICY_MAX,
                                             .labels = labels,
                                             .label_count = 2};
    return op;
}

static void append_operations(struct buf *file) {
    for (int kind = TSDB_OP_CREATE; kind <= KINDS; kind++) {
        struct buf bytes = BUF_EMPTY;
        const struct tsdb_op op = golden_op(kind);
        check(tsdb_op_encode(&bytes, &op) == STATUS_OK);
        check(encode_string(file, buf_slice(&bytes)) == STATUS_OK);
        buf_deinit(&bytes);
    }
}

static void append_rows(struct buf *file) {
    struct buf bytes = BUF_EMPTY;
    const struct tsdb_op op = golden_op(TSDB_OP_CREATE);
    struct series_key series = series_key_make(77);
    struct chunk_key chunk = chunk_key_make(77, -1);
    check(series_row_encode(&bytes, slice_from_text("series"), &op.settings) == STATUS_OK);
    check(encode_string(file, buf_slice(&bytes)) == STATUS_OK);
    check(encode_string(file, slice_make(series.bytes, sizeof series.bytes)) == STATUS_OK);
    check(encode_string(file, slice_make(chunk.bytes, sizeof chunk.bytes)) == STATUS_OK);
    check(label_key_encode(&bytes, &labels[0], 77) == STATUS_OK);
    check(encode_string(file, buf_slice(&bytes)) == STATUS_OK);
    buf_deinit(&bytes);
}

/* Regular, irregular, and of every class of the codec. Integers only: no library function decides a bit. */
static void make_samples(int64_t times_ms[SAMPLES], double values[SAMPLES]) {
    int64_t time_ms = 1700000000000;
    for (int i = 0; i < SAMPLES; i++) {
        times_ms[i] = time_ms;
        values[i] = i % 50 == 49 ? -INFINITY : (double)(i * i % 97) / 8;
        time_ms += 60000 + (i % 10 == 9 ? (int64_t)1 << (i / 10 + 2) : 0);
    }
}

static enum status encode_chunk(int number, struct buf *to) {
    static int64_t times_ms[SAMPLES];
    static double values[SAMPLES];
    make_samples(times_ms, values);
    size_t count = number < 2 ? 1 : SAMPLES;
    return number % 2 ? chunk_encode_sealed(to, times_ms, values, count)
                      : chunk_encode_open(to, times_ms, values, count);
}

static void append_chunks(struct buf *file) {
    for (int i = 0; i < CHUNKS; i++) {
        struct buf bytes = BUF_EMPTY;
        check(encode_chunk(i, &bytes) == STATUS_OK);
        check(encode_string(file, buf_slice(&bytes)) == STATUS_OK);
        buf_deinit(&bytes);
    }
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static const struct golden_file files[] = {
    {operations_file, append_operations},
    {rows_file, append_rows},
    {chunks_file, append_chunks},
};
enum { FILES = sizeof files / sizeof files[0] };

static void todays_encoders_write_the_same_bytes(void **state) {
    (void)state;
    golden_expect(files, FILES);
}

static void expect_settings(const struct tsdb_settings *settings) {
    assert_int_equal(settings->given, 0xf);
    assert_int_equal(settings->retention_ms, 86400000);
    assert_int_equal(settings->chunk_bytes, 1024);
    assert_int_equal(settings->policy, TSDB_POLICY_MAX);
    assert_int_equal(settings->label_count, 2);
}

static void expect_label(const struct tsdb_label *label, const struct tsdb_label *expected) {
    assert_true(slice_equal(label->name, expected->name));
    assert_true(slice_equal(label->value, expected->value));
}

static void expect_sample(const struct tsdb_add *sample, const struct tsdb_add *expected) {
    assert_true(slice_equal(sample->name, expected->name));
    assert_int_equal(sample->now, expected->now);
    assert_int_equal(sample->fault, expected->fault);
    if (expected->fault) return;
    assert_true(sample->time_ms == expected->time_ms);
    assert_memory_equal(&sample->value, &expected->value, sizeof sample->value);
}

static void operations_read_as_they_were_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    struct decoder decoder = decoder_make(golden_read(operations_file, room));
    for (int kind = TSDB_OP_CREATE; kind <= KINDS; kind++) {
        struct tsdb_op_reader reader;
        const struct tsdb_op expected = golden_op(kind);
        assert_int_equal(tsdb_op_decode(decode_string(&decoder), &reader), STATUS_OK);
        assert_int_equal(reader.op.kind, kind);
        assert_true(slice_equal(reader.op.name, expected.name));
        assert_true(reader.op.from_ms == expected.from_ms && reader.op.to_ms == expected.to_ms);
        assert_int_equal(reader.op.on_duplicate, expected.on_duplicate);
        assert_int_equal(reader.op.sample_count, expected.sample_count);
        if (kind <= TSDB_OP_ADD) expect_settings(&reader.op.settings);
        for (size_t i = 0; i < reader.op.settings.label_count; i++) {
            struct tsdb_label label = tsdb_op_next_label(&reader);
            expect_label(&label, &labels[i]);
        }
        for (size_t i = 0; i < reader.op.sample_count; i++) {
            struct tsdb_add sample = tsdb_op_next_sample(&reader);
            expect_sample(&sample, &samples[i]);
        }
    }
    assert_true(decoder_finished(&decoder));
}

static void rows_and_keys_read_as_they_were_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    struct decoder decoder = decoder_make(golden_read(rows_file, room));
    struct series_row row;
    uint64_t series = 0;
    int64_t first_ms = 0;
    struct buf name = BUF_EMPTY, value = BUF_EMPTY;
    assert_int_equal(series_row_decode(decode_string(&decoder), &row), STATUS_OK);
    assert_true(slice_equal(row.name, slice_from_text("series")));
    expect_settings(&row.settings);
    for (size_t i = 0; i < 2; i++) {
        struct tsdb_label label = series_row_next_label(&row);
        expect_label(&label, &labels[i]);
    }
    assert_int_equal(series_key_decode(decode_string(&decoder), &series), STATUS_OK);
    assert_int_equal(series, 77);
    assert_int_equal(chunk_key_decode(decode_string(&decoder), &series, &first_ms), STATUS_OK);
    assert_true(series == 77 && first_ms == -1);
    assert_int_equal(label_key_decode(decode_string(&decoder), &name, &value, &series), STATUS_OK);
    const struct tsdb_label label = {buf_slice(&name), buf_slice(&value)};
    expect_label(&label, &labels[0]);
    assert_int_equal(series, 77);
    assert_true(decoder_finished(&decoder));
    buf_deinit(&name);
    buf_deinit(&value);
}

static void chunks_read_as_they_were_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    static int64_t times_ms[SAMPLES];
    static double values[SAMPLES];
    struct decoder decoder = decoder_make(golden_read(chunks_file, room));
    struct samples read = {0};
    make_samples(times_ms, values);
    for (int i = 0; i < CHUNKS; i++) {
        struct slice value = decode_string(&decoder);
        struct chunk_head head;
        assert_int_equal(chunk_decode(value, times_ms[0], &read), STATUS_OK);
        assert_int_equal(chunk_read_head(value, times_ms[0], &head), STATUS_OK);
        assert_int_equal(head.encoding, i % 2 ? CHUNK_GORILLA : CHUNK_OPEN);
        assert_int_equal(read.count, i < 2 ? 1 : SAMPLES);
        assert_int_equal(head.count, read.count);
        assert_true(head.last_ms == times_ms[read.count - 1]);
        assert_memory_equal(read.times_ms, times_ms, read.count * sizeof *times_ms);
        assert_memory_equal(read.values, values, read.count * sizeof *values);
    }
    assert_true(decoder_finished(&decoder));
    samples_deinit(&read);
}

/* The examples of tsdb/FORMAT.md. */
static void the_examples_of_the_format_page_are_what_is_written(void **state) {
    (void)state;
    static const uint8_t open[] = {0x01, 0x02, 0xf8, 0x3f, 0x80, 0xc0, 0xa9, 0x07, 0x00};
    static const uint8_t sealed[] = {0x02, 0x03, 0xc0, 0xa9, 0x07, 0x3f, 0xf8, 0x00, 0x00,
                                     0x00, 0x00, 0x00, 0x00, 0xf0, 0x00, 0x07, 0x53, 0x00};
    const int64_t times_ms[] = {1000, 61000, 121000};
    const double values[] = {1.5, 1.5, 1.5};
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(chunk_encode_open(&bytes, times_ms, values, 3), STATUS_OK);
    assert_true(slice_equal(buf_slice(&bytes), slice_make(open, sizeof open)));
    buf_clear(&bytes);
    assert_int_equal(chunk_encode_sealed(&bytes, times_ms, values, 3), STATUS_OK);
    assert_true(slice_equal(buf_slice(&bytes), slice_make(sealed, sizeof sealed)));
    buf_clear(&bytes);
    static const uint8_t operation[] = {0x01, 0x04, 0x01, 0x01, 0x01, 0x74, 0xd0, 0x0f, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f};
    const struct tsdb_add sample = {.name = slice_from_text("t"), .time_ms = 1000, .value = 1.5};
    const struct tsdb_op op = {.kind = TSDB_OP_MADD, .samples = &sample, .sample_count = 1};
    assert_int_equal(tsdb_op_encode(&bytes, &op), STATUS_OK);
    assert_true(slice_equal(buf_slice(&bytes), slice_make(operation, sizeof operation)));
    buf_deinit(&bytes);
}

int main(int argc, char **argv) {
    if (golden_made(argc, argv, files, FILES)) return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(todays_encoders_write_the_same_bytes),
        cmocka_unit_test(operations_read_as_they_were_written),
        cmocka_unit_test(rows_and_keys_read_as_they_were_written),
        cmocka_unit_test(chunks_read_as_they_were_written),
        cmocka_unit_test(the_examples_of_the_format_page_are_what_is_written),
    };
    return cmocka_run_group_tests_name("tsdb_golden", tests, NULL, NULL);
}
