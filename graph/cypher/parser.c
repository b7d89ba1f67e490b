/* parser: the statement: header, query, end; and the shared tools of the parts. */
#include "graph/cypher/parser.h"

#include "engine/base/hash.h"
#include <stdio.h>

#include "graph/cypher/parse.h"

void *parse_alloc(struct parser *parser, size_t size) {
    return cypher_alloc(&parser->memory, size);
}

bool parse_push(struct parser *parser, const void *item, size_t size) {
    const struct cypher_place nowhere = {0, 0};
    if (buf_append(&parser->scratch, item, size) == STATUS_OK) return true;
    return parse_fault(parser, CYPHER_FAULT_NO_MEMORY, nowhere, "out of memory");
}

bool parse_pop(struct parser *parser, size_t mark, size_t size, void *items, uint32_t *count) {
    const size_t bytes = parser->scratch.size - mark;
    void *copy = NULL;
    if (bytes) {
        copy = parse_alloc(parser, bytes);
        if (!copy) return false;
        memcpy(copy, parser->scratch.data + mark, bytes);
    }
    memcpy(items, &copy, sizeof copy);
    *count = (uint32_t)(bytes / size);
    parser->scratch.size = mark;
    return true;
}

const struct token *parse_peek_at(const struct parser *parser, uint32_t ahead) {
    uint32_t at = parser->at;
    for (; ahead > 0 && parser->tokens[at].kind != TOKEN_END; ahead--) at++;
    return &parser->tokens[at];
}

bool parse_is(const struct parser *parser, unsigned symbol) {
    return parse_peek(parser)->kind == TOKEN_SYMBOL && parse_peek(parser)->symbol == symbol;
}

bool parse_is_word(const struct parser *parser, enum token_word word) {
    return parse_peek(parser)->kind == TOKEN_NAME && parse_peek(parser)->word == word;
}

bool parse_accept(struct parser *parser, unsigned symbol) {
    const bool is = parse_is(parser, symbol);
    parser->at += is;
    return is;
}

bool parse_accept_word(struct parser *parser, enum token_word word) {
    const bool is = parse_is_word(parser, word);
    parser->at += is;
    return is;
}

static const char *symbol_text(unsigned symbol, char one[2]) {
    switch (symbol) {
    case SYMBOL_LESS_EQUAL: return "<=";
    case SYMBOL_GREATER_EQUAL: return ">=";
    case SYMBOL_NOT_EQUAL: return "<>";
    case SYMBOL_PLUS_EQUAL: return "+=";
    case SYMBOL_MATCHES: return "=~";
    case SYMBOL_DOTS: return "..";
    default:
        one[0] = (char)symbol;
        one[1] = '\0';
        return one;
    }
}

bool parse_expect(struct parser *parser, unsigned symbol, const char *where) {
    if (parse_accept(parser, symbol)) return true;
    char one[2], expected[96];
    snprintf(expected, sizeof expected, "%s %s", symbol_text(symbol, one), where);
    return parse_unexpected(parser, expected);
}

bool parse_expect_word(struct parser *parser, enum token_word word, const char *where) {
    if (parse_accept_word(parser, word)) return true;
    char expected[96];
    snprintf(expected, sizeof expected, "%s %s", token_word_text(word), where);
    return parse_unexpected(parser, expected);
}

bool parse_unexpected(struct parser *parser, const char *expected) {
    enum { SHOWN_BYTES = 40 };
    const struct token *token = parse_peek(parser);
    if (token->kind == TOKEN_END) {
        cypher_fault_set(parser->fault, CYPHER_FAULT_UNEXPECTED_SYNTAX, token->place,
                         "unexpected end of the query: expected %s", expected);
        return false;
    }
    const bool cut = token->size > SHOWN_BYTES;
    cypher_fault_set(parser->fault, CYPHER_FAULT_UNEXPECTED_SYNTAX, token->place, "unexpected '%.*s%s': expected %s",
                     (int)(cut ? SHOWN_BYTES : token->size), (const char *)parser->text.data + token->offset,
                     cut ? "..." : "", expected);
    return false;
}

bool parse_fault(struct parser *parser, enum cypher_fault_code code, struct cypher_place place, const char *what) {
    cypher_fault_set(parser->fault, code, place, "%s", what);
    return false;
}

bool parse_unsupported(struct parser *parser, struct cypher_place place, const char *what) {
    cypher_fault_unsupported(parser->fault, place, what);
    return false;
}

bool parse_enter(struct parser *parser, struct cypher_place place) {
    if (++parser->depth <= CYPHER_DEPTH_MAX) return true;
    cypher_fault_set(parser->fault, CYPHER_FAULT_TOO_LARGE, place, "nested more than %d levels deep", CYPHER_DEPTH_MAX);
    return false;
}

/* --- header: CYPHER name=value ... --- */

static bool at_setting(const struct parser *parser) {
    const struct token *name = parse_peek(parser);
    if (name->kind != TOKEN_NAME && name->kind != TOKEN_QUOTED_NAME) return false;
    const struct token *sign = parse_peek_at(parser, 1);
    return sign->kind == TOKEN_SYMBOL && sign->symbol == '=';
}

static bool parse_settings(struct parser *parser, struct cypher_statement *statement) {
    const size_t mark = parser->scratch.size;
    if (!parse_is_word(parser, WORD_CYPHER)) return true;
    parser->at++;
    if (!at_setting(parser) && !parse_at_clause(parser)) return parse_unexpected(parser, "name=value or a clause");
    while (at_setting(parser)) {
        struct cypher_setting setting = {0};
        if (!parse_any_name(parser, &setting.name) || !parse_expect(parser, '=', "behind a parameter's name"))
            return false;
        setting.value = parse_setting_value(parser);
        if (!setting.value || !parse_push(parser, &setting, sizeof setting)) return false;
    }
    return parse_pop(parser, mark, sizeof(struct cypher_setting), &statement->settings, &statement->setting_count);
}

static bool parse_statement(struct parser *parser, struct cypher_statement *statement) {
    if (!parse_settings(parser, statement)) return false;
    if (parse_is_word(parser, WORD_EXPLAIN) || parse_is_word(parser, WORD_PROFILE))
        return parse_unsupported(parser, parse_peek(parser)->place,
                                 "EXPLAIN or PROFILE within a query (GRAPH.EXPLAIN is)");
    if (!parse_query(parser, &statement->query)) return false;
    parse_accept(parser, ';');
    if (parse_peek(parser)->kind != TOKEN_END)
        return parse_unexpected(parser, "a clause, UNION or the end of the query");
    for (uint32_t i = 0; i < statement->setting_count; i++)
        statement->settings[i].parameter = symbols_find(&parser->parameters, statement->settings[i].name.text);
    statement->parameters = parser->parameters.names;
    statement->parameter_count = parser->parameters.count;
    return true;
}

static enum status parse_tokens(struct parser *parser, struct cypher_statement *statement) {
    const bool parsed = parse_statement(parser, statement);
    buf_deinit(&parser->scratch);
    return parsed ? STATUS_OK : cypher_fault_status(parser->fault->code);
}

enum status cypher_parse(struct arena *arena, struct slice text, struct cypher_statement *statement,
                         struct cypher_fault *fault) {
    const struct cypher_place start = {1, 1};
    struct buf tokens = BUF_EMPTY;
    *fault = (struct cypher_fault){0};
    *statement = (struct cypher_statement){0};
    if (text.size > CYPHER_TEXT_MAX_BYTES)
        return cypher_fault_set(fault, CYPHER_FAULT_TOO_LARGE, start,
                                "the query has %zu bytes, the limit is %d: pass data as parameters in smaller parts",
                                text.size, CYPHER_TEXT_MAX_BYTES);
    struct parser parser = {.memory = cypher_memory_make(arena, fault), .fault = fault};
    uint8_t *copy = parse_alloc(&parser, text.size);
    if (!copy) return cypher_fault_status(fault->code);
    if (text.size) memcpy(copy, text.data, text.size);
    parser.text = statement->text = slice_make(copy, text.size);
    symbols_init(&parser.parameters, arena, hash64(parser.text, 0));
    enum status status = lexer_run(parser.text, &tokens, fault);
    parser.tokens = (const struct token *)(const void *)tokens.data;
    if (status == STATUS_OK) status = parse_tokens(&parser, statement);
    buf_deinit(&tokens);
    return status;
}
