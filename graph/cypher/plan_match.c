/*
 * plan_match: a pattern becomes a chain of operators.
 *
 * What is bound already is where matching begins; from there edges are followed, an edge between two bound nodes before
 * any other. Each further part of the pattern begins at the best of its nodes: one whose id is given, else one with a
 * label, else one with a condition; the parts are joined by Cartesian Products. A condition is put as low as it can
 * stand: on top of the operator that fills the last of its slots.
 */
#include "graph/cypher/planning.h"

struct plan_condition {
    struct cypher_expr *expr;
    uint32_t missing; /* occurrences of slots that are not filled yet */
    bool placed;
    struct plan_condition *next; /* among those that can be placed, or that have to come last */
};

struct plan_wait {
    struct plan_condition *condition;
    struct plan_wait *next;
};

struct match_link {
    struct match_edge *edge;
    struct match_link *next;
};

struct match_node {
    uint32_t slot;
    const struct cypher_node_pattern *pattern; /* where it stands first */
    struct cypher_names labels;                /* that are checked where it is bound */
    struct match_link *links, **links_end;
    struct cypher_expr *id; /* id(node) = this */
    struct plan_condition *id_condition;
    unsigned score;
    bool queued;
};

struct match_edge {
    const struct cypher_edge_pattern *pattern;
    struct match_node *left, *right;
    bool done;
};

struct match {
    struct planning *planning;
    struct plan_operator *top;
    struct match_node **nodes;
    uint32_t node_count;
    struct match_edge *edges;
    uint32_t edge_count;
    struct match_node **queue; /* nodes that are bound and whose edges are to be followed */
    uint32_t queue_first, queue_end;
    uint32_t *used; /* slots of edges that are bound by now */
    uint32_t used_count;
    struct plan_condition *ready, *last;
    struct plan_wait nobody; /* ends every list of those that wait */
};

static bool is_bound(const struct match *match, uint32_t slot) {
    return match->planning->slots[slot].bound;
}

static void *match_alloc(struct match *match, size_t size) {
    return cypher_alloc(&match->planning->memory, size);
}

/* --- conditions --- */

struct condition_walk {
    struct match *match;
    struct plan_condition *condition;
    bool failed;
};

/* Every variable of the pattern that is not bound yet makes the condition wait. */
static bool wait_for(void *context, struct cypher_expr **child) {
    struct condition_walk *walk = context;
    if ((*child)->kind != EXPR_VARIABLE) return cypher_expr_visit(*child, wait_for, context);
    struct plan_slot_state *state = &walk->match->planning->slots[(*child)->variable.slot];
    if (state->bound || !state->waiting) return true;
    struct plan_wait *wait = match_alloc(walk->match, sizeof *wait);
    if (!wait) return false;
    wait->condition = walk->condition;
    wait->next = state->waiting;
    state->waiting = wait;
    walk->condition->missing++;
    return true;
}

static void make_ready(struct match *match, struct plan_condition *condition) {
    condition->next = match->ready;
    match->ready = condition;
}

static struct plan_condition *add_condition(struct match *match, struct cypher_expr *expr) {
    struct plan_condition *condition = expr ? match_alloc(match, sizeof *condition) : NULL;
    if (!condition) return NULL;
    condition->expr = expr;
    if (cypher_expr_has_subquery(expr)) {
        condition->next = match->last;
        match->last = condition;
        return condition;
    }
    struct condition_walk walk = {.match = match, .condition = condition};
    if (!wait_for(&walk, &expr)) return NULL;
    if (condition->missing == 0) make_ready(match, condition);
    return condition;
}

/* The slot is filled: what waited for nothing else can be placed. */
static void bind_slot(struct match *match, uint32_t slot) {
    struct plan_slot_state *state = &match->planning->slots[slot];
    if (state->bound) return;
    state->bound = true;
    for (struct plan_wait *wait = state->waiting; wait && wait->condition; wait = wait->next)
        if (--wait->condition->missing == 0) make_ready(match, wait->condition);
}

static struct cypher_expr *conjunction(struct match *match, struct cypher_expr **items, uint32_t count) {
    if (count == 1) return items[0];
    struct cypher_expr *expr = match_alloc(match, sizeof *expr);
    if (!expr) return NULL;
    *expr = (struct cypher_expr){.kind = EXPR_AND, .place = items[0]->place, .height = 2, .type = CYPHER_TYPE_BOOLEAN};
    expr->binary.left = conjunction(match, items, count / 2);
    expr->binary.right = conjunction(match, items + count / 2, count - count / 2);
    return expr->binary.left && expr->binary.right ? expr : NULL;
}

/* One Filter for all that can be placed now, in the order of the text. */
static bool place_ready(struct match *match) {
    uint32_t count = 0;
    for (struct plan_condition *at = match->ready; at; at = at->next) count += !at->placed;
    if (count == 0) {
        match->ready = NULL;
        return true;
    }
    struct cypher_expr **items = match_alloc(match, count * sizeof(struct cypher_expr *));
    struct plan_operator *filter = plan_node(match->planning, PLAN_FILTER, match->top);
    if (!items || !filter) return false;
    uint32_t at_item = count;
    for (struct plan_condition *at = match->ready; at; at = at->next)
        if (!at->placed) items[--at_item] = at->expr;
    for (struct plan_condition *at = match->ready; at; at = at->next) at->placed = true;
    match->ready = NULL;
    filter->condition = conjunction(match, items, count);
    match->top = filter;
    return filter->condition != NULL;
}

/* --- conditions that the pattern implies --- */

static struct cypher_expr *make_expr(struct match *match, enum cypher_expr_kind kind, struct cypher_place place) {
    struct cypher_expr *expr = match_alloc(match, sizeof *expr);
    if (expr) *expr = (struct cypher_expr){.kind = kind, .place = place, .height = 1, .type = CYPHER_TYPE_ANY};
    return expr;
}

/* slot.key = value */
static bool add_property_condition(struct match *match, const struct cypher_name *name, uint32_t slot, struct slice key,
                                   struct cypher_expr *value) {
    struct cypher_expr *property = make_expr(match, EXPR_PROPERTY, value->place);
    struct cypher_expr *equal = make_expr(match, EXPR_EQUAL, value->place);
    if (!property || !equal) return false;
    property->property.object = plan_variable(match->planning, value->place, name->text, slot);
    property->property.key = key;
    equal->binary.left = property;
    equal->binary.right = value;
    return property->property.object && add_condition(match, equal);
}

static bool add_property_conditions(struct match *match, const struct cypher_name *name, uint32_t slot,
                                    const struct cypher_expr *map) {
    for (uint32_t i = 0; map && i < map->map.count; i++)
        if (!add_property_condition(match, name, slot, map->map.keys[i], map->map.values[i])) return false;
    return true;
}

static bool add_label_condition(struct match *match, const struct cypher_node_pattern *node) {
    if (node->labels.count == 0) return true;
    struct cypher_expr *expr = make_expr(match, EXPR_HAS_LABELS, node->place);
    if (!expr) return false;
    expr->labels.subject = plan_variable(match->planning, node->place, node->variable.text, node->slot);
    expr->labels.names = node->labels;
    return expr->labels.subject && add_condition(match, expr);
}

/* MATCH (n) with n bound gives no row if it is null. */
static bool add_presence_condition(struct match *match, const struct cypher_node_pattern *node) {
    struct cypher_expr *expr = make_expr(match, EXPR_IS_NOT_NULL, node->place);
    if (!expr) return false;
    expr->operand = plan_variable(match->planning, node->place, node->variable.text, node->slot);
    return expr->operand && add_condition(match, expr);
}

/* --- collecting the pattern --- */

static struct match_node *find_node(struct match *match, uint32_t slot) {
    struct plan_slot_state *state = &match->planning->slots[slot];
    return state->node && state->node->slot == slot ? state->node : NULL;
}

static struct match_node *add_node(struct match *match, const struct cypher_node_pattern *pattern) {
    struct match_node *node = find_node(match, pattern->slot);
    if (node) return node;
    node = match_alloc(match, sizeof *node);
    if (!node) return NULL;
    node->slot = pattern->slot;
    node->pattern = pattern;
    node->links_end = &node->links;
    if (!is_bound(match, node->slot)) node->labels = pattern->labels;
    match->planning->slots[node->slot].node = node;
    match->nodes[match->node_count++] = node;
    return node;
}

static bool add_link(struct match *match, struct match_node *node, struct match_edge *edge) {
    struct match_link *link = match_alloc(match, sizeof *link);
    if (!link) return false;
    link->edge = edge;
    *node->links_end = link;
    node->links_end = &link->next;
    return true;
}

static void expect_slot(struct match *match, uint32_t slot) {
    struct plan_slot_state *state = &match->planning->slots[slot];
    if (slot != CYPHER_NO_SLOT && !state->bound && !state->waiting) state->waiting = &match->nobody;
}

static bool collect_path(struct match *match, struct cypher_path *path) {
    if (path->slot != CYPHER_NO_SLOT) expect_slot(match, path->slot);
    for (uint32_t i = 0; i <= path->edge_count; i++) {
        if (!add_node(match, &path->nodes[i])) return false;
        expect_slot(match, path->nodes[i].slot);
        if (i < path->edge_count) expect_slot(match, path->edges[i].slot);
    }
    if (path->function != CYPHER_PATH_PLAIN) return true;
    for (uint32_t i = 0; i < path->edge_count; i++) {
        struct match_edge *edge = &match->edges[match->edge_count++];
        edge->pattern = &path->edges[i];
        edge->left = find_node(match, path->nodes[i].slot);
        edge->right = find_node(match, path->nodes[i + 1].slot);
        if (!add_link(match, edge->left, edge)) return false;
        if (edge->right != edge->left && !add_link(match, edge->right, edge)) return false;
    }
    return true;
}

static bool collect(struct match *match, struct cypher_path *paths, uint32_t count) {
    size_t nodes = 0, edges = 0;
    for (uint32_t i = 0; i < count; i++) {
        nodes += paths[i].edge_count + 1;
        edges += paths[i].edge_count;
    }
    match->nodes = match_alloc(match, nodes * sizeof(struct match_node *));
    match->queue = match_alloc(match, nodes * sizeof(struct match_node *));
    match->edges = match_alloc(match, edges * sizeof *match->edges);
    match->used = match_alloc(match, edges * sizeof *match->used);
    if (!match->nodes || !match->queue || !match->edges || !match->used) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!collect_path(match, &paths[i])) return false;
    return true;
}

static bool collect_node_conditions(struct match *match, const struct cypher_path *path,
                                    const struct cypher_node_pattern *pattern) {
    struct match_node *node = find_node(match, pattern->slot);
    if (node->pattern == pattern && pattern->properties && node->score < 1) node->score = 1;
    if (node->pattern == pattern && node->labels.count) node->score |= 2;
    if (!add_property_conditions(match, &pattern->variable, pattern->slot, pattern->properties)) return false;
    const bool checked = node->pattern == pattern && node->labels.count; /* where the node is bound */
    if (!checked && !add_label_condition(match, pattern)) return false;
    return path->edge_count > 0 || !is_bound(match, pattern->slot) || add_presence_condition(match, pattern);
}

static bool collect_conditions(struct match *match, const struct cypher_path *path) {
    for (uint32_t i = 0; i <= path->edge_count; i++)
        if (!collect_node_conditions(match, path, &path->nodes[i])) return false;
    for (uint32_t i = 0; i < path->edge_count; i++) {
        const struct cypher_edge_pattern *edge = &path->edges[i];
        if (edge->is_variable || path->function != CYPHER_PATH_PLAIN) continue; /* the operator looks at each edge */
        if (!add_property_conditions(match, &edge->variable, edge->slot, edge->properties)) return false;
    }
    return true;
}

/* --- WHERE --- */

/* The node of id(node), or NULL. */
static struct match_node *id_subject(struct match *match, const struct cypher_expr *expr) {
    if (expr->kind != EXPR_CALL || expr->call.function != CYPHER_FUNCTION_ID) return NULL;
    const struct cypher_expr *argument = expr->call.arguments.items[0];
    if (argument->kind != EXPR_VARIABLE || is_bound(match, argument->variable.slot)) return NULL;
    return find_node(match, argument->variable.slot);
}

/* No variable in it waits for this pattern. */
static bool all_bound(void *context, struct cypher_expr **child) {
    const struct match *match = context;
    if ((*child)->kind != EXPR_VARIABLE) return cypher_expr_visit(*child, all_bound, context);
    const struct plan_slot_state *state = &match->planning->slots[(*child)->variable.slot];
    return state->bound || !state->waiting;
}

/* id(node) = a value that is known before the pattern is matched: the node can be fetched by it. */
static void note_id(struct match *match, struct plan_condition *condition, struct cypher_expr *call,
                    struct cypher_expr *value) {
    struct match_node *node = id_subject(match, call);
    if (!node || node->id || !all_bound(match, &value)) return;
    node->id = value;
    node->id_condition = condition;
    node->score |= 4;
}

static void note_score(struct match *match, const struct cypher_expr *expr) {
    if (expr->kind != EXPR_EQUAL || expr->binary.left->kind != EXPR_PROPERTY) return;
    const struct cypher_expr *object = expr->binary.left->property.object;
    struct match_node *node = object->kind == EXPR_VARIABLE ? find_node(match, object->variable.slot) : NULL;
    if (node) node->score |= 1;
}

static bool collect_where(struct match *match, struct cypher_expr *where) {
    if (!where) return true;
    if (where->kind == EXPR_AND)
        return collect_where(match, where->binary.left) && collect_where(match, where->binary.right);
    struct plan_condition *condition = add_condition(match, where);
    if (!condition) return false;
    note_score(match, where);
    if (where->kind != EXPR_EQUAL || condition->missing == 0) return true;
    note_id(match, condition, where->binary.left, where->binary.right);
    note_id(match, condition, where->binary.right, where->binary.left);
    return true;
}

/* --- following edges --- */

static bool fill_distinct(struct match *match, struct plan_slots *distinct) {
    distinct->count = match->used_count;
    distinct->items = match_alloc(match, match->used_count * sizeof *match->used);
    if (!distinct->items) return false;
    if (match->used_count) memcpy(distinct->items, match->used, match->used_count * sizeof *match->used);
    return true;
}

static bool fill_hop(struct match *match, struct plan_traverse *hop, const struct cypher_edge_pattern *edge,
                     const struct match_node *from, const struct match_node *to, bool reversed) {
    static const enum cypher_direction turned[] = {
        [CYPHER_OUT] = CYPHER_IN, [CYPHER_IN] = CYPHER_OUT, [CYPHER_BOTH] = CYPHER_BOTH};
    *hop = (struct plan_traverse){.from_slot = from->slot,
                                  .edge_slot = edge->slot,
                                  .to_slot = to->slot,
                                  .direction = reversed ? turned[edge->direction] : edge->direction,
                                  .types = edge->types,
                                  .min_hops = edge->min_hops,
                                  .max_hops = edge->max_hops,
                                  .reversed = reversed,
                                  .edge = edge,
                                  .from = from->pattern,
                                  .to = to->pattern};
    return fill_distinct(match, &hop->distinct_from);
}

/* A map of an edge of variable length is compared with each edge on the way. */
static bool fill_edge_properties(struct match *match, struct plan_traverse *hop) {
    struct cypher_expr *properties = hop->edge->properties;
    if (!properties) return true;
    if (cypher_expr_has_subquery(properties) || !all_bound(match, &properties))
        return plan_unsupported(match->planning, properties->place,
                                "a property of a relationship of variable length that depends on what it leads to");
    hop->edge_properties = properties;
    return true;
}

static bool bind_node(struct match *match, struct match_node *node);

static bool follow(struct match *match, struct match_edge *edge, struct match_node *from) {
    struct match_node *to = edge->left == from ? edge->right : edge->left;
    const bool into = is_bound(match, to->slot), variable = edge->pattern->is_variable;
    const enum plan_kind kind = variable ? (into ? PLAN_VARIABLE_EXPAND_INTO : PLAN_VARIABLE_TRAVERSE)
                                         : (into ? PLAN_EXPAND_INTO : PLAN_TRAVERSE);
    edge->done = true;
    struct plan_operator *node = plan_node(match->planning, kind, plan_input(match->planning, match->top));
    if (!node || !fill_hop(match, &node->traverse, edge->pattern, from, to, from != edge->left)) return false;
    if (variable && !fill_edge_properties(match, &node->traverse)) return false;
    if (!into) node->traverse.to_labels = to->labels;
    match->top = node;
    match->used[match->used_count++] = edge->pattern->slot;
    bind_slot(match, edge->pattern->slot);
    if (!into) bind_slot(match, to->slot);
    return place_ready(match) && (into || bind_node(match, to));
}

/* The node's slot is filled: edges to other bound nodes are checked at once, the others wait for their turn. */
static bool bind_node(struct match *match, struct match_node *node) {
    bind_slot(match, node->slot);
    if (!node->queued) match->queue[match->queue_end++] = node;
    node->queued = true;
    for (struct match_link *link = node->links; link; link = link->next) {
        struct match_edge *edge = link->edge;
        if (edge->done || !is_bound(match, edge->left->slot) || !is_bound(match, edge->right->slot)) continue;
        if (!follow(match, edge, node)) return false;
    }
    return true;
}

static bool follow_all(struct match *match) {
    while (match->queue_first < match->queue_end) {
        struct match_node *node = match->queue[match->queue_first++];
        for (struct match_link *link = node->links; link; link = link->next)
            if (!link->edge->done && !follow(match, link->edge, node)) return false;
    }
    return true;
}

/* --- where matching begins --- */

/* An edge that is bound gives its nodes. */
static bool start_from_edge(struct match *match, struct match_edge *edge) {
    if (edge->pattern->is_variable)
        return plan_unsupported(match->planning, edge->pattern->place, "a bound list of relationships in a pattern");
    struct match_node *left = edge->left, *right = edge->right;
    struct plan_operator *node = plan_node(match->planning, PLAN_EDGE_ENDS, plan_input(match->planning, match->top));
    if (!node || !fill_hop(match, &node->ends.hop, edge->pattern, left, right, false)) return false;
    node->ends.from_bound = is_bound(match, left->slot);
    node->ends.to_bound = is_bound(match, right->slot) || left == right;
    edge->done = true;
    match->top = node;
    match->used[match->used_count++] = edge->pattern->slot;
    /* The operator does not look at labels. */
    if (!node->ends.from_bound && !add_label_condition(match, left->pattern)) return false;
    if (!node->ends.to_bound && !add_label_condition(match, right->pattern)) return false;
    left->labels = right->labels = (struct cypher_names){0};
    bind_slot(match, left->slot);
    bind_slot(match, right->slot);
    if (!place_ready(match)) return false;
    if (!node->ends.from_bound && !bind_node(match, left)) return false;
    return node->ends.to_bound || bind_node(match, right);
}

static bool start_from_bound(struct match *match) {
    for (uint32_t i = 0; i < match->edge_count; i++)
        if (is_bound(match, match->edges[i].pattern->slot) && !start_from_edge(match, &match->edges[i])) return false;
    for (uint32_t i = 0; i < match->node_count; i++)
        if (is_bound(match, match->nodes[i]->slot) && !bind_node(match, match->nodes[i])) return false;
    return follow_all(match);
}

static bool scan(struct match *match, struct match_node *node) {
    const enum plan_kind kind = node->id ? PLAN_ID_SEEK : node->labels.count ? PLAN_LABEL_SCAN : PLAN_ALL_NODE_SCAN;
    struct plan_operator *leaf = plan_node(match->planning, kind, NULL);
    if (!leaf) return false;
    leaf->scan.slot = node->slot;
    leaf->scan.labels = node->labels;
    leaf->scan.id = node->id;
    leaf->scan.pattern = node->pattern;
    if (node->id) node->id_condition->placed = true;
    match->top = leaf;
    bind_slot(match, node->slot);
    return place_ready(match) && bind_node(match, node) && follow_all(match);
}

/* A part of the pattern that nothing bound leads to. */
static bool start_part(struct match *match, struct match_node *node) {
    struct plan_operator *left = match->top;
    if (!scan(match, node)) return false;
    if (!left) return true;
    match->top = plan_pair(match->planning, PLAN_CARTESIAN_PRODUCT, left, match->top);
    return match->top != NULL;
}

static bool start_parts(struct match *match) {
    enum { SCORE_MAX = 7 };
    for (unsigned score = SCORE_MAX + 1; score-- > 0;)
        for (uint32_t i = 0; i < match->node_count; i++) {
            struct match_node *node = match->nodes[i];
            if (node->score != score || is_bound(match, node->slot)) continue;
            if (!start_part(match, node)) return false;
        }
    return true;
}

/* --- paths --- */

static bool plan_shortest(struct match *match, struct cypher_path *path) {
    struct plan_operator *node =
        plan_node(match->planning, PLAN_SHORTEST_PATH, plan_input(match->planning, match->top));
    struct match_node *from = find_node(match, path->nodes[0].slot), *to = find_node(match, path->nodes[1].slot);
    if (!node || !fill_hop(match, &node->shortest.hop, &path->edges[0], from, to, false)) return false;
    if (!fill_edge_properties(match, &node->shortest.hop)) return false;
    node->shortest.path_slot = path->slot;
    node->shortest.all = path->function == CYPHER_PATH_ALL_SHORTEST;
    match->top = node;
    bind_slot(match, path->slot);
    bind_slot(match, path->edges[0].slot);
    return true;
}

static bool plan_paths(struct match *match, struct cypher_path *paths, uint32_t count) {
    struct plan_columns columns = {.items = match_alloc(match, count * sizeof *columns.items)};
    if (!columns.items) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (paths[i].function != CYPHER_PATH_PLAIN && !plan_shortest(match, &paths[i])) return false;
        if (paths[i].function != CYPHER_PATH_PLAIN || paths[i].slot == CYPHER_NO_SLOT) continue;
        struct plan_column *column = &columns.items[columns.count++];
        *column = (struct plan_column){.slot = paths[i].slot, .name = paths[i].variable.text};
        column->expr = plan_path_expr(match->planning, &paths[i]);
        if (!column->expr) return false;
        bind_slot(match, column->slot);
    }
    if (columns.count == 0) return place_ready(match);
    struct plan_operator *node = plan_node(match->planning, PLAN_PROJECT, match->top);
    if (!node) return false;
    node->project = columns;
    match->top = node;
    return place_ready(match);
}

/* --- all --- */

/* The list was built from its end. */
static bool place_last(struct match *match) {
    struct plan_condition *turned = NULL;
    for (struct plan_condition *at = match->last, *next; at; at = next) {
        next = at->next;
        at->next = turned;
        turned = at;
    }
    for (; turned && match->top; turned = turned->next)
        match->top = plan_filter(match->planning, match->top, turned->expr);
    return match->top != NULL;
}

static void forget(struct match *match, const struct cypher_path *paths, uint32_t count) {
    struct plan_slot_state *slots = match->planning->slots;
    for (uint32_t i = 0; i < count; i++) {
        if (paths[i].slot != CYPHER_NO_SLOT) slots[paths[i].slot].waiting = NULL;
        for (uint32_t j = 0; j <= paths[i].edge_count; j++) {
            slots[paths[i].nodes[j].slot].waiting = NULL;
            slots[paths[i].nodes[j].slot].node = NULL;
            if (j < paths[i].edge_count) slots[paths[i].edges[j].slot].waiting = NULL;
        }
    }
}

struct plan_operator *plan_match(struct planning *planning, struct plan_operator *input, struct cypher_path *paths,
                                 uint32_t count, struct cypher_expr *where) {
    struct match match = {.planning = planning, .top = input};
    bool planned = collect(&match, paths, count);
    for (uint32_t i = 0; i < count && planned; i++) planned = collect_conditions(&match, &paths[i]);
    planned = planned && collect_where(&match, where) && place_ready(&match) && start_from_bound(&match) &&
              start_parts(&match) && plan_paths(&match, paths, count);
    if (!planned) return NULL;
    match.top = plan_input(planning, match.top);
    forget(&match, paths, count);
    return match.top && place_last(&match) ? match.top : NULL;
}
