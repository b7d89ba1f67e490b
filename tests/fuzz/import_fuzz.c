/*
 * import_fuzz: what `loam import` reads, on arbitrary bytes: fields of a line, times, samples, heads of a graph's
 * columns and rows under them. Judged: nothing is read outside the line; fields written with quotes read back as they
 * were; an accepted time is the same when it is parsed again with the unit that it told; what is refused is explained,
 * and leaves the operation's rows as they were.
 */
#include <stdint.h>

#include "engine/base/check.h"
#include "graph/columns.h"
#include "tools/loam/import/graph_input.h"
#include "tools/loam/import/series_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 16 };

static void must(enum status status) {
    check(status == STATUS_OK);
}

static void quote(struct buf *to, struct slice field) {
    must(buf_append_byte(to, '"'));
    for (size_t i = 0; i < field.size; i++) {
        if (field.data[i] == '"') must(buf_append_byte(to, '"'));
        must(buf_append_byte(to, field.data[i]));
    }
    must(buf_append_byte(to, '"'));
}

static void check_fields(struct slice line) {
    struct slice fields[FIELDS], again_fields[FIELDS];
    struct csv_line csv = {.fields = fields, .capacity = FIELDS}, again = {.fields = again_fields, .capacity = FIELDS};
    struct buf written = BUF_EMPTY;
    const enum status status = csv_split(&csv, line);
    check(status == STATUS_OK || status == STATUS_SYNTAX || status == STATUS_TOO_LARGE);
    if (status == STATUS_OK) {
        for (size_t i = 0; i < csv.count; i++) {
            if (i > 0) must(buf_append_byte(&written, ','));
            quote(&written, fields[i]);
        }
        must(csv_split(&again, buf_slice(&written)));
        check(again.count == csv.count);
        for (size_t i = 0; i < csv.count; i++) check(slice_equal(fields[i], again_fields[i]));
    }
    buf_deinit(&written);
    buf_deinit(&csv.text);
    buf_deinit(&again.text);
}

static void check_time(struct slice text) {
    enum time_unit unit = TIME_UNIT_UNKNOWN;
    int64_t time_ms = 0, again_ms = 0;
    if (!time_text_parse(text, &unit, &time_ms)) return;
    check(time_text_parse(text, &unit, &again_ms));
    check(again_ms == time_ms);
}

static void check_list(struct slice line) {
    struct slice fields[GRAPH_LIST_FIELDS];
    const size_t count = graph_input_split_list(line, fields);
    const uint8_t *at = line.data;
    check(count <= GRAPH_LIST_FIELDS);
    for (size_t i = 0; i < count; i++) {
        check(fields[i].size > 0 && fields[i].data >= at && fields[i].data + fields[i].size <= line.data + line.size);
        for (size_t b = 0; b < fields[i].size; b++) check(!strchr(" \t,", fields[i].data[b]) || !fields[i].data[b]);
        at = fields[i].data + fields[i].size;
    }
}

static void check_lines(struct slice text) {
    struct series_line_parser parser = {0};
    series_line_begin(&parser, TIME_UNIT_UNKNOWN);
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        const struct slice line = slice_make(text.data, end ? (size_t)(end - text.data) : text.size);
        struct series_sample sample;
        const char *why = NULL;
        check_fields(line);
        check_time(line);
        check_list(line);
        const enum status status = series_line_parse(&parser, line, &sample, &why);
        check(status == STATUS_OK || status == STATUS_NOT_FOUND || (status == STATUS_SYNTAX && why));
        text = slice_from(text, line.size + (end ? 1 : 0));
    }
    series_line_deinit(&parser);
}

static void check_row(struct graph_rows *rows, const struct graph_columns *columns, struct slice line) {
    struct slice fields[FIELDS];
    struct csv_line csv = {.fields = fields, .capacity = FIELDS};
    struct error error = {0};
    if (csv_split(&csv, line) == STATUS_OK && csv.count == columns->field_count) {
        const uint64_t before = rows->import.rows;
        const enum status status = graph_rows_add(rows, columns, fields, &error);
        check(status == STATUS_OK || (status == STATUS_SYNTAX && error.text[0]) || status == STATUS_TOO_LARGE);
        check(rows->import.rows == before + (status == STATUS_OK));
    }
    buf_deinit(&csv.text);
}

/* The first line are heads, the others rows. */
static void check_graph(struct slice text) {
    struct slice fields[FIELDS];
    struct csv_line heads = {.fields = fields, .capacity = FIELDS};
    struct graph_columns columns = {.count = 0};
    struct graph_rows rows = {.words = NULL};
    struct buf operation = BUF_EMPTY;
    struct error error = {0};
    must(graph_rows_begin(&rows, &operation, slice_from_text("g"), 0));
    for (size_t number = 0; text.size > 0; number++) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        const struct slice line = slice_make(text.data, end ? (size_t)(end - text.data) : text.size);
        if (number > 0)
            check_row(&rows, &columns, line);
        else if (csv_split(&heads, line) != STATUS_OK)
            break;
        else if (graph_columns_parse(&columns, fields, heads.count, &error) != STATUS_OK)
            break;
        text = slice_from(text, line.size + (end ? 1 : 0));
    }
    graph_rows_deinit(&rows);
    buf_deinit(&operation);
    buf_deinit(&heads.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_graph(slice_make(data, size));
    check_lines(slice_make(data, size));
    return 0;
}
