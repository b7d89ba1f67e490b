/*
 * graph_test: single facts of the store: what one edit leaves behind, what apply refuses, what names do to graphs. The
 * rest of what it does is checked beside a model: tests/property/graph_model_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "graph/op.h"
#include "graph/property.h"
#include "kv/kv.h"
#include "tests/harness/graph_lab.h"

static int set_up(void **state) {
    struct graph_lab *lab = malloc(sizeof *lab);
    struct error error;
    graph_lab_init(lab, NULL, 1, NULL);
    assert_int_equal(graph_lab_open_engine(lab, &error), STATUS_OK);
    *state = lab;
    return 0;
}

static int tear_down(void **state) {
    graph_lab_deinit(*state);
    free(*state);
    return 0;
}

static uint32_t word(struct graph *graph, enum graph_vocabulary vocabulary, const char *text) {
    uint32_t id = 0;
    assert_int_equal(graph_edit_word(graph, vocabulary, slice_from_text(text), &id), STATUS_OK);
    return id;
}

static uint64_t make_node(struct graph *graph) {
    uint64_t id = 0;
    assert_int_equal(graph_edit_create_node(graph, NULL, 0, NULL, 0, &id), STATUS_OK);
    return id;
}

static uint64_t make_edge(struct graph *graph, uint64_t source, uint64_t destination) {
    uint64_t id = 0;
    const uint32_t type = word(graph, GRAPH_TYPE, "KNOWS");
    assert_int_equal(graph_edit_create_edge(graph, type, source, destination, NULL, 0, &id), STATUS_OK);
    return id;
}

static struct graph_facts facts_of(const struct graph *graph) {
    struct graph_facts facts;
    graph_get_facts(graph, &facts);
    return facts;
}

static unsigned count_neighbours(struct graph *graph, uint64_t node, enum graph_direction direction) {
    struct graph_neighbours *walk = NULL;
    struct graph_neighbour neighbour;
    unsigned count = 0;
    assert_int_equal(graph_neighbours_create(graph, &walk), STATUS_OK);
    graph_neighbours_start(walk, node, direction, NULL, 0);
    while (graph_neighbours_next(walk, &neighbour) == STATUS_OK) count++;
    assert_int_equal(graph_neighbours_next(walk, &neighbour), STATUS_END);
    graph_neighbours_destroy(walk);
    return count;
}

static void expect_error(const struct graph_lab *lab, const char *text) {
    struct decoder decoder = decoder_make(buf_slice(&lab->reply));
    struct reply_value value;
    assert_int_equal(reply_decode(&decoder, &value), STATUS_OK);
    assert_int_equal(value.tag, REPLY_ERROR);
    assert_true(slice_equal(value.text, slice_from_text(text)));
}

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

static void a_graph_is_made_by_its_first_operation_even_an_empty_one(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    assert_true(facts_of(graph).object == 0);
    assert_false(graph_edit_is_empty(graph));
    graph_lab_commit(lab, graph);
    graph = graph_lab_open(lab, "g");
    assert_true(facts_of(graph).object == lab->index && facts_of(graph).change == lab->index);
    assert_true(graph_edit_is_empty(graph));
    graph_lab_expect_whole(lab);
}

static void an_edge_is_seen_from_both_ends_before_and_after_the_commit(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    const uint64_t a = make_node(graph), b = make_node(graph);
    make_edge(graph, a, b);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(count_neighbours(graph, a, GRAPH_OUT), 1);
        assert_int_equal(count_neighbours(graph, a, GRAPH_IN), 0);
        assert_int_equal(count_neighbours(graph, b, GRAPH_IN), 1);
        assert_int_equal(count_neighbours(graph, b, GRAPH_BOTH), 1);
        if (round == 0) graph_lab_commit(lab, graph);
        graph = graph_lab_open(lab, "g");
    }
    graph_lab_expect_whole(lab);
}

static void a_self_loop_is_two_degrees_and_one_neighbour(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    const uint64_t a = make_node(graph);
    make_edge(graph, a, a);
    graph_lab_commit(lab, graph);
    graph = graph_lab_open(lab, "g");
    uint64_t degree = 0;
    assert_int_equal(graph_degree(graph, a, GRAPH_BOTH, &degree), STATUS_OK);
    assert_int_equal(degree, 2);
    assert_int_equal(count_neighbours(graph, a, GRAPH_BOTH), 1);
    assert_int_equal(graph_edit_delete_node(graph, a, true), STATUS_OK);
    graph_lab_commit(lab, graph);
    graph_lab_expect_whole(lab);
}

static void a_node_with_edges_goes_only_with_them(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    const uint64_t a = make_node(graph), b = make_node(graph), edge = make_edge(graph, a, b);
    graph_lab_commit(lab, graph);
    graph = graph_lab_open(lab, "g");
    assert_int_equal(graph_edit_delete_node(graph, a, false), STATUS_EXISTS);
    assert_true(graph_edit_is_empty(graph));
    assert_int_equal(graph_edit_delete_node(graph, a, true), STATUS_OK);
    struct graph_edge row;
    assert_int_equal(graph_get_edge(graph, edge, &row), STATUS_NOT_FOUND);
    assert_int_equal(count_neighbours(graph, b, GRAPH_IN), 0);
    graph_lab_commit(lab, graph);
    graph_lab_expect_whole(lab);
    assert_true(facts_of(graph_lab_open(lab, "g")).edge_count == 0);
}

static void what_was_borrowed_from_an_edited_row_stays_through_later_edits(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    const uint64_t a = make_node(graph);
    const uint32_t key = word(graph, GRAPH_KEY, "name");
    struct buf value = BUF_EMPTY;
    assert_int_equal(graph_property_encode_string(&value, slice_from_text("first")), STATUS_OK);
    assert_int_equal(graph_edit_set_node_property(graph, a, key, buf_slice(&value)), STATUS_OK);
    struct graph_node node;
    struct slice found;
    assert_int_equal(graph_get_node(graph, a, &node), STATUS_OK);
    for (int i = 0; i < 1000; i++) {
        buf_clear(&value);
        assert_int_equal(graph_property_encode_integer(&value, i), STATUS_OK);
        assert_int_equal(graph_edit_set_node_property(graph, a, key, buf_slice(&value)), STATUS_OK);
    }
    assert_true(graph_property_find(node.properties, key, &found));
    assert_int_equal(found.data[0], GRAPH_PROPERTY_STRING);
    assert_int_equal(memcmp(found.data + 2, "first", 5), 0);
    graph_node_release(&node);
    buf_deinit(&value);
}

static void a_property_that_stays_the_same_is_no_edit(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    const uint64_t a = make_node(graph);
    const uint32_t key = word(graph, GRAPH_KEY, "k");
    struct buf value = BUF_EMPTY;
    assert_int_equal(graph_property_encode_boolean(&value, true), STATUS_OK);
    assert_int_equal(graph_edit_set_node_property(graph, a, key, buf_slice(&value)), STATUS_OK);
    graph_lab_commit(lab, graph);
    graph = graph_lab_open(lab, "g");
    assert_int_equal(graph_edit_set_node_property(graph, a, key, buf_slice(&value)), STATUS_OK);
    assert_int_equal(graph_edit_set_node_property(graph, a, key + 1, buf_slice(&value)), STATUS_INVALID);
    assert_true(graph_edit_is_empty(graph));
    assert_int_equal(graph_edit_set_node_property(graph, a, key, slice_make(NULL, 0)), STATUS_OK);
    struct graph_edit_counts counts;
    graph_edit_get_counts(graph, &counts);
    assert_int_equal(counts.properties_set, 0);
    assert_int_equal(counts.properties_removed, 1);
    buf_deinit(&value);
}

static void edits_beyond_the_limit_are_refused(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    uint64_t id = 0;
    enum status status = STATUS_OK;
    unsigned made = 0;
    for (; status == STATUS_OK && made <= GRAPH_EDITS_MAX; made++)
        status = graph_edit_create_node(graph, NULL, 0, NULL, 0, &id);
    assert_int_equal(status, STATUS_TOO_LARGE);
    assert_int_equal(made, GRAPH_EDITS_MAX + 1);
}

/* ---- Apply ------------------------------------------------------------------------------------------------------- */

static void effects_on_a_graph_that_has_changed_since_are_a_conflict(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    struct buf late = BUF_EMPTY;
    make_node(graph);
    assert_int_equal(graph_edit_operation(graph, &late), STATUS_OK);
    graph_lab_commit(lab, graph);
    const uint64_t hash = graph_lab_hash(lab);
    graph_lab_apply(lab, buf_slice(&late));
    assert_true(graph_reply_is_conflict(buf_slice(&lab->reply)));
    assert_true(graph_lab_hash(lab) == hash);
    graph_lab_delete(lab, "g");
    graph_lab_apply(lab, buf_slice(&late)); /* there is no such graph, as when it was computed */
    assert_false(graph_reply_is_conflict(buf_slice(&lab->reply)));
    graph_lab_expect_whole(lab);
    buf_deinit(&late);
}

/* Effects that nobody's edits made: each an error reply, and nothing has happened. */
static void effects_that_do_not_fit_change_nothing(void **state) {
    struct graph_lab *lab = *state;
    struct graph *graph = graph_lab_open(lab, "g");
    const uint64_t a = make_node(graph);
    make_edge(graph, a, make_node(graph));
    graph_lab_commit(lab, graph);
    const uint64_t hash = graph_lab_hash(lab), change = lab->index;
    const struct graph_record misfits[] = {
        {.kind = GRAPH_RECORD_CREATE_EDGE, .numbers = {0, 0, 77}},
        {.kind = GRAPH_RECORD_CREATE_EDGE, .numbers = {9, 0, 0}},
        {.kind = GRAPH_RECORD_CREATE_NODE, .labels = {3}, .label_count = 1},
        {.kind = GRAPH_RECORD_DELETE_NODE, .numbers = {0}},
        {.kind = GRAPH_RECORD_DELETE_EDGE, .numbers = {5}},
        {.kind = GRAPH_RECORD_ADD_LABEL, .numbers = {0, UINT64_MAX}},
        {.kind = GRAPH_RECORD_SET_NODE_PROPERTY, .numbers = {0, 0}, .strings = {{(const uint8_t *)"\x01", 1}}},
        {.kind = GRAPH_RECORD_WORD, .numbers = {GRAPH_TYPE}, .strings = {{(const uint8_t *)"KNOWS", 5}}},
    };
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        const struct graph_op op = {.kind = GRAPH_OP_EFFECTS, .name = slice_from_text("g"), .number = change};
        const struct graph_record sound = {.kind = GRAPH_RECORD_CREATE_NODE};
        buf_clear(&lab->operation);
        assert_int_equal(graph_op_encode(&lab->operation, &op), STATUS_OK);
        assert_int_equal(graph_record_encode(&lab->operation, &sound), STATUS_OK);
        assert_int_equal(graph_record_encode(&lab->operation, &misfits[i]), STATUS_OK);
        graph_lab_apply(lab, buf_slice(&lab->operation));
        expect_error(lab, GRAPH_TEXT_MISFIT);
        assert_true(graph_lab_hash(lab) == hash);
    }
}

static void a_name_of_another_type_is_refused(void **state) {
    struct graph_lab *lab = *state;
    struct names_view view = graph_lab_view(lab, NULL);
    struct kv *kv = NULL;
    const struct slice arguments[] = {slice_from_text("s"), slice_from_text("v")};
    const struct kv_op set = {.kind = KV_OP_SET, .arguments = arguments, .argument_count = 2};
    assert_int_equal(kv_create(lab->owners, GRAPH_LAB_OWNERS, &kv), STATUS_OK);
    assert_int_equal(kv_op_encode(&lab->operation, &set), STATUS_OK);
    assert_int_equal(kv_apply(kv, &view, buf_slice(&lab->operation), &lab->batch, &lab->reply), STATUS_OK);
    assert_int_equal(graph_lab_write(lab, false), STATUS_OK);
    kv_destroy(kv);

    struct graph *graph = NULL;
    assert_int_equal(graph_create(&graph), STATUS_OK);
    assert_int_equal(graph_open(graph, &view, slice_from_text("s")), STATUS_WRONG_TYPE);
    graph_destroy(graph);
    buf_clear(&lab->operation);
    assert_int_equal(graph_op_encode_delete(&lab->operation, slice_from_text("s")), STATUS_OK);
    graph_lab_apply(lab, buf_slice(&lab->operation));
    expect_error(lab, GRAPH_TEXT_WRONG_TYPE);
    buf_clear(&lab->operation);
    assert_int_equal(graph_op_encode_delete(&lab->operation, slice_from_text("nothing")), STATUS_OK);
    graph_lab_apply(lab, buf_slice(&lab->operation));
    expect_error(lab, GRAPH_TEXT_EMPTY_KEY);
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static enum status add_name(void *context, struct slice name, uint64_t object) {
    struct buf *names = context;
    (void)object;
    enum status status = buf_append_slice(names, name);
    return status ? status : buf_append_byte(names, ' ');
}

static void expect_list(const struct graph_lab *lab, const char *expected) {
    const struct names_view view = graph_lab_view(lab, NULL);
    struct buf names = BUF_EMPTY;
    assert_int_equal(graph_list(&view, add_name, &names), STATUS_OK);
    assert_true(slice_equal(buf_slice(&names), slice_from_text(expected)));
    buf_deinit(&names);
}

static void the_operation_of_a_name(struct graph_lab *lab, struct names_edit *edit) {
    const struct names_view view = graph_lab_view(lab, NULL);
    engine_batch_clear(&lab->batch);
    names_edit_begin(edit, &view, &lab->batch);
}

static void write_names(struct graph_lab *lab, struct names_edit *edit) {
    assert_int_equal(names_edit_finish(edit), STATUS_OK);
    assert_int_equal(graph_lab_write(lab, false), STATUS_OK);
}

static void the_list_follows_deletes_renames_and_expiries(void **state) {
    struct graph_lab *lab = *state;
    struct names_edit *edit = NULL;
    assert_int_equal(names_edit_create(lab->owners, GRAPH_LAB_OWNERS, &edit), STATUS_OK);
    const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        struct graph *graph = graph_lab_open(lab, names[i]);
        make_edge(graph, make_node(graph), make_node(graph));
        graph_lab_commit(lab, graph);
    }
    expect_list(lab, "a b c ");
    graph_lab_delete(lab, "a");
    expect_list(lab, "b c ");
    the_operation_of_a_name(lab, edit);
    assert_int_equal(names_edit_rename(edit, slice_from_text("b"), slice_from_text("bb")), STATUS_OK);
    struct name_row row;
    assert_int_equal(names_edit_get(edit, slice_from_text("c"), &row), STATUS_OK);
    row.expire_ms = lab->now_ms + 50;
    assert_int_equal(names_edit_put(edit, slice_from_text("c"), &row), STATUS_OK);
    write_names(lab, edit);
    expect_list(lab, "bb c ");
    graph_lab_expect_whole(lab);
    lab->now_ms += 50;
    expect_list(lab, "bb ");
    graph_lab_expect_whole(lab); /* its rows wait for the reap */
    uint32_t reaped = 0;
    the_operation_of_a_name(lab, edit);
    assert_int_equal(names_edit_reap(edit, 10, &reaped), STATUS_OK);
    write_names(lab, edit);
    graph_lab_expect_whole(lab);
    the_operation_of_a_name(lab, edit);
    assert_int_equal(names_edit_clear(edit), STATUS_OK);
    write_names(lab, edit);
    expect_list(lab, "");
    assert_true(facts_of(graph_lab_open(lab, "bb")).object == 0);
    graph_lab_expect_whole(lab);
    names_edit_destroy(edit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        FACT(a_graph_is_made_by_its_first_operation_even_an_empty_one),
        FACT(an_edge_is_seen_from_both_ends_before_and_after_the_commit),
        FACT(a_self_loop_is_two_degrees_and_one_neighbour),
        FACT(a_node_with_edges_goes_only_with_them),
        FACT(what_was_borrowed_from_an_edited_row_stays_through_later_edits),
        FACT(a_property_that_stays_the_same_is_no_edit),
        FACT(edits_beyond_the_limit_are_refused),
        FACT(effects_on_a_graph_that_has_changed_since_are_a_conflict),
        FACT(effects_that_do_not_fit_change_nothing),
        FACT(a_name_of_another_type_is_refused),
        FACT(the_list_follows_deletes_renames_and_expiries),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
