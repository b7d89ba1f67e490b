/*
 * envelope: source: FORMAT.md beside this file.
 */
#include "raft/log/envelope.h"

#include "engine/base/coding.h"

void envelope_encode(uint8_t head[ENVELOPE_HEAD_BYTES], const struct envelope *envelope, uint8_t store) {
    head[0] = ENVELOPE_VERSION;
    head[1] = store;
    coding_put_u64(head + 2, (uint64_t)envelope->time_ms);
    coding_put_u64(head + 10, envelope->seed);
    coding_put_u64(head + 18, envelope->session);
    coding_put_u64(head + 26, envelope->serial);
}

enum status envelope_decode(struct slice bytes, struct envelope *envelope, uint8_t *store, struct slice *operation) {
    struct decoder decoder = decoder_make(bytes);
    uint8_t version = decode_u8(&decoder);
    *store = decode_u8(&decoder);
    *envelope = (struct envelope){.time_ms = (int64_t)decode_u64(&decoder)};
    envelope->seed = decode_u64(&decoder);
    envelope->session = decode_u64(&decoder);
    envelope->serial = decode_u64(&decoder);
    if (decoder.failed || (envelope->session == 0) != (envelope->serial == 0)) return STATUS_CORRUPT;
    if (version != ENVELOPE_VERSION) return STATUS_VERSION;
    *operation = slice_make(decoder.cursor, decoder_left(&decoder));
    return STATUS_OK;
}

size_t own_encode(uint8_t to[OWN_BYTES_MAX], const struct own_operation *operation) {
    to[0] = (uint8_t)operation->kind;
    if (operation->kind == OWN_TICK) return 1;
    if (operation->kind == OWN_MEMBER) return 1 + system_member_encode(to + 1, &operation->member);
    coding_put_u64(to + 1, operation->node_id);
    coding_put_u64(to + 9, operation->nonce);
    return 17;
}

enum status own_decode(struct slice bytes, struct own_operation *operation) {
    struct decoder decoder = decoder_make(bytes);
    uint8_t kind = decode_u8(&decoder);
    *operation = (struct own_operation){.kind = (enum own_kind)kind};
    if (decoder.failed) return STATUS_CORRUPT;
    if (kind == OWN_MEMBER) return system_member_decode(slice_from(bytes, 1), &operation->member);
    if (kind != OWN_OPEN_SESSION && kind != OWN_TICK) return STATUS_UNSUPPORTED;
    if (kind == OWN_OPEN_SESSION) {
        operation->node_id = decode_u64(&decoder);
        operation->nonce = decode_u64(&decoder);
        if (operation->node_id == 0) return STATUS_CORRUPT;
    }
    return decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}
