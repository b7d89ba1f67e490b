/* number: values and times as text. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "tsdb/tsdb.h"

enum { PARSE_MAX_BYTES = 400 };

static size_t put_text(char *to, const char *text) {
    size_t size = strlen(text);
    memcpy(to, text, size + 1);
    return size;
}

/* Redis' layout: whole numbers and small fractions plainly, others as d.ddde+x. */
static size_t lay_out(char *to, size_t room, const char *digits, int count, int exponent) {
    int power = exponent - (count - 1); /* of the last digit */
    int size = 0;
    if (power >= 0 && exponent < count + 7) {
        size = snprintf(to, room, "%.*s%.*s", count, digits, power, "00000000");
    } else if (power < 0 && (power > -7 || (exponent < 4 && exponent > -4))) {
        if (exponent < 0)
            size = snprintf(to, room, "0.%.*s%.*s", -exponent - 1, "00000000", count, digits);
        else
            size = snprintf(to, room, "%.*s.%.*s", exponent + 1, digits, count - exponent - 1, digits + exponent + 1);
    } else {
        size = snprintf(to, room, "%c%s%.*se%+d", digits[0], count > 1 ? "." : "", count - 1, digits + 1, exponent);
    }
    check(size > 0 && (size_t)size < room);
    return (size_t)size;
}

size_t tsdb_format_value(double value, char text[TSDB_VALUE_TEXT_BYTES]) {
    if (isnan(value)) return put_text(text, "nan");
    if (isinf(value)) return put_text(text, value > 0 ? "inf" : "-inf");
    if (value == 0) return put_text(text, signbit(value) ? "-0" : "0");
    if (fabs(value) < 9007199254740992.0 && value == (double)(int64_t)value) {
        int size = snprintf(text, TSDB_VALUE_TEXT_BYTES, "%lld", (long long)value);
        check(size > 0);
        return (size_t)size;
    }
    char digits[DECIMAL_DIGITS_MAX];
    int exponent = 0;
    size_t sign = signbit(value) ? 1 : 0;
    text[0] = '-';
    int count = (int)decimal_shortest(fabs(value), digits, &exponent);
    return sign + lay_out(text + sign, TSDB_VALUE_TEXT_BYTES - sign, digits, count, exponent);
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

static const char *skip_digits(const char *at) {
    while (isdigit((unsigned char)*at)) at++;
    return at;
}

/* RFC 8259: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool is_number(const char *at) {
    if (*at == '-') at++;
    const char *end = skip_digits(at);
    if (end == at || (*at == '0' && end > at + 1)) return false;
    if (*end == '.') {
        at = end + 1;
        end = skip_digits(at);
        if (end == at) return false;
    }
    if (*end == 'e' || *end == 'E') {
        at = end + 1;
        if (*at == '+' || *at == '-') at++;
        end = skip_digits(at);
        if (end == at) return false;
    }
    return *end == '\0';
}

bool tsdb_parse_value(struct slice text, double *value) {
    char copy[PARSE_MAX_BYTES];
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, 0, text.size)) return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (!is_number(copy)) return false;
    double parsed = strtod(copy, NULL);
    if (!isfinite(parsed)) return false;
    *value = parsed;
    return true;
}

bool tsdb_parse_time(struct slice text, int64_t *time_ms) {
    int64_t parsed = 0;
    if (!decimal_parse(text, &parsed) || parsed < 0) return false;
    *time_ms = parsed;
    return true;
}
