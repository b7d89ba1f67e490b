/* series_edit: see series_edit.h. This file finds a sample's chunk and puts it there; series_emit.c writes. */
#include "tsdb/write/series_edit.h"

#include <math.h>
#include <stdlib.h>

/* A chunk that grew by as many insertions is cut in two, so that they don't cost the square of their number. */
enum { SPLIT_INSERTED = 1024, SPLIT_SAMPLES = 2048 };

void series_edit_begin(struct series_edit *edit, const struct names_view *view, struct edit_budget *budget,
                       const struct head *head) {
    *edit = (struct series_edit){.view = view, .budget = budget, .head = *head};
}

void series_edit_deinit(struct series_edit *edit) {
    for (size_t i = 0; i < edit->count; i++) samples_deinit(&edit->chunks[i].samples);
    free(edit->chunks);
    edit->chunks = NULL;
    edit->count = edit->capacity = 0;
}

/* ---- the table of chunks ----------------------------------------------------------------------------------------- */

static enum status insert_chunk(struct series_edit *edit, size_t at, const struct chunk_edit *chunk) {
    if (edit->count == edit->capacity) {
        size_t capacity = edit->capacity ? 2 * edit->capacity : 2;
        struct chunk_edit *chunks = realloc(edit->chunks, capacity * sizeof *chunks);
        if (!chunks) return STATUS_NO_MEMORY;
        edit->chunks = chunks;
        edit->capacity = capacity;
    }
    memmove(edit->chunks + at + 1, edit->chunks + at, (edit->count - at) * sizeof *edit->chunks);
    edit->chunks[at] = *chunk;
    edit->count++;
    return STATUS_OK;
}

/* The first chunk of the edit that does not end before time_ms. */
static size_t find_place(const struct series_edit *edit, int64_t time_ms) {
    size_t low = 0, high = edit->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (edit->chunks[middle].to_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct chunk_edit *last_chunk(const struct series_edit *edit) {
    return edit->count ? &edit->chunks[edit->count - 1] : NULL;
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static enum status spend(struct series_edit *edit, size_t chunks, size_t samples) {
    struct edit_budget *budget = edit->budget;
    if (budget->chunks < chunks || budget->samples < samples) return STATUS_TOO_LARGE;
    budget->chunks -= chunks;
    budget->samples -= samples;
    return STATUS_OK;
}

/* Puts the stored samples before those that were collected. */
static enum status load_stored(struct series_edit *edit, struct chunk_edit *chunk) {
    if (chunk->loaded) return STATUS_OK;
    struct engine_value value;
    struct samples all = {0};
    struct chunk_key key = chunk_key_make(edit->head.series, chunk->stored_first_ms);
    enum status status = view_get(edit->view, TREE_CHUNKS, slice_make(key.bytes, sizeof key.bytes), &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    status = chunk_decode(value.data, chunk->stored_first_ms, &all);
    engine_value_release(&value);
    if (status == STATUS_OK) status = spend(edit, 1, all.count);
    size_t stored_count = all.count;
    for (size_t i = 0; status == STATUS_OK && i < chunk->samples.count; i++)
        status = samples_append(&all, chunk->samples.times_ms[i], chunk->samples.values[i]);
    if (status) {
        samples_deinit(&all);
        return status;
    }
    samples_deinit(&chunk->samples);
    chunk->samples = all;
    chunk->stored_count = stored_count;
    chunk->loaded = true;
    return STATUS_OK;
}

/* The stored chunk at which the cursor stands, as a chunk of the edit that begins at `from_ms`. */
static enum status take_stored(struct series_edit *edit, struct chunk_cursor *cursor, int64_t from_ms) {
    struct chunk_edit chunk = {.stored = true, .loaded = true, .from_ms = from_ms, .to_ms = INT64_MAX};
    struct chunk_head head;
    enum status status = chunk_cursor_head(cursor, &chunk.stored_first_ms, &head);
    if (status == STATUS_OK) status = spend(edit, 1, head.count);
    if (status == STATUS_OK) status = chunk_cursor_decode(cursor, &chunk.samples);
    chunk.stored_count = chunk.samples.count;
    chunk.open = head.encoding == CHUNK_OPEN;
    chunk.base = edit->head.state;
    if (status == STATUS_OK) status = chunk_cursor_next(cursor);
    if (status == STATUS_OK) {
        int64_t next_ms = 0;
        status = chunk_cursor_first_ms(cursor, &next_ms);
        if (status == STATUS_OK) chunk.to_ms = next_ms - 1;
    } else if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
    }
    size_t at = find_place(edit, chunk.stored_first_ms);
    /* A chunk that this edit began stands behind it. */
    if (at < edit->count && edit->chunks[at].from_ms <= chunk.to_ms) chunk.to_ms = edit->chunks[at].from_ms - 1;
    if (status == STATUS_OK) status = insert_chunk(edit, at, &chunk);
    if (status) samples_deinit(&chunk.samples);
    return status;
}

static struct chunk_edit *find_stored(struct series_edit *edit, int64_t stored_first_ms) {
    for (size_t i = 0; i < edit->count; i++)
        if (edit->chunks[i].stored && edit->chunks[i].stored_first_ms == stored_first_ms) return &edit->chunks[i];
    return NULL;
}

/* Brings the stored chunk to which time_ms belongs into the edit: the last that begins at or before it, or the first.
 */
static enum status load_covering(struct series_edit *edit, int64_t time_ms) {
    struct chunk_cursor cursor;
    int64_t first_ms = 0, from_ms = 0;
    enum status status = chunk_cursor_open(&cursor, edit->view, edit->head.series);
    if (status == STATUS_OK) status = chunk_cursor_at_or_before(&cursor, time_ms);
    bool before_all = status == STATUS_NOT_FOUND;
    if (before_all) status = chunk_cursor_first(&cursor);
    if (status == STATUS_OK) status = chunk_cursor_first_ms(&cursor, &first_ms);
    from_ms = before_all ? INT64_MIN : first_ms;
    struct chunk_edit *known = status == STATUS_OK ? find_stored(edit, first_ms) : NULL;
    if (known) {
        if (from_ms < known->from_ms) known->from_ms = from_ms;
    } else if (status == STATUS_OK) {
        status = take_stored(edit, &cursor, from_ms);
    }
    chunk_cursor_close(&cursor);
    return status;
}

/* The chunk to which a time at or before the last one belongs, with all its samples. */
static enum status find_chunk(struct series_edit *edit, int64_t time_ms, struct chunk_edit **found) {
    size_t at = find_place(edit, time_ms);
    if (at == edit->count || edit->chunks[at].from_ms > time_ms) {
        enum status status = load_covering(edit, time_ms);
        /* No row is stored yet, or none before what this edit began: the first chunk takes it. */
        if (status == STATUS_NOT_FOUND && edit->count) {
            edit->chunks[0].from_ms = INT64_MIN;
            status = STATUS_OK;
        }
        if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
        at = find_place(edit, time_ms);
    }
    if (at == edit->count || edit->chunks[at].from_ms > time_ms) return STATUS_CORRUPT;
    *found = &edit->chunks[at];
    return load_stored(edit, *found);
}

/* ---- appending --------------------------------------------------------------------------------------------------- */

static void refresh_head(struct series_edit *edit) {
    if (!edit->head_is_stale) return;
    const struct samples *samples = &last_chunk(edit)->samples;
    edit->head.state = (struct gorilla_state){0};
    for (size_t i = 0; i < samples->count; i++)
        gorilla_count(&edit->head.state, samples->times_ms[i], samples->values[i]);
    edit->head_is_stale = false;
}

/* The chunk that takes appends: the one in the edit, the stored open one, or NULL. */
static enum status find_tail(struct series_edit *edit, struct chunk_edit **tail) {
    *tail = last_chunk(edit);
    if (*tail && (*tail)->to_ms == INT64_MAX && (*tail)->open) return STATUS_OK;
    *tail = NULL;
    if (!edit->head.is_open) return STATUS_OK;
    struct chunk_edit chunk = {.stored = true,
                               .stored_first_ms = edit->head.open_first_ms,
                               .from_ms = edit->head.open_first_ms,
                               .to_ms = INT64_MAX,
                               .open = true,
                               .base = edit->head.state};
    enum status status = insert_chunk(edit, edit->count, &chunk);
    if (status == STATUS_OK) *tail = last_chunk(edit);
    return status;
}

static enum status seal_tail(struct series_edit *edit, struct chunk_edit *tail, int64_t next_ms) {
    enum status status = load_stored(edit, tail);
    if (status) return status;
    tail->open = false;
    tail->rewrite = true;
    tail->to_ms = next_ms - 1;
    edit->has_sealed = true;
    return STATUS_OK;
}

static enum status begin_tail(struct series_edit *edit, int64_t time_ms, struct chunk_edit **tail) {
    /* The chunk before it may be a sealed one that reached to the end of time. */
    struct chunk_edit *last = last_chunk(edit);
    if (last && last->to_ms >= time_ms) last->to_ms = time_ms - 1;
    struct chunk_edit chunk = {.from_ms = time_ms, .to_ms = INT64_MAX, .open = true, .loaded = true, .rewrite = true};
    edit->head.is_open = true;
    edit->head.open_first_ms = time_ms;
    edit->head.state = (struct gorilla_state){0};
    enum status status = insert_chunk(edit, edit->count, &chunk);
    if (status == STATUS_OK) *tail = last_chunk(edit);
    return status;
}

static bool would_overflow(const struct head *head, int64_t time_ms, double value) {
    struct gorilla_state after = head->state;
    gorilla_count(&after, time_ms, value);
    return chunk_sealed_bytes(&after) > head->chunk_bytes || after.sample_count > TSDB_CHUNK_SAMPLES_MAX;
}

static enum status append_sample(struct series_edit *edit, int64_t time_ms, double value) {
    struct chunk_edit *tail = NULL;
    enum status status = find_tail(edit, &tail);
    if (status) return status;
    refresh_head(edit);
    if (tail && would_overflow(&edit->head, time_ms, value)) {
        status = seal_tail(edit, tail, time_ms);
        tail = NULL;
    }
    if (status == STATUS_OK && !tail) status = begin_tail(edit, time_ms, &tail);
    if (status == STATUS_OK) status = samples_append(&tail->samples, time_ms, value);
    if (status) return status;
    gorilla_count(&edit->head.state, time_ms, value);
    edit->head.has_samples = true;
    edit->head.last_ms = time_ms;
    return STATUS_OK;
}

/* ---- inside ------------------------------------------------------------------------------------------------------ */

static bool same_bits(double a, double b) {
    uint64_t a_bits, b_bits;
    memcpy(&a_bits, &a, sizeof a_bits);
    memcpy(&b_bits, &b, sizeof b_bits);
    return a_bits == b_bits;
}

/* Which NaN a sum is, its sign too, is up to the processor and to the order that the compiler gives the operands. */
static double sum_of(double old, double new) {
    if (isnan(old)) return old;
    if (isnan(new)) return new;
    const double sum = old + new;
    return isnan(sum) ? (double)NAN : sum;
}

static double merged_value(double old, double new, enum tsdb_policy policy) {
    if (policy == TSDB_POLICY_LAST) return new;
    if (policy == TSDB_POLICY_SUM) return sum_of(old, new);
    if (policy == TSDB_POLICY_FIRST || isnan(new)) return old;
    if (isnan(old)) return new;
    if (policy == TSDB_POLICY_MIN) return new < old ? new : old;
    return new > old ? new : old;
}

/* The upper half becomes a chunk of its own. */
static enum status split_chunk(struct series_edit *edit, size_t at) {
    struct chunk_edit *lower = &edit->chunks[at];
    struct chunk_edit upper = {.open = lower->open, .loaded = true, .rewrite = true, .to_ms = lower->to_ms};
    struct samples *samples = &lower->samples;
    size_t half = samples->count / 2;
    enum status status = samples_reserve(&upper.samples, samples->count - half);
    for (size_t i = half; status == STATUS_OK && i < samples->count; i++)
        status = samples_append(&upper.samples, samples->times_ms[i], samples->values[i]);
    if (status == STATUS_OK) {
        upper.from_ms = upper.samples.times_ms[0];
        lower->to_ms = upper.from_ms - 1;
        lower->open = false;
        lower->inserted = 0;
        samples->count = half;
        edit->has_sealed |= upper.open;
        status = insert_chunk(edit, at + 1, &upper);
    }
    if (status) samples_deinit(&upper.samples);
    return status;
}

static enum status insert_sample(struct series_edit *edit, struct chunk_edit *chunk, size_t at, int64_t time_ms,
                                 double value) {
    enum status status = spend(edit, 0, 1);
    if (status == STATUS_OK) status = samples_insert(&chunk->samples, at, time_ms, value);
    if (status) return status;
    chunk->rewrite = true;
    edit->head_is_stale |= chunk->open;
    bool is_long = ++chunk->inserted >= SPLIT_INSERTED && chunk->samples.count >= SPLIT_SAMPLES;
    return is_long ? split_chunk(edit, (size_t)(chunk - edit->chunks)) : STATUS_OK;
}

static enum status upsert_sample(struct series_edit *edit, int64_t time_ms, double value, enum tsdb_policy policy) {
    struct chunk_edit *chunk = NULL;
    enum status status = find_chunk(edit, time_ms, &chunk);
    if (status) return status;
    struct samples *samples = &chunk->samples;
    size_t at = samples_find(samples->times_ms, samples->count, time_ms);
    if (at == samples->count || samples->times_ms[at] != time_ms) return insert_sample(edit, chunk, at, time_ms, value);
    if (policy == TSDB_POLICY_BLOCK || policy == TSDB_POLICY_NONE) return STATUS_EXISTS;
    double merged = merged_value(samples->values[at], value, policy);
    if (same_bits(merged, samples->values[at])) return STATUS_OK;
    samples->values[at] = merged;
    chunk->rewrite = true;
    edit->head_is_stale |= chunk->open;
    return STATUS_OK;
}

enum status series_edit_add(struct series_edit *edit, int64_t time_ms, double value, enum tsdb_policy policy) {
    if (head_is_past_retention(&edit->head, time_ms)) return STATUS_INVALID;
    if (policy == TSDB_POLICY_NONE) policy = edit->head.policy;
    if (!edit->head.has_samples || time_ms > edit->head.last_ms) return append_sample(edit, time_ms, value);
    return upsert_sample(edit, time_ms, value, policy);
}
