/*
 * tsdb_fuzz: what the log, the disk and users may hold for the time-series store. The first byte chooses: a Gorilla
 * stream, a chunk, an operation, a row, a filter or number. Each is refused, or read within its input and written back
 * to the same meaning.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "tsdb/codec/chunk.h"
#include "tsdb/codec/rows.h"

enum { SAMPLES_MAX = 4096, LABELS_MAX = TSDB_LABELS_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(enum status status) {
    if (status) abort();
}

/* How many samples a stream is said to hold: from its first two bytes. */
static void read_stream(struct slice bytes) {
    static int64_t times_ms[SAMPLES_MAX], again_ms[SAMPLES_MAX];
    static double values[SAMPLES_MAX], again[SAMPLES_MAX];
    if (bytes.size < 2) return;
    size_t count = coding_get_u16(bytes.data) % SAMPLES_MAX;
    if (gorilla_decode(slice_from(bytes, 2), 1000, count, times_ms, values)) return;
    struct buf written = BUF_EMPTY;
    must(gorilla_encode(&written, times_ms, values, count));
    check(gorilla_decode(buf_slice(&written), 1000, count, again_ms, again) == STATUS_OK);
    check(memcmp(times_ms, again_ms, count * sizeof *times_ms) == 0);
    check(memcmp((const void *)values, (const void *)again, count * sizeof *values) == 0);
    buf_deinit(&written);
}

static void read_chunk(struct slice bytes) {
    struct samples samples = {0}, again = {0};
    struct chunk_head head;
    struct buf written = BUF_EMPTY;
    if (chunk_decode(bytes, -5, &samples) == STATUS_OK) {
        check(chunk_read_head(bytes, -5, &head) == STATUS_OK);
        check(head.count == samples.count && head.last_ms == samples.times_ms[samples.count - 1]);
        must(chunk_encode_sealed(&written, samples.times_ms, samples.values, samples.count));
        check(chunk_decode(buf_slice(&written), -5, &again) == STATUS_OK);
        check(again.count == samples.count);
        check(memcmp(samples.times_ms, again.times_ms, again.count * sizeof *again.times_ms) == 0);
        buf_clear(&written);
        must(chunk_encode_open(&written, samples.times_ms, samples.values, samples.count));
        check(chunk_decode(buf_slice(&written), -5, &again) == STATUS_OK && again.count == samples.count);
    } else {
        (void)!chunk_read_head(bytes, -5, &head);
    }
    buf_deinit(&written);
    samples_deinit(&samples);
    samples_deinit(&again);
}

static void read_operation(struct slice bytes) {
    static struct tsdb_add samples[SAMPLES_MAX];
    static struct tsdb_label labels[LABELS_MAX];
    struct tsdb_op_reader reader, again;
    if (tsdb_op_decode(bytes, &reader) || reader.op.sample_count > SAMPLES_MAX) return;
    struct tsdb_op op = reader.op;
    for (size_t i = 0; i < op.settings.label_count; i++) labels[i] = tsdb_op_next_label(&reader);
    for (size_t i = 0; i < op.sample_count; i++) samples[i] = tsdb_op_next_sample(&reader);
    op.settings.labels = labels;
    op.samples = samples;
    struct buf written = BUF_EMPTY;
    must(tsdb_op_encode(&written, &op));
    check(tsdb_op_decode(buf_slice(&written), &again) == STATUS_OK);
    check(again.op.kind == op.kind && again.op.sample_count == op.sample_count);
    check(again.op.settings.label_count == op.settings.label_count && again.op.from_ms == op.from_ms);
    for (size_t i = 0; i < op.sample_count; i++) {
        struct tsdb_add sample = tsdb_op_next_sample(&again);
        check(slice_equal(sample.name, samples[i].name) && sample.fault == samples[i].fault);
        check(sample.fault || sample.time_ms == samples[i].time_ms);
    }
    buf_deinit(&written);
}

static void read_row(struct slice bytes) {
    static struct tsdb_label labels[LABELS_MAX];
    struct series_row row, again;
    struct buf name = BUF_EMPTY, value = BUF_EMPTY, written = BUF_EMPTY;
    uint64_t series = 0;
    int64_t first_ms = 0;
    if (label_key_decode(bytes, &name, &value, &series) == STATUS_OK) {
        const struct tsdb_label label = {buf_slice(&name), buf_slice(&value)};
        must(label_key_encode(&written, &label, series));
        check(slice_equal(buf_slice(&written), bytes));
    }
    (void)!chunk_key_decode(bytes, &series, &first_ms);
    if (series_row_decode(bytes, &row) == STATUS_OK) {
        struct series_row copy = row;
        for (size_t i = 0; i < row.settings.label_count; i++) labels[i] = series_row_next_label(&copy);
        row.settings.labels = labels;
        buf_clear(&written);
        must(series_row_encode(&written, row.name, &row.settings));
        check(series_row_decode(buf_slice(&written), &again) == STATUS_OK);
        check(slice_equal(again.name, row.name) && again.settings.label_count == row.settings.label_count);
    }
    buf_deinit(&name);
    buf_deinit(&value);
    buf_deinit(&written);
}

static void read_text(struct slice bytes) {
    struct arena arena;
    struct tsdb_filter filter;
    double value = 0;
    int64_t time_ms = 0;
    arena_init(&arena, 1024);
    if (tsdb_filter_parse(bytes, &arena, &filter) == STATUS_OK) {
        check(filter.label.size > 0 && filter.label.size < bytes.size);
        for (size_t i = 0; i < filter.value_count; i++)
            check(filter.values[i].data + filter.values[i].size <= bytes.data + bytes.size);
    }
    arena_deinit(&arena);
    if (tsdb_parse_time(bytes, &time_ms)) check(time_ms >= 0);
    if (!tsdb_parse_value(bytes, &value)) return;
    char text[TSDB_VALUE_TEXT_BYTES];
    double again = 0;
    size_t size = tsdb_format_value(value, text);
    check(tsdb_parse_value(slice_make(text, size), &again) && again == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const readers[])(struct slice bytes) = {read_stream, read_chunk, read_operation, read_row, read_text};
    if (size < 2) return 0;
    readers[data[0] % 5](slice_make(data + 1, size - 1));
    return 0;
}
