/* plan_projection: WITH and RETURN: Project or Aggregate, then Distinct, Sort, Skip, Limit, Filter. */
#include "graph/cypher/planning.h"

/* --- aggregation --- */

struct aggregation {
    struct planning *planning;
    const struct cypher_projection *projection;
    struct plan_columns keys;
    struct plan_aggregate *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t wanted_slot; /* for the next aggregation, if it is a column by itself; else CYPHER_NO_SLOT */
};

static bool reserve_item(struct aggregation *aggregation) {
    if (aggregation->count < aggregation->capacity) return true;
    const uint32_t capacity = aggregation->capacity ? aggregation->capacity * 2 : 8;
    struct plan_aggregate *items = cypher_alloc(&aggregation->planning->memory, capacity * sizeof *items);
    if (!items) return false;
    if (aggregation->count) memcpy(items, aggregation->items, aggregation->count * sizeof *items);
    aggregation->items = items;
    aggregation->capacity = capacity;
    return true;
}

/* The call becomes the variable that holds its result. */
static bool take_aggregate(struct aggregation *aggregation, struct cypher_expr *expr) {
    const struct slice unnamed = {0};
    if (!reserve_item(aggregation)) return false;
    struct plan_aggregate *item = &aggregation->items[aggregation->count++];
    *item =
        (struct plan_aggregate){.function = CYPHER_FUNCTION_COUNT, .is_star = true, .slot = aggregation->wanted_slot};
    if (expr->kind == EXPR_CALL) {
        item->function = expr->call.function;
        item->is_star = false;
        item->distinct = expr->call.distinct;
        item->arguments = expr->call.arguments;
    }
    if (item->slot == CYPHER_NO_SLOT && !plan_slot(aggregation->planning, &item->slot)) return false;
    cypher_expr_become_variable(expr, unnamed, item->slot);
    return true;
}

static const struct plan_column *find_key(struct aggregation *aggregation, const struct cypher_expr *expr) {
    for (uint32_t i = 0; i < aggregation->keys.count; i++) {
        const struct plan_column *key = &aggregation->keys.items[i];
        aggregation->planning->work++;
        if (key->expr->kind == expr->kind && cypher_expr_alike(key->expr, expr, &aggregation->planning->work))
            return key;
    }
    return NULL;
}

/* Behind the Aggregate there are keys and results only. */
static bool rewrite(void *context, struct cypher_expr **child) {
    struct aggregation *aggregation = context;
    if (cypher_expr_is_aggregation(*child)) return take_aggregate(aggregation, *child);
    if ((*child)->kind == EXPR_VARIABLE || (*child)->kind == EXPR_PROPERTY) {
        const struct plan_column *key = find_key(aggregation, *child);
        if (key) {
            cypher_expr_become_variable(*child, key->name, key->slot);
            return true;
        }
    }
    return cypher_expr_visit(*child, rewrite, context);
}

/* Keys are the columns without aggregation; they stay as they are. */
static bool collect_keys(struct aggregation *aggregation) {
    const struct cypher_projection *projection = aggregation->projection;
    struct plan_column *keys = cypher_alloc(&aggregation->planning->memory, projection->column_count * sizeof *keys);
    if (!keys) return false;
    aggregation->keys.items = keys;
    for (uint32_t i = 0; i < projection->column_count; i++) {
        const struct cypher_column *column = &projection->columns[i];
        if (cypher_expr_aggregates(column->expr)) continue;
        keys[aggregation->keys.count++] = (struct plan_column){column->expr, column->slot, column->name};
    }
    return true;
}

/* Columns that are more than one aggregation are computed behind it. */
static bool rewrite_columns(struct aggregation *aggregation, struct plan_columns *rest) {
    const struct cypher_projection *projection = aggregation->projection;
    rest->items = cypher_alloc(&aggregation->planning->memory, projection->column_count * sizeof *rest->items);
    if (!rest->items) return false;
    for (uint32_t i = 0; i < projection->column_count; i++) {
        struct cypher_column *column = &projection->columns[i];
        if (!cypher_expr_aggregates(column->expr)) continue;
        const bool is_alone = cypher_expr_is_aggregation(column->expr);
        aggregation->wanted_slot = is_alone ? column->slot : CYPHER_NO_SLOT;
        if (!rewrite(aggregation, &column->expr)) return false;
        if (!is_alone) rest->items[rest->count++] = (struct plan_column){column->expr, column->slot, column->name};
    }
    return true;
}

static struct plan_operator *plan_project(struct planning *planning, struct plan_operator *input,
                                          struct plan_columns columns) {
    struct plan_operator *node = plan_node(planning, PLAN_PROJECT, input);
    if (node) node->project = columns;
    return node;
}

static struct plan_operator *plan_aggregate(struct planning *planning, struct plan_operator *input,
                                            struct cypher_projection *projection) {
    struct aggregation aggregation = {.planning = planning, .projection = projection};
    struct plan_columns rest = {0};
    if (!collect_keys(&aggregation) || !rewrite_columns(&aggregation, &rest)) return NULL;
    struct plan_operator *node = plan_node(planning, PLAN_AGGREGATE, input);
    if (!node) return NULL;
    node->aggregate.keys = aggregation.keys;
    node->aggregate.items = aggregation.items;
    node->aggregate.count = aggregation.count;
    return rest.count ? plan_project(planning, node, rest) : node;
}

/* --- the rest --- */

static struct plan_operator *plan_columns_of(struct planning *planning, struct plan_operator *input,
                                             struct cypher_projection *projection) {
    for (uint32_t i = 0; i < projection->column_count; i++)
        if (!plan_subqueries(planning, &input, &projection->columns[i].expr)) return NULL;
    if (projection->aggregates) return plan_aggregate(planning, input, projection);
    struct plan_column *columns = cypher_alloc(&planning->memory, projection->column_count * sizeof *columns);
    if (!columns) return NULL;
    for (uint32_t i = 0; i < projection->column_count; i++) {
        const struct cypher_column *column = &projection->columns[i];
        columns[i] = (struct plan_column){column->expr, column->slot, column->name};
    }
    return plan_project(planning, input, (struct plan_columns){columns, projection->column_count});
}

struct plan_operator *plan_distinct(struct planning *planning, struct plan_operator *input,
                                    const struct cypher_projection *projection) {
    struct plan_operator *node = plan_node(planning, PLAN_DISTINCT, input);
    uint32_t *slots = cypher_alloc(&planning->memory, projection->column_count * sizeof *slots);
    if (!node || !slots) return NULL;
    for (uint32_t i = 0; i < projection->column_count; i++) slots[i] = projection->columns[i].slot;
    node->distinct = (struct plan_slots){slots, projection->column_count};
    return node;
}

static struct plan_operator *plan_sort(struct planning *planning, struct plan_operator *input,
                                       const struct cypher_projection *projection) {
    for (uint32_t i = 0; i < projection->sort_count; i++)
        if (!plan_subqueries(planning, &input, &projection->sort[i].expr)) return NULL;
    struct plan_operator *node = plan_node(planning, PLAN_SORT, input);
    if (!node) return NULL;
    node->sort.items = projection->sort;
    node->sort.count = projection->sort_count;
    node->sort.skip = projection->skip;
    node->sort.limit = projection->limit;
    return node;
}

static struct plan_operator *plan_amount(struct planning *planning, struct plan_operator *input, enum plan_kind kind,
                                         struct cypher_expr *amount) {
    struct plan_operator *node = input ? plan_node(planning, kind, input) : NULL;
    if (node) node->amount = amount;
    return node;
}

struct plan_operator *plan_projection(struct planning *planning, struct plan_operator *input,
                                      struct cypher_projection *projection) {
    struct plan_operator *top = plan_columns_of(planning, input, projection);
    if (top && projection->distinct) top = plan_distinct(planning, top, projection);
    for (uint32_t i = 0; top && i < projection->column_count; i++)
        planning->slots[projection->columns[i].slot].bound = true;
    if (top && projection->sort_count) top = plan_sort(planning, top, projection);
    if (top && projection->skip) top = plan_amount(planning, top, PLAN_SKIP, projection->skip);
    if (top && projection->limit) top = plan_amount(planning, top, PLAN_LIMIT, projection->limit);
    return top && projection->where ? plan_filter(planning, top, projection->where) : top;
}
