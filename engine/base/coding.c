/*
 * coding: varints, the appending encoders and the decoder.
 */
#include "engine/base/coding.h"

size_t coding_put_varint(uint8_t *to, uint64_t value) {
    size_t size = 0;
    while (value >= 0x80) {
        to[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[size++] = (uint8_t)value;
    return size;
}

size_t coding_varint_size(uint64_t value) {
    size_t bits = 64 - (size_t)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

enum status encode_u8(struct buf *to, uint8_t value) {
    return buf_append_byte(to, value);
}

enum status encode_u16(struct buf *to, uint16_t value) {
    uint8_t bytes[2];
    coding_put_u16(bytes, value);
    return buf_append(to, bytes, sizeof bytes);
}

enum status encode_u32(struct buf *to, uint32_t value) {
    uint8_t bytes[4];
    coding_put_u32(bytes, value);
    return buf_append(to, bytes, sizeof bytes);
}

enum status encode_u64(struct buf *to, uint64_t value) {
    uint8_t bytes[8];
    coding_put_u64(bytes, value);
    return buf_append(to, bytes, sizeof bytes);
}

enum status encode_varint(struct buf *to, uint64_t value) {
    if (value < 0x80) return buf_append_byte(to, (uint8_t)value);
    uint8_t bytes[VARINT64_MAX_BYTES];
    return buf_append(to, bytes, coding_put_varint(bytes, value));
}

/* Reserves for both parts first, so that a failure appends nothing. */
enum status encode_string(struct buf *to, struct slice value) {
    if (value.size > SIZE_MAX - VARINT64_MAX_BYTES) return STATUS_NO_MEMORY;
    enum status status = buf_reserve(to, value.size + VARINT64_MAX_BYTES);
    if (status != STATUS_OK) return status;
    to->size += coding_put_varint(to->data + to->size, value.size);
    return buf_append_slice(to, value);
}

/* The next `size` bytes, or NULL and failed. */
static const uint8_t *decoder_take(struct decoder *decoder, size_t size) {
    if (decoder->failed || size > (size_t)(decoder->end - decoder->cursor)) {
        decoder->failed = true;
        return NULL;
    }
    const uint8_t *at = decoder->cursor;
    if (size) decoder->cursor += size;
    return at;
}

uint16_t decode_u16(struct decoder *decoder) {
    const uint8_t *at = decoder_take(decoder, 2);
    return at ? coding_get_u16(at) : 0;
}

uint32_t decode_u32(struct decoder *decoder) {
    const uint8_t *at = decoder_take(decoder, 4);
    return at ? coding_get_u32(at) : 0;
}

uint64_t decode_u64(struct decoder *decoder) {
    const uint8_t *at = decoder_take(decoder, 8);
    return at ? coding_get_u64(at) : 0;
}

/* The bits of each byte but its highest, put together; the first byte is the lowest. */
static uint64_t join_sevens(uint64_t word) {
    word &= UINT64_C(0x7f7f7f7f7f7f7f7f);
    word = (word & UINT64_C(0x007f007f007f007f)) | (word & UINT64_C(0x7f007f007f007f00)) >> 1;
    word = (word & UINT64_C(0x00003fff00003fff)) | (word & UINT64_C(0x3fff00003fff0000)) >> 2;
    return (word & UINT64_C(0x000000000fffffff)) | (word & UINT64_C(0x0fffffff00000000)) >> 4;
}

/* One encoding per value: a last byte of 0 behind others (over-long) and bits above the 64th are refused. */
static uint64_t decode_by_bytes(struct decoder *decoder) {
    const uint8_t *at = decoder->cursor;
    const uint8_t *end = decoder->failed ? at : decoder->end;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
        const uint64_t byte = *at++;
        if (shift == 63 && byte > 1) break;
        value |= (byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        if (byte == 0 && shift > 0) break;
        decoder->cursor = at;
        return value;
    }
    decoder->cursor = at;
    decoder->failed = true;
    return 0;
}

uint64_t decode_long_varint(struct decoder *decoder) {
    const uint8_t *at = decoder->cursor;
    if (decoder->failed || decoder->end - at < 8) return decode_by_bytes(decoder);
    const uint64_t word = coding_get_u64(at), ends = ~word & UINT64_C(0x8080808080808080);
    const uint64_t mine = word & (ends ^ (ends - 1)); /* up to the first byte that is a last one */
    const unsigned bytes = ((unsigned)__builtin_ctzll(ends | UINT64_C(1) << 63) + 1) / 8;
    if (ends == 0 || (bytes > 1 && mine >> 8 * (bytes - 1) == 0)) return decode_by_bytes(decoder);
    decoder->cursor = at + bytes;
    return join_sevens(mine);
}
