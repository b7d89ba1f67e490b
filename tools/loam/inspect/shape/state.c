/* state: see state.h. */
#include "tools/loam/inspect/shape/state.h"

#include <stdlib.h>

#include "engine/values/value_format.h"
#include "tools/loam/inspect/shape/overlap.h"

void state_sums_add(struct state_sums *sums, const struct edit_file *file) {
    if (sums->files == 0 || file->oldest_ms < sums->oldest_ms) sums->oldest_ms = file->oldest_ms;
    sums->files++;
    sums->bytes += file->bytes;
    sums->entries += file->entries;
    sums->deletes += file->deletes;
    sums->operands += file->operands;
    sums->range_deletes += file->range_deletes;
    sums->hidden += file->hidden;
}

uint32_t state_tombstone_thousandths(const struct state_sums *sums) {
    const double all = (double)sums->entries + (double)sums->range_deletes;
    const double deletes = (double)sums->deletes + (double)sums->range_deletes;
    const double part = all > 0 ? deletes * 1000 / all : 0;
    return part > 1000 ? 1000 : (uint32_t)part; /* counts are not under a check of their own */
}

/* ---- Which files ------------------------------------------------------------------------------------------------- */

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_files(const struct edit_file *a, const struct edit_file *b) {
    if (a->instance != b->instance) return compare_numbers(a->instance, b->instance);
    if (a->level != b->level) return compare_numbers(a->level, b->level);
    const int order =
        a->level == 0 ? compare_numbers(b->last_sequence, a->last_sequence) : slice_compare(a->first, b->first);
    return order ? order : compare_numbers(b->number, a->number);
}

static int compare_rows(const void *left, const void *right, void *context) {
    const struct shape_history *history = context;
    const struct state_row *a = left, *b = right;
    return compare_files(&history->files[a->file].meta, &history->files[b->file].meta);
}

/* Files stand in the order of their birth: those behind the edit are not looked at. */
static enum status gather(struct state *state) {
    const struct shape_history *history = state->history;
    const struct shape_history_edit *edit = &history->edits[state->at];
    const size_t until = (size_t)edit->added_at + edit->added;
    for (size_t i = 0; i < until; i++) state->count += shape_history_file_is_there(&history->files[i], state->at);
    state->examined = until;
    state->rows = calloc(state->count + 1, sizeof *state->rows);
    if (!state->rows) return STATUS_NO_MEMORY;
    size_t row = 0;
    for (size_t i = 0; i < until; i++)
        if (shape_history_file_is_there(&history->files[i], state->at)) state->rows[row++].file = (uint32_t)i;
    if (state->count > 1)
        qsort_r(state->rows, state->count, sizeof *state->rows, compare_rows, (void *)(uintptr_t)history);
    return STATUS_OK;
}

static enum status gather_trees(struct state *state) {
    const struct shape_history *history = state->history;
    state->trees = calloc(history->tree_count + 1, sizeof *state->trees);
    if (!state->trees) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < history->tree_count; i++) {
        const struct shape_history_tree *tree = &history->trees[i];
        if (tree->born <= state->at && state->at < tree->gone)
            state->trees[state->tree_count++].instance = tree->tree.instance;
    }
    return STATUS_OK;
}

/* Rows and trees are both by instance. */
static void sum(struct state *state) {
    size_t tree = 0;
    for (size_t i = 0; i < state->count; i++) {
        const struct edit_file *file = &state_file(state, i)->meta;
        while (tree < state->tree_count && state->trees[tree].instance < file->instance) tree++;
        state_sums_add(&state->all, file);
        state_sums_add(&state->levels[file->level], file);
        if (tree == state->tree_count || state->trees[tree].instance != file->instance) continue;
        state_sums_add(&state->trees[tree].sums, file);
        state_sums_add(&state->trees[tree].levels[file->level], file);
    }
}

/* ---- Overlaps ---------------------------------------------------------------------------------------------------- */

/* Rows from `from` on of one tree and level; the next one's begin there. */
static size_t end_of_level(const struct state *state, size_t from) {
    const struct edit_file *first = &state_file(state, from)->meta;
    size_t at = from;
    for (; at < state->count; at++) {
        const struct edit_file *file = &state_file(state, at)->meta;
        if (file->instance != first->instance || file->level != first->level) break;
    }
    return at;
}

static enum status lay_over(struct state *state, size_t from, size_t to, size_t below_to) {
    struct overlap_index own = {.count = 0}, below = {.count = 0};
    const bool has_below =
        to < below_to && state_file(state, to)->meta.instance == state_file(state, from)->meta.instance;
    enum status status = overlap_index_make(&own, state, from, to);
    if (status == STATUS_OK && has_below) status = overlap_index_make(&below, state, to, below_to);
    for (size_t i = from; i < to && status == STATUS_OK; i++) {
        const struct edit_file *file = &state_file(state, i)->meta;
        struct state_row *row = &state->rows[i];
        row->below_level = has_below ? state_file(state, to)->meta.level : ENGINE_LEVELS;
        row->beside = overlap_find(&own, file);
        if (row->beside.files > 0) { /* itself; a span that ends before it begins overlaps nothing */
            row->beside.files--;
            row->beside.bytes -= file->bytes;
        }
        if (has_below) row->below = overlap_find(&below, file);
    }
    overlap_index_deinit(&own);
    overlap_index_deinit(&below);
    return status;
}

static enum status lay_all(struct state *state) {
    enum status status = STATUS_OK;
    for (size_t from = 0; from < state->count && status == STATUS_OK;) {
        const size_t to = end_of_level(state, from);
        status = lay_over(state, from, to, to < state->count ? end_of_level(state, to) : to);
        from = to;
    }
    return status;
}

/* ---- The rest ---------------------------------------------------------------------------------------------------- */

static int compare_used(const void *left, const void *right) {
    const struct value_count *a = left, *b = right;
    return compare_numbers(a->number, b->number);
}

/* What the files refer to, an item for each reference; *used is the caller's to free. */
static enum status list_used(const struct state *state, struct value_count **used, size_t *count) {
    struct value_count next;
    size_t capacity = 0;
    for (size_t i = 0; i < state->count; i++) {
        struct decoder values = decoder_make(state_file(state, i)->meta.values);
        while (value_count_next(&values, &next) == STATUS_OK) {
            if (*count == capacity) {
                capacity = capacity ? capacity * 2 : 64;
                struct value_count *grown = realloc(*used, capacity * sizeof *grown);
                if (!grown) return STATUS_NO_MEMORY;
                *used = grown;
            }
            (*used)[(*count)++] = next;
        }
    }
    if (*count > 1) qsort(*used, *count, sizeof **used, compare_used);
    return STATUS_OK;
}

static enum status sum_values(struct state *state) {
    struct value_count *used = NULL;
    size_t count = 0;
    const enum status status = list_used(state, &used, &count);
    for (size_t i = 0; i < count; i++) {
        state->used_value_records += used[i].records;
        state->used_value_bytes += used[i].bytes;
    }
    for (size_t i = 0; i < state->history->value_file_count && count > 0; i++) {
        const struct edit_value_file *file = &state->history->value_files[i].meta;
        const struct value_count key = {.number = file->number};
        if (!bsearch(&key, used, count, sizeof *used, compare_used)) continue;
        state->value_files++;
        state->value_bytes += file->bytes;
        state->value_records += file->records;
    }
    free(used);
    return status;
}

static void find_mark(struct state *state) {
    bool has_mark = false;
    state->format_level = 1;
    for (uint32_t at = state->at + 1; at-- > 0 && !has_mark;) {
        const struct shape_history_edit *edit = &state->history->edits[at];
        has_mark = edit->has_mark;
        if (has_mark) state->mark = edit->mark;
        if (has_mark) state->last_sequence = edit->last_sequence;
    }
    for (uint32_t at = state->at + 1; at-- > 0;) {
        if (!state->history->edits[at].format_level) continue;
        state->format_level = state->history->edits[at].format_level;
        return;
    }
}

enum status state_make(struct state *state, const struct shape_history *history, uint32_t at) {
    *state = (struct state){.history = history, .at = at};
    enum status status = gather(state);
    if (status == STATUS_OK) status = gather_trees(state);
    if (status != STATUS_OK) return status;
    sum(state);
    find_mark(state);
    status = lay_all(state);
    return status == STATUS_OK ? sum_values(state) : status;
}

void state_deinit(struct state *state) {
    free(state->rows);
    free(state->trees);
    *state = (struct state){.rows = NULL};
}
