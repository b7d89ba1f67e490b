/*
 * graph_layout: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and the
 * tools are made from them.
 */
#ifndef GRAPH_GRAPH_LAYOUT_H
#define GRAPH_GRAPH_LAYOUT_H

#include "engine/base/layout.h"

extern const struct layout graphs_key_layout;
extern const struct layout graph_counters_layout;
extern const struct layout graph_name_layout;
extern const struct layout words_key_layout;
extern const struct layout words_key_body_layout;
extern const struct layout words_row_layout;
extern const struct layout nodes_key_layout;
extern const struct layout edges_key_layout;
extern const struct layout adjacency_key_layout;
extern const struct layout adjacency_block_key_layout;
extern const struct layout labels_key_layout;
extern const struct layout external_key_layout;
extern const struct layout external_row_layout;
extern const struct layout node_row_layout;
extern const struct layout edge_row_layout;
extern const struct layout label_list_layout;
extern const struct layout property_layout;
extern const struct layout property_value_layout;
extern const struct layout adjacency_head_layout;
extern const struct layout adjacency_block_layout;
extern const struct layout adjacency_group_layout;
extern const struct layout adjacency_operand_layout;
extern const struct layout graph_operation_layout;
extern const struct layout graph_record_layout;
extern const struct layout graph_record_body_layout;

#endif
