/* rows_text: fields of text become rows of an import operation; see columns.h. */
#include <strings.h>

#include "engine/base/decimal.h"
#include "graph/columns.h"
#include "graph/import_words.h"

enum { SHOWN_BYTES = 60 };

enum status graph_rows_begin(struct graph_rows *rows, struct buf *to, struct slice graph_name, uint32_t flags) {
    enum status status = rows->words ? STATUS_OK : graph_words_create(&rows->words);
    if (status != STATUS_OK) return status;
    graph_words_clear(rows->words);
    return graph_import_begin(&rows->import, to, graph_name, flags);
}

void graph_rows_deinit(struct graph_rows *rows) {
    graph_words_destroy(rows->words);
    buf_deinit(&rows->values);
    for (int i = 0; i < 2; i++) buf_deinit(&rows->externals[i]);
    *rows = (struct graph_rows){0};
}

static int shown(struct slice text) {
    return (int)(text.size < SHOWN_BYTES ? text.size : SHOWN_BYTES);
}

static enum status fault(struct error *error, const struct graph_column *column, struct slice text, const char *what) {
    return error_set(error, STATUS_SYNTAX, "column '%.*s': '%.*s' %s", shown(column->head),
                     (const char *)column->head.data, shown(text), text.size ? (const char *)text.data : "", what);
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

/* As decimal_parse; a '+' and leading zeros are allowed. */
static bool parse_integer(struct slice text, int64_t *value) {
    const bool negative = text.size > 0 && text.data[0] == '-';
    if (text.size > 0 && (negative || text.data[0] == '+')) text = slice_from(text, 1);
    if (text.size == 0 || text.data[0] == '-') return false;
    while (text.size > 1 && text.data[0] == '0') text = slice_from(text, 1);
    char digits[24];
    if (text.size >= sizeof digits - 1) return false;
    const bool signed_text = negative && !(text.size == 1 && text.data[0] == '0');
    digits[0] = '-';
    memcpy(digits + 1, text.data, text.size);
    return decimal_parse(slice_make(digits + !signed_text, text.size + signed_text), value);
}

static bool is_word(struct slice text, const char *word) {
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

static enum status add_value(struct graph_rows *rows, const struct graph_column *column, struct slice text,
                             struct error *error) {
    int64_t integer;
    double number;
    switch (column->tag) {
    case GRAPH_PROPERTY_INTEGER:
        if (!parse_integer(text, &integer)) return fault(error, column, text, "is no integer of 64 bits");
        return graph_property_encode_integer(&rows->values, integer);
    case GRAPH_PROPERTY_FLOAT:
        if (!decimal_parse_double(text, &number)) return fault(error, column, text, "is no number");
        return graph_property_encode_float(&rows->values, number);
    case GRAPH_PROPERTY_TRUE:
        if (!is_word(text, "true") && !is_word(text, "false"))
            return fault(error, column, text, "is neither true nor false");
        return graph_property_encode_boolean(&rows->values, is_word(text, "true"));
    default: return graph_property_encode_string(&rows->values, text);
    }
}

/* The next part of a list between ';'; false at the end. An empty list has no part. */
static bool next_part(struct slice *rest, struct slice *part) {
    if (!rest->data) return false;
    const uint8_t *end = rest->size ? memchr(rest->data, ';', rest->size) : NULL;
    *part = slice_make(rest->data, end ? (size_t)(end - rest->data) : rest->size);
    *rest = end ? slice_make(end + 1, rest->size - part->size - 1) : slice_make(NULL, 0);
    return true;
}

static enum status add_list(struct graph_rows *rows, const struct graph_column *column, struct slice text,
                            struct error *error) {
    struct slice rest = text, part;
    uint64_t count = 0;
    while (next_part(&rest, &part)) count++;
    enum status status = graph_property_encode_list_head(&rows->values, count);
    rest = text;
    while (status == STATUS_OK && next_part(&rest, &part)) status = add_value(rows, column, part, error);
    return status;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

/* What the fields of one row come to. */
struct row {
    struct slice externals[2]; /* of the node; or of the edge's ends */
    uint32_t labels[GRAPH_LABELS_MAX];
    size_t label_count;
    uint32_t type;
    struct graph_property properties[GRAPH_COLUMNS_MAX]; /* values: offsets in rows->values until all are there */
    size_t property_count;
};

static enum status find_word(struct graph_rows *rows, const struct graph_column *column,
                             enum graph_vocabulary vocabulary, struct slice text, uint32_t *number,
                             struct error *error) {
    if (text.size == 0) return fault(error, column, text, "is no name");
    if (text.size > GRAPH_NAME_MAX_BYTES) return fault(error, column, text, "is too long for a name");
    return graph_words_find(rows->words, &rows->import, vocabulary, text, number);
}

static enum status take_labels(struct graph_rows *rows, const struct graph_column *column, struct slice text,
                               struct row *row, struct error *error) {
    struct slice rest = text, part;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && text.size > 0 && next_part(&rest, &part)) {
        if (row->label_count == GRAPH_LABELS_MAX) return fault(error, column, text, "has too many labels");
        status = find_word(rows, column, GRAPH_LABEL, part, &row->labels[row->label_count++], error);
    }
    return status;
}

/* An id of a space is that of the space, a NUL, and its own bytes. */
static enum status take_external(struct graph_rows *rows, const struct graph_column *column, struct slice text,
                                 struct row *row, struct error *error) {
    const size_t which = column->role == GRAPH_COLUMN_END ? 1 : 0;
    if (text.size == 0) return fault(error, column, text, "is no id");
    if (text.size + column->space.size >= GRAPH_EXTERNAL_MAX_BYTES)
        return fault(error, column, text, "is too long for an id");
    if (column->space.size == 0) {
        row->externals[which] = text;
        return STATUS_OK;
    }
    struct buf *external = &rows->externals[which];
    enum status status = buf_assign(external, column->space);
    if (status == STATUS_OK) status = buf_append_byte(external, 0);
    if (status == STATUS_OK) status = buf_append_slice(external, text);
    row->externals[which] = buf_slice(external);
    return status;
}

static enum status take_property(struct graph_rows *rows, const struct graph_column *column, struct slice text,
                                 struct row *row, struct error *error) {
    if (text.size == 0) return STATUS_OK;
    struct graph_property *property = &row->properties[row->property_count];
    const size_t before = rows->values.size;
    enum status status = find_word(rows, column, GRAPH_KEY, column->name, &property->key, error);
    if (status == STATUS_OK)
        status = column->is_list ? add_list(rows, column, text, error) : add_value(rows, column, text, error);
    property->value = slice_make(NULL, rows->values.size - before);
    row->property_count++;
    return status;
}

static enum status take_field(struct graph_rows *rows, const struct graph_column *column, struct slice text,
                              struct row *row, struct error *error) {
    enum status status;
    switch (column->role) {
    case GRAPH_COLUMN_IGNORED: return STATUS_OK;
    case GRAPH_COLUMN_LABELS: return take_labels(rows, column, text, row, error);
    case GRAPH_COLUMN_TYPE: return find_word(rows, column, GRAPH_TYPE, text, &row->type, error);
    case GRAPH_COLUMN_PROPERTY: return take_property(rows, column, text, row, error);
    default:
        status = take_external(rows, column, text, row, error);
        if (status == STATUS_OK && column->name.size > 0) status = take_property(rows, column, text, row, error);
        return status;
    }
}

static enum status add_row(struct graph_rows *rows, const struct graph_columns *columns, struct row *row) {
    const uint8_t *at = rows->values.data;
    for (size_t i = 0; i < row->property_count; i++) {
        row->properties[i].value.data = at;
        at += row->properties[i].value.size;
    }
    if (columns->is_edges)
        return graph_import_edge(&rows->import, row->externals[0], row->externals[1], row->type, row->properties,
                                 row->property_count);
    return graph_import_node(&rows->import, row->externals[0], row->labels, row->label_count, row->properties,
                             row->property_count);
}

enum status graph_rows_add(struct graph_rows *rows, const struct graph_columns *columns, const struct slice *fields,
                           struct error *error) {
    struct row row; /* large, and mostly not used: not cleared */
    row.label_count = row.property_count = 0;
    row.type = GRAPH_NONE;
    enum status status = STATUS_OK;
    size_t field = 0;
    buf_clear(&rows->values);
    for (size_t i = 0; status == STATUS_OK && i < columns->count; i++) {
        const struct graph_column *column = &columns->items[i];
        status = take_field(rows, column, column->is_constant ? column->constant : fields[field++], &row, error);
        if (status == STATUS_OK && rows->values.size > GRAPH_ROW_MAX_BYTES)
            return error_set(error, STATUS_SYNTAX, "the row is larger than %d bytes", GRAPH_ROW_MAX_BYTES);
    }
    return status == STATUS_OK ? add_row(rows, columns, &row) : status;
}
