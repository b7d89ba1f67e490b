/*
 * operator_sort: rows in the order of expressions, stable.
 *
 * All rows are kept with their keys; where SKIP and LIMIT say that only the first n are wanted, a heap keeps no more
 * than these. Sorting is a bottom-up merge that stops and goes on, so that a step stays short however many rows there
 * are.
 */
#include <stdlib.h>

#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/row_buffer.h"
#include "graph/cypher/run.h"

enum sort_phase { SORT_COLLECT, SORT_MERGE, SORT_EMIT };

/* A merge of rows[at, middle) and rows[middle, end) into spare, under way. */
struct merge {
    size_t run; /* length of the sorted runs */
    size_t at, middle, end;
    size_t left, right, out;
};

struct sort_state {
    struct row_buffer rows; /* extra: the keys, then the number of the row as it came */
    struct value *extra;    /* room for these */
    enum sort_phase phase;
    uint64_t wanted; /* UINT64_MAX: all */
    bool wanted_known;
    uint64_t arrived;
    size_t live_bytes; /* of the arena when it was last made anew */
    struct value **spare;
    struct merge merge;
    size_t next;
};

static uint32_t key_count(const struct stage *stage) {
    return stage->plan->sort.count;
}

static enum status sort_start(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    row_buffer_init(&state->rows, &stage->carried, key_count(stage) + 1, run->budget);
    state->extra = value_alloc_array(&run->frame, (size_t)key_count(stage) + 1, sizeof *state->extra);
    return state->extra ? STATUS_OK : STATUS_NO_MEMORY;
}

static void spare_free(struct run *run, struct sort_state *state) {
    if (state->spare) value_budget_release(run->budget, state->rows.count * sizeof *state->spare);
    free(state->spare);
    state->spare = NULL;
}

static void sort_restart(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    spare_free(run, state);
    row_buffer_reset(&state->rows);
    state->phase = SORT_COLLECT;
    state->arrived = state->next = state->live_bytes = 0;
}

static void sort_stop(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    spare_free(run, state);
    row_buffer_deinit(&state->rows);
}

/* --- order --- */

/* By the keys, then as they came: no two rows are equal. */
static int extras_order(const struct stage *stage, const struct value *a, const struct value *b) {
    for (uint32_t i = 0; i < key_count(stage); i++) {
        int order = value_order(a[i], b[i]);
        if (order != 0) return stage->plan->sort.items[i].descending ? -order : order;
    }
    return value_order(a[key_count(stage)], b[key_count(stage)]);
}

static int rows_order(const struct stage *stage, const struct value *a, const struct value *b) {
    return extras_order(stage, a + stage->carried.count, b + stage->carried.count);
}

/* --- the first n --- */

/* rows[0] is the last of those kept. */
static void heap_sink(const struct stage *stage, struct value **rows, size_t count, size_t at) {
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && rows_order(stage, rows[child + 1], rows[child]) > 0) child++;
        if (rows_order(stage, rows[child], rows[at]) <= 0) return;
        struct value *row = rows[at];
        rows[at] = rows[child];
        rows[child] = row;
        at = child;
    }
}

static void heap_rise(const struct stage *stage, struct value **rows, size_t at) {
    while (at > 0 && rows_order(stage, rows[at], rows[(at - 1) / 2]) > 0) {
        struct value *row = rows[at];
        rows[at] = rows[(at - 1) / 2];
        rows[(at - 1) / 2] = row;
        at = (at - 1) / 2;
    }
}

/* Rows that were pushed out leave their memory behind: copy the rest when more than half is waste. */
static enum status heap_renew(struct run *run, struct sort_state *state) {
    enum { WASTE_MIN_BYTES = 64 << 10 };
    if (state->rows.arena.arena.used_bytes < 2 * state->live_bytes + WASTE_MIN_BYTES) return STATUS_OK;
    struct value_arena fresh;
    value_arena_init(&fresh, run->budget);
    size_t width = (size_t)state->rows.slots->count + state->rows.extra;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < state->rows.count && status == STATUS_OK; i++) {
        struct value *row = value_alloc_array(&fresh, width, sizeof *row);
        if (!row) status = STATUS_NO_MEMORY;
        for (size_t j = 0; j < width && status == STATUS_OK; j++)
            status = value_copy(&fresh, state->rows.rows[i][j], &row[j]);
        if (status == STATUS_OK) state->rows.rows[i] = row;
    }
    value_arena_deinit(&state->rows.arena);
    state->rows.arena = fresh;
    state->live_bytes = fresh.arena.used_bytes;
    return status;
}

static enum status heap_add(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    struct row_buffer *rows = &state->rows;
    bool full = rows->count == state->wanted;
    if (full && (rows->count == 0 || extras_order(stage, state->extra, rows->rows[0] + stage->carried.count) > 0))
        return STATUS_OK;
    enum status status = row_buffer_add(rows, run->row, state->extra);
    if (status != STATUS_OK) return status;
    if (!full) {
        heap_rise(stage, rows->rows, rows->count - 1);
        return STATUS_OK;
    }
    rows->rows[0] = rows->rows[--rows->count];
    heap_sink(stage, rows->rows, rows->count, 0);
    return heap_renew(run, state);
}

/* --- rows in --- */

static enum status wanted_find(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    state->wanted = UINT64_MAX;
    state->wanted_known = true;
    if (!stage->plan->sort.limit) return STATUS_OK;
    uint64_t skip = 0, limit;
    enum status status = run_evaluate_amount(run, stage->plan->sort.limit, &limit);
    if (status == STATUS_OK && stage->plan->sort.skip) status = run_evaluate_amount(run, stage->plan->sort.skip, &skip);
    if (status == STATUS_OK && !__builtin_add_overflow(skip, limit, &skip)) state->wanted = skip;
    return status;
}

static enum status sort_add(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    enum status status = state->wanted_known ? STATUS_OK : wanted_find(run, stage);
    for (uint32_t i = 0; i < key_count(stage) && status == STATUS_OK; i++)
        status = cypher_evaluate(&run->evaluation, stage->plan->sort.items[i].expr, &state->extra[i]);
    if (status != STATUS_OK) return status;
    state->extra[key_count(stage)] = value_integer((int64_t)state->arrived++);
    if (state->wanted != UINT64_MAX) return heap_add(run, stage);
    return row_buffer_add(&state->rows, run->row, state->extra);
}

static enum pull sort_collect(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    do {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull == PULL_END) {
            state->phase = SORT_MERGE;
            state->merge = (struct merge){.run = 1};
            return PULL_ROW;
        }
        if (pull != PULL_ROW) return pull;
        enum status status = sort_add(run, stage);
        if (status != STATUS_OK) return run_fail(run, status);
    } while (run_work(run));
    return PULL_MORE;
}

/* --- merging --- */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static void merge_begin(struct merge *merge, size_t count) {
    merge->left = merge->out = merge->at;
    merge->middle = merge->right = least(merge->at + merge->run, count);
    merge->end = least(merge->middle + merge->run, count);
}

/* One row into its place; false when this pair of runs is done. */
static bool merge_step(const struct stage *stage, struct sort_state *state) {
    struct merge *merge = &state->merge;
    struct value **rows = state->rows.rows;
    if (merge->out == merge->end) return false;
    bool take_left = merge->right == merge->end ||
                     (merge->left < merge->middle && rows_order(stage, rows[merge->left], rows[merge->right]) <= 0);
    state->spare[merge->out++] = take_left ? rows[merge->left++] : rows[merge->right++];
    return true;
}

static enum status spare_make(struct run *run, struct sort_state *state) {
    size_t bytes = state->rows.count * sizeof *state->spare;
    if (!value_budget_charge(run->budget, bytes)) return STATUS_NO_MEMORY;
    state->spare = malloc(bytes);
    if (state->spare) return STATUS_OK;
    value_budget_release(run->budget, bytes);
    return STATUS_NO_MEMORY;
}

/* The next pair of runs, or the next length of runs: what was merged becomes the rows, the old rows the spare. */
static void merge_next(struct sort_state *state) {
    struct merge *merge = &state->merge;
    merge->at = merge->end;
    if (merge->at == state->rows.count) {
        memcpy(state->rows.rows, state->spare, state->rows.count * sizeof *state->spare);
        merge->at = 0;
        merge->run *= 2;
    }
    merge_begin(merge, state->rows.count);
}

static enum pull sort_merge(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    size_t count = state->rows.count;
    if (!state->spare && count > 1) {
        enum status status = spare_make(run, state);
        if (status != STATUS_OK) return run_fail(run, status);
        merge_begin(&state->merge, count);
    }
    while (count > 1 && state->merge.run < count) {
        if (merge_step(stage, state)) {
            if (!run_work(run)) return PULL_MORE;
        } else {
            merge_next(state);
        }
    }
    spare_free(run, state);
    state->phase = SORT_EMIT;
    return PULL_ROW;
}

/* --- rows out --- */

static enum pull sort_pull(struct run *run, struct stage *stage) {
    struct sort_state *state = stage->state;
    enum pull pull = PULL_ROW;
    if (state->phase == SORT_COLLECT) pull = sort_collect(run, stage);
    if (pull == PULL_ROW && state->phase == SORT_MERGE) pull = sort_merge(run, stage);
    if (pull != PULL_ROW) return pull;
    if (state->next == state->rows.count) return PULL_END;
    enum status status = row_buffer_get(&state->rows, state->next++, run->evaluation.arena, run->row);
    return status == STATUS_OK ? PULL_ROW : run_fail(run, status);
}

const struct operator_class sort_class = {.state_bytes = sizeof(struct sort_state),
                                          .start = sort_start,
                                          .pull = sort_pull,
                                          .restart = sort_restart,
                                          .stop = sort_stop};
