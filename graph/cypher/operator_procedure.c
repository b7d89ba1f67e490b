/* operator_procedure: CALL: runs a procedure for each row, and adds its fields to the row. */
#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/procedure_table.h"
#include "graph/cypher/run.h"

enum { STEP_WORK = 512 };

struct procedure_state {
    struct procedure_call call;
    struct value_arena arena; /* the call's: arguments, state, rows */
    struct value *fields;     /* room for all of the procedure's */
    void *own;                /* the procedure's */
    bool active;
};

static enum status procedure_start(struct run *run, struct stage *stage) {
    struct procedure_state *state = stage->state;
    const struct graph_procedure *procedure = graph_procedure_of(stage->plan->call.procedure);
    value_arena_init(&state->arena, run->budget);
    state->call = (struct procedure_call){.procedure = procedure,
                                          .graph = run->graph,
                                          .arena = &state->arena,
                                          .budget = run->budget,
                                          .cancelled = run->evaluation.cancelled,
                                          .fault = run->evaluation.fault,
                                          .prng = run->evaluation.prng};
    state->fields = value_alloc_array(&run->frame, procedure->head.field_count, sizeof *state->fields);
    return state->fields ? STATUS_OK : STATUS_NO_MEMORY;
}

static void call_end(struct procedure_state *state) {
    if (state->active && state->call.procedure->close) state->call.procedure->close(&state->call, state->own);
    state->active = false;
    state->own = NULL;
    value_arena_reset(&state->arena);
}

static void procedure_restart(struct run *run, struct stage *stage) {
    (void)run;
    call_end(stage->state);
}

static void procedure_stop(struct run *run, struct stage *stage) {
    (void)run;
    struct procedure_state *state = stage->state;
    if (state->arena.arena.block_bytes == 0) return; /* never started */
    call_end(state);
    value_arena_deinit(&state->arena);
}

static enum status call_begin(struct run *run, struct stage *stage) {
    struct procedure_state *state = stage->state;
    const struct cypher_list *list = &stage->plan->call.arguments;
    struct value *arguments = value_alloc_array(&state->arena, list->count, sizeof *arguments);
    if (!arguments) return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < list->count; i++) {
        struct value argument;
        enum status status = cypher_evaluate(&run->evaluation, list->items[i], &argument);
        if (status == STATUS_OK) status = value_copy(&state->arena, argument, &arguments[i]);
        if (status != STATUS_OK) return status;
    }
    state->call.arguments = arguments;
    state->call.argument_count = list->count;
    if (list->count > 0) state->call.place = list->items[0]->place;
    enum status status = state->call.procedure->open(&state->call, &state->own);
    state->active = status == STATUS_OK;
    return status;
}

static enum status fields_out(struct run *run, struct stage *stage) {
    struct procedure_state *state = stage->state;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < stage->plan->call.count && status == STATUS_OK; i++)
        status = value_copy(run->evaluation.arena, state->fields[stage->plan->call.fields[i]],
                            &run->row[stage->plan->call.slots[i]]);
    return status;
}

/* A row of the child and a call for it. */
static enum pull call_next(struct run *run, struct stage *stage) {
    enum pull pull = operator_pull(run, stage->children[0]);
    if (pull != PULL_ROW) return pull;
    enum status status = call_begin(run, stage);
    return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
}

static enum pull procedure_pull(struct run *run, struct stage *stage) {
    struct procedure_state *state = stage->state;
    do {
        enum pull pull = state->active ? PULL_ROW : call_next(run, stage);
        if (pull != PULL_ROW) return pull;
        state->call.work = STEP_WORK;
        enum status status = state->call.procedure->step(&state->call, state->own, state->fields);
        bool passes_row = stage->plan->call.passes_row;
        if (status == STATUS_OK && !passes_row) {
            status = fields_out(run, stage);
            return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
        }
        if (status == STATUS_BUSY) run->evaluation.work += STEP_WORK;
        if (status == STATUS_END) {
            call_end(state);
            if (passes_row) return PULL_ROW;
        } else if (status != STATUS_OK && status != STATUS_BUSY) {
            return run_fail(run, status);
        }
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class procedure_class = {.state_bytes = sizeof(struct procedure_state),
                                               .start = procedure_start,
                                               .pull = procedure_pull,
                                               .restart = procedure_restart,
                                               .stop = procedure_stop};
