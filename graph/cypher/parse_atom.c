/* parse_atom: what operators join: literals, variables, calls, CASE, brackets and braces; and what follows them. */
#include <strings.h>

#include "graph/cypher/parse.h"

/* --- what follows: .key [index] [from..to] :Label --- */

static struct cypher_expr *parse_property(struct parser *parser, struct cypher_expr *object) {
    struct cypher_name key;
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_PROPERTY, object->place);
    parser->at++; /* '.' */
    if (parse_is(parser, '*')) {
        parse_unsupported(parser, parse_peek(parser)->place, "a map projection");
        return NULL;
    }
    if (!expr || !parse_any_name(parser, &key)) return NULL;
    expr->property.object = object;
    expr->property.key = key.text;
    return parse_raise(parser, expr, object, NULL) ? expr : NULL;
}

static struct cypher_expr *parse_slice(struct parser *parser, struct cypher_expr *object, struct cypher_expr *from) {
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_SLICE, object->place);
    if (!expr) return NULL;
    expr->range.object = object;
    expr->range.from = from;
    if (!parse_is(parser, ']')) {
        expr->range.to = parse_expression(parser);
        if (!expr->range.to) return NULL;
    }
    if (!parse_expect(parser, ']', "behind a range") || !parse_raise(parser, expr, object, from)) return NULL;
    return parse_raise(parser, expr, expr->range.to, NULL) ? expr : NULL;
}

static struct cypher_expr *parse_subscript(struct parser *parser, struct cypher_expr *object) {
    parser->at++; /* '[' */
    if (parse_accept(parser, SYMBOL_DOTS)) return parse_slice(parser, object, NULL);
    struct cypher_expr *index = parse_expression(parser);
    if (!index) return NULL;
    if (parse_accept(parser, SYMBOL_DOTS)) return parse_slice(parser, object, index);
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_SUBSCRIPT, object->place);
    if (!expr || !parse_expect(parser, ']', "behind an index")) return NULL;
    expr->binary.left = object;
    expr->binary.right = index;
    return parse_raise(parser, expr, object, index) ? expr : NULL;
}

static struct cypher_expr *parse_has_labels(struct parser *parser, struct cypher_expr *subject) {
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_HAS_LABELS, subject->place);
    if (!expr) return NULL;
    expr->labels.subject = subject;
    if (!parse_labels(parser, &expr->labels.names)) return NULL;
    return parse_raise(parser, expr, subject, NULL) ? expr : NULL;
}

struct cypher_expr *parse_postfix(struct parser *parser, struct cypher_expr *expr) {
    while (expr) {
        if (parse_is(parser, '.')) {
            expr = parse_property(parser, expr);
        } else if (parse_is(parser, '[')) {
            expr = parse_subscript(parser, expr);
        } else if (parse_is(parser, ':')) {
            expr = parse_has_labels(parser, expr);
        } else if (parse_is(parser, '{') && expr->kind == EXPR_VARIABLE) {
            parse_unsupported(parser, parse_peek(parser)->place, "a map projection");
            return NULL;
        } else {
            break;
        }
    }
    return expr;
}

/* --- lists and maps --- */

bool parse_expression_list(struct parser *parser, unsigned end, struct cypher_expr *owner, struct cypher_list *list) {
    const size_t mark = parser->scratch.size;
    while (!parse_accept(parser, end)) {
        if (parser->scratch.size > mark && !parse_expect(parser, ',', "or the end of the list")) return false;
        struct cypher_expr *item = parse_expression(parser);
        if (!item || !parse_push(parser, &item, sizeof item)) return false;
        if (owner && !parse_raise(parser, owner, item, NULL)) return false;
    }
    return parse_pop(parser, mark, sizeof(struct cypher_expr *), &list->items, &list->count);
}

struct map_entry {
    struct slice key;
    struct cypher_expr *value;
};

static bool parse_map_entries(struct parser *parser, struct cypher_expr *map) {
    const size_t mark = parser->scratch.size;
    while (!parse_accept(parser, '}')) {
        struct cypher_name key;
        struct map_entry entry;
        if (parser->scratch.size > mark && !parse_expect(parser, ',', "or } behind an entry of a map")) return false;
        if (!parse_any_name(parser, &key) || !parse_expect(parser, ':', "behind a key of a map")) return false;
        entry = (struct map_entry){.key = key.text, .value = parse_expression(parser)};
        if (!entry.value || !parse_raise(parser, map, entry.value, NULL)) return false;
        if (!parse_push(parser, &entry, sizeof entry)) return false;
    }
    struct map_entry *entries;
    if (!parse_pop(parser, mark, sizeof *entries, &entries, &map->map.count)) return false;
    map->map.keys = parse_alloc(parser, map->map.count * sizeof *map->map.keys);
    map->map.values = parse_alloc(parser, map->map.count * sizeof(struct cypher_expr *));
    if (!map->map.keys || !map->map.values) return false;
    for (uint32_t i = 0; i < map->map.count; i++) {
        map->map.keys[i] = entries[i].key;
        map->map.values[i] = entries[i].value;
    }
    return true;
}

struct cypher_expr *parse_map(struct parser *parser) {
    struct cypher_expr *map = parse_expr_make(parser, EXPR_MAP, parse_peek(parser)->place);
    parser->at++; /* '{' */
    return map && parse_map_entries(parser, map) ? map : NULL;
}

/* --- CASE --- */

static bool parse_alternative(struct parser *parser, struct cypher_expr *choice) {
    struct cypher_alternative alternative;
    alternative.when = parse_expression(parser);
    if (!alternative.when || !parse_expect_word(parser, WORD_THEN, "behind the condition of CASE")) return false;
    alternative.then = parse_expression(parser);
    if (!alternative.then || !parse_raise(parser, choice, alternative.when, alternative.then)) return false;
    return parse_push(parser, &alternative, sizeof alternative);
}

static struct cypher_expr *parse_case(struct parser *parser) {
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_CASE, parse_peek(parser)->place);
    const size_t mark = parser->scratch.size;
    parser->at++;
    if (!expr) return NULL;
    if (!parse_is_word(parser, WORD_WHEN)) {
        expr->choice.subject = parse_expression(parser);
        if (!expr->choice.subject || !parse_raise(parser, expr, expr->choice.subject, NULL)) return NULL;
    }
    if (!parse_is_word(parser, WORD_WHEN)) return parse_unexpected(parser, "WHEN"), NULL;
    while (parse_accept_word(parser, WORD_WHEN))
        if (!parse_alternative(parser, expr)) return NULL;
    if (parse_accept_word(parser, WORD_ELSE)) {
        expr->choice.otherwise = parse_expression(parser);
        if (!expr->choice.otherwise || !parse_raise(parser, expr, expr->choice.otherwise, NULL)) return NULL;
    }
    if (!parse_expect_word(parser, WORD_END, "of CASE")) return NULL;
    const size_t size = sizeof(struct cypher_alternative);
    return parse_pop(parser, mark, size, &expr->choice.alternatives, &expr->choice.count) ? expr : NULL;
}

/* --- atoms --- */

static struct cypher_expr *parse_literal(struct parser *parser) {
    const struct token *token = parse_peek(parser);
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_STRING, token->place);
    if (!expr) return NULL;
    parser->at++;
    if (token->kind == TOKEN_STRING) return parse_string(parser, token, &expr->text) ? expr : NULL;
    return parse_number(parser, token, false, expr) ? expr : NULL;
}

static struct cypher_expr *parse_constant_word(struct parser *parser) {
    const struct token *token = parse_peek(parser);
    struct cypher_expr *expr =
        parse_expr_make(parser, token->word == WORD_NULL ? EXPR_NULL : EXPR_BOOLEAN, token->place);
    if (!expr) return NULL;
    expr->boolean = token->word == WORD_TRUE;
    parser->at++;
    return expr;
}

static struct cypher_expr *parse_variable_atom(struct parser *parser) {
    struct cypher_name name;
    if (!token_is_variable(parse_peek(parser))) return parse_unexpected(parser, "an expression"), NULL;
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_VARIABLE, parse_peek(parser)->place);
    if (!expr || !parse_variable(parser, &name)) return NULL;
    expr->variable.name = name.text;
    expr->variable.slot = CYPHER_NO_SLOT;
    return expr;
}

/* name(, name.name(, and EXISTS { and the like: something is called. */
static bool at_call(const struct parser *parser) {
    uint32_t at = parser->at;
    const struct token *tokens = parser->tokens;
    while (tokens[at].kind == TOKEN_NAME || tokens[at].kind == TOKEN_QUOTED_NAME) {
        at++;
        if (tokens[at].kind != TOKEN_SYMBOL) return false;
        if (tokens[at].symbol == '(') return true;
        if (tokens[at].symbol != '.') return false;
        at++;
    }
    return false;
}

static bool at_subquery(const struct parser *parser) {
    const struct token *next = parse_peek_at(parser, 1);
    return next->kind == TOKEN_SYMBOL && next->symbol == '{' &&
           (parse_is_word(parser, WORD_EXISTS) || parse_is_word(parser, WORD_COUNT));
}

static struct cypher_expr *parse_word_atom(struct parser *parser) {
    const struct token *token = parse_peek(parser);
    if (token->kind == TOKEN_NAME) switch (token->word) {
        case WORD_TRUE:
        case WORD_FALSE:
        case WORD_NULL: return parse_constant_word(parser);
        case WORD_CASE: return parse_case(parser);
        default: break;
        }
    if (at_call(parser) || at_subquery(parser)) return parse_call(parser);
    return parse_variable_atom(parser);
}

static struct cypher_expr *parse_parenthesized(struct parser *parser) {
    if (parse_at_pattern(parser, parser->at)) return parse_pattern_expression(parser, true);
    parser->at++;
    struct cypher_expr *inner = parse_expression(parser);
    return inner && parse_expect(parser, ')', "behind an expression") ? inner : NULL;
}

static struct cypher_expr *parse_symbol_atom(struct parser *parser) {
    const struct token *token = parse_peek(parser);
    switch (token->symbol) {
    case '(': return parse_parenthesized(parser);
    case '[': return parse_bracketed(parser);
    case '{': return parse_map(parser);
    case '$': {
        struct cypher_expr *expr = parse_expr_make(parser, EXPR_PARAMETER, token->place);
        return expr && parse_parameter(parser, expr) ? expr : NULL;
    }
    default: parse_unexpected(parser, "an expression"); return NULL;
    }
}

struct cypher_expr *parse_atom(struct parser *parser) {
    switch (parse_peek(parser)->kind) {
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
    case TOKEN_BAD_NUMBER:
    case TOKEN_STRING: return parse_literal(parser);
    case TOKEN_NAME:
    case TOKEN_QUOTED_NAME: return parse_word_atom(parser);
    case TOKEN_SYMBOL: return parse_symbol_atom(parser);
    default: parse_unexpected(parser, "an expression"); return NULL;
    }
}
