/* parse_literal: names, strings, numbers and parameters: from the bytes of one token to what it means. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "graph/cypher/parse.h"
#include "graph/cypher/utf8.h"

struct slice token_text(const struct parser *parser, const struct token *token) {
    return slice_make(parser->text.data + token->offset, token->size);
}

bool token_is_variable(const struct token *token) {
    return token->kind == TOKEN_QUOTED_NAME ||
           (token->kind == TOKEN_NAME && !token_word_is_reserved((enum token_word)token->word));
}

/* The name between back quotes, doubled ones undone. */
static bool unquote_name(struct parser *parser, const struct token *token, struct slice *text) {
    const struct slice inner = slice_make(parser->text.data + token->offset + 1, token->size - 2);
    *text = inner;
    if (inner.size == 0 || !memchr(inner.data, '`', inner.size)) return true;
    uint8_t *copy = parse_alloc(parser, inner.size);
    if (!copy) return false;
    size_t size = 0;
    for (size_t i = 0; i < inner.size; i++) {
        copy[size++] = inner.data[i];
        if (inner.data[i] == '`') i++;
    }
    *text = slice_make(copy, size);
    return true;
}

bool parse_any_name(struct parser *parser, struct cypher_name *name) {
    const struct token *token = parse_peek(parser);
    name->place = token->place;
    if (token->kind == TOKEN_NAME)
        name->text = token_text(parser, token);
    else if (token->kind != TOKEN_QUOTED_NAME)
        return parse_unexpected(parser, "a name");
    else if (!unquote_name(parser, token, &name->text))
        return false;
    parser->at++;
    return true;
}

bool parse_variable(struct parser *parser, struct cypher_name *name) {
    if (!token_is_variable(parse_peek(parser))) return parse_unexpected(parser, "the name of a variable");
    return parse_any_name(parser, name);
}

/* --- strings --- */

static int hex_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/* The number of `count` hexadecimal digits; UINT32_MAX if they are not there. */
static uint32_t hex_digits(struct slice text, size_t count) {
    uint32_t value = 0;
    if (text.size < count) return UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        int digit = hex_value(text.data[i]);
        if (digit < 0) return UINT32_MAX;
        value = value << 4 | (uint32_t)digit;
    }
    return value;
}

/* The character of \uXXXX (a pair of surrogates: of both) or \UXXXXXXXX; `text` begins at the letter. Bytes taken, 0 if
 * it is none. */
static size_t unicode_escape(struct slice text, uint32_t *character) {
    const size_t digits = text.data[0] == 'u' ? 4 : 8;
    size_t used = 1 + digits;
    *character = hex_digits(slice_from(text, 1), digits);
    const bool leads = digits == 4 && *character >= 0xD800 && *character < 0xDC00;
    if (leads && text.size >= used + 6 && text.data[used] == '\\' && text.data[used + 1] == 'u') {
        const uint32_t low = hex_digits(slice_from(text, used + 2), 4);
        if (low >= 0xDC00 && low < 0xE000) {
            *character = 0x10000 + ((*character - 0xD800) << 10) + (low - 0xDC00);
            used += 6;
        }
    }
    if (*character > 0x10FFFF || (*character >= 0xD800 && *character < 0xE000)) return 0;
    return used;
}

static int plain_escape(uint8_t letter) {
    static const char letters[] = "bfnrt\\'\"/`", values[] = "\b\f\n\r\t\\'\"/`";
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? values[at - letters] : -1;
}

/* One escape, `text` begins behind the backslash; appends to *out, returns the bytes taken, 0 on a fault. */
static size_t unescape(struct parser *parser, const struct token *token, struct slice text, uint8_t **out) {
    uint32_t character;
    if (text.data[0] == 'u' || text.data[0] == 'U') {
        size_t used = unicode_escape(text, &character);
        if (!used)
            parse_fault(parser, CYPHER_FAULT_INVALID_UNICODE_LITERAL, token->place,
                        "a string has \\u or \\U without the number of a character behind it");
        else
            *out += utf8_encode(*out, character);
        return used;
    }
    const int plain = plain_escape(text.data[0]);
    if (plain < 0) {
        cypher_fault_set(parser->fault, CYPHER_FAULT_UNEXPECTED_SYNTAX, token->place,
                         "a string has an unknown escape, \\%c", text.data[0] < ' ' ? '?' : text.data[0]);
        return 0;
    }
    *(*out)++ = (uint8_t)plain;
    return 1;
}

bool parse_string(struct parser *parser, const struct token *token, struct slice *content) {
    const struct slice inner = slice_make(parser->text.data + token->offset + 1, token->size - 2);
    *content = inner;
    if (inner.size == 0 || !memchr(inner.data, '\\', inner.size)) return true;
    /* No escape is longer than what it stands for. */
    uint8_t *copy = parse_alloc(parser, inner.size);
    if (!copy) return false;
    uint8_t *out = copy;
    for (size_t at = 0; at < inner.size; at++) {
        if (inner.data[at] != '\\') {
            *out++ = inner.data[at];
            continue;
        }
        size_t used = unescape(parser, token, slice_from(inner, at + 1), &out);
        if (!used) return false;
        at += used;
    }
    *content = slice_make(copy, (size_t)(out - copy));
    return true;
}

/* --- numbers --- */

/* The magnitude; false if it does not fit 64 bits. */
static bool integer_magnitude(struct slice text, uint64_t *value) {
    uint64_t base = 10;
    size_t at = 0;
    if (text.size > 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x') base = 16;
    if (text.size > 2 && text.data[0] == '0' && text.data[1] == 'o') base = 8;
    if (base != 10) at = 2;
    *value = 0;
    for (; at < text.size; at++)
        if (__builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, (uint64_t)hex_value(text.data[at]), value))
            return false;
    return true;
}

static bool parse_integer(struct parser *parser, const struct token *token, bool negative, struct cypher_expr *expr) {
    uint64_t magnitude;
    const uint64_t most = (uint64_t)INT64_MAX + negative;
    if (!integer_magnitude(token_text(parser, token), &magnitude) || magnitude > most)
        return parse_fault(parser, CYPHER_FAULT_INTEGER_OVERFLOW, token->place, "the integer does not fit 64 bits");
    expr->kind = EXPR_INTEGER;
    expr->integer = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static bool parse_float(struct parser *parser, const struct token *token, bool negative, struct cypher_expr *expr) {
    char *text = parse_alloc(parser, (size_t)token->size + 1);
    if (!text) return false;
    memcpy(text, parser->text.data + token->offset, token->size);
    expr->kind = EXPR_FLOAT;
    expr->real = strtod(text, NULL);
    if (isinf(expr->real))
        return parse_fault(parser, CYPHER_FAULT_FLOAT_OVERFLOW, token->place,
                           "the number does not fit a float of 64 bits");
    if (negative) expr->real = -expr->real;
    return true;
}

bool parse_number(struct parser *parser, const struct token *token, bool negative, struct cypher_expr *expr) {
    if (token->kind == TOKEN_INTEGER) return parse_integer(parser, token, negative, expr);
    if (token->kind == TOKEN_FLOAT) return parse_float(parser, token, negative, expr);
    const struct slice text = token_text(parser, token);
    cypher_fault_set(parser->fault, CYPHER_FAULT_INVALID_NUMBER_LITERAL, token->place, "'%.*s' is no number",
                     (int)(text.size < 40 ? text.size : 40), (const char *)text.data);
    return false;
}

bool parse_count(struct parser *parser, uint32_t *count) {
    const struct token *token = parse_peek(parser);
    uint64_t value;
    if (token->kind != TOKEN_INTEGER) return parse_unexpected(parser, "a number of hops");
    if (!integer_magnitude(token_text(parser, token), &value) || value >= CYPHER_HOPS_UNBOUNDED)
        return parse_fault(parser, CYPHER_FAULT_INTEGER_OVERFLOW, token->place, "too many hops");
    *count = (uint32_t)value;
    parser->at++;
    return true;
}

bool parse_parameter(struct parser *parser, struct cypher_expr *expr) {
    struct cypher_name name = {0};
    parser->at++; /* '$' */
    const struct token *token = parse_peek(parser);
    expr->kind = EXPR_PARAMETER;
    if (token->kind == TOKEN_INTEGER) { /* $0 */
        name.text = token_text(parser, token);
        parser->at++;
    } else if (!parse_any_name(parser, &name)) {
        return false;
    }
    expr->text = name.text;
    if (symbols_add(&parser->parameters, name.text, &expr->parameter) == STATUS_OK) return true;
    return parse_fault(parser, CYPHER_FAULT_NO_MEMORY, token->place, "out of memory");
}
