/*
 * results: replies to queries byte by byte as values, verbose and compact, as FalkorDB documents them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph/result.h"
#include "graph/value_text.h"
#include "tests/harness/query_lab.h"

struct result_lab {
    struct query_lab queries;
    struct buf reply, text;
};

static int set_up(void **state) {
    struct result_lab *lab = calloc(1, sizeof *lab);
    assert_non_null(lab);
    query_lab_init(&lab->queries);
    *state = lab;
    return 0;
}

static int tear_down(void **state) {
    struct result_lab *lab = *state;
    query_lab_deinit(&lab->queries);
    buf_deinit(&lab->reply);
    buf_deinit(&lab->text);
    free(lab);
    return 0;
}

/* One value: 'text', 12, null, [a b], !error. */
static void print_reply(struct decoder *decoder, struct buf *to) {
    struct reply_value value;
    assert_int_equal(reply_decode(decoder, &value), STATUS_OK);
    enum status status = STATUS_OK;
    switch (value.tag) {
    case REPLY_NULL: status = buf_append_format(to, "null"); break;
    case REPLY_INTEGER: status = buf_append_format(to, "%" PRId64, value.integer); break;
    case REPLY_BULK:
        status = buf_append_format(to, "'%.*s'", (int)value.text.size, (const char *)value.text.data);
        break;
    case REPLY_ERROR:
        status = buf_append_format(to, "!%.*s", (int)value.text.size, (const char *)value.text.data);
        break;
    default:
        assert_int_equal(value.tag, REPLY_ARRAY);
        status = buf_append_byte(to, '[');
        for (uint64_t i = 0; i < value.count; i++) {
            if (i > 0) assert_int_equal(buf_append_byte(to, ' '), STATUS_OK);
            print_reply(decoder, to);
        }
        if (status == STATUS_OK) status = buf_append_byte(to, ']');
    }
    assert_int_equal(status, STATUS_OK);
}

static void expect_text(struct result_lab *lab, const char *expected) {
    struct decoder decoder = decoder_make(buf_slice(&lab->reply));
    buf_clear(&lab->text);
    print_reply(&decoder, &lab->text);
    assert_true(decoder_finished(&decoder));
    if (!slice_equal(buf_slice(&lab->text), slice_from_text(expected)))
        fail_msg("gives   %.*s\nand not %s", (int)lab->text.size, (const char *)lab->text.data, expected);
}

static enum status run(struct result_lab *lab, const char *text, bool compact, size_t limit_bytes) {
    struct query *query;
    struct result result;
    buf_clear(&lab->reply);
    result_init(&result, compact, limit_bytes);
    enum status status = query_prepare(slice_from_text(text), &query);
    struct query_options options = {.graph = graph_lab_open(&lab->queries.graphs, "g"), .sink = result_sink(&result)};
    if (status == STATUS_OK) status = query_start(query, &options);
    if (status == STATUS_OK) status = query_step(query, 1 << 20);
    assert_int_equal(status == STATUS_OK ? result_finish(&result, query, false, 0.25, &lab->reply)
                                         : result_error(query, status, &lab->reply),
                     STATUS_OK);
    if (status == STATUS_OK && query_is_update(query)) graph_lab_commit(&lab->queries.graphs, options.graph);
    query_destroy(query);
    result_deinit(&result);
    return status;
}

static void expect(struct result_lab *lab, const char *query, bool compact, const char *expected) {
    assert_int_equal(run(lab, query, compact, 0), STATUS_OK);
    expect_text(lab, expected);
}

#define TAIL "['Cached execution: 0' 'Query internal execution time: 0.250000 milliseconds']"

static void scalars_are_themselves_when_verbose(void **state) {
    expect(*state, "RETURN 1 AS a, 'x' AS b, null AS c, true AS d, 0.1 AS e", false,
           "[['a' 'b' 'c' 'd' 'e'] [[1 'x' null 'true' '0.1']] " TAIL "]");
}

static void scalars_have_their_type_before_them_when_compact(void **state) {
    expect(*state, "RETURN 1 AS a, 'x' AS b, null AS c, true AS d, 0.5 AS e", true,
           "[[[1 'a'] [1 'b'] [1 'c'] [1 'd'] [1 'e']] [[[3 1] [2 'x'] [1 null] [4 'true'] [5 '0.5']]] " TAIL "]");
}

static void a_query_without_columns_answers_its_statistics(void **state) {
    expect(
        *state, "CREATE (:A {x: 1, y: 2})-[:R]->(:A)", false,
        "[['Labels added: 1' 'Nodes created: 2' 'Properties set: 2' 'Relationships created: 1' 'Cached execution: 0' "
        "'Query internal execution time: 0.250000 milliseconds']]");
    expect(*state, "MATCH (n:A) REMOVE n.y SET n:B DETACH DELETE n", false,
           "[['Labels added: 2' 'Properties removed: 1' 'Nodes deleted: 2' 'Relationships deleted: 1' "
           "'Cached execution: 0' 'Query internal execution time: 0.250000 milliseconds']]");
}

static void nodes_and_edges_have_named_parts_when_verbose(void **state) {
    query_lab_run(&((struct result_lab *)*state)->queries, "CREATE (:A:B {x: 1, y: 'z'})-[:R {w: [1, 2]}]->(:C)");
    expect(*state, "MATCH (a:A)-[r]->(b) RETURN a, r, b", false,
           "[['a' 'r' 'b'] [[[['id' 0] ['labels' ['A' 'B']] ['properties' [['x' 1] ['y' 'z']]]] "
           "[['id' 0] ['type' 'R'] ['src_node' 0] ['dest_node' 1] ['properties' [['w' '[1, 2]']]]] "
           "[['id' 1] ['labels' ['C']] ['properties' []]]]] " TAIL "]");
}

static void nodes_and_edges_name_words_by_ids_when_compact(void **state) {
    query_lab_run(&((struct result_lab *)*state)->queries, "CREATE (:A:B {x: 1, y: 'z'})-[:R {w: [1, 2]}]->(:C)");
    expect(*state, "MATCH (a:A)-[r]->(b) RETURN a, r", true,
           "[[[1 'a'] [1 'r']] [[[8 [0 [0 1] [[0 3 1] [1 2 'z']]]] [7 [0 0 0 1 [[2 6 [[3 1] [3 2]]]]]]]] " TAIL "]");
}

static void lists_maps_and_paths_are_text_when_verbose(void **state) {
    query_lab_run(&((struct result_lab *)*state)->queries, "CREATE ()-[:R]->()");
    expect(*state, "MATCH p = ()-->() RETURN p, [1, null, 'a'] AS l, {k: 1.5, m: [true]} AS m", false,
           "[['p' 'l' 'm'] [['[(0), [0], (1)]' '[1, NULL, a]' '{k: 1.5, m: [true]}']] " TAIL "]");
}

static void lists_maps_and_paths_are_nested_when_compact(void **state) {
    query_lab_run(&((struct result_lab *)*state)->queries, "CREATE ()-[:R]->()");
    expect(*state, "MATCH p = ()-->() RETURN p, [1, [null]] AS l, {k: 1} AS m", true,
           "[[[1 'p'] [1 'l'] [1 'm']] [[[9 [[6 [[8 [0 [] []]] [8 [1 [] []]]]] [6 [[7 [0 0 0 1 []]]]]]] "
           "[6 [[3 1] [6 [[1 null]]]]] [10 ['k' [3 1]]]]] " TAIL "]");
}

static void a_result_that_is_too_long_is_an_error(void **state) {
    assert_int_equal(run(*state, "UNWIND range(1, 1000) AS x RETURN x", false, 500), STATUS_TOO_LARGE);
    expect_text(*state, "!ERR The result is larger than a reply may be; ask for less with LIMIT");
}

static void what_is_nested_deeper_than_a_reply_is_an_error(void **state) {
    const char *deep = "RETURN [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]] AS x";
    assert_int_equal(run(*state, deep, true, 0), STATUS_TOO_LARGE);
    assert_int_equal(run(*state, deep, false, 0), STATUS_OK);
}

static void a_fault_is_an_error_with_its_place(void **state) {
    assert_int_equal(run(*state, "RETURN 1 +", false, 0), STATUS_SYNTAX);
    struct decoder decoder = decoder_make(buf_slice(&((struct result_lab *)*state)->reply));
    struct reply_value value;
    assert_int_equal(reply_decode(&decoder, &value), STATUS_OK);
    assert_int_equal(value.tag, REPLY_ERROR);
    assert_non_null(memmem(value.text.data, value.text.size, "(line 1, column 11)", 19));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static unsigned depth_of(struct decoder *decoder) {
    struct reply_value value;
    unsigned deepest = 0;
    assert_int_equal(reply_decode(decoder, &value), STATUS_OK);
    if (value.tag != REPLY_ARRAY) return 0;
    for (uint64_t i = 0; i < value.count; i++) {
        const unsigned depth = depth_of(decoder);
        if (depth > deepest) deepest = depth;
    }
    return deepest + 1;
}

static void a_compact_reply_is_never_deeper_than_a_reply_may_be(void **state) {
    struct result_lab *lab = *state;
    assert_int_equal(run(lab, "CREATE (:A {l: [1, 2]})-[:R {m: [3]}]->(:B)", true, 0), STATUS_OK);
    unsigned most = 0, refused = 0;
    for (int depth = 0; depth < 20; depth++) {
        static const char brackets[] = "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]";
        char query[96];
        assert_true(snprintf(query, sizeof query, "MATCH p = (n)-->() RETURN %.*sp%.*s", depth, brackets, depth,
                             brackets + 20) > 0);
        enum status status = run(lab, query, true, 0);
        refused += status == STATUS_TOO_LARGE;
        if (status == STATUS_TOO_LARGE) continue;
        assert_int_equal(status, STATUS_OK);
        struct decoder decoder = decoder_make(buf_slice(&lab->reply));
        const unsigned levels = depth_of(&decoder);
        if (levels > most) most = levels;
    }
    assert_in_range(most, REPLY_DEPTH_MAX - 1, REPLY_DEPTH_MAX);
    assert_true(refused > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(scalars_are_themselves_when_verbose),
        TEST(scalars_have_their_type_before_them_when_compact),
        TEST(a_query_without_columns_answers_its_statistics),
        TEST(nodes_and_edges_have_named_parts_when_verbose),
        TEST(nodes_and_edges_name_words_by_ids_when_compact),
        TEST(lists_maps_and_paths_are_text_when_verbose),
        TEST(lists_maps_and_paths_are_nested_when_compact),
        TEST(a_compact_reply_is_never_deeper_than_a_reply_may_be),
        TEST(a_result_that_is_too_long_is_an_error),
        TEST(what_is_nested_deeper_than_a_reply_is_an_error),
        TEST(a_fault_is_an_error_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
