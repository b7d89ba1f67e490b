/*
 * operator_merge: for each row the matches of a pattern, or, if there are none, what is made after it.
 *
 * All rows of the child are taken first. Then they take turns: child 1 is run for a row, its matches are kept, and only
 * when it has ended are the changes made, so that ON MATCH SET cannot disturb the matching. A row sees what those
 * before it made.
 */
#include "graph/cypher/row_buffer.h"
#include "graph/cypher/write.h"

enum merge_phase { MERGE_COLLECT, MERGE_MATCH, MERGE_SET, MERGE_EMIT };

struct merge_state {
    struct row_buffer input, output;
    enum merge_phase phase;
    size_t row;       /* input that is being matched */
    bool matching;    /* child 1 is under way for it */
    size_t first_new; /* its matches in `output` */
    size_t next;
};

static enum status merge_start(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    row_buffer_init(&state->input, &stage->carried, 0, run->budget);
    row_buffer_init(&state->output, &stage->carried, 0, run->budget);
    return STATUS_OK;
}

static void merge_restart(struct run *run, struct stage *stage) {
    (void)run;
    struct merge_state *state = stage->state;
    row_buffer_reset(&state->input);
    row_buffer_reset(&state->output);
    state->phase = MERGE_COLLECT;
    state->row = state->next = 0;
    state->matching = false;
}

static void merge_stop(struct run *run, struct stage *stage) {
    (void)run;
    struct merge_state *state = stage->state;
    row_buffer_deinit(&state->input);
    row_buffer_deinit(&state->output);
}

static enum pull merge_collect(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    do {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull == PULL_END) {
            state->phase = MERGE_MATCH;
            return PULL_ROW;
        }
        if (pull != PULL_ROW) return pull;
        enum status status = row_buffer_add(&state->input, run->row, NULL);
        if (status != STATUS_OK) return run_fail(run, status);
    } while (run_work(run));
    return PULL_MORE;
}

/* Child 1 at its beginning, with the row's slots. */
static enum status match_begin(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    if (state->matching) return STATUS_OK;
    operator_restart(run, stage->children[1]);
    state->matching = true;
    state->first_new = state->output.count;
    return row_buffer_get(&state->input, state->row, run->evaluation.arena, run->row);
}

/* Nothing matched: the row is made as the pattern says. */
static enum status match_create(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    enum status status = row_buffer_get(&state->input, state->row, run->evaluation.arena, run->row);
    if (status == STATUS_OK) status = write_create(run, &stage->plan->merge.create, true);
    if (status == STATUS_OK) status = write_set(run, &stage->plan->merge.on_create, false);
    return status == STATUS_OK ? row_buffer_add(&state->output, run->row, NULL) : status;
}

static enum status match_end(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    state->matching = false;
    state->phase = MERGE_SET;
    state->next = state->first_new;
    if (state->output.count > state->first_new) return STATUS_OK;
    enum status status = match_create(run, stage);
    state->next = state->output.count;
    return status;
}

static enum pull merge_match(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    enum status status = match_begin(run, stage);
    while (status == STATUS_OK) {
        enum pull pull = operator_pull(run, stage->children[1]);
        if (pull == PULL_MORE || pull == PULL_FAIL) return pull;
        if (pull == PULL_END) {
            status = match_end(run, stage);
            break;
        }
        status = row_buffer_add(&state->output, run->row, NULL);
        if (status == STATUS_OK && !run_work(run)) return PULL_MORE;
    }
    return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
}

/* ON MATCH SET for each match of the row; then the next row. */
static enum pull merge_set(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    bool nothing = stage->plan->merge.on_match.count == 0;
    while (state->next < state->output.count && !nothing) {
        enum status status = row_buffer_get(&state->output, state->next, run->evaluation.arena, run->row);
        if (status == STATUS_OK) status = write_set(run, &stage->plan->merge.on_match, false);
        if (status != STATUS_OK) return run_fail(run, status);
        state->next++;
        if (!run_work(run)) return PULL_MORE;
    }
    state->row++;
    state->phase = MERGE_MATCH;
    return run_work(run) ? PULL_ROW : PULL_MORE;
}

static enum pull merge_change(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    while (state->phase != MERGE_EMIT) {
        enum pull pull = PULL_ROW;
        if (state->phase == MERGE_SET) {
            pull = merge_set(run, stage);
        } else if (state->row < state->input.count) {
            pull = merge_match(run, stage);
        } else {
            state->phase = MERGE_EMIT;
            state->next = 0;
        }
        if (pull != PULL_ROW) return pull;
    }
    return PULL_ROW;
}

static enum pull merge_pull(struct run *run, struct stage *stage) {
    struct merge_state *state = stage->state;
    enum pull pull = PULL_ROW;
    if (state->phase == MERGE_COLLECT) pull = merge_collect(run, stage);
    if (pull == PULL_ROW) pull = merge_change(run, stage);
    if (pull != PULL_ROW) return pull;
    if (state->next == state->output.count) return PULL_END;
    enum status status = row_buffer_get(&state->output, state->next++, run->evaluation.arena, run->row);
    return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
}

const struct operator_class merge_class = {.state_bytes = sizeof(struct merge_state),
                                           .start = merge_start,
                                           .pull = merge_pull,
                                           .restart = merge_restart,
                                           .stop = merge_stop};
