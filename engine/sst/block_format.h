/*
 * block_format: a block of columns (FORMAT.md, "Block") as something that can be searched and stepped through. Private
 * to engine/sst, and for tools.
 *
 * block_view_parse checks every offset once, when a block is loaded; after that the accessors read without checks. A
 * view does not own its bytes. BLOCK_SLACK_BYTES readable bytes must follow them: a column is read eight bytes at a
 * time.
 */
#ifndef ENGINE_SST_BLOCK_FORMAT_H
#define ENGINE_SST_BLOCK_FORMAT_H

#include "engine/cache/block_cache.h"
#include "engine/entry/internal_key.h"

enum {
    BLOCK_HEADER_BYTES = 32,
    BLOCK_HEAD_BYTES = 8,
    BLOCK_VARIES = 0xff, /* head size, kind: stands in a column of its own */
};

struct sst_block_view {
    const uint8_t *bytes;
    uint32_t size;
    uint32_t count;
    uint32_t prefix_size;
    uint32_t tail_stride, value_stride;
    uint32_t tail_width, value_width, sequence_width;
    uint32_t head_size, kind; /* or BLOCK_VARIES */
    uint32_t key_max;         /* of the longest key */
    uint64_t tail_mask, value_mask, sequence_mask;
    uint64_t sequence_base;
    /* Offsets in bytes. */
    uint32_t prefix, tail_ends, value_ends, sequences, head_sizes, kinds, tails, values;
};

/* CORRUPT: the bytes are not a block. Does not look at the order of keys (see block_view_check_order). */
MUST_CHECK enum status block_view_parse(struct slice bytes, struct sst_block_view *view);

/* CORRUPT: two entries are not in order. O(count). */
MUST_CHECK enum status block_view_check_order(const struct sst_block_view *view);

/* Room that block_view_key needs at `to`. */
static inline size_t block_view_key_room(const struct sst_block_view *view) {
    return (size_t)view->key_max + 2 * BLOCK_HEAD_BYTES;
}

/* The view is searched soon: the lines with heads and prefix are asked of memory side by side, not waited for. */
static inline void block_view_touch(const struct sst_block_view *view) {
    enum { LINE_BYTES = 64, LINES_MAX = 8 };
    const uint32_t end = view->prefix + view->prefix_size;
    for (uint32_t at = 0; at < end && at < LINES_MAX * LINE_BYTES; at += LINE_BYTES)
        __builtin_prefetch(view->bytes + at);
}

static inline uint64_t block_view_column(const struct sst_block_view *view, uint32_t column, uint32_t width,
                                         uint64_t mask, uint32_t at) {
    return coding_get_u64(view->bytes + column + (size_t)at * width) & mask;
}

static inline uint64_t block_view_head(const struct sst_block_view *view, uint32_t at) {
    return coding_get_u64(view->bytes + BLOCK_HEADER_BYTES + (size_t)at * BLOCK_HEAD_BYTES);
}

static inline uint32_t block_view_head_size(const struct sst_block_view *view, uint32_t at) {
    return view->head_size != BLOCK_VARIES ? view->head_size : view->bytes[view->head_sizes + at];
}

static inline uint64_t block_view_trailer(const struct sst_block_view *view, uint32_t at) {
    uint64_t delta = block_view_column(view, view->sequences, view->sequence_width, view->sequence_mask, at);
    uint64_t kind = view->kind != BLOCK_VARIES ? view->kind : view->bytes[view->kinds + at];
    return (view->sequence_base + delta) << 8 | kind;
}

/* Where a tail or value begins: at 0 or where the one before it ends. */
static inline uint32_t block_view_tail_end(const struct sst_block_view *view, uint32_t at) {
    return (uint32_t)block_view_column(view, view->tail_ends, view->tail_width, view->tail_mask, at) +
           (at + 1) * view->tail_stride;
}
static inline uint32_t block_view_value_end(const struct sst_block_view *view, uint32_t at) {
    return (uint32_t)block_view_column(view, view->value_ends, view->value_width, view->value_mask, at) +
           (at + 1) * view->value_stride;
}

static inline struct slice block_view_tail(const struct sst_block_view *view, uint32_t at) {
    uint32_t begin = at ? block_view_tail_end(view, at - 1) : 0;
    return slice_make(view->bytes + view->tails + begin, block_view_tail_end(view, at) - begin);
}

static inline struct slice block_view_value(const struct sst_block_view *view, uint32_t at) {
    uint32_t begin = at ? block_view_value_end(view, at - 1) : 0;
    return slice_make(view->bytes + view->values + begin, block_view_value_end(view, at) - begin);
}

static inline struct slice block_view_prefix(const struct sst_block_view *view) {
    return slice_make(view->bytes + view->prefix, view->prefix_size);
}

/* The values from entry `at` on are read soon, by whoever walks on: `lines` of them, behind the first `from`, are asked
 * of memory side by side, not waited for. */
static inline void block_view_touch_values(const struct sst_block_view *view, uint32_t at, unsigned from,
                                           unsigned lines) {
    enum { LINE_BYTES = 64 };
    const uint8_t *end = view->bytes + view->size, *first = block_view_value(view, at).data;
    if ((size_t)(end - first) <= (size_t)from * LINE_BYTES) return;
    const uint8_t *value = first + (size_t)from * LINE_BYTES;
    for (unsigned line = 0; line < lines && value < end; line++, value += LINE_BYTES) __builtin_prefetch(value);
}

/* Puts the key's part behind the prefix at to[prefix_size]; returns the key's size. `to` holds the prefix already; head
 * and tail are those of entry `at`. */
static inline size_t block_view_put_suffix(const struct sst_block_view *view, uint32_t at, uint64_t head,
                                           struct slice tail, uint8_t *to) {
    uint8_t *behind = to + view->prefix_size + BLOCK_HEAD_BYTES;
    coding_put_key_u64(to + view->prefix_size, head);
    if (tail.size <= 8)
        memcpy(behind, tail.data, 8); /* of a fixed size; the slack allows it */
    else
        memcpy(behind, tail.data, tail.size);
    return view->prefix_size + block_view_head_size(view, at) + tail.size;
}
static inline size_t block_view_suffix(const struct sst_block_view *view, uint32_t at, uint8_t *to) {
    return block_view_put_suffix(view, at, block_view_head(view, at), block_view_tail(view, at), to);
}

/* The whole key; `to` has block_view_key_room bytes. */
struct slice block_view_key(const struct sst_block_view *view, uint32_t at, uint8_t *to);

/* The first entry at or after (key, trailer); count if there is none. */
uint32_t block_view_seek(const struct sst_block_view *view, struct slice key, uint64_t trailer);

/* True if entry `at` has this user key. */
bool block_view_key_is(const struct sst_block_view *view, uint32_t at, struct slice key);

#endif
