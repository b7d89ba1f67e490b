/*
 * operator_shortest: one shortest path, or all of them, between two bound nodes, by hops.
 *
 * Breadth first from one end. The table of nodes met numbers them in the order of meeting, which is the queue; each has
 * links to the nodes one hop nearer. Paths are read off the links backwards; for all of them like an odometer, the link
 * nearest to the start turning fastest.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/hop.h"
#include "graph/cypher/row_table.h"

/* A way to reach a node from one that is a hop nearer. */
struct link {
    struct link *next;
    struct value edge;
    size_t from; /* number of that node */
};

struct met {
    struct link *links;
    uint32_t depth;
};

enum shortest_phase { SHORTEST_INPUT, SHORTEST_SEARCH, SHORTEST_EMIT };

struct shortest_state {
    struct hop hop;
    struct graph_neighbours *walk;
    enum shortest_phase phase;
    struct row_table nodes;   /* numbers of nodes met */
    struct value_arena links; /* links and the odometer */
    struct met *met;          /* by number; room for `capacity` */
    size_t capacity;
    size_t at; /* whose neighbours are being looked at */
    bool walking;
    uint64_t to;
    size_t target;      /* number of `to`; SIZE_MAX until it is met */
    struct link **turn; /* the path to pass on: link into depth 1, 2, ..., length */
    uint32_t length;
};

static enum status shortest_start(struct run *run, struct stage *stage) {
    struct shortest_state *state = stage->state;
    row_table_init(&state->nodes, 1, run->budget, run->hash_seed);
    value_arena_init(&state->links, run->budget);
    const struct plan_traverse *plan = &stage->plan->shortest.hop;
    if (plan->min_hops > 1)
        return cypher_fault_unsupported(run->evaluation.fault,
                                        plan->edge ? plan->edge->place : (struct cypher_place){0},
                                        "A shortest path with a least length above 1");
    enum status status = hop_init(run, plan, &state->hop);
    return status == STATUS_OK ? graph_neighbours_create(run->graph, &state->walk) : status;
}

static void shortest_restart(struct run *run, struct stage *stage) {
    (void)run;
    struct shortest_state *state = stage->state;
    state->phase = SHORTEST_INPUT;
    row_table_reset(&state->nodes);
    value_arena_reset(&state->links);
}

static void shortest_stop(struct run *run, struct stage *stage) {
    struct shortest_state *state = stage->state;
    if (state->links.arena.block_bytes == 0) return; /* never started */
    graph_neighbours_destroy(state->walk);
    row_table_deinit(&state->nodes);
    value_arena_deinit(&state->links);
    value_budget_release(run->budget, state->capacity * sizeof *state->met);
    free(state->met);
}

static enum status shortest_keep(struct run *run, struct stage *stage, struct value_arena *arena) {
    (void)run;
    struct shortest_state *state = stage->state;
    if (state->phase == SHORTEST_INPUT) state->hop.properties = value_null();
    return value_copy(arena, state->hop.properties, &state->hop.properties);
}

/* --- search --- */

static enum status met_reserve(struct run *run, struct shortest_state *state, size_t count) {
    if (count <= state->capacity) return STATUS_OK;
    size_t capacity = state->capacity ? 2 * state->capacity : 64;
    size_t more = (capacity - state->capacity) * sizeof *state->met;
    if (!value_budget_charge(run->budget, more)) return STATUS_NO_MEMORY;
    struct met *met = realloc(state->met, capacity * sizeof *met);
    if (!met) {
        value_budget_release(run->budget, more);
        return STATUS_NO_MEMORY;
    }
    state->met = met;
    state->capacity = capacity;
    return STATUS_OK;
}

/* The node's number; if it is new, with this depth and no links. */
static enum status node_meet(struct run *run, struct shortest_state *state, uint64_t node, uint32_t depth,
                             size_t *number) {
    struct value tuple = value_node(node);
    bool added;
    enum status status = row_table_add(&state->nodes, &tuple, number, &added);
    if (status != STATUS_OK || !added) return status;
    status = met_reserve(run, state, *number + 1);
    if (status != STATUS_OK) return status;
    state->met[*number] = (struct met){.depth = depth};
    if (node == state->to) state->target = *number;
    return STATUS_OK;
}

static enum status shortest_begin(struct run *run, struct stage *stage) {
    struct shortest_state *state = stage->state;
    const struct plan_traverse *plan = &stage->plan->shortest.hop;
    uint64_t from;
    bool from_null, to_null, fits = false;
    enum status status = hop_begin(run, &state->hop);
    if (status == STATUS_OK) status = hop_node(run, &state->hop, plan->from_slot, &from, &from_null);
    if (status == STATUS_OK) status = hop_node(run, &state->hop, plan->to_slot, &state->to, &to_null);
    if (status == STATUS_OK && !from_null && !to_null)
        status = run_node_has_labels(run, state->to, &plan->to_labels, 0, &fits);
    if (status != STATUS_OK || !fits) return status;
    size_t number;
    row_table_reset(&state->nodes);
    value_arena_reset(&state->links);
    state->target = SIZE_MAX;
    state->at = 0;
    state->walking = false;
    state->phase = SHORTEST_SEARCH;
    return node_meet(run, state, from, 0, &number);
}

static enum status link_add(struct shortest_state *state, size_t number, struct value edge) {
    struct link *link = value_alloc(&state->links, sizeof *link);
    if (!link) return STATUS_NO_MEMORY;
    *link = (struct link){.edge = edge, .from = state->at, .next = state->met[number].links};
    state->met[number].links = link;
    return STATUS_OK;
}

/* One neighbour of the node at hand. */
static enum status neighbour_look(struct run *run, struct stage *stage, uint64_t from,
                                  const struct graph_neighbour *neighbour) {
    struct shortest_state *state = stage->state;
    uint32_t depth = state->met[state->at].depth + 1;
    struct value edge = hop_edge(from, neighbour);
    bool has;
    if (!hop_is_distinct(run, state->hop.plan, neighbour->edge)) return STATUS_OK;
    enum status status = hop_check_properties(run, &state->hop, edge, &has);
    if (status != STATUS_OK || !has) return status;
    size_t number;
    status = node_meet(run, state, neighbour->node, depth, &number);
    if (status != STATUS_OK || state->met[number].depth != depth) return status;
    if (state->met[number].links && !stage->plan->shortest.all) return STATUS_OK;
    return link_add(state, number, edge);
}

/* Nothing that is still to come can be on a shortest path. */
static bool search_is_over(const struct stage *stage) {
    const struct shortest_state *state = stage->state;
    if (state->at == state->nodes.count || state->hop.impossible) return true;
    uint32_t depth = state->met[state->at].depth;
    if (depth >= state->hop.plan->max_hops) return true;
    if (state->target == SIZE_MAX) return false;
    return !stage->plan->shortest.all || depth >= state->met[state->target].depth;
}

static enum status search_step(struct run *run, struct stage *stage) {
    struct shortest_state *state = stage->state;
    uint64_t node = row_table_get(&state->nodes, state->at)[0].node;
    if (!state->walking)
        graph_neighbours_start(state->walk, node, state->hop.direction, state->hop.types, state->hop.type_count);
    state->walking = true;
    struct graph_neighbour neighbour;
    enum status status = graph_neighbours_next(state->walk, &neighbour);
    if (status == STATUS_END) {
        state->walking = false;
        state->at++;
        return STATUS_OK;
    }
    return status == STATUS_OK ? neighbour_look(run, stage, node, &neighbour) : status;
}

/* --- paths --- */

/* First links from depth `depth` down to the start. */
static void turn_reset(struct shortest_state *state, uint32_t depth) {
    for (; depth > 0; depth--) {
        size_t number = depth == state->length ? state->target : state->turn[depth]->from;
        state->turn[depth - 1] = state->met[number].links;
    }
}

/* The next path; false when all have been passed on. turn[i] leads into depth i + 1. */
static bool turn_next(struct shortest_state *state) {
    for (uint32_t i = 0; i < state->length; i++) {
        if (!state->turn[i]->next) continue;
        state->turn[i] = state->turn[i]->next;
        turn_reset(state, i);
        return true;
    }
    return false;
}

/* A path that has to have a hop does not stay where it is. */
static enum status search_end(struct stage *stage) {
    struct shortest_state *state = stage->state;
    state->phase = SHORTEST_INPUT;
    if (state->target == SIZE_MAX) return STATUS_OK;
    state->length = state->met[state->target].depth;
    if (state->length < state->hop.plan->min_hops) return STATUS_OK;
    state->turn = value_alloc_array(&state->links, state->length, sizeof(struct link *));
    if (!state->turn) return STATUS_NO_MEMORY;
    turn_reset(state, state->length);
    state->phase = SHORTEST_EMIT;
    return STATUS_OK;
}

static enum status path_out(struct run *run, struct stage *stage) {
    struct shortest_state *state = stage->state;
    bool reversed = state->hop.plan->reversed;
    size_t length = state->length, size = 2 * length + 1;
    enum status status;
    struct value *items = evaluation_alloc(&run->evaluation, size, sizeof *items, &status);
    struct value *edges = items ? evaluation_alloc(&run->evaluation, length, sizeof *edges, &status) : NULL;
    if (!edges) return status;
    for (size_t i = 0; i <= length; i++) {
        size_t number = i == length ? state->target : state->turn[i]->from;
        items[reversed ? size - 1 - 2 * i : 2 * i] = row_table_get(&state->nodes, number)[0];
        if (i == length) break;
        items[reversed ? size - 2 - 2 * i : 2 * i + 1] = state->turn[i]->edge;
        edges[reversed ? length - 1 - i : i] = state->turn[i]->edge;
    }
    if (stage->plan->shortest.path_slot != CYPHER_NO_SLOT)
        run->row[stage->plan->shortest.path_slot] = value_path(items, size);
    if (!turn_next(state) || !stage->plan->shortest.all) state->phase = SHORTEST_INPUT;
    return evaluation_list(&run->evaluation, edges, length, &run->row[state->hop.plan->edge_slot]);
}

static enum pull shortest_pull(struct run *run, struct stage *stage) {
    struct shortest_state *state = stage->state;
    do {
        enum status status;
        if (state->phase == SHORTEST_INPUT) {
            enum pull pull = operator_pull(run, stage->children[0]);
            if (pull != PULL_ROW) return pull;
            status = shortest_begin(run, stage);
        } else if (state->phase == SHORTEST_SEARCH) {
            status = search_is_over(stage) ? search_end(stage) : search_step(run, stage);
        } else {
            status = path_out(run, stage);
            return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
        }
        if (status != STATUS_OK) return run_fail(run, status);
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class shortest_path_class = {.state_bytes = sizeof(struct shortest_state),
                                                   .start = shortest_start,
                                                   .pull = shortest_pull,
                                                   .restart = shortest_restart,
                                                   .stop = shortest_stop,
                                                   .keep = shortest_keep};
