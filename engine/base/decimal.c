/* decimal: see decimal.h. */
#include "engine/base/decimal.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"

enum { DOUBLE_TEXT_BYTES = 512, SHORTEST_TEXT_BYTES = 40 };

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

bool decimal_parse_double(struct slice text, double *value) {
    char copy[DOUBLE_TEXT_BYTES];
    if (text.size == 0 || text.size >= sizeof copy) return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (strpbrk(copy, "xX \t\n\v\f\r") || memchr(copy, '\0', text.size)) return false;
    char *end = NULL;
    errno = 0;
    double parsed = strtod(copy, &end);
    if (*end != '\0' || (errno == ERANGE && isinf(parsed))) return false;
    *value = parsed;
    return true;
}

unsigned decimal_shortest(double value, char digits[DECIMAL_DIGITS_MAX], int *exponent) {
    char text[SHORTEST_TEXT_BYTES];
    check(isfinite(value) && value > 0);
    /* Fifteen digits of a normal number always say what was written with as few; below, numbers lie thinner. */
    for (int precision = value < DBL_MIN ? 0 : 14; precision < DECIMAL_DIGITS_MAX; precision++) {
        check(snprintf(text, sizeof text, "%.*e", precision, value) > 0);
        if (precision == DECIMAL_DIGITS_MAX - 1 || strtod(text, NULL) == value) break;
    }
    unsigned count = 0;
    const char *at = text;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9') digits[count++] = *at;
    *exponent = (int)strtol(at + 1, NULL, 10);
    while (count > 1 && digits[count - 1] == '0') count--;
    return count;
}
