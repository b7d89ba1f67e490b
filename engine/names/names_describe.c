/* names_describe: rows of the name space, field by field (FORMAT.md); names_decode_row and kin have the last word. */
#include <inttypes.h>

#include "engine/describe.h"
#include "engine/names/names_format.h"

static const char *type_text(uint8_t type) {
    static const char *const texts[] = {[NAME_STRING] = "string", [NAME_SERIES] = "series", [NAME_GRAPH] = "graph"};
    return type < sizeof texts / sizeof texts[0] && texts[type] ? texts[type] : "of a store that is not known";
}

static void name_key(struct fields *fields) {
    const struct slice hash = decode_bytes(&fields->decoder, NAMES_HASH_BYTES);
    fields_tell(fields, "hash of the name", "%016" PRIx64, hash.size ? coding_get_key_u64(hash.data) : 0);
    (void)fields_rest(fields, "name");
}

static void name_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)key;
    struct name_row row;
    if (form != ROW_VALUE) fields_fault(fields, "rows of names are written whole");
    fields_judge(fields, names_decode_row(fields_left(fields), &row));
    const uint8_t type = decode_u8(&fields->decoder);
    fields_tell(fields, "type", "%u: %s", type, type_text(type));
    const uint8_t flags = decode_u8(&fields->decoder);
    fields_tell(fields, "flags", "%u%s%s%s%s", flags, flags ? ":" : "", flags & NAME_ROW_HAS_EXPIRY ? " expiry" : "",
                flags & NAME_ROW_HAS_OBJECT ? " object" : "", flags & ~NAME_ROW_KNOWN_FLAGS ? " and unknown ones" : "");
    if (flags & ~NAME_ROW_KNOWN_FLAGS) return;
    if (flags & NAME_ROW_HAS_EXPIRY) (void)fields_u64(fields, "expires at ms");
    if (flags & NAME_ROW_HAS_OBJECT) (void)fields_varint(fields, "object");
    (void)fields_rest(fields, "value");
}

static void expiry_key(struct fields *fields) {
    (void)fields_key_u64(fields, "expires at ms");
    (void)fields_rest(fields, "name");
}

static void expiry_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)fields, (void)key, (void)form; /* empty */
}

static void meta_key(struct fields *fields) {
    const struct slice key = fields_rest(fields, "what");
    if (!slice_equal(key, names_count_key())) fields_fault(fields, "not a row of the name space");
}

static void meta_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)key;
    if (form != ROW_VALUE) fields_fault(fields, "the count is written whole");
    (void)fields_u64(fields, "names");
}

const struct row_describer names_describers[] = {
    {KIND_NAMES, "names", name_key, name_value},
    {KIND_NAMES_EXPIRY, "names.expiry", expiry_key, expiry_value},
    {KIND_NAMES_META, "names.meta", meta_key, meta_value},
};
const size_t names_describer_count = sizeof names_describers / sizeof names_describers[0];
