/* What becomes of each version of a node's rows, and which rows are a node's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/graph_lab.h"
#include "tools/loam/inspect/vertex/vertex_rows.h"

enum { EDGES = 600 /* three blocks */ };

struct fixture {
    struct graph_lab lab;
    struct vertex_rows rows;
    uint64_t hub, graph, edges[EDGES];
    uint32_t type;
    uint64_t fates[VERTEX_FATES], of_node[VERTEX_FATES], damaged;
};

static enum status take_graph(void *context, struct slice name, uint64_t graph) {
    struct fixture *fixture = context;
    (void)name;
    fixture->graph = graph;
    return STATUS_OK;
}

static enum status take_damage(void *context, const struct vertex_span *span, const struct engine_step *step,
                               const char *words) {
    struct fixture *fixture = context;
    (void)span, (void)step, (void)words;
    fixture->damaged++;
    return STATUS_OK;
}

static enum status take_version(void *context, const struct vertex_version *version) {
    struct fixture *fixture = context;
    fixture->fates[version->fate]++;
    if (version->row->part == VERTEX_NODE) fixture->of_node[version->fate]++;
    assert_int_not_equal(version->row->part, VERTEX_STRANGE);
    return STATUS_OK;
}

/* A hub with EDGES edges to a node, which has them, too. */
static void set_up_hub(struct fixture *fixture) {
    struct error error;
    uint64_t other;
    *fixture = (struct fixture){.graph = 0};
    graph_lab_init(&fixture->lab, NULL, 1, NULL);
    assert_int_equal(graph_lab_open_engine(&fixture->lab, &error), STATUS_OK);
    struct graph *graph = graph_lab_open(&fixture->lab, "g");
    assert_int_equal(graph_edit_word(graph, GRAPH_TYPE, slice_from_text("T"), &fixture->type), STATUS_OK);
    assert_int_equal(graph_edit_create_node(graph, NULL, 0, NULL, 0, &fixture->hub), STATUS_OK);
    assert_int_equal(graph_edit_create_node(graph, NULL, 0, NULL, 0, &other), STATUS_OK);
    for (size_t i = 0; i < EDGES; i++)
        assert_int_equal(graph_edit_create_edge(graph, fixture->type, fixture->hub, other, NULL, 0, &fixture->edges[i]),
                         STATUS_OK);
    graph_lab_commit(&fixture->lab, graph);
    assert_int_equal(graph_explain_graphs(fixture->lab.engine, take_graph, fixture), STATUS_OK);
}

static void flush(struct fixture *fixture, bool compacts) {
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    if (compacts) assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
}

static void add_span(struct fixture *fixture, enum vertex_part part, const struct graph_place *place) {
    assert_int_equal(vertex_rows_add_span(&fixture->rows, part, 0, place->tree, graph_place_key(place)), STATUS_OK);
}

static void judge(struct fixture *fixture) {
    struct vertex_rows *rows = &fixture->rows;
    struct graph_place place = graph_place_node(fixture->graph, fixture->hub);
    rows->engine = fixture->lab.engine;
    rows->damaged = take_damage;
    rows->context = fixture;
    add_span(fixture, VERTEX_NODE, &place);
    place = graph_place_head(fixture->graph, fixture->hub, GRAPH_OUT);
    add_span(fixture, VERTEX_OUT_HEAD, &place);
    assert_int_equal(vertex_rows_find(rows), STATUS_OK);
    assert_int_equal(vertex_rows_judge(rows, NULL, NULL), STATUS_OK);
    assert_int_equal(vertex_rows_judge(rows, take_version, fixture), STATUS_OK);
    assert_int_equal(fixture->damaged, 0);
    for (int f = 0; f < VERTEX_FATES; f++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < rows->source_count; i++) sum += rows->sources[i].versions[f];
        assert_int_equal(sum, fixture->fates[f]);
    }
}

static void tear_down_hub(struct fixture *fixture) {
    vertex_rows_deinit(&fixture->rows);
    graph_lab_deinit(&fixture->lab);
}

static void the_rows_of_one_node_are_found_and_no_others(void **state) {
    struct fixture fixture;
    (void)state;
    set_up_hub(&fixture);
    flush(&fixture, true);
    judge(&fixture);
    assert_int_equal(fixture.rows.row_count, 5); /* its row, the head, three blocks */
    assert_int_equal(fixture.fates[VERTEX_SHOWN], 5);
    assert_non_null(vertex_rows_get(&fixture.rows, VERTEX_NODE, 0));
    assert_non_null(vertex_rows_get(&fixture.rows, VERTEX_OUT_HEAD, 0));
    assert_non_null(vertex_rows_get(&fixture.rows, VERTEX_OUT_BLOCK, 2));
    assert_null(vertex_rows_get(&fixture.rows, VERTEX_OUT_BLOCK, 3));
    assert_null(vertex_rows_get(&fixture.rows, VERTEX_IN_HEAD, 0));
    tear_down_hub(&fixture);
}

static void operands_on_a_block_count_and_an_older_head_does_not(void **state) {
    struct fixture fixture;
    (void)state;
    set_up_hub(&fixture);
    flush(&fixture, true);
    struct graph *graph = graph_lab_open(&fixture.lab, "g");
    assert_int_equal(graph_edit_delete_edge(graph, fixture.edges[0]), STATUS_OK);
    assert_int_equal(graph_edit_delete_edge(graph, fixture.edges[300]), STATUS_OK);
    graph_lab_commit(&fixture.lab, graph);
    judge(&fixture);
    assert_int_equal(fixture.fates[VERTEX_SHOWN], 5); /* three blocks below, the head above, the row */
    assert_int_equal(fixture.fates[VERTEX_FOLDED], 2);
    assert_int_equal(fixture.fates[VERTEX_OLDER], 1);
    assert_int_equal(fixture.fates[VERTEX_TOMBSTONE], 0);
    assert_int_equal(fixture.rows.row_count, 5);
    tear_down_hub(&fixture);
}

static void of_a_deleted_node_tombstones_and_what_they_hide_are_left(void **state) {
    struct fixture fixture;
    (void)state;
    set_up_hub(&fixture);
    flush(&fixture, true);
    struct graph *graph = graph_lab_open(&fixture.lab, "g");
    assert_int_equal(graph_edit_delete_node(graph, fixture.hub, true), STATUS_OK);
    graph_lab_commit(&fixture.lab, graph);
    flush(&fixture, false);
    judge(&fixture);
    assert_int_equal(fixture.fates[VERTEX_SHOWN] + fixture.fates[VERTEX_FOLDED], 0);
    assert_int_equal(fixture.of_node[VERTEX_TOMBSTONE], 1);
    assert_int_equal(fixture.of_node[VERTEX_OLDER], 1);
    assert_true(vertex_rows_get(&fixture.rows, VERTEX_NODE, 0)->deleted);
    tear_down_hub(&fixture);
}

static void of_a_deleted_graph_all_versions_are_covered(void **state) {
    struct fixture fixture;
    (void)state;
    set_up_hub(&fixture);
    flush(&fixture, true);
    graph_lab_delete(&fixture.lab, "g");
    judge(&fixture);
    assert_int_equal(fixture.fates[VERTEX_COVERED], 5);
    assert_int_equal(fixture.fates[VERTEX_SHOWN], 0);
    assert_int_equal(vertex_rows_get(&fixture.rows, VERTEX_NODE, 0)->decider, 0);
    tear_down_hub(&fixture);
}

static void operands_with_nothing_below_count(void **state) {
    struct fixture fixture;
    (void)state;
    set_up_hub(&fixture);
    judge(&fixture);
    assert_int_equal(fixture.fates[VERTEX_FOLDED], 3);
    assert_int_equal(fixture.fates[VERTEX_SHOWN], 2);
    assert_int_equal(fixture.rows.source_count, 1);
    assert_false(fixture.rows.sources[0].is_table);
    tear_down_hub(&fixture);
}

static void rows_have_names(void **state) {
    char text[VERTEX_ROW_NAME_BYTES];
    (void)state;
    assert_string_equal(vertex_row_name(VERTEX_OUT_BLOCK, 3, text), "out block 3");
    assert_string_equal(vertex_row_name(VERTEX_IN_HEAD, 0, text), "in head");
    assert_string_equal(vertex_row_name(VERTEX_LABEL, UINT32_MAX, text), "label 4294967295");
    assert_true(vertex_fate_lives(VERTEX_FOLDED) && !vertex_fate_lives(VERTEX_TOMBSTONE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rows_of_one_node_are_found_and_no_others),
        cmocka_unit_test(operands_on_a_block_count_and_an_older_head_does_not),
        cmocka_unit_test(of_a_deleted_node_tombstones_and_what_they_hide_are_left),
        cmocka_unit_test(of_a_deleted_graph_all_versions_are_covered),
        cmocka_unit_test(operands_with_nothing_below_count),
        cmocka_unit_test(rows_have_names),
    };
    return cmocka_run_group_tests_name("vertex rows", tests, NULL, NULL);
}
