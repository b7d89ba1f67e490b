/* number_text: numbers as Cypher writes and reads them. */
#include "graph/cypher/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/decimal.h"

enum { FLOAT_TEXT_MAX_BYTES = 512 };

static size_t put_text(char text[NUMBER_TEXT_BYTES], const char *what) {
    return (size_t)snprintf(text, NUMBER_TEXT_BYTES, "%s", what);
}

size_t number_text_float(double number, char text[NUMBER_TEXT_BYTES]) {
    if (isnan(number)) return put_text(text, "NaN");
    if (isinf(number)) return put_text(text, number > 0 ? "Infinity" : "-Infinity");
    char digits[DECIMAL_DIGITS_MAX];
    int exponent;
    const int count = number == 0 ? 1 : (int)decimal_shortest(fabs(number), digits, &exponent);
    size_t size = (size_t)snprintf(text, NUMBER_TEXT_BYTES, "%.*g", count, number);
    /* %g turns to an exponent when the digits end before the point; up to 10^15 people expect plain digits. */
    if (fabs(number) >= 1 && fabs(number) < 1e15 && strchr(text, 'e'))
        size = (size_t)snprintf(text, NUMBER_TEXT_BYTES, "%.0f", number);
    if (!strpbrk(text, ".e")) {
        memcpy(text + size, ".0", 3);
        size += 2;
    }
    return size;
}

struct slice scalar_text(struct value value, char room[NUMBER_TEXT_BYTES]) {
    switch ((enum value_type)value.type) {
    case VALUE_STRING: return value.text;
    case VALUE_BOOLEAN: return slice_from_text(value.boolean ? "true" : "false");
    case VALUE_INTEGER: return slice_make(room, (size_t)snprintf(room, NUMBER_TEXT_BYTES, "%" PRId64, value.integer));
    default: return slice_make(room, number_text_float(value.number, room));
    }
}

static size_t skip_digits(struct slice text, size_t at) {
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') at++;
    return at;
}

static size_t skip_sign(struct slice text, size_t at) {
    return at < text.size && (text.data[at] == '-' || text.data[at] == '+') ? at + 1 : at;
}

static bool is_float_text(struct slice text) {
    size_t start = skip_sign(text, 0);
    size_t whole = skip_digits(text, start), at = whole;
    size_t digits = whole - start;
    if (at < text.size && text.data[at] == '.') {
        at = skip_digits(text, whole + 1);
        digits += at - whole - 1;
    }
    if (digits == 0) return false;
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        size_t exponent = skip_sign(text, at + 1);
        at = skip_digits(text, exponent);
        if (at == exponent) return false;
    }
    return at == text.size;
}

bool number_text_parse_float(struct slice text, double *number) {
    char terminated[FLOAT_TEXT_MAX_BYTES];
    if (text.size >= sizeof terminated || !is_float_text(text)) return false;
    memcpy(terminated, text.data, text.size);
    terminated[text.size] = 0;
    *number = strtod(terminated, NULL);
    return true;
}

bool number_text_parse_integer(struct slice text, int64_t *number) {
    size_t start = skip_sign(text, 0);
    if (start == text.size || skip_digits(text, start) != text.size) return false;
    bool negative = text.data[0] == '-';
    int64_t value = 0;
    for (size_t at = start; at < text.size; at++) {
        int64_t digit = text.data[at] - '0';
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, negative ? -digit : digit, &value)) return false;
    }
    *number = value;
    return true;
}
