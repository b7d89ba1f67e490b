/* bad_lines: see bad_lines.h. */
#include "tools/loam/import/bad_lines.h"

#include <inttypes.h>
#include <stdarg.h>

enum status bad_lines_add(struct bad_lines *bad, struct error *error, const char *file, uint64_t line,
                          const char *format, ...) {
    if (bad->count < BAD_LINES_KEPT) {
        char *text = bad->kept[bad->count];
        const int used = snprintf(text, BAD_LINE_BYTES, "%.120s:%" PRIu64 ": ", file, line);
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(text + used, BAD_LINE_BYTES - (size_t)used, format, arguments);
        va_end(arguments);
    }
    bad->count++;
    if (bad->count <= bad->limit) return STATUS_OK;
    return error_set(error, STATUS_INVALID,
                     "more than %" PRIu64 " bad lines (--max-bad N allows more); what was loaded until here stays",
                     bad->limit);
}

void bad_lines_print(const struct bad_lines *bad, FILE *to) {
    if (bad->count == 0) return;
    (void)fprintf(to, "  %" PRIu64 " bad lines were left out:\n", bad->count);
    const uint64_t shown = bad->count < BAD_LINES_KEPT ? bad->count : BAD_LINES_KEPT;
    for (uint64_t i = 0; i < shown; i++) (void)fprintf(to, "    %s\n", bad->kept[i]);
    if (shown < bad->count) (void)fprintf(to, "    and %" PRIu64 " more\n", bad->count - shown);
}
