/* reply_text: see reply_text.h. Nesting is bounded by the parser (RESP_REPLY_MAX_DEPTH). */
#include "tools/loam/reply_text.h"

#include <inttypes.h>

enum { INDENT_MAX = RESP_REPLY_MAX_DEPTH * 12 };

static enum status append_text(struct buf *to, const char *text) {
    return buf_append_slice(to, slice_from_text(text));
}

/* ---- Quoting ----------------------------------------------------------------------------------------------------- */

static enum status quote_byte(struct buf *to, uint8_t byte) {
    static const struct {
        uint8_t byte;
        const char *text;
    } escapes[] = {{'\\', "\\\\"}, {'"', "\\\""}, {'\n', "\\n"}, {'\r', "\\r"},
                   {'\t', "\\t"},  {'\a', "\\a"}, {'\b', "\\b"}};
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
        if (escapes[i].byte == byte) return append_text(to, escapes[i].text);
    if (byte >= 0x20 && byte < 0x7f) return buf_append_byte(to, byte);
    return buf_append_format(to, "\\x%02x", byte);
}

enum status reply_text_quote(struct buf *to, struct slice bytes) {
    enum status status = buf_append_byte(to, '"');
    for (size_t i = 0; status == STATUS_OK && i < bytes.size; i++) status = quote_byte(to, bytes.data[i]);
    return status == STATUS_OK ? buf_append_byte(to, '"') : status;
}

/* ---- For people -------------------------------------------------------------------------------------------------- */

static enum status people(struct buf *to, const struct resp_reply *reply, int indent);

static enum status empty_aggregate(struct buf *to, enum resp_type type) {
    const char *kind = type == RESP_MAP ? "hash" : type == RESP_SET ? "set" : type == RESP_PUSH ? "push" : "array";
    return buf_append_format(to, "(empty %s)\n", kind);
}

static int count_digits(size_t number) {
    int digits = 1;
    while (number /= 10) digits++;
    return digits;
}

/* "1) ", "1# " ...; the first element stands on its parent's line. */
static enum status people_elements(struct buf *to, const struct resp_reply *reply, int indent) {
    const bool map = reply->type == RESP_MAP;
    const char mark = map ? '#' : reply->type == RESP_SET ? '~' : reply->type == RESP_PUSH ? '>' : ')';
    const int digits = count_digits(map ? reply->count / 2 : reply->count);
    const int inner = indent + digits + 2 < INDENT_MAX ? indent + digits + 2 : INDENT_MAX;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < reply->count; i++) {
        const size_t number = (map ? i / 2 : i) + 1;
        status = buf_append_format(to, "%*s%*zu%c ", i == 0 ? 0 : indent, "", digits, number, mark);
        if (status == STATUS_OK) status = people(to, &reply->elements[i], inner);
        if (status != STATUS_OK || !map) continue;
        to->size--; /* the line end behind the key */
        status = append_text(to, " => ");
        if (status == STATUS_OK) status = people(to, &reply->elements[++i], inner);
    }
    return status;
}

static enum status people(struct buf *to, const struct resp_reply *reply, int indent) {
    enum status status;
    switch (reply->type) {
    case RESP_INTEGER: return buf_append_format(to, "(integer) %" PRId64 "\n", reply->integer);
    case RESP_DOUBLE: return buf_append_format(to, "(double) %.17g\n", reply->number);
    case RESP_NULL: return append_text(to, "(nil)\n");
    case RESP_BOOL: return append_text(to, reply->integer ? "(true)\n" : "(false)\n");
    case RESP_ARRAY:
    case RESP_MAP:
    case RESP_SET:
    case RESP_PUSH: return reply->count == 0 ? empty_aggregate(to, reply->type) : people_elements(to, reply, indent);
    case RESP_ERROR:
        status = append_text(to, "(error) ");
        if (status == STATUS_OK) status = buf_append_slice(to, reply->text);
        break;
    case RESP_BULK: status = reply_text_quote(to, reply->text); break;
    default: status = buf_append_slice(to, reply->text); break;
    }
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}

enum status reply_text_for_people(struct buf *to, const struct resp_reply *reply) {
    return people(to, reply, 0);
}

/* ---- Raw --------------------------------------------------------------------------------------------------------- */

/* Without the line end. */
static enum status raw(struct buf *to, const struct resp_reply *reply) {
    enum status status = STATUS_OK;
    switch (reply->type) {
    case RESP_INTEGER: return buf_append_format(to, "%" PRId64, reply->integer);
    case RESP_DOUBLE: return buf_append_format(to, "%.17g", reply->number);
    case RESP_NULL: return STATUS_OK;
    case RESP_BOOL: return append_text(to, reply->integer ? "(true)" : "(false)");
    case RESP_ARRAY:
    case RESP_MAP:
    case RESP_SET:
    case RESP_PUSH:
        for (size_t i = 0; status == STATUS_OK && i < reply->count; i++) {
            if (i > 0) status = buf_append_byte(to, reply->type == RESP_MAP && i % 2 ? ' ' : '\n');
            if (status == STATUS_OK) status = raw(to, &reply->elements[i]);
        }
        return status;
    default: return buf_append_slice(to, reply->text);
    }
}

enum status reply_text_raw(struct buf *to, const struct resp_reply *reply) {
    enum status status = raw(to, reply);
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}
