/*
 * table_row: what the manifest says of a table, out of what the table says of itself. Whoever adds a table to a store
 * (flush, compaction, ingest, repair) begins with this, and then sets what he knows better.
 */
#ifndef ENGINE_LSM_TABLE_ROW_H
#define ENGINE_LSM_TABLE_ROW_H

#include "engine/lsm/edit.h"
#include "engine/sst/sst.h"

/* Keys are borrowed from the properties; droppable_ms = never, no values kept apart. number and store: its identity. */
void table_row_from(struct edit_file *meta, const struct sst_properties *properties, uint64_t number, uint64_t store);

#endif
