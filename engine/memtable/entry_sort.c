/*
 * entry_sort: a stable sort of entries that were turned round before, so that of those with the same key the newest
 * comes first without a look at sequences. Invariant: a call for keys from `from` on gets entries that agree before it.
 */
#include "engine/memtable/entry_sort.h"

#include <string.h>

enum {
    HEAD_BYTES = 8,
    RADIX_LEAST = 256,   /* fewer are merged */
    INSERTION_MOST = 12, /* so few are inserted one by one */
    RADIX_DEPTH = 64,    /* bytes of keys that are looked at as numbers, eight at a time; the rest are compared */
    AHEAD = 8,           /* entries between the one that is looked at and the one that is fetched */
};

static void turn_round(struct entry_item *items, size_t count) {
    for (size_t i = 0; i < count / 2; i++) {
        const struct entry_item item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

/* ---- Few, or alike for long -------------------------------------------------------------------------------------- */

static struct slice rest_of(const struct entry_item *item, size_t from) {
    return slice_make(item->node->bytes + from, item->node->key_size - from);
}

/* `from`: both keys have so many bytes, and the same ones. */
static bool is_before(const struct entry_item *a, const struct entry_item *b, size_t from) {
    if (a->head != b->head) return a->head < b->head;
    return slice_compare(rest_of(a, from), rest_of(b, from)) < 0;
}

static void insert_each(struct entry_item *items, size_t count, size_t from) {
    for (size_t i = 1; i < count; i++) {
        const struct entry_item item = items[i];
        size_t at = i;
        for (; at > 0 && is_before(&item, &items[at - 1], from); at--) items[at] = items[at - 1];
        items[at] = item;
    }
}

static void merge_sort(struct entry_item *items, struct entry_item *temp, size_t count, size_t from) {
    if (count <= INSERTION_MOST) {
        insert_each(items, count, from);
        return;
    }
    const size_t half = count / 2;
    merge_sort(items, temp, half, from);
    merge_sort(items + half, temp, count - half, from);
    if (!is_before(&items[half], &items[half - 1], from)) return;
    memcpy(temp, items, half * sizeof *items);
    size_t left = 0, right = half, to = 0;
    while (left < half && right < count)
        items[to++] = is_before(&items[right], &temp[left], from) ? items[right++] : temp[left++];
    memcpy(items + to, temp + left, (half - left) * sizeof *items);
}

/* ---- Many, by their heads ---------------------------------------------------------------------------------------- */

/* The bits in which any two heads differ. */
static uint64_t differing_bits(const struct entry_item *items, size_t count) {
    uint64_t bits = 0;
    for (size_t i = 1; i < count; i++) bits |= items[i].head ^ items[0].head;
    return bits;
}

/* By the byte of the head that begins at bit `shift`, and as they stood where it is the same. Not inlined: the counts
 * are large, and the sort of a part comes from within that of the whole. */
static __attribute__((noinline)) void sort_by_byte(const struct entry_item *from, struct entry_item *to, size_t count,
                                                   unsigned shift) {
    uint32_t begins[256] = {0}, sum = 0;
    for (size_t i = 0; i < count; i++) begins[from[i].head >> shift & 0xff]++;
    for (unsigned value = 0; value < 256; value++) {
        const uint32_t here = begins[value];
        begins[value] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++) to[begins[from[i].head >> shift & 0xff]++] = from[i];
}

/* From the lowest byte to the highest, those left out in which all agree. */
static void sort_by_head(struct entry_item *items, struct entry_item *temp, size_t count) {
    const uint64_t bits = differing_bits(items, count);
    struct entry_item *from = items, *to = temp;
    for (unsigned shift = 0; shift < 8 * HEAD_BYTES; shift += 8) {
        if (!(bits >> shift & 0xff)) continue;
        sort_by_byte(from, to, count, shift);
        struct entry_item *other = from;
        from = to;
        to = other;
    }
    if (from != items) memcpy(items, from, count * sizeof *items);
}

static void sort(struct entry_item *items, struct entry_item *temp, size_t count, size_t from);

/* What stands behind `from` in the key, as a head. */
static uint64_t head_from(const struct memtable_node *node, size_t from) {
    return entry_head(slice_make(node->bytes + from, node->key_size - from));
}

/* Entries whose heads are equal: the eight bytes from `from` on, zeros where a key ends before. */
static void sort_equals(struct entry_item *items, struct entry_item *temp, size_t count, size_t from) {
    const uint64_t head = items[0].head;
    bool ends = count < RADIX_LEAST;
    for (size_t i = 0; i < count && !ends; i++) ends = items[i].node->key_size < from + HEAD_BYTES;
    if (ends) {
        merge_sort(items, temp, count, from);
        return;
    }
    for (size_t i = 0; i < count; i++) items[i].head = head_from(items[i].node, from + HEAD_BYTES);
    sort(items, temp, count, from + HEAD_BYTES);
    for (size_t i = 0; i < count; i++) items[i].head = head;
}

static void fetch(const struct entry_item *item) {
    __builtin_prefetch(item->node);
    __builtin_prefetch(item->node->bytes);
}

static void sort(struct entry_item *items, struct entry_item *temp, size_t count, size_t from) {
    if (count < RADIX_LEAST || from >= RADIX_DEPTH) {
        merge_sort(items, temp, count, from);
        return;
    }
    sort_by_head(items, temp, count);
    for (size_t begin = 0, end; begin < count; begin = end) {
        const size_t ahead = begin + AHEAD;
        if (ahead + 1 < count && items[ahead].head == items[ahead + 1].head) {
            fetch(&items[ahead]);
            fetch(&items[ahead + 1]);
        }
        for (end = begin + 1; end < count && items[end].head == items[begin].head;) end++;
        if (end - begin > 1) sort_equals(items + begin, temp, end - begin, from);
    }
}

static bool is_sorted(const struct entry_item *items, size_t count) {
    for (size_t i = 1; i < count; i++)
        if (items[i - 1].head >= items[i].head) return false;
    return true;
}

void entry_sort(struct entry_item *items, struct entry_item *temp, size_t count) {
    if (is_sorted(items, count)) return;
    turn_round(items, count);
    sort(items, temp, count, 0);
}

/* ---- By two ------------------------------------------------------------------------------------------------------ */

/* By the first byte in which any differ: where one value's entries end, as near to the middle as there is such a place.
 */
bool entry_sort_cut(const struct entry_item *items, size_t count, struct entry_cut *cut) {
    const uint64_t bits = differing_bits(items, count);
    uint32_t counts[256] = {0};
    size_t below = 0, least = SIZE_MAX;
    if (bits == 0) return false;
    const unsigned shift = (63 - (unsigned)__builtin_clzll(bits)) / 8 * 8;
    const uint64_t before = shift == 56 ? 0 : items[0].head >> (shift + 8) << (shift + 8); /* which all have */
    for (size_t i = 0; i < count; i++) counts[items[i].head >> shift & 0xff]++;
    for (uint64_t value = 1; value < 256; value++) {
        below += counts[value - 1];
        const size_t larger = below > count - below ? below : count - below;
        if (larger >= least || larger == count) continue;
        least = larger;
        *cut = (struct entry_cut){.border = before | value << shift, .first = below};
    }
    return true;
}

void entry_sort_pick(const struct entry_item *items, size_t count, const struct entry_cut *cut, size_t at,
                     struct entry_item *part) {
    size_t picked = 0;
    const size_t most = at == 0 ? cut->first : count - cut->first;
    for (size_t i = 0; i < count && picked < most; i++) {
        part[picked] = items[i];
        picked += (items[i].head >= cut->border) == (at == 1);
    }
}
