/* parse_call: functions, quantifiers, reduce, comprehensions, and patterns and subqueries within expressions. */
#include <stdio.h>
#include <strings.h>

#include "graph/cypher/parse.h"

/* --- variable IN list WHERE condition | result --- */

static bool parse_loop_head(struct parser *parser, struct cypher_expr *expr) {
    expr->loop.slot = CYPHER_NO_SLOT;
    if (!parse_variable(parser, &expr->loop.variable)) return false;
    if (!parse_expect_word(parser, WORD_IN, "behind the variable")) return false;
    expr->loop.list = parse_expression(parser);
    if (!expr->loop.list || !parse_raise(parser, expr, expr->loop.list, NULL)) return false;
    if (!parse_accept_word(parser, WORD_WHERE)) return true;
    expr->loop.condition = parse_expression(parser);
    return expr->loop.condition && parse_raise(parser, expr, expr->loop.condition, NULL);
}

static struct cypher_expr *parse_list_comprehension(struct parser *parser, struct cypher_place place) {
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_LIST_COMPREHENSION, place);
    if (!expr || !parse_loop_head(parser, expr)) return NULL;
    if (parse_accept(parser, '|')) {
        expr->loop.result = parse_expression(parser);
        if (!expr->loop.result || !parse_raise(parser, expr, expr->loop.result, NULL)) return NULL;
    }
    return parse_expect(parser, ']', "at the end of a list comprehension") ? expr : NULL;
}

/* all(x IN list WHERE condition); the condition may not be missing. */
static struct cypher_expr *parse_quantifier(struct parser *parser, enum cypher_expr_kind kind) {
    struct cypher_expr *expr = parse_expr_make(parser, kind, parse_peek(parser)->place);
    parser->at += 2;
    if (!expr || !parse_loop_head(parser, expr)) return NULL;
    if (!expr->loop.condition) return parse_unexpected(parser, "WHERE"), NULL;
    return parse_expect(parser, ')', "behind the condition") ? expr : NULL;
}

static struct cypher_expr *parse_reduce(struct parser *parser) {
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_REDUCE, parse_peek(parser)->place);
    parser->at += 2;
    if (!expr || !parse_variable(parser, &expr->reduce.accumulator)) return NULL;
    expr->reduce.slot = expr->reduce.accumulator_slot = CYPHER_NO_SLOT;
    if (!parse_expect(parser, '=', "behind the accumulator")) return NULL;
    expr->reduce.initial = parse_expression(parser);
    if (!expr->reduce.initial || !parse_expect(parser, ',', "behind the initial value")) return NULL;
    if (!parse_variable(parser, &expr->reduce.variable)) return NULL;
    if (!parse_expect_word(parser, WORD_IN, "behind the variable")) return NULL;
    expr->reduce.list = parse_expression(parser);
    if (!expr->reduce.list || !parse_expect(parser, '|', "behind the list")) return NULL;
    expr->reduce.result = parse_expression(parser);
    if (!expr->reduce.result || !parse_expect(parser, ')', "at the end of reduce")) return NULL;
    if (!parse_raise(parser, expr, expr->reduce.initial, expr->reduce.list)) return NULL;
    return parse_raise(parser, expr, expr->reduce.result, NULL) ? expr : NULL;
}

/* --- patterns --- */

static bool symbol_at(const struct parser *parser, uint32_t at, unsigned symbol) {
    return parser->tokens[at].kind == TOKEN_SYMBOL && parser->tokens[at].symbol == symbol;
}

/* What stands behind '(' could be a node: name, labels, properties or nothing. */
static bool at_node(const struct parser *parser, uint32_t at) {
    if (parser->tokens[at].kind == TOKEN_NAME || parser->tokens[at].kind == TOKEN_QUOTED_NAME) at++;
    return symbol_at(parser, at, ')') || symbol_at(parser, at, ':') || symbol_at(parser, at, '{');
}

/* -[ -- <-- <-[ : an edge. "(a) - -b" is read as the beginning of (a)--(b) only if a node or an arrow's head follows.
 */
static bool at_edge(const struct parser *parser, uint32_t at) {
    if (symbol_at(parser, at, '<'))
        return symbol_at(parser, at + 1, '-') && (symbol_at(parser, at + 2, '-') || symbol_at(parser, at + 2, '['));
    if (!symbol_at(parser, at, '-')) return false;
    if (symbol_at(parser, at + 1, '[')) return true;
    return symbol_at(parser, at + 1, '-') && (symbol_at(parser, at + 2, '(') || symbol_at(parser, at + 2, '>'));
}

bool parse_at_pattern(const struct parser *parser, uint32_t from) {
    if (!symbol_at(parser, from, '(') || !at_node(parser, from + 1)) return false;
    const uint32_t close = parser->tokens[from].match;
    return parser->tokens[close].kind != TOKEN_END && at_edge(parser, close + 1);
}

struct cypher_expr *parse_pattern_expression(struct parser *parser, bool is_predicate) {
    const struct cypher_place place = parse_peek(parser)->place;
    struct cypher_expr *expr = parse_expr_make(parser, is_predicate ? EXPR_PATTERN : EXPR_PATTERN_COMPREHENSION, place);
    struct cypher_path *path = parse_alloc(parser, sizeof *path);
    if (!expr || !path) return NULL;
    expr->subquery.path = path;
    if (is_predicate) return parse_path(parser, path) ? expr : NULL;
    if (!parse_named_path(parser, path)) return NULL;
    if (parse_accept_word(parser, WORD_WHERE)) {
        expr->subquery.condition = parse_expression(parser);
        if (!expr->subquery.condition || !parse_raise(parser, expr, expr->subquery.condition, NULL)) return NULL;
    }
    if (!parse_expect(parser, '|', "behind the pattern")) return NULL;
    expr->subquery.result = parse_expression(parser);
    if (!expr->subquery.result || !parse_raise(parser, expr, expr->subquery.result, NULL)) return NULL;
    return parse_expect(parser, ']', "at the end of a pattern comprehension") ? expr : NULL;
}

static bool at_pattern_comprehension(const struct parser *parser) {
    if (parse_at_pattern(parser, parser->at)) return true;
    return token_is_variable(parse_peek(parser)) && symbol_at(parser, parser->at + 1, '=') &&
           parse_at_pattern(parser, parser->at + 2);
}

struct cypher_expr *parse_bracketed(struct parser *parser) {
    const struct cypher_place place = parse_peek(parser)->place;
    parser->at++; /* '[' */
    const struct token *second = parse_peek_at(parser, 1);
    if (token_is_variable(parse_peek(parser)) && second->kind == TOKEN_NAME && second->word == WORD_IN)
        return parse_list_comprehension(parser, place);
    if (at_pattern_comprehension(parser)) {
        struct cypher_expr *comprehension = parse_pattern_expression(parser, false);
        if (comprehension) comprehension->place = place;
        return comprehension;
    }
    struct cypher_expr *list = parse_expr_make(parser, EXPR_LIST, place);
    return list && parse_expression_list(parser, ']', list, &list->list) ? list : NULL;
}

/* --- EXISTS { ... } --- */

/* EXISTS { pattern [WHERE condition] } is EXISTS { MATCH pattern [WHERE condition] }. */
static bool parse_exists_pattern(struct parser *parser, struct cypher_query *query) {
    struct cypher_single_query *part = parse_alloc(parser, sizeof *part);
    struct cypher_clause **clauses = parse_alloc(parser, sizeof(struct cypher_clause *));
    struct cypher_clause *match = parse_alloc(parser, sizeof *match);
    if (!part || !clauses || !match) return false;
    match->kind = CLAUSE_MATCH;
    part->place = match->place = parse_peek(parser)->place;
    clauses[0] = match;
    part->clauses = clauses;
    part->clause_count = 1;
    *query = (struct cypher_query){.parts = part, .part_count = 1};
    if (!parse_pattern(parser, &match->match.pattern)) return false;
    if (!parse_accept_word(parser, WORD_WHERE)) return true;
    match->match.where = parse_expression(parser);
    return match->match.where != NULL;
}

static struct cypher_expr *parse_exists(struct parser *parser) {
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_EXISTS, parse_peek(parser)->place);
    struct cypher_query *query = parse_alloc(parser, sizeof *query);
    if (!expr || !query || !parse_enter(parser, expr->place)) return NULL;
    parser->at += 2;
    expr->subquery.query = query;
    if (parse_at_clause(parser) ? !parse_query(parser, query) : !parse_exists_pattern(parser, query)) return NULL;
    parse_leave(parser);
    return parse_expect(parser, '}', "at the end of the subquery") ? expr : NULL;
}

/* --- functions --- */

static const char *const unsupported_functions[] = {
    "date",           "time",
    "localtime",      "datetime",
    "localdatetime",  "duration",
    "point",          "distance",
    "shortestPath",   "allShortestPaths",
    "filter",         "extract",
    "randomUUID",     "toIntegerOrNull",
    "toFloatOrNull",  "toBooleanOrNull",
    "toStringOrNull", "isEmpty",
    "elementId",      "haversin",
    "sinh",           "cosh",
    "tanh",           "isNaN",
    "collect",
};

static bool name_is(struct slice name, const char *text) {
    return name.size == strlen(text) && strncasecmp((const char *)name.data, text, name.size) == 0;
}

static bool find_function(struct parser *parser, struct slice name, struct cypher_place place,
                          enum cypher_function *function) {
    for (unsigned i = 0; i < CYPHER_FUNCTION_COUNT_OF_ALL; i++) {
        if (!name_is(name, cypher_functions[i].name)) continue;
        *function = (enum cypher_function)i;
        return true;
    }
    char text[64];
    snprintf(text, sizeof text, "function %.*s()", (int)(name.size < 40 ? name.size : 40), (const char *)name.data);
    const uint8_t *dot = name.size ? memchr(name.data, '.', name.size) : NULL;
    const struct slice head = slice_make(name.data, dot ? (size_t)(dot - name.data) : name.size);
    for (size_t i = 0; i < sizeof unsupported_functions / sizeof unsupported_functions[0]; i++)
        if (name_is(head, unsupported_functions[i])) return parse_unsupported(parser, place, text);
    cypher_fault_set(parser->fault, CYPHER_FAULT_UNKNOWN_FUNCTION, place, "unknown %s", text);
    return false;
}

/* name.name.name as one text. */
static bool parse_dotted_name(struct parser *parser, struct slice *text) {
    struct cypher_name name;
    const struct token *first = parse_peek(parser);
    if (!parse_any_name(parser, &name)) return false;
    *text = name.text;
    while (parse_accept(parser, '.')) {
        const struct token *last = parse_peek(parser);
        if (!parse_any_name(parser, &name)) return false;
        *text = slice_make(parser->text.data + first->offset, last->offset + last->size - first->offset);
    }
    return true;
}

static bool parse_arguments(struct parser *parser, struct cypher_expr *call) {
    const struct cypher_function_row *row = &cypher_functions[call->call.function];
    const struct cypher_place place = parse_peek(parser)->place;
    call->call.distinct = parse_accept_word(parser, WORD_DISTINCT);
    if (call->call.distinct && !row->is_aggregate)
        return parse_fault(parser, CYPHER_FAULT_UNEXPECTED_SYNTAX, place, "DISTINCT is for aggregations only");
    if (!parse_expression_list(parser, ')', call, &call->call.arguments)) return false;
    const uint32_t count = call->call.arguments.count;
    if (count >= row->fewest_arguments && count <= row->most_arguments) return true;
    cypher_fault_set(parser->fault, CYPHER_FAULT_INVALID_ARGUMENT_COUNT, call->place,
                     "%s() takes %u to %u arguments, not %u", row->name, row->fewest_arguments, row->most_arguments,
                     count);
    return false;
}

static struct cypher_expr *parse_function(struct parser *parser) {
    const struct token *token = parse_peek(parser);
    struct slice name;
    if (!parse_dotted_name(parser, &name)) return NULL;
    struct cypher_expr *call = parse_expr_make(parser, EXPR_CALL, token->place);
    if (!call || !parse_expect(parser, '(', "behind the name of a function")) return NULL;
    if (parse_is(parser, '*') && name_is(name, "count")) {
        parser->at++;
        call->kind = EXPR_COUNT_STAR;
        return parse_expect(parser, ')', "behind count(*") ? call : NULL;
    }
    if (!find_function(parser, name, token->place, &call->call.function)) return NULL;
    return parse_arguments(parser, call) ? call : NULL;
}

/* (x IN : the head of a quantifier, not the arguments of a function. */
static bool at_loop(const struct parser *parser) {
    const struct token *third = parse_peek_at(parser, 3);
    return symbol_at(parser, parser->at + 1, '(') && third->kind == TOKEN_NAME && third->word == WORD_IN;
}

struct cypher_expr *parse_call(struct parser *parser) {
    const struct token *token = parse_peek(parser);
    const bool braces = symbol_at(parser, parser->at + 1, '{');
    if (braces && token->word == WORD_EXISTS) return parse_exists(parser);
    if (braces) return parse_unsupported(parser, token->place, "COUNT { ... }"), NULL;
    if (token->kind != TOKEN_NAME) return parse_function(parser);
    switch (token->word) {
    case WORD_ALL: return parse_quantifier(parser, EXPR_ALL);
    case WORD_ANY:
        if (at_loop(parser)) return parse_quantifier(parser, EXPR_ANY);
        break;
    case WORD_NONE:
        if (at_loop(parser)) return parse_quantifier(parser, EXPR_NONE);
        break;
    case WORD_SINGLE:
        if (at_loop(parser)) return parse_quantifier(parser, EXPR_SINGLE);
        break;
    case WORD_REDUCE: return parse_reduce(parser);
    default: break;
    }
    return parse_function(parser);
}
