/*
 * parse_expression: operators, by precedence climbing: one C frame per level of the text's nesting, not per level of
 * the grammar.
 *
 * From weak to strong: OR, XOR, AND, NOT, comparisons (a < b < c means a < b AND b < c), predicates (IN, STARTS WITH,
 * IS NULL
 * ...), + -, * / %, ^, signs, then what follows an atom (parse_postfix). Chains of OR, XOR and AND, which group as they
 * like, become balanced trees: a thousand alternatives are ten levels.
 */
#include "graph/cypher/parse.h"

enum level {
    LEVEL_NONE,
    LEVEL_OR,
    LEVEL_XOR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARISON,
    LEVEL_PREDICATE,
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_POWER,
    LEVEL_SIGN,
};

struct infix {
    enum level level;
    enum cypher_expr_kind kind;
    uint32_t tokens; /* that it consists of */
};

static struct cypher_expr *parse_operators(struct parser *parser, enum level level);

struct cypher_expr *parse_expr_make(struct parser *parser, enum cypher_expr_kind kind, struct cypher_place place) {
    struct cypher_expr *expr = parse_alloc(parser, sizeof *expr);
    if (!expr) return NULL;
    expr->kind = kind;
    expr->place = place;
    expr->height = 1;
    return expr;
}

bool parse_raise(struct parser *parser, struct cypher_expr *expr, const struct cypher_expr *a,
                 const struct cypher_expr *b) {
    uint16_t highest = a ? a->height : 0;
    if (b && b->height > highest) highest = b->height;
    if (highest + 1 > expr->height) expr->height = (uint16_t)(highest + 1);
    if (expr->height <= CYPHER_DEPTH_MAX) return true;
    cypher_fault_set(parser->fault, CYPHER_FAULT_TOO_LARGE, expr->place, "an expression of more than %d levels",
                     CYPHER_DEPTH_MAX);
    return false;
}

static struct cypher_expr *make_binary(struct parser *parser, enum cypher_expr_kind kind, struct cypher_place place,
                                       struct cypher_expr *left, struct cypher_expr *right) {
    struct cypher_expr *expr = left && right ? parse_expr_make(parser, kind, place) : NULL;
    if (!expr) return NULL;
    expr->binary.left = left;
    expr->binary.right = right;
    return parse_raise(parser, expr, left, right) ? expr : NULL;
}

static struct cypher_expr *make_unary(struct parser *parser, enum cypher_expr_kind kind, struct cypher_place place,
                                      struct cypher_expr *operand) {
    struct cypher_expr *expr = operand ? parse_expr_make(parser, kind, place) : NULL;
    if (!expr) return NULL;
    expr->operand = operand;
    return parse_raise(parser, expr, operand, NULL) ? expr : NULL;
}

/* --- which operator comes next --- */

static struct infix symbol_infix(unsigned symbol) {
    static const struct {
        unsigned symbol;
        struct infix infix;
    } table[] = {
        {'=', {LEVEL_COMPARISON, EXPR_EQUAL, 1}},
        {SYMBOL_NOT_EQUAL, {LEVEL_COMPARISON, EXPR_NOT_EQUAL, 1}},
        {'<', {LEVEL_COMPARISON, EXPR_LESS, 1}},
        {SYMBOL_LESS_EQUAL, {LEVEL_COMPARISON, EXPR_LESS_EQUAL, 1}},
        {'>', {LEVEL_COMPARISON, EXPR_GREATER, 1}},
        {SYMBOL_GREATER_EQUAL, {LEVEL_COMPARISON, EXPR_GREATER_EQUAL, 1}},
        {SYMBOL_MATCHES, {LEVEL_PREDICATE, EXPR_MATCHES, 1}},
        {'+', {LEVEL_SUM, EXPR_ADD, 1}},
        {'-', {LEVEL_SUM, EXPR_SUBTRACT, 1}},
        {'*', {LEVEL_PRODUCT, EXPR_MULTIPLY, 1}},
        {'/', {LEVEL_PRODUCT, EXPR_DIVIDE, 1}},
        {'%', {LEVEL_PRODUCT, EXPR_MODULO, 1}},
        {'^', {LEVEL_POWER, EXPR_POWER, 1}},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].symbol == symbol) return table[i].infix;
    return (struct infix){0};
}

static bool word_follows(const struct parser *parser, uint32_t ahead, enum token_word word) {
    const struct token *token = parse_peek_at(parser, ahead);
    return token->kind == TOKEN_NAME && token->word == word;
}

static struct infix word_infix(const struct parser *parser, enum token_word word) {
    const bool with = word_follows(parser, 1, WORD_WITH);
    switch (word) {
    case WORD_OR: return (struct infix){LEVEL_OR, EXPR_OR, 1};
    case WORD_XOR: return (struct infix){LEVEL_XOR, EXPR_XOR, 1};
    case WORD_AND: return (struct infix){LEVEL_AND, EXPR_AND, 1};
    case WORD_IN: return (struct infix){LEVEL_PREDICATE, EXPR_IN, 1};
    case WORD_CONTAINS: return (struct infix){LEVEL_PREDICATE, EXPR_CONTAINS, 1};
    case WORD_STARTS: return with ? (struct infix){LEVEL_PREDICATE, EXPR_STARTS_WITH, 2} : (struct infix){0};
    case WORD_ENDS: return with ? (struct infix){LEVEL_PREDICATE, EXPR_ENDS_WITH, 2} : (struct infix){0};
    case WORD_IS:
        if (word_follows(parser, 1, WORD_NULL)) return (struct infix){LEVEL_PREDICATE, EXPR_IS_NULL, 2};
        if (word_follows(parser, 1, WORD_NOT) && word_follows(parser, 2, WORD_NULL))
            return (struct infix){LEVEL_PREDICATE, EXPR_IS_NOT_NULL, 3};
        return (struct infix){0};
    default: return (struct infix){0};
    }
}

static struct infix next_infix(const struct parser *parser) {
    const struct token *token = parse_peek(parser);
    if (token->kind == TOKEN_SYMBOL) return symbol_infix(token->symbol);
    if (token->kind == TOKEN_NAME) return word_infix(parser, (enum token_word)token->word);
    return (struct infix){0};
}

/* --- chains --- */

static struct cypher_expr *make_balanced(struct parser *parser, enum cypher_expr_kind kind, struct cypher_expr **items,
                                         uint32_t count) {
    if (count == 1) return items[0];
    const uint32_t half = count / 2;
    return make_binary(parser, kind, items[half]->place, make_balanced(parser, kind, items, half),
                       make_balanced(parser, kind, items + half, count - half));
}

/* left OP b OP c ... of one kind that groups as it likes. */
static struct cypher_expr *parse_chain(struct parser *parser, struct cypher_expr *left, struct infix infix) {
    const size_t mark = parser->scratch.size;
    struct cypher_expr **items;
    uint32_t count;
    if (!parse_push(parser, &left, sizeof left)) return NULL;
    while (next_infix(parser).kind == infix.kind && next_infix(parser).level == infix.level) {
        parser->at++;
        struct cypher_expr *next = parse_operators(parser, infix.level + 1);
        if (!next || !parse_push(parser, &next, sizeof next)) return NULL;
    }
    if (!parse_pop(parser, mark, sizeof *items, &items, &count)) return NULL;
    return make_balanced(parser, infix.kind, items, count);
}

struct comparison {
    enum cypher_expr_kind kind;
    struct cypher_place place;
    struct cypher_expr *right;
};

static struct cypher_expr *make_chain(struct parser *parser, struct cypher_expr *left, const struct comparison *items,
                                      uint32_t count) {
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_CHAIN, left->place);
    if (!expr) return NULL;
    expr->chain.count = count;
    expr->chain.operands = parse_alloc(parser, (count + 1) * sizeof(struct cypher_expr *));
    expr->chain.links = parse_alloc(parser, count * sizeof *expr->chain.links);
    if (!expr->chain.operands || !expr->chain.links || !parse_raise(parser, expr, left, NULL)) return NULL;
    expr->chain.operands[0] = left;
    for (uint32_t i = 0; i < count; i++) {
        expr->chain.links[i] = items[i].kind;
        expr->chain.operands[i + 1] = items[i].right;
        if (!parse_raise(parser, expr, items[i].right, NULL)) return NULL;
    }
    return expr;
}

/* left = b, or left < b <= c ... */
static struct cypher_expr *parse_comparisons(struct parser *parser, struct cypher_expr *left) {
    const size_t mark = parser->scratch.size;
    struct comparison *items;
    uint32_t count;
    for (struct infix infix; (infix = next_infix(parser)).level == LEVEL_COMPARISON;) {
        struct comparison item = {.kind = infix.kind, .place = parse_peek(parser)->place};
        parser->at++;
        item.right = parse_operators(parser, LEVEL_COMPARISON + 1);
        if (!item.right || !parse_push(parser, &item, sizeof item)) return NULL;
    }
    if (!parse_pop(parser, mark, sizeof *items, &items, &count)) return NULL;
    if (count > 1) return make_chain(parser, left, items, count);
    return make_binary(parser, items[0].kind, items[0].place, left, items[0].right);
}

static struct cypher_expr *parse_infix(struct parser *parser, struct cypher_expr *left, struct infix infix) {
    const struct cypher_place place = parse_peek(parser)->place;
    if (infix.level <= LEVEL_AND) return parse_chain(parser, left, infix);
    if (infix.level == LEVEL_COMPARISON) return parse_comparisons(parser, left);
    parser->at += infix.tokens;
    if (infix.kind == EXPR_IS_NULL || infix.kind == EXPR_IS_NOT_NULL)
        return make_unary(parser, infix.kind, place, left);
    return make_binary(parser, infix.kind, place, left, parse_operators(parser, infix.level + 1));
}

/* --- signs and NOT --- */

/* A sign and the digits behind it are one literal: the least integer has no positive twin. */
static struct cypher_expr *parse_negative_number(struct parser *parser, struct cypher_place place) {
    struct cypher_expr *expr = parse_expr_make(parser, EXPR_INTEGER, place);
    if (!expr || !parse_number(parser, parse_peek(parser), true, expr)) return NULL;
    parser->at++;
    return parse_postfix(parser, expr);
}

static struct cypher_expr *parse_sign(struct parser *parser) {
    const struct cypher_place place = parse_peek(parser)->place;
    const bool negative = parse_is(parser, '-');
    parser->at++;
    const uint8_t next = parse_peek(parser)->kind;
    if (negative && (next == TOKEN_INTEGER || next == TOKEN_FLOAT)) return parse_negative_number(parser, place);
    return make_unary(parser, negative ? EXPR_NEGATE : EXPR_PLUS, place, parse_operators(parser, LEVEL_SIGN));
}

static struct cypher_expr *parse_prefix(struct parser *parser, enum level level) {
    const struct cypher_place place = parse_peek(parser)->place;
    if (parse_is(parser, '-') || parse_is(parser, '+')) return parse_sign(parser);
    if (level <= LEVEL_NOT && parse_accept_word(parser, WORD_NOT))
        return make_unary(parser, EXPR_NOT, place, parse_operators(parser, LEVEL_NOT));
    struct cypher_expr *atom = parse_atom(parser);
    return atom ? parse_postfix(parser, atom) : NULL;
}

static struct cypher_expr *parse_operators(struct parser *parser, enum level level) {
    if (!parse_enter(parser, parse_peek(parser)->place)) return NULL;
    struct cypher_expr *left = parse_prefix(parser, level);
    for (struct infix infix; left && (infix = next_infix(parser)).level >= level && infix.level != LEVEL_NONE;)
        left = parse_infix(parser, left, infix);
    parse_leave(parser);
    return left;
}

struct cypher_expr *parse_expression(struct parser *parser) {
    return parse_operators(parser, LEVEL_OR);
}

/* --- values of the header --- */

static bool is_constant(const struct cypher_expr *expr) {
    switch (expr->kind) {
    case EXPR_NULL:
    case EXPR_BOOLEAN:
    case EXPR_INTEGER:
    case EXPR_FLOAT:
    case EXPR_STRING: return true;
    case EXPR_LIST:
        for (uint32_t i = 0; i < expr->list.count; i++)
            if (!is_constant(expr->list.items[i])) return false;
        return true;
    case EXPR_MAP:
        for (uint32_t i = 0; i < expr->map.count; i++)
            if (!is_constant(expr->map.values[i])) return false;
        return true;
    default: return false;
    }
}

struct cypher_expr *parse_setting_value(struct parser *parser) {
    const struct cypher_place place = parse_peek(parser)->place;
    struct cypher_expr *value = parse_is(parser, '-') ? parse_sign(parser) : parse_atom(parser);
    if (!value || is_constant(value)) return value;
    parse_fault(parser, CYPHER_FAULT_UNEXPECTED_SYNTAX, place,
                "the value of a parameter is a literal, or a list or map of literals");
    return NULL;
}
