#include "graph/cypher/lexer.h"

#include <ctype.h>
#include <strings.h>

#include "graph/cypher/utf8.h"

static const struct {
    const char *text;
    bool is_reserved;
} words[WORD_COUNT_OF_ALL] = {{"", false},
#define R true
#define N false
#define X(name, reserved) {#name, reserved},
                              WORD_LIST(X)
#undef X
#undef N
#undef R
};

struct lexer {
    struct slice text;
    size_t at;
    struct cypher_place place; /* of the character at `at` */
    struct buf *tokens;
    struct buf open; /* indices (uint32_t) of brackets that wait for their end */
    struct cypher_fault *fault;
};

const char *token_word_text(enum token_word word) {
    return words[word].text;
}

bool token_word_is_reserved(enum token_word word) {
    return words[word].is_reserved;
}

static int word_compare(struct slice name, const char *word) {
    size_t size = strlen(word);
    int order = strncasecmp((const char *)name.data, word, name.size < size ? name.size : size);
    return order ? order : (name.size > size) - (name.size < size);
}

static enum token_word word_of(struct slice name) {
    size_t low = 1, high = WORD_COUNT_OF_ALL;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = word_compare(name, words[middle].text);
        if (order == 0) return (enum token_word)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return WORD_NONE_OF_THESE;
}

static int peek(const struct lexer *lexer, size_t ahead) {
    size_t at = lexer->at + ahead;
    return at < lexer->text.size ? lexer->text.data[at] : -1;
}

/* Goes on by `size` bytes without a newline among them. */
static void advance(struct lexer *lexer, size_t size) {
    for (size_t i = 0; i < size; i++)
        if ((lexer->text.data[lexer->at + i] & 0xC0) != 0x80) lexer->place.column++;
    lexer->at += size;
}

/* As advance, with newlines counted. */
static void advance_lines(struct lexer *lexer, size_t size) {
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = lexer->text.data[lexer->at + i];
        if (byte == '\n') {
            lexer->place.line++;
            lexer->place.column = 1;
        } else if ((byte & 0xC0) != 0x80) {
            lexer->place.column++;
        }
    }
    lexer->at += size;
}

/* --- blanks and comments --- */

static bool is_blank(uint32_t character) {
    return (character >= '\t' && character <= '\r') || (character >= 0x1C && character <= ' ') || character == 0xA0 ||
           character == 0x1680 || character == 0x180E || (character >= 0x2000 && character <= 0x200A) ||
           character == 0x2028 || character == 0x2029 || character == 0x202F || character == 0x205F ||
           character == 0x3000 || character == 0xFEFF;
}

static enum status skip_block_comment(struct lexer *lexer) {
    const struct cypher_place start = lexer->place;
    const uint8_t *from = lexer->text.data + lexer->at + 2;
    const uint8_t *end = memmem(from, lexer->text.size - lexer->at - 2, "*/", 2);
    if (!end)
        return cypher_fault_set(lexer->fault, CYPHER_FAULT_UNEXPECTED_SYNTAX, start,
                                "a comment has no end: */ is missing");
    advance_lines(lexer, (size_t)(end + 2 - (lexer->text.data + lexer->at)));
    return STATUS_OK;
}

static void skip_line_comment(struct lexer *lexer) {
    const uint8_t *from = lexer->text.data + lexer->at;
    const uint8_t *end = memchr(from, '\n', lexer->text.size - lexer->at);
    advance(lexer, end ? (size_t)(end - from) : lexer->text.size - lexer->at);
}

static enum status skip_blanks(struct lexer *lexer) {
    while (lexer->at < lexer->text.size) {
        if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*') {
            enum status status = skip_block_comment(lexer);
            if (status) return status;
        } else if (peek(lexer, 0) == '/' && peek(lexer, 1) == '/') {
            skip_line_comment(lexer);
        } else {
            uint32_t character;
            size_t size = utf8_decode(slice_from(lexer->text, lexer->at), &character);
            if (!is_blank(character)) break;
            advance_lines(lexer, size);
        }
    }
    return STATUS_OK;
}

/* --- names --- */

/* Signs, marks and blanks outside ASCII; everything else there may stand in a name. */
static bool is_sign(uint32_t character) {
    static const struct {
        uint32_t first, last;
    } signs[] = {{0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},
                 {0xF7, 0xF7},     {0x1680, 0x1680}, {0x180E, 0x180E}, {0x2000, 0x206F}, {0x20A0, 0x20CF},
                 {0x2190, 0x2BFF}, {0x2E00, 0x2E7F}, {0x3000, 0x3004}, {0x3008, 0x3020}, {0xD800, 0xF8FF},
                 {0xFD3E, 0xFD3F}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE6F}, {0xFEFF, 0xFEFF}, {0xFF01, 0xFF0F},
                 {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (character >= signs[i].first && character <= signs[i].last) return true;
    return false;
}

static bool begins_name(uint32_t character) {
    if (character >= 0x80) return !is_sign(character);
    return isalpha((int)character) || character == '_';
}

static bool continues_name(uint32_t character) {
    return begins_name(character) || (character >= '0' && character <= '9');
}

/* Bytes from `from` on that continue a name. */
static size_t name_size(const struct lexer *lexer, size_t from) {
    size_t at = from;
    uint32_t character;
    while (at < lexer->text.size) {
        size_t size = utf8_decode(slice_from(lexer->text, at), &character);
        if (!continues_name(character)) break;
        at += size;
    }
    return at - from;
}

static enum status lex_name(struct lexer *lexer, struct token *token) {
    size_t size = name_size(lexer, lexer->at);
    token->kind = TOKEN_NAME;
    token->word = (uint8_t)word_of(slice_make(lexer->text.data + lexer->at, size));
    advance(lexer, size);
    return STATUS_OK;
}

/* --- what has an end of its own: `name`, 'string', "string" --- */

/* Offset behind the quote that ends what begins at `from` (its opening quote); 0 if there is none. */
static size_t quoted_end(const struct lexer *lexer, size_t from, int quote) {
    const struct slice text = lexer->text;
    for (size_t at = from + 1; at < text.size; at++) {
        if (text.data[at] == '\\' && quote != '`') {
            at++;
        } else if (text.data[at] == quote) {
            /* A doubled back quote is one within the name. */
            if (quote != '`' || at + 1 >= text.size || text.data[at + 1] != '`') return at + 1;
            at++;
        }
    }
    return 0;
}

static enum status lex_quoted(struct lexer *lexer, struct token *token, int quote) {
    size_t end = quoted_end(lexer, lexer->at, quote);
    if (!end)
        return cypher_fault_set(lexer->fault, CYPHER_FAULT_UNEXPECTED_SYNTAX, token->place,
                                "a %s has no end: %c is missing", quote == '`' ? "name" : "string", quote);
    token->kind = quote == '`' ? TOKEN_QUOTED_NAME : TOKEN_STRING;
    advance_lines(lexer, end - lexer->at);
    return STATUS_OK;
}

/* --- numbers --- */

static size_t digits(const struct lexer *lexer, size_t from) {
    size_t at = from;
    while (at < lexer->text.size && isdigit(lexer->text.data[at])) at++;
    return at - from;
}

static bool is_digit_of(int character, int base) {
    if (base == 16) return isxdigit(character) != 0;
    return character >= '0' && character < '0' + base;
}

/* 0x or 0o; `at` stands behind the prefix. */
static void lex_prefixed_number(struct lexer *lexer, struct token *token, int base) {
    size_t size = name_size(lexer, lexer->at);
    token->kind = size > 2 ? TOKEN_INTEGER : TOKEN_BAD_NUMBER;
    for (size_t i = 2; i < size; i++)
        if (!is_digit_of(lexer->text.data[lexer->at + i], base)) token->kind = TOKEN_BAD_NUMBER;
    advance(lexer, size);
}

/* Size of e, e+, e- with digits behind it; 0 if there is no exponent. */
static size_t exponent_size(const struct lexer *lexer, size_t at) {
    if (at >= lexer->text.size || (lexer->text.data[at] | 0x20) != 'e') return 0;
    size_t sign = at + 1 < lexer->text.size && (lexer->text.data[at + 1] == '+' || lexer->text.data[at + 1] == '-');
    size_t count = digits(lexer, at + 1 + sign);
    return count ? 1 + sign + count : 0;
}

static enum status lex_number(struct lexer *lexer, struct token *token) {
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X' || peek(lexer, 1) == 'o')) {
        lex_prefixed_number(lexer, token, peek(lexer, 1) == 'o' ? 8 : 16);
        return STATUS_OK;
    }
    size_t end = lexer->at + digits(lexer, lexer->at);
    token->kind = TOKEN_INTEGER;
    if (end + 1 < lexer->text.size && lexer->text.data[end] == '.' && isdigit(lexer->text.data[end + 1])) {
        token->kind = TOKEN_FLOAT;
        end += 1 + digits(lexer, end + 1);
    }
    size_t exponent = exponent_size(lexer, end);
    if (exponent) token->kind = TOKEN_FLOAT;
    end += exponent;
    size_t tail = name_size(lexer, end);
    if (tail) token->kind = TOKEN_BAD_NUMBER;
    advance(lexer, end + tail - lexer->at);
    return STATUS_OK;
}

/* --- symbols --- */

static enum token_symbol symbol_pair(int first, int second) {
    static const struct {
        char first, second;
        enum token_symbol symbol;
    } pairs[] = {{'<', '=', SYMBOL_LESS_EQUAL}, {'>', '=', SYMBOL_GREATER_EQUAL}, {'<', '>', SYMBOL_NOT_EQUAL},
                 {'+', '=', SYMBOL_PLUS_EQUAL}, {'=', '~', SYMBOL_MATCHES},       {'.', '.', SYMBOL_DOTS}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].first == first && pairs[i].second == second) return pairs[i].symbol;
    return 0;
}

/* Notes where a bracket closes; brackets that do not fit are the parser's to report. */
static enum status match_bracket(struct lexer *lexer, int character) {
    struct token *tokens = (struct token *)(void *)lexer->tokens->data;
    uint32_t index = (uint32_t)(lexer->tokens->size / sizeof(struct token));
    if (character == '(' || character == '[' || character == '{') return buf_append(&lexer->open, &index, sizeof index);
    const int opening = character == ')' ? '(' : character == ']' ? '[' : character == '}' ? '{' : 0;
    if (!opening || lexer->open.size == 0) return STATUS_OK;
    uint32_t last;
    memcpy(&last, lexer->open.data + lexer->open.size - sizeof last, sizeof last);
    if (tokens[last].symbol != opening) return STATUS_OK;
    tokens[last].match = index;
    lexer->open.size -= sizeof last;
    return STATUS_OK;
}

static enum status lex_symbol(struct lexer *lexer, struct token *token) {
    const int character = peek(lexer, 0);
    const enum token_symbol pair = symbol_pair(character, peek(lexer, 1));
    token->kind = TOKEN_SYMBOL;
    token->symbol = (uint16_t)(pair ? pair : (unsigned)character);
    if (!pair && !strchr("()[]{}<>=+-*/%^.,:;|$", character))
        return cypher_fault_set(lexer->fault, CYPHER_FAULT_UNEXPECTED_SYNTAX, lexer->place,
                                character < ' ' || character == 0x7F ? "unexpected character 0x%02x"
                                                                     : "unexpected '%c'",
                                (unsigned)character);
    advance(lexer, pair ? 2 : 1);
    return match_bracket(lexer, character);
}

static enum status lex_token(struct lexer *lexer, struct token *token) {
    const int first = peek(lexer, 0);
    uint32_t character;
    if (first < 0) return STATUS_OK;
    if (isdigit(first) || (first == '.' && peek(lexer, 1) >= 0 && isdigit(peek(lexer, 1))))
        return lex_number(lexer, token);
    if (first == '\'' || first == '"' || first == '`') return lex_quoted(lexer, token, first);
    utf8_decode(slice_from(lexer->text, lexer->at), &character);
    if (begins_name(character)) return lex_name(lexer, token);
    if (character >= 0x80)
        return cypher_fault_set(lexer->fault, CYPHER_FAULT_INVALID_UNICODE_CHARACTER, lexer->place,
                                "unexpected character U+%04X", character);
    return lex_symbol(lexer, token);
}

static enum status lex_all(struct lexer *lexer) {
    struct token token;
    do {
        enum status status = skip_blanks(lexer);
        if (status) return status;
        token = (struct token){.kind = TOKEN_END, .offset = (uint32_t)lexer->at, .place = lexer->place};
        status = lex_token(lexer, &token);
        if (status) return status;
        token.size = (uint32_t)lexer->at - token.offset;
        status = buf_append(lexer->tokens, &token, sizeof token);
        if (status) return status;
    } while (token.kind != TOKEN_END);
    return STATUS_OK;
}

/* A bracket that nothing closes "closes" at the end. */
static void close_open(struct lexer *lexer) {
    struct token *tokens = (struct token *)(void *)lexer->tokens->data;
    uint32_t index;
    for (size_t at = 0; at < lexer->open.size; at += sizeof index) {
        memcpy(&index, lexer->open.data + at, sizeof index);
        tokens[index].match = (uint32_t)(lexer->tokens->size / sizeof(struct token)) - 1;
    }
}

enum status lexer_run(struct slice text, struct buf *tokens, struct cypher_fault *fault) {
    struct lexer lexer = {.text = text, .place = {1, 1}, .tokens = tokens, .open = BUF_EMPTY, .fault = fault};
    size_t valid = utf8_valid_prefix(text);
    if (valid < text.size) {
        advance_lines(&lexer, valid);
        return cypher_fault_set(fault, CYPHER_FAULT_UNEXPECTED_SYNTAX, lexer.place, "the text is not UTF-8");
    }
    enum status status = lex_all(&lexer);
    if (status == STATUS_OK) close_open(&lexer);
    buf_deinit(&lexer.open);
    if (status == STATUS_NO_MEMORY)
        return cypher_fault_set(fault, CYPHER_FAULT_NO_MEMORY, lexer.place, "out of memory");
    return status;
}
