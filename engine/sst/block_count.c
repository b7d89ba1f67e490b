/* block_count: sums over columns. A column that is not there says the same of every entry. */
#include "engine/sst/block_count.h"

static uint64_t head_bytes(const struct sst_block_view *view) {
    if (view->head_size != BLOCK_VARIES) return (uint64_t)view->head_size * view->count;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < view->count; i++) bytes += view->bytes[view->head_sizes + i];
    return bytes;
}

static void count_kinds(const struct sst_block_view *view, struct block_counts *counts) {
    if (view->kind != BLOCK_VARIES) {
        counts->kinds[view->kind] = view->count;
        return;
    }
    for (uint32_t i = 0; i < view->count; i++) counts->kinds[view->bytes[view->kinds + i]]++;
}

static void span_sequences(const struct sst_block_view *view, struct block_counts *counts) {
    uint64_t lowest = 0, highest = 0;
    if (view->sequence_width) {
        lowest = UINT64_MAX;
        for (uint32_t i = 0; i < view->count; i++) {
            const uint64_t delta =
                block_view_column(view, view->sequences, view->sequence_width, view->sequence_mask, i);
            if (delta < lowest) lowest = delta;
            if (delta > highest) highest = delta;
        }
    }
    counts->first_sequence = view->sequence_base + lowest;
    counts->last_sequence = view->sequence_base + highest;
}

void block_count(const struct sst_block_view *view, struct block_counts *counts) {
    *counts = (struct block_counts){.key_bytes = (uint64_t)view->prefix_size * view->count + head_bytes(view) +
                                                 block_view_tail_end(view, view->count - 1),
                                    .value_bytes = block_view_value_end(view, view->count - 1)};
    count_kinds(view, counts);
    span_sequences(view, counts);
}
