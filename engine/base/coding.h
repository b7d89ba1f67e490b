/*
 * coding: how integers and strings become bytes, everywhere. Little-endian; varint is LEB128 (7 bits a byte, low first,
 * at most 10 bytes); a string is varint length + bytes. *_key_* functions are big-endian, so that byte order is number
 * order.
 *
 * Reading untrusted bytes goes through struct decoder: it never reads past its end, and remembers the first failure, so
 * that a parser reads all its fields and asks once. No struct is ever cast onto bytes.
 */
#ifndef ENGINE_BASE_CODING_H
#define ENGINE_BASE_CODING_H

#include <endian.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/slice.h"

#pragma GCC visibility push(default)

enum { VARINT64_MAX_BYTES = 10 };

/* As words, not byte by byte: a compiler joins the bytes of one value into one store, and those of two that stand side
 * by side into a vector, at ten times the price. */
static inline void coding_put_u16(uint8_t *to, uint16_t value) {
    const uint16_t word = htole16(value);
    memcpy(to, &word, sizeof word);
}
static inline void coding_put_u32(uint8_t *to, uint32_t value) {
    const uint32_t word = htole32(value);
    memcpy(to, &word, sizeof word);
}
static inline void coding_put_u64(uint8_t *to, uint64_t value) {
    const uint64_t word = htole64(value);
    memcpy(to, &word, sizeof word);
}
static inline uint16_t coding_get_u16(const uint8_t *from) {
    uint16_t word;
    memcpy(&word, from, sizeof word);
    return le16toh(word);
}
static inline uint32_t coding_get_u32(const uint8_t *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return le32toh(word);
}
static inline uint64_t coding_get_u64(const uint8_t *from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return le64toh(word);
}
static inline void coding_put_key_u32(uint8_t *to, uint32_t value) {
    const uint32_t word = htobe32(value);
    memcpy(to, &word, sizeof word);
}
static inline void coding_put_key_u64(uint8_t *to, uint64_t value) {
    const uint64_t word = htobe64(value);
    memcpy(to, &word, sizeof word);
}
static inline uint32_t coding_get_key_u32(const uint8_t *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return be32toh(word);
}
static inline uint64_t coding_get_key_u64(const uint8_t *from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return be64toh(word);
}

/* Writes at most VARINT64_MAX_BYTES; returns how many. */
size_t coding_put_varint(uint8_t *to, uint64_t value);
size_t coding_varint_size(uint64_t value);

/* zigzag: small magnitudes of either sign become small unsigned numbers. The shift is arithmetic, as gcc and clang
 * define it. */
static inline uint64_t coding_zigzag(int64_t value) {
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}
static inline int64_t coding_unzigzag(uint64_t value) {
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Appending encoders; the only failure is NO_MEMORY. */
MUST_CHECK enum status encode_u8(struct buf *to, uint8_t value);
MUST_CHECK enum status encode_u16(struct buf *to, uint16_t value);
MUST_CHECK enum status encode_u32(struct buf *to, uint32_t value);
MUST_CHECK enum status encode_u64(struct buf *to, uint64_t value);
MUST_CHECK enum status encode_varint(struct buf *to, uint64_t value);
MUST_CHECK enum status encode_string(struct buf *to, struct slice value);

struct decoder {
    const uint8_t *cursor;
    const uint8_t *end;
    bool failed; /* sticky: once set, every further read gives 0 or an empty slice */
};

static inline struct decoder decoder_make(struct slice input) {
    return (struct decoder){.cursor = input.data, .end = input.data ? input.data + input.size : NULL, .failed = false};
}
static inline size_t decoder_left(const struct decoder *decoder) {
    return decoder->failed ? 0 : (size_t)(decoder->end - decoder->cursor);
}
/* True if nothing failed and every byte was read. */
static inline bool decoder_finished(const struct decoder *decoder) {
    return !decoder->failed && decoder->cursor == decoder->end;
}

uint16_t decode_u16(struct decoder *decoder);
uint32_t decode_u32(struct decoder *decoder);
uint64_t decode_u64(struct decoder *decoder);
uint64_t decode_long_varint(struct decoder *decoder); /* decode_varint's other part */
/* Over-long or over 64 bits fails. */
static inline uint64_t decode_varint(struct decoder *decoder) {
    if (!decoder->failed && decoder->cursor != decoder->end && *decoder->cursor < 0x80) return *decoder->cursor++;
    return decode_long_varint(decoder);
}
static inline uint8_t decode_u8(struct decoder *decoder) {
    if (!decoder->failed && decoder->cursor != decoder->end) return *decoder->cursor++;
    decoder->failed = true;
    return 0;
}
/* Borrowed from the input. */
static inline struct slice decode_bytes(struct decoder *decoder, size_t size) {
    if (decoder->failed || size > (size_t)(decoder->end - decoder->cursor)) {
        decoder->failed = true;
        return slice_make(NULL, 0);
    }
    const uint8_t *at = decoder->cursor;
    if (size) decoder->cursor += size;
    return slice_make(at, size);
}
/* Varint length + bytes, borrowed. */
static inline struct slice decode_string(struct decoder *decoder) {
    return decode_bytes(decoder, decode_varint(decoder));
}

#pragma GCC visibility pop

#endif
