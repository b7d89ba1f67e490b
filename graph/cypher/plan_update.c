/* plan_update: OPTIONAL MATCH, CREATE and MERGE: operators around a pattern. */
#include "graph/cypher/planning.h"

/* --- OPTIONAL MATCH --- */

static uint32_t add_unbound(const struct planning *planning, uint32_t slot, uint32_t *slots, uint32_t count) {
    if (slot == CYPHER_NO_SLOT || planning->slots[slot].bound) return count;
    slots[count] = slot;
    return count + 1;
}

/* What the pattern fills; a slot may be listed twice. */
static bool list_unbound(struct planning *planning, const struct cypher_pattern *pattern, struct plan_slots *out) {
    size_t most = 0;
    for (uint32_t i = 0; i < pattern->count; i++) most += 2 * (size_t)pattern->paths[i].edge_count + 2;
    out->count = 0;
    out->items = cypher_alloc(&planning->memory, most * sizeof *out->items);
    if (!out->items) return false;
    for (uint32_t i = 0; i < pattern->count; i++) {
        const struct cypher_path *path = &pattern->paths[i];
        out->count = add_unbound(planning, path->slot, out->items, out->count);
        for (uint32_t j = 0; j <= path->edge_count; j++) {
            out->count = add_unbound(planning, path->nodes[j].slot, out->items, out->count);
            if (j < path->edge_count) out->count = add_unbound(planning, path->edges[j].slot, out->items, out->count);
        }
    }
    return true;
}

struct plan_operator *plan_match_clause(struct planning *planning, struct plan_operator *input,
                                        struct cypher_clause *clause) {
    struct cypher_pattern *pattern = &clause->match.pattern;
    if (!clause->match.optional)
        return plan_match(planning, input, pattern->paths, pattern->count, clause->match.where);
    struct plan_slots nulls;
    if (!list_unbound(planning, pattern, &nulls)) return NULL;
    struct plan_operator *right = plan_match(planning, NULL, pattern->paths, pattern->count, clause->match.where);
    struct plan_operator *optional = right ? plan_node(planning, PLAN_OPTIONAL, right) : NULL;
    if (!optional) return NULL;
    optional->nulls = nulls;
    return input ? plan_pair(planning, PLAN_APPLY, input, optional) : optional;
}

/* --- what is made --- */

struct creation {
    struct planning *planning;
    struct plan_creation *out;
    uint32_t node_capacity, edge_capacity, path_capacity;
};

static bool reserve(struct planning *planning, void *items, uint32_t *capacity, uint32_t count, size_t size) {
    void *old, *more;
    if (count <= *capacity) return true;
    const uint32_t wanted = count + count / 2;
    memcpy(&old, items, sizeof old);
    more = cypher_alloc(&planning->memory, wanted * size);
    if (!more) return false;
    if (*capacity) memcpy(more, old, *capacity * size);
    memcpy(items, &more, sizeof more);
    *capacity = wanted;
    return true;
}

static bool reserve_path(struct creation *creation, const struct cypher_path *path) {
    struct plan_creation *out = creation->out;
    struct planning *planning = creation->planning;
    return reserve(planning, &out->nodes, &creation->node_capacity, out->node_count + path->edge_count + 1,
                   sizeof *out->nodes) &&
           reserve(planning, &out->edges, &creation->edge_capacity, out->edge_count + path->edge_count,
                   sizeof *out->edges) &&
           reserve(planning, &out->paths.items, &creation->path_capacity, out->paths.count + 1,
                   sizeof *out->paths.items);
}

static void create_node(struct creation *creation, const struct cypher_node_pattern *node) {
    struct plan_slot_state *state = &creation->planning->slots[node->slot];
    if (state->bound) return;
    *state = (struct plan_slot_state){.bound = true, .maker = creation->out};
    creation->out->nodes[creation->out->node_count++] = (struct plan_create_node){.slot = node->slot,
                                                                                  .variable = node->variable.text,
                                                                                  .labels = node->labels,
                                                                                  .properties = node->properties,
                                                                                  .place = node->place};
}

static void create_edge(struct creation *creation, const struct cypher_path *path, uint32_t index) {
    const struct cypher_edge_pattern *edge = &path->edges[index];
    const uint32_t left = path->nodes[index].slot, right = path->nodes[index + 1].slot;
    const bool turned = edge->direction == CYPHER_IN; /* MERGE without a direction makes left to right */
    creation->out->edges[creation->out->edge_count++] = (struct plan_create_edge){.slot = edge->slot,
                                                                                  .variable = edge->variable.text,
                                                                                  .source_slot = turned ? right : left,
                                                                                  .target_slot = turned ? left : right,
                                                                                  .type = edge->types.items[0],
                                                                                  .properties = edge->properties,
                                                                                  .place = edge->place};
    creation->planning->slots[edge->slot] = (struct plan_slot_state){.bound = true, .maker = creation->out};
}

static bool create_path(struct creation *creation, struct cypher_path *path) {
    struct plan_creation *out = creation->out;
    if (!reserve_path(creation, path)) return false;
    for (uint32_t i = 0; i <= path->edge_count; i++) create_node(creation, &path->nodes[i]);
    for (uint32_t i = 0; i < path->edge_count; i++) create_edge(creation, path, i);
    if (path->slot == CYPHER_NO_SLOT) return true;
    struct plan_column *column = &out->paths.items[out->paths.count++];
    *column = (struct plan_column){.slot = path->slot, .name = path->variable.text};
    column->expr = plan_path_expr(creation->planning, path);
    creation->planning->slots[path->slot] = (struct plan_slot_state){.bound = true, .maker = out};
    return column->expr != NULL;
}

/* --- CREATE --- */

static bool path_subqueries(struct planning *planning, struct plan_operator **input, struct cypher_path *path) {
    for (uint32_t i = 0; i <= path->edge_count; i++)
        if (path->nodes[i].properties && !plan_subqueries(planning, input, &path->nodes[i].properties)) return false;
    for (uint32_t i = 0; i < path->edge_count; i++)
        if (path->edges[i].properties && !plan_subqueries(planning, input, &path->edges[i].properties)) return false;
    return true;
}

struct use_search {
    const struct planning *planning;
    const struct plan_creation *made;
};

static bool uses_nothing_made(void *context, struct cypher_expr **child) {
    const struct use_search *search = context;
    if ((*child)->kind == EXPR_VARIABLE) return search->planning->slots[(*child)->variable.slot].maker != search->made;
    if (cypher_expr_has_subquery(*child)) return false; /* it looks at the graph */
    return cypher_expr_visit(*child, uses_nothing_made, context);
}

/* True if the path is described by what the operator so far makes: it needs one of its own. */
static bool depends_on(const struct planning *planning, const struct plan_creation *made, struct cypher_path *path) {
    struct use_search search = {planning, made};
    for (uint32_t i = 0; i <= path->edge_count; i++)
        if (path->nodes[i].properties && !uses_nothing_made(&search, &path->nodes[i].properties)) return true;
    for (uint32_t i = 0; i < path->edge_count; i++)
        if (path->edges[i].properties && !uses_nothing_made(&search, &path->edges[i].properties)) return true;
    return false;
}

/* Clauses of CREATE that follow each other share an operator, unless one is described by what another makes. */
struct plan_operator *plan_create(struct planning *planning, struct plan_operator *input,
                                  struct cypher_clause *clause) {
    struct cypher_pattern *pattern = &clause->create;
    struct plan_operator *top = input;
    struct creation creation = {.planning = planning};
    if (top && top->kind == PLAN_CREATE) {
        creation.out = &top->create;
        creation.node_capacity = top->create.node_count;
        creation.edge_capacity = top->create.edge_count;
        creation.path_capacity = top->create.paths.count;
    }
    for (uint32_t i = 0; i < pattern->count; i++) {
        struct cypher_path *path = &pattern->paths[i];
        if (!creation.out || depends_on(planning, creation.out, path)) {
            if (!path_subqueries(planning, &top, path)) return NULL;
            top = plan_node(planning, PLAN_CREATE, top);
            if (!top) return NULL;
            creation = (struct creation){.planning = planning, .out = &top->create};
        }
        if (!create_path(&creation, path)) return NULL;
    }
    return top;
}

/* --- MERGE --- */

static bool refuse_subquery(struct planning *planning, const struct cypher_expr *expr) {
    return !expr || !cypher_expr_has_subquery(expr) ||
           plan_unsupported(planning, expr->place, "a subquery in ON CREATE or ON MATCH");
}

static bool refuse_subqueries(struct planning *planning, const struct cypher_set_items *items) {
    for (uint32_t i = 0; i < items->count; i++)
        if (!refuse_subquery(planning, items->items[i].target) || !refuse_subquery(planning, items->items[i].value))
            return false;
    return true;
}

struct plan_operator *plan_merge(struct planning *planning, struct plan_operator *input, struct cypher_clause *clause) {
    struct cypher_path *path = &clause->merge.path;
    const struct cypher_pattern pattern = {path, 1};
    struct plan_slots fresh;
    if (!refuse_subqueries(planning, &clause->merge.on_create) || !refuse_subqueries(planning, &clause->merge.on_match))
        return NULL;
    if (!path_subqueries(planning, &input, path) || !list_unbound(planning, &pattern, &fresh)) return NULL;
    struct plan_operator *matches = plan_match(planning, NULL, path, 1, NULL);
    struct plan_operator *node = matches ? plan_pair(planning, PLAN_MERGE, input, matches) : NULL;
    if (!node) return NULL;
    struct creation creation = {.planning = planning, .out = &node->merge.create};
    for (uint32_t i = 0; i < fresh.count; i++) planning->slots[fresh.items[i]].bound = false; /* made here as well */
    if (!create_path(&creation, path)) return NULL;
    node->merge.on_create = clause->merge.on_create;
    node->merge.on_match = clause->merge.on_match;
    return node;
}
