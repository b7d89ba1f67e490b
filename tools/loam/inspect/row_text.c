/* row_text: see row_text.h. Notes about the whole stand in brackets; lengths of strings, which the strings show, are
 * left out, and so is what comes behind LINE_FIELDS_MAX fields. */
#include "tools/loam/inspect/row_text.h"

enum { LINE_FIELDS_MAX = 40 };

struct line {
    struct buf *to;
    enum status status;
    bool goes_on;
    uint64_t count; /* fields so far, but for notes */
};

static void add_field(void *context, struct slice bytes, const char *name, const char *words) {
    struct line *line = context;
    if (line->status != STATUS_OK) return;
    const bool note = bytes.size == 0;
    if (strcmp(name, "length") == 0) return;
    if (!note && ++line->count > LINE_FIELDS_MAX) return;
    line->status = buf_append_format(line->to, "%s%s%s%s%s%s", line->goes_on ? ", " : "", note ? "[" : "", name,
                                     *words ? " " : "", words, note ? "]" : "");
    line->goes_on = true;
}

static enum status end_line(const struct line *line) {
    if (line->status != STATUS_OK || line->count <= LINE_FIELDS_MAX) return line->status;
    return buf_append_format(line->to, ", and %llu fields more", (unsigned long long)(line->count - LINE_FIELDS_MAX));
}

static enum status append_quoted(struct buf *to, struct slice bytes) {
    char text[FIELD_WORDS_BYTES];
    return buf_append_format(to, "%s", fields_quote(text, bytes));
}

enum status key_text_append(struct buf *to, const struct row_describer *rows, struct slice key, const char **fault) {
    struct line line = {.to = to};
    if (fault) *fault = NULL;
    if (!rows) return append_quoted(to, key);
    struct fields fields = fields_make(key, add_field, &line);
    rows->key(&fields);
    (void)fields_end(&fields);
    if (fault) *fault = fields.fault;
    return end_line(&line);
}

enum status row_text_append(struct buf *to, const struct row_describer *rows, struct slice key, struct slice value,
                            enum row_form form, const char **fault) {
    struct line line = {.to = to};
    enum status status = key_text_append(to, rows, key, fault);
    if (status == STATUS_OK && value.size) status = buf_append_format(to, " -> ");
    if (status != STATUS_OK) return status;
    if (!rows) return value.size ? append_quoted(to, value) : STATUS_OK;
    struct fields fields = fields_make(value, add_field, &line);
    rows->value(&fields, key, form);
    (void)fields_end(&fields);
    if (fault && !*fault) *fault = fields.fault;
    return end_line(&line);
}

const char *row_fault(const struct row_describer *rows, struct slice key, const struct slice *value,
                      enum row_form form) {
    struct fields fields = fields_make(key, NULL, NULL);
    rows->key(&fields);
    if (!fields_end(&fields)) return fields.fault;
    if (!value) return NULL;
    fields = fields_make(*value, NULL, NULL);
    rows->value(&fields, key, form);
    (void)fields_end(&fields);
    return fields.fault;
}
