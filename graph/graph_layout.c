/* graph_layout: see graph_layout.h. Names, and the meanings that FORMAT.md prints. */
#include "graph/graph_layout.h"

#include "graph/describe_parts.h"
#include "graph/op.h"
#include "graph/property.h"
#include "graph/store/keys.h"

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static const struct layout_name parts[] = {
    {GRAPH_PART_META, "counters", NULL},
    {GRAPH_PART_NAME, "name", NULL},
    {.name = NULL},
};
static const struct layout_row graphs_key_rows[] = {
    {"graph", LAYOUT_KEY_U64, .meaning = "the graph's id"},
    {"part", LAYOUT_U8, LAYOUT_AS_NAMED, .names = parts},
    {.name = NULL},
};
const struct layout graphs_key_layout = {.name = "key of graph.graphs", .rows = graphs_key_rows};

static const struct layout_name ways[] = {{0, "id", NULL}, {1, "text", NULL}, {.name = NULL}};
static const struct layout_row words_key_rows[] = {
    {"graph", LAYOUT_KEY_U64, .meaning = "the graph's id"},
    {"vocabulary", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = graph_vocabulary_name, .names_last = GRAPH_KEY,
     .other = "not known", .meaning = "whose word it is; a key is a property's"},
    {"by", LAYOUT_U8, LAYOUT_AS_NAME, .names = ways, .meaning = "by what it is looked up"},
    {"body", LAYOUT_CODE, .text = "", .meaning = "by that"},
    {.name = NULL},
};
const struct layout words_key_layout = {.name = "key of graph.words", .rows = words_key_rows};

static const struct layout_row word_id_rows[] = {
    {"id", LAYOUT_KEY_U32, .meaning = "of the word"},
    {.name = NULL},
};
static const struct layout_row word_text_rows[] = {
    {"text", LAYOUT_REST, .meaning = "of the word"},
    {.name = NULL},
};
static const struct layout_case word_bodies[] = {
    {0, "id", .rows = word_id_rows},
    {1, "text", .rows = word_text_rows},
    {.name = NULL},
};
const struct layout words_key_body_layout = {
    .name = "rest of a key of graph.words", .cases = word_bodies, .chosen_by = "by"};

static const struct layout_row nodes_key_rows[] = {
    {"graph", LAYOUT_KEY_U64, .meaning = "the graph's id"},
    {"node", LAYOUT_KEY_U64, .meaning = "its id"},
    {.name = NULL},
};
const struct layout nodes_key_layout = {.name = "key of graph.nodes", .rows = nodes_key_rows};

static const struct layout_row edges_key_rows[] = {
    {"graph", LAYOUT_KEY_U64, .meaning = "the graph's id"},
    {"edge", LAYOUT_KEY_U64, .meaning = "its id"},
    {.name = NULL},
};
const struct layout edges_key_layout = {.name = "key of graph.edges", .rows = edges_key_rows};

static const struct layout_name directions[] = {{GRAPH_OUT, "out", NULL}, {GRAPH_IN, "in", NULL}, {.name = NULL}};
static const struct layout_row adjacency_key_rows[] = {
    {"graph", LAYOUT_KEY_U64, .meaning = "the graph's id"},
    {"node", LAYOUT_KEY_U64, .meaning = "whose list it is"},
    {"direction", LAYOUT_U8, LAYOUT_AS_NAMED, .names = directions},
    {.name = NULL},
};
const struct layout adjacency_key_layout = {.name = "key of a head in graph.adjacency", .rows = adjacency_key_rows};

static const struct layout_row adjacency_block_key_rows[] = {
    {"block", LAYOUT_KEY_U32, .meaning = "its number"},
    {.name = NULL},
};
const struct layout adjacency_block_key_layout = {
    .name = "rest of the key of a block", .rows = adjacency_block_key_rows, .begins_at = GRAPH_HEAD_KEY_BYTES};

static const struct layout_row labels_key_rows[] = {
    {"graph", LAYOUT_KEY_U64, .meaning = "the graph's id"},
    {"label", LAYOUT_KEY_U32, .meaning = "its id"},
    {"node", LAYOUT_KEY_U64, .meaning = "that has it"},
    {.name = NULL},
};
const struct layout labels_key_layout = {.name = "key of graph.labels", .rows = labels_key_rows};

static const struct layout_row external_key_rows[] = {
    {"graph", LAYOUT_KEY_U64, .meaning = "the graph's id"},
    {"external id", LAYOUT_REST, .meaning = "of an imported node"},
    {.name = NULL},
};
const struct layout external_key_layout = {.name = "key of graph.external", .rows = external_key_rows};

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static const struct layout_row graph_name_rows[] = {
    {"name", LAYOUT_REST, .meaning = "as in the name space"},
    {.name = NULL},
};
const struct layout graph_name_layout = {.name = "name of a graph", .rows = graph_name_rows};

static const struct layout_row graph_counters_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"change", LAYOUT_VARINT, .meaning = "index of the entry that changed the graph last"},
    {"next node", LAYOUT_VARINT, .meaning = "ids given out so far; ids are never used again"},
    {"next edge", LAYOUT_VARINT, .meaning = "likewise"},
    {"nodes", LAYOUT_VARINT, .meaning = "live ones, at most the ids given out"},
    {"edges", LAYOUT_VARINT, .meaning = "likewise"},
    {"labels", LAYOUT_VARINT, .meaning = "words known, at most 65535"},
    {"types", LAYOUT_VARINT, .meaning = "likewise"},
    {"keys", LAYOUT_VARINT, .meaning = "likewise"},
    {.name = NULL},
};
const struct layout graph_counters_layout = {.name = "counters of a graph", .rows = graph_counters_rows};

static const struct layout_row words_row_rows[] = {
    {"id", LAYOUT_VARINT, .meaning = "of the word"},
    {.name = NULL},
};
const struct layout words_row_layout = {.name = "row of graph.words by text", .rows = words_row_rows};

static const struct layout_row external_row_rows[] = {
    {"node", LAYOUT_VARINT, .meaning = "its id"},
    {.name = NULL},
};
const struct layout external_row_layout = {.name = "row of graph.external", .rows = external_row_rows};

static const struct layout_row label_list_rows[] = {
    {"labels", LAYOUT_VARINT, .meaning = "how many, at most 64"},
    {"label", LAYOUT_CODE, .text = "varint each", .meaning = "first id; then distances, each above 0"},
    {.name = NULL},
};
const struct layout label_list_layout = {.name = "list of labels", .rows = label_list_rows};

static const struct layout_row node_row_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"labels", LAYOUT_CODE, .text = "list of labels", .meaning = "ascending"},
    {"external id", LAYOUT_STRING, .meaning = "at most 4096 bytes: of an imported node; empty = none"},
    {"properties", LAYOUT_CODE, .text = "the rest", .meaning = "property list"},
    {.name = NULL},
};
const struct layout node_row_layout = {.name = "row of a node", .rows = node_row_rows};

static const struct layout_row edge_row_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"source", LAYOUT_VARINT, .meaning = "node"},
    {"destination", LAYOUT_VARINT, .meaning = "node"},
    {"type", LAYOUT_VARINT, .meaning = "below 65535"},
    {"block at the source", LAYOUT_VARINT,
     .meaning = "out block, at most 32 bits: in which block of the source's list its entry lies"},
    {"block at the destination", LAYOUT_VARINT, .meaning = "in block: the same of the destination's"},
    {"properties", LAYOUT_CODE, .text = "the rest", .meaning = "property list"},
    {.name = NULL},
};
const struct layout edge_row_layout = {.name = "row of an edge", .rows = edge_row_rows};

static const struct layout_row property_rows[] = {
    {"key", LAYOUT_VARINT, .meaning = "its key's id"},
    {"value", LAYOUT_CODE, .text = "value", .meaning = "a tag byte and its content; told as a whole"},
    {.name = NULL},
};
const struct layout property_layout = {.name = "property", .rows = property_rows};

static const struct layout_row integer_rows[] = {{"integer", LAYOUT_ZIGZAG, .meaning = NULL}, {.name = NULL}};
static const struct layout_row float_rows[] = {
    {"float", LAYOUT_U64, .meaning = "IEEE 754, every bit kept"},
    {.name = NULL},
};
static const struct layout_row string_rows[] = {{"string", LAYOUT_STRING, .meaning = NULL}, {.name = NULL}};
static const struct layout_row list_rows[] = {
    {"count", LAYOUT_VARINT, .meaning = "then so many values, none of them a list"},
    {.name = NULL},
};
static const struct layout_case values[] = {
    {GRAPH_PROPERTY_FALSE, "false", .rows = NULL},
    {GRAPH_PROPERTY_TRUE, "true", .rows = NULL},
    {GRAPH_PROPERTY_INTEGER, "integer", .rows = integer_rows},
    {GRAPH_PROPERTY_FLOAT, "float", .rows = float_rows},
    {GRAPH_PROPERTY_STRING, "string", .rows = string_rows},
    {GRAPH_PROPERTY_LIST, "list", .rows = list_rows},
    {.name = NULL},
};
const struct layout property_value_layout = {.name = "value of a property", .cases = values, .chosen_by = "tag"};

/* ---- Adjacency --------------------------------------------------------------------------------------------------- */

static const struct layout_row adjacency_head_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"degree", LAYOUT_VARINT, .meaning = "live entries; a list without any has neither head nor blocks"},
    {"next slot", LAYOUT_VARINT, .meaning = "slots given out since the list began; not below degree, below 2^40"},
    {.name = NULL},
};
const struct layout adjacency_head_layout = {.name = "adjacency head", .rows = adjacency_head_rows};

static const struct layout_row adjacency_block_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"groups", LAYOUT_CODE, .text = "groups", .meaning = "to the end, by type, ascending"},
    {.name = NULL},
};
const struct layout adjacency_block_layout = {.name = "adjacency block", .rows = adjacency_block_rows};

static const struct layout_row adjacency_group_rows[] = {
    {"type", LAYOUT_VARINT, .meaning = "distance from the group before; above 0 but in the first"},
    {"entries", LAYOUT_VARINT, .meaning = "at least 1; at most 256 in the whole block"},
    {"entry", LAYOUT_CODE, .text = "varint, zigzag varint each",
     .meaning = "distance of the neighbour and of the edge from the entry before it in the group (from 0 in the "
                "first); the edge's modulo 2^64, the neighbour's never wraps"},
    {.name = NULL},
};
const struct layout adjacency_group_layout = {.name = "adjacency group", .rows = adjacency_group_rows};

static const struct layout_row adjacency_operand_rows[] = {
    {"version", LAYOUT_U8, .meaning = "0x81"},
    {"put in", LAYOUT_CODE, .text = "varint, varint, varint", .meaning = "type * 2; neighbour; edge"},
    {"taken out", LAYOUT_CODE, .text = "varint, varint, varint",
     .meaning = "type * 2 + 1; neighbour; edge. Changes of both forms to the end"},
    {.name = NULL},
};
const struct layout adjacency_operand_layout = {.name = "adjacency operand", .rows = adjacency_operand_rows};

/* ---- Operations -------------------------------------------------------------------------------------------------- */

static const char *kind_name(uint64_t kind) {
    return graph_op_kind_name((enum graph_op_kind)kind);
}
static const char *record_name(uint64_t kind) {
    return kind <= GRAPH_RECORD_IMPORT_EDGE ? graph_record_kind_name((enum graph_record_kind)kind) : "unknown";
}

static const struct layout_row graph_operation_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"operation", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = kind_name, .names_last = GRAPH_OP_DELETE, .other = "unknown",
     .meaning = "a delete has no records"},
    {"graph name", LAYOUT_STRING, .meaning = "of the graph"},
    {"computed on change", LAYOUT_CODE, .text = "varint, of effects",
     .meaning = "the graph's `change` that they were computed on, 0 = there was none"},
    {"flags", LAYOUT_CODE, .text = "varint, of an import", .meaning = "bit 0 = missing ends of edges are made"},
    {"number", LAYOUT_CODE, .text = "varint, of a delete", .meaning = "0"},
    {.name = NULL},
};
const struct layout graph_operation_layout = {.name = "operation of graph", .rows = graph_operation_rows};

static const struct layout_row graph_record_rows[] = {
    {"record", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = record_name, .names_last = GRAPH_RECORD_IMPORT_EDGE,
     .other = "unknown", .meaning = "what follows"},
    {"body", LAYOUT_CODE, .text = "fields", .meaning = "by that"},
    {.name = NULL},
};
const struct layout graph_record_layout = {.name = "record of an operation", .rows = graph_record_rows};

static const struct layout_row word_rows[] = {
    {"vocabulary", LAYOUT_VARINT, LAYOUT_AS_NAMED, .name_of = graph_vocabulary_name, .names_last = GRAPH_KEY,
     .other = "not known"},
    {"text", LAYOUT_STRING, .meaning = "1..4096 bytes"},
    {.name = NULL},
};
static const struct layout_row create_node_rows[] = {
    {"labels", LAYOUT_CODE, .text = "list of labels", .meaning = "as in a node's row"},
    {"properties", LAYOUT_STRING, .meaning = "property list"},
    {.name = NULL},
};
static const struct layout_row create_edge_rows[] = {
    {"type", LAYOUT_VARINT, .meaning = "its id"},
    {"source", LAYOUT_VARINT, .meaning = "its id"},
    {"destination", LAYOUT_VARINT, .meaning = "its id"},
    {"properties", LAYOUT_STRING, .meaning = "property list"},
    {.name = NULL},
};
static const struct layout_row delete_node_rows[] = {
    {"node", LAYOUT_VARINT, .meaning = "its id"},
    {.name = NULL},
};
static const struct layout_row delete_edge_rows[] = {
    {"edge", LAYOUT_VARINT, .meaning = "its id"},
    {.name = NULL},
};
static const struct layout_row set_node_property_rows[] = {
    {"node", LAYOUT_VARINT, .meaning = "its id"},
    {"key", LAYOUT_VARINT, .meaning = "its id"},
    {"value", LAYOUT_STRING, .meaning = "empty = remove"},
    {.name = NULL},
};
static const struct layout_row set_edge_property_rows[] = {
    {"edge", LAYOUT_VARINT, .meaning = "its id"},
    {"key", LAYOUT_VARINT, .meaning = "its id"},
    {"value", LAYOUT_STRING, .meaning = "empty = remove"},
    {.name = NULL},
};
static const struct layout_row add_label_rows[] = {
    {"node", LAYOUT_VARINT, .meaning = "its id"},
    {"label", LAYOUT_VARINT, .meaning = "its id"},
    {.name = NULL},
};
static const struct layout_row remove_label_rows[] = {
    {"node", LAYOUT_VARINT, .meaning = "its id"},
    {"label", LAYOUT_VARINT, .meaning = "its id"},
    {.name = NULL},
};
static const struct layout_row import_node_rows[] = {
    {"labels", LAYOUT_CODE, .text = "list of labels", .meaning = "as in a node's row"},
    {"external id", LAYOUT_STRING, .meaning = "1..4096 bytes"},
    {"properties", LAYOUT_STRING, .meaning = "property list"},
    {.name = NULL},
};
static const struct layout_row import_edge_rows[] = {
    {"type", LAYOUT_VARINT, .meaning = "its id"},
    {"source", LAYOUT_STRING, .meaning = "external id, 1..4096 bytes"},
    {"destination", LAYOUT_STRING, .meaning = "external id, 1..4096 bytes"},
    {"properties", LAYOUT_STRING, .meaning = "property list"},
    {.name = NULL},
};
static const struct layout_case records[] = {
    {GRAPH_RECORD_WORD, "word", .meaning = "in effects, import", .rows = word_rows},
    {GRAPH_RECORD_CREATE_NODE, "create_node", .meaning = "in effects", .rows = create_node_rows},
    {GRAPH_RECORD_CREATE_EDGE, "create_edge", .meaning = "in effects", .rows = create_edge_rows},
    {GRAPH_RECORD_DELETE_NODE, "delete_node", .meaning = "in effects", .rows = delete_node_rows},
    {GRAPH_RECORD_DELETE_EDGE, "delete_edge", .meaning = "in effects", .rows = delete_edge_rows},
    {GRAPH_RECORD_SET_NODE_PROPERTY, "set_node_property", .meaning = "in effects", .rows = set_node_property_rows},
    {GRAPH_RECORD_SET_EDGE_PROPERTY, "set_edge_property", .meaning = "in effects", .rows = set_edge_property_rows},
    {GRAPH_RECORD_ADD_LABEL, "add_label", .meaning = "in effects", .rows = add_label_rows},
    {GRAPH_RECORD_REMOVE_LABEL, "remove_label", .meaning = "in effects", .rows = remove_label_rows},
    {GRAPH_RECORD_IMPORT_NODE, "import_node", .meaning = "in import", .rows = import_node_rows},
    {GRAPH_RECORD_IMPORT_EDGE, "import_edge", .meaning = "in import", .rows = import_edge_rows},
    {.name = NULL},
};
const struct layout graph_record_body_layout = {.name = "body of a record", .cases = records, .chosen_by = "record"};
