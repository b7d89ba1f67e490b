/* report_rows: see report_rows.h. */
#include "tools/loam/inspect/report_rows.h"

static void take_field(void *context, struct slice bytes, const char *name, const char *words) {
    report_field(context, bytes.size, name, "%s", words);
}

void report_rows(struct report *report, const struct layout_row *rows) {
    const uint64_t offset = report->next;
    const size_t size = layout_size(rows);
    report_need(report, offset, size);
    const struct slice bytes = slice_make(report->bytes.data + offset, size);
    struct fields fields = fields_make(bytes, report->fields_wanted ? take_field : NULL, report);
    (void)layout_describe(rows, &fields, NULL);
    const bool sound = fields_end(&fields);
    if (!report->fields_wanted) report_plain(report, size, "fields");
    if (!sound && report->part_check == REPORT_RIGHT)
        report_problem(report, REPORT_CORRUPT, offset, "the fields here have a right check, but: %s", fields.fault);
}
