/* parse_clause: MATCH, UNWIND, CALL, CREATE, MERGE, SET, REMOVE, DELETE, WITH, RETURN. */
#include "graph/cypher/parse.h"

/* --- what is read --- */

static bool parse_where(struct parser *parser, struct cypher_expr **where) {
    if (!parse_accept_word(parser, WORD_WHERE)) return true;
    *where = parse_expression(parser);
    return *where != NULL;
}

static bool parse_match(struct parser *parser, struct cypher_clause *clause) {
    clause->kind = CLAUSE_MATCH;
    clause->match.optional = parse_accept_word(parser, WORD_OPTIONAL);
    if (!parse_expect_word(parser, WORD_MATCH, "behind OPTIONAL") || !parse_pattern(parser, &clause->match.pattern))
        return false;
    if (parse_is_word(parser, WORD_USING)) return parse_unsupported(parser, parse_peek(parser)->place, "USING");
    return parse_where(parser, &clause->match.where);
}

static bool parse_unwind(struct parser *parser, struct cypher_clause *clause) {
    parser->at++;
    clause->kind = CLAUSE_UNWIND;
    clause->unwind.slot = CYPHER_NO_SLOT;
    clause->unwind.list = parse_expression(parser);
    return clause->unwind.list && parse_expect_word(parser, WORD_AS, "behind the list of UNWIND") &&
           parse_variable(parser, &clause->unwind.variable);
}

/* --- CALL --- */

static bool parse_procedure_name(struct parser *parser, struct cypher_name *procedure) {
    const struct token *first = parse_peek(parser), *last;
    struct cypher_name name;
    do {
        last = parse_peek(parser);
        if (!parse_any_name(parser, &name)) return false;
    } while (parse_accept(parser, '.'));
    procedure->place = first->place;
    procedure->text = slice_make(parser->text.data + first->offset, last->offset + last->size - first->offset);
    return true;
}

static bool parse_yields(struct parser *parser, struct cypher_clause *clause) {
    const size_t mark = parser->scratch.size;
    clause->call.has_yield = true;
    if (parse_accept(parser, '*')) {
        clause->call.yield_star = true;
        return true;
    }
    if (parse_accept(parser, '-')) return true; /* YIELD - : nothing */
    do {
        struct cypher_yield yield = {.slot = CYPHER_NO_SLOT};
        if (!parse_any_name(parser, &yield.field)) return false;
        yield.variable = yield.field;
        if (parse_accept_word(parser, WORD_AS) && !parse_variable(parser, &yield.variable)) return false;
        if (!parse_push(parser, &yield, sizeof yield)) return false;
    } while (parse_accept(parser, ','));
    if (!parse_pop(parser, mark, sizeof(struct cypher_yield), &clause->call.yields, &clause->call.yield_count))
        return false;
    return parse_where(parser, &clause->call.where);
}

static bool parse_procedure_call(struct parser *parser, struct cypher_clause *clause) {
    parser->at++;
    clause->kind = CLAUSE_CALL;
    if (parse_is(parser, '{')) return parse_unsupported(parser, clause->place, "CALL { subquery }");
    if (!parse_procedure_name(parser, &clause->call.procedure)) return false;
    clause->call.has_arguments = parse_accept(parser, '(');
    if (clause->call.has_arguments && !parse_expression_list(parser, ')', NULL, &clause->call.arguments)) return false;
    return !parse_accept_word(parser, WORD_YIELD) || parse_yields(parser, clause);
}

/* --- what is written --- */

static bool parse_create(struct parser *parser, struct cypher_clause *clause) {
    parser->at++;
    clause->kind = CLAUSE_CREATE;
    const struct token *token = parse_peek(parser);
    if (parse_is_word(parser, WORD_INDEX)) return parse_unsupported(parser, token->place, "CREATE INDEX");
    if (token->kind == TOKEN_NAME && parse_peek_at(parser, 1)->kind == TOKEN_NAME)
        return parse_unsupported(parser, token->place, "CREATE of an index or a constraint");
    return parse_pattern(parser, &clause->create);
}

static bool parse_set_target(struct parser *parser, struct cypher_set_item *item) {
    item->target = parse_atom(parser);
    if (!item->target) return false;
    item->target = parse_postfix(parser, item->target);
    if (!item->target) return false;
    struct cypher_expr *whole = item->target;
    if (whole->kind == EXPR_PROPERTY) {
        item->kind = CYPHER_SET_PROPERTY;
        item->target = whole->property.object;
        item->key = whole->property.key;
    } else if (whole->kind == EXPR_HAS_LABELS) {
        item->kind = CYPHER_SET_LABELS;
        item->target = whole->labels.subject;
        item->labels = whole->labels.names;
    } else if (whole->kind == EXPR_VARIABLE) {
        item->kind = CYPHER_SET_REPLACE;
    } else {
        return parse_fault(parser, CYPHER_FAULT_UNEXPECTED_SYNTAX, item->place,
                           "expected a property, labels or a variable to set or remove");
    }
    return true;
}

static bool parse_set_item(struct parser *parser, struct cypher_set_item *item) {
    *item = (struct cypher_set_item){.place = parse_peek(parser)->place};
    if (!parse_set_target(parser, item)) return false;
    if (item->kind == CYPHER_SET_LABELS) return true;
    if (item->kind == CYPHER_SET_REPLACE && parse_accept(parser, SYMBOL_PLUS_EQUAL))
        item->kind = CYPHER_SET_MERGE;
    else if (!parse_expect(parser, '=', "behind what is set"))
        return false;
    item->value = parse_expression(parser);
    return item->value != NULL;
}

static bool parse_remove_item(struct parser *parser, struct cypher_set_item *item) {
    *item = (struct cypher_set_item){.place = parse_peek(parser)->place};
    if (!parse_set_target(parser, item)) return false;
    if (item->kind != CYPHER_SET_REPLACE) return true;
    return parse_fault(parser, CYPHER_FAULT_UNEXPECTED_SYNTAX, item->place, "REMOVE takes a property or labels");
}

static bool parse_set_items(struct parser *parser, struct cypher_set_items *items, bool is_remove) {
    const size_t mark = parser->scratch.size;
    do {
        struct cypher_set_item item;
        if (is_remove ? !parse_remove_item(parser, &item) : !parse_set_item(parser, &item)) return false;
        if (!parse_push(parser, &item, sizeof item)) return false;
    } while (parse_accept(parser, ','));
    return parse_pop(parser, mark, sizeof(struct cypher_set_item), &items->items, &items->count);
}

static bool parse_set(struct parser *parser, struct cypher_clause *clause) {
    clause->kind = parse_is_word(parser, WORD_SET) ? CLAUSE_SET : CLAUSE_REMOVE;
    parser->at++;
    return parse_set_items(parser, &clause->set, clause->kind == CLAUSE_REMOVE);
}

/* The items of several ON MATCH SET follow each other. */
static bool join_items(struct parser *parser, struct cypher_set_items *to, const struct cypher_set_items *more) {
    struct cypher_set_item *items = parse_alloc(parser, (to->count + more->count) * sizeof *items);
    if (!items) return false;
    if (to->count) memcpy(items, to->items, to->count * sizeof *items);
    memcpy(items + to->count, more->items, more->count * sizeof *items);
    to->items = items;
    to->count += more->count;
    return true;
}

static bool parse_merge(struct parser *parser, struct cypher_clause *clause) {
    enum { ACTIONS_MAX = 16 };
    parser->at++;
    clause->kind = CLAUSE_MERGE;
    if (!parse_named_path(parser, &clause->merge.path)) return false;
    for (unsigned actions = 0; parse_is_word(parser, WORD_ON); actions++) {
        const struct cypher_place place = parse_peek(parser)->place;
        struct cypher_set_items items;
        parser->at++;
        const bool on_match = parse_accept_word(parser, WORD_MATCH);
        if (!on_match && !parse_expect_word(parser, WORD_CREATE, "or MATCH behind ON")) return false;
        if (!parse_expect_word(parser, WORD_SET, "behind ON MATCH or ON CREATE")) return false;
        if (actions == ACTIONS_MAX)
            return parse_fault(parser, CYPHER_FAULT_TOO_LARGE, place, "too many ON of one MERGE");
        if (!parse_set_items(parser, &items, false)) return false;
        if (!join_items(parser, on_match ? &clause->merge.on_match : &clause->merge.on_create, &items)) return false;
    }
    return true;
}

static bool parse_delete(struct parser *parser, struct cypher_clause *clause) {
    const size_t mark = parser->scratch.size;
    clause->kind = CLAUSE_DELETE;
    clause->deletion.detach = parse_accept_word(parser, WORD_DETACH);
    if (!parse_expect_word(parser, WORD_DELETE, "behind DETACH")) return false;
    do {
        struct cypher_expr *target = parse_expression(parser);
        if (!target || !parse_push(parser, &target, sizeof target)) return false;
    } while (parse_accept(parser, ','));
    return parse_pop(parser, mark, sizeof(struct cypher_expr *), &clause->deletion.targets.items,
                     &clause->deletion.targets.count);
}

/* --- WITH and RETURN --- */

static bool parse_column(struct parser *parser, struct cypher_column *column) {
    const struct token *first = parse_peek(parser);
    *column = (struct cypher_column){.place = first->place, .slot = CYPHER_NO_SLOT};
    column->expr = parse_expression(parser);
    if (!column->expr) return false;
    const struct token *last = &parser->tokens[parser->at - 1];
    column->name = slice_make(parser->text.data + first->offset, last->offset + last->size - first->offset);
    if (column->expr->kind == EXPR_VARIABLE) column->name = column->expr->variable.name;
    if (!parse_accept_word(parser, WORD_AS)) return true;
    struct cypher_name alias;
    if (!parse_variable(parser, &alias)) return false;
    column->has_alias = true;
    column->name = alias.text;
    column->place = alias.place;
    return true;
}

static bool parse_columns(struct parser *parser, struct cypher_projection *projection) {
    const size_t mark = parser->scratch.size;
    if (parse_accept(parser, '*')) {
        projection->star = true;
        if (!parse_accept(parser, ',')) return true;
    }
    do {
        struct cypher_column column;
        if (!parse_column(parser, &column) || !parse_push(parser, &column, sizeof column)) return false;
    } while (parse_accept(parser, ','));
    return parse_pop(parser, mark, sizeof(struct cypher_column), &projection->columns, &projection->column_count);
}

static bool parse_sort(struct parser *parser, struct cypher_projection *projection) {
    const size_t mark = parser->scratch.size;
    if (!parse_accept_word(parser, WORD_ORDER)) return true;
    if (!parse_expect_word(parser, WORD_BY, "behind ORDER")) return false;
    do {
        struct cypher_sort_item item = {.expr = parse_expression(parser)};
        if (!item.expr) return false;
        item.descending = parse_accept_word(parser, WORD_DESC) || parse_accept_word(parser, WORD_DESCENDING);
        if (!item.descending && !parse_accept_word(parser, WORD_ASC)) parse_accept_word(parser, WORD_ASCENDING);
        if (!parse_push(parser, &item, sizeof item)) return false;
    } while (parse_accept(parser, ','));
    return parse_pop(parser, mark, sizeof(struct cypher_sort_item), &projection->sort, &projection->sort_count);
}

bool parse_projection(struct parser *parser, struct cypher_projection *projection, bool is_with) {
    projection->distinct = parse_accept_word(parser, WORD_DISTINCT);
    if (!parse_columns(parser, projection) || !parse_sort(parser, projection)) return false;
    if (parse_accept_word(parser, WORD_SKIP) && !(projection->skip = parse_expression(parser))) return false;
    if (parse_accept_word(parser, WORD_LIMIT) && !(projection->limit = parse_expression(parser))) return false;
    return !is_with || parse_where(parser, &projection->where);
}

static bool parse_with(struct parser *parser, struct cypher_clause *clause) {
    clause->kind = parse_is_word(parser, WORD_WITH) ? CLAUSE_WITH : CLAUSE_RETURN;
    parser->at++;
    return parse_projection(parser, &clause->projection, clause->kind == CLAUSE_WITH);
}

/* --- which --- */

typedef bool (*parse_clause_function)(struct parser *parser, struct cypher_clause *clause);

static parse_clause_function clause_function(const struct token *token) {
    if (token->kind != TOKEN_NAME) return NULL;
    switch (token->word) {
    case WORD_OPTIONAL:
    case WORD_MATCH: return parse_match;
    case WORD_UNWIND: return parse_unwind;
    case WORD_CALL: return parse_procedure_call;
    case WORD_CREATE: return parse_create;
    case WORD_MERGE: return parse_merge;
    case WORD_SET:
    case WORD_REMOVE: return parse_set;
    case WORD_DETACH:
    case WORD_DELETE: return parse_delete;
    case WORD_WITH:
    case WORD_RETURN: return parse_with;
    default: return NULL;
    }
}

bool parse_at_clause(const struct parser *parser) {
    return clause_function(parse_peek(parser)) != NULL;
}

static const char *unsupported_clause(const struct token *token) {
    if (token->kind != TOKEN_NAME) return NULL;
    switch (token->word) {
    case WORD_FOREACH: return "FOREACH";
    case WORD_LOAD: return "LOAD CSV";
    case WORD_DROP: return "DROP";
    case WORD_USE: return "USE";
    case WORD_FINISH: return "FINISH";
    default: return NULL;
    }
}

bool parse_clause(struct parser *parser, struct cypher_clause *clause) {
    const struct token *token = parse_peek(parser);
    const parse_clause_function function = clause_function(token);
    clause->place = token->place;
    if (function) return function(parser, clause);
    const char *unsupported = unsupported_clause(token);
    if (unsupported) return parse_unsupported(parser, token->place, unsupported);
    return parse_unexpected(parser,
                            "a clause: MATCH, UNWIND, CALL, CREATE, MERGE, SET, REMOVE, DELETE, WITH or RETURN");
}
