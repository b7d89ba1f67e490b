/* series_line: see series_line.h. */
#include "tools/loam/import/series_line.h"

#include "engine/base/decimal.h"

void series_line_begin(struct series_line_parser *parser, enum time_unit unit) {
    parser->unit = unit;
    parser->begun = false;
    parser->csv.fields = parser->fields;
    parser->csv.capacity = SERIES_FIELDS;
}

void series_line_deinit(struct series_line_parser *parser) {
    buf_deinit(&parser->csv.text);
}

/* A first line of which neither field reads as it should is a header. */
static enum status judge(struct series_line_parser *parser, bool has_time, bool has_value, const char **why) {
    const bool first = !parser->begun;
    parser->begun = true;
    if (has_time && has_value) return STATUS_OK;
    if (first && !has_time && !has_value) return STATUS_NOT_FOUND;
    *why = has_time ? "the value is no number" : "the time is neither ISO 8601 nor a number";
    return STATUS_SYNTAX;
}

enum status series_line_parse(struct series_line_parser *parser, struct slice line, struct series_sample *sample,
                              const char **why) {
    size_t blank = 0;
    while (blank < line.size && (line.data[blank] == ' ' || line.data[blank] == '\t')) blank++;
    if (blank == line.size || line.data[blank] == '#') return STATUS_NOT_FOUND;
    enum status status = csv_split(&parser->csv, line);
    if (status == STATUS_NO_MEMORY) return status;
    if (status == STATUS_SYNTAX) {
        *why = "a quote is not closed, or closed before the end of its field";
    } else if (status == STATUS_TOO_LARGE || parser->csv.count != 2) {
        *why = "not two fields: time,value";
        status = STATUS_SYNTAX;
    }
    if (status != STATUS_OK) {
        parser->begun = true;
        return status;
    }
    const bool has_time = time_text_parse(parser->fields[0], &parser->unit, &sample->time_ms);
    sample->text = parser->fields[1];
    status = judge(parser, has_time, decimal_parse_double(sample->text, &sample->value), why);
    if (status != STATUS_OK || sample->time_ms >= 0) return status;
    *why = "the time lies before 1970, where no series begins";
    return STATUS_SYNTAX;
}
