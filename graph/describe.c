/* describe: rows of the graph store, field by field; the decoders in graph/store have the last word on what is sound.
 */
#include "graph/describe.h"

#include <inttypes.h>

#include "graph/describe_parts.h"
#include "graph/graph_layout.h"
#include "graph/store/adjacency.h"
#include "graph/store/keys.h"
#include "graph/store/rows.h"

/* Rows that are never merged or appended to. */
static void expect_whole(struct fields *fields, enum row_form form) {
    if (form != ROW_VALUE) fields_fault(fields, "such rows are written whole");
}

/* ---- Graphs ------------------------------------------------------------------------------------------------------ */

static void graphs_key(struct fields *fields) {
    uint64_t values[LAYOUT_ROWS_MAX] = {0};
    (void)layout_describe(graphs_key_layout.rows, fields, values);
    if (values[layout_index(graphs_key_layout.rows, "part")] > GRAPH_PART_NAME)
        fields_fault(fields, "not a part of a graph");
}

static void graphs_value(struct fields *fields, struct slice key, enum row_form form) {
    struct graph_meta meta;
    expect_whole(fields, form);
    if (key.size && key.data[key.size - 1] == GRAPH_PART_NAME) {
        (void)layout_describe(graph_name_layout.rows, fields, NULL);
        return;
    }
    fields_judge(fields, graph_meta_decode(fields_left(fields), &meta));
    (void)layout_describe(graph_counters_layout.rows, fields, NULL);
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static void words_key(struct fields *fields) {
    uint64_t values[LAYOUT_ROWS_MAX] = {0};
    (void)layout_describe(words_key_layout.rows, fields, values);
    const uint64_t vocabulary = values[layout_index(words_key_layout.rows, "vocabulary")];
    const struct layout_case *by =
        layout_find_case(&words_key_body_layout, values[layout_index(words_key_layout.rows, "by")]);
    if (vocabulary >= GRAPH_VOCABULARIES || !by) fields_fault(fields, "not a word of a graph");
    if (!by) by = layout_find_case(&words_key_body_layout, 1);
    (void)layout_describe(by->rows, fields, NULL);
}

static void words_value(struct fields *fields, struct slice key, enum row_form form) {
    const size_t by_at = layout_offset(&words_key_layout, "by");
    uint64_t id = 0;
    expect_whole(fields, form);
    if (key.size <= by_at || key.data[by_at] == 0) {
        (void)fields_rest(fields, "text");
        return;
    }
    fields_judge(fields, graph_id_decode(fields_left(fields), &id));
    (void)layout_describe(words_row_layout.rows, fields, NULL);
}

/* ---- Nodes and edges --------------------------------------------------------------------------------------------- */

static void nodes_key(struct fields *fields) {
    (void)layout_describe(nodes_key_layout.rows, fields, NULL);
}

static void nodes_value(struct fields *fields, struct slice key, enum row_form form) {
    uint32_t labels[GRAPH_LABELS_MAX];
    struct node_row row;
    (void)key;
    expect_whole(fields, form);
    fields_judge(fields, node_row_decode(fields_left(fields), labels, &row));
    (void)layout_describe(node_row_layout.rows, fields, NULL);
    describe_labels(fields);
    (void)layout_tell(layout_row(&node_row_layout, "external id"), fields);
    describe_properties(fields);
}

static void edges_key(struct fields *fields) {
    (void)layout_describe(edges_key_layout.rows, fields, NULL);
}

static void edges_value(struct fields *fields, struct slice key, enum row_form form) {
    struct edge_row row;
    (void)key;
    expect_whole(fields, form);
    fields_judge(fields, edge_row_decode(fields_left(fields), &row));
    (void)layout_describe(edge_row_layout.rows, fields, NULL);
    describe_properties(fields);
}

/* ---- Adjacency --------------------------------------------------------------------------------------------------- */

static void adjacency_key(struct fields *fields) {
    const size_t size = decoder_left(&fields->decoder);
    if (size != GRAPH_HEAD_KEY_BYTES && size != GRAPH_BLOCK_KEY_BYTES)
        fields_fault(fields, "neither the key of a head nor of a block");
    uint64_t values[LAYOUT_ROWS_MAX] = {0};
    (void)layout_describe(adjacency_key_layout.rows, fields, values);
    if (values[layout_index(adjacency_key_layout.rows, "direction")] > GRAPH_IN)
        fields_fault(fields, "not a direction");
    if (size > GRAPH_HEAD_KEY_BYTES) (void)layout_describe(adjacency_block_key_layout.rows, fields, NULL);
}

static void head_value(struct fields *fields) {
    struct adjacency_head head;
    fields_judge(fields, adjacency_head_decode(fields_left(fields), &head));
    (void)layout_describe(adjacency_head_layout.rows, fields, NULL);
}

/* The distances of an entry become the entry. */
static void describe_group(struct fields *fields, uint64_t type) {
    const uint64_t count = layout_tell(layout_row(&adjacency_group_layout, "entries"), fields);
    uint64_t node = 0, edge = 0;
    for (uint64_t i = 0; i < count && !fields->decoder.failed; i++) {
        node += decode_varint(&fields->decoder);
        edge += (uint64_t)coding_unzigzag(decode_varint(&fields->decoder));
        fields_tell(fields, "entry", "type %" PRIu64 ", node %" PRIu64 ", edge %" PRIu64, type, node, edge);
    }
}

static void block_value(struct fields *fields) {
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    size_t count = 0;
    const enum status status = adjacency_block_decode(fields_left(fields), false, entries, &count);
    fields_judge(fields, status);
    if (status == STATUS_OK) fields_note(fields, "live entries", "%zu", count);
    (void)layout_describe(adjacency_block_layout.rows, fields, NULL);
    uint64_t type = 0;
    while (decoder_left(&fields->decoder)) {
        type += layout_read(adjacency_group_layout.rows, fields);
        fields_tell(fields, adjacency_group_layout.rows->name, "%" PRIu64, type);
        describe_group(fields, type);
    }
}

static void operand_value(struct fields *fields) {
    struct adjacency_change changes[ADJACENCY_CHANGES_MAX];
    size_t count = 0;
    fields_judge(fields, adjacency_operand_decode(fields_left(fields), changes, &count));
    (void)layout_describe(adjacency_operand_layout.rows, fields, NULL);
    while (decoder_left(&fields->decoder)) {
        const uint64_t head = decode_varint(&fields->decoder);
        const uint64_t node = decode_varint(&fields->decoder);
        const uint64_t edge = decode_varint(&fields->decoder);
        fields_tell(fields, head & 1 ? "taken out" : "put in", "type %" PRIu64 ", node %" PRIu64 ", edge %" PRIu64,
                    head >> 1, node, edge);
    }
}

static void adjacency_value(struct fields *fields, struct slice key, enum row_form form) {
    if (form == ROW_APPENDED || (form == ROW_OPERAND && key.size != GRAPH_BLOCK_KEY_BYTES))
        fields_fault(fields, "heads are written whole, blocks by operands");
    if (key.size != GRAPH_BLOCK_KEY_BYTES)
        head_value(fields);
    else if (form == ROW_OPERAND)
        operand_value(fields);
    else
        block_value(fields);
}

/* ---- Indexes ----------------------------------------------------------------------------------------------------- */

static void labels_key(struct fields *fields) {
    (void)layout_describe(labels_key_layout.rows, fields, NULL);
}

static void labels_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)fields, (void)key, (void)form; /* empty */
}

static void external_key(struct fields *fields) {
    (void)layout_describe(external_key_layout.rows, fields, NULL);
}

static void external_value(struct fields *fields, struct slice key, enum row_form form) {
    uint64_t node = 0;
    (void)key;
    expect_whole(fields, form);
    fields_judge(fields, graph_id_decode(fields_left(fields), &node));
    (void)layout_describe(external_row_layout.rows, fields, NULL);
}

const struct row_describer graph_describers[] = {
    {TREE_GRAPHS, "graph.graphs", graphs_key, graphs_value},
    {TREE_GRAPH_WORDS, "graph.words", words_key, words_value},
    {TREE_GRAPH_NODES, "graph.nodes", nodes_key, nodes_value},
    {TREE_GRAPH_EDGES, "graph.edges", edges_key, edges_value},
    {TREE_GRAPH_ADJACENCY, "graph.adjacency", adjacency_key, adjacency_value},
    {TREE_GRAPH_LABELS, "graph.labels", labels_key, labels_value},
    {TREE_GRAPH_EXTERNAL, "graph.external", external_key, external_value},
};
const size_t graph_describer_count = sizeof graph_describers / sizeof graph_describers[0];
