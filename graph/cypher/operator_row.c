/* operator_row: operators that look at one row at a time: Filter, Project, Distinct, Skip, Limit, Unwind, Results. */
#include "engine/base/check.h"
#include "graph/cypher/row_table.h"
#include "graph/cypher/run.h"

/* --- Filter --- */

static enum pull filter_pull(struct run *run, struct stage *stage) {
    do {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull != PULL_ROW) return pull;
        enum truth truth;
        enum status status = cypher_evaluate_truth(&run->evaluation, stage->plan->condition, &truth);
        if (status != STATUS_OK) return run_fail(run, status);
        if (truth == TRUTH_TRUE) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class filter_class = {.pull = filter_pull};

/* --- Project --- */

static enum pull project_pull(struct run *run, struct stage *stage) {
    enum pull pull = operator_pull(run, stage->children[0]);
    if (pull != PULL_ROW) return pull;
    const struct plan_columns *columns = &stage->plan->project;
    for (uint32_t i = 0; i < columns->count; i++) {
        struct value value;
        enum status status = cypher_evaluate(&run->evaluation, columns->items[i].expr, &value);
        if (status != STATUS_OK) return run_fail(run, status);
        run->row[columns->items[i].slot] = value;
    }
    return PULL_ROW;
}

const struct operator_class project_class = {.pull = project_pull};

/* --- Results --- */

static enum pull results_pull(struct run *run, struct stage *stage) {
    return operator_pull(run, stage->children[0]);
}

const struct operator_class results_class = {.pull = results_pull};

/* --- Distinct --- */

struct distinct_state {
    struct row_table seen;
    struct value *tuple; /* room for one */
};

static enum status distinct_start(struct run *run, struct stage *stage) {
    struct distinct_state *state = stage->state;
    uint32_t width = stage->plan->distinct.count;
    row_table_init(&state->seen, width, run->budget, run->hash_seed);
    state->tuple = value_alloc_array(&run->frame, width, sizeof *state->tuple);
    return state->tuple ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum pull distinct_pull(struct run *run, struct stage *stage) {
    struct distinct_state *state = stage->state;
    const struct plan_slots *slots = &stage->plan->distinct;
    do {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull != PULL_ROW) return pull;
        for (uint32_t i = 0; i < slots->count; i++) state->tuple[i] = run->row[slots->items[i]];
        size_t index;
        bool added;
        enum status status = row_table_add(&state->seen, state->tuple, &index, &added);
        if (status != STATUS_OK) return run_fail(run, status);
        if (added) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

static void distinct_restart(struct run *run, struct stage *stage) {
    (void)run;
    row_table_reset(&((struct distinct_state *)stage->state)->seen);
}

static void distinct_stop(struct run *run, struct stage *stage) {
    (void)run;
    row_table_deinit(&((struct distinct_state *)stage->state)->seen);
}

const struct operator_class distinct_class = {.state_bytes = sizeof(struct distinct_state),
                                              .start = distinct_start,
                                              .pull = distinct_pull,
                                              .restart = distinct_restart,
                                              .stop = distinct_stop};

/* --- Skip and Limit --- */

struct count_state {
    bool known;
    bool pulled;
    uint64_t left;
};

enum status run_evaluate_amount(struct run *run, const struct cypher_expr *expr, uint64_t *amount) {
    struct value value;
    enum status status = cypher_evaluate(&run->evaluation, expr, &value);
    if (status != STATUS_OK) return status;
    if (value.type != VALUE_INTEGER)
        return cypher_fault_set(run->evaluation.fault, CYPHER_FAULT_INVALID_ARGUMENT_TYPE, expr->place,
                                "SKIP and LIMIT take an Integer but was %s",
                                value_type_name((enum value_type)value.type));
    if (value.integer < 0)
        return cypher_fault_set(run->evaluation.fault, CYPHER_FAULT_NEGATIVE_INTEGER, expr->place,
                                "SKIP and LIMIT take no negative number");
    *amount = (uint64_t)value.integer;
    return STATUS_OK;
}

static enum status count_begin(struct run *run, struct stage *stage, struct count_state *state) {
    if (state->known) return STATUS_OK;
    enum status status = run_evaluate_amount(run, stage->plan->amount, &state->left);
    state->known = status == STATUS_OK;
    return status;
}

static enum pull skip_pull(struct run *run, struct stage *stage) {
    struct count_state *state = stage->state;
    enum status status = count_begin(run, stage, state);
    if (status != STATUS_OK) return run_fail(run, status);
    do {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull != PULL_ROW || state->left == 0) return pull;
        state->left--;
    } while (run_work(run));
    return PULL_MORE;
}

/* Pulls at least once, so that changes below happen even if nobody wants a row. */
static enum pull limit_pull(struct run *run, struct stage *stage) {
    struct count_state *state = stage->state;
    enum status status = count_begin(run, stage, state);
    if (status != STATUS_OK) return run_fail(run, status);
    if (state->left == 0 && state->pulled) return PULL_END;
    enum pull pull = operator_pull(run, stage->children[0]);
    if (pull != PULL_ROW) return pull;
    state->pulled = true;
    if (state->left == 0) return PULL_END;
    state->left--;
    return PULL_ROW;
}

static void count_restart(struct run *run, struct stage *stage) {
    (void)run;
    *(struct count_state *)stage->state = (struct count_state){0};
}

const struct operator_class skip_class = {
    .state_bytes = sizeof(struct count_state), .pull = skip_pull, .restart = count_restart};
const struct operator_class limit_class = {
    .state_bytes = sizeof(struct count_state), .pull = limit_pull, .restart = count_restart};

/* --- Unwind --- */

struct unwind_state {
    bool active;
    struct value list; /* passing */
    size_t next;
};

/* A list gives its items, null none, anything else itself. */
static enum status unwind_begin(struct run *run, struct stage *stage, struct unwind_state *state) {
    struct value value;
    enum status status = cypher_evaluate(&run->evaluation, stage->plan->unwind.list, &value);
    if (status != STATUS_OK) return status;
    if (value.type != VALUE_LIST && value.type != VALUE_NULL) {
        struct value *item = value_alloc(run->evaluation.arena, sizeof *item);
        if (!item) return STATUS_NO_MEMORY;
        *item = value;
        status = value_list(item, 1, &value);
        if (status != STATUS_OK) return status;
    }
    *state = (struct unwind_state){.active = true, .list = value};
    return STATUS_OK;
}

static bool unwind_next(struct run *run, uint32_t slot, struct unwind_state *state) {
    state->active = state->active && state->list.type == VALUE_LIST && state->next < state->list.list.count;
    if (state->active) run->row[slot] = state->list.list.items[state->next++];
    return state->active;
}

static enum pull unwind_pull(struct run *run, struct stage *stage) {
    struct unwind_state *state = stage->state;
    uint32_t slot = stage->plan->unwind.slot;
    if (unwind_next(run, slot, state)) return PULL_ROW;
    do {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull != PULL_ROW) return pull;
        enum status status = unwind_begin(run, stage, state);
        if (status != STATUS_OK) return run_fail(run, status);
        if (unwind_next(run, slot, state)) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

static void unwind_restart(struct run *run, struct stage *stage) {
    (void)run;
    *(struct unwind_state *)stage->state = (struct unwind_state){0};
}

static enum status unwind_keep(struct run *run, struct stage *stage, struct value_arena *arena) {
    (void)run;
    struct unwind_state *state = stage->state;
    if (!state->active) state->list = value_null();
    return value_copy(arena, state->list, &state->list);
}

const struct operator_class unwind_class = {
    .state_bytes = sizeof(struct unwind_state), .pull = unwind_pull, .restart = unwind_restart, .keep = unwind_keep};
