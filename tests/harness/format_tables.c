/* format_tables: see format_tables.h. A new table is a row here. */
#include "tests/harness/format_tables.h"

#include "engine/lsm/lsm_layout_format.h"
#include "engine/names/names_layout_format.h"
#include "engine/sst/sst_layout_format.h"
#include "engine/values/value_layout_format.h"
#include "engine/wal/wal_layout_format.h"
#include "graph/graph_layout.h"
#include "kv/kv_layout.h"
#include "raft/log/log_layout_format.h"
#include "raft/message/message_layout_format.h"
#include "tools/loam/simulate/write_trace_layout.h"
#include "tsdb/tsdb_layout.h"

#define TABLE(symbol)                                                                                                  \
    { #symbol, &symbol }
#define PAGE(path, header, tables)                                                                                     \
    { path, header, tables, sizeof tables / sizeof *tables }

static const struct format_table lsm_tables[] = {
    TABLE(superblock_slot_layout), TABLE(manifest_header_layout),
    TABLE(manifest_sector_layout), TABLE(edit_layout),
    TABLE(edit_field_layout),      TABLE(edit_body_layout),
    TABLE(edit_attribute_layout),  TABLE(edit_attribute_value_layout),
    TABLE(batch_operation_layout), TABLE(batch_body_layout),
    TABLE(batch_record_layout),    TABLE(batch_compact_record_layout),
};

static const struct format_table sst_tables[] = {
    TABLE(sst_header_layout),      TABLE(sst_unit_layout),        TABLE(sst_block_layout),
    TABLE(sst_index_value_layout), TABLE(sst_range_value_layout), TABLE(sst_dictionary_layout),
    TABLE(sst_filter_layout),      TABLE(sst_property_layout),    TABLE(sst_property_value_layout),
    TABLE(sst_footer_layout),
};

static const struct format_table value_tables[] = {
    TABLE(value_header_layout),
    TABLE(value_record_layout),
    TABLE(value_footer_layout),
    TABLE(value_reference_layout),
};

static const struct format_table wal_tables[] = {
    TABLE(wal_header_layout), TABLE(wal_loose_header_layout), TABLE(wal_stamp_layout),
    TABLE(wal_group_layout),  TABLE(wal_record_layout),       TABLE(wal_compact_layout),
};

static const struct format_table names_tables[] = {
    TABLE(names_key_layout),      TABLE(names_row_layout),      TABLE(names_expiry_key_layout),
    TABLE(names_meta_key_layout), TABLE(names_meta_row_layout),
};

static const struct format_table raft_log_tables[] = {
    TABLE(node_state_layout), TABLE(raft_record_layout), TABLE(configuration_layout),
    TABLE(envelope_layout),   TABLE(own_layout),         TABLE(own_body_layout),
    TABLE(member_layout),     TABLE(system_key_layout),  TABLE(system_key_body_layout),
    TABLE(system_row_layout),
};

static const struct format_table message_tables[] = {
    TABLE(frame_layout),         TABLE(handshake_layout),     TABLE(driver_message_layout),
    TABLE(snapshot_head_layout), TABLE(snapshot_file_layout),
};

static const struct format_table kv_tables[] = {
    TABLE(kv_operation_layout),
};

static const struct format_table tsdb_tables[] = {
    TABLE(series_key_layout),     TABLE(chunk_key_layout), TABLE(label_key_layout),   TABLE(series_row_layout),
    TABLE(settings_layout),       TABLE(chunk_layout),     TABLE(chunk_open_layout),  TABLE(chunk_gorilla_layout),
    TABLE(tsdb_operation_layout), TABLE(tsdb_body_layout), TABLE(tsdb_sample_layout),
};

static const struct format_table graph_tables[] = {
    TABLE(graphs_key_layout),          TABLE(graph_counters_layout),  TABLE(graph_name_layout),
    TABLE(words_key_layout),           TABLE(words_key_body_layout),  TABLE(words_row_layout),
    TABLE(nodes_key_layout),           TABLE(edges_key_layout),       TABLE(adjacency_key_layout),
    TABLE(adjacency_block_key_layout), TABLE(labels_key_layout),      TABLE(external_key_layout),
    TABLE(external_row_layout),        TABLE(node_row_layout),        TABLE(edge_row_layout),
    TABLE(label_list_layout),          TABLE(property_layout),        TABLE(property_value_layout),
    TABLE(adjacency_head_layout),      TABLE(adjacency_block_layout), TABLE(adjacency_group_layout),
    TABLE(adjacency_operand_layout),   TABLE(graph_operation_layout), TABLE(graph_record_layout),
    TABLE(graph_record_body_layout),
};

static const struct format_table trace_tables[] = {
    TABLE(trace_frame_layout),
    TABLE(trace_write_layout),
    TABLE(trace_write_body_layout),
};

const struct format_page format_pages[] = {
    PAGE("engine/lsm/FORMAT.md", "engine/lsm/lsm_layout_format.h", lsm_tables),
    PAGE("engine/sst/FORMAT.md", "engine/sst/sst_layout_format.h", sst_tables),
    PAGE("engine/values/FORMAT.md", "engine/values/value_layout_format.h", value_tables),
    PAGE("engine/wal/FORMAT.md", "engine/wal/wal_layout_format.h", wal_tables),
    PAGE("engine/names/FORMAT.md", "engine/names/names_layout_format.h", names_tables),
    PAGE("raft/log/FORMAT.md", "raft/log/log_layout_format.h", raft_log_tables),
    PAGE("raft/message/FORMAT.md", "raft/message/message_layout_format.h", message_tables),
    PAGE("kv/FORMAT.md", "kv/kv_layout.h", kv_tables),
    PAGE("tsdb/FORMAT.md", "tsdb/tsdb_layout.h", tsdb_tables),
    PAGE("graph/FORMAT.md", "graph/graph_layout.h", graph_tables),
    PAGE("tools/loam/simulate/FORMAT.md", "tools/loam/simulate/write_trace_layout.h", trace_tables),
};
const size_t format_page_count = sizeof format_pages / sizeof *format_pages;

static bool rows_name(const struct layout_row *rows, const char *name) {
    for (const struct layout_row *row = rows; row && row->name; row++) {
        if (row->form == LAYOUT_TIMES && rows_name(row->of, name)) return true;
        if (strcmp(row->name, name) == 0) return true;
    }
    return false;
}

static bool layout_names(const struct layout *layout, const char *name) {
    if (rows_name(layout->rows, name)) return true;
    for (const struct layout_case *one = layout->cases; one && one->name; one++)
        if (strcmp(one->name, name) == 0 || rows_name(one->rows, name)) return true;
    return false;
}

bool format_tables_name(const char *name) {
    for (size_t i = 0; i < format_page_count; i++)
        for (size_t t = 0; t < format_pages[i].count; t++)
            if (layout_names(format_pages[i].tables[t].layout, name)) return true;
    return false;
}
