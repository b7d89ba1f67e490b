/*
 * operator_aggregate: groups of rows with the same keys, one row for each, in the order in which they were first met.
 * Without keys there is exactly one group, also of no rows.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/cypher/aggregate.h"
#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/run.h"

/* One aggregation of one group. */
struct group_item {
    struct aggregate aggregate;
    struct row_table *seen; /* DISTINCT: the arguments so far; else NULL */
};

struct aggregate_state {
    struct row_table groups;
    struct value_arena arena;  /* items of groups and what they keep */
    struct group_item **items; /* by number of the group: an array of the plan's count */
    size_t capacity;
    struct value *key;
    bool whole;  /* all rows are in */
    size_t next; /* group to pass on */
};

static enum status aggregate_start(struct run *run, struct stage *stage) {
    struct aggregate_state *state = stage->state;
    row_table_init(&state->groups, stage->plan->aggregate.keys.count, run->budget, run->hash_seed);
    value_arena_init(&state->arena, run->budget);
    state->key = value_alloc_array(&run->frame, stage->plan->aggregate.keys.count, sizeof *state->key);
    return state->key ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The tables of DISTINCT have memory of their own. */
static void groups_free(struct stage *stage) {
    struct aggregate_state *state = stage->state;
    for (size_t i = 0; i < state->groups.count && i < state->capacity; i++)
        for (uint32_t j = 0; state->items[i] && j < stage->plan->aggregate.count; j++)
            if (state->items[i][j].seen) row_table_deinit(state->items[i][j].seen);
}

static void aggregate_restart(struct run *run, struct stage *stage) {
    (void)run;
    struct aggregate_state *state = stage->state;
    groups_free(stage);
    row_table_reset(&state->groups);
    value_arena_reset(&state->arena);
    state->whole = false;
    state->next = 0;
}

static void aggregate_stop(struct run *run, struct stage *stage) {
    struct aggregate_state *state = stage->state;
    groups_free(stage);
    row_table_deinit(&state->groups);
    if (state->arena.arena.block_bytes) value_arena_deinit(&state->arena);
    value_budget_release(run->budget, state->capacity * sizeof *state->items);
    free(state->items);
}

/* --- groups --- */

static enum status items_reserve(struct run *run, struct aggregate_state *state, size_t count) {
    if (count <= state->capacity) return STATUS_OK;
    size_t capacity = state->capacity ? 2 * state->capacity : 8;
    size_t more = (capacity - state->capacity) * sizeof *state->items;
    if (!value_budget_charge(run->budget, more)) return STATUS_NO_MEMORY;
    struct group_item **items = realloc(state->items, capacity * sizeof *items);
    if (!items) {
        value_budget_release(run->budget, more);
        return STATUS_NO_MEMORY;
    }
    for (size_t i = state->capacity; i < capacity; i++) items[i] = NULL;
    state->items = items;
    state->capacity = capacity;
    return STATUS_OK;
}

static enum status group_make(struct run *run, struct stage *stage, size_t number) {
    struct aggregate_state *state = stage->state;
    uint32_t count = stage->plan->aggregate.count;
    enum status status = items_reserve(run, state, number + 1);
    if (status != STATUS_OK) return status;
    state->items[number] = NULL;
    struct group_item *items = value_alloc_array(&state->arena, count, sizeof *items);
    if (!items) return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        const struct plan_aggregate *plan = &stage->plan->aggregate.items[i];
        aggregate_init(&items[i].aggregate, plan->function);
        items[i].seen = NULL;
    }
    state->items[number] = items;
    for (uint32_t i = 0; i < count; i++) {
        if (!stage->plan->aggregate.items[i].distinct) continue;
        struct row_table *seen = value_alloc(&state->arena, sizeof *seen);
        if (!seen) return STATUS_NO_MEMORY;
        row_table_init(seen, stage->plan->aggregate.items[i].arguments.count, run->budget, run->hash_seed);
        items[i].seen = seen;
    }
    return STATUS_OK;
}

/* The group of the row in the slots. */
static enum status group_find(struct run *run, struct stage *stage, struct group_item **items) {
    struct aggregate_state *state = stage->state;
    const struct plan_columns *keys = &stage->plan->aggregate.keys;
    for (uint32_t i = 0; i < keys->count; i++) {
        enum status status = cypher_evaluate(&run->evaluation, keys->items[i].expr, &state->key[i]);
        if (status != STATUS_OK) return status;
    }
    size_t number;
    bool added;
    enum status status = row_table_add(&state->groups, state->key, &number, &added);
    if (status == STATUS_OK && added) status = group_make(run, stage, number);
    if (status == STATUS_OK) *items = state->items[number];
    return status;
}

/* --- rows in --- */

static enum status item_add(struct run *run, struct aggregate_state *state, const struct plan_aggregate *plan,
                            struct group_item *item) {
    enum { ARGUMENTS_MAX = 2 };
    struct value arguments[ARGUMENTS_MAX] = {{0}};
    check(plan->arguments.count <= ARGUMENTS_MAX);
    for (uint32_t i = 0; i < plan->arguments.count; i++) {
        enum status status = cypher_evaluate(&run->evaluation, plan->arguments.items[i], &arguments[i]);
        if (status != STATUS_OK) return status;
    }
    if (!plan->is_star && plan->arguments.count > 0 && value_is_null(arguments[0])) return STATUS_OK;
    if (item->seen) {
        size_t number;
        bool added;
        enum status status = row_table_add(item->seen, arguments, &number, &added);
        if (status != STATUS_OK || !added) return status;
    }
    struct cypher_place place = plan->arguments.count > 0 ? plan->arguments.items[0]->place : (struct cypher_place){0};
    return aggregate_add(&item->aggregate, &run->evaluation, &state->arena, place, arguments);
}

static enum status row_in(struct run *run, struct stage *stage) {
    struct group_item *items;
    enum status status = group_find(run, stage, &items);
    for (uint32_t i = 0; i < stage->plan->aggregate.count && status == STATUS_OK; i++)
        status = item_add(run, stage->state, &stage->plan->aggregate.items[i], &items[i]);
    return status;
}

/* --- groups out --- */

static enum status group_out(struct run *run, struct stage *stage, size_t number) {
    struct aggregate_state *state = stage->state;
    const struct plan_columns *keys = &stage->plan->aggregate.keys;
    const struct value *tuple = row_table_get(&state->groups, number);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < keys->count && status == STATUS_OK; i++)
        status = value_copy(run->evaluation.arena, tuple[i], &run->row[keys->items[i].slot]);
    for (uint32_t i = 0; i < stage->plan->aggregate.count && status == STATUS_OK; i++)
        status = aggregate_finish(&state->items[number][i].aggregate, &run->evaluation,
                                  &run->row[stage->plan->aggregate.items[i].slot]);
    return status;
}

static enum pull groups_finish(struct run *run, struct stage *stage) {
    struct aggregate_state *state = stage->state;
    state->whole = true;
    if (stage->plan->aggregate.keys.count > 0 || state->groups.count > 0) return PULL_ROW;
    size_t number;
    bool added;
    enum status status = row_table_add(&state->groups, state->key, &number, &added);
    if (status == STATUS_OK) status = group_make(run, stage, number);
    return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
}

static enum pull aggregate_pull(struct run *run, struct stage *stage) {
    struct aggregate_state *state = stage->state;
    while (!state->whole) {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull == PULL_END) pull = groups_finish(run, stage);
        if (pull != PULL_ROW) return pull;
        if (state->whole) break;
        enum status status = row_in(run, stage);
        if (status != STATUS_OK) return run_fail(run, status);
        if (!run_work(run)) return PULL_MORE;
    }
    if (state->next == state->groups.count) return PULL_END;
    enum status status = group_out(run, stage, state->next++);
    return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
}

const struct operator_class aggregate_class = {.state_bytes = sizeof(struct aggregate_state),
                                               .start = aggregate_start,
                                               .pull = aggregate_pull,
                                               .restart = aggregate_restart,
                                               .stop = aggregate_stop};
