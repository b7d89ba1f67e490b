/* dump_damage: see dump_damage.h. */
#include "tools/loam/dump/dump_damage.h"

#include <stdarg.h>
#include <stdio.h>

bool dump_damage_pass(struct dump_damage *damage, enum status status, struct error *error, const char *format, ...) {
    struct error met = {.status = STATUS_OK};
    char what[ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const bool is_damage = status_class(status) == STATUS_CLASS_DAMAGE;
    if (is_damage) engine_last_error(damage->engine, &met);
    (void)error_set(error, status, "%s: %s", what, met.text[0] ? met.text : status_text(status));
    if (!is_damage || !damage->goes_on) return false;
    damage->places++;
    (void)fprintf(stderr, "loam dump: %s; the dump goes on without it\n", error->text);
    *error = (struct error){.status = STATUS_OK};
    return true;
}

bool dump_damage_find_end(enum status (*probe)(void *context, uint64_t position), void *context, uint64_t from,
                          uint64_t last, uint64_t *position) {
    uint64_t bad = from, step = 1;
    for (;;) { /* ever wider steps .. */
        if (bad == last) return false;
        *position = last - bad > step ? bad + step : last;
        if (probe(context, *position) == STATUS_OK) break;
        bad = *position;
        step = step > UINT64_MAX / 2 ? step : 2 * step;
    }
    while (*position - bad > 1) { /* .. then back to where it begins */
        const uint64_t middle = bad + (*position - bad) / 2;
        if (probe(context, middle) == STATUS_OK)
            *position = middle;
        else
            bad = middle;
    }
    return true;
}
