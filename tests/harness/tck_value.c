/*
 * tck_value: values as the TCK writes them, in one form: labels and keys in order, one blank where there may be some,
 * floats in the shortest decimals that give them back. A recursive copy from text to text; parts that may stand in any
 * order are collected, sorted and joined.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/tck.h"

enum { PARTS_MAX = 512, DEPTH_MAX = 64 };

struct scanner {
    struct slice text;
    size_t at;
    bool sort_lists;
    unsigned depth;
};

static int peek(const struct scanner *scanner) {
    return scanner->at < scanner->text.size ? scanner->text.data[scanner->at] : -1;
}

static void skip_blanks(struct scanner *scanner) {
    while (peek(scanner) == ' ') scanner->at++;
}

static bool accept(struct scanner *scanner, int character) {
    skip_blanks(scanner);
    const bool is = peek(scanner) == character;
    scanner->at += is;
    return is;
}

static enum status put(struct buf *to, const char *text) {
    return buf_append(to, text, strlen(text));
}

static enum status normalize(struct scanner *scanner, struct buf *to);

/* --- parts in any order --- */

static int by_bytes(const void *a, const void *b) {
    const struct buf *left = a, *right = b;
    return slice_compare(buf_slice(left), buf_slice(right));
}

static enum status join_parts(struct buf *parts, size_t count, bool sorted, const char *between, struct buf *to) {
    enum status status = STATUS_OK;
    if (sorted) qsort(parts, count, sizeof *parts, by_bytes);
    for (size_t i = 0; i < count; i++) {
        if (status == STATUS_OK && i > 0) status = put(to, between);
        if (status == STATUS_OK) status = buf_append_slice(to, buf_slice(&parts[i]));
        buf_deinit(&parts[i]);
    }
    return status;
}

static enum status name(struct scanner *scanner, struct buf *to) {
    const size_t start = scanner->at;
    if (accept(scanner, '`')) {
        const size_t inner = scanner->at;
        while (peek(scanner) >= 0 && peek(scanner) != '`') scanner->at++;
        const enum status status = buf_append(to, scanner->text.data + inner, scanner->at - inner);
        return accept(scanner, '`') ? status : STATUS_SYNTAX;
    }
    while (isalnum(peek(scanner)) || peek(scanner) == '_' || peek(scanner) >= 0x80) scanner->at++;
    return buf_append(to, scanner->text.data + start, scanner->at - start);
}

static enum status map_entry(struct scanner *scanner, struct buf *to) {
    skip_blanks(scanner);
    enum status status = name(scanner, to);
    if (status == STATUS_OK) status = accept(scanner, ':') ? put(to, ": ") : STATUS_SYNTAX;
    return status ? status : normalize(scanner, to);
}

/* Items up to the closing bracket, which is taken. */
static enum status items(struct scanner *scanner, enum status (*item)(struct scanner *, struct buf *), int closing,
                         bool sorted, struct buf *to) {
    struct buf parts[PARTS_MAX];
    size_t count = 0;
    enum status status = STATUS_OK;
    while (!accept(scanner, closing)) {
        if (count == PARTS_MAX || (count > 0 && !accept(scanner, ','))) status = STATUS_SYNTAX;
        if (status == STATUS_OK) {
            parts[count] = BUF_EMPTY;
            status = item(scanner, &parts[count++]);
        }
        if (status) break;
    }
    const enum status joined = join_parts(parts, count, sorted, ", ", to);
    return status ? status : joined;
}

static enum status map(struct scanner *scanner, struct buf *to) {
    enum status status = put(to, "{");
    if (status == STATUS_OK) status = items(scanner, map_entry, '}', true, to);
    return status ? status : put(to, "}");
}

/* :A:B in order */
static enum status labels(struct scanner *scanner, struct buf *to) {
    struct buf parts[PARTS_MAX];
    size_t count = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && accept(scanner, ':')) {
        if (count == PARTS_MAX) break;
        parts[count] = BUF_EMPTY;
        status = put(&parts[count], ":");
        if (status == STATUS_OK) status = name(scanner, &parts[count]);
        count++;
    }
    const enum status joined = join_parts(parts, count, true, "", to);
    return status ? status : joined;
}

/* What stands between the brackets of a node or an edge. */
static enum status entity(struct scanner *scanner, char opening, char closing, struct buf *to) {
    const char ends[] = {opening, closing};
    enum status status = buf_append(to, &ends[0], 1);
    if (status == STATUS_OK) status = labels(scanner, to);
    if (status == STATUS_OK && accept(scanner, '{')) {
        struct buf properties = BUF_EMPTY;
        status = map(scanner, &properties);
        if (status == STATUS_OK && properties.size > 2)
            status = buf_append_format(to, " %.*s", (int)properties.size, properties.data);
        buf_deinit(&properties);
    }
    if (status == STATUS_OK && !accept(scanner, closing)) return STATUS_SYNTAX;
    return status ? status : buf_append(to, &ends[1], 1);
}

static enum status path(struct scanner *scanner, struct buf *to) {
    enum status status = put(to, "<");
    while (status == STATUS_OK && !accept(scanner, '>')) {
        if (accept(scanner, '('))
            status = entity(scanner, '(', ')', to);
        else if (accept(scanner, '['))
            status = entity(scanner, '[', ']', to);
        else if (accept(scanner, '<'))
            status = put(to, "<");
        else if (accept(scanner, '-'))
            status = peek(scanner) == '>' ? (scanner->at++, put(to, "->")) : put(to, "-");
        else
            status = STATUS_SYNTAX;
    }
    return status ? status : put(to, ">");
}

/* --- plain values --- */

static enum status string(struct scanner *scanner, struct buf *to) {
    enum status status = put(to, "'");
    while (status == STATUS_OK && peek(scanner) != '\'') {
        if (peek(scanner) < 0) return STATUS_SYNTAX;
        if (peek(scanner) == '\\' && scanner->at + 1 < scanner->text.size &&
            strchr("'\\", scanner->text.data[scanner->at + 1]))
            status = buf_append(to, scanner->text.data + scanner->at++, 1);
        status = status ? status : buf_append(to, scanner->text.data + scanner->at++, 1);
    }
    scanner->at++;
    return status ? status : put(to, "'");
}

static enum status number(struct slice word, struct buf *to) {
    char text[64], *end;
    if (word.size == 0 || word.size >= sizeof text) return STATUS_SYNTAX;
    memcpy(text, word.data, word.size);
    text[word.size] = '\0';
    const bool is_float = strpbrk(text, ".eEIN") != NULL;
    const double value = strtod(text, &end);
    if (*end) return STATUS_SYNTAX;
    if (!is_float) return put(to, text);
    if (isnan(value)) return put(to, "NaN");
    if (value == 0) return put(to, "0.0"); /* zeros are equal, and the TCK writes them without a sign */
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return put(to, text);
}

static enum status word(struct scanner *scanner, struct buf *to) {
    static const char *const words[] = {"null", "true", "false"};
    const size_t start = scanner->at;
    while (isalnum(peek(scanner)) || (peek(scanner) >= 0 && strchr("+-.", peek(scanner)))) scanner->at++;
    const struct slice text = slice_make(scanner->text.data + start, scanner->at - start);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_equal(text, slice_from_text(words[i]))) return put(to, words[i]);
    return number(text, to);
}

static enum status list_or_edge(struct scanner *scanner, struct buf *to) {
    skip_blanks(scanner);
    if (peek(scanner) == ':') return entity(scanner, '[', ']', to);
    enum status status = put(to, "[");
    if (status == STATUS_OK) status = items(scanner, normalize, ']', scanner->sort_lists, to);
    return status ? status : put(to, "]");
}

static enum status normalize(struct scanner *scanner, struct buf *to) {
    if (scanner->depth == DEPTH_MAX) return STATUS_SYNTAX;
    enum status status;
    scanner->depth++;
    if (accept(scanner, '('))
        status = entity(scanner, '(', ')', to);
    else if (accept(scanner, '['))
        status = list_or_edge(scanner, to);
    else if (accept(scanner, '{'))
        status = map(scanner, to);
    else if (accept(scanner, '<'))
        status = path(scanner, to);
    else if (accept(scanner, '\''))
        status = string(scanner, to);
    else
        status = word(scanner, to);
    scanner->depth--;
    return status;
}

enum status tck_value_normalize(struct slice cell, bool sort_lists, struct buf *to) {
    struct scanner scanner = {.text = cell, .sort_lists = sort_lists};
    const enum status status = normalize(&scanner, to);
    skip_blanks(&scanner);
    return status == STATUS_OK && scanner.at < cell.size ? STATUS_SYNTAX : status;
}
