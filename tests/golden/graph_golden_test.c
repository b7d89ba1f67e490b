/*
 * graph_golden_test: operations, rows, blocks and keys of the graph store written by version 1 of graph/FORMAT.md read
 * as they did on the day they were written, and today's encoders still write the same bytes.
 *
 *     graph_golden_test --make     writes the golden files anew (only with a new version of a format)
 *
 * A golden file is a row of strings: varint length, bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "graph/import.h"
#include "graph/op.h"
#include "graph/property.h"
#include "graph/store/adjacency.h"
#include "graph/store/keys.h"
#include "graph/store/rows.h"
#include "graph/value.h"
#include "tests/harness/golden.h"

static const char operations_file[] = "tests/golden/graph/operations-v1";
static const char rows_file[] = "tests/golden/graph/rows-v1";
static const char keys_file[] = "tests/golden/graph/keys-v1";

static void expect(enum status status) {
    check(status == STATUS_OK);
}

static void append(struct buf *file, struct buf *bytes) {
    expect(encode_string(file, buf_slice(bytes)));
    buf_deinit(bytes);
}

/* ---- What the files hold ----------------------------------------------------------------------------------------- */

/* Every kind of value: false, true, integers, a float, a string, a list of them. */
static void encode_properties(struct buf *list) {
    const struct value items[] = {value_boolean(false), value_integer(INT64_MIN), value_float(-0.5),
                                  value_string(slice_from_text("in"))};
    struct value values[6] = {value_boolean(true), value_integer(-300), value_float(1.5),
                              value_string(slice_make("a\0\xff", 3)), value_string(slice_make(NULL, 0))};
    expect(value_list(items, 4, &values[5]));
    for (uint32_t i = 0; i < 6; i++) {
        struct buf value = BUF_EMPTY;
        expect(graph_property_encode(&value, &values[i]));
        const struct graph_property property = {i * 70, buf_slice(&value)};
        expect(property_list_add(list, &property));
        buf_deinit(&value);
    }
}

/* One record of each kind that goes into an operation of effects. */
static void append_effects(struct buf *file, struct slice properties) {
    struct buf bytes = BUF_EMPTY;
    const struct slice value = slice_make("\x03\x02", 2), nothing = {0};
    const struct graph_op op = {.kind = GRAPH_OP_EFFECTS, .name = slice_from_text("social"), .number = 300};
    const struct graph_record records[] = {
        {.kind = GRAPH_RECORD_WORD, .numbers = {GRAPH_LABEL}, .strings = {slice_from_text("Person")}},
        {.kind = GRAPH_RECORD_WORD, .numbers = {GRAPH_KEY}, .strings = {slice_from_text("name")}},
        {.kind = GRAPH_RECORD_CREATE_NODE, .labels = {0, 2, 500}, .label_count = 3, .strings = {properties}},
        {.kind = GRAPH_RECORD_CREATE_NODE, .strings = {nothing}},
        {.kind = GRAPH_RECORD_CREATE_EDGE, .numbers = {1, 0, 1000}, .strings = {properties}},
        {.kind = GRAPH_RECORD_DELETE_NODE, .numbers = {7}},
        {.kind = GRAPH_RECORD_DELETE_EDGE, .numbers = {UINT64_MAX}},
        {.kind = GRAPH_RECORD_SET_NODE_PROPERTY, .numbers = {1, 2}, .strings = {value}},
        {.kind = GRAPH_RECORD_SET_EDGE_PROPERTY, .numbers = {1, 2}, .strings = {nothing}},
        {.kind = GRAPH_RECORD_ADD_LABEL, .numbers = {1, 128}},
        {.kind = GRAPH_RECORD_REMOVE_LABEL, .numbers = {1, 0}},
    };
    expect(graph_op_encode(&bytes, &op));
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) expect(graph_record_encode(&bytes, &records[i]));
    append(file, &bytes);
}

static void append_import(struct buf *file) {
    struct buf bytes = BUF_EMPTY;
    struct graph_import import;
    uint32_t number = 0;
    const uint32_t labels[] = {1, 0, 1};
    const struct graph_property properties[] = {{1, slice_make("\x02", 1)}, {0, slice_make("\x03\x54", 2)}};
    expect(graph_import_begin(&import, &bytes, slice_from_text("g"), GRAPH_IMPORT_MAKE_ENDS));
    expect(graph_import_word(&import, GRAPH_LABEL, slice_from_text("A"), &number));
    expect(graph_import_word(&import, GRAPH_LABEL, slice_from_text("B"), &number));
    expect(graph_import_word(&import, GRAPH_TYPE, slice_from_text("R"), &number));
    expect(graph_import_word(&import, GRAPH_KEY, slice_from_text("k"), &number));
    expect(graph_import_word(&import, GRAPH_KEY, slice_from_text("l"), &number));
    expect(graph_import_node(&import, slice_from_text("one"), labels, 3, properties, 2));
    expect(graph_import_edge(&import, slice_from_text("one"), slice_from_text("two"), 0, properties, 1));
    append(file, &bytes);
}

static void append_operations(struct buf *file) {
    struct buf properties = BUF_EMPTY, bytes = BUF_EMPTY;
    encode_properties(&properties);
    append_effects(file, buf_slice(&properties));
    append_import(file);
    expect(graph_op_encode_delete(&bytes, slice_from_text("g")));
    append(file, &bytes);
    buf_deinit(&properties);
}

static const struct graph_meta meta = {300, 1000, 70000, 900, 60000, {3, 200, 1}};
static const struct adjacency_head head = {255, 1000};
static const uint32_t row_labels[] = {0, 2, 500};
static const struct adjacency_change entries[] = {
    {.type = 0, .node = 1, .edge = 500},           {.type = 0, .node = 1, .edge = 501},
    {.type = 0, .node = 900, .edge = 2},           {.type = 3, .node = 0, .edge = 77},
    {.type = 3, .node = UINT64_MAX, .edge = 1000},
};
enum { ENTRIES = sizeof entries / sizeof entries[0] };

static void append_rows(struct buf *file) {
    struct buf properties = BUF_EMPTY, bytes = BUF_EMPTY;
    struct adjacency_change changes[ENTRIES];
    encode_properties(&properties);
    const struct node_row node = {3, row_labels, buf_slice(&properties), slice_from_text("user-1")};
    const struct edge_row edge = {1, 70000, 2, {0, 300}, buf_slice(&properties)};
    memcpy(changes, entries, sizeof entries);
    changes[1].removed = true;
    expect(graph_meta_encode(&bytes, &meta));
    append(file, &bytes);
    expect(adjacency_head_encode(&bytes, &head));
    append(file, &bytes);
    expect(node_row_encode(&bytes, &node));
    append(file, &bytes);
    expect(edge_row_encode(&bytes, &edge));
    append(file, &bytes);
    expect(adjacency_block_encode(&bytes, entries, ENTRIES));
    append(file, &bytes);
    expect(adjacency_operand_encode(&bytes, changes, ENTRIES));
    append(file, &bytes);
    expect(graph_id_encode(&bytes, 300));
    append(file, &bytes);
    buf_deinit(&properties);
}

static void append_keys(struct buf *file) {
    const uint64_t graph = 0x0102030405060708;
    const struct graph_key keys[] = {
        graph_key_part(graph, GRAPH_PART_META), graph_key_part(graph, GRAPH_PART_NAME),
        graph_key_word(graph, GRAPH_KEY, 258),  graph_key_element(graph, 300),
        graph_key_head(graph, 300, GRAPH_IN),   graph_key_block(graph, 300, GRAPH_OUT, 70000),
        graph_key_label(graph, 5, 300),
    };
    struct buf key = BUF_EMPTY;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) expect(encode_string(file, graph_key_slice(&keys[i])));
    expect(graph_key_text(&key, graph, GRAPH_TYPE, slice_from_text("KNOWS")));
    append(file, &key);
    expect(graph_key_external(&key, graph, slice_from_text("user-1")));
    append(file, &key);
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static const struct golden_file files[] = {
    {operations_file, append_operations},
    {rows_file, append_rows},
    {keys_file, append_keys},
};
enum { FILES = sizeof files / sizeof files[0] };

static void todays_encoders_write_the_same_bytes(void **state) {
    (void)state;
    golden_expect(files, FILES);
}

static void operations_read_as_they_were_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    static const enum graph_record_kind kinds[] = {GRAPH_RECORD_WORD,
                                                   GRAPH_RECORD_WORD,
                                                   GRAPH_RECORD_CREATE_NODE,
                                                   GRAPH_RECORD_CREATE_NODE,
                                                   GRAPH_RECORD_CREATE_EDGE,
                                                   GRAPH_RECORD_DELETE_NODE,
                                                   GRAPH_RECORD_DELETE_EDGE,
                                                   GRAPH_RECORD_SET_NODE_PROPERTY,
                                                   GRAPH_RECORD_SET_EDGE_PROPERTY,
                                                   GRAPH_RECORD_ADD_LABEL,
                                                   GRAPH_RECORD_REMOVE_LABEL};
    struct decoder decoder = decoder_make(golden_read(operations_file, room));
    struct graph_op op;
    struct graph_record record;
    assert_int_equal(graph_op_decode(decode_string(&decoder), &op), STATUS_OK);
    assert_int_equal(op.kind, GRAPH_OP_EFFECTS);
    assert_true(slice_equal(op.name, slice_from_text("social")) && op.number == 300);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_int_equal(graph_record_next(&op, &record), STATUS_OK);
        assert_int_equal(record.kind, kinds[i]);
        if (i == 2) assert_memory_equal(record.labels, row_labels, sizeof row_labels);
        if (i == 4) assert_true(record.numbers[0] == 1 && record.numbers[1] == 0 && record.numbers[2] == 1000);
        if (i == 6) assert_true(record.numbers[0] == UINT64_MAX);
    }
    assert_int_equal(graph_record_next(&op, &record), STATUS_END);
    unsigned records = 0;
    assert_int_equal(graph_op_decode(decode_string(&decoder), &op), STATUS_OK);
    assert_true(op.kind == GRAPH_OP_IMPORT && op.number == GRAPH_IMPORT_MAKE_ENDS);
    while (graph_record_next(&op, &record) == STATUS_OK) records++;
    assert_int_equal(records, 7);
    assert_true(slice_equal(record.strings[1], slice_from_text("two")));
    assert_int_equal(graph_op_decode(decode_string(&decoder), &op), STATUS_OK);
    assert_int_equal(op.kind, GRAPH_OP_DELETE);
    assert_true(decoder_finished(&decoder));
}

static void expect_properties(struct slice list) {
    struct value_arena arena;
    struct value value;
    struct slice bytes;
    value_arena_init(&arena, NULL);
    assert_true(graph_property_find(list, 70, &bytes));
    assert_int_equal(graph_property_decode(bytes, &arena, &value), STATUS_OK);
    assert_true(value.type == VALUE_INTEGER && value.integer == -300);
    assert_true(graph_property_find(list, 210, &bytes));
    assert_int_equal(graph_property_decode(bytes, &arena, &value), STATUS_OK);
    assert_true(value.type == VALUE_STRING && slice_equal(value.text, slice_make("a\0\xff", 3)));
    assert_true(graph_property_find(list, 350, &bytes));
    assert_int_equal(graph_property_decode(bytes, &arena, &value), STATUS_OK);
    assert_true(value.type == VALUE_LIST && value.list.count == 4);
    assert_true(value.list.items[1].integer == INT64_MIN && value.list.items[2].number == -0.5);
    assert_false(graph_property_find(list, 351, &bytes));
    value_arena_deinit(&arena);
}

static void rows_read_as_they_were_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    struct decoder decoder = decoder_make(golden_read(rows_file, room));
    struct graph_meta read_meta;
    struct adjacency_head read_head;
    struct node_row node;
    struct edge_row edge;
    uint32_t labels[GRAPH_LABELS_MAX];
    assert_int_equal(graph_meta_decode(decode_string(&decoder), &read_meta), STATUS_OK);
    assert_memory_equal(&read_meta, &meta, sizeof meta);
    assert_int_equal(adjacency_head_decode(decode_string(&decoder), &read_head), STATUS_OK);
    assert_memory_equal(&read_head, &head, sizeof head);
    assert_int_equal(node_row_decode(decode_string(&decoder), labels, &node), STATUS_OK);
    assert_int_equal(node.label_count, 3);
    assert_memory_equal(labels, row_labels, sizeof row_labels);
    assert_true(slice_equal(node.external, slice_from_text("user-1")));
    expect_properties(node.properties);
    assert_int_equal(edge_row_decode(decode_string(&decoder), &edge), STATUS_OK);
    assert_true(edge.source == 1 && edge.destination == 70000 && edge.type == 2);
    assert_true(edge.blocks[GRAPH_OUT] == 0 && edge.blocks[GRAPH_IN] == 300);
    expect_properties(edge.properties);
}

static void blocks_and_operands_read_as_they_were_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    struct decoder decoder = decoder_make(golden_read(rows_file, room));
    struct graph_neighbour block[ADJACENCY_BLOCK_SLOTS];
    struct adjacency_change changes[ADJACENCY_CHANGES_MAX];
    size_t count = 0;
    uint64_t id = 0;
    for (int i = 0; i < 4; i++) (void)decode_string(&decoder);
    assert_int_equal(adjacency_block_decode(decode_string(&decoder), false, block, &count), STATUS_OK);
    assert_int_equal(count, ENTRIES);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_true(block[i].node == entries[i].node && block[i].edge == entries[i].edge);
        assert_int_equal(block[i].type, entries[i].type);
    }
    assert_int_equal(adjacency_operand_decode(decode_string(&decoder), changes, &count), STATUS_OK);
    assert_int_equal(count, ENTRIES);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(adjacency_order(&changes[i], &entries[i]), 0);
        assert_int_equal(changes[i].removed, i == 1);
    }
    assert_int_equal(graph_id_decode(decode_string(&decoder), &id), STATUS_OK);
    assert_true(id == 300 && decoder_finished(&decoder));
}

/* The example of graph/FORMAT.md, byte by byte. */
static void the_example_of_the_specification_is_what_it_says(void **state) {
    static const uint8_t example[] = {0x01, 0x01, 0x01, 0x67, 0x00, 0x01, 0x00, 0x06, 0x50,
                                      0x65, 0x72, 0x73, 0x6f, 0x6e, 0x01, 0x01, 0x01, 0x52,
                                      0x02, 0x01, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00};
    struct graph_op op;
    struct graph_record record;
    (void)state;
    assert_int_equal(graph_op_decode(slice_make(example, sizeof example), &op), STATUS_OK);
    assert_true(op.kind == GRAPH_OP_EFFECTS && slice_equal(op.name, slice_from_text("g")) && op.number == 0);
    assert_int_equal(graph_record_next(&op, &record), STATUS_OK);
    assert_true(record.kind == GRAPH_RECORD_WORD && slice_equal(record.strings[0], slice_from_text("Person")));
    assert_int_equal(graph_record_next(&op, &record), STATUS_OK);
    assert_true(record.numbers[0] == GRAPH_TYPE && slice_equal(record.strings[0], slice_from_text("R")));
    assert_int_equal(graph_record_next(&op, &record), STATUS_OK);
    assert_true(record.kind == GRAPH_RECORD_CREATE_NODE && record.label_count == 1 && record.labels[0] == 0);
    assert_int_equal(graph_record_next(&op, &record), STATUS_OK);
    assert_true(record.kind == GRAPH_RECORD_CREATE_EDGE && record.numbers[1] == 0 && record.numbers[2] == 0);
    assert_int_equal(graph_record_next(&op, &record), STATUS_END);
}

int main(int argc, char **argv) {
    if (golden_made(argc, argv, files, FILES)) return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(todays_encoders_write_the_same_bytes),
        cmocka_unit_test(operations_read_as_they_were_written),
        cmocka_unit_test(rows_read_as_they_were_written),
        cmocka_unit_test(blocks_and_operands_read_as_they_were_written),
        cmocka_unit_test(the_example_of_the_specification_is_what_it_says),
    };
    return cmocka_run_group_tests_name("graph_golden", tests, NULL, NULL);
}
