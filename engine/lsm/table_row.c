/* table_row: one place where properties become a row. */
#include "engine/lsm/table_row.h"

void table_row_from(struct edit_file *meta, const struct sst_properties *properties, uint64_t number, uint64_t store) {
    *meta = (struct edit_file){
        .number = number,
        .store = store,
        .instance = properties->origin.tree,
        .level = properties->origin.level,
        .bytes = properties->file_bytes,
        .first = properties->first,
        .last = properties->has_last ? properties->last : slice_make(NULL, 0),
        .has_last = properties->has_last,
        .last_exclusive = properties->has_last && properties->last_exclusive,
        .codec = properties->codec,
        .entries = properties->entries,
        .deletes = properties->deletes,
        .operands = properties->merges + properties->appends,
        .range_deletes = properties->range_deletes,
        .first_sequence = properties->first_sequence,
        .last_sequence = properties->last_sequence,
        .created_ms = properties->origin.created_ms,
        .oldest_ms = properties->origin.oldest_time_ms,
        .droppable_ms = INT64_MAX,
    };
}
