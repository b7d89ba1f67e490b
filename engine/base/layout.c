/* layout: see layout.h. Invariant: what is told is what was read; a row that the bytes end in is not told. */
#include "engine/base/layout.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/check.h"

enum { CHECK_BYTES = 8 };

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

size_t layout_index(const struct layout_row *rows, const char *name) {
    size_t i = 0;
    while (rows[i].name && strcmp(rows[i].name, name) != 0) i++;
    check(rows[i].name);
    return i;
}

const struct layout_case *layout_find_case(const struct layout *layout, uint64_t number) {
    for (const struct layout_case *one = layout->cases; one->name; one++)
        if (one->number == number) return one;
    return NULL;
}

const char *layout_name(const struct layout_row *row, uint64_t value) {
    if (row->name_of) return value <= row->names_last ? row->name_of(value) : NULL;
    for (const struct layout_name *one = row->names; one && one->name; one++)
        if (one->value == value) return one->name;
    return NULL;
}

size_t layout_row_size(const struct layout_row *row) {
    switch (row->form) {
    case LAYOUT_U8: return 1;
    case LAYOUT_U16: return 2;
    case LAYOUT_U32:
    case LAYOUT_KEY_U32: return 4;
    case LAYOUT_U64:
    case LAYOUT_KEY_U64: return 8;
    case LAYOUT_BYTES:
    case LAYOUT_ZEROS: return row->size;
    case LAYOUT_CHECK: return row->size ? row->size : CHECK_BYTES;
    case LAYOUT_MAGIC: return strlen(row->text);
    case LAYOUT_TIMES: return row->size * layout_size(row->of);
    default: return 0;
    }
}

size_t layout_size(const struct layout_row *rows) {
    size_t size = 0;
    for (const struct layout_row *row = rows; row->name && layout_row_size(row) && !row->when; row++)
        size += layout_row_size(row);
    return size;
}

size_t layout_offset(const struct layout *layout, const char *name) {
    const size_t end = layout_index(layout->rows, name);
    size_t offset = layout->begins_at;
    for (size_t i = 0; i < end; i++) {
        check(layout_row_size(&layout->rows[i]) && !layout->rows[i].when);
        offset += layout_row_size(&layout->rows[i]);
    }
    return offset;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static bool is_flags(const struct layout_row *row) {
    return row->as == LAYOUT_AS_FLAGS || row->as == LAYOUT_AS_HEX_FLAGS;
}

static uint64_t known_flags(const struct layout_row *row) {
    uint64_t known = 0;
    for (const struct layout_name *one = row->names; one->name; one++) known |= one->value;
    return known;
}

static void flags_words(const struct layout_row *row, uint64_t value, char words[FIELD_WORDS_BYTES]) {
    size_t at = (size_t)snprintf(words, FIELD_WORDS_BYTES, row->as == LAYOUT_AS_FLAGS ? "%" PRIu64 : "%" PRIx64, value);
    if (value) at += (size_t)snprintf(words + at, FIELD_WORDS_BYTES - at, ":");
    for (const struct layout_name *one = row->names; one->name && at < FIELD_WORDS_BYTES; one++)
        if (value & one->value) at += (size_t)snprintf(words + at, FIELD_WORDS_BYTES - at, " %s", one->name);
    if (value & ~known_flags(row) && at < FIELD_WORDS_BYTES)
        snprintf(words + at, FIELD_WORDS_BYTES - at, " and unknown ones");
}

static bool is_signed(const struct layout_row *row) {
    return row->form == LAYOUT_ZIGZAG || row->form == LAYOUT_TIME || row->as == LAYOUT_AS_MS;
}

static void number_words(const struct layout_row *row, uint64_t value, char words[FIELD_WORDS_BYTES]) {
    const char *name = layout_name(row, value);
    if (!name) name = row->other ? row->other : "not known";
    switch (row->as) {
    case LAYOUT_AS_HEX: snprintf(words, FIELD_WORDS_BYTES, "%" PRIx64, value); return;
    case LAYOUT_AS_ID: snprintf(words, FIELD_WORDS_BYTES, "%016" PRIx64, value); return;
    case LAYOUT_AS_NAMED: snprintf(words, FIELD_WORDS_BYTES, "%" PRIu64 ": %s", value, name); return;
    case LAYOUT_AS_NAME: snprintf(words, FIELD_WORDS_BYTES, "%s", name); return;
    case LAYOUT_AS_FLAGS:
    case LAYOUT_AS_HEX_FLAGS: flags_words(row, value, words); return;
    default: break;
    }
    const char *unit = row->as == LAYOUT_AS_MS ? " ms" : "";
    if (is_signed(row))
        snprintf(words, FIELD_WORDS_BYTES, "%" PRId64 "%s", (int64_t)value, unit);
    else
        snprintf(words, FIELD_WORDS_BYTES, "%" PRIu64 "%s", value, unit);
}

static const char *words_of(const struct layout_row *row, uint64_t value, unsigned i, char words[FIELD_WORDS_BYTES]) {
    words[0] = 0;
    if (row->say)
        row->say(value, i, words);
    else
        number_words(row, value, words);
    return words;
}

const char *layout_words(const struct layout_row *row, uint64_t value, char words[FIELD_WORDS_BYTES]) {
    return words_of(row, value, 0, words);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

uint64_t layout_read(const struct layout_row *row, struct fields *fields) {
    struct decoder *decoder = &fields->decoder;
    struct slice bytes;
    switch (row->form) {
    case LAYOUT_U8: return decode_u8(decoder);
    case LAYOUT_U16: bytes = decode_bytes(decoder, 2); return bytes.size ? coding_get_u16(bytes.data) : 0;
    case LAYOUT_U32: return decode_u32(decoder);
    case LAYOUT_U64: return decode_u64(decoder);
    case LAYOUT_KEY_U32: bytes = decode_bytes(decoder, 4); return bytes.size ? coding_get_key_u32(bytes.data) : 0;
    case LAYOUT_KEY_U64: bytes = decode_bytes(decoder, 8); return bytes.size ? coding_get_key_u64(bytes.data) : 0;
    case LAYOUT_VARINT: return decode_varint(decoder);
    case LAYOUT_ZIGZAG:
    case LAYOUT_TIME: return (uint64_t)coding_unzigzag(decode_varint(decoder));
    default: check(false); return 0; /* a row of the table that is no number */
    }
}

/* "LOAMWAL\n" in quotes. */
static const char *magic_words(struct slice bytes, char words[FIELD_WORDS_BYTES]) {
    size_t at = 0;
    words[at++] = '"';
    for (size_t i = 0; i < bytes.size; i++)
        at += (size_t)snprintf(words + at, FIELD_WORDS_BYTES - at, bytes.data[i] == '\n' ? "\\n" : "%c", bytes.data[i]);
    snprintf(words + at, FIELD_WORDS_BYTES - at, "\"");
    return words;
}

static void tell_magic(const struct layout_row *row, struct fields *fields) {
    char words[FIELD_WORDS_BYTES];
    const struct slice magic = slice_from_text(row->text), bytes = decode_bytes(&fields->decoder, magic.size);
    if (fields->decoder.failed) return;
    if (slice_equal(bytes, magic)) {
        fields_tell(fields, row->name, "%s", magic_words(magic, words));
        return;
    }
    fields_tell(fields, row->name, "%s, which it is not", fields_quote(words, bytes));
    fields_fault(fields, "not the magic");
}

static void tell_zeros(const struct layout_row *row, struct fields *fields) {
    const struct slice bytes = decode_bytes(&fields->decoder, row->size);
    bool zero = true;
    for (size_t i = 0; i < bytes.size; i++) zero &= bytes.data[i] == 0;
    fields_tell(fields, row->name, "%s", zero ? row->text ? row->text : "" : "NOT zero");
    if (!zero) fields_fault(fields, "what should be zero is not");
}

static void tell_short(const struct layout_row *row, struct fields *fields) {
    const uint8_t size = fields_u8(fields, "length");
    (void)fields_text(fields, size, row->name);
}

static uint64_t tell_row(const struct layout_row *row, struct fields *fields, unsigned i) {
    char words[FIELD_WORDS_BYTES];
    uint64_t value;
    switch (row->form) {
    case LAYOUT_STRING: return fields_string(fields, row->name).size;
    case LAYOUT_SHORT: tell_short(row, fields); return 0;
    case LAYOUT_BYTES: (void)fields_text(fields, row->size, row->name); return 0;
    case LAYOUT_REST: (void)fields_rest(fields, row->name); return 0;
    case LAYOUT_MAGIC: tell_magic(row, fields); return 0;
    case LAYOUT_ZEROS: tell_zeros(row, fields); return 0;
    case LAYOUT_CHECK:
        (void)decode_bytes(&fields->decoder, layout_row_size(row));
        if (row->say) row->say(0, i, words);
        fields_tell(fields, row->name, "%s", row->say ? words : row->text ? row->text : "");
        return 0;
    default:
        value = layout_read(row, fields);
        fields_tell(fields, row->name, "%s", fields->take ? words_of(row, value, i, words) : "");
        return value;
    }
}

uint64_t layout_tell(const struct layout_row *row, struct fields *fields) {
    return tell_row(row, fields, 0);
}

static void tell_times(const struct layout_row *row, struct fields *fields) {
    for (unsigned i = 0; i < row->size && !fields->decoder.failed; i++)
        for (const struct layout_row *inner = row->of; inner->name; inner++) (void)tell_row(inner, fields, i);
}

/* Something behind the flags is there or not by them. */
static bool has_optional(const struct layout_row *flags) {
    for (const struct layout_row *row = flags; row->name; row++)
        if (row->when) return true;
    return false;
}

bool layout_describe(const struct layout_row *rows, struct fields *fields, uint64_t *values) {
    uint64_t flags = 0;
    if (values) memset(values, 0, LAYOUT_ROWS_MAX * sizeof *values);
    for (size_t i = 0; rows[i].name && rows[i].form != LAYOUT_CODE; i++) {
        uint64_t value = 0;
        if (rows[i].when && !(flags & rows[i].when)) continue;
        if (rows[i].form == LAYOUT_TIMES)
            tell_times(&rows[i], fields);
        else
            value = tell_row(&rows[i], fields, 0);
        check(!values || i < LAYOUT_ROWS_MAX);
        if (values) values[i] = value;
        if (!is_flags(&rows[i])) continue;
        flags = value;
        if (!(flags & ~known_flags(&rows[i])) || !has_optional(&rows[i])) continue;
        fields_fault(fields, "flags that are not known");
        fields->decoder.failed = true; /* nobody knows what follows */
        return false;
    }
    return true;
}
