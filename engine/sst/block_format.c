/*
 * block_format: parsing and searching of column blocks. Invariant: after a successful parse every accessor stays within
 * the block and its slack. Source: FORMAT.md, "Block".
 */
#include "engine/sst/block_format.h"

#include "engine/base/check.h"

/* ---- Parsing ----------------------------------------------------------------------------------------------------- */

static bool width_is_known(uint32_t width) {
    return width == 0 || width == 1 || width == 2 || width == 4 || width == 8;
}

static uint64_t width_mask(uint32_t width) {
    return width == 0 ? 0 : width >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

static bool header_parse(struct slice bytes, struct sst_block_view *view) {
    if (bytes.size < BLOCK_HEADER_BYTES || bytes.size > UINT32_MAX) return false;
    const uint8_t *from = bytes.data;
    *view = (struct sst_block_view){
        .bytes = from,
        .size = (uint32_t)bytes.size,
        .count = coding_get_u32(from),
        .prefix_size = coding_get_u32(from + 4),
        .tail_stride = coding_get_u32(from + 8),
        .value_stride = coding_get_u32(from + 12),
        .sequence_base = coding_get_u64(from + 16),
        .tail_width = from[24],
        .value_width = from[25],
        .sequence_width = from[26],
        .head_size = from[27],
        .kind = from[28],
    };
    view->tail_mask = width_mask(view->tail_width);
    view->value_mask = width_mask(view->value_width);
    view->sequence_mask = width_mask(view->sequence_width);
    bool widths =
        width_is_known(view->tail_width) && width_is_known(view->value_width) && width_is_known(view->sequence_width);
    bool heads = view->head_size <= BLOCK_HEAD_BYTES || view->head_size == BLOCK_VARIES;
    bool kinds = view->kind < ENTRY_KIND_COUNT || view->kind == BLOCK_VARIES;
    bool zeros = from[29] == 0 && from[30] == 0 && from[31] == 0;
    return widths && heads && kinds && zeros && view->sequence_base <= ENTRY_SEQUENCE_MAX;
}

/* Gives `each` * count bytes at *at to a column; false if the block is too short for it. */
static bool take(const struct sst_block_view *view, uint64_t each, uint64_t count, uint32_t *column, uint64_t *at) {
    *column = (uint32_t)*at;
    *at += each * count; /* at most 8 * 2^32 */
    return *at <= view->size;
}

static bool columns_parse(struct sst_block_view *view) {
    uint64_t at = BLOCK_HEADER_BYTES;
    uint32_t heads;
    uint32_t count = view->count;
    return take(view, BLOCK_HEAD_BYTES, count, &heads, &at) && take(view, 1, view->prefix_size, &view->prefix, &at) &&
           take(view, view->tail_width, count, &view->tail_ends, &at) &&
           take(view, view->value_width, count, &view->value_ends, &at) &&
           take(view, view->sequence_width, count, &view->sequences, &at) &&
           take(view, view->head_size == BLOCK_VARIES, count, &view->head_sizes, &at) &&
           take(view, view->kind == BLOCK_VARIES, count, &view->kinds, &at) && take(view, 1, 0, &view->tails, &at);
}

/* Ends that never fall and stay inside `limit`; *last = the last one. */
static bool ends_check(const struct sst_block_view *view, uint32_t column, uint32_t width, uint64_t mask,
                       uint32_t stride, uint64_t limit, uint64_t *last) {
    uint64_t excess = 0;
    for (uint32_t i = 0; i < view->count && width; i++) {
        uint64_t next = block_view_column(view, column, width, mask, i);
        if (next < excess) return false;
        excess = next;
    }
    *last = (uint64_t)view->count * stride + excess;
    return excess <= limit && *last <= limit;
}

/* The bytes of a head behind its size are zero. */
static bool head_is_padded(uint64_t head, uint32_t head_size) {
    return head_size == 0 ? head == 0 : head_size == BLOCK_HEAD_BYTES || head << (8 * head_size) == 0;
}

/* Keys of one size with whole heads, one kind, and no sequence in reach of the last: nothing differs from entry to
 * entry that could be wrong in one of them. */
static bool entries_are_alike(const struct sst_block_view *view) {
    return view->head_size == BLOCK_HEAD_BYTES && view->kind != BLOCK_VARIES && view->tail_width == 0 &&
           view->sequence_mask <= ENTRY_SEQUENCE_MAX - view->sequence_base;
}

/* Heads, kinds and sequences hold what they may; a head shorter than eight bytes has no tail. Also finds the longest
 * key. */
static bool entries_check(struct sst_block_view *view) {
    if (entries_are_alike(view)) {
        const uint64_t key = (uint64_t)view->prefix_size + BLOCK_HEAD_BYTES + view->tail_stride;
        if (view->count > 0) view->key_max = (uint32_t)key;
        return true;
    }
    for (uint32_t i = 0; i < view->count; i++) {
        uint32_t head_size = block_view_head_size(view, i);
        uint64_t trailer = block_view_trailer(view, i);
        size_t tail = block_view_tail(view, i).size;
        if (head_size > BLOCK_HEAD_BYTES || (head_size < BLOCK_HEAD_BYTES && tail > 0)) return false;
        if (!head_is_padded(block_view_head(view, i), head_size)) return false;
        if ((trailer & 0xff) >= ENTRY_KIND_COUNT) return false;
        if (block_view_column(view, view->sequences, view->sequence_width, view->sequence_mask, i) >
            ENTRY_SEQUENCE_MAX - view->sequence_base) {
            return false;
        }
        uint64_t key = (uint64_t)view->prefix_size + head_size + tail;
        if (key > view->key_max) view->key_max = (uint32_t)key;
    }
    return true;
}

enum status block_view_parse(struct slice bytes, struct sst_block_view *view) {
    if (!header_parse(bytes, view) || !columns_parse(view)) return STATUS_CORRUPT;
    uint64_t area = view->size - view->tails;
    uint64_t tails;
    uint64_t values;
    if (!ends_check(view, view->tail_ends, view->tail_width, view->tail_mask, view->tail_stride, area, &tails))
        return STATUS_CORRUPT;
    if (!ends_check(view, view->value_ends, view->value_width, view->value_mask, view->value_stride, area, &values)) {
        return STATUS_CORRUPT;
    }
    if (tails + values != area) return STATUS_CORRUPT;
    view->values = view->tails + (uint32_t)tails;
    return entries_check(view) ? STATUS_OK : STATUS_CORRUPT;
}

/* ---- Searching --------------------------------------------------------------------------------------------------- */

struct slice block_view_key(const struct sst_block_view *view, uint32_t at, uint8_t *to) {
    if (view->prefix_size) memcpy(to, view->bytes + view->prefix, view->prefix_size);
    return slice_make(to, block_view_suffix(view, at, to));
}

/* Order of entry `at` against what is left of a key behind the prefix, when their heads are equal: by size if one ends
 * within the head, else by tail. */
static int tail_compare(const struct sst_block_view *view, uint32_t at, struct slice suffix) {
    uint32_t head_size = block_view_head_size(view, at);
    if (head_size < BLOCK_HEAD_BYTES || suffix.size < BLOCK_HEAD_BYTES) {
        size_t other = suffix.size < BLOCK_HEAD_BYTES ? suffix.size : BLOCK_HEAD_BYTES;
        return (head_size > other) - (head_size < other);
    }
    return slice_compare(block_view_tail(view, at), slice_from(suffix, BLOCK_HEAD_BYTES));
}

/* The first entry whose head is >= head. */
static uint32_t head_lower_bound(const struct sst_block_view *view, uint32_t from, uint64_t head) {
    uint32_t base = from;
    uint32_t left = view->count - from;
    while (left > 1) {
        uint32_t half = left / 2;
        base = block_view_head(view, base + half - 1) < head ? base + half : base; /* a conditional move */
        left -= half;
    }
    return base + (left == 1 && block_view_head(view, base) < head);
}

uint32_t block_view_seek(const struct sst_block_view *view, struct slice key, uint64_t trailer) {
    size_t common = key.size < view->prefix_size ? key.size : view->prefix_size;
    int order = common ? memcmp(key.data, view->bytes + view->prefix, common) : 0;
    if (order > 0) return view->count;
    if (order < 0 || key.size < view->prefix_size) return 0;
    struct slice suffix = slice_from(key, view->prefix_size);
    uint64_t head = entry_head(suffix);
    uint32_t low = head_lower_bound(view, 0, head);
    if (low == view->count || block_view_head(view, low) != head) return low;
    /* Entries with this head: mostly one. Among more, search by tail and trailer. */
    bool single = low + 1 == view->count || block_view_head(view, low + 1) != head;
    uint32_t high = single ? low + 1 : head == UINT64_MAX ? view->count : head_lower_bound(view, low + 1, head + 1);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int sign = tail_compare(view, middle, suffix);
        if (sign < 0 || (sign == 0 && block_view_trailer(view, middle) > trailer)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool block_view_key_is(const struct sst_block_view *view, uint32_t at, struct slice key) {
    if (!slice_has_prefix(key, block_view_prefix(view))) return false;
    struct slice suffix = slice_from(key, view->prefix_size);
    if (block_view_head(view, at) != entry_head(suffix)) return false;
    return tail_compare(view, at, suffix) == 0;
}

enum status block_view_check_order(const struct sst_block_view *view) {
    for (uint32_t i = 1; i < view->count; i++) {
        uint64_t before = block_view_head(view, i - 1);
        uint64_t head = block_view_head(view, i);
        if (before > head) return STATUS_CORRUPT;
        if (before < head) continue;
        uint8_t bytes[BLOCK_HEAD_BYTES];
        uint32_t head_size = block_view_head_size(view, i);
        int order;
        if (head_size < BLOCK_HEAD_BYTES || block_view_head_size(view, i - 1) < BLOCK_HEAD_BYTES) {
            coding_put_key_u64(bytes, head);
            order = tail_compare(view, i - 1, slice_make(bytes, head_size));
        } else {
            order = slice_compare(block_view_tail(view, i - 1), block_view_tail(view, i));
        }
        if (order > 0 || (order == 0 && block_view_trailer(view, i - 1) <= block_view_trailer(view, i)))
            return STATUS_CORRUPT;
    }
    return STATUS_OK;
}
