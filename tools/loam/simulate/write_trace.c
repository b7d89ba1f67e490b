/* write_trace: the bytes (see write_trace.h and FORMAT.md). Invariant: a decoder takes exactly what an encoder makes.
 */
#include "tools/loam/simulate/write_trace.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/engine.h"

enum { CHECKED_HEADER_BYTES = TRACE_HEADER_BYTES - 8, MAGIC_BYTES = 8 };
static const uint8_t magic[MAGIC_BYTES] = TRACE_MAGIC;

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

void trace_header_encode(uint8_t to[TRACE_HEADER_BYTES], const struct trace_frame *frame) {
    memcpy(to, magic, sizeof magic);
    coding_put_u16(to + 8, TRACE_VERSION);
    coding_put_u16(to + 10, (uint16_t)frame->kind);
    coding_put_u32(to + 12, frame->operations);
    coding_put_u64(to + 16, frame->id);
    coding_put_u64(to + 24, frame->number);
    coding_put_u64(to + 32, frame->before);
    coding_put_u32(to + 40, frame->payload_bytes);
    coding_put_u32(to + 44, 0);
    coding_put_u64(to + 48, frame->payload_check);
    coding_put_u64(to + 56, hash64(slice_make(to, CHECKED_HEADER_BYTES), frame->offset));
}

static bool makes_sense(const struct trace_frame *frame) {
    if (frame->kind == TRACE_FRAME_END) return frame->operations == 0 && frame->payload_bytes == 0;
    return frame->kind == TRACE_FRAME_WRITES && frame->operations > 0 && frame->payload_bytes > 0 &&
           frame->payload_bytes <= TRACE_FRAME_MAX_BYTES;
}

enum status trace_header_decode(struct slice bytes, uint64_t offset, struct trace_frame *frame, struct error *error) {
    const uint8_t *at = bytes.data;
    if (bytes.size < sizeof magic || memcmp(at, magic, sizeof magic) != 0)
        return error_set(error, STATUS_SYNTAX, "no frame of a write trace begins here");
    if (bytes.size < TRACE_HEADER_BYTES) return error_set(error, STATUS_CORRUPT, "the header of a frame is cut");
    if (coding_get_u64(at + 56) != hash64(slice_make(at, CHECKED_HEADER_BYTES), offset))
        return error_set(error, STATUS_CORRUPT, "the check of a frame's header is wrong");
    if (coding_get_u16(at + 8) != TRACE_VERSION)
        return error_set(error, STATUS_VERSION, "version %u of write traces; this program knows version %d",
                         (unsigned)coding_get_u16(at + 8), TRACE_VERSION);
    *frame = (struct trace_frame){.kind = (enum trace_frame_kind)coding_get_u16(at + 10),
                                  .operations = coding_get_u32(at + 12),
                                  .id = coding_get_u64(at + 16),
                                  .number = coding_get_u64(at + 24),
                                  .before = coding_get_u64(at + 32),
                                  .payload_bytes = coding_get_u32(at + 40),
                                  .payload_check = coding_get_u64(at + 48),
                                  .offset = offset};
    if (makes_sense(frame) && coding_get_u32(at + 44) == 0) return STATUS_OK;
    return error_set(error, STATUS_CORRUPT, "the header of a frame makes no sense");
}

uint64_t trace_payload_check(const struct trace_frame *frame, struct slice rest) {
    return hash_long(rest, hash_mix(frame->id, frame->number));
}

/* ---- Operations -------------------------------------------------------------------------------------------------- */

void trace_encoder_deinit(struct trace_encoder *encoder) {
    buf_deinit(&encoder->payload);
    buf_deinit(&encoder->key);
}

void trace_encoder_clear(struct trace_encoder *encoder) {
    buf_clear(&encoder->payload);
    buf_clear(&encoder->key);
    encoder->time_ms = 0;
    encoder->operations = 0;
}

static size_t shared_prefix(struct slice a, struct slice b) {
    const size_t most = a.size < b.size ? a.size : b.size;
    size_t shared = 0;
    while (shared < most && a.data[shared] == b.data[shared]) shared++;
    return shared;
}

static bool has_value(enum write_kind kind) {
    return kind == WRITE_PUT || kind == WRITE_MERGE || kind == WRITE_APPEND;
}

enum status trace_encoder_add(struct trace_encoder *encoder, const struct write_op *op) {
    struct buf *to = &encoder->payload;
    check(op->key.size <= ENGINE_KEY_MAX_BYTES && op->end.size <= ENGINE_KEY_MAX_BYTES);
    check(op->value_bytes <= ENGINE_VALUE_MAX_BYTES && op->time_ms >= encoder->time_ms);
    const size_t shared = shared_prefix(buf_slice(&encoder->key), op->key);
    enum status status = encode_u8(to, (uint8_t)op->kind);
    if (status == STATUS_OK) status = encode_varint(to, op->tree);
    if (status == STATUS_OK) status = encode_varint(to, (uint64_t)(op->time_ms - encoder->time_ms));
    if (op->kind != WRITE_DROP_TREE) {
        if (status == STATUS_OK) status = encode_varint(to, shared);
        if (status == STATUS_OK) status = encode_string(to, slice_from(op->key, shared));
        if (status == STATUS_OK && op->kind == WRITE_DELETE_RANGE) status = encode_string(to, op->end);
        if (status == STATUS_OK && has_value(op->kind)) status = encode_varint(to, op->value_bytes);
        if (status == STATUS_OK) status = buf_assign(&encoder->key, op->key);
    }
    if (status != STATUS_OK) return status;
    encoder->time_ms = op->time_ms;
    encoder->operations++;
    return STATUS_OK;
}

void trace_decoder_begin(struct trace_decoder *decoder, struct slice payload, uint32_t operations) {
    decoder->decoder = decoder_make(payload);
    buf_clear(&decoder->key);
    decoder->time_ms = 0;
    decoder->left = operations;
}

void trace_decoder_deinit(struct trace_decoder *decoder) {
    buf_deinit(&decoder->key);
}

/* shared and rest were read: the key is put together. */
static enum status make_key(struct trace_decoder *decoder, uint64_t shared, struct slice rest) {
    struct buf *key = &decoder->key;
    if (shared > key->size || shared + rest.size > ENGINE_KEY_MAX_BYTES) return STATUS_CORRUPT;
    /* One byte more would be shared, too: no encoder leaves that to the rest. */
    if (shared < key->size && rest.size > 0 && rest.data[0] == key->data[shared]) return STATUS_CORRUPT;
    key->size = (size_t)shared;
    return buf_append_slice(key, rest);
}

static enum status decode_op(struct trace_decoder *from, struct write_op *op) {
    struct decoder *decoder = &from->decoder;
    const uint8_t kind = decode_u8(decoder);
    const uint64_t tree = decode_varint(decoder), passed = decode_varint(decoder);
    if (decoder->failed || kind < WRITE_PUT || kind > WRITE_DROP_TREE || tree > UINT32_MAX) return STATUS_CORRUPT;
    if (passed > (uint64_t)(INT64_MAX - from->time_ms)) return STATUS_CORRUPT;
    from->time_ms += (int64_t)passed;
    *op = (struct write_op){.kind = (enum write_kind)kind, .tree = (uint32_t)tree, .time_ms = from->time_ms};
    if (op->kind == WRITE_DROP_TREE) return STATUS_OK;
    const uint64_t shared = decode_varint(decoder);
    const struct slice rest = decode_string(decoder);
    if (op->kind == WRITE_DELETE_RANGE) op->end = decode_string(decoder);
    const uint64_t value_bytes = has_value(op->kind) ? decode_varint(decoder) : 0;
    if (decoder->failed || op->end.size > ENGINE_KEY_MAX_BYTES || value_bytes > ENGINE_VALUE_MAX_BYTES)
        return STATUS_CORRUPT;
    const enum status status = make_key(from, shared, rest);
    op->key = buf_slice(&from->key);
    op->value_bytes = (uint32_t)value_bytes;
    return status;
}

enum status trace_decoder_next(struct trace_decoder *decoder, struct write_op *op) {
    if (decoder->left == 0) return decoder_finished(&decoder->decoder) ? STATUS_END : STATUS_CORRUPT;
    decoder->left--;
    return decode_op(decoder, op);
}
