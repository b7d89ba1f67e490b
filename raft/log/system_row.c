/* system_row: source: FORMAT.md beside this file, "System tree". */
#include "raft/log/system_row.h"

enum { ROW_VERSION = 1 };

struct slice session_key(uint8_t *key, uint64_t session) {
    key[0] = SYSTEM_ROW_SESSION;
    coding_put_key_u64(key + 1, session);
    return slice_make(key, SESSION_KEY_BYTES);
}

struct slice reply_key(uint8_t *key, uint64_t session, uint32_t slot) {
    key[0] = SYSTEM_ROW_REPLY;
    coding_put_key_u64(key + 1, session);
    coding_put_key_u32(key + 9, slot);
    return slice_make(key, REPLY_KEY_BYTES);
}

struct slice session_row_encode(uint8_t row[SESSION_ROW_MAX_BYTES], uint64_t node) {
    row[0] = ROW_VERSION;
    return slice_make(row, 1 + coding_put_varint(row + 1, node));
}

enum status session_row_decode(struct slice value, uint64_t *node) {
    struct decoder decoder = decoder_make(value);
    const uint8_t version = decode_u8(&decoder);
    *node = decode_varint(&decoder);
    if (!decoder_finished(&decoder)) return STATUS_CORRUPT;
    return version == ROW_VERSION ? STATUS_OK : STATUS_VERSION;
}

enum status reply_row_encode(struct buf *to, const struct reply_row *row) {
    enum status status = encode_u8(to, ROW_VERSION);
    if (status == STATUS_OK) status = encode_varint(to, row->serial);
    if (status == STATUS_OK) status = encode_varint(to, row->index);
    if (status == STATUS_OK) status = encode_u8(to, row->kind);
    return status ? status : buf_append_slice(to, row->reply);
}

enum status reply_row_decode(struct slice value, struct reply_row *row) {
    struct decoder decoder = decoder_make(value);
    const uint8_t version = decode_u8(&decoder);
    row->serial = decode_varint(&decoder);
    row->index = decode_varint(&decoder);
    row->kind = decode_u8(&decoder);
    row->reply = decode_bytes(&decoder, decoder_left(&decoder));
    if (!decoder_finished(&decoder) || row->kind > REPLY_TOO_LARGE) return STATUS_CORRUPT;
    return version == ROW_VERSION ? STATUS_OK : STATUS_VERSION;
}
