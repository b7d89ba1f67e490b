/* describe: rows of the graph store, field by field; the decoders in graph/store have the last word on what is sound.
 */
#include "graph/describe.h"

#include <inttypes.h>

#include "graph/describe_parts.h"
#include "graph/store/adjacency.h"
#include "graph/store/keys.h"
#include "graph/store/rows.h"

/* Rows that are never merged or appended to. */
static void expect_whole(struct fields *fields, enum row_form form) {
    if (form != ROW_VALUE) fields_fault(fields, "such rows are written whole");
}

/* ---- Graphs ------------------------------------------------------------------------------------------------------ */

static void graphs_key(struct fields *fields) {
    (void)fields_key_u64(fields, "graph");
    const uint8_t part = decode_u8(&fields->decoder);
    fields_tell(fields, "part", "%u: %s", part,
                part == GRAPH_PART_META   ? "counters"
                : part == GRAPH_PART_NAME ? "name"
                                          : "not known");
    if (part > GRAPH_PART_NAME) fields_fault(fields, "not a part of a graph");
}

static void graphs_value(struct fields *fields, struct slice key, enum row_form form) {
    static const char *const names[] = {"change", "next node", "next edge", "nodes",
                                        "edges",  "labels",    "types",     "keys"};
    struct graph_meta meta;
    expect_whole(fields, form);
    if (key.size && key.data[key.size - 1] == GRAPH_PART_NAME) {
        (void)fields_rest(fields, "name");
        return;
    }
    fields_judge(fields, graph_meta_decode(fields_left(fields), &meta));
    (void)fields_u8(fields, "version");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) (void)fields_varint(fields, names[i]);
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

enum { WORD_BY_AT = 9 }; /* where a key says by what it is looked up: 0 by id, 1 by text */

static void words_key(struct fields *fields) {
    (void)fields_key_u64(fields, "graph");
    const uint8_t vocabulary = decode_u8(&fields->decoder);
    fields_tell(fields, "vocabulary", "%u: %s", vocabulary, graph_vocabulary_name(vocabulary));
    const uint8_t by = decode_u8(&fields->decoder);
    fields_tell(fields, "by", "%s", by == 0 ? "id" : by == 1 ? "text" : "not known");
    if (vocabulary >= GRAPH_VOCABULARIES || by > 1) fields_fault(fields, "not a word of a graph");
    if (by == 0)
        (void)fields_key_u32(fields, "id");
    else
        (void)fields_rest(fields, "text");
}

static void words_value(struct fields *fields, struct slice key, enum row_form form) {
    uint64_t id = 0;
    expect_whole(fields, form);
    if (key.size <= WORD_BY_AT || key.data[WORD_BY_AT] == 0) {
        (void)fields_rest(fields, "text");
        return;
    }
    fields_judge(fields, graph_id_decode(fields_left(fields), &id));
    (void)fields_varint(fields, "id");
}

/* ---- Nodes and edges --------------------------------------------------------------------------------------------- */

static void nodes_key(struct fields *fields) {
    (void)fields_key_u64(fields, "graph");
    (void)fields_key_u64(fields, "node");
}

static void nodes_value(struct fields *fields, struct slice key, enum row_form form) {
    uint32_t labels[GRAPH_LABELS_MAX];
    struct node_row row;
    (void)key;
    expect_whole(fields, form);
    fields_judge(fields, node_row_decode(fields_left(fields), labels, &row));
    (void)fields_u8(fields, "version");
    describe_labels(fields);
    (void)fields_string(fields, "external id");
    describe_properties(fields);
}

static void edges_key(struct fields *fields) {
    (void)fields_key_u64(fields, "graph");
    (void)fields_key_u64(fields, "edge");
}

static void edges_value(struct fields *fields, struct slice key, enum row_form form) {
    struct edge_row row;
    (void)key;
    expect_whole(fields, form);
    fields_judge(fields, edge_row_decode(fields_left(fields), &row));
    (void)fields_u8(fields, "version");
    (void)fields_varint(fields, "source");
    (void)fields_varint(fields, "destination");
    (void)fields_varint(fields, "type");
    (void)fields_varint(fields, "block at the source");
    (void)fields_varint(fields, "block at the destination");
    describe_properties(fields);
}

/* ---- Adjacency --------------------------------------------------------------------------------------------------- */

static void adjacency_key(struct fields *fields) {
    const size_t size = decoder_left(&fields->decoder);
    if (size != GRAPH_HEAD_KEY_BYTES && size != GRAPH_BLOCK_KEY_BYTES)
        fields_fault(fields, "neither the key of a head nor of a block");
    nodes_key(fields);
    const uint8_t direction = decode_u8(&fields->decoder);
    fields_tell(fields, "direction", "%u: %s", direction,
                direction == GRAPH_OUT  ? "out"
                : direction == GRAPH_IN ? "in"
                                        : "not known");
    if (direction > GRAPH_IN) fields_fault(fields, "not a direction");
    if (size > GRAPH_HEAD_KEY_BYTES) (void)fields_key_u32(fields, "block");
}

static void head_value(struct fields *fields) {
    struct adjacency_head head;
    fields_judge(fields, adjacency_head_decode(fields_left(fields), &head));
    (void)fields_u8(fields, "version");
    (void)fields_varint(fields, "degree");
    (void)fields_varint(fields, "next slot");
}

/* The distances of an entry become the entry. */
static void describe_group(struct fields *fields, uint64_t type) {
    const uint64_t count = fields_varint(fields, "entries");
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
    (void)fields_u8(fields, "version");
    uint64_t type = 0;
    while (decoder_left(&fields->decoder)) {
        type += decode_varint(&fields->decoder);
        fields_tell(fields, "type", "%" PRIu64, type);
        describe_group(fields, type);
    }
}

static void operand_value(struct fields *fields) {
    struct adjacency_change changes[ADJACENCY_CHANGES_MAX];
    size_t count = 0;
    fields_judge(fields, adjacency_operand_decode(fields_left(fields), changes, &count));
    (void)fields_u8(fields, "version");
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
    (void)fields_key_u64(fields, "graph");
    (void)fields_key_u32(fields, "label");
    (void)fields_key_u64(fields, "node");
}

static void labels_value(struct fields *fields, struct slice key, enum row_form form) {
    (void)fields, (void)key, (void)form; /* empty */
}

static void external_key(struct fields *fields) {
    (void)fields_key_u64(fields, "graph");
    (void)fields_rest(fields, "external id");
}

static void external_value(struct fields *fields, struct slice key, enum row_form form) {
    uint64_t node = 0;
    (void)key;
    expect_whole(fields, form);
    fields_judge(fields, graph_id_decode(fields_left(fields), &node));
    (void)fields_varint(fields, "node");
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
