/*
 * columns: heads and fields of text become rows of an import operation; what is wrong is named, with its column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/columns.h"
#include "tests/harness/graph_lab.h"

enum { MANY = 16 };

/* Words between '|'. */
static size_t split(const char *text, struct slice *words) {
    size_t count = 0;
    for (;;) {
        const size_t size = strcspn(text, "|");
        assert_true(count < MANY);
        words[count++] = slice_make(text, size);
        if (text[size] == '\0') return count;
        text += size + 1;
    }
}

static enum status parse(const char *heads, struct graph_columns *columns, struct error *error) {
    static struct slice words[MANY]; /* columns borrow from the text, not from these */
    return graph_columns_parse(columns, words, split(heads, words), error);
}

/* ---- Heads ------------------------------------------------------------------------------------------------------- */

static void heads_say_what_the_fields_are(void **state) {
    (void)state;
    struct graph_columns columns;
    struct error error = {0};
    assert_int_equal(parse("id:ID(P){id-type:int}|name|age:Long|tags:string[]|a:b:double|:LABEL|x:IGNORE|:label=A",
                           &columns, &error),
                     STATUS_OK);
    static const struct {
        enum graph_column_role role;
        enum graph_property_tag tag;
        bool is_list;
        const char *name;
    } expected[] = {
        {GRAPH_COLUMN_ID, GRAPH_PROPERTY_INTEGER, false, "id"},
        {GRAPH_COLUMN_PROPERTY, GRAPH_PROPERTY_STRING, false, "name"},
        {GRAPH_COLUMN_PROPERTY, GRAPH_PROPERTY_INTEGER, false, "age"},
        {GRAPH_COLUMN_PROPERTY, GRAPH_PROPERTY_STRING, true, "tags"},
        {GRAPH_COLUMN_PROPERTY, GRAPH_PROPERTY_FLOAT, false, "a:b"},
        {GRAPH_COLUMN_LABELS, GRAPH_PROPERTY_STRING, false, ""},
        {GRAPH_COLUMN_IGNORED, GRAPH_PROPERTY_STRING, false, "x"},
        {GRAPH_COLUMN_LABELS, GRAPH_PROPERTY_STRING, false, ""},
    };
    assert_int_equal(columns.count, sizeof expected / sizeof expected[0]);
    assert_int_equal(columns.field_count, columns.count - 1);
    assert_false(columns.is_edges);
    for (size_t i = 0; i < columns.count; i++) {
        const struct graph_column *column = &columns.items[i];
        assert_int_equal(column->role, expected[i].role);
        assert_int_equal(column->tag, expected[i].tag);
        assert_int_equal(column->is_list, expected[i].is_list);
        assert_true(slice_equal(column->name, slice_from_text(expected[i].name)));
    }
    assert_true(slice_equal(columns.items[0].space, slice_from_text("P")));
    assert_true(slice_equal(columns.items[7].constant, slice_from_text("A")));
}

static void ends_and_a_type_make_edges(void **state) {
    (void)state;
    struct graph_columns columns;
    struct error error = {0};
    assert_int_equal(parse(":START_ID(P)|:END_ID(Q)|:TYPE|since:int", &columns, &error), STATUS_OK);
    assert_true(columns.is_edges);
    assert_int_equal(parse(":END_ID|:START_ID|:TYPE=KNOWS", &columns, &error), STATUS_OK);
    assert_int_equal(columns.field_count, 2);
}

static void heads_that_mean_nothing_are_named(void **state) {
    (void)state;
    static const struct {
        const char *heads, *words;
    } wrong[] = {
        {"name", "columns of nodes have an :ID"},
        {":ID|age:number", "'age:number': its type is not known"},
        {":ID|", "'': a column has a name"},
        {":ID|:int", "':int': a property has a name"},
        {":ID|name|name:int", "'name:int': there is one like it"},
        {":ID|:ID(P)", "':ID(P)': there is one like it"},
        {"a:ID|a", "'a': there is one like it"},
        {":ID{id-type:float}", "only {id-type:int}"},
        {":ID|:LABEL(P)", "only ids have a (space)"},
        {":ID|n:LABEL", "only :ID may have a name"},
        {":ID|:TYPE", ":TYPE is of edges"},
        {":ID|:ID=7", "only :LABEL= and :TYPE="},
        {":START_ID|:TYPE", "an :END_ID"},
        {":START_ID|:END_ID", "edges have a :TYPE"},
        {":START_ID|:END_ID|:TYPE|:LABEL", ":LABEL is of nodes"},
        {":START_ID|:END_ID|:TYPE|:ID", ":ID is of nodes"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct graph_columns columns;
        struct error error = {0};
        assert_int_equal(parse(wrong[i].heads, &columns, &error), STATUS_INVALID);
        if (!strstr(error.text, wrong[i].words))
            fail_msg("%s: '%s' does not say '%s'", wrong[i].heads, error.text, wrong[i].words);
    }
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

struct loading {
    struct graph_lab lab;
    struct graph_rows rows;
    struct graph_columns columns;
    struct buf operation;
    struct error error;
};

static void begin(struct loading *loading, uint32_t flags) {
    buf_clear(&loading->operation);
    assert_int_equal(graph_rows_begin(&loading->rows, &loading->operation, slice_from_text("g"), flags), STATUS_OK);
}

static int set_up(void **state) {
    static struct loading loading;
    struct error error = {0};
    loading = (struct loading){0};
    graph_lab_init(&loading.lab, NULL, 1, NULL);
    assert_int_equal(graph_lab_open_engine(&loading.lab, &error), STATUS_OK);
    begin(&loading, 0);
    *state = &loading;
    return 0;
}

static int tear_down(void **state) {
    struct loading *loading = *state;
    graph_rows_deinit(&loading->rows);
    buf_deinit(&loading->operation);
    graph_lab_deinit(&loading->lab);
    return 0;
}

static void set_columns(struct loading *loading, const char *heads) {
    assert_int_equal(parse(heads, &loading->columns, &loading->error), STATUS_OK);
}

static enum status add(struct loading *loading, const char *row) {
    struct slice fields[MANY];
    loading->error = (struct error){0};
    assert_int_equal(split(row, fields), loading->columns.field_count);
    return graph_rows_add(&loading->rows, &loading->columns, fields, &loading->error);
}

static struct graph *apply(struct loading *loading) {
    graph_lab_apply(&loading->lab, buf_slice(&loading->operation));
    graph_lab_expect_whole(&loading->lab);
    return graph_lab_open(&loading->lab, "g");
}

/* A property as text: "int 5", "[string a, string b]", "" if there is none. */
static const char *show(struct graph *graph, struct slice properties, const char *key) {
    static char text[256];
    uint32_t id;
    struct slice bytes;
    struct graph_property_head head;
    text[0] = '\0';
    if (graph_find_word(graph, GRAPH_KEY, slice_from_text(key), &id) != STATUS_OK) return text;
    if (!graph_property_find(properties, id, &bytes)) return text;
    struct decoder decoder = decoder_make(bytes);
    for (size_t used = 0; decoder_left(&decoder) > 0;) {
        assert_true(graph_property_read(&decoder, &head));
        char *at = text + used;
        const size_t left = sizeof text - used;
        if (head.tag == GRAPH_PROPERTY_LIST)
            used += (size_t)snprintf(at, left, "list %d ", (int)head.count);
        else if (head.tag == GRAPH_PROPERTY_INTEGER)
            used += (size_t)snprintf(at, left, "int %lld ", (long long)head.integer);
        else if (head.tag == GRAPH_PROPERTY_FLOAT)
            used += (size_t)snprintf(at, left, "float %g ", head.number);
        else if (head.tag == GRAPH_PROPERTY_STRING)
            used += (size_t)snprintf(at, left, "string %.*s ", (int)head.text.size, (const char *)head.text.data);
        else
            used += (size_t)snprintf(at, left, "%s ", head.tag == GRAPH_PROPERTY_TRUE ? "true" : "false");
    }
    return text;
}

static void fields_become_properties_of_their_types(void **state) {
    struct loading *loading = *state;
    set_columns(loading, "id:ID{id-type:int}|s|i:int|f:float|b:bool|l:int[]|e|:LABEL");
    assert_int_equal(add(loading, "7|text, \"quoted\"|-0042|1e3|TRUE|1;2;3||A;B;A"), STATUS_OK);
    struct graph *graph = apply(loading);
    struct graph_node node;
    uint64_t id;
    assert_int_equal(graph_find_external(graph, slice_from_text("7"), &id), STATUS_OK);
    assert_int_equal(graph_get_node(graph, id, &node), STATUS_OK);
    assert_string_equal(show(graph, node.properties, "id"), "int 7 ");
    assert_string_equal(show(graph, node.properties, "s"), "string text, \"quoted\" ");
    assert_string_equal(show(graph, node.properties, "i"), "int -42 ");
    assert_string_equal(show(graph, node.properties, "f"), "float 1000 ");
    assert_string_equal(show(graph, node.properties, "b"), "true ");
    assert_string_equal(show(graph, node.properties, "l"), "list 3 int 1 int 2 int 3 ");
    assert_string_equal(show(graph, node.properties, "e"), "");
    assert_int_equal(node.label_count, 2);
    graph_node_release(&node);
}

static void spaces_keep_ids_apart(void **state) {
    struct loading *loading = *state;
    struct graph_facts facts;
    set_columns(loading, ":ID(P)");
    assert_int_equal(add(loading, "1"), STATUS_OK);
    set_columns(loading, ":ID(Q)");
    assert_int_equal(add(loading, "1"), STATUS_OK);
    set_columns(loading, ":ID");
    assert_int_equal(add(loading, "1"), STATUS_OK);
    set_columns(loading, ":START_ID(P)|:END_ID(Q)|:TYPE|w:float");
    assert_int_equal(add(loading, "1|1|T|0.5"), STATUS_OK);
    struct graph *graph = apply(loading);
    graph_get_facts(graph, &facts);
    assert_int_equal(facts.node_count, 3);
    struct graph_edge edge;
    assert_int_equal(graph_get_edge(graph, 0, &edge), STATUS_OK);
    assert_int_equal(edge.source, 0);
    assert_int_equal(edge.destination, 1);
    assert_string_equal(show(graph, edge.properties, "w"), "float 0.5 ");
    graph_edge_release(&edge);
}

static void a_field_that_can_not_be_read_is_named_and_leaves_nothing(void **state) {
    struct loading *loading = *state;
    struct graph_facts facts;
    static const struct {
        const char *row, *words;
    } wrong[] = {
        {"|1|1|true|1|A", "column ':ID': '' is no id"},
        {"a|x|1|true|1|A", "column 'i:int': 'x' is no integer"},
        {"a|9223372036854775808|1|true|1|A", "is no integer of 64 bits"},
        {"a|--1|1|true|1|A", "is no integer"},
        {"a|1|0x10|true|1|A", "column 'f:float': '0x10' is no number"},
        {"a|1|1e999|true|1|A", "is no number"},
        {"a|1|1|yes|1|A", "is neither true nor false"},
        {"a|1|1|true|1;;2|A", "column 'l:int[]': '' is no integer"},
        {"a|1|1|true|1|A;", "column ':LABEL': '' is no name"},
    };
    set_columns(loading, ":ID|i:int|f:float|b:boolean|l:int[]|:LABEL");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(add(loading, wrong[i].row), STATUS_SYNTAX);
        if (!strstr(loading->error.text, wrong[i].words))
            fail_msg("%s: '%s' does not say '%s'", wrong[i].row, loading->error.text, wrong[i].words);
    }
    assert_int_equal(add(loading, "a|1|1|true|1|A"), STATUS_OK);
    graph_get_facts(apply(loading), &facts);
    assert_int_equal(facts.node_count, 1);
}

static void integers_reach_both_ends_of_64_bits(void **state) {
    struct loading *loading = *state;
    struct graph_node node;
    set_columns(loading, ":ID|a:int|b:int|c:int");
    assert_int_equal(add(loading, "x|-9223372036854775808|+9223372036854775807|-0"), STATUS_OK);
    struct graph *graph = apply(loading);
    assert_int_equal(graph_get_node(graph, 0, &node), STATUS_OK);
    assert_string_equal(show(graph, node.properties, "a"), "int -9223372036854775808 ");
    assert_string_equal(show(graph, node.properties, "b"), "int 9223372036854775807 ");
    assert_string_equal(show(graph, node.properties, "c"), "int 0 ");
    graph_node_release(&node);
}

static void a_full_operation_says_so_and_the_next_one_takes_the_row(void **state) {
    struct loading *loading = *state;
    struct graph_facts facts;
    char id[24];
    uint64_t made = 0;
    set_columns(loading, ":ID");
    enum status status;
    do {
        (void)snprintf(id, sizeof id, "%llu", (unsigned long long)made);
        status = add(loading, id);
        if (status == STATUS_OK) made++;
    } while (status == STATUS_OK);
    assert_int_equal(status, STATUS_TOO_LARGE);
    assert_int_equal(made, GRAPH_IMPORT_ROWS_MAX);
    (void)apply(loading);
    begin(loading, 0);
    assert_int_equal(add(loading, id), STATUS_OK);
    graph_get_facts(apply(loading), &facts);
    assert_int_equal(facts.node_count, made + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_say_what_the_fields_are),
        cmocka_unit_test(ends_and_a_type_make_edges),
        cmocka_unit_test(heads_that_mean_nothing_are_named),
        cmocka_unit_test_setup_teardown(fields_become_properties_of_their_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(spaces_keep_ids_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_field_that_can_not_be_read_is_named_and_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(integers_reach_both_ends_of_64_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_operation_says_so_and_the_next_one_takes_the_row, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
