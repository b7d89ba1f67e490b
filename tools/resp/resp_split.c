/*
 * resp_split: words of an inline command. The rules are those of Redis' sdssplitargs; its one invariant here: nothing
 * is read past the line, and on failure neither position nor text has moved.
 */
#include "tools/resp/resp_split.h"

enum { AT_END = -1 };

static int byte_at(struct slice line, size_t position) {
    return position < line.size ? line.data[position] : AT_END;
}

static bool is_blank(int byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static int hex_value(int byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

static uint8_t unescape(int byte) {
    switch (byte) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return (uint8_t)byte;
    }
}

/* One byte, perhaps escaped, of a double-quoted part; *position is behind it afterwards. */
static uint8_t read_double_quoted(struct slice line, size_t *position) {
    size_t at = *position;
    if (line.data[at] != '\\' || at + 1 == line.size) {
        *position = at + 1;
        return line.data[at];
    }
    int high = hex_value(byte_at(line, at + 2));
    int low = hex_value(byte_at(line, at + 3));
    if (line.data[at + 1] == 'x' && high >= 0 && low >= 0) {
        *position = at + 4;
        return (uint8_t)(high << 4 | low);
    }
    *position = at + 2;
    return unescape(line.data[at + 1]);
}

static uint8_t read_single_quoted(struct slice line, size_t *position) {
    size_t at = *position;
    bool escaped = line.data[at] == '\\' && byte_at(line, at + 1) == '\'';
    *position = at + (escaped ? 2 : 1);
    return escaped ? '\'' : line.data[at];
}

/* The quoted part that `*position` (behind the opening quote) begins, up to and with its closing quote. */
static enum status read_quoted(struct slice line, uint8_t quote, size_t *position, struct buf *text) {
    size_t at = *position;
    while (at < line.size && line.data[at] != quote) {
        uint8_t byte = quote == '"' ? read_double_quoted(line, &at) : read_single_quoted(line, &at);
        enum status status = buf_append_byte(text, byte);
        if (status != STATUS_OK) return status;
    }
    if (at == line.size) return STATUS_SYNTAX;
    int behind = byte_at(line, at + 1);
    if (behind != AT_END && !is_blank(behind)) return STATUS_SYNTAX;
    *position = at + 1;
    return STATUS_OK;
}

static bool ends_word(int byte) {
    return byte == AT_END || byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static enum status read_word(struct slice line, size_t *position, struct buf *text) {
    while (!ends_word(byte_at(line, *position))) {
        uint8_t byte = line.data[(*position)++];
        if (byte == '"' || byte == '\'') return read_quoted(line, byte, position, text);
        enum status status = buf_append_byte(text, byte);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

enum status resp_split_next(struct slice line, size_t *position, struct buf *text) {
    size_t at = *position;
    size_t size_before = text->size;
    while (is_blank(byte_at(line, at))) at++;
    if (at >= line.size) return STATUS_END;
    enum status status = read_word(line, &at, text);
    if (status == STATUS_OK) {
        *position = at;
    } else {
        text->size = size_before;
    }
    return status;
}
