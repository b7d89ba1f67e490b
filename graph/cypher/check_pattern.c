/* check_pattern: which variables a pattern binds, which it uses; what CREATE and MERGE ask of theirs. */
#include "graph/cypher/checking.h"

static bool conflict(struct checking *checking, const struct cypher_name *name, const char *what) {
    return check_fault_name(checking, CYPHER_FAULT_VARIABLE_TYPE_CONFLICT, name->place, name->text, what);
}

static bool already_bound(struct checking *checking, const struct cypher_name *name) {
    return check_fault_name(checking, CYPHER_FAULT_VARIABLE_ALREADY_BOUND, name->place, name->text, "already declared");
}

static bool fits(const struct variable *variable, unsigned type) {
    return (variable->type & type) || variable->type == CYPHER_TYPE_NULL;
}

/* A new variable of the pattern, or a slot without a name. */
static bool declare(struct checking *checking, const struct cypher_name *name, struct cypher_place place, uint16_t type,
                    uint32_t *slot) {
    if (!name->text.data) return scope_slot(checking, place, slot);
    struct variable *variable = scope_declare(checking, name->text, type);
    if (!variable) return false;
    if (type == CYPHER_TYPE_LIST) variable->element = CYPHER_TYPE_EDGE;
    *slot = variable->slot;
    return true;
}

static bool undefined(struct checking *checking, const struct cypher_name *name) {
    return check_fault_name(checking, CYPHER_FAULT_UNDEFINED_VARIABLE, name->place, name->text, "not defined");
}

/* --- nodes --- */

static bool check_node(struct checking *checking, struct cypher_node_pattern *node, bool is_alone,
                       enum pattern_use use) {
    struct variable *variable = node->variable.text.data ? scope_find(checking, node->variable.text) : NULL;
    if (!variable) {
        if (use == PATTERN_PREDICATE && node->variable.text.data) return undefined(checking, &node->variable);
        return declare(checking, &node->variable, node->place, CYPHER_TYPE_NODE, &node->slot);
    }
    if (!fits(variable, CYPHER_TYPE_NODE)) return conflict(checking, &node->variable, "is no node");
    const bool is_new = use == PATTERN_CREATE || use == PATTERN_MERGE;
    if (is_new && (is_alone || node->labels.count || node->properties)) return already_bound(checking, &node->variable);
    node->slot = variable->slot;
    node->bound = variable->clause != checking->clause;
    return true;
}

/* --- edges --- */

static bool check_created_edge(struct checking *checking, const struct cypher_edge_pattern *edge,
                               enum pattern_use use) {
    if (edge->is_variable)
        return check_fault(checking, CYPHER_FAULT_CREATING_VAR_LENGTH, edge->place,
                           "a relationship of variable length can't be created");
    if (edge->types.count != 1)
        return check_fault(checking, CYPHER_FAULT_NO_SINGLE_TYPE, edge->place,
                           "a new relationship has exactly one type");
    if (edge->direction == CYPHER_BOTH && use == PATTERN_CREATE)
        return check_fault(checking, CYPHER_FAULT_REQUIRES_DIRECTED, edge->place, "a new relationship has a direction");
    return true;
}

static bool check_bound_edge(struct checking *checking, struct cypher_edge_pattern *edge,
                             const struct variable *variable, enum pattern_use use) {
    const unsigned type = edge->is_variable ? CYPHER_TYPE_LIST : CYPHER_TYPE_EDGE;
    if (!fits(variable, type)) return conflict(checking, &edge->variable, "is no relationship");
    if (use == PATTERN_CREATE || use == PATTERN_MERGE) return already_bound(checking, &edge->variable);
    if (variable->clause == checking->clause && use == PATTERN_MATCH)
        return check_fault_name(checking, CYPHER_FAULT_RELATIONSHIP_UNIQUENESS, edge->variable.place,
                                edge->variable.text, "stands for two relationships of one pattern");
    edge->slot = variable->slot;
    edge->bound = true;
    return true;
}

static bool check_edge(struct checking *checking, struct cypher_edge_pattern *edge, enum pattern_use use) {
    struct variable *variable = edge->variable.text.data ? scope_find(checking, edge->variable.text) : NULL;
    if (variable && !check_bound_edge(checking, edge, variable, use)) return false;
    if ((use == PATTERN_CREATE || use == PATTERN_MERGE) && !check_created_edge(checking, edge, use)) return false;
    if (variable) return true;
    if (use == PATTERN_PREDICATE && edge->variable.text.data) return undefined(checking, &edge->variable);
    return declare(checking, &edge->variable, edge->place, edge->is_variable ? CYPHER_TYPE_LIST : CYPHER_TYPE_EDGE,
                   &edge->slot);
}

/* --- paths --- */

static bool check_shortest(struct checking *checking, const struct cypher_path *path, enum pattern_use use) {
    if (path->function == CYPHER_PATH_PLAIN) return true;
    if (use != PATTERN_MATCH) return check_unsupported(checking, path->place, "shortestPath() outside of MATCH");
    const struct cypher_edge_pattern *edge = &path->edges[0];
    if (edge->is_variable && edge->min_hops > 1)
        return check_unsupported(checking, edge->place, "a shortest path with a least length above 1");
    return true;
}

static bool check_path(struct checking *checking, struct cypher_path *path, enum pattern_use use) {
    if (!check_shortest(checking, path, use)) return false;
    for (uint32_t i = 0; i <= path->edge_count; i++) {
        if (!check_node(checking, &path->nodes[i], path->edge_count == 0, use)) return false;
        if (i < path->edge_count && !check_edge(checking, &path->edges[i], use)) return false;
    }
    if (!path->variable.text.data) {
        if (path->function == CYPHER_PATH_PLAIN) return true;
        return scope_slot(checking, path->place, &path->slot);
    }
    if (scope_find(checking, path->variable.text)) return already_bound(checking, &path->variable);
    return declare(checking, &path->variable, path->place, CYPHER_TYPE_PATH, &path->slot);
}

static bool check_properties(struct checking *checking, struct cypher_expr *properties, enum pattern_use use) {
    if (!properties) return true;
    if (properties->kind == EXPR_PARAMETER && use != PATTERN_CREATE)
        return check_fault(checking, CYPHER_FAULT_INVALID_PARAMETER_USE, properties->place,
                           "a pattern that is matched takes a map of properties, not a parameter");
    return check_expression(checking, properties, 0);
}

static bool check_path_properties(struct checking *checking, struct cypher_path *path, enum pattern_use use) {
    for (uint32_t i = 0; i <= path->edge_count; i++)
        if (!check_properties(checking, path->nodes[i].properties, use)) return false;
    for (uint32_t i = 0; i < path->edge_count; i++)
        if (!check_properties(checking, path->edges[i].properties, use)) return false;
    return true;
}

/* What is made can be described by what the paths before it made, not by its own path. */
bool check_pattern(struct checking *checking, struct cypher_path *paths, uint32_t count, enum pattern_use use) {
    const bool is_new = use == PATTERN_CREATE || use == PATTERN_MERGE;
    for (uint32_t i = 0; i < count; i++) {
        if (is_new && !check_path_properties(checking, &paths[i], use)) return false;
        if (!check_path(checking, &paths[i], use)) return false;
    }
    for (uint32_t i = 0; i < count && !is_new; i++)
        if (!check_path_properties(checking, &paths[i], use)) return false;
    return true;
}
