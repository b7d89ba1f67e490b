#include "graph/cypher/utf8.h"

/* Size of a well-formed character at the beginning, 0 if there is none. */
static size_t decode_well_formed(struct slice text, uint32_t *character) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = text.data[0];
    size_t size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (size == 1) {
        *character = first;
        return 1;
    }
    if (first < 0xC2 || first > 0xF4 || text.size < size) return 0;
    uint32_t value = first & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text.data[i] & 0xC0) != 0x80) return 0;
        value = value << 6 | (text.data[i] & 0x3F);
    }
    if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 0;
    *character = value;
    return size;
}

size_t utf8_decode(struct slice text, uint32_t *character) {
    size_t size = decode_well_formed(text, character);
    if (size) return size;
    *character = 0xFFFD;
    return 1;
}

size_t utf8_encode(uint8_t out[UTF8_MAX_BYTES], uint32_t character) {
    if (character < 0x80) {
        out[0] = (uint8_t)character;
        return 1;
    }
    size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, character >>= 6) out[i] = (uint8_t)(0x80 | (character & 0x3F));
    out[0] = (uint8_t)((0xF00u >> size & 0xF0u) | character);
    return size;
}

size_t utf8_valid_prefix(struct slice text) {
    size_t at = 0;
    uint32_t character;
    while (at < text.size) {
        size_t size = decode_well_formed(slice_from(text, at), &character);
        if (!size) return at;
        at += size;
    }
    return at;
}
