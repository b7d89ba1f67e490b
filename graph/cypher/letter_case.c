/* letter_case: pairs of letters as ranges; source: the simple case mappings of Unicode 15. */
#include "graph/cypher/letter_case.h"

#include "graph/cypher/utf8.h"

/* Upper-case letters `first`..`last`, every `stride`-th; the lower-case letter of each is `distance` further. */
struct letters {
    uint32_t first, last, stride;
    int32_t distance;
};

static const struct letters alphabet[] = {
    {0x41, 0x5A, 1, 32},                           /* Latin */
    {0xC0, 0xD6, 1, 32},                           /* Latin-1 */
    {0xD8, 0xDE, 1, 32},     {0x100, 0x12E, 2, 1}, /* Latin Extended-A */
    {0x132, 0x136, 2, 1},    {0x139, 0x147, 2, 1},    {0x14A, 0x176, 2, 1},
    {0x178, 0x178, 1, -121}, {0x179, 0x17D, 2, 1},    {0x386, 0x386, 1, 38}, /* Greek */
    {0x388, 0x38A, 1, 37},   {0x38C, 0x38C, 1, 64},   {0x38E, 0x38F, 1, 63},
    {0x391, 0x3A1, 1, 32},   {0x3A3, 0x3AB, 1, 32},   {0x400, 0x40F, 1, 80}, /* Cyrillic */
    {0x410, 0x42F, 1, 32},   {0x460, 0x480, 2, 1},    {0x48A, 0x4BE, 2, 1},
    {0x4D0, 0x52E, 2, 1},    {0x531, 0x556, 1, 48},   /* Armenian */
    {0x1E00, 0x1E94, 2, 1},                           /* Latin Extended Additional */
    {0x1EA0, 0x1EFE, 2, 1},  {0xFF21, 0xFF3A, 1, 32}, /* full-width Latin */
};

static uint32_t other_case(uint32_t character, bool upper) {
    for (size_t i = 0; i < sizeof alphabet / sizeof *alphabet; i++) {
        const struct letters *letters = &alphabet[i];
        uint32_t shift = upper ? (uint32_t)letters->distance : 0;
        uint32_t offset = character - (letters->first + shift);
        if (offset > letters->last - letters->first || offset % letters->stride != 0) continue;
        return upper ? character - (uint32_t)letters->distance : character + (uint32_t)letters->distance;
    }
    return character;
}

size_t letter_case_change(struct slice text, bool upper, uint8_t *to) {
    size_t size = 0;
    while (text.size > 0) {
        uint32_t character;
        uint8_t encoded[UTF8_MAX_BYTES];
        size_t taken = utf8_decode(text, &character), given = taken;
        uint32_t changed = other_case(character, upper);
        const uint8_t *bytes = text.data;
        if (changed != character) {
            given = utf8_encode(encoded, changed);
            bytes = encoded;
        }
        if (to) memcpy(to + size, bytes, given);
        size += given;
        text = slice_from(text, taken);
    }
    return size;
}
