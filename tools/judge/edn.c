/* edn: see edn.h. Invariant: `open` holds the closing bracket of each level that was entered. */
#include "tools/judge/edn.h"

void edn_reader_init(struct edn_reader *reader, struct slice input) {
    *reader = (struct edn_reader){.input = input, .line = 1, .at_line = 1};
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == ',' || byte == '\f';
}

static bool is_bracket(uint8_t byte) {
    return byte == '(' || byte == ')' || byte == '[' || byte == ']' || byte == '{' || byte == '}';
}

static bool ends_word(uint8_t byte) {
    return is_blank(byte) || is_bracket(byte) || byte == '"' || byte == ';';
}

static void skip_blanks(struct edn_reader *reader) {
    bool comment = false;
    for (; reader->at < reader->input.size; reader->at++) {
        const uint8_t byte = reader->input.data[reader->at];
        if (byte == '\n') {
            reader->at_line++;
            comment = false;
        } else if (byte == ';') {
            comment = true;
        } else if (!comment && !is_blank(byte)) {
            return;
        }
    }
}

static enum status open_bracket(struct edn_reader *reader, uint8_t close, struct edn_word *word, size_t begin) {
    if (reader->depth == EDN_DEPTH_MAX) return STATUS_SYNTAX;
    reader->open[reader->depth++] = close;
    *word = (struct edn_word){.kind = EDN_OPEN, .text = slice_make(reader->input.data + begin, 1)};
    return STATUS_OK;
}

static enum status read_string(struct edn_reader *reader, struct edn_word *word) {
    const size_t begin = reader->at;
    const uint8_t *data = reader->input.data;
    while (reader->at < reader->input.size && data[reader->at] != '"') {
        reader->at_line += data[reader->at] == '\n';
        reader->at += data[reader->at] == '\\' ? 2 : 1;
    }
    if (reader->at >= reader->input.size) return STATUS_SYNTAX;
    *word = (struct edn_word){.kind = EDN_STRING, .text = slice_make(data + begin, reader->at++ - begin)};
    return STATUS_OK;
}

/* A character may be a bracket: \( */
static void read_word(struct edn_reader *reader, struct edn_word *word, size_t begin) {
    const uint8_t *data = reader->input.data;
    if (data[begin] == '\\' && reader->at < reader->input.size) reader->at++;
    while (reader->at < reader->input.size && !ends_word(data[reader->at])) reader->at++;
    const bool keyword = data[begin] == ':';
    *word = (struct edn_word){.kind = keyword ? EDN_KEYWORD : EDN_WORD,
                              .text = slice_make(data + begin + keyword, reader->at - begin - keyword)};
}

static enum status read_one(struct edn_reader *reader, struct edn_word *word) {
    const size_t begin = reader->at++;
    reader->line = reader->at_line;
    const uint8_t byte = reader->input.data[begin];
    switch (byte) {
    case '{': return open_bracket(reader, '}', word, begin);
    case '[': return open_bracket(reader, ']', word, begin);
    case '(': return open_bracket(reader, ')', word, begin);
    case '"': return read_string(reader, word);
    case '}':
    case ']':
    case ')':
        if (reader->depth == 0 || reader->open[--reader->depth] != byte) return STATUS_SYNTAX;
        *word = (struct edn_word){.kind = EDN_CLOSE, .text = slice_make(reader->input.data + begin, 1)};
        return STATUS_OK;
    default: read_word(reader, word, begin); return STATUS_OK;
    }
}

/* Passes over a value that is discarded, and discards before it. Values within it may be discarded too: the words that
 * they take are counted, not stacked. */
static enum status discard(struct edn_reader *reader) {
    const unsigned depth = reader->depth;
    uint64_t values = 1;
    while (values > 0) {
        struct edn_word word;
        skip_blanks(reader);
        if (reader->at == reader->input.size) return STATUS_SYNTAX;
        const struct slice rest = slice_from(reader->input, reader->at);
        if (slice_has_prefix(rest, slice_from_text("#_"))) {
            reader->at += 2;
            values += reader->depth == depth;
            continue;
        }
        if (rest.data[0] == '#' && rest.size > 1 && rest.data[1] == '{') {
            reader->at++;
            continue;
        }
        const enum status status = read_one(reader, &word);
        if (status != STATUS_OK || reader->depth < depth) return STATUS_SYNTAX;
        const bool tag = word.kind == EDN_WORD && word.text.data[0] == '#';
        values -= reader->depth == depth && !tag;
    }
    return STATUS_OK;
}

enum status edn_next(struct edn_reader *reader, struct edn_word *word) {
    for (;;) {
        skip_blanks(reader);
        if (reader->at == reader->input.size) {
            *word = (struct edn_word){.kind = EDN_END};
            return reader->depth == 0 ? STATUS_OK : STATUS_SYNTAX;
        }
        const struct slice rest = slice_from(reader->input, reader->at);
        if (slice_has_prefix(rest, slice_from_text("#_"))) {
            reader->at += 2;
            const enum status status = discard(reader);
            if (status != STATUS_OK) return status;
            continue;
        }
        if (rest.data[0] == '#' && rest.size > 1 && rest.data[1] == '{') {
            reader->at += 2;
            return open_bracket(reader, '}', word, reader->at - 2);
        }
        const enum status status = read_one(reader, word);
        if (status != STATUS_OK) return status;
        if (word->kind != EDN_WORD || word->text.data[0] != '#')
            return STATUS_OK; /* else a tag: what it stands before */
    }
}

enum status edn_skip(struct edn_reader *reader, struct edn_word word) {
    if (word.kind == EDN_CLOSE || word.kind == EDN_END) return STATUS_SYNTAX;
    if (word.kind != EDN_OPEN) return STATUS_OK;
    const unsigned outside = reader->depth - 1;
    while (reader->depth > outside) {
        const enum status status = edn_next(reader, &word);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static bool hex_digit(uint8_t byte, unsigned *value) {
    if (byte >= '0' && byte <= '9')
        *value = *value * 16 + (unsigned)(byte - '0');
    else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
        *value = *value * 16 + (unsigned)((byte | 0x20) - 'a' + 10);
    else
        return false;
    return true;
}

/* \uXXXX: up to 00ff a byte, as edn_string_write makes it; above, UTF-8. */
static enum status append_code(struct buf *to, struct slice digits) {
    unsigned code = 0;
    if (digits.size < 4) return STATUS_SYNTAX;
    for (int i = 0; i < 4; i++)
        if (!hex_digit(digits.data[i], &code)) return STATUS_SYNTAX;
    if (code < 0x100) return buf_append_byte(to, (uint8_t)code);
    enum status status = code < 0x800 ? buf_append_byte(to, (uint8_t)(0xc0 | code >> 6))
                                      : buf_append_byte(to, (uint8_t)(0xe0 | code >> 12));
    if (status == STATUS_OK && code >= 0x800) status = buf_append_byte(to, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
    return status == STATUS_OK ? buf_append_byte(to, (uint8_t)(0x80 | (code & 0x3f))) : status;
}

enum status edn_string_append(struct buf *to, struct slice text) {
    static const char names[] = "tnrbf\"\\", means[] = "\t\n\r\b\f\"\\";
    enum status status = STATUS_OK;
    for (size_t at = 0; at < text.size && status == STATUS_OK; at++) {
        if (text.data[at] != '\\') {
            status = buf_append_byte(to, text.data[at]);
            continue;
        }
        if (++at == text.size) return STATUS_SYNTAX;
        const char *name = text.data[at] != '\0' ? strchr(names, text.data[at]) : NULL;
        if (name) {
            status = buf_append_byte(to, (uint8_t)means[name - names]);
        } else if (text.data[at] == 'u') {
            status = append_code(to, slice_from(text, at + 1));
            at += 4;
        } else {
            status = STATUS_SYNTAX;
        }
    }
    return status;
}

enum status edn_string_write(struct buf *to, struct slice bytes) {
    enum status status = buf_append_byte(to, '"');
    for (size_t i = 0; i < bytes.size && status == STATUS_OK; i++) {
        const uint8_t byte = bytes.data[i];
        if (byte == '"' || byte == '\\')
            status = buf_append_format(to, "\\%c", byte);
        else if (byte >= ' ' && byte < 0x7f)
            status = buf_append_byte(to, byte);
        else
            status = buf_append_format(to, "\\u%04x", byte);
    }
    return status == STATUS_OK ? buf_append_byte(to, '"') : status;
}
