/* time_text: see time_text.h. */
#include "tools/loam/import/time_text.h"

enum time_unit time_unit_find(const char *name) {
    static const char *const names[] = {
        [TIME_UNIT_S] = "s", [TIME_UNIT_MS] = "ms", [TIME_UNIT_US] = "us", [TIME_UNIT_NS] = "ns"};
    for (int unit = TIME_UNIT_S; unit <= TIME_UNIT_NS; unit++)
        if (strcmp(names[unit], name) == 0) return (enum time_unit)unit;
    return TIME_UNIT_UNKNOWN;
}

static bool is_digit(struct slice text) {
    return text.size > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

/* Takes exactly `digits` digits off the front. */
static bool take_number(struct slice *text, int digits, int64_t *number) {
    *number = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(*text)) return false;
        *number = *number * 10 + (text->data[0] - '0');
        *text = slice_from(*text, 1);
    }
    return true;
}

static bool take_byte(struct slice *text, char byte) {
    if (text->size == 0 || text->data[0] != (uint8_t)byte) return false;
    *text = slice_from(*text, 1);
    return true;
}

/* The first three digits behind the point as thousandths; all digits are taken; at least one must be there. */
static bool take_thousandths(struct slice *text, int64_t *thousandths) {
    if (!is_digit(*text)) return false;
    *thousandths = 0;
    for (int64_t weight = 100; is_digit(*text); weight /= 10) {
        *thousandths += (text->data[0] - '0') * weight;
        *text = slice_from(*text, 1);
    }
    return true;
}

/* ---- ISO 8601 ---------------------------------------------------------------------------------------------------- */

/* Days since 1970-01-01 of a proleptic Gregorian date: years are counted from March, so that the leap day is the last.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    const int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_date(int64_t year, int64_t month, int64_t day) {
    static const int64_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return false;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (leap && month == 2);
}

/* "", "Z", "+02:00", "+0200", "+02" */
static bool take_zone(struct slice *text, int64_t *offset_minutes) {
    *offset_minutes = 0;
    if (text->size == 0 || take_byte(text, 'Z') || take_byte(text, 'z')) return true;
    const bool west = text->data[0] == '-';
    int64_t hours = 0, minutes = 0;
    if ((!take_byte(text, '+') && !take_byte(text, '-')) || !take_number(text, 2, &hours)) return false;
    if (text->size > 0) {
        (void)take_byte(text, ':');
        if (!take_number(text, 2, &minutes)) return false;
    }
    *offset_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
    return hours < 24 && minutes < 60;
}

static bool take_clock(struct slice *text, int64_t *clock_ms) {
    int64_t hour = 0, minute = 0, second = 0, thousandths = 0;
    if (!take_number(text, 2, &hour) || !take_byte(text, ':') || !take_number(text, 2, &minute)) return false;
    if (take_byte(text, ':')) {
        if (!take_number(text, 2, &second)) return false;
        if (take_byte(text, '.') && !take_thousandths(text, &thousandths)) return false;
    }
    *clock_ms = ((hour * 60 + minute) * 60 + second) * 1000 + thousandths;
    return hour < 24 && minute < 60 && second < 60;
}

static bool parse_iso(struct slice text, int64_t *time_ms) {
    int64_t year = 0, month = 0, day = 0, clock_ms = 0, offset_minutes = 0;
    if (!take_number(&text, 4, &year) || !take_byte(&text, '-') || !take_number(&text, 2, &month) ||
        !take_byte(&text, '-') || !take_number(&text, 2, &day) || !is_date(year, month, day))
        return false;
    if (take_byte(&text, 'T') || take_byte(&text, 't') || take_byte(&text, ' '))
        if (!take_clock(&text, &clock_ms) || (take_byte(&text, ' '), !take_zone(&text, &offset_minutes))) return false;
    *time_ms = days_of(year, month, day) * 86400000 + clock_ms - offset_minutes * 60000;
    return text.size == 0;
}

/* ---- Epoch ------------------------------------------------------------------------------------------------------- */

static enum time_unit guess_unit(int64_t number) {
    const int64_t size = number < 0 ? -number : number;
    if (size < 100000000000) return TIME_UNIT_S;
    if (size < 100000000000000) return TIME_UNIT_MS;
    return size < 100000000000000000 ? TIME_UNIT_US : TIME_UNIT_NS;
}

/* Towards the past: so that no two instants change their order. */
static int64_t divide_down(int64_t number, int64_t by) {
    return number / by - (number % by < 0);
}

static bool to_milliseconds(enum time_unit unit, int64_t number, int64_t thousandths, int64_t *time_ms) {
    switch (unit) {
    case TIME_UNIT_S:
        return !__builtin_mul_overflow(number, 1000, time_ms) &&
               !__builtin_add_overflow(*time_ms, thousandths, time_ms);
    case TIME_UNIT_MS: *time_ms = number; return true;
    case TIME_UNIT_US: *time_ms = divide_down(number, 1000); return true;
    default: *time_ms = divide_down(number, 1000000); return true;
    }
}

static bool parse_epoch(struct slice text, enum time_unit *unit, int64_t *time_ms) {
    const bool negative = take_byte(&text, '-');
    int64_t number = 0, thousandths = 0;
    if (!is_digit(text)) return false;
    for (; is_digit(text); text = slice_from(text, 1))
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, text.data[0] - '0', &number))
            return false;
    if (take_byte(&text, '.') && !take_thousandths(&text, &thousandths)) return false;
    if (text.size > 0) return false;
    if (*unit == TIME_UNIT_UNKNOWN) *unit = guess_unit(number);
    return negative ? to_milliseconds(*unit, -number, -thousandths, time_ms)
                    : to_milliseconds(*unit, number, thousandths, time_ms);
}

bool time_text_parse(struct slice text, enum time_unit *unit, int64_t *time_ms) {
    return parse_iso(text, time_ms) || parse_epoch(text, unit, time_ms);
}
