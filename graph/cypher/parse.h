/*
 * parse: what the parts of the parser share; private to them.
 *
 * A function that returns a pointer gives NULL, one that returns a bool gives false, when it failed: the fault stands
 * in parser->fault then. Lists of unknown length grow on a scratch stack (parse_push) and move into the arena when they
 * are complete (parse_pop); a failure leaves the rest on the stack, which dies with the parser.
 */
#ifndef GRAPH_CYPHER_PARSE_H
#define GRAPH_CYPHER_PARSE_H

#include "engine/base/buf.h"
#include "graph/cypher/ast.h"
#include "graph/cypher/lexer.h"
#include "graph/cypher/memory.h"
#include "graph/cypher/symbols.h"

struct parser {
    struct cypher_memory memory;
    struct slice text;
    const struct token *tokens;
    uint32_t at; /* index of the next token */
    uint32_t depth;
    struct buf scratch;
    struct symbols parameters; /* their names, numbered */
    struct cypher_fault *fault;
};

/* --- memory --- */
void *parse_alloc(struct parser *parser, size_t size); /* zeroed */
bool parse_push(struct parser *parser, const void *item, size_t size);
/* Moves what was pushed since scratch.size was `mark` into the arena; *count of items of `size`. */
bool parse_pop(struct parser *parser, size_t mark, size_t size, void *items, uint32_t *count);

/* --- tokens --- */
static inline const struct token *parse_peek(const struct parser *parser) {
    return &parser->tokens[parser->at];
}
/* The token `ahead` of the next one; the last one beyond the end. */
const struct token *parse_peek_at(const struct parser *parser, uint32_t ahead);
bool parse_is(const struct parser *parser, unsigned symbol);
bool parse_is_word(const struct parser *parser, enum token_word word);
bool parse_accept(struct parser *parser, unsigned symbol);
bool parse_accept_word(struct parser *parser, enum token_word word);
bool parse_expect(struct parser *parser, unsigned symbol, const char *where);
bool parse_expect_word(struct parser *parser, enum token_word word, const char *where);
/* "unexpected X: expected WHAT". */
bool parse_unexpected(struct parser *parser, const char *expected);
bool parse_fault(struct parser *parser, enum cypher_fault_code code, struct cypher_place place, const char *what);
bool parse_unsupported(struct parser *parser, struct cypher_place place, const char *what);
/* One level deeper; with parse_leave for each success. */
bool parse_enter(struct parser *parser, struct cypher_place place);
static inline void parse_leave(struct parser *parser) {
    parser->depth--;
}

/* --- names and literals --- */
struct slice token_text(const struct parser *parser, const struct token *token);
bool token_is_variable(const struct token *token); /* may name a variable: no reserved word, unless quoted */
bool parse_variable(struct parser *parser, struct cypher_name *name);
bool parse_any_name(struct parser *parser, struct cypher_name *name); /* label, type, key: reserved words too */
bool parse_string(struct parser *parser, const struct token *token, struct slice *content);
bool parse_number(struct parser *parser, const struct token *token, bool negative, struct cypher_expr *expr);
/* An integer that is no expression: hops. */
bool parse_count(struct parser *parser, uint32_t *count);
bool parse_parameter(struct parser *parser, struct cypher_expr *expr);

/* --- expressions --- */
struct cypher_expr *parse_expression(struct parser *parser);
/* Literal, list, map, with a sign: what stands without operators. */
struct cypher_expr *parse_setting_value(struct parser *parser);
struct cypher_expr *parse_atom(struct parser *parser);
struct cypher_expr *parse_postfix(struct parser *parser, struct cypher_expr *expr);
struct cypher_expr *parse_expr_make(struct parser *parser, enum cypher_expr_kind kind, struct cypher_place place);
/* height = 1 + the highest of both (NULL: none), more if it is more already; refused above CYPHER_DEPTH_MAX. */
bool parse_raise(struct parser *parser, struct cypher_expr *expr, const struct cypher_expr *a,
                 const struct cypher_expr *b);
/* Up to `end`, which is taken too; may be empty. */
bool parse_expression_list(struct parser *parser, unsigned end, struct cypher_expr *owner, struct cypher_list *list);
struct cypher_expr *parse_map(struct parser *parser);
struct cypher_expr *parse_call(struct parser *parser);
struct cypher_expr *parse_bracketed(struct parser *parser); /* list, list or pattern comprehension */
struct cypher_expr *parse_pattern_expression(struct parser *parser, bool is_predicate);
/* At '(' : true if a pattern with an edge begins here and no expression. */
bool parse_at_pattern(const struct parser *parser, uint32_t from);

/* --- patterns and clauses --- */
bool parse_pattern(struct parser *parser, struct cypher_pattern *pattern);
bool parse_path(struct parser *parser, struct cypher_path *path); /* without its variable */
bool parse_named_path(struct parser *parser, struct cypher_path *path);
bool parse_labels(struct parser *parser, struct cypher_names *labels); /* (:NAME)*, none is allowed */
bool parse_query(struct parser *parser, struct cypher_query *query);   /* up to what can't belong to it */
bool parse_clause(struct parser *parser, struct cypher_clause *clause);
bool parse_at_clause(const struct parser *parser);
bool parse_projection(struct parser *parser, struct cypher_projection *projection, bool is_with);
bool parse_compose(struct parser *parser, struct cypher_single_query *part);

#endif
