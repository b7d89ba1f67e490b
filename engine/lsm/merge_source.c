/*
 * merge_source: k-way merge. Invariant: forward, every child stands at its first entry at or behind the current one;
 * backward, at its last entry at or before it. A change of direction seeks all children anew.
 */
#include "engine/lsm/merge_source.h"

static struct merge_source *own(struct source *source) {
    return (struct merge_source *)(void *)source;
}

static bool goes_first(const struct merge_source *merge, const struct source *a, const struct source *b) {
    const int order = source_compare(a, b);
    return merge->backward ? order > 0 : order < 0;
}

static void sift_down(struct merge_source *merge, size_t at) {
    struct source **heap = merge->heap;
    struct source *moving = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= merge->heap_count) break;
        if (child + 1 < merge->heap_count && goes_first(merge, heap[child + 1], heap[child])) child++;
        if (!goes_first(merge, heap[child], moving)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

static void fail(struct merge_source *merge, enum status status) {
    merge->source.valid = false;
    merge->source.status = status;
    merge->heap_count = 0;
}

static void show_top(struct merge_source *merge) {
    merge->source.valid = merge->heap_count > 0;
    merge->source.status = STATUS_OK;
    if (!merge->source.valid) return;
    const struct source *top = merge->heap[0];
    merge->source.head = top->head;
    merge->source.trailer = top->trailer;
    merge->source.key = top->key;
    merge->source.value = top->value;
}

/* After every child was moved: gathers those that are valid. */
static void rebuild(struct merge_source *merge, bool backward) {
    merge->backward = backward;
    merge->heap_count = 0;
    for (size_t i = 0; i < merge->count; i++) {
        struct source *child = merge->children[i];
        if (child->status != STATUS_OK) {
            fail(merge, child->status);
            return;
        }
        if (child->valid) merge->heap[merge->heap_count++] = child;
    }
    for (size_t i = merge->heap_count / 2; i-- > 0;) sift_down(merge, i);
    show_top(merge);
}

/* The top moved. */
static void settle_top(struct merge_source *merge) {
    struct source *top = merge->heap[0];
    if (top->status != STATUS_OK) {
        fail(merge, top->status);
        return;
    }
    if (!top->valid) merge->heap[0] = merge->heap[--merge->heap_count];
    if (merge->heap_count > 1) sift_down(merge, 0);
    show_top(merge);
}

/* Each child waits for memory several times, one after another; the waits of different children overlap. */
static void prepare(struct merge_source *merge, struct slice key, uint64_t trailer) {
    for (unsigned step = 0; step < SOURCE_PREPARE_STEPS; step++)
        for (size_t i = 0; i < merge->count; i++) source_prepare(merge->children[i], key, trailer, step);
}

static void merge_seek(struct source *source, struct slice key, uint64_t trailer) {
    struct merge_source *merge = own(source);
    prepare(merge, key, trailer);
    for (size_t i = 0; i < merge->count; i++) source_seek(merge->children[i], key, trailer);
    rebuild(merge, false);
}

static void merge_seek_before(struct source *source, struct slice key, uint64_t trailer) {
    struct merge_source *merge = own(source);
    prepare(merge, key, trailer);
    for (size_t i = 0; i < merge->count; i++) source_seek_before(merge->children[i], key, trailer);
    rebuild(merge, true);
}

static void merge_seek_first(struct source *source) {
    struct merge_source *merge = own(source);
    for (size_t i = 0; i < merge->count; i++) source_seek_first(merge->children[i]);
    rebuild(merge, false);
}

static void merge_seek_last(struct source *source) {
    struct merge_source *merge = own(source);
    for (size_t i = 0; i < merge->count; i++) source_seek_last(merge->children[i]);
    rebuild(merge, true);
}

/* The others are brought to the current entry's other side first: its key is borrowed from the top, which moves last.
 */
static void merge_next(struct source *source) {
    struct merge_source *merge = own(source);
    struct source *top = merge->heap[0];
    if (!merge->backward) {
        source_next(top);
        settle_top(merge);
        return;
    }
    for (size_t i = 0; i < merge->count; i++)
        if (merge->children[i] != top) source_seek(merge->children[i], source->key, source->trailer);
    source_next(top);
    rebuild(merge, false);
}

static void merge_prev(struct source *source) {
    struct merge_source *merge = own(source);
    struct source *top = merge->heap[0];
    if (merge->backward) {
        source_prev(top);
        settle_top(merge);
        return;
    }
    for (size_t i = 0; i < merge->count; i++)
        if (merge->children[i] != top) source_seek_before(merge->children[i], source->key, source->trailer);
    source_prev(top);
    rebuild(merge, true);
}

static void merge_close(struct source *source) {
    struct merge_source *merge = own(source);
    for (size_t i = 0; i < merge->count; i++) source_close(merge->children[i]);
}

static const struct source_vtable vtable = {
    .seek = merge_seek,
    .seek_before = merge_seek_before,
    .seek_first = merge_seek_first,
    .seek_last = merge_seek_last,
    .next = merge_next,
    .prev = merge_prev,
    .close = merge_close,
};

void merge_source_init(struct merge_source *merge, struct source **children, struct source **heap, size_t count) {
    *merge = (struct merge_source){.source = {.vtable = &vtable}, .children = children, .heap = heap, .count = count};
}
