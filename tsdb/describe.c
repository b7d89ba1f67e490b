/* describe: see describe.h. Samples and labels are read by the store's own decoders, which also have the last word on
 * what is sound. */
#include "tsdb/describe.h"

#include <inttypes.h>

#include "tsdb/codec/chunk.h"
#include "tsdb/codec/rows.h"
#include "tsdb/tsdb_layout.h"

static const char *value_text(uint64_t bits, char text[TSDB_VALUE_TEXT_BYTES]) {
    double value;
    memcpy(&value, &bits, sizeof value);
    (void)tsdb_format_value(value, text);
    return text;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* ---- Settings, series -------------------------------------------------------------------------------------------- */

static void describe_settings(struct fields *fields) {
    uint64_t values[LAYOUT_ROWS_MAX] = {0};
    if (!layout_describe(settings_layout.rows, fields, values)) return;
    const size_t labels = layout_index(settings_layout.rows, "labels");
    for (uint64_t i = 0; i < values[labels] && !fields->decoder.failed; i++) {
        (void)fields_string(fields, settings_layout.rows[labels + 1].name);
        (void)fields_string(fields, settings_layout.rows[labels + 2].name);
    }
}

static void series_key(struct fields *fields) {
    uint64_t series = 0;
    fields_judge(fields, series_key_decode(fields_left(fields), &series));
    (void)layout_describe(series_key_layout.rows, fields, NULL);
}

static void series_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)key;
    struct series_row row;
    if (form != ROW_VALUE) fields_fault(fields, "a series' row is written whole");
    fields_judge(fields, series_row_decode(fields_left(fields), &row));
    (void)layout_describe(series_row_layout.rows, fields, NULL);
    describe_settings(fields);
}

/* ---- Chunks ------------------------------------------------------------------------------------------------------ */

static void chunk_key(struct fields *fields) {
    uint64_t series = 0;
    int64_t first_ms = 0;
    fields_judge(fields, chunk_key_decode(fields_left(fields), &series, &first_ms));
    (void)layout_describe(chunk_key_layout.rows, fields, NULL);
}

static void chunk_note(struct fields *fields, struct slice value, int64_t first_ms, const struct chunk_head *head) {
    fields_note(fields, "samples", "%zu, times %" PRId64 " to %" PRId64 ", %.2f bits each", head->count, first_ms,
                head->last_ms, 8.0 * (double)value.size / (double)head->count);
}

/* What each sample says, time and value made whole. */
static void open_samples(struct fields *fields, int64_t first_ms) {
    uint64_t time = (uint64_t)first_ms, delta = 0, bits = 0;
    struct open_sample sample;
    char text[TSDB_VALUE_TEXT_BYTES];
    while (decoder_left(&fields->decoder) && chunk_read_open_sample(&fields->decoder, &sample)) {
        delta += sample.second_delta;
        time += delta;
        bits ^= sample.xor_bits;
        fields_tell(fields, "sample", "%" PRId64 " ms, %s", (int64_t)time, value_text(bits, text));
    }
}

/* Samples that make an older value longer: what they differ from is not here. */
static void appended_samples(struct fields *fields) {
    struct open_sample sample;
    size_t count = 0;
    while (decoder_left(&fields->decoder) && chunk_read_open_sample(&fields->decoder, &sample)) {
        fields_tell(fields, "sample", "second difference %" PRId64 " ms, XOR %016" PRIx64, (int64_t)sample.second_delta,
                    sample.xor_bits);
        count++;
    }
    fields_note(fields, "samples", "%zu, behind those of older bytes", count);
}

static void sealed_samples(struct fields *fields, int64_t first_ms, const struct samples *samples) {
    char first[TSDB_VALUE_TEXT_BYTES], last[TSDB_VALUE_TEXT_BYTES];
    (void)layout_describe(chunk_gorilla_layout.rows, fields, NULL);
    const size_t size = decoder_left(&fields->decoder), count = samples->count;
    (void)decode_bytes(&fields->decoder, size);
    if (count == 0) return; /* not sound: told as malformed */
    fields_tell(fields, "Gorilla stream",
                "%zu samples in %zu bytes, %.2f bits each: %" PRId64 " ms, %s .. %" PRId64 " ms, %s", count, size,
                8.0 * (double)size / (double)count, first_ms, value_text(bits_of(samples->values[0]), first),
                samples->times_ms[count - 1], value_text(bits_of(samples->values[count - 1]), last));
}

static void chunk_value(struct fields *fields, struct slice key, enum row_form form) {
    uint64_t series = 0;
    int64_t first_ms = 0;
    struct chunk_head head = {0};
    struct samples samples = {0};
    const struct slice value = fields_left(fields);
    if (form == ROW_OPERAND) fields_fault(fields, "chunks have no operands");
    if (form == ROW_APPENDED) {
        appended_samples(fields);
        return;
    }
    enum status status = chunk_key_decode(key, &series, &first_ms);
    if (status == STATUS_OK) status = chunk_decode(value, first_ms, &samples);
    if (status == STATUS_OK) status = chunk_read_head(value, first_ms, &head);
    fields_judge(fields, status);
    if (status == STATUS_OK) chunk_note(fields, value, first_ms, &head);
    const uint64_t encoding = layout_tell(chunk_layout.rows, fields);
    if (encoding == CHUNK_OPEN) open_samples(fields, first_ms);
    if (encoding == CHUNK_GORILLA) sealed_samples(fields, first_ms, &samples);
    samples_deinit(&samples);
}

/* ---- Labels ------------------------------------------------------------------------------------------------------ */

static void label_text(struct fields *fields, struct buf *text, const char *name) {
    char words[FIELD_WORDS_BYTES];
    if (label_text_decode(&fields->decoder, text)) fields->decoder.failed = true;
    fields_tell(fields, name, "%s", fields_quote(words, buf_slice(text)));
}

static void label_key(struct fields *fields) {
    struct buf text = BUF_EMPTY;
    label_text(fields, &text, "label name");
    label_text(fields, &text, "label value");
    series_key(fields);
    buf_deinit(&text);
}

static void label_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)fields, (void)key, (void)form; /* empty */
}

const struct row_describer tsdb_describers[] = {
    {KIND_SERIES, "tsdb.series", series_key, series_value},
    {KIND_CHUNKS, "tsdb.chunks", chunk_key, chunk_value},
    {KIND_LABELS, "tsdb.labels", label_key, label_value},
};
const size_t tsdb_describer_count = sizeof tsdb_describers / sizeof tsdb_describers[0];

/* ---- Operations -------------------------------------------------------------------------------------------------- */

static const char *fault_text(enum tsdb_sample_fault fault) {
    switch (fault) {
    case TSDB_SAMPLE_BAD_VALUE: return "an invalid value";
    case TSDB_SAMPLE_BAD_TIME: return "an invalid time";
    case TSDB_SAMPLE_NEGATIVE_TIME: return "a negative time";
    default: return "";
    }
}

static void describe_samples(struct fields *fields, struct tsdb_op_reader *reader) {
    char name[FIELD_WORDS_BYTES], text[TSDB_VALUE_TEXT_BYTES];
    (void)layout_describe(tsdb_sample_layout.rows, fields, NULL);
    for (size_t i = 0; i < reader->op.sample_count; i++) {
        const struct tsdb_add sample = tsdb_op_next_sample(reader);
        fields_read_to(fields, &reader->samples);
        (void)fields_quote(name, sample.name);
        if (sample.fault)
            fields_tell(fields, "sample", "%s: %s", name, fault_text(sample.fault));
        else if (sample.now)
            fields_tell(fields, "sample", "%s: at the log time, %s", name, value_text(bits_of(sample.value), text));
        else
            fields_tell(fields, "sample", "%s: %" PRId64 " ms, %s", name, sample.time_ms,
                        value_text(bits_of(sample.value), text));
    }
}

void tsdb_operation_describe(struct fields *fields) {
    struct tsdb_op_reader reader;
    const enum status status = tsdb_op_decode(fields_left(fields), &reader);
    fields_judge(fields, status);
    (void)layout_tell(layout_row(&tsdb_operation_layout, "version"), fields);
    const uint64_t kind = layout_tell(layout_row(&tsdb_operation_layout, "operation"), fields);
    const struct layout_case *body = layout_find_case(&tsdb_body_layout, kind);
    for (const struct layout_row *row = body ? body->rows : NULL; row && row->name; row++) {
        if (row->form != LAYOUT_CODE)
            (void)layout_tell(row, fields);
        else if (strcmp(row->name, "settings") == 0)
            describe_settings(fields);
        else if (status == STATUS_OK)
            describe_samples(fields, &reader);
    }
}
