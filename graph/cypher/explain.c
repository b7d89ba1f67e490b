/* explain: a plan as text, an operator a line, its input indented below it. */
#include "graph/cypher/plan.h"

static const char *const names[PLAN_KIND_COUNT] = {
#define X(name, text) text,
    PLAN_LIST(X)
#undef X
};

static enum status print_slice(struct buf *to, struct slice text) {
    return buf_append_slice(to, text);
}

static enum status print_text(struct buf *to, const char *text) {
    return buf_append(to, text, strlen(text));
}

/* :A:B, or :A|B */
static enum status print_names(struct buf *to, const struct cypher_names *list, const char *between) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < list->count && status == STATUS_OK; i++) {
        status = print_text(to, i == 0 ? ":" : between);
        if (status == STATUS_OK) status = print_slice(to, list->items[i].text);
    }
    return status;
}

static enum status print_node(struct buf *to, const struct cypher_node_pattern *node) {
    enum status status = print_text(to, "(");
    if (status == STATUS_OK) status = print_slice(to, node->variable.text);
    if (status == STATUS_OK) status = print_names(to, &node->labels, ":");
    return status ? status : print_text(to, ")");
}

static enum status print_hops(struct buf *to, const struct cypher_edge_pattern *edge) {
    if (!edge->is_variable) return STATUS_OK;
    if (edge->max_hops == CYPHER_HOPS_UNBOUNDED) return buf_append_format(to, "*%u..INF", edge->min_hops);
    return buf_append_format(to, "*%u..%u", edge->min_hops, edge->max_hops);
}

static enum status print_edge(struct buf *to, const struct cypher_edge_pattern *edge, enum cypher_direction direction) {
    enum status status = print_text(to, direction == CYPHER_IN ? "<-" : "-");
    const bool plain = !edge->variable.text.size && !edge->types.count && !edge->is_variable;
    if (!plain && status == STATUS_OK) {
        status = print_text(to, "[");
        if (status == STATUS_OK) status = print_slice(to, edge->variable.text);
        if (status == STATUS_OK) status = print_names(to, &edge->types, "|");
        if (status == STATUS_OK) status = print_hops(to, edge);
        if (status == STATUS_OK) status = print_text(to, "]");
    }
    if (plain && direction == CYPHER_BOTH && status == STATUS_OK) return print_text(to, "-");
    if (plain || status) return status ? status : direction == CYPHER_OUT ? print_text(to, ">") : STATUS_OK;
    return print_text(to, direction == CYPHER_OUT ? "->" : "-");
}

static enum status print_hop(struct buf *to, const struct plan_traverse *hop) {
    enum status status = print_text(to, " | ");
    if (status == STATUS_OK) status = print_node(to, hop->from);
    if (status == STATUS_OK) status = print_edge(to, hop->edge, hop->direction);
    return status ? status : print_node(to, hop->to);
}

static enum status print_scan(struct buf *to, const struct cypher_node_pattern *node) {
    enum status status = print_text(to, " | ");
    return status ? status : print_node(to, node);
}

static enum status print_after_bar(struct buf *to, struct slice text) {
    enum status status = print_text(to, " | ");
    return status ? status : print_slice(to, text);
}

enum status plan_operator_print(const struct plan_operator *operator, struct buf * to) {
    enum status status = print_text(to, names[operator->kind]);
    if (status) return status;
    switch (operator->kind) {
    case PLAN_ALL_NODE_SCAN:
    case PLAN_LABEL_SCAN:
    case PLAN_ID_SEEK: return print_scan(to, operator->scan.pattern);
    case PLAN_TRAVERSE:
    case PLAN_EXPAND_INTO:
    case PLAN_VARIABLE_TRAVERSE:
    case PLAN_VARIABLE_EXPAND_INTO: return print_hop(to, &operator->traverse);
    case PLAN_EDGE_ENDS: return print_hop(to, &operator->ends.hop);
    case PLAN_SHORTEST_PATH: return print_hop(to, &operator->shortest.hop);
    case PLAN_PROCEDURE_CALL: return print_after_bar(to, slice_from_text(operator->call.procedure->name));
    default: return STATUS_OK;
    }
}

/* Plans are at most PLAN_HEIGHT_MAX high. */
static enum status explain(const struct plan_operator *operator, unsigned level, struct buf *to) {
    enum { INDENT = 4 };
    enum status status = buf_append_format(to, "%*s", (int)(level * INDENT), "");
    if (status == STATUS_OK) status = plan_operator_print(operator, to);
    if (status == STATUS_OK) status = print_text(to, "\n");
    for (uint32_t i = 0; i < operator->child_count && status == STATUS_OK; i++)
        if (operator->children[i]) status = explain(operator->children[i], level + 1, to);
    return status;
}

enum status plan_explain(const struct plan *plan, struct buf *to) {
    return explain(plan->root, 0, to);
}
