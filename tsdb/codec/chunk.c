/* chunk: see chunk.h. */
#include "tsdb/codec/chunk.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "tsdb/tsdb.h"

/* The first byte of an OPEN sample. */
enum { OPEN_HAS_TIME = 0x80, OPEN_LEADING_SHIFT = 4, OPEN_LEADING_MASK = 7, OPEN_SIZE_MASK = 15 };

/* ---- samples ----------------------------------------------------------------------------------------------------- */

void samples_deinit(struct samples *samples) {
    free(samples->times_ms);
    free(samples->values);
    *samples = (struct samples){0};
}

enum status samples_reserve(struct samples *samples, size_t more) {
    size_t wanted = samples->count + more;
    if (wanted <= samples->capacity) return STATUS_OK;
    size_t capacity = samples->capacity ? 2 * samples->capacity : 64;
    if (capacity < wanted) capacity = wanted;
    int64_t *times_ms = realloc(samples->times_ms, capacity * sizeof *times_ms);
    if (!times_ms) return STATUS_NO_MEMORY;
    samples->times_ms = times_ms;
    double *values = realloc(samples->values, capacity * sizeof *values);
    if (!values) return STATUS_NO_MEMORY;
    samples->values = values;
    samples->capacity = capacity;
    return STATUS_OK;
}

enum status samples_append(struct samples *samples, int64_t time_ms, double value) {
    enum status status = samples_reserve(samples, 1);
    if (status) return status;
    samples->times_ms[samples->count] = time_ms;
    samples->values[samples->count++] = value;
    return STATUS_OK;
}

enum status samples_insert(struct samples *samples, size_t at, int64_t time_ms, double value) {
    enum status status = samples_reserve(samples, 1);
    if (status) return status;
    size_t behind = samples->count - at;
    memmove(samples->times_ms + at + 1, samples->times_ms + at, behind * sizeof *samples->times_ms);
    memmove(samples->values + at + 1, samples->values + at, behind * sizeof *samples->values);
    samples->times_ms[at] = time_ms;
    samples->values[at] = value;
    samples->count++;
    return STATUS_OK;
}

void samples_remove(struct samples *samples, size_t begin, size_t end) {
    size_t behind = samples->count - end;
    if (begin == end) return;
    memmove(samples->times_ms + begin, samples->times_ms + end, behind * sizeof *samples->times_ms);
    memmove(samples->values + begin, samples->values + end, behind * sizeof *samples->values);
    samples->count -= end - begin;
}

size_t samples_find(const int64_t *times_ms, size_t count, int64_t time_ms) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (times_ms[middle] < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool rises(const int64_t *times_ms, size_t count) {
    bool falls = false;
    for (size_t i = 1; i < count; i++) falls |= times_ms[i] <= times_ms[i - 1];
    return !falls;
}

/* ---- OPEN -------------------------------------------------------------------------------------------------------- */

static enum status append_open_sample(struct buf *to, uint64_t second_delta, uint64_t xor_bits) {
    unsigned leading = 0, size = 0;
    if (xor_bits) {
        leading = (unsigned)__builtin_clzll(xor_bits) / 8;
        unsigned trailing = (unsigned)__builtin_ctzll(xor_bits) / 8;
        size = 8 - leading - trailing;
        xor_bits >>= 8 * trailing;
    }
    uint8_t head = (uint8_t)(leading << OPEN_LEADING_SHIFT | size);
    if (second_delta) head |= OPEN_HAS_TIME;
    enum status status = encode_u8(to, head);
    if (status == STATUS_OK && second_delta) status = encode_varint(to, coding_zigzag((int64_t)second_delta));
    uint8_t bytes[8];
    coding_put_u64(bytes, xor_bits);
    return status ? status : buf_append(to, bytes, size);
}

enum status chunk_append_open(struct buf *to, struct gorilla_state *state, int64_t time_ms, double value) {
    uint64_t value_bits;
    memcpy(&value_bits, &value, sizeof value_bits);
    enum status status = STATUS_OK;
    if (state->sample_count == 0) {
        status = encode_u8(to, CHUNK_OPEN);
        if (status == STATUS_OK) status = append_open_sample(to, 0, value_bits);
    } else {
        uint64_t delta = (uint64_t)time_ms - (uint64_t)state->time_ms;
        status = append_open_sample(to, delta - state->delta, state->value_bits ^ value_bits);
    }
    gorilla_count(state, time_ms, value);
    return status;
}

enum status chunk_encode_open(struct buf *to, const int64_t *times_ms, const double *values, size_t count) {
    struct gorilla_state state = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = chunk_append_open(to, &state, times_ms[i], values[i]);
    return status;
}

bool chunk_read_open_sample(struct decoder *decoder, struct open_sample *sample) {
    uint8_t head = decode_u8(decoder);
    sample->second_delta = head & OPEN_HAS_TIME ? (uint64_t)coding_unzigzag(decode_varint(decoder)) : 0;
    sample->xor_bits = 0;
    unsigned leading = (unsigned)head >> OPEN_LEADING_SHIFT & OPEN_LEADING_MASK;
    unsigned size = head & OPEN_SIZE_MASK;
    if (leading + size > 8) decoder->failed = true;
    struct slice bytes = decode_bytes(decoder, size);
    if (decoder->failed) return false;
    for (unsigned i = 0; i < size; i++) sample->xor_bits |= (uint64_t)bytes.data[i] << (8 * i);
    if (size) sample->xor_bits <<= 8 * (8 - leading - size);
    return true;
}

/* What the next sample differs from. */
struct open_reader {
    struct decoder decoder;
    int64_t time_ms;
    uint64_t delta, value_bits;
};

static bool read_open_sample(struct open_reader *reader) {
    struct open_sample sample;
    if (!chunk_read_open_sample(&reader->decoder, &sample)) return false;
    reader->delta += sample.second_delta;
    reader->time_ms = (int64_t)((uint64_t)reader->time_ms + reader->delta);
    reader->value_bits ^= sample.xor_bits;
    return true;
}

static enum status decode_open(struct decoder decoder, int64_t first_ms, struct samples *samples) {
    struct open_reader reader = {.decoder = decoder, .time_ms = first_ms};
    /* A sample takes a byte at least: that bounds the memory. */
    enum status status = samples_reserve(samples, decoder_left(&decoder));
    while (status == STATUS_OK && decoder_left(&reader.decoder)) {
        if (!read_open_sample(&reader)) return STATUS_CORRUPT;
        double value;
        memcpy(&value, &reader.value_bits, sizeof value);
        status = samples_append(samples, reader.time_ms, value);
    }
    return status;
}

static enum status read_open_head(struct decoder decoder, int64_t first_ms, struct chunk_head *head) {
    struct open_reader reader = {.decoder = decoder, .time_ms = first_ms};
    head->count = 0;
    head->last_ms = first_ms;
    while (decoder_left(&reader.decoder)) {
        if (!read_open_sample(&reader)) return STATUS_CORRUPT;
        if (head->count++ && reader.time_ms <= head->last_ms) return STATUS_CORRUPT;
        head->last_ms = reader.time_ms;
    }
    return STATUS_OK;
}

/* ---- GORILLA ----------------------------------------------------------------------------------------------------- */

enum { SEALED_HEAD_MAX_BYTES = 1 + 3 + VARINT64_MAX_BYTES };

size_t chunk_sealed_bytes(const struct gorilla_state *state) {
    return SEALED_HEAD_MAX_BYTES + (size_t)((state->bit_count + 7) / 8);
}

enum status chunk_encode_sealed(struct buf *to, const int64_t *times_ms, const double *values, size_t count) {
    check(count > 0 && count <= TSDB_CHUNK_SAMPLES_MAX);
    enum status status = encode_u8(to, CHUNK_GORILLA);
    if (status == STATUS_OK) status = encode_varint(to, count);
    if (status == STATUS_OK) status = encode_varint(to, (uint64_t)times_ms[count - 1] - (uint64_t)times_ms[0]);
    return status ? status : gorilla_encode(to, times_ms, values, count);
}

static enum status read_sealed_head(struct decoder *decoder, int64_t first_ms, struct chunk_head *head) {
    head->count = (size_t)decode_varint(decoder);
    uint64_t span = decode_varint(decoder);
    head->last_ms = (int64_t)((uint64_t)first_ms + span);
    /* Two times of different order would wrap around. */
    bool valid = !decoder->failed && head->count > 0 && head->last_ms >= first_ms;
    return valid ? STATUS_OK : STATUS_CORRUPT;
}

static enum status decode_sealed(struct decoder decoder, int64_t first_ms, struct chunk_head *head,
                                 struct samples *samples) {
    enum status status = read_sealed_head(&decoder, first_ms, head);
    if (status) return status;
    if (head->count > TSDB_CHUNK_SAMPLES_MAX) return STATUS_CORRUPT;
    status = samples_reserve(samples, head->count);
    if (status) return status;
    struct slice stream = decode_bytes(&decoder, decoder_left(&decoder));
    status = gorilla_decode(stream, first_ms, head->count, samples->times_ms, samples->values);
    if (status == STATUS_OK) samples->count = head->count;
    return status;
}

/* ---- either ------------------------------------------------------------------------------------------------------ */

static enum status read_encoding(struct decoder *decoder, struct chunk_head *head) {
    uint8_t encoding = decode_u8(decoder);
    if (decoder->failed || encoding == 0) return STATUS_CORRUPT;
    if (encoding > CHUNK_GORILLA) return STATUS_VERSION;
    head->encoding = (enum chunk_encoding)encoding;
    return STATUS_OK;
}

enum status chunk_read_head(struct slice value, int64_t first_ms, struct chunk_head *head) {
    struct decoder decoder = decoder_make(value);
    enum status status = read_encoding(&decoder, head);
    if (status) return status;
    if (head->encoding == CHUNK_OPEN)
        status = read_open_head(decoder, first_ms, head);
    else
        status = read_sealed_head(&decoder, first_ms, head);
    if (status) return status;
    return head->count > 0 && head->count <= TSDB_CHUNK_SAMPLES_MAX ? STATUS_OK : STATUS_CORRUPT;
}

enum status chunk_decode(struct slice value, int64_t first_ms, struct samples *samples) {
    struct decoder decoder = decoder_make(value);
    struct chunk_head head;
    samples->count = 0;
    enum status status = read_encoding(&decoder, &head);
    if (status) return status;
    if (head.encoding == CHUNK_OPEN)
        status = decode_open(decoder, first_ms, samples);
    else
        status = decode_sealed(decoder, first_ms, &head, samples);
    if (status) return status;
    size_t count = samples->count;
    if (count == 0 || count > TSDB_CHUNK_SAMPLES_MAX || samples->times_ms[0] != first_ms) return STATUS_CORRUPT;
    if (head.encoding == CHUNK_GORILLA && samples->times_ms[count - 1] != head.last_ms) return STATUS_CORRUPT;
    return rises(samples->times_ms, count) ? STATUS_OK : STATUS_CORRUPT;
}
