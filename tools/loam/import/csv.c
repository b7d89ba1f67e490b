/* csv: see csv.h. */
#include "tools/loam/import/csv.h"

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

static struct slice trim(struct slice text) {
    while (text.size && is_blank(text.data[0])) text = slice_from(text, 1);
    while (text.size && is_blank(text.data[text.size - 1])) text.size--;
    return text;
}

/* Takes a quoted field, whose first quote is gone, off the front. Its bytes go to csv->text, which has room. */
static enum status take_quoted(struct csv_line *csv, struct slice *rest, struct slice *field) {
    const size_t start = csv->text.size;
    for (;;) {
        const uint8_t *quote = rest->size ? memchr(rest->data, '"', rest->size) : NULL;
        if (!quote) return STATUS_SYNTAX;
        const size_t size = (size_t)(quote - rest->data);
        enum status status = buf_append(&csv->text, rest->data, size);
        if (status != STATUS_OK) return status;
        *rest = slice_from(*rest, size + 1);
        if (rest->size == 0 || rest->data[0] != '"') break;
        status = buf_append_byte(&csv->text, '"');
        if (status != STATUS_OK) return status;
        *rest = slice_from(*rest, 1);
    }
    *field = slice_make(csv->text.data + start, csv->text.size - start);
    while (rest->size && is_blank(rest->data[0])) *rest = slice_from(*rest, 1);
    return rest->size == 0 || rest->data[0] == ',' ? STATUS_OK : STATUS_SYNTAX;
}

enum status csv_split(struct csv_line *csv, struct slice line) {
    csv->count = 0;
    buf_clear(&csv->text);
    enum status status = buf_reserve(&csv->text, line.size); /* so that fields do not move while it grows */
    for (bool more = true; status == STATUS_OK && more;) {
        if (csv->count == csv->capacity) return STATUS_TOO_LARGE;
        struct slice *field = &csv->fields[csv->count++];
        while (line.size && is_blank(line.data[0])) line = slice_from(line, 1);
        if (line.size && line.data[0] == '"') {
            line = slice_from(line, 1);
            status = take_quoted(csv, &line, field);
        } else {
            const uint8_t *comma = line.size ? memchr(line.data, ',', line.size) : NULL;
            const size_t size = comma ? (size_t)(comma - line.data) : line.size;
            *field = trim(slice_make(line.data, size));
            line = slice_from(line, size);
        }
        more = status == STATUS_OK && line.size > 0;
        if (more) line = slice_from(line, 1); /* the comma */
    }
    return status;
}
