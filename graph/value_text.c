/* value_text: values as text. */
#include "graph/value_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

size_t value_float_text(double number, char text[VALUE_FLOAT_TEXT_BYTES]) {
    /* printf writes the sign of a NaN, which means nothing. */
    return (size_t)snprintf(text, VALUE_FLOAT_TEXT_BYTES, "%.15g", isnan(number) ? fabs(number) : number);
}

static enum status print_items(struct buf *to, struct value value) {
    enum status status = buf_append_byte(to, '[');
    for (size_t i = 0; i < value.list.count && status == STATUS_OK; i++) {
        if (i > 0) status = buf_append(to, ", ", 2);
        if (status == STATUS_OK) status = value_print(to, value.list.items[i]);
    }
    return status == STATUS_OK ? buf_append_byte(to, ']') : status;
}

static enum status print_map(struct buf *to, struct value value) {
    enum status status = buf_append_byte(to, '{');
    for (size_t i = 0; i < value.map.count && status == STATUS_OK; i++) {
        if (i > 0) status = buf_append(to, ", ", 2);
        if (status == STATUS_OK) status = buf_append_slice(to, value.map.entries[i].key);
        if (status == STATUS_OK) status = buf_append(to, ": ", 2);
        if (status == STATUS_OK) status = value_print(to, value.map.entries[i].value);
    }
    return status == STATUS_OK ? buf_append_byte(to, '}') : status;
}

enum status value_print(struct buf *to, struct value value) {
    char text[VALUE_FLOAT_TEXT_BYTES];
    switch ((enum value_type)value.type) {
    case VALUE_BOOLEAN: return buf_append_slice(to, slice_from_text(value.boolean ? "true" : "false"));
    case VALUE_INTEGER: return buf_append_format(to, "%" PRId64, value.integer);
    case VALUE_FLOAT: return buf_append(to, text, value_float_text(value.number, text));
    case VALUE_STRING: return buf_append_slice(to, value.text);
    case VALUE_NODE: return buf_append_format(to, "(%" PRIu64 ")", value.node);
    case VALUE_EDGE: return buf_append_format(to, "[%" PRIu64 "]", value.edge.id);
    case VALUE_LIST:
    case VALUE_PATH: return print_items(to, value);
    case VALUE_MAP: return print_map(to, value);
    default: return buf_append_slice(to, slice_from_text("NULL"));
    }
}
