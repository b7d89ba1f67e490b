/*
 * operator_variable: paths of variable length from a bound node, to any node or to a bound one.
 *
 * Depth first: a level for each edge of the path under way, each with a walk of its own; a path comes out when it is
 * first reached, so shorter ones before those that continue them. No edge is twice in a path, which bounds its length.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/hop.h"

enum { LEVEL_BYTES = 8 << 10 }; /* what a level with its walk takes, about */

struct level {
    struct graph_neighbours *walk; /* from the node at this depth */
    struct value edge;             /* by which it was reached; null at depth 0 */
    uint64_t node;
};

struct variable_state {
    struct hop hop;
    struct level *levels; /* room for `capacity`; the first `made` have a walk */
    size_t capacity, made;
    size_t depth; /* levels under way; 0: the next row of the child is wanted */
    bool fresh;   /* the path that ends at the last level was not looked at yet */
    uint64_t to;
};

static enum status variable_start(struct run *run, struct stage *stage) {
    return hop_init(run, &stage->plan->traverse, &((struct variable_state *)stage->state)->hop);
}

static void variable_restart(struct run *run, struct stage *stage) {
    (void)run;
    ((struct variable_state *)stage->state)->depth = 0;
}

static void variable_stop(struct run *run, struct stage *stage) {
    struct variable_state *state = stage->state;
    for (size_t i = 0; i < state->made; i++) graph_neighbours_destroy(state->levels[i].walk);
    free(state->levels);
    value_budget_release(run->budget, state->made * LEVEL_BYTES);
}

static enum status variable_keep(struct run *run, struct stage *stage, struct value_arena *arena) {
    (void)run;
    struct variable_state *state = stage->state;
    if (state->depth == 0) state->hop.properties = value_null();
    return value_copy(arena, state->hop.properties, &state->hop.properties);
}

/* --- levels --- */

static enum status levels_reserve(struct run *run, struct variable_state *state) {
    if (state->depth < state->made) return STATUS_OK;
    if (state->made == state->capacity) {
        size_t capacity = state->capacity ? 2 * state->capacity : 8;
        struct level *levels = realloc(state->levels, capacity * sizeof *levels);
        if (!levels) return STATUS_NO_MEMORY;
        state->levels = levels;
        state->capacity = capacity;
    }
    if (!value_budget_charge(run->budget, LEVEL_BYTES)) return STATUS_NO_MEMORY;
    enum status status = graph_neighbours_create(run->graph, &state->levels[state->made].walk);
    if (status == STATUS_OK)
        state->made++;
    else
        value_budget_release(run->budget, LEVEL_BYTES);
    return status;
}

static enum status level_push(struct run *run, struct variable_state *state, struct value edge, uint64_t node) {
    enum status status = levels_reserve(run, state);
    if (status != STATUS_OK) return status;
    struct level *level = &state->levels[state->depth++];
    level->edge = edge;
    level->node = node;
    graph_neighbours_start(level->walk, node, state->hop.direction, state->hop.types, state->hop.type_count);
    state->fresh = true;
    return STATUS_OK;
}

static enum status variable_begin(struct run *run, struct stage *stage) {
    struct variable_state *state = stage->state;
    const struct plan_traverse *plan = &stage->plan->traverse;
    uint64_t from;
    bool from_null, to_null = false;
    enum status status = hop_begin(run, &state->hop);
    if (status == STATUS_OK) status = hop_node(run, &state->hop, plan->from_slot, &from, &from_null);
    if (status == STATUS_OK && stage->plan->kind == PLAN_VARIABLE_EXPAND_INTO)
        status = hop_node(run, &state->hop, plan->to_slot, &state->to, &to_null);
    if (status != STATUS_OK || from_null || to_null) return status;
    return level_push(run, state, value_null(), from);
}

/* --- paths --- */

static enum status path_edges(struct run *run, const struct variable_state *state, struct value *list) {
    size_t count = state->depth - 1;
    enum status status;
    struct value *items = evaluation_alloc(&run->evaluation, count, sizeof *items, &status);
    if (!items) return status;
    for (size_t i = 0; i < count; i++) items[i] = state->levels[state->hop.plan->reversed ? count - i : i + 1].edge;
    return evaluation_list(&run->evaluation, items, count, list);
}

/* The path that ends at the last level, if it is one that is wanted. */
static enum status path_emit(struct run *run, struct stage *stage, bool *found) {
    struct variable_state *state = stage->state;
    const struct plan_traverse *plan = &stage->plan->traverse;
    bool into = stage->plan->kind == PLAN_VARIABLE_EXPAND_INTO;
    const struct level *last = &state->levels[state->depth - 1];
    state->fresh = false;
    if (state->depth - 1 < plan->min_hops || (into && last->node != state->to)) return STATUS_OK;
    enum status status = run_node_has_labels(run, last->node, &plan->to_labels, 0, found);
    if (status != STATUS_OK || !*found) return status;
    struct value list;
    status = path_edges(run, state, &list);
    if (status != STATUS_OK) return status;
    run->row[plan->edge_slot] = list;
    if (!into) run->row[plan->to_slot] = value_node(last->node);
    return STATUS_OK;
}

static bool is_on_path(const struct variable_state *state, uint64_t edge) {
    for (size_t i = 1; i < state->depth; i++)
        if (state->levels[i].edge.edge.id == edge) return true;
    return false;
}

/* One edge further, or one level back. */
static enum status path_advance(struct run *run, struct variable_state *state) {
    const struct plan_traverse *plan = state->hop.plan;
    struct level *last = &state->levels[state->depth - 1];
    struct graph_neighbour neighbour;
    bool may_go_on = state->depth - 1 < plan->max_hops && !state->hop.impossible;
    enum status status = may_go_on ? graph_neighbours_next(last->walk, &neighbour) : STATUS_END;
    if (status == STATUS_END) {
        state->depth--;
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    run->evaluation.work += state->depth / 64; /* the search below is linear */
    if (is_on_path(state, neighbour.edge) || !hop_is_distinct(run, plan, neighbour.edge)) return STATUS_OK;
    struct value edge = hop_edge(last->node, &neighbour);
    bool has;
    status = hop_check_properties(run, &state->hop, edge, &has);
    if (status != STATUS_OK || !has) return status;
    return level_push(run, state, edge, neighbour.node);
}

static enum pull variable_pull(struct run *run, struct stage *stage) {
    struct variable_state *state = stage->state;
    do {
        enum status status;
        bool found = false;
        if (state->depth == 0) {
            enum pull pull = operator_pull(run, stage->children[0]);
            if (pull != PULL_ROW) return pull;
            status = variable_begin(run, stage);
        } else if (state->fresh) {
            status = path_emit(run, stage, &found);
        } else {
            status = path_advance(run, state);
        }
        if (status != STATUS_OK) return run_fail(run, status);
        if (found) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class variable_traverse_class = {.state_bytes = sizeof(struct variable_state),
                                                       .start = variable_start,
                                                       .pull = variable_pull,
                                                       .restart = variable_restart,
                                                       .stop = variable_stop,
                                                       .keep = variable_keep};
