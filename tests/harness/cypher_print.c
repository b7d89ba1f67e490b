#include "tests/harness/cypher_print.h"

#include <stdio.h>
#include <stdlib.h>

static void put(struct buf *to, const char *text) {
    if (buf_append(to, text, strlen(text))) abort();
}

static void put_quoted(struct buf *to, struct slice text, uint8_t quote) {
    const uint8_t escape = quote == '`' ? '`' : '\\';
    if (buf_append_byte(to, quote)) abort();
    for (size_t i = 0; i < text.size; i++) {
        const bool escaped = text.data[i] == quote || text.data[i] == escape;
        if (escaped && buf_append_byte(to, escape)) abort();
        if (buf_append_byte(to, text.data[i])) abort();
    }
    if (buf_append_byte(to, quote)) abort();
}

static void put_name(struct buf *to, struct slice name) {
    put_quoted(to, name, '`');
}

static void put_names(struct buf *to, const struct cypher_names *names, const char *first, const char *between) {
    for (uint32_t i = 0; i < names->count; i++) {
        put(to, i == 0 ? first : between);
        put_name(to, names->items[i].text);
    }
}

static void put_list(struct buf *to, const struct cypher_list *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0) put(to, ", ");
        cypher_print_expression(list->items[i], to);
    }
}

/* --- patterns --- */

static void put_node(struct buf *to, const struct cypher_node_pattern *node) {
    put(to, "(");
    if (node->variable.text.data) put_name(to, node->variable.text);
    put_names(to, &node->labels, ":", ":");
    if (node->properties) cypher_print_expression(node->properties, to);
    put(to, ")");
}

static void put_edge(struct buf *to, const struct cypher_edge_pattern *edge) {
    put(to, edge->direction == CYPHER_IN ? "<-[" : "-[");
    if (edge->variable.text.data) put_name(to, edge->variable.text);
    put_names(to, &edge->types, ":", "|");
    if (edge->is_variable && buf_append_format(to, "*%u..", edge->min_hops)) abort();
    if (edge->is_variable && edge->max_hops != CYPHER_HOPS_UNBOUNDED && buf_append_format(to, "%u", edge->max_hops))
        abort();
    if (edge->properties) cypher_print_expression(edge->properties, to);
    put(to, edge->direction == CYPHER_OUT ? "]->" : "]-");
}

static void put_path(struct buf *to, const struct cypher_path *path) {
    if (path->variable.text.data) {
        put_name(to, path->variable.text);
        put(to, " = ");
    }
    if (path->function == CYPHER_PATH_SHORTEST) put(to, "shortestPath(");
    if (path->function == CYPHER_PATH_ALL_SHORTEST) put(to, "allShortestPaths(");
    for (uint32_t i = 0; i <= path->edge_count; i++) {
        put_node(to, &path->nodes[i]);
        if (i < path->edge_count) put_edge(to, &path->edges[i]);
    }
    if (path->function != CYPHER_PATH_PLAIN) put(to, ")");
}

static void put_pattern(struct buf *to, const struct cypher_pattern *pattern) {
    for (uint32_t i = 0; i < pattern->count; i++) {
        if (i > 0) put(to, ", ");
        put_path(to, &pattern->paths[i]);
    }
}

/* --- expressions --- */

static const char *operator_text(enum cypher_expr_kind kind) {
    static const char *const texts[EXPR_PATH + 1] = {
        [EXPR_OR] = " OR ",
        [EXPR_XOR] = " XOR ",
        [EXPR_AND] = " AND ",
        [EXPR_EQUAL] = " = ",
        [EXPR_NOT_EQUAL] = " <> ",
        [EXPR_LESS] = " < ",
        [EXPR_LESS_EQUAL] = " <= ",
        [EXPR_GREATER] = " > ",
        [EXPR_GREATER_EQUAL] = " >= ",
        [EXPR_ADD] = " + ",
        [EXPR_SUBTRACT] = " - ",
        [EXPR_MULTIPLY] = " * ",
        [EXPR_DIVIDE] = " / ",
        [EXPR_MODULO] = " % ",
        [EXPR_POWER] = " ^ ",
        [EXPR_IN] = " IN ",
        [EXPR_STARTS_WITH] = " STARTS WITH ",
        [EXPR_ENDS_WITH] = " ENDS WITH ",
        [EXPR_CONTAINS] = " CONTAINS ",
        [EXPR_MATCHES] = " =~ ",
        [EXPR_NOT] = "NOT ",
        [EXPR_NEGATE] = "- ",
        [EXPR_PLUS] = "+ ",
        [EXPR_IS_NULL] = " IS NULL",
        [EXPR_IS_NOT_NULL] = " IS NOT NULL",
        [EXPR_ALL] = "all(",
        [EXPR_ANY] = "any(",
        [EXPR_NONE] = "none(",
        [EXPR_SINGLE] = "single(",
    };
    return texts[kind];
}

/* What something is hung on behind: in brackets. */
static void put_subject(struct buf *to, const struct cypher_expr *expr) {
    put(to, "(");
    cypher_print_expression(expr, to);
    put(to, ")");
}

static void put_float(struct buf *to, double real) {
    char text[40];
    snprintf(text, sizeof text, "%.17g", real);
    put(to, text);
    if (!strpbrk(text, ".e")) put(to, ".0");
}

static void put_map(struct buf *to, const struct cypher_map *map) {
    put(to, "{");
    for (uint32_t i = 0; i < map->count; i++) {
        if (i > 0) put(to, ", ");
        put_name(to, map->keys[i]);
        put(to, ": ");
        cypher_print_expression(map->values[i], to);
    }
    put(to, "}");
}

static void put_chain(struct buf *to, const struct cypher_expr *expr) {
    put(to, "(");
    for (uint32_t i = 0; i <= expr->chain.count; i++) {
        if (i > 0) put(to, operator_text(expr->chain.links[i - 1]));
        cypher_print_expression(expr->chain.operands[i], to);
    }
    put(to, ")");
}

static void put_slice(struct buf *to, const struct cypher_expr *expr) {
    put_subject(to, expr->range.object);
    put(to, "[");
    if (expr->range.from) cypher_print_expression(expr->range.from, to);
    put(to, " .. ");
    if (expr->range.to) cypher_print_expression(expr->range.to, to);
    put(to, "]");
}

static void put_call(struct buf *to, const struct cypher_expr *expr) {
    put(to, cypher_functions[expr->call.function].name);
    put(to, expr->call.distinct ? "(DISTINCT " : "(");
    put_list(to, &expr->call.arguments);
    put(to, ")");
}

static void put_case(struct buf *to, const struct cypher_expr *expr) {
    put(to, "CASE ");
    if (expr->choice.subject) cypher_print_expression(expr->choice.subject, to);
    for (uint32_t i = 0; i < expr->choice.count; i++) {
        put(to, " WHEN ");
        cypher_print_expression(expr->choice.alternatives[i].when, to);
        put(to, " THEN ");
        cypher_print_expression(expr->choice.alternatives[i].then, to);
    }
    if (expr->choice.otherwise) put(to, " ELSE ");
    if (expr->choice.otherwise) cypher_print_expression(expr->choice.otherwise, to);
    put(to, " END");
}

static void put_loop(struct buf *to, const struct cypher_expr *expr) {
    const bool is_list = expr->kind == EXPR_LIST_COMPREHENSION;
    put(to, is_list ? "[" : operator_text(expr->kind));
    put_name(to, expr->loop.variable.text);
    put(to, " IN ");
    cypher_print_expression(expr->loop.list, to);
    if (expr->loop.condition) put(to, " WHERE ");
    if (expr->loop.condition) cypher_print_expression(expr->loop.condition, to);
    if (expr->loop.result) put(to, " | ");
    if (expr->loop.result) cypher_print_expression(expr->loop.result, to);
    put(to, is_list ? "]" : ")");
}

static void put_reduce(struct buf *to, const struct cypher_expr *expr) {
    put(to, "reduce(");
    put_name(to, expr->reduce.accumulator.text);
    put(to, " = ");
    cypher_print_expression(expr->reduce.initial, to);
    put(to, ", ");
    put_name(to, expr->reduce.variable.text);
    put(to, " IN ");
    cypher_print_expression(expr->reduce.list, to);
    put(to, " | ");
    cypher_print_expression(expr->reduce.result, to);
    put(to, ")");
}

static void put_query(struct buf *to, const struct cypher_query *query);

static void put_subquery(struct buf *to, const struct cypher_expr *expr) {
    if (expr->kind == EXPR_EXISTS) {
        put(to, "EXISTS { ");
        put_query(to, expr->subquery.query);
        put(to, " }");
        return;
    }
    put(to, expr->kind == EXPR_PATTERN ? "(" : "[");
    put_path(to, expr->subquery.path);
    if (expr->subquery.condition) put(to, " WHERE ");
    if (expr->subquery.condition) cypher_print_expression(expr->subquery.condition, to);
    if (expr->subquery.result) put(to, " | ");
    if (expr->subquery.result) cypher_print_expression(expr->subquery.result, to);
    put(to, expr->kind == EXPR_PATTERN ? ")" : "]");
}

static void put_operator(struct buf *to, const struct cypher_expr *expr) {
    const bool before = expr->kind == EXPR_NOT || expr->kind == EXPR_NEGATE || expr->kind == EXPR_PLUS;
    const bool behind = expr->kind == EXPR_IS_NULL || expr->kind == EXPR_IS_NOT_NULL;
    put(to, "(");
    if (before) put(to, operator_text(expr->kind));
    /* The sign stays an operator: -(5) is no literal. */
    if (before) put_subject(to, expr->operand);
    if (behind) cypher_print_expression(expr->operand, to);
    if (!before && !behind) cypher_print_expression(expr->binary.left, to);
    if (!before) put(to, operator_text(expr->kind));
    if (!before && !behind) cypher_print_expression(expr->binary.right, to);
    put(to, ")");
}

void cypher_print_expression(const struct cypher_expr *expr, struct buf *to) {
    switch (expr->kind) {
    case EXPR_NULL: put(to, "null"); break;
    case EXPR_BOOLEAN: put(to, expr->boolean ? "true" : "false"); break;
    case EXPR_INTEGER:
        if (buf_append_format(to, "%lld", (long long)expr->integer)) abort();
        break;
    case EXPR_FLOAT: put_float(to, expr->real); break;
    case EXPR_STRING: put_quoted(to, expr->text, '\''); break;
    case EXPR_PARAMETER:
        put(to, "$");
        put_name(to, expr->text);
        break;
    case EXPR_LIST:
        put(to, "[");
        put_list(to, &expr->list);
        put(to, "]");
        break;
    case EXPR_MAP: put_map(to, &expr->map); break;
    case EXPR_VARIABLE: put_name(to, expr->variable.name); break;
    case EXPR_CHAIN: put_chain(to, expr); break;
    case EXPR_PROPERTY:
        put_subject(to, expr->property.object);
        put(to, ".");
        put_name(to, expr->property.key);
        break;
    case EXPR_HAS_LABELS:
        put(to, "(");
        put_subject(to, expr->labels.subject);
        put_names(to, &expr->labels.names, ":", ":");
        put(to, ")");
        break;
    case EXPR_SUBSCRIPT:
        put_subject(to, expr->binary.left);
        put(to, "[");
        cypher_print_expression(expr->binary.right, to);
        put(to, "]");
        break;
    case EXPR_SLICE: put_slice(to, expr); break;
    case EXPR_CALL: put_call(to, expr); break;
    case EXPR_COUNT_STAR: put(to, "count(*)"); break;
    case EXPR_CASE: put_case(to, expr); break;
    case EXPR_LIST_COMPREHENSION:
    case EXPR_ALL:
    case EXPR_ANY:
    case EXPR_NONE:
    case EXPR_SINGLE: put_loop(to, expr); break;
    case EXPR_REDUCE: put_reduce(to, expr); break;
    case EXPR_PATTERN:
    case EXPR_PATTERN_COMPREHENSION:
    case EXPR_EXISTS: put_subquery(to, expr); break;
    case EXPR_PATH: abort(); /* the parser makes none */
    default: put_operator(to, expr);
    }
}

/* --- clauses --- */

static void put_where(struct buf *to, const struct cypher_expr *where) {
    if (!where) return;
    put(to, " WHERE ");
    cypher_print_expression(where, to);
}

static void put_set_items(struct buf *to, const struct cypher_set_items *items) {
    for (uint32_t i = 0; i < items->count; i++) {
        const struct cypher_set_item *item = &items->items[i];
        if (i > 0) put(to, ", ");
        const bool is_whole = item->kind == CYPHER_SET_REPLACE || item->kind == CYPHER_SET_MERGE;
        if (is_whole) cypher_print_expression(item->target, to);
        if (!is_whole) put_subject(to, item->target);
        if (item->kind == CYPHER_SET_PROPERTY) put(to, ".");
        if (item->kind == CYPHER_SET_PROPERTY) put_name(to, item->key);
        put_names(to, &item->labels, ":", ":");
        if (!item->value) continue;
        put(to, item->kind == CYPHER_SET_MERGE ? " += " : " = ");
        cypher_print_expression(item->value, to);
    }
}

static void put_call_clause(struct buf *to, const struct cypher_clause *clause) {
    put(to, "CALL ");
    if (buf_append_slice(to, clause->call.procedure.text)) abort();
    if (clause->call.has_arguments) put(to, "(");
    put_list(to, &clause->call.arguments);
    if (clause->call.has_arguments) put(to, ")");
    if (clause->call.has_yield)
        put(to, clause->call.yield_star ? " YIELD *" : clause->call.yield_count ? " YIELD " : " YIELD -");
    for (uint32_t i = 0; i < clause->call.yield_count; i++) {
        if (i > 0) put(to, ", ");
        put_name(to, clause->call.yields[i].field.text);
        put(to, " AS ");
        put_name(to, clause->call.yields[i].variable.text);
    }
    put_where(to, clause->call.where);
}

static void put_merge(struct buf *to, const struct cypher_clause *clause) {
    put(to, "MERGE ");
    put_path(to, &clause->merge.path);
    if (clause->merge.on_create.count) put(to, " ON CREATE SET ");
    put_set_items(to, &clause->merge.on_create);
    if (clause->merge.on_match.count) put(to, " ON MATCH SET ");
    put_set_items(to, &clause->merge.on_match);
}

static void put_projection(struct buf *to, const struct cypher_projection *projection) {
    if (projection->distinct) put(to, "DISTINCT ");
    if (projection->star) put(to, projection->column_count ? "*, " : "*");
    for (uint32_t i = 0; i < projection->column_count; i++) {
        if (i > 0) put(to, ", ");
        cypher_print_expression(projection->columns[i].expr, to);
        if (!projection->columns[i].has_alias) continue;
        put(to, " AS ");
        put_name(to, projection->columns[i].name);
    }
    for (uint32_t i = 0; i < projection->sort_count; i++) {
        put(to, i > 0 ? ", " : " ORDER BY ");
        cypher_print_expression(projection->sort[i].expr, to);
        put(to, projection->sort[i].descending ? " DESC" : " ASC");
    }
    if (projection->skip) put(to, " SKIP ");
    if (projection->skip) cypher_print_expression(projection->skip, to);
    if (projection->limit) put(to, " LIMIT ");
    if (projection->limit) cypher_print_expression(projection->limit, to);
    put_where(to, projection->where);
}

static void put_clause(struct buf *to, const struct cypher_clause *clause) {
    switch (clause->kind) {
    case CLAUSE_MATCH:
        put(to, clause->match.optional ? "OPTIONAL MATCH " : "MATCH ");
        put_pattern(to, &clause->match.pattern);
        put_where(to, clause->match.where);
        break;
    case CLAUSE_UNWIND:
        put(to, "UNWIND ");
        cypher_print_expression(clause->unwind.list, to);
        put(to, " AS ");
        put_name(to, clause->unwind.variable.text);
        break;
    case CLAUSE_CALL: put_call_clause(to, clause); break;
    case CLAUSE_CREATE:
        put(to, "CREATE ");
        put_pattern(to, &clause->create);
        break;
    case CLAUSE_MERGE: put_merge(to, clause); break;
    case CLAUSE_SET:
    case CLAUSE_REMOVE:
        put(to, clause->kind == CLAUSE_SET ? "SET " : "REMOVE ");
        put_set_items(to, &clause->set);
        break;
    case CLAUSE_DELETE:
        put(to, clause->deletion.detach ? "DETACH DELETE " : "DELETE ");
        put_list(to, &clause->deletion.targets);
        break;
    case CLAUSE_WITH:
    case CLAUSE_RETURN:
        put(to, clause->kind == CLAUSE_WITH ? "WITH " : "RETURN ");
        put_projection(to, &clause->projection);
        break;
    }
}

static void put_query(struct buf *to, const struct cypher_query *query) {
    for (uint32_t i = 0; i < query->part_count; i++) {
        if (i > 0) put(to, query->union_all ? " UNION ALL " : " UNION ");
        for (uint32_t j = 0; j < query->parts[i].clause_count; j++) {
            if (j > 0) put(to, " ");
            put_clause(to, query->parts[i].clauses[j]);
        }
    }
}

void cypher_print_statement(const struct cypher_statement *statement, struct buf *to) {
    if (statement->setting_count) put(to, "CYPHER ");
    for (uint32_t i = 0; i < statement->setting_count; i++) {
        put_name(to, statement->settings[i].name.text);
        put(to, " = ");
        cypher_print_expression(statement->settings[i].value, to);
        put(to, " ");
    }
    put_query(to, &statement->query);
}
