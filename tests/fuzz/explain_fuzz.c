/*
 * explain_fuzz: any bytes as a chunk whose samples are shown bit by bit, and as a record of an engine's own log that is
 * asked for a key. The first byte chooses. What is told of a chunk that is sound is what the store reads of it; a
 * record that the decoder takes is told without a fault, and one that it refuses is refused.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/explain.h"
#include "engine/lsm/batch.h"
#include "tsdb/codec/chunk.h"
#include "tsdb/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Chunks ------------------------------------------------------------------------------------------------------ */

struct seen {
    const struct samples *samples; /* NULL: the chunk is not sound */
    size_t chunk_bits, count;
    uint64_t next_bit;
    enum tsdb_encoding encoding;
};

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* FORMAT.md, "OPEN" and "Gorilla stream": the heads before what is stored of a value. */
static unsigned bits_of_form(const struct tsdb_sample_bits *sample, enum tsdb_encoding encoding) {
    if (encoding == TSDB_OPEN) return sample->size;
    switch (sample->form) {
    case TSDB_VALUE_WHOLE: return 64;
    case TSDB_VALUE_SAME: return 1;
    case TSDB_VALUE_OLD_WINDOW: return 2 + sample->size;
    default: return 2 + 5 + 6 + sample->size;
    }
}

static void take_sample(void *context, const struct tsdb_sample_bits *sample) {
    struct seen *seen = context;
    char words[400], narrow[12];
    check(sample->number == seen->count && sample->at >= seen->next_bit);
    seen->next_bit = sample->at + sample->time_bits + sample->value_bits;
    check(seen->next_bit <= seen->chunk_bits && sample->leading + sample->size <= 64);
    check(sample->value_bits == bits_of_form(sample, seen->encoding));
    tsdb_explain_bits(sample, seen->encoding, words, sizeof words);
    tsdb_explain_bits(sample, seen->encoding, narrow, sizeof narrow);
    check(strlen(words) < sizeof words && strlen(narrow) < sizeof narrow);
    if (seen->samples) {
        check(seen->count < seen->samples->count && seen->samples->times_ms[seen->count] == sample->time_ms);
        check(bits_of(seen->samples->values[seen->count]) == bits_of(sample->value));
    }
    seen->count++;
}

static void explain_chunk(struct slice bytes) {
    struct samples samples = {0};
    int64_t first_ms = 0;
    if (bytes.size < 8) return;
    first_ms = (int64_t)coding_get_u64(bytes.data);
    const struct slice chunk = slice_from(bytes, 8);
    const enum status decoded = chunk_decode(chunk, first_ms, &samples);
    struct seen seen = {.samples = decoded == STATUS_OK ? &samples : NULL, .chunk_bits = chunk.size * 8};
    seen.encoding = chunk.size && chunk.data[0] == TSDB_OPEN ? TSDB_OPEN : TSDB_GORILLA;
    const enum status told = tsdb_explain_samples(chunk, first_ms, take_sample, &seen);
    if (decoded == STATUS_OK) check(told == STATUS_OK && seen.count == samples.count);
    check(told == STATUS_OK || told == STATUS_CORRUPT || told == STATUS_VERSION);
    samples_deinit(&samples);
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

struct batch {
    struct engine_mark mark;
    uint64_t sequence;
    size_t count;
};

static void take_event(void *context, const struct engine_batch_event *event) {
    struct batch *batch = context;
    check(event->mark.index == batch->mark.index && event->sequence >= batch->sequence);
    check(event->words != NULL && *event->words);
    batch->sequence = event->sequence;
    batch->count++;
}

static enum status decode_batch(struct slice record) {
    struct batch_header header;
    struct batch_reader reader;
    struct batch_operation operation;
    struct slice operations;
    enum status status = batch_header_decode(record, &header, &operations);
    if (status) return status;
    batch_reader_init(&reader, operations, header.count);
    while ((status = batch_reader_next(&reader, &operation)) == STATUS_OK) {}
    return status == STATUS_END ? STATUS_OK : status;
}

/* bytes: tree, length of the key, key, record. */
static void explain_record(struct slice bytes) {
    if (bytes.size < 2) return;
    const uint32_t tree = bytes.data[0];
    const size_t key_size = bytes.data[1] < bytes.size - 2 ? bytes.data[1] : bytes.size - 2;
    const struct slice key = slice_make(bytes.data + 2, key_size), record = slice_from(bytes, 2 + key_size);
    struct batch batch = {.sequence = 0};
    const enum status marked = engine_batch_mark(record, &batch.mark);
    const enum status told = engine_explain_batch(record, tree, key, take_event, &batch);
    const enum status decoded = decode_batch(record);
    check((told == STATUS_OK) == (decoded == STATUS_OK));
    if (marked != STATUS_OK) check(told != STATUS_OK && batch.count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > 1 << 18) return 0;
    uint8_t *copy = malloc(size); /* exact, so that a sanitizer sees reads past the end */
    check(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 2)
        explain_record(slice_make(copy, size - 1));
    else
        explain_chunk(slice_make(copy, size - 1));
    free(copy);
    return 0;
}
