/*
 * block_build: whole keys and values are gathered; what must be known of all of them (prefix, strides, widths) is found
 * out when the block is finished. Invariant: entries are in order.
 */
#include "engine/sst/block_build.h"

#include "engine/base/check.h"
#include "engine/entry/internal_key.h"
#include "engine/sst/block_format.h"

struct block_entry {
    uint64_t trailer;
    uint32_t key_end; /* in keys */
    uint32_t value_end;
};

void block_build_init(struct block_build *build) {
    *build = (struct block_build){0};
}

void block_build_deinit(struct block_build *build) {
    buf_deinit(&build->keys);
    buf_deinit(&build->values);
    buf_deinit(&build->entries);
    build->count = 0;
}

void block_build_clear(struct block_build *build) {
    buf_clear(&build->keys);
    buf_clear(&build->values);
    buf_clear(&build->entries);
    build->count = 0;
}

static const struct block_entry *entry_at(const struct block_build *build, uint32_t at) {
    return (const struct block_entry *)(const void *)build->entries.data + at;
}

static struct slice key_at(const struct block_build *build, uint32_t at) {
    uint32_t begin = at ? entry_at(build, at - 1)->key_end : 0;
    return slice_make(build->keys.data + begin, entry_at(build, at)->key_end - begin);
}

static bool has_room(const struct buf *buf, size_t more) {
    return more <= buf->capacity - buf->size;
}

static enum status make_room(struct block_build *build, size_t key_bytes, size_t value_bytes) {
    enum status status = buf_reserve(&build->keys, key_bytes);
    if (status == STATUS_OK) status = buf_reserve(&build->values, value_bytes);
    return status == STATUS_OK ? buf_reserve(&build->entries, sizeof(struct block_entry)) : status;
}

/* REQUIRES: room. */
static void put(struct buf *buf, const void *from, size_t size) {
    if (size) memcpy(buf->data + buf->size, from, size);
    buf->size += size;
}

enum status block_build_add(struct block_build *build, struct slice key, uint64_t trailer, struct slice value) {
    if (!has_room(&build->keys, key.size) || !has_room(&build->values, value.size) ||
        !has_room(&build->entries, sizeof(struct block_entry))) {
        const enum status status = make_room(build, key.size, value.size);
        if (status != STATUS_OK) return status;
    }
    put(&build->keys, key.data, key.size);
    put(&build->values, value.data, value.size);
    const struct block_entry entry = {
        .trailer = trailer,
        .key_end = (uint32_t)build->keys.size,
        .value_end = (uint32_t)build->values.size,
    };
    put(&build->entries, &entry, sizeof entry);
    build->count++;
    return STATUS_OK;
}

void block_build_replace(struct block_build *build, uint32_t at, struct slice value) {
    const uint32_t begin = at ? entry_at(build, at - 1)->value_end : 0;
    check(at < build->count && entry_at(build, at)->value_end - begin == value.size);
    if (value.size) memcpy(build->values.data + begin, value.data, value.size);
}

size_t block_build_size(const struct block_build *build) {
    return BLOCK_HEADER_BYTES + build->keys.size + build->values.size + (size_t)build->count * 8;
}

struct slice block_build_last_key(const struct block_build *build) {
    check(build->count > 0);
    return key_at(build, build->count - 1);
}

uint64_t block_build_last_trailer(const struct block_build *build) {
    check(build->count > 0);
    return entry_at(build, build->count - 1)->trailer;
}

/* ---- Layout ------------------------------------------------------------------------------------------------------ */

/* What must be known of all entries before the first is written. */
struct layout {
    uint32_t prefix;      /* bytes that all keys begin with */
    uint32_t tail_stride; /* the shortest tail, value */
    uint32_t value_stride;
    uint64_t sequence_base;
    unsigned tail_width, value_width, sequence_width;
    uint8_t head_size; /* of all, or BLOCK_VARIES */
    uint8_t kind;      /* of all, or BLOCK_VARIES */
    size_t tails;      /* bytes of the tails in all */
};

static uint32_t common_prefix(struct slice a, struct slice b) {
    uint32_t at = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at]) at++;
    return at;
}

static unsigned width_of(uint64_t largest) {
    return largest == 0 ? 0 : largest <= 0xff ? 1 : largest <= 0xffff ? 2 : largest <= 0xffffffff ? 4 : 8;
}

static uint8_t head_size_of(size_t suffix) {
    return suffix < BLOCK_HEAD_BYTES ? (uint8_t)suffix : BLOCK_HEAD_BYTES;
}

static struct layout layout_make(const struct block_build *build) {
    struct layout layout = {.tail_stride = UINT32_MAX, .value_stride = UINT32_MAX, .sequence_base = UINT64_MAX};
    uint32_t count = build->count;
    if (count == 0) return (struct layout){0};
    layout.prefix = common_prefix(key_at(build, 0), key_at(build, count - 1)); /* in order, so all between share it */
    layout.head_size = head_size_of(key_at(build, 0).size - layout.prefix);
    layout.kind = (uint8_t)entry_kind(entry_at(build, 0)->trailer);
    uint64_t sequence_max = 0;
    uint32_t key_begin = 0, value_begin = 0;
    for (const struct block_entry *entry = entry_at(build, 0), *end = entry + count; entry < end; entry++) {
        size_t suffix = entry->key_end - key_begin - layout.prefix;
        uint32_t tail = (uint32_t)(suffix - head_size_of(suffix));
        uint32_t value = entry->value_end - value_begin;
        key_begin = entry->key_end;
        value_begin = entry->value_end;
        layout.tails += tail;
        if (tail < layout.tail_stride) layout.tail_stride = tail;
        if (value < layout.value_stride) layout.value_stride = value;
        if (head_size_of(suffix) != layout.head_size) layout.head_size = BLOCK_VARIES;
        if (entry_kind(entry->trailer) != (enum entry_kind)layout.kind) layout.kind = BLOCK_VARIES;
        uint64_t sequence = entry_sequence(entry->trailer);
        if (sequence < layout.sequence_base) layout.sequence_base = sequence;
        if (sequence > sequence_max) sequence_max = sequence;
    }
    layout.tail_width = width_of(layout.tails - (uint64_t)count * layout.tail_stride);
    layout.value_width = width_of(build->values.size - (uint64_t)count * layout.value_stride);
    layout.sequence_width = width_of(sequence_max - layout.sequence_base);
    return layout;
}

/* The widths that there are (width_of). */
static uint8_t *put_column(uint8_t *to, unsigned width, uint64_t value) {
    switch (width) {
    case 1: *to = (uint8_t)value; break;
    case 2: coding_put_u16(to, (uint16_t)value); break;
    case 4: coding_put_u32(to, (uint32_t)value); break;
    case 8: coding_put_u64(to, value); break;
    default: break;
    }
    return to + width;
}

static uint8_t *put_header(uint8_t *to, const struct layout *layout, uint32_t count) {
    memset(to, 0, BLOCK_HEADER_BYTES);
    coding_put_u32(to, count);
    coding_put_u32(to + 4, layout->prefix);
    coding_put_u32(to + 8, layout->tail_stride);
    coding_put_u32(to + 12, layout->value_stride);
    coding_put_u64(to + 16, layout->sequence_base);
    to[24] = (uint8_t)layout->tail_width;
    to[25] = (uint8_t)layout->value_width;
    to[26] = (uint8_t)layout->sequence_width;
    to[27] = layout->head_size;
    to[28] = layout->kind;
    return to + BLOCK_HEADER_BYTES;
}

static uint8_t *put_heads(uint8_t *to, const struct block_build *build, const struct layout *layout) {
    uint32_t begin = 0;
    for (uint32_t i = 0; i < build->count; i++, to += BLOCK_HEAD_BYTES) {
        const struct slice key = slice_make(build->keys.data, entry_at(build, i)->key_end);
        coding_put_u64(to, entry_head(slice_from(key, begin + layout->prefix)));
        begin = entry_at(build, i)->key_end;
    }
    if (build->count && layout->prefix) memcpy(to, build->keys.data, layout->prefix);
    return to + layout->prefix;
}

static uint8_t *put_columns(uint8_t *to, const struct block_build *build, const struct layout *layout) {
    uint64_t tails = 0;
    for (uint32_t i = 0; i < build->count && layout->tail_width; i++) {
        size_t suffix = key_at(build, i).size - layout->prefix;
        tails += suffix - head_size_of(suffix);
        to = put_column(to, layout->tail_width, tails - (uint64_t)(i + 1) * layout->tail_stride);
    }
    for (uint32_t i = 0; i < build->count && layout->value_width; i++) {
        uint64_t end = entry_at(build, i)->value_end;
        to = put_column(to, layout->value_width, end - (uint64_t)(i + 1) * layout->value_stride);
    }
    for (uint32_t i = 0; i < build->count && layout->sequence_width; i++) {
        uint64_t sequence = entry_sequence(entry_at(build, i)->trailer);
        to = put_column(to, layout->sequence_width, sequence - layout->sequence_base);
    }
    for (uint32_t i = 0; i < build->count && layout->head_size == BLOCK_VARIES; i++) {
        *to++ = head_size_of(key_at(build, i).size - layout->prefix);
    }
    for (uint32_t i = 0; i < build->count && layout->kind == BLOCK_VARIES; i++) {
        *to++ = (uint8_t)entry_kind(entry_at(build, i)->trailer);
    }
    return to;
}

static uint8_t *put_tails(uint8_t *to, const struct block_build *build, const struct layout *layout) {
    for (uint32_t i = 0; i < build->count && layout->tails; i++) {
        struct slice suffix = slice_from(key_at(build, i), layout->prefix);
        if (suffix.size <= BLOCK_HEAD_BYTES) continue;
        memcpy(to, suffix.data + BLOCK_HEAD_BYTES, suffix.size - BLOCK_HEAD_BYTES);
        to += suffix.size - BLOCK_HEAD_BYTES;
    }
    return to;
}

enum status block_build_finish(const struct block_build *build, struct buf *to) {
    struct layout layout = layout_make(build);
    size_t per_entry = BLOCK_HEAD_BYTES + layout.tail_width + layout.value_width + layout.sequence_width +
                       (layout.head_size == BLOCK_VARIES) + (layout.kind == BLOCK_VARIES);
    size_t size = BLOCK_HEADER_BYTES + layout.prefix + build->count * per_entry + layout.tails + build->values.size;
    enum status status = buf_reserve(to, size);
    if (status != STATUS_OK) return status;
    uint8_t *start = to->data + to->size;
    uint8_t *at = put_header(start, &layout, build->count);
    at = put_heads(at, build, &layout);
    at = put_columns(at, build, &layout);
    at = put_tails(at, build, &layout);
    if (build->values.size) memcpy(at, build->values.data, build->values.size);
    check(at + build->values.size == start + size);
    to->size += size;
    return STATUS_OK;
}
