/*
 * edit_describe: an edit field by field, for tools, by the tables of FORMAT.md (lsm_layout_format.h); edit.c reads the
 * same bytes.
 */
#include <inttypes.h>

#include "engine/lsm/edit.h"
#include "engine/lsm/edit_format.h"
#include "engine/lsm/lsm_layout_format.h"

static void describe_attributes(struct fields *fields) {
    const struct layout_row *which = layout_row(&edit_attribute_layout, "attribute");
    const struct layout_row *value = layout_row(&edit_attribute_layout, "attribute's value");
    while (!fields->decoder.failed && decoder_left(&fields->decoder) > 0) {
        const uint64_t attribute = layout_read(which, fields);
        const struct layout_case *known = layout_find_case(&edit_attribute_value_layout, attribute);
        fields_tell(fields, which->name, "%" PRIu64 ": %s", attribute, known ? known->name : "not known");
        (void)layout_tell(value, fields);
    }
}

static void describe_body(struct fields *fields, void *context) {
    const struct layout_case *body = context;
    const bool extended = body->number == FIELD_FILE_EXTENDED;
    if (extended) body = layout_find_case(&edit_body_layout, FIELD_FILE_ADDED);
    (void)layout_describe(body->rows, fields, NULL);
    if (extended) describe_attributes(fields);
}

static void describe_field(struct fields *fields) {
    const struct layout_row *row = layout_row(&edit_field_layout, "field");
    const uint64_t tag = layout_read(row, fields), number = tag >> 1;
    const struct layout_case *body = layout_find_case(&edit_body_layout, number);
    fields_tell(fields, row->name, "%" PRIu64 ": %s%s", number, body ? body->name : "not known",
                tag & 1 ? "" : ", may be passed over");
    const uint64_t size = layout_tell(layout_row(&edit_field_layout, "length"), fields);
    if (body)
        fields_describe(fields, decode_bytes(&fields->decoder, (size_t)size), describe_body, (void *)(uintptr_t)body);
    else
        (void)fields_text(fields, (size_t)size, layout_row(&edit_field_layout, "body")->name);
}

void edit_describe(struct fields *fields) {
    (void)layout_describe(edit_layout.rows, fields, NULL);
    while (!fields->decoder.failed && decoder_left(&fields->decoder) > 0) describe_field(fields);
    (void)fields_end(fields);
}
