/*
 * operator_apply: operators that run one side for each row of another: Apply, Cartesian Product, Optional, Semi Apply,
 * Anti Semi Apply, Roll Up; and Union, which runs one side after the other.
 *
 * The right side starts from the row in the slots; to run it again is to restart it.
 */
#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/run.h"

struct apply_state {
    bool active; /* a row of the left side is there, the right side is under way */
};

static void apply_restart(struct run *run, struct stage *stage) {
    (void)run;
    ((struct apply_state *)stage->state)->active = false;
}

/* A row of the left side, and the right side at its beginning. PULL_ROW: go on with the right side. */
static enum pull apply_left(struct run *run, struct stage *stage, struct apply_state *state) {
    if (state->active) return PULL_ROW;
    enum pull pull = operator_pull(run, stage->children[0]);
    if (pull != PULL_ROW) return pull;
    operator_restart(run, stage->children[1]);
    state->active = true;
    return PULL_ROW;
}

static enum pull apply_pull(struct run *run, struct stage *stage) {
    struct apply_state *state = stage->state;
    do {
        enum pull pull = apply_left(run, stage, state);
        if (pull != PULL_ROW) return pull;
        pull = operator_pull(run, stage->children[1]);
        if (pull != PULL_END) return pull;
        state->active = false;
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class apply_class = {
    .state_bytes = sizeof(struct apply_state), .pull = apply_pull, .restart = apply_restart};

/* --- Cartesian Product --- */

struct product_state {
    uint32_t at; /* the child that gives the next value; those before it have theirs */
};

static void product_restart(struct run *run, struct stage *stage) {
    (void)run;
    ((struct product_state *)stage->state)->at = 0;
}

static enum pull product_pull(struct run *run, struct stage *stage) {
    struct product_state *state = stage->state;
    do {
        enum pull pull = operator_pull(run, stage->children[state->at]);
        if (pull == PULL_MORE || pull == PULL_FAIL) return pull;
        if (pull == PULL_END && state->at == 0) return PULL_END;
        if (pull == PULL_END) {
            state->at--;
        } else if (state->at + 1 == stage->child_count) {
            return PULL_ROW;
        } else {
            operator_restart(run, stage->children[++state->at]);
        }
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class product_class = {
    .state_bytes = sizeof(struct product_state), .pull = product_pull, .restart = product_restart};

/* --- Optional --- */

struct optional_state {
    bool any, done;
};

static void optional_restart(struct run *run, struct stage *stage) {
    (void)run;
    *(struct optional_state *)stage->state = (struct optional_state){0};
}

static enum pull optional_pull(struct run *run, struct stage *stage) {
    struct optional_state *state = stage->state;
    if (state->done) return PULL_END;
    enum pull pull = operator_pull(run, stage->children[0]);
    if (pull == PULL_ROW) state->any = true;
    if (pull != PULL_END) return pull;
    state->done = true;
    if (state->any) return PULL_END;
    const struct plan_slots *nulls = &stage->plan->nulls;
    for (uint32_t i = 0; i < nulls->count; i++) run->row[nulls->items[i]] = value_null();
    return PULL_ROW;
}

const struct operator_class optional_class = {
    .state_bytes = sizeof(struct optional_state), .pull = optional_pull, .restart = optional_restart};

/* --- Semi Apply and Anti Semi Apply --- */

static enum pull semi_apply_pull(struct run *run, struct stage *stage) {
    struct apply_state *state = stage->state;
    enum pull wanted = stage->plan->kind == PLAN_SEMI_APPLY ? PULL_ROW : PULL_END;
    do {
        enum pull pull = apply_left(run, stage, state);
        if (pull != PULL_ROW) return pull;
        pull = operator_pull(run, stage->children[1]);
        if (pull == PULL_MORE || pull == PULL_FAIL) return pull;
        state->active = false;
        if (pull == wanted) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class semi_apply_class = {
    .state_bytes = sizeof(struct apply_state), .pull = semi_apply_pull, .restart = apply_restart};

/* --- Roll Up --- */

/* The list grows in a memory of its own, in pieces, and is copied out when it is whole. */
struct roll_up_piece {
    struct roll_up_piece *next;
    size_t count;
    struct value items[62];
};

struct roll_up_state {
    struct apply_state apply; /* first: apply_left knows it */
    struct value_arena arena;
    struct roll_up_piece *first, *last;
    size_t count;
};

static enum status roll_up_start(struct run *run, struct stage *stage) {
    value_arena_init(&((struct roll_up_state *)stage->state)->arena, run->budget);
    return STATUS_OK;
}

static void roll_up_clear(struct roll_up_state *state) {
    value_arena_reset(&state->arena);
    state->first = state->last = NULL;
    state->count = 0;
}

static void roll_up_restart(struct run *run, struct stage *stage) {
    (void)run;
    struct roll_up_state *state = stage->state;
    state->apply.active = false;
    roll_up_clear(state);
}

static void roll_up_stop(struct run *run, struct stage *stage) {
    (void)run;
    struct roll_up_state *state = stage->state;
    if (state->arena.arena.block_bytes) value_arena_deinit(&state->arena);
}

static enum status roll_up_add(struct roll_up_state *state, struct value item) {
    if (!state->last || state->last->count == sizeof state->last->items / sizeof *state->last->items) {
        struct roll_up_piece *piece = value_alloc(&state->arena, sizeof *piece);
        if (!piece) return STATUS_NO_MEMORY;
        piece->next = NULL;
        piece->count = 0;
        if (state->last)
            state->last->next = piece;
        else
            state->first = piece;
        state->last = piece;
    }
    enum status status = value_copy(&state->arena, item, &state->last->items[state->last->count]);
    if (status != STATUS_OK) return status;
    state->last->count++;
    state->count++;
    return STATUS_OK;
}

static enum status roll_up_list(struct run *run, struct roll_up_state *state, struct value *list) {
    enum status status;
    struct value *items = evaluation_alloc(&run->evaluation, state->count, sizeof *items, &status);
    size_t count = 0;
    for (const struct roll_up_piece *piece = state->first; piece && status == STATUS_OK; piece = piece->next)
        for (size_t i = 0; i < piece->count && status == STATUS_OK; i++)
            status = value_copy(run->evaluation.arena, piece->items[i], &items[count++]);
    return status == STATUS_OK ? evaluation_list(&run->evaluation, items, count, list) : status;
}

/* The right side is at its end, or has shown its first row where no more is asked. */
static enum pull roll_up_finish(struct run *run, struct stage *stage, bool any) {
    struct roll_up_state *state = stage->state;
    struct value value = value_boolean(any);
    state->apply.active = false;
    if (stage->plan->roll_up.item_slot != CYPHER_NO_SLOT) {
        enum status status = roll_up_list(run, state, &value);
        if (status != STATUS_OK) return run_fail(run, status);
    }
    roll_up_clear(state);
    run->row[stage->plan->roll_up.slot] = value;
    return PULL_ROW;
}

static enum pull roll_up_pull(struct run *run, struct stage *stage) {
    struct roll_up_state *state = stage->state;
    uint32_t item_slot = stage->plan->roll_up.item_slot;
    enum pull pull = apply_left(run, stage, &state->apply);
    if (pull != PULL_ROW) return pull;
    do {
        pull = operator_pull(run, stage->children[1]);
        if (pull == PULL_MORE || pull == PULL_FAIL) return pull;
        if (pull == PULL_END || item_slot == CYPHER_NO_SLOT) return roll_up_finish(run, stage, pull == PULL_ROW);
        enum status status = roll_up_add(state, run->row[item_slot]);
        if (status != STATUS_OK) return run_fail(run, status);
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class roll_up_class = {.state_bytes = sizeof(struct roll_up_state),
                                             .start = roll_up_start,
                                             .pull = roll_up_pull,
                                             .restart = roll_up_restart,
                                             .stop = roll_up_stop};

/* --- Union --- */

struct union_state {
    uint32_t at;
};

static void union_restart(struct run *run, struct stage *stage) {
    (void)run;
    ((struct union_state *)stage->state)->at = 0;
}

static enum pull union_pull(struct run *run, struct stage *stage) {
    struct union_state *state = stage->state;
    while (state->at < stage->child_count) {
        enum pull pull = operator_pull(run, stage->children[state->at]);
        if (pull != PULL_END) return pull;
        state->at++;
    }
    return PULL_END;
}

const struct operator_class union_class = {
    .state_bytes = sizeof(struct union_state), .pull = union_pull, .restart = union_restart};
