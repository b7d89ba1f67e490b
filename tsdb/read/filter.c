/* filter: see filter.h; and the text of a filter. */
#include "tsdb/read/filter.h"

static bool is_among(struct slice value, const struct tsdb_filter *filter) {
    for (size_t i = 0; i < filter->value_count; i++)
        if (slice_equal(value, filter->values[i])) return true;
    return false;
}

bool filter_matches(const struct tsdb_filter *filter, struct series_row row) {
    bool has_label = false, has_value = false;
    for (size_t i = 0; i < row.settings.label_count; i++) {
        struct tsdb_label label = series_row_next_label(&row);
        if (!slice_equal(label.name, filter->label)) continue;
        has_label = true;
        has_value |= is_among(label.value, filter);
    }
    if (filter->value_count == 0) return filter->negated ? has_label : !has_label;
    return filter->negated ? !has_value : has_value;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static struct slice take_front(struct slice *text, size_t size) {
    struct slice front = slice_make(text->data, size);
    *text = slice_from(*text, size);
    return front;
}

static size_t index_of(struct slice text, uint8_t byte) {
    const uint8_t *found = text.size ? memchr(text.data, byte, text.size) : NULL;
    return found ? (size_t)(found - text.data) : text.size;
}

/* Takes a value up to a comma or the end, or one in double quotes, which may hold commas. */
static bool take_value(struct slice *text, struct slice *value) {
    if (text->size && text->data[0] == '"') {
        *text = slice_from(*text, 1);
        size_t size = index_of(*text, '"');
        if (size == text->size) return false;
        *value = take_front(text, size);
        *text = slice_from(*text, 1);
        return text->size == 0 || text->data[0] == ',';
    }
    *value = take_front(text, index_of(*text, ','));
    return true;
}

static enum status parse_list(struct slice text, struct arena *arena, struct tsdb_filter *filter) {
    size_t most = 1;
    for (size_t i = 0; i < text.size; i++) most += text.data[i] == ',';
    struct slice *values = arena_alloc(arena, most * sizeof *values, _Alignof(struct slice));
    if (!values) return STATUS_NO_MEMORY;
    filter->values = values;
    for (;;) {
        struct slice value;
        if (!take_value(&text, &value) || value.size == 0) return STATUS_SYNTAX;
        values[filter->value_count++] = value;
        if (text.size == 0) return STATUS_OK;
        text = slice_from(text, 1);
    }
}

static enum status parse_single(struct slice text, struct arena *arena, struct tsdb_filter *filter) {
    if (text.size == 0) return STATUS_OK;
    if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
        text = slice_make(text.data + 1, text.size - 2);
    struct slice *value = arena_copy(arena, &text, sizeof text);
    if (!value) return STATUS_NO_MEMORY;
    filter->values = value;
    filter->value_count = 1;
    return STATUS_OK;
}

enum status tsdb_filter_parse(struct slice text, struct arena *arena, struct tsdb_filter *filter) {
    *filter = (struct tsdb_filter){0};
    size_t equals = index_of(text, '=');
    if (equals == text.size) return STATUS_SYNTAX;
    filter->negated = equals > 0 && text.data[equals - 1] == '!';
    filter->label = slice_make(text.data, equals - filter->negated);
    if (filter->label.size == 0) return STATUS_SYNTAX;
    struct slice rest = slice_from(text, equals + 1);
    bool is_list = rest.size > 0 && rest.data[0] == '(';
    if (!is_list) return parse_single(rest, arena, filter);
    if (rest.size < 3 || rest.data[rest.size - 1] != ')') return STATUS_SYNTAX;
    return parse_list(slice_make(rest.data + 1, rest.size - 2), arena, filter);
}
