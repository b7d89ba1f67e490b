/*
 * operator_write: Create, Update (SET, REMOVE), Delete.
 *
 * A clause sees the graph as the clauses before it left it: so all rows are taken before the first change, and none is
 * passed on before the last.
 */
#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/row_buffer.h"
#include "graph/cypher/row_table.h"
#include "graph/cypher/write.h"

enum write_phase { WRITE_COLLECT, WRITE_CHANGE, WRITE_DELETE_EDGES, WRITE_DELETE_NODES, WRITE_EMIT };

struct write_state {
    struct row_buffer rows;
    struct row_table doomed; /* Delete: nodes and edges, each once */
    enum write_phase phase;
    size_t next; /* row, or doomed entity, to go on with */
};

static enum status write_start(struct run *run, struct stage *stage) {
    struct write_state *state = stage->state;
    row_buffer_init(&state->rows, &stage->carried, 0, run->budget);
    row_table_init(&state->doomed, 1, run->budget, run->hash_seed);
    return STATUS_OK;
}

static void write_restart(struct run *run, struct stage *stage) {
    (void)run;
    struct write_state *state = stage->state;
    row_buffer_reset(&state->rows);
    row_table_reset(&state->doomed);
    state->phase = WRITE_COLLECT;
    state->next = 0;
}

static void write_stop(struct run *run, struct stage *stage) {
    (void)run;
    struct write_state *state = stage->state;
    row_buffer_deinit(&state->rows);
    row_table_deinit(&state->doomed);
}

/* --- the change of one row --- */

/* Nodes and edges, also those in paths and lists. */
static enum status doom(struct run *run, struct write_state *state, struct cypher_place place, struct value value) {
    enum status status = STATUS_OK;
    size_t number;
    bool added;
    switch ((enum value_type)value.type) {
    case VALUE_NULL: return STATUS_OK;
    case VALUE_NODE:
    case VALUE_EDGE: return row_table_add(&state->doomed, &value, &number, &added);
    case VALUE_LIST:
    case VALUE_PATH:
        for (size_t i = 0; i < value.list.count && status == STATUS_OK; i++)
            status = doom(run, state, place, value.list.items[i]);
        return status;
    default: return evaluation_mismatch(&run->evaluation, place, "Node, Edge, Path or Null", value);
    }
}

static enum status delete_row(struct run *run, struct stage *stage) {
    const struct cypher_list *targets = &stage->plan->deletion.targets;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < targets->count && status == STATUS_OK; i++) {
        struct value value;
        status = cypher_evaluate(&run->evaluation, targets->items[i], &value);
        if (status == STATUS_OK) status = doom(run, stage->state, targets->items[i]->place, value);
    }
    return status;
}

static enum status change_row(struct run *run, struct stage *stage, size_t index) {
    struct write_state *state = stage->state;
    enum status status = row_buffer_get(&state->rows, index, run->evaluation.arena, run->row);
    if (status != STATUS_OK) return status;
    if (stage->plan->kind == PLAN_DELETE) return delete_row(run, stage);
    if (stage->plan->kind == PLAN_UPDATE) return write_set(run, &stage->plan->update.items, stage->plan->update.remove);
    status = write_create(run, &stage->plan->create, false);
    return status == STATUS_OK ? row_buffer_set(&state->rows, index, run->row) : status;
}

/* Edges before nodes, so that a node whose edges go with it is free of them. */
static enum status delete_entity(struct run *run, struct stage *stage, size_t number) {
    struct write_state *state = stage->state;
    struct value entity = row_table_get(&state->doomed, number)[0];
    bool edges = state->phase == WRITE_DELETE_EDGES;
    if (edges != (entity.type == VALUE_EDGE)) return STATUS_OK;
    if (edges) return write_delete_edge(run, entity.edge.id);
    return write_delete_node(run, entity.node, stage->plan->deletion.detach);
}

/* --- phases --- */

static enum pull write_collect(struct run *run, struct stage *stage) {
    struct write_state *state = stage->state;
    do {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull == PULL_END) {
            state->phase = WRITE_CHANGE;
            return PULL_ROW;
        }
        if (pull != PULL_ROW) return pull;
        enum status status = row_buffer_add(&state->rows, run->row, NULL);
        if (status != STATUS_OK) return run_fail(run, status);
    } while (run_work(run));
    return PULL_MORE;
}

static enum write_phase phase_after(const struct stage *stage, enum write_phase phase) {
    if (phase == WRITE_CHANGE && stage->plan->kind != PLAN_DELETE) return WRITE_EMIT;
    return phase + 1;
}

static enum pull write_change(struct run *run, struct stage *stage) {
    struct write_state *state = stage->state;
    while (state->phase != WRITE_EMIT) {
        bool by_row = state->phase == WRITE_CHANGE;
        if (state->next == (by_row ? state->rows.count : state->doomed.count)) {
            state->phase = phase_after(stage, state->phase);
            state->next = 0;
            continue;
        }
        enum status status = by_row ? change_row(run, stage, state->next) : delete_entity(run, stage, state->next);
        if (status != STATUS_OK) return run_fail(run, status);
        state->next++;
        if (!run_work(run)) return PULL_MORE;
    }
    return PULL_ROW;
}

static enum pull write_pull(struct run *run, struct stage *stage) {
    struct write_state *state = stage->state;
    enum pull pull = PULL_ROW;
    if (state->phase == WRITE_COLLECT) pull = write_collect(run, stage);
    if (pull == PULL_ROW) pull = write_change(run, stage);
    if (pull != PULL_ROW) return pull;
    if (state->next == state->rows.count) return PULL_END;
    enum status status = row_buffer_get(&state->rows, state->next++, run->evaluation.arena, run->row);
    return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
}

#define WRITE_CLASS                                                                                                    \
    {                                                                                                                  \
        .state_bytes = sizeof(struct write_state), .start = write_start, .pull = write_pull, .restart = write_restart, \
        .stop = write_stop                                                                                             \
    }

const struct operator_class create_class = WRITE_CLASS;
const struct operator_class update_class = WRITE_CLASS;
const struct operator_class delete_class = WRITE_CLASS;
