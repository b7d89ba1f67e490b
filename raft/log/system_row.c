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

struct slice member_key(uint8_t *key, uint64_t node) {
    key[0] = SYSTEM_ROW_MEMBER;
    coding_put_key_u64(key + 1, node);
    return slice_make(key, MEMBER_KEY_BYTES);
}

static size_t put_address(uint8_t *to, const char *address) {
    const size_t size = strnlen(address, IO_ADDRESS_BYTES - 1);
    to[0] = (uint8_t)size;
    memcpy(to + 1, address, size);
    return 1 + size;
}

size_t system_member_encode(uint8_t to[SYSTEM_MEMBER_BYTES_MAX], const struct raft_member *member) {
    size_t size = 17;
    to[0] = ROW_VERSION;
    coding_put_u64(to + 1, member->id);
    coding_put_u64(to + 9, member->incarnation);
    size += put_address(to + size, member->peer_address);
    size += put_address(to + size, member->client_address);
    return size;
}

/* At least one byte, and none that would end the text early. */
static bool get_address(struct decoder *decoder, char address[IO_ADDRESS_BYTES]) {
    const size_t size = decode_u8(decoder);
    if (size == 0 || size >= IO_ADDRESS_BYTES) return false;
    const struct slice text = decode_bytes(decoder, size);
    if (decoder->failed || memchr(text.data, 0, size)) return false;
    memcpy(address, text.data, size);
    return true;
}

enum status system_member_decode(struct slice value, struct raft_member *member) {
    struct decoder decoder = decoder_make(value);
    *member = (struct raft_member){.id = 0};
    const uint8_t version = decode_u8(&decoder);
    if (!decoder.failed && version != ROW_VERSION) return STATUS_VERSION;
    member->id = decode_u64(&decoder);
    member->incarnation = decode_u64(&decoder);
    const bool sound = get_address(&decoder, member->peer_address) && get_address(&decoder, member->client_address);
    return sound && member->id != 0 && decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
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
