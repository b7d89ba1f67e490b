/* number: decimal texts as Redis judges them. */
#include "kv/number.h"
#include "engine/base/decimal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv/kv.h"

enum { FLOAT_TEXT_BYTES = 5 * 1024 };

enum status kv_parse_expiry(struct slice text, bool seconds, int64_t *milliseconds) {
    if (!decimal_parse(text, milliseconds)) return STATUS_SYNTAX;
    if (*milliseconds <= 0) return STATUS_INVALID;
    if (seconds && *milliseconds > INT64_MAX / 1000) return STATUS_INVALID;
    if (seconds) *milliseconds *= 1000;
    return STATUS_OK;
}

bool kv_parse_float(struct slice text, long double *value) {
    char copy[FLOAT_TEXT_BYTES];
    if (text.size == 0 || text.size >= sizeof copy || isspace(text.data[0])) return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    char *end = NULL;
    errno = 0;
    *value = strtold(copy, &end);
    bool out_of_range = errno == ERANGE && (isinf(*value) || fpclassify(*value) == FP_ZERO);
    return (size_t)(end - copy) == text.size && !out_of_range && errno != EINVAL && !isnan(*value);
}

enum status kv_format_float(long double value, struct buf *to) {
    char text[FLOAT_TEXT_BYTES];
    int size = snprintf(text, sizeof text, "%.17Lf", value);
    if (size <= 0 || (size_t)size >= sizeof text) return STATUS_TOO_LARGE;
    while (text[size - 1] == '0') size--;
    if (text[size - 1] == '.') size--;
    if (size == 2 && memcmp(text, "-0", 2) == 0) return buf_append(to, "0", 1);
    return buf_append(to, text, (size_t)size);
}

enum status kv_format_integer(int64_t value, struct buf *to) {
    return buf_append_format(to, "%lld", (long long)value);
}
