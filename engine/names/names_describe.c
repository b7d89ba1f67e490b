/* names_describe: rows of the name space, field by field (FORMAT.md); names_decode_row and kin have the last word. */
#include "engine/describe.h"
#include "engine/names/names_format.h"
#include "engine/names/names_layout_format.h"

static void name_key(struct fields *fields) {
    (void)layout_describe(names_key_layout.rows, fields, NULL);
}

static void name_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)key;
    struct name_row row;
    if (form != ROW_VALUE) fields_fault(fields, "rows of names are written whole");
    fields_judge(fields, names_decode_row(fields_left(fields), &row));
    (void)layout_describe(names_row_layout.rows, fields, NULL);
}

static void expiry_key(struct fields *fields) {
    (void)layout_describe(names_expiry_key_layout.rows, fields, NULL);
}

static void expiry_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)fields, (void)key, (void)form; /* empty */
}

static void meta_key(struct fields *fields) {
    const struct slice key = fields_left(fields);
    (void)layout_describe(names_meta_key_layout.rows, fields, NULL);
    if (!slice_equal(key, names_count_key())) fields_fault(fields, "not a row of the name space");
}

static void meta_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)key;
    if (form != ROW_VALUE) fields_fault(fields, "the count is written whole");
    (void)layout_describe(names_meta_row_layout.rows, fields, NULL);
}

const struct row_describer names_describers[] = {
    {KIND_NAMES, "names", name_key, name_value},
    {KIND_NAMES_EXPIRY, "names.expiry", expiry_key, expiry_value},
    {KIND_NAMES_META, "names.meta", meta_key, meta_value},
};
const size_t names_describer_count = sizeof names_describers / sizeof names_describers[0];
