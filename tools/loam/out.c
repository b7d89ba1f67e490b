/* out: see out.h. */
#include "tools/loam/out.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "tools/loam/json_text.h"

void out_print(struct out *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (out->status == STATUS_OK) out->status = buf_append_list(&out->text, format, arguments);
    va_end(arguments);
}

void out_json(struct out *out, const char *text) {
    if (out->status == STATUS_OK) out->status = json_text_append(&out->text, text);
}

const char *bytes_words(uint64_t bytes, char text[OUT_WORDS_BYTES]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    unsigned unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++) value /= 1024;
    (void)snprintf(text, OUT_WORDS_BYTES, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

const char *age_words(int64_t ms, char text[OUT_WORDS_BYTES]) {
    static const struct {
        double ms;
        const char *name;
    } units[] = {{86400000.0, "d"}, {3600000.0, "h"}, {60000.0, "min"}, {1000.0, "s"}};
    const double value = ms > 0 ? (double)ms : 0;
    unsigned unit = 0;
    while (unit < 3 && value < units[unit].ms) unit++;
    (void)snprintf(text, OUT_WORDS_BYTES, "%.1f %s", value / units[unit].ms, units[unit].name);
    return text;
}

const char *time_words(int64_t time_ms, char text[OUT_WORDS_BYTES]) {
    enum { YEARS_MOST = 9999 - 1900 };
    char date[32];
    struct tm parts;
    const int64_t seconds = time_ms >= 0 ? time_ms / 1000 : -((999 - time_ms) / 1000);
    const time_t when = (time_t)seconds;
    if (time_ms < INT64_MIN + 999 || !gmtime_r(&when, &parts) || parts.tm_year > YEARS_MOST || parts.tm_year < -1900 ||
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        (void)snprintf(text, OUT_WORDS_BYTES, "%" PRId64 " ms", time_ms);
    else
        (void)snprintf(text, OUT_WORDS_BYTES, "%s.%03d", date, (int)(time_ms - seconds * 1000));
    return text;
}
