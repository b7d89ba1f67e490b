/* gaps: two lists under a lock. Invariant: an item begins before it ends; each proven item is true by itself, so that
 * any may be cut, joined with a neighbour, or forgotten. */
#include "engine/lsm/gaps.h"

#include "engine/base/check.h"

void gaps_init(struct gaps *gaps) {
    *gaps = (struct gaps){.state = GAPS_IDLE};
    mutex_init(&gaps->mutex);
}

/* ---- Items ------------------------------------------------------------------------------------------------------- */

void gap_release(struct gap *gap) {
    buf_deinit(&gap->begin);
    buf_deinit(&gap->end);
}

struct gap_span gap_span_of(const struct gap *gap) {
    return (struct gap_span){.tree = gap->tree,
                             .instance = gap->instance,
                             .begin = buf_slice(&gap->begin),
                             .end = buf_slice(&gap->end),
                             .has_end = gap->has_end};
}

static bool is_empty(const struct gap_span *span) {
    return span->has_end && slice_compare(span->begin, span->end) >= 0;
}

static bool is_in(const struct gap *gap, uint32_t instance, struct slice key) {
    return gap->instance == instance && slice_compare(buf_slice(&gap->begin), key) <= 0 &&
           (!gap->has_end || slice_compare(key, buf_slice(&gap->end)) < 0);
}

/* Into buffers that *gap has already; false when out of memory. */
static bool copy_span(struct gap *gap, const struct gap_span *span) {
    gap->tree = span->tree;
    gap->instance = span->instance;
    gap->has_end = span->has_end;
    gap->doubted = false;
    return buf_assign(&gap->begin, span->begin) == STATUS_OK && buf_assign(&gap->end, span->end) == STATUS_OK;
}

static void remove_item(struct gap_list *list, uint32_t at) {
    gap_release(&list->items[at]);
    list->count--;
    for (uint32_t i = at; i < list->count; i++) list->items[i] = list->items[i + 1];
    list->items[list->count] = (struct gap){.tree = 0};
}

void gap_list_clear(struct gap_list *list) {
    while (list->count > 0) remove_item(list, list->count - 1);
}

void gap_list_add(struct gap_list *list, const struct gap_span *span, uint64_t since) {
    struct gap gap = {.since = since};
    if (is_empty(span)) return;
    if (!copy_span(&gap, span)) {
        gap_release(&gap);
        return;
    }
    if (list->count == GAPS_MAX) remove_item(list, 0);
    list->items[list->count++] = gap;
}

/* REQUIRES: the lock, as it is given up. */
static void count_again(struct gaps *gaps) {
    atomic_store_explicit(&gaps->count, gaps->watched.count + gaps->proven.count, memory_order_relaxed);
}

void gaps_deinit(struct gaps *gaps) {
    gap_list_clear(&gaps->watched);
    gap_list_clear(&gaps->proven);
    gap_release(&gaps->span);
    mutex_deinit(&gaps->mutex);
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

bool gaps_propose(struct gaps *gaps, const struct gap_span *span) {
    mutex_lock(&gaps->mutex);
    const bool taken = gaps->state == GAPS_IDLE && !is_empty(span) && copy_span(&gaps->span, span);
    if (taken) gaps->state = GAPS_PROPOSED;
    if (taken) atomic_store(&gaps->proposed, true);
    mutex_unlock(&gaps->mutex);
    return taken;
}

bool gaps_activate(struct gaps *gaps) {
    mutex_lock(&gaps->mutex);
    const bool active = gaps->state == GAPS_PROPOSED;
    if (active) {
        const struct gap_span span = gap_span_of(&gaps->span);
        gap_list_add(&gaps->watched, &span, 0);
        gaps->state = GAPS_WATCHED;
        atomic_store(&gaps->proposed, false);
        count_again(gaps);
    }
    mutex_unlock(&gaps->mutex);
    return active;
}

bool gaps_watched(struct gaps *gaps, struct gap_span *span) {
    mutex_lock(&gaps->mutex);
    const bool watched = gaps->state == GAPS_WATCHED;
    if (watched) *span = gap_span_of(&gaps->span);
    mutex_unlock(&gaps->mutex);
    return watched;
}

static struct gap_span common(const struct gap_span *a, const struct gap_span *b) {
    struct gap_span both = *a;
    if (slice_compare(b->begin, both.begin) > 0) both.begin = b->begin;
    if (b->has_end && (!both.has_end || slice_compare(b->end, both.end) < 0)) {
        both.end = b->end;
        both.has_end = true;
    }
    return both;
}

/* Joins two of which one ends where the other begins: both hold from the later of their sequences on. */
static bool join_two(struct gap_list *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        for (uint32_t j = 0; j < list->count; j++) {
            struct gap *a = &list->items[i], *b = &list->items[j];
            if (i == j || a->instance != b->instance || !a->has_end) continue;
            if (!slice_equal(buf_slice(&a->end), buf_slice(&b->begin))) continue;
            const struct buf between = a->end;
            a->end = b->end;
            a->has_end = b->has_end;
            b->end = between;
            if (b->since > a->since) a->since = b->since;
            remove_item(list, j);
            return true;
        }
    }
    return false;
}

static void end_watch(struct gaps *gaps) {
    gap_list_clear(&gaps->watched);
    gaps->state = GAPS_IDLE;
    count_again(gaps);
}

void gaps_prove(struct gaps *gaps, uint64_t since, const struct gap_span *pieces, size_t count) {
    mutex_lock(&gaps->mutex);
    check(gaps->state == GAPS_WATCHED);
    for (uint32_t i = 0; i < gaps->watched.count; i++) {
        const struct gap_span left = gap_span_of(&gaps->watched.items[i]);
        for (size_t j = 0; j < count; j++) {
            const struct gap_span both = common(&left, &pieces[j]);
            gap_list_add(&gaps->proven, &both, since);
            while (join_two(&gaps->proven)) {}
        }
    }
    end_watch(gaps);
    mutex_unlock(&gaps->mutex);
}

void gaps_give_up(struct gaps *gaps) {
    mutex_lock(&gaps->mutex);
    if (gaps->state == GAPS_WATCHED) end_watch(gaps);
    mutex_unlock(&gaps->mutex);
}

/* ---- Unmaking ---------------------------------------------------------------------------------------------------- */

/* What lies behind key becomes an item of its own; what lies before it stays. */
static void cut_item(struct gap_list *list, uint32_t at, struct slice key) {
    struct buf behind = BUF_EMPTY;
    struct gap *gap = &list->items[at];
    struct gap_span rest = gap_span_of(gap);
    bool whole = buf_assign(&behind, key) == STATUS_OK && buf_append_byte(&behind, 0) == STATUS_OK;
    rest.begin = buf_slice(&behind);
    if (whole && list->count < GAPS_MAX) gap_list_add(list, &rest, gap->since);
    gap->has_end = true;
    whole = buf_assign(&gap->end, key) == STATUS_OK;
    const struct gap_span left = gap_span_of(gap);
    if (!whole || is_empty(&left)) remove_item(list, at);
    buf_deinit(&behind);
}

/* The pieces of an item that was cut do not hold the key any more. */
static void cut_list(struct gap_list *list, uint32_t instance, struct slice key) {
    for (uint32_t i = list->count; i-- > 0;)
        if (is_in(&list->items[i], instance, key)) cut_item(list, i, key);
}

void gaps_note_key(struct gaps *gaps, uint32_t instance, struct slice key) {
    mutex_lock(&gaps->mutex);
    cut_list(&gaps->watched, instance, key);
    cut_list(&gaps->proven, instance, key);
    count_again(gaps);
    mutex_unlock(&gaps->mutex);
}

static void forget(struct gap_list *list, uint32_t instance) {
    for (uint32_t i = list->count; i-- > 0;)
        if (list->items[i].instance == instance) remove_item(list, i);
}

void gaps_forget(struct gaps *gaps, uint32_t instance) {
    mutex_lock(&gaps->mutex);
    forget(&gaps->watched, instance);
    forget(&gaps->proven, instance);
    count_again(gaps);
    mutex_unlock(&gaps->mutex);
}

bool gaps_doubt(struct gaps *gaps) {
    mutex_lock(&gaps->mutex);
    for (uint32_t i = 0; i < gaps->proven.count; i++) gaps->proven.items[i].doubted = true;
    const bool any = gaps->proven.count > 0;
    mutex_unlock(&gaps->mutex);
    return any;
}

bool gaps_take_doubted(struct gaps *gaps, struct gap *gap) {
    bool taken = false;
    mutex_lock(&gaps->mutex);
    for (uint32_t i = 0; i < gaps->proven.count && !taken; i++) {
        struct gap *item = &gaps->proven.items[i];
        const struct gap_span span = gap_span_of(item);
        taken = item->doubted && copy_span(gap, &span);
        item->doubted = false;
    }
    mutex_unlock(&gaps->mutex);
    return taken;
}

void gaps_drop(struct gaps *gaps, const struct gap *gap) {
    mutex_lock(&gaps->mutex);
    for (uint32_t i = 0; i < gaps->proven.count; i++) {
        const struct gap *item = &gaps->proven.items[i];
        if (item->instance != gap->instance || !slice_equal(buf_slice(&item->begin), buf_slice(&gap->begin))) continue;
        remove_item(&gaps->proven, i);
        break;
    }
    count_again(gaps);
    mutex_unlock(&gaps->mutex);
}

/* ---- Using ------------------------------------------------------------------------------------------------------- */

static const struct gap *find(const struct gaps *gaps, uint32_t instance, struct slice key, uint64_t snapshot) {
    for (uint32_t i = 0; i < gaps->proven.count; i++) {
        const struct gap *gap = &gaps->proven.items[i];
        if (gap->since <= snapshot && is_in(gap, instance, key)) return gap;
    }
    return NULL;
}

enum gaps_side gaps_find_end(struct gaps *gaps, uint32_t instance, struct slice key, uint64_t snapshot,
                             struct buf *to) {
    enum gaps_side side = GAPS_NONE;
    mutex_lock(&gaps->mutex);
    const struct gap *gap = find(gaps, instance, key, snapshot);
    if (gap && !gap->has_end) side = GAPS_TO_END;
    if (gap && gap->has_end && buf_assign(to, buf_slice(&gap->end)) == STATUS_OK) side = GAPS_TO;
    mutex_unlock(&gaps->mutex);
    return side;
}

enum gaps_side gaps_find_begin(struct gaps *gaps, uint32_t instance, struct slice key, uint64_t snapshot,
                               struct buf *to) {
    enum gaps_side side = GAPS_NONE;
    mutex_lock(&gaps->mutex);
    const struct gap *gap = find(gaps, instance, key, snapshot);
    if (gap && buf_assign(to, buf_slice(&gap->begin)) == STATUS_OK) side = GAPS_TO;
    mutex_unlock(&gaps->mutex);
    return side;
}
