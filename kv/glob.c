/*
 * glob: Redis' patterns for KEYS and SCAN. One star is remembered and retried, so the work is at most pattern * text
 * and nothing recurses.
 */
#include "kv/kv.h"

/* Matches one byte against the class that begins behind '[' at *at; leaves *at behind its ']' (or at the end of an
 * unclosed class, as Redis reads it). */
static bool class_matches(struct slice pattern, size_t *at, uint8_t byte) {
    size_t i = *at;
    bool negated = i < pattern.size && pattern.data[i] == '^';
    if (negated) i++;
    bool matched = false;
    while (i < pattern.size && pattern.data[i] != ']') {
        if (pattern.data[i] == '\\' && i + 1 < pattern.size) {
            i++;
            matched |= pattern.data[i] == byte;
            i++;
        } else if (i + 2 < pattern.size && pattern.data[i + 1] == '-') {
            uint8_t low = pattern.data[i], high = pattern.data[i + 2];
            if (low > high) {
                uint8_t swap = low;
                low = high;
                high = swap;
            }
            matched |= byte >= low && byte <= high;
            i += 3;
        } else {
            matched |= pattern.data[i] == byte;
            i++;
        }
    }
    *at = i < pattern.size ? i + 1 : i;
    return matched != negated;
}

/* Matches one byte of text against the pattern's element at *at (not a star) and steps over it. */
static bool element_matches(struct slice pattern, size_t *at, uint8_t byte) {
    uint8_t element = pattern.data[(*at)++];
    if (element == '?') return true;
    if (element == '[') return class_matches(pattern, at, byte);
    if (element == '\\' && *at < pattern.size) element = pattern.data[(*at)++];
    return element == byte;
}

bool kv_glob_match(struct slice pattern, struct slice text) {
    if (text.size == 0) return pattern.size == 0; /* as Redis has it: not even stars match nothing */
    size_t at = 0, position = 0;
    size_t star_at = SIZE_MAX, star_position = 0; /* behind the last star; where its run ends */
    while (position < text.size) {
        if (at < pattern.size && pattern.data[at] == '*') {
            star_at = ++at;
            star_position = position;
            continue;
        }
        if (at < pattern.size && element_matches(pattern, &at, text.data[position])) {
            position++;
            continue;
        }
        if (star_at == SIZE_MAX) return false;
        at = star_at;
        position = ++star_position;
    }
    while (at < pattern.size && pattern.data[at] == '*') at++;
    return at == pattern.size;
}
