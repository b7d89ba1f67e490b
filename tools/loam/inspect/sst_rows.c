/* sst_rows: see sst_rows.h. */
#include "tools/loam/inspect/sst_rows.h"

#include <inttypes.h>

const char *sst_entry_kind_name(uint64_t trailer) {
    static const char *const names[] = {"delete", "put", "merge", "append", "range delete", "reference"};
    const unsigned kind = (unsigned)(trailer & 0xff);
    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

/* What stands beside the key is no value of the row's form. */
static bool has_no_value(uint64_t trailer) {
    return entry_kind(trailer) == ENTRY_DELETE || entry_kind(trailer) == ENTRY_REFERENCE;
}

static enum row_form form_of(uint64_t trailer) {
    return entry_kind(trailer) == ENTRY_MERGE    ? ROW_OPERAND
           : entry_kind(trailer) == ENTRY_APPEND ? ROW_APPENDED
                                                 : ROW_VALUE;
}

/* ---- Judging ----------------------------------------------------------------------------------------------------- */

void sst_rows_judge(struct sst_rows *rows, const struct sst_block_view *view, uint64_t unit, uint8_t *room) {
    for (uint32_t i = 0; i < view->count; i++) {
        const uint64_t trailer = block_view_trailer(view, i);
        const struct slice value = block_view_value(view, i);
        const char *fault = row_fault(rows->describer, block_view_key(view, i, room),
                                      has_no_value(trailer) ? NULL : &value, form_of(trailer));
        rows->count++;
        if (!fault) continue;
        if (rows->misfit_count < SST_ROWS_FAULTS_SHOWN) {
            rows->misfits[rows->misfit_count].unit = unit;
            rows->misfits[rows->misfit_count].entry = i;
            rows->misfits[rows->misfit_count].fault = fault;
        }
        rows->misfit_count++;
    }
}

void sst_rows_report(struct sst_rows *rows, struct report *report) {
    if (rows->count == 0) return;
    if (rows->misfit_count == rows->count) {
        report_fact(report, "rows", "not those of %s, whose number the kind of tree has: shown as text",
                    rows->describer->name);
        rows->describer = NULL;
        return;
    }
    report_fact(report, "rows", "%" PRIu64 " of %s", rows->count, rows->describer->name);
    for (uint64_t i = 0; i < rows->misfit_count && i < SST_ROWS_FAULTS_SHOWN; i++)
        report_problem(report, REPORT_CORRUPT, rows->misfits[i].unit,
                       "entry %" PRIu32 " of this unit is no row of %s: %s", rows->misfits[i].entry,
                       rows->describer->name, rows->misfits[i].fault);
    if (rows->misfit_count > SST_ROWS_FAULTS_SHOWN)
        report_problem(report, REPORT_CORRUPT, rows->misfits[SST_ROWS_FAULTS_SHOWN - 1].unit,
                       "and %" PRIu64 " entries more behind it", rows->misfit_count - SST_ROWS_FAULTS_SHOWN);
}

/* ---- Values that stand there raw --------------------------------------------------------------------------------- */

struct value_place {
    struct report *report;
    uint32_t entry;
};

static void take_value_field(void *context, struct slice bytes, const char *name, const char *words) {
    const struct value_place *place = context;
    report_field(place->report, bytes.size, name, "entry %" PRIu32 ": %s", place->entry, words);
}

void sst_rows_value_fields(const struct sst_rows *rows, struct report *report, const struct sst_block_view *view,
                           uint32_t at, uint8_t *room) {
    const uint64_t trailer = block_view_trailer(view, at);
    struct value_place place = {report, at};
    struct fields fields = fields_make(block_view_value(view, at), take_value_field, &place);
    if (!has_no_value(trailer)) rows->describer->value(&fields, block_view_key(view, at, room), form_of(trailer));
    (void)fields_end(&fields);
}

/* ---- Whole rows -------------------------------------------------------------------------------------------------- */

static void take_row_field(void *context, struct slice bytes, const char *name, const char *words) {
    report_row_field(context, bytes.size, name, words);
}

static void text_field(struct report *report, struct slice bytes, const char *name) {
    char words[FIELD_WORDS_BYTES];
    if (bytes.size) report_row_field(report, bytes.size, name, fields_quote(words, bytes));
}

static void row_fields(const struct row_describer *rows, struct report *report, struct slice key, struct slice value,
                       uint64_t trailer) {
    if (!rows) {
        text_field(report, key, "key");
        report_row_value(report);
        text_field(report, value, "value");
        return;
    }
    struct fields fields = fields_make(key, take_row_field, report);
    rows->key(&fields);
    (void)fields_end(&fields);
    report_row_value(report);
    fields = fields_make(value, take_row_field, report);
    if (!has_no_value(trailer)) rows->value(&fields, key, form_of(trailer));
    (void)fields_end(&fields);
}

static void show_line(const struct row_describer *rows, struct report *report, uint32_t at, struct slice key,
                      struct slice value, uint64_t trailer) {
    struct buf line = BUF_EMPTY;
    enum status status = buf_append_format(&line, "entry %" PRIu32 ", %s %" PRIu64 ": ", at,
                                           sst_entry_kind_name(trailer), entry_sequence(trailer));
    if (status == STATUS_OK && has_no_value(trailer))
        status = key_text_append(&line, rows, key, NULL);
    else if (status == STATUS_OK)
        status = row_text_append(&line, rows, key, value, form_of(trailer), NULL);
    if (status == STATUS_OK)
        report_line(report, buf_slice(&line));
    else
        report->no_memory = true;
    buf_deinit(&line);
}

void sst_rows_show(const struct sst_rows *rows, struct report *report, const struct sst_block_view *view, uint64_t unit,
                   bool compressed, uint8_t *room) {
    if (report->form == REPORT_SUMMARY || (report->form == REPORT_HEX && !compressed)) return;
    for (uint32_t i = 0; i < view->count; i++) {
        const struct slice key = block_view_key(view, i, room), value = block_view_value(view, i);
        const uint64_t trailer = block_view_trailer(view, i);
        if (report->form == REPORT_HEX) {
            show_line(rows->describer, report, i, key, value, trailer);
            continue;
        }
        report_row_begin(report, unit, i, sst_entry_kind_name(trailer), entry_sequence(trailer),
                         rows->describer ? rows->describer->name : "");
        row_fields(rows->describer, report, key, value, trailer);
        report_row_end(report);
    }
}
