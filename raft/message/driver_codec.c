/*
 * driver_codec: source: FORMAT.md beside this file, "Driver messages".
 */
#include "raft/message/driver_codec.h"

/* Fields one after another, or the first failure. */
#define FIELD(call)                                                                                                    \
    if (status == STATUS_OK) status = (call)

static enum status finished(const struct decoder *decoder) {
    return decoder_finished(decoder) ? STATUS_OK : STATUS_CORRUPT;
}

enum status driver_forward_encode(struct buf *to, uint64_t session, uint64_t serial, uint32_t count) {
    enum status status = encode_u8(to, MESSAGE_FORWARD);
    FIELD(encode_u64(to, session));
    FIELD(encode_u64(to, serial));
    FIELD(encode_u32(to, count));
    return status;
}

enum status driver_forward_add(struct buf *to, uint8_t store, struct slice operation) {
    enum status status = encode_u8(to, store);
    FIELD(encode_string(to, operation));
    return status;
}

enum status driver_forward_decode(struct slice payload, struct driver_forward *forward) {
    forward->operations = decoder_make(payload);
    forward->session = decode_u64(&forward->operations);
    forward->serial = decode_u64(&forward->operations);
    forward->count = decode_u32(&forward->operations);
    return forward->operations.failed || forward->count == 0 ? STATUS_CORRUPT : STATUS_OK;
}

enum status driver_forward_next(struct driver_forward *forward, uint8_t *store, struct slice *operation) {
    if (forward->count == 0) return finished(&forward->operations) == STATUS_OK ? STATUS_END : STATUS_CORRUPT;
    forward->count--;
    *store = decode_u8(&forward->operations);
    *operation = decode_string(&forward->operations);
    return forward->operations.failed ? STATUS_CORRUPT : STATUS_OK;
}

enum status driver_count_encode(struct buf *to, enum driver_message_kind kind, const struct driver_count *count) {
    enum status status = encode_u8(to, (uint8_t)kind);
    FIELD(encode_u64(to, count->id));
    FIELD(encode_u64(to, count->index));
    return status;
}

enum status driver_count_decode(struct slice payload, struct driver_count *count) {
    struct decoder decoder = decoder_make(payload);
    count->id = decode_u64(&decoder);
    count->index = decode_u64(&decoder);
    return finished(&decoder);
}

enum status driver_about_encode(struct buf *to, const struct driver_about *about) {
    enum status status = encode_u8(to, MESSAGE_ABOUT);
    FIELD(encode_u32(to, about->guard_ms));
    FIELD(encode_u32(to, about->priority));
    if (about->is_witness) FIELD(encode_u8(to, 1));
    return status;
}

enum status driver_about_decode(struct slice payload, struct driver_about *about) {
    struct decoder decoder = decoder_make(payload);
    about->guard_ms = decode_u32(&decoder);
    about->priority = decode_u32(&decoder);
    about->is_witness = !decoder.failed && !decoder_finished(&decoder);
    if (about->is_witness && decode_u8(&decoder) != 1) return STATUS_CORRUPT;
    return finished(&decoder);
}

enum status driver_chunk_encode(struct buf *to, const struct driver_chunk *chunk) {
    enum status status = encode_u8(to, MESSAGE_SNAPSHOT_CHUNK);
    FIELD(encode_u64(to, chunk->stream));
    FIELD(encode_u64(to, chunk->offset));
    FIELD(encode_u64(to, chunk->total));
    return status;
}

enum status driver_chunk_decode(struct slice payload, struct driver_chunk *chunk) {
    struct decoder decoder = decoder_make(payload);
    chunk->stream = decode_u64(&decoder);
    chunk->offset = decode_u64(&decoder);
    chunk->total = decode_u64(&decoder);
    chunk->bytes = decode_bytes(&decoder, decoder_left(&decoder));
    bool sound =
        !decoder.failed && chunk->bytes.size <= chunk->total && chunk->offset <= chunk->total - chunk->bytes.size;
    return sound ? STATUS_OK : STATUS_CORRUPT;
}

enum status driver_ack_encode(struct buf *to, const struct driver_ack *ack) {
    enum status status = encode_u8(to, MESSAGE_SNAPSHOT_ACK);
    FIELD(encode_u64(to, ack->stream));
    FIELD(encode_u64(to, ack->offset));
    FIELD(encode_u8(to, (uint8_t)ack->answer));
    return status;
}

enum status driver_ack_decode(struct slice payload, struct driver_ack *ack) {
    struct decoder decoder = decoder_make(payload);
    ack->stream = decode_u64(&decoder);
    ack->offset = decode_u64(&decoder);
    uint8_t answer = decode_u8(&decoder);
    ack->answer = (enum snapshot_answer)answer;
    bool known = answer >= SNAPSHOT_GOES_ON && answer <= SNAPSHOT_REFUSED;
    return known ? finished(&decoder) : STATUS_CORRUPT;
}
