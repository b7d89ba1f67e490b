/* steps: see steps.h. Words are made when a step is told: what it borrows is gone afterwards. */
#include "tools/loam/explain/steps.h"

#include <stdlib.h>
#include <string.h>

#include "tools/loam/inspect/row_text.h"

/* ---- Words ------------------------------------------------------------------------------------------------------- */

/* Cuts what was appended from `begin` on to what is shown, and ends it. */
static void end_words(struct steps *steps, size_t begin) {
    if (steps->words.size > begin + STEP_WORDS_SHOWN) {
        steps->words.size = begin + STEP_WORDS_SHOWN;
        if (buf_append_format(&steps->words, " ..") != STATUS_OK) steps->status = STATUS_NO_MEMORY;
    }
    if (buf_append_byte(&steps->words, 0) != STATUS_OK) steps->status = STATUS_NO_MEMORY;
}

static size_t begin_words(struct steps *steps) {
    if (steps->words.size == 0 && buf_append_byte(&steps->words, 0) != STATUS_OK) steps->status = STATUS_NO_MEMORY;
    return steps->words.size;
}

static size_t add_key(struct steps *steps, struct slice key) {
    const size_t begin = begin_words(steps);
    const char *fault = NULL;
    if (key_text_append(&steps->words, steps->rows, key, &fault) != STATUS_OK) steps->status = STATUS_NO_MEMORY;
    end_words(steps, begin);
    return begin;
}

/* In the tree's own words, or in quotes where it is no key of the tree, as the end of a range may be. */
static void append_end(struct steps *steps, struct slice key) {
    const size_t before = steps->words.size;
    const char *fault = NULL;
    char quoted[FIELD_WORDS_BYTES];
    enum status status = key_text_append(&steps->words, steps->rows, key, &fault);
    if (status == STATUS_OK && fault) {
        steps->words.size = before;
        status = buf_append_format(&steps->words, "%s", fields_quote(quoted, key));
    }
    if (status != STATUS_OK) steps->status = status;
}

static size_t add_span(struct steps *steps, const struct engine_step *step) {
    const size_t begin = begin_words(steps);
    append_end(steps, step->first);
    if (buf_append_format(&steps->words, " to %s", step->has_last ? "" : "the end of the tree") != STATUS_OK)
        steps->status = STATUS_NO_MEMORY;
    if (step->has_last) append_end(steps, step->last);
    end_words(steps, begin);
    return begin;
}

static enum row_form form_of(enum engine_step_entry entry) {
    return entry == ENGINE_ENTRY_MERGE ? ROW_OPERAND : entry == ENGINE_ENTRY_APPEND ? ROW_APPENDED : ROW_VALUE;
}

static void skip_field(void *context, struct slice bytes, const char *name, const char *words) {
    struct buf *to = context;
    if (strcmp(name, "length") == 0 || to->size > STEP_WORDS_SHOWN) return;
    if (buf_append_format(to, "%s%s%s%s", to->size ? ", " : "", name, *words ? " " : "", words) != STATUS_OK)
        to->size = STEP_WORDS_SHOWN + 1;
    (void)bytes;
}

/* The value alone, by its tree's describer. */
static size_t add_value(struct steps *steps, struct slice key, struct slice value, enum row_form form) {
    const size_t begin = begin_words(steps);
    struct buf line = BUF_EMPTY;
    char quoted[FIELD_WORDS_BYTES];
    if (steps->rows) {
        struct fields fields = fields_make(value, skip_field, &line);
        steps->rows->value(&fields, key, form);
        (void)fields_end(&fields);
    }
    const enum status status = steps->rows ? buf_append_slice(&steps->words, buf_slice(&line))
                                           : buf_append_format(&steps->words, "%s", fields_quote(quoted, value));
    if (status != STATUS_OK) steps->status = status;
    buf_deinit(&line);
    end_words(steps, begin);
    return begin;
}

const char *steps_words(const struct steps *steps, size_t place) {
    return place && place < steps->words.size ? (const char *)steps->words.data + place : "";
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static bool has_room(struct steps *steps) {
    if (steps->count == STEPS_MAX || steps->words.size > STEPS_WORDS_MAX) {
        steps->left_out++;
        return false;
    }
    if (steps->count < steps->capacity) return true;
    const size_t more = steps->capacity ? steps->capacity * 2 : 64;
    struct told_step *grown = realloc(steps->items, more * sizeof *grown);
    if (!grown) {
        steps->status = STATUS_NO_MEMORY;
        return false;
    }
    steps->items = grown;
    steps->capacity = more;
    return true;
}

static void take(void *context, const struct engine_step *step) {
    struct steps *steps = context;
    if (!has_room(steps)) return;
    struct told_step told = {.step = *step, .value_bytes = step->value.size};
    const bool is_entry = step->kind == ENGINE_STEP_ENTRY, is_version = step->kind == ENGINE_STEP_VERSION;
    if (is_entry) told.key = add_key(steps, step->key);
    if (step->kind == ENGINE_STEP_FILE) told.key = add_span(steps, step);
    if ((is_entry || is_version) && !step->apart && step->entry != ENGINE_ENTRY_DELETE)
        told.value = add_value(steps, is_entry ? step->key : steps->wanted, step->value, form_of(step->entry));
    told.step.key = told.step.value = told.step.first = told.step.last = slice_make(NULL, 0);
    steps->items[steps->count++] = told;
}

void steps_add_row(struct steps *steps, struct slice key, struct slice value) {
    if (!has_room(steps)) return;
    struct told_step told = {.is_row = true, .value_bytes = value.size};
    told.key = add_key(steps, key);
    told.value = add_value(steps, key, value, ROW_VALUE);
    steps->items[steps->count++] = told;
}

void steps_init(struct steps *steps, const struct row_describer *rows) {
    *steps = (struct steps){.rows = rows, .watch = {.told = take, .context = steps}};
}

void steps_deinit(struct steps *steps) {
    free(steps->items);
    buf_deinit(&steps->words);
}

/* ---- Sums -------------------------------------------------------------------------------------------------------- */

static void sum_block(const struct engine_step *step, struct steps_cost *cost) {
    cost->blocks_read += step->from == ENGINE_FROM_FILE;
    cost->blocks_cached += step->from == ENGINE_FROM_CACHE;
    cost->blocks_ahead += step->from == ENGINE_FROM_STRETCH;
    if (step->from != ENGINE_FROM_FILE) return;
    cost->bytes_read += step->bytes;
    cost->read_ns += step->ns;
}

static void sum_step(const struct engine_step *step, struct steps_cost *cost) {
    switch (step->kind) {
    case ENGINE_STEP_MEMTABLE: cost->memtables++; break;
    case ENGINE_STEP_FILE:
        cost->files_asked += step->answer == ENGINE_FILE_ASKED;
        cost->files_passed += step->answer != ENGINE_FILE_ASKED && step->answer != ENGINE_FILE_CANDIDATE;
        break;
    case ENGINE_STEP_OPEN: cost->files_opened++; break;
    case ENGINE_STEP_FILTER:
        cost->filters += step->count > 0;
        cost->filters_negative += !step->hit;
        break;
    case ENGINE_STEP_BLOCK: sum_block(step, cost); break;
    case ENGINE_STEP_STRETCH:
        cost->bytes_read += step->bytes;
        cost->read_ns += step->ns;
        break;
    case ENGINE_STEP_VALUE:
        cost->values_read += step->from == ENGINE_FROM_FILE;
        cost->values_cached += step->from == ENGINE_FROM_CACHE;
        if (step->from != ENGINE_FROM_FILE) break;
        cost->bytes_read += step->bytes;
        cost->read_ns += step->ns;
        break;
    case ENGINE_STEP_ENTRY:
    case ENGINE_STEP_VERSION: cost->entries++; break;
    default: break;
    }
}

/* A filter that let pass what the file, which could be read, does not have. */
static bool was_wrong(const struct steps *steps, size_t at) {
    const struct engine_step *filter = &steps->items[at].step;
    if (steps->items[at].is_row || filter->kind != ENGINE_STEP_FILTER || !filter->hit || !filter->count) return false;
    for (size_t i = at + 1; i < steps->count; i++) {
        const struct engine_step *step = &steps->items[i].step;
        if (step->kind == ENGINE_STEP_VERSION || step->status != STATUS_OK) return false;
        if (step->kind == ENGINE_STEP_FILE) break;
    }
    return true;
}

void steps_sum(const struct steps *steps, struct steps_cost *cost) {
    *cost = (struct steps_cost){.memtables = 0};
    for (size_t i = 0; i < steps->count; i++) {
        if (!steps->items[i].is_row) sum_step(&steps->items[i].step, cost);
        cost->filters_wrong += was_wrong(steps, i);
    }
}

const struct told_step *steps_failed(const struct steps *steps) {
    for (size_t i = steps->count; i > 0; i--)
        if (!steps->items[i - 1].is_row && steps->items[i - 1].step.status != STATUS_OK) return &steps->items[i - 1];
    return NULL;
}
