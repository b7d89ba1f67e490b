/* json_check: see json_check.h. Invariant: at <= end. */
#include "tests/harness/json_check.h"

#include <ctype.h>

enum { DEPTH_MAX = 64 };

struct text {
    const uint8_t *at, *end;
};

static void skip_blanks(struct text *text) {
    while (text->at < text->end && memchr(" \t\r\n", *text->at, 4)) text->at++;
}

static bool take(struct text *text, char character) {
    skip_blanks(text);
    if (text->at == text->end || *text->at != (uint8_t)character) return false;
    text->at++;
    return true;
}

static bool take_escape(struct text *text) {
    if (text->at == text->end) return false;
    const uint8_t kind = *text->at++;
    if (kind != 'u') return memchr("\"\\/bfnrt", kind, 8) != NULL;
    for (int i = 0; i < 4; i++)
        if (text->at == text->end || !isxdigit(*text->at++)) return false;
    return true;
}

static bool take_string(struct text *text) {
    if (!take(text, '"')) return false;
    while (text->at < text->end) {
        const uint8_t byte = *text->at++;
        if (byte == '"') return true;
        if (byte < 0x20 || (byte == '\\' && !take_escape(text))) return false;
    }
    return false;
}

static bool take_digits(struct text *text) {
    const uint8_t *begin = text->at;
    while (text->at < text->end && isdigit(*text->at)) text->at++;
    return text->at > begin;
}

static bool take_number(struct text *text) {
    (void)take(text, '-');
    const uint8_t *begin = text->at;
    if (!take_digits(text) || (*begin == '0' && text->at > begin + 1)) return false;
    if (text->at < text->end && *text->at == '.' && (text->at++, !take_digits(text))) return false;
    if (text->at == text->end || (*text->at != 'e' && *text->at != 'E')) return true;
    text->at++;
    if (text->at < text->end && (*text->at == '+' || *text->at == '-')) text->at++;
    return take_digits(text);
}

static bool take_word(struct text *text, const char *word) {
    const size_t size = strlen(word);
    if ((size_t)(text->end - text->at) < size || memcmp(text->at, word, size) != 0) return false;
    text->at += size;
    return true;
}

static bool take_value(struct text *text, int depth);

static bool take_members(struct text *text, char close, bool named, int depth) {
    if (take(text, close)) return true;
    do
        if ((named && (!take_string(text) || !take(text, ':'))) || !take_value(text, depth + 1)) return false;
    while (take(text, ','));
    return take(text, close);
}

static bool take_value(struct text *text, int depth) {
    skip_blanks(text);
    if (depth > DEPTH_MAX || text->at == text->end) return false;
    switch (*text->at) {
    case '{': text->at++; return take_members(text, '}', true, depth);
    case '[': text->at++; return take_members(text, ']', false, depth);
    case '"': return take_string(text);
    case 't': return take_word(text, "true");
    case 'f': return take_word(text, "false");
    case 'n': return take_word(text, "null");
    default: return take_number(text);
    }
}

bool json_is_valid(struct slice bytes) {
    struct text text = {bytes.data, bytes.data + bytes.size};
    if (!take_value(&text, 0)) return false;
    skip_blanks(&text);
    return text.at == text.end;
}
