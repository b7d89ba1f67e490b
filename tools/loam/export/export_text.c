/* export_text: see export_text.h. */
#include "tools/loam/export/export_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "engine/base/decimal.h"

#define REPLACEMENT 0xFFFDu

/* ---- Characters -------------------------------------------------------------------------------------------------- */

/* Takes the next character off; a byte that begins none is REPLACEMENT and *bad. */
static uint32_t next_character(struct slice *text, struct slice *bytes, bool *bad) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = text->data[0];
    const size_t size = first < 0x80                    ? 1
                        : first >= 0xF0 && first < 0xF8 ? 4
                        : first >= 0xE0                 ? 3
                        : first >= 0xC0                 ? 2
                                                        : 0;
    uint32_t code = size == 1 ? first : size == 2 ? first & 0x1Fu : size == 3 ? first & 0x0Fu : first & 0x07u;
    bool good = size > 0 && size <= text->size && first < 0xF8;
    for (size_t i = 1; good && i < size; i++) {
        good = (text->data[i] & 0xC0) == 0x80;
        code = code << 6 | (text->data[i] & 0x3Fu);
    }
    good = good && code >= least[size] && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
    *bytes = slice_make(text->data, good ? size : 1);
    *text = slice_from(*text, bytes->size);
    *bad = !good;
    return good ? code : REPLACEMENT;
}

static enum status put_replacement(struct buf *to, uint64_t *replaced) {
    ++*replaced;
    return buf_append(to, "\xEF\xBF\xBD", 3);
}

enum status export_text_xml(struct buf *to, struct slice text, uint64_t *replaced) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && text.size > 0) {
        struct slice bytes;
        bool bad;
        const uint32_t code = next_character(&text, &bytes, &bad);
        const bool is_blank = code == '\t' || code == '\n' || code == '\r';
        if (bad || (code < 0x20 && !is_blank) || code == 0xFFFE || code == 0xFFFF)
            status = put_replacement(to, replaced);
        else if (is_blank || code == '&' || code == '<' || code == '>' || code == '"')
            status = buf_append_format(to, "&#%" PRIu32 ";", code);
        else
            status = buf_append_slice(to, bytes);
    }
    return status;
}

/* Graphviz reads a backslash and what follows as a command, and "&...;" as a character, in every label. */
enum status export_text_dot(struct buf *to, struct slice text, uint64_t *replaced) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && text.size > 0) {
        struct slice bytes;
        bool bad;
        const uint32_t code = next_character(&text, &bytes, &bad);
        if (bad || code == 0)
            status = put_replacement(to, replaced);
        else if (code == '\n')
            status = buf_append(to, "\\n", 2);
        else if (code == '&')
            status = buf_append(to, "&amp;", 5);
        else if (code == '"' || code == '\\')
            status = buf_append_format(to, "\\%c", (int)code);
        else
            status = buf_append_slice(to, bytes);
    }
    return status;
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static enum status put_double(struct buf *to, double number) {
    char digits[DECIMAL_DIGITS_MAX];
    int exponent;
    if (isnan(number)) return buf_append(to, "NaN", 3);
    if (isinf(number)) return buf_append_format(to, "%sINF", number < 0 ? "-" : "");
    const int count = number == 0 ? 1 : (int)decimal_shortest(fabs(number), digits, &exponent);
    return buf_append_format(to, "%.*g", count, number);
}

static enum status put_json_string(struct buf *to, struct slice text) {
    enum status status = buf_append_byte(to, '"');
    for (size_t i = 0; status == STATUS_OK && i < text.size; i++) {
        const uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\')
            status = buf_append_format(to, "\\%c", byte);
        else if (byte < 0x20)
            status = buf_append_format(to, "\\u%04x", byte);
        else
            status = buf_append_byte(to, byte);
    }
    return status == STATUS_OK ? buf_append_byte(to, '"') : status;
}

static enum status put_list(struct buf *to, const struct resp_reply *list) {
    enum status status = buf_append_byte(to, '[');
    for (size_t i = 0; status == STATUS_OK && i < list->count; i++) {
        const struct resp_reply *item = &list->elements[i];
        if (i > 0) status = buf_append(to, ", ", 2);
        if (status == STATUS_OK)
            status = item->type == RESP_BULK ? put_json_string(to, item->text) : export_text_value(to, item);
    }
    return status == STATUS_OK ? buf_append_byte(to, ']') : status;
}

enum status export_text_value(struct buf *to, const struct resp_reply *value) {
    switch (value->type) {
    case RESP_BOOL: return buf_append_format(to, "%s", value->integer ? "true" : "false");
    case RESP_INTEGER: return buf_append_format(to, "%" PRId64, value->integer);
    case RESP_DOUBLE: return put_double(to, value->number);
    case RESP_ARRAY: return put_list(to, value);
    default: return buf_append_slice(to, value->text);
    }
}
