/*
 * explain: see explain.h. A chunk is judged by chunk_decode; what its bits say comes from the codecs' own walks.
 */
#include "tsdb/explain.h"

#include <inttypes.h>
#include <stdio.h>

#include "tsdb/codec/chunk.h"
#include "tsdb/codec/rows.h"

struct walk {
    void (*visit)(void *context, const struct tsdb_sample_bits *sample);
    void *context;
    uint64_t number, stream_at; /* bits before the stream */
};

/* ---- GORILLA ----------------------------------------------------------------------------------------------------- */

static enum tsdb_value_form form_of(enum gorilla_value_form form) {
    switch (form) {
    case GORILLA_WHOLE: return TSDB_VALUE_WHOLE;
    case GORILLA_SAME: return TSDB_VALUE_SAME;
    case GORILLA_OLD_WINDOW: return TSDB_VALUE_OLD_WINDOW;
    case GORILLA_NEW_WINDOW: break;
    }
    return TSDB_VALUE_NEW_WINDOW;
}

static void take_sealed(void *context, const struct gorilla_sample *from) {
    struct walk *walk = context;
    const struct tsdb_sample_bits sample = {.number = walk->number++,
                                            .at = walk->stream_at + from->at,
                                            .time_bits = from->time_bits,
                                            .value_bits = from->value_bits,
                                            .time_ms = from->time_ms,
                                            .second_difference = from->second_delta,
                                            .value = from->value,
                                            .form = form_of(from->form),
                                            .leading = from->leading,
                                            .size = from->size,
                                            .xor_bits = from->xor_bits};
    walk->visit(walk->context, &sample);
}

static enum status visit_sealed(struct walk *walk, struct slice chunk, int64_t first_ms) {
    struct decoder decoder = decoder_make(slice_from(chunk, 1));
    const uint64_t count = decode_varint(&decoder);
    (void)decode_varint(&decoder); /* the span */
    if (decoder.failed || count > SIZE_MAX) return STATUS_CORRUPT;
    const struct slice stream = slice_make(decoder.cursor, decoder_left(&decoder));
    walk->stream_at = 8 * (uint64_t)(chunk.size - stream.size);
    return gorilla_explain(stream, first_ms, (size_t)count, take_sealed, walk);
}

/* ---- OPEN -------------------------------------------------------------------------------------------------------- */

/* FORMAT.md, "OPEN": the first byte. */
enum { HEAD_LEADING_SHIFT = 4, HEAD_LEADING_MASK = 7, HEAD_SIZE_MASK = 15 };

struct open_walk {
    uint64_t time, delta, bits;
};

static bool take_open(struct walk *walk, struct open_walk *open, struct decoder *decoder, const uint8_t *start) {
    const uint8_t *head = decoder->cursor;
    struct open_sample read;
    if (!chunk_read_open_sample(decoder, &read)) return false;
    open->delta += read.second_delta;
    open->time += open->delta;
    open->bits ^= read.xor_bits;
    const unsigned stored = *head & HEAD_SIZE_MASK;
    struct tsdb_sample_bits sample = {.number = walk->number++,
                                      .at = 8 * (uint64_t)(head - start),
                                      .value_bits = 8 * stored,
                                      .time_ms = (int64_t)open->time,
                                      .second_difference = (int64_t)read.second_delta,
                                      .leading = 8 * (unsigned)(*head >> HEAD_LEADING_SHIFT & HEAD_LEADING_MASK),
                                      .size = 8 * stored,
                                      .xor_bits = read.xor_bits};
    sample.time_bits = 8 * (unsigned)(decoder->cursor - head) - sample.value_bits;
    sample.form = sample.number == 0 ? TSDB_VALUE_WHOLE : stored == 0 ? TSDB_VALUE_SAME : TSDB_VALUE_NEW_WINDOW;
    memcpy(&sample.value, &open->bits, sizeof sample.value);
    walk->visit(walk->context, &sample);
    return true;
}

static enum status visit_open(struct walk *walk, struct slice chunk, int64_t first_ms) {
    struct decoder decoder = decoder_make(slice_from(chunk, 1));
    struct open_walk open = {.time = (uint64_t)first_ms};
    while (decoder_left(&decoder) > 0)
        if (!take_open(walk, &open, &decoder, chunk.data)) return STATUS_CORRUPT;
    return STATUS_OK;
}

enum status tsdb_explain_samples(struct slice chunk, int64_t first_ms,
                                 void (*visit)(void *context, const struct tsdb_sample_bits *sample), void *context) {
    struct walk walk = {.visit = visit, .context = context};
    if (chunk.size == 0) return STATUS_CORRUPT;
    if (chunk.data[0] == CHUNK_OPEN) return visit_open(&walk, chunk, first_ms);
    if (chunk.data[0] == CHUNK_GORILLA) return visit_sealed(&walk, chunk, first_ms);
    return chunk.data[0] == 0 ? STATUS_CORRUPT : STATUS_VERSION;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

/* FORMAT.md, "Gorilla stream": heads of times by how many bits tell them, head included. */
static const char *time_head(unsigned bits) {
    switch (bits) {
    case 1: return "0";
    case 9: return "10 +7";
    case 12: return "110 +9";
    case 16: return "1110 +12";
    case 37: return "11110 +32";
    default: return "11111 +64";
    }
}

static void print_sealed(const struct tsdb_sample_bits *sample, char *to, size_t room) {
    char time[64] = "";
    const unsigned trailing = 64 - sample->leading - sample->size;
    if (sample->form == TSDB_VALUE_WHOLE) {
        (void)snprintf(to, room, "64: the value as it is; the time is the key's");
        return;
    }
    (void)snprintf(time, sizeof time, "%s: D %" PRId64, time_head(sample->time_bits), sample->second_difference);
    if (sample->form == TSDB_VALUE_SAME)
        (void)snprintf(to, room, "%s, 0: the same value", time);
    else
        (void)snprintf(to, room, "%s, %s +%u: %u zeros, %u bits, %u zeros", time,
                       sample->form == TSDB_VALUE_OLD_WINDOW ? "10" : "11 +5 +6", sample->size, sample->leading,
                       sample->size, trailing);
}

static void print_open(const struct tsdb_sample_bits *sample, char *to, size_t room) {
    const unsigned stored = sample->size / 8, zeros = sample->leading / 8;
    char time[64] = "";
    if (sample->time_bits > 8)
        (void)snprintf(time, sizeof time, " +%u: D %" PRId64 ",", sample->time_bits / 8 - 1, sample->second_difference);
    if (sample->form == TSDB_VALUE_SAME)
        (void)snprintf(to, room, "head%s the same value", time);
    else
        (void)snprintf(to, room, "head%s +%u bytes: %u of zeros before, %u behind", time, stored, zeros,
                       8 - zeros - stored);
}

void tsdb_explain_bits(const struct tsdb_sample_bits *sample, enum tsdb_encoding encoding, char *to, size_t room) {
    if (encoding == TSDB_OPEN)
        print_open(sample, to, room);
    else
        print_sealed(sample, to, room);
}

/* ---- Series ------------------------------------------------------------------------------------------------------ */

const char *tsdb_encoding_name(enum tsdb_encoding encoding) {
    return encoding == TSDB_OPEN ? "OPEN" : encoding == TSDB_GORILLA ? "GORILLA" : "unknown";
}

static enum status judge(struct tsdb_chunk *chunk) {
    struct samples samples = {0};
    struct chunk_head head;
    enum status status = chunk_read_head(chunk->value, chunk->first_ms, &head);
    if (status == STATUS_OK) {
        chunk->last_ms = head.last_ms;
        chunk->samples = head.count;
        status = chunk_decode(chunk->value, chunk->first_ms, &samples);
    }
    samples_deinit(&samples);
    return status;
}

/* The iterator stands on a chunk, and goes on to the next one, whose time is told with this one. */
static enum status visit_chunk(struct engine_iterator *iterator, uint64_t number, struct buf *value,
                               const struct tsdb_explain_visitor *visitor) {
    struct tsdb_chunk chunk = {.number = number};
    uint64_t series = 0;
    enum status status = chunk_key_decode(engine_iterator_key(iterator), &series, &chunk.first_ms);
    if (status == STATUS_OK) status = buf_assign(value, engine_iterator_value(iterator));
    if (status != STATUS_OK) return status;
    chunk.value = buf_slice(value);
    chunk.last_ms = chunk.first_ms;
    chunk.encoding = chunk.value.size ? (enum tsdb_encoding)chunk.value.data[0] : 0;
    engine_iterator_next(iterator);
    chunk.has_next = engine_iterator_valid(iterator) &&
                     chunk_key_decode(engine_iterator_key(iterator), &series, &chunk.next_ms) == STATUS_OK;
    chunk.fault = judge(&chunk);
    if (chunk.fault == STATUS_NO_MEMORY) return chunk.fault;
    visitor->chunk(visitor->context, &chunk);
    return STATUS_OK;
}

static enum status visit_chunks(struct engine *engine, uint64_t series, const struct tsdb_explain_visitor *visitor) {
    const struct chunk_range range = chunk_range_make(series);
    const struct engine_iterator_options options = {.lower = slice_make(range.begin, sizeof range.begin),
                                                    .upper = slice_make(range.end, range.end_size)};
    struct engine_iterator *iterator;
    struct buf value = BUF_EMPTY;
    enum status status = engine_iterator_open(engine, TREE_CHUNKS, &options, &iterator);
    if (status != STATUS_OK) return status;
    engine_iterator_seek_first(iterator);
    for (uint64_t number = 1; status == STATUS_OK && engine_iterator_valid(iterator); number++)
        status = visit_chunk(iterator, number, &value, visitor);
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    buf_deinit(&value);
    return status;
}

static enum status visit_series(struct slice value, const struct tsdb_explain_visitor *visitor) {
    struct tsdb_label labels[TSDB_LABELS_MAX];
    struct series_row row;
    const enum status status = series_row_decode(value, &row);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < row.settings.label_count; i++) labels[i] = series_row_next_label(&row);
    row.settings.labels = labels;
    visitor->series(visitor->context, &row.settings);
    return STATUS_OK;
}

enum status tsdb_explain_series(struct engine *engine, uint64_t series, const struct tsdb_explain_visitor *visitor) {
    const struct series_key key = series_key_make(series);
    struct engine_value value;
    enum status status = engine_get(engine, NULL, TREE_SERIES, slice_make(key.bytes, sizeof key.bytes), &value);
    if (status != STATUS_OK) return status;
    status = visit_series(value.data, visitor);
    engine_value_release(&value);
    return status == STATUS_OK ? visit_chunks(engine, series, visitor) : status;
}
