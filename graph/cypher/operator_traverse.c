/*
 * operator_traverse: one hop from a bound node (Conditional Traverse), between two bound nodes (Expand Into), and from
 * a bound edge to its nodes (Edge Ends).
 */
#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/hop.h"

/* --- Conditional Traverse and Expand Into --- */

struct traverse_state {
    struct hop hop;
    struct graph_neighbours *walk;
    bool active; /* the walk is under way */
    uint64_t from, to;
};

static enum status traverse_start(struct run *run, struct stage *stage) {
    struct traverse_state *state = stage->state;
    enum status status = hop_init(run, &stage->plan->traverse, &state->hop);
    return status == STATUS_OK ? graph_neighbours_create(run->graph, &state->walk) : status;
}

static void traverse_stop(struct run *run, struct stage *stage) {
    (void)run;
    graph_neighbours_destroy(((struct traverse_state *)stage->state)->walk);
}

static void traverse_restart(struct run *run, struct stage *stage) {
    (void)run;
    ((struct traverse_state *)stage->state)->active = false;
}

/* An end that is null has no edges. */
static enum status traverse_begin(struct run *run, struct stage *stage) {
    struct traverse_state *state = stage->state;
    const struct plan_traverse *plan = &stage->plan->traverse;
    bool from_null, to_null = false;
    enum status status = hop_begin(run, &state->hop);
    if (status == STATUS_OK) status = hop_node(run, &state->hop, plan->from_slot, &state->from, &from_null);
    if (status == STATUS_OK && stage->plan->kind == PLAN_EXPAND_INTO)
        status = hop_node(run, &state->hop, plan->to_slot, &state->to, &to_null);
    if (status != STATUS_OK) return status;
    state->active = !from_null && !to_null && !state->hop.impossible;
    if (state->active)
        graph_neighbours_start(state->walk, state->from, state->hop.direction, state->hop.types, state->hop.type_count);
    return STATUS_OK;
}

/* Looks at one neighbour. */
static enum status traverse_step(struct run *run, struct stage *stage, bool *found) {
    struct traverse_state *state = stage->state;
    const struct plan_traverse *plan = &stage->plan->traverse;
    bool into = stage->plan->kind == PLAN_EXPAND_INTO;
    struct graph_neighbour neighbour;
    enum status status = graph_neighbours_next(state->walk, &neighbour);
    if (status != STATUS_OK) return status;
    *found = !into || neighbour.node == state->to;
    *found = *found && hop_is_distinct(run, plan, neighbour.edge);
    if (*found) status = run_node_has_labels(run, neighbour.node, &plan->to_labels, 0, found);
    if (status != STATUS_OK || !*found) return status;
    run->row[plan->edge_slot] = hop_edge(state->from, &neighbour);
    if (!into) run->row[plan->to_slot] = value_node(neighbour.node);
    return STATUS_OK;
}

static enum pull traverse_pull(struct run *run, struct stage *stage) {
    struct traverse_state *state = stage->state;
    do {
        enum status status;
        bool found = false;
        if (!state->active) {
            enum pull pull = operator_pull(run, stage->children[0]);
            if (pull != PULL_ROW) return pull;
            status = traverse_begin(run, stage);
        } else {
            status = traverse_step(run, stage, &found);
            state->active = status == STATUS_OK;
        }
        if (status != STATUS_OK && status != STATUS_END) return run_fail(run, status);
        if (found) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class traverse_class = {.state_bytes = sizeof(struct traverse_state),
                                              .start = traverse_start,
                                              .pull = traverse_pull,
                                              .restart = traverse_restart,
                                              .stop = traverse_stop};

/* --- Edge Ends --- */

struct ends_state {
    struct hop hop;
    struct value edge;
    uint32_t ways_left; /* 2: along the edge, 1: against it */
};

static enum status ends_start(struct run *run, struct stage *stage) {
    return hop_init(run, &stage->plan->ends.hop, &((struct ends_state *)stage->state)->hop);
}

static void ends_restart(struct run *run, struct stage *stage) {
    (void)run;
    ((struct ends_state *)stage->state)->ways_left = 0;
}

static bool edge_fits(const struct run *run, const struct ends_state *state) {
    const struct hop *hop = &state->hop;
    bool typed = hop->plan->types.count == 0;
    for (uint32_t i = 0; i < hop->type_count && !typed; i++) typed = hop->types[i] == state->edge.edge_type;
    return typed && hop_is_distinct(run, hop->plan, state->edge.edge.id);
}

/* An edge that was deleted has no ends any more. */
static enum status ends_begin(struct run *run, struct stage *stage) {
    struct ends_state *state = stage->state;
    const struct graph_edge *row;
    state->edge = run->row[stage->plan->ends.hop.edge_slot];
    if (state->edge.type == VALUE_NULL) return STATUS_OK;
    if (state->edge.type != VALUE_EDGE)
        return evaluation_mismatch(&run->evaluation, (struct cypher_place){0}, "Edge or Null", state->edge);
    enum status status = hop_begin(run, &state->hop);
    if (status == STATUS_OK) status = reader_get_edge(&run->reader, state->edge.edge.id, &row);
    if (status == STATUS_OK && edge_fits(run, state)) state->ways_left = 2;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool end_fits(struct run *run, uint32_t slot, bool bound, uint64_t node) {
    if (bound) return run->row[slot].type == VALUE_NODE && run->row[slot].node == node;
    run->row[slot] = value_node(node);
    return true;
}

static enum status ends_step(struct run *run, struct stage *stage, bool *found) {
    struct ends_state *state = stage->state;
    const struct plan_edge_ends *plan = &stage->plan->ends;
    bool along = state->ways_left-- == 2;
    bool is_loop = state->edge.edge.source == state->edge.edge.destination;
    bool allowed = along ? plan->hop.direction != CYPHER_IN
                         : plan->hop.direction == CYPHER_IN || (plan->hop.direction == CYPHER_BOTH && !is_loop);
    uint64_t from = along ? state->edge.edge.source : state->edge.edge.destination;
    uint64_t to = along ? state->edge.edge.destination : state->edge.edge.source;
    *found = allowed && end_fits(run, plan->hop.from_slot, plan->from_bound, from) &&
             end_fits(run, plan->hop.to_slot, plan->to_bound, to);
    return *found ? run_node_has_labels(run, to, &plan->hop.to_labels, 0, found) : STATUS_OK;
}

static enum pull ends_pull(struct run *run, struct stage *stage) {
    struct ends_state *state = stage->state;
    do {
        enum status status;
        bool found = false;
        if (state->ways_left == 0) {
            enum pull pull = operator_pull(run, stage->children[0]);
            if (pull != PULL_ROW) return pull;
            status = ends_begin(run, stage);
        } else {
            status = ends_step(run, stage, &found);
        }
        if (status != STATUS_OK) return run_fail(run, status);
        if (found) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class edge_ends_class = {
    .state_bytes = sizeof(struct ends_state), .start = ends_start, .pull = ends_pull, .restart = ends_restart};
