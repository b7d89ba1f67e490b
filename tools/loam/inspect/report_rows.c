/* report_rows: see report_rows.h. */
#include "tools/loam/inspect/report_rows.h"

static void take_field(void *context, struct slice bytes, const char *name, const char *words) {
    report_field(context, bytes.size, name, "%s", words);
}

void report_rows(struct report *report, const struct layout_row *rows) {
    const uint64_t offset = report->next;
    const size_t size = layout_size(rows);
    report_need(report, offset, size);
    struct fields fields = fields_make(slice_make(report->bytes.data + offset, size), take_field, report);
    (void)layout_describe(rows, &fields, NULL);
    if (!fields_end(&fields) && report->part_check == REPORT_RIGHT)
        report_problem(report, REPORT_CORRUPT, offset, "the fields here have a right check, but: %s", fields.fault);
}
