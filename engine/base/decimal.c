/* decimal: see decimal.h. */
#include "engine/base/decimal.h"

bool decimal_parse(struct slice text, int64_t *value) {
    bool negative = text.size > 0 && text.data[0] == '-';
    struct slice digits = slice_from(text, negative ? 1 : 0);
    if (digits.size == 0 || digits.size > 19) return false;
    if (digits.data[0] == '0' && (digits.size > 1 || negative)) return false;
    uint64_t magnitude = 0; /* 19 digits fit */
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return false;
        magnitude = magnitude * 10 + (uint64_t)(digits.data[i] - '0');
    }
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}
