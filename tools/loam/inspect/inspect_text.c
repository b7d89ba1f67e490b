/* inspect_text: files of an engine that are lines of text: options, with their checksum, and events. Every line is a
 * field. */
#include <string.h>

#include "engine/lsm/options_format.h"
#include "tools/loam/inspect/inspect.h"

static size_t line_size(const struct report *report) {
    const struct slice left = slice_from(report->bytes, report->next);
    const uint8_t *end = memchr(left.data, '\n', left.size);
    return end ? (size_t)(end - left.data) + 1 : left.size;
}

static void fact(void *context, struct slice name, struct slice value) {
    char text[64];
    const size_t size = name.size < sizeof text - 1 ? name.size : sizeof text - 1;
    memcpy(text, name.data, size);
    text[size] = 0;
    report_fact(context, text, "%.*s", (int)value.size, (const char *)value.data);
}

void inspect_options(struct report *report) {
    struct error error;
    const enum status status = options_file_parse(report->bytes, fact, report, &error);
    if (status != STATUS_OK) report_problem(report, REPORT_CORRUPT, 0, "%s", error.text);
    report_part(report, status == STATUS_OK ? REPORT_RIGHT : REPORT_WRONG, "options");
    while (report->next < report->bytes.size) {
        const struct slice left = slice_from(report->bytes, report->next);
        const bool check = left.size == OPTIONS_CHECK_BYTES && memcmp(left.data, "check ", 6) == 0;
        report_plain(report, line_size(report), report->next == 0 ? "head" : check ? "check" : "option");
    }
}

void inspect_events(struct report *report) {
    uint64_t events = 0;
    report_part(report, REPORT_UNCHECKED, "events");
    while (report->next < report->bytes.size) {
        const size_t size = line_size(report);
        const uint8_t *line = report->bytes.data + report->next;
        const bool whole = size >= 3 && line[0] == '{' && line[size - 2] == '}' && line[size - 1] == '\n';
        if (!whole)
            report_problem(report, REPORT_TORN, report->next, "%s",
                           "not a line of JSON: a power cut takes what was not on disk yet; nothing reads events back");
        events += whole;
        report_plain(report, size, whole ? "event" : "torn");
    }
    report_fact(report, "events", "%llu", (unsigned long long)events);
}
