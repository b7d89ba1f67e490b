/*
 * batch: builds and walks the operations of a batch. Invariant: a batch holds whole operations only; a failed call
 * leaves it as it was. Bytes: FORMAT.md, "batch" and "log record".
 */
#include "engine/lsm/batch.h"

void engine_batch_init(struct engine_batch *batch) {
    *batch = (struct engine_batch){.operations = BUF_EMPTY};
}

void engine_batch_deinit(struct engine_batch *batch) {
    buf_deinit(&batch->operations);
    *batch = (struct engine_batch){.operations = BUF_EMPTY};
}

void engine_batch_clear(struct engine_batch *batch) {
    buf_clear(&batch->operations);
    batch->count = 0;
    batch->mark = (struct engine_mark){0};
}

static uint8_t *put_string(uint8_t *to, struct slice string) {
    to += coding_put_varint(to, string.size);
    if (string.size) memcpy(to, string.data, string.size);
    return to + string.size;
}

/* Adds kind, tree and up to two strings; room is made first, so that nothing can fail half-way. */
static enum status add(struct engine_batch *batch, enum batch_kind kind, uint32_t tree, const struct slice *strings,
                       unsigned count) {
    size_t bytes = 1 + VARINT64_MAX_BYTES;
    for (unsigned i = 0; i < count; i++) bytes += VARINT64_MAX_BYTES + strings[i].size;
    if (batch->count == UINT32_MAX) return STATUS_TOO_LARGE;
    enum status status = buf_reserve(&batch->operations, bytes);
    if (status != STATUS_OK) return status;
    uint8_t *start = batch->operations.data + batch->operations.size;
    uint8_t *to = start;
    *to++ = (uint8_t)kind;
    to += coding_put_varint(to, tree);
    for (unsigned i = 0; i < count; i++) to = put_string(to, strings[i]);
    batch->operations.size += (size_t)(to - start);
    batch->count++;
    return STATUS_OK;
}

static enum status add_entry(struct engine_batch *batch, enum batch_kind kind, uint32_t tree, struct slice key,
                             struct slice value) {
    if (key.size > ENGINE_KEY_MAX_BYTES || value.size > ENGINE_VALUE_MAX_BYTES) return STATUS_TOO_LARGE;
    const struct slice strings[2] = {key, value};
    return add(batch, kind, tree, strings, 2);
}

enum status engine_batch_put(struct engine_batch *batch, uint32_t tree, struct slice key, struct slice value) {
    return add_entry(batch, BATCH_PUT, tree, key, value);
}

enum status engine_batch_put_until(struct engine_batch *batch, uint32_t tree, struct slice key, struct slice value,
                                   int64_t expires_ms) {
    if (value.size > ENGINE_VALUE_MAX_BYTES - ENGINE_EXPIRY_BYTES) return STATUS_TOO_LARGE;
    struct buf stored = BUF_EMPTY;
    uint8_t time[ENGINE_EXPIRY_BYTES];
    engine_expiry_encode(time, expires_ms);
    enum status status = buf_append(&stored, time, sizeof time);
    if (status == STATUS_OK) status = buf_append_slice(&stored, value);
    if (status == STATUS_OK) status = add_entry(batch, BATCH_PUT, tree, key, buf_slice(&stored));
    buf_deinit(&stored);
    return status;
}

enum status engine_batch_delete(struct engine_batch *batch, uint32_t tree, struct slice key) {
    if (key.size > ENGINE_KEY_MAX_BYTES) return STATUS_TOO_LARGE;
    return add(batch, BATCH_DELETE, tree, &key, 1);
}

enum status engine_batch_delete_range(struct engine_batch *batch, uint32_t tree, struct slice begin, struct slice end) {
    if (begin.size > ENGINE_KEY_MAX_BYTES || end.size > ENGINE_KEY_MAX_BYTES) return STATUS_TOO_LARGE;
    return add_entry(batch, BATCH_DELETE_RANGE, tree, begin, end);
}

enum status engine_batch_merge(struct engine_batch *batch, uint32_t tree, struct slice key, struct slice operand) {
    return add_entry(batch, BATCH_MERGE, tree, key, operand);
}

enum status engine_batch_append(struct engine_batch *batch, uint32_t tree, struct slice key, struct slice bytes) {
    return add_entry(batch, BATCH_APPEND, tree, key, bytes);
}

enum status engine_batch_create_tree(struct engine_batch *batch, uint32_t tree, uint32_t kind) {
    uint8_t bytes[VARINT64_MAX_BYTES];
    const struct slice string = slice_make(bytes, coding_put_varint(bytes, kind));
    return add(batch, BATCH_CREATE_TREE, tree, &string, 1);
}

enum status engine_batch_drop_tree(struct engine_batch *batch, uint32_t tree) {
    return add(batch, BATCH_DROP_TREE, tree, NULL, 0);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

void batch_reader_init(struct batch_reader *reader, struct slice operations, uint32_t count) {
    reader->decoder = decoder_make(operations);
    reader->left = count;
}

static uint32_t read_u32(struct decoder *decoder) {
    const uint64_t value = decode_varint(decoder);
    if (value > UINT32_MAX) decoder->failed = true;
    return (uint32_t)value;
}

static uint32_t read_tree_kind(struct decoder *decoder) {
    struct decoder inner = decoder_make(decode_string(decoder));
    const uint32_t kind = read_u32(&inner);
    if (!decoder_finished(&inner)) decoder->failed = true;
    return kind;
}

static struct slice read_limited(struct decoder *decoder, size_t limit) {
    const struct slice string = decode_string(decoder);
    if (string.size > limit) decoder->failed = true;
    return string;
}

enum status batch_reader_next(struct batch_reader *reader, struct batch_operation *operation) {
    struct decoder *decoder = &reader->decoder;
    if (reader->left == 0) return decoder_finished(decoder) ? STATUS_END : STATUS_CORRUPT;
    operation->kind = (enum batch_kind)decode_u8(decoder);
    operation->tree = read_u32(decoder);
    operation->tree_kind = 0;
    operation->key = operation->value = slice_make(NULL, 0);
    switch (operation->kind) {
    case BATCH_PUT:
    case BATCH_MERGE:
    case BATCH_APPEND:
        operation->key = read_limited(decoder, ENGINE_KEY_MAX_BYTES);
        operation->value = read_limited(decoder, ENGINE_VALUE_MAX_BYTES);
        break;
    case BATCH_DELETE: operation->key = read_limited(decoder, ENGINE_KEY_MAX_BYTES); break;
    case BATCH_DELETE_RANGE:
        operation->key = read_limited(decoder, ENGINE_KEY_MAX_BYTES);
        operation->value = read_limited(decoder, ENGINE_KEY_MAX_BYTES);
        break;
    case BATCH_CREATE_TREE: operation->tree_kind = read_tree_kind(decoder); break;
    case BATCH_DROP_TREE: break;
    default: return STATUS_CORRUPT;
    }
    if (decoder->failed) return STATUS_CORRUPT;
    reader->left--;
    return STATUS_OK;
}

bool batch_fits(const struct engine_tree_kind *kind, const struct batch_operation *operation) {
    if (operation->kind == BATCH_MERGE && !kind->merge) return false;
    if (!kind->expires || operation->kind == BATCH_DELETE || operation->kind == BATCH_DELETE_RANGE) return true;
    return operation->kind == BATCH_PUT && operation->value.size >= ENGINE_EXPIRY_BYTES;
}

/* ---- Records of the engine's own log ----------------------------------------------------------------------------- */

/* How far the sequence is ahead of the index: little, and of either sign. */
static int64_t lead_of(uint64_t sequence, uint64_t index) {
    return (int64_t)(sequence - index);
}

size_t batch_header_encode(const struct batch_header *header, bool compact, uint8_t *to) {
    uint8_t *at = to;
    compact = compact && header->count == 1 && header->mark.term == 0;
    *at++ = compact ? BATCH_RECORD_COMPACT : BATCH_RECORD_PLAIN;
    at += coding_put_varint(at, header->first_sequence);
    if (compact) {
        at += coding_put_varint(at, coding_zigzag(lead_of(header->first_sequence, header->mark.index)));
        at += coding_put_varint(at, coding_zigzag(header->mark.time_ms));
        return (size_t)(at - to);
    }
    at += coding_put_varint(at, header->count);
    at += coding_put_varint(at, header->mark.index);
    at += coding_put_varint(at, header->mark.term);
    at += coding_put_varint(at, coding_zigzag(header->mark.time_ms));
    return (size_t)(at - to);
}

enum status batch_header_decode(struct slice record, struct batch_header *header, struct slice *operations) {
    struct decoder decoder = decoder_make(record);
    const uint8_t version = decode_u8(&decoder);
    if (!decoder.failed && version != BATCH_RECORD_PLAIN && version != BATCH_RECORD_COMPACT) return STATUS_VERSION;
    header->first_sequence = decode_varint(&decoder);
    header->count = version == BATCH_RECORD_COMPACT ? 1 : read_u32(&decoder);
    header->mark.index = decode_varint(&decoder);
    if (version == BATCH_RECORD_COMPACT)
        header->mark.index = header->first_sequence - (uint64_t)coding_unzigzag(header->mark.index);
    header->mark.term = version == BATCH_RECORD_COMPACT ? 0 : decode_varint(&decoder);
    header->mark.time_ms = coding_unzigzag(decode_varint(&decoder));
    if (decoder.failed) return STATUS_CORRUPT;
    *operations = slice_make(decoder.cursor, decoder_left(&decoder));
    return STATUS_OK;
}
