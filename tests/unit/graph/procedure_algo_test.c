/*
 * procedure_algo: CALL of the algorithms on a small graph whose answers are known by looking; what they refuse, and in
 * which words; that they keep to the query's memory, and that steps of any size give the same rows.
 *
 *      a --1--> b --1--> c      d --> d (itself)      roads a->c weigh 5; a->b is there twice (1 and 3)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/query.h"
#include "tests/harness/graph_lab.h"

enum { SHOWN_BYTES = 4096 };

static char shown[SHOWN_BYTES];
static size_t used;

static void show(const struct value *value) {
    char *at = shown + used;
    const size_t left = sizeof shown - used;
    switch (value->type) {
    case VALUE_INTEGER: used += (size_t)snprintf(at, left, "%lld", (long long)value->integer); break;
    case VALUE_FLOAT: used += (size_t)snprintf(at, left, "%.4g", value->number); break;
    case VALUE_NULL: used += (size_t)snprintf(at, left, "null"); break;
    case VALUE_STRING:
        used += (size_t)snprintf(at, left, "%.*s", (int)value->text.size, (const char *)value->text.data);
        break;
    case VALUE_LIST:
        used += (size_t)snprintf(at, left, "[");
        for (size_t i = 0; i < value->list.count; i++) {
            if (i > 0) used += (size_t)snprintf(shown + used, sizeof shown - used, ",");
            show(&value->list.items[i]);
        }
        used += (size_t)snprintf(shown + used, sizeof shown - used, "]");
        break;
    default: used += (size_t)snprintf(at, left, "?"); break;
    }
}

static enum status take_row(void *context, struct graph *graph, const struct value *values, uint32_t count) {
    (void)context, (void)graph;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) used += (size_t)snprintf(shown + used, sizeof shown - used, " ");
        show(&values[i]);
    }
    used += (size_t)snprintf(shown + used, sizeof shown - used, "; ");
    assert_true(used < sizeof shown);
    return STATUS_OK;
}

/* Rows as text, "a 1; b 2; "; or the error's. */
static const char *run(struct graph_lab *lab, const char *text, uint64_t work, size_t memory) {
    struct query *query = NULL;
    used = 0;
    shown[0] = '\0';
    enum status status = query_prepare(slice_from_text(text), &query);
    const struct query_options options = {
        .graph = graph_lab_open(lab, "g"), .sink = {.row = take_row}, .memory_limit_bytes = memory};
    if (status == STATUS_OK) status = query_start(query, &options);
    if (status == STATUS_OK) do
            status = query_step(query, work);
        while (status == STATUS_BUSY);
    if (status != STATUS_OK) (void)snprintf(shown, sizeof shown, "%s", query_error_text(query));
    if (status == STATUS_OK && query_is_update(query)) {
        buf_clear(&lab->operation);
        assert_int_equal(query_encode(query, &lab->operation), STATUS_OK);
        struct buf operation = lab->operation;
        lab->operation = BUF_EMPTY;
        query_destroy(query);
        query = NULL;
        graph_lab_apply(lab, buf_slice(&operation));
        buf_deinit(&operation);
    }
    query_destroy(query);
    return shown;
}

static struct graph_lab lab;

static void expect(const char *text, const char *expected) {
    assert_string_equal(run(&lab, text, 1 << 20, 0), expected);
    assert_string_equal(run(&lab, text, 1, 0), expected);
}

static int set_up(void **state) {
    (void)state;
    struct error error = {0};
    graph_lab_init(&lab, NULL, 1, NULL);
    assert_int_equal(graph_lab_open_engine(&lab, &error), STATUS_OK);
    (void)run(&lab,
              "CREATE (a:P {n:'a'}), (b:P:Q {n:'b'}), (c:Q {n:'c'}), (d {n:'d'}),"
              " (a)-[:R {w:3}]->(b), (a)-[:R {w:1}]->(b), (b)-[:R {w:1.0}]->(c), (a)-[:S {w:5}]->(c), (d)-[:S]->(d)",
              1000, 0);
    assert_string_equal(shown, "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    graph_lab_deinit(&lab);
    return 0;
}

static void distances_count_hops_or_add_weights(void **state) {
    (void)state;
    expect("MATCH (a {n:'a'}) CALL algo.distances(a) YIELD node, distance RETURN node.n, distance", "a 0; b 1; c 1; ");
    expect("MATCH (a {n:'a'}) CALL algo.distances(a, {weightProp:'w'}) YIELD node, distance RETURN node.n, distance",
           "a 0; b 1; c 2; ");
    expect("MATCH (a {n:'a'}) CALL algo.distances(a, {relTypes:'R'}) YIELD node, distance RETURN node.n, distance",
           "a 0; b 1; c 2; ");
    expect("MATCH (a {n:'a'}) CALL algo.distances(a, {relTypes:['R'], maxLen:1}) YIELD node RETURN node.n", "a; b; ");
    expect("MATCH (a {n:'c'}) CALL algo.distances(a, {relDirection:'incoming'}) YIELD node, distance "
           "RETURN node.n, distance ORDER BY node.n",
           "a 1; b 1; c 0; ");
    expect("MATCH (a {n:'d'}) CALL algo.distances(a, {relTypes:['NIX']}) YIELD node RETURN node.n", "d; ");
    /* an edge without a number weighs 1 */
    expect("MATCH (a {n:'a'}) CALL algo.distances(a, {weightProp:'nix'}) YIELD node, distance RETURN node.n, distance",
           "a 0; b 1; c 1; ");
}

static void bfs_gives_the_nodes_and_the_edges_to_them(void **state) {
    (void)state;
    expect("MATCH (a {n:'a'}) CALL algo.BFS(a, 0, NULL) YIELD nodes, edges "
           "RETURN [x IN nodes | x.n], [e IN edges | type(e)]",
           "[b,c] [R,S]; ");
    expect("MATCH (a {n:'a'}) CALL algo.BFS(a, 1, 'R') YIELD nodes RETURN [x IN nodes | x.n]", "[b]; ");
    expect("MATCH (a {n:'d'}) CALL algo.bfs(a) YIELD nodes RETURN nodes", "");
}

static void the_lightest_path_is_found_with_its_edges(void **state) {
    (void)state;
    expect("MATCH (a {n:'a'}), (c {n:'c'}) CALL algo.SPpaths({sourceNode:a, targetNode:c, weightProp:'w'}) "
           "YIELD path, pathWeight, pathCost "
           "RETURN [x IN nodes(path) | x.n], [e IN relationships(path) | e.w], pathWeight, pathCost",
           "[a,b,c] [1,1] 2 2; ");
    expect("MATCH (a {n:'a'}), (c {n:'c'}) CALL algo.SPpaths({sourceNode:a, targetNode:c}) "
           "YIELD path, pathWeight RETURN [x IN nodes(path) | x.n], pathWeight",
           "[a,c] 1; ");
    expect("MATCH (a {n:'a'}), (d {n:'d'}) CALL algo.SPpaths({sourceNode:a, targetNode:d}) YIELD path RETURN path", "");
    expect("MATCH (a {n:'a'}) CALL algo.SPpaths({sourceNode:a, targetNode:a}) YIELD path, pathWeight "
           "RETURN length(path), pathWeight",
           "0 0; ");
}

static void components_are_named_by_their_least_node(void **state) {
    (void)state;
    expect("CALL algo.WCC() YIELD node, componentId RETURN node.n, componentId", "a 0; b 0; c 0; d 3; ");
    expect("CALL algo.WCC({nodeLabels:['P'], relationshipTypes:['S']}) YIELD node, componentId "
           "RETURN node.n, componentId",
           "a 0; b 1; ");
    expect("CALL algo.WCC({nodeLabels:['Q','P','NIX']}) YIELD node RETURN node.n", "a; b; c; ");
    expect("CALL algo.WCC({nodeLabels:['NIX']}) YIELD node RETURN node.n", "");
}

static void page_rank_shares_out_what_dangling_nodes_hold(void **state) {
    (void)state;
    expect("CALL algo.pageRank('P', 'R', {maxIterations: 50, tolerance: 0}) YIELD node, score "
           "RETURN node.n, score",
           "a 0.3509; b 0.6491; ");
    expect("CALL algo.pageRank(NULL, NULL) YIELD score RETURN sum(score) > 0.999", "?; ");
}

static void each_states_the_log_index_of_what_it_saw(void **state) {
    (void)state;
    struct graph_facts facts;
    char expected[64];
    graph_get_facts(graph_lab_open(&lab, "g"), &facts);
    (void)snprintf(expected, sizeof expected, "%llu; ", (unsigned long long)facts.change);
    expect("CALL algo.WCC() YIELD logIndex RETURN DISTINCT logIndex", expected);
    expect("CALL algo.pageRank(NULL, NULL) YIELD logIndex RETURN DISTINCT logIndex", expected);
    expect("MATCH (a {n:'a'}) CALL algo.BFS(a) YIELD logIndex RETURN logIndex", expected);
    expect("MATCH (a {n:'a'}) CALL algo.distances(a) YIELD logIndex RETURN DISTINCT logIndex", expected);
    expect("MATCH (a {n:'a'}) CALL algo.SPpaths({sourceNode:a, targetNode:a}) YIELD logIndex RETURN logIndex",
           expected);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } wrong[] = {
        {"CALL algo.WCC({nodeLabel:'P'}) YIELD node RETURN 1", "algo.WCC has no setting 'nodeLabel'"},
        {"CALL algo.WCC({nodeLabels:3}) YIELD node RETURN 1",
         "algo.WCC: nodeLabels is to be a string or a list of strings, not Integer"},
        {"CALL algo.WCC({nodeLabels:['P', 1]}) YIELD node RETURN 1", "a list of strings, not Integer"},
        {"CALL algo.pageRank(NULL, NULL, {dampingFactor: 1.5}) YIELD node RETURN 1", "a float between 0 and 1"},
        {"CALL algo.pageRank(NULL, NULL, {maxIterations: 0}) YIELD node RETURN 1", "an integer from 1"},
        {"CALL algo.pageRank(NULL, NULL, {relDirection: 'up'}) YIELD node RETURN 1", "'incoming' or 'both'"},
        {"CALL algo.SPpaths({targetNode: 1}) YIELD path RETURN 1", "sourceNode is to be a node, not Null"},
        {"MATCH (a {n:'a'}) CALL algo.SPpaths({sourceNode: a, targetNode: NULL}) YIELD path RETURN 1",
         "targetNode is to be a node, not Null"},
        {"MATCH (a {n:'a'}) CALL algo.SPpaths({sourceNode: a, targetNode: a, pathCount: 0}) YIELD path RETURN 1",
         "pathCount other than 1"},
        {"WITH NULL AS a CALL algo.BFS(a, 1, NULL) YIELD nodes RETURN 1", "source is to be a node, not Null"},
        {"CREATE (:X) WITH 1 AS x CALL algo.WCC() YIELD node RETURN 1", "this query has changed the graph before"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *said = run(&lab, wrong[i].text, 1000, 0);
        if (!strstr(said, wrong[i].words)) fail_msg("%s: '%s' does not say '%s'", wrong[i].text, said, wrong[i].words);
    }
    (void)run(&lab, "MATCH (a {n:'a'})-[r:S]->() SET r.w = -1", 1000, 0);
    assert_non_null(
        strstr(run(&lab, "MATCH (a {n:'a'}) CALL algo.distances(a, {weightProp:'w'}) YIELD node RETURN 1", 1000, 0),
               "an edge's weight is negative"));
}

static void memory_is_that_of_the_query(void **state) {
    (void)state;
    (void)run(&lab, "UNWIND range(1, 5000) AS i CREATE (:Many)", 1000, 0);
    assert_string_equal(run(&lab, "CALL algo.pageRank('Many', NULL) YIELD node RETURN count(node)", 1000, 8 << 20),
                        "5000; ");
    const char *said = run(&lab, "CALL algo.pageRank('Many', NULL) YIELD node RETURN count(node)", 1000, 60 << 10);
    if (!strstr(said, "mem consumption exceeded")) fail_msg("it says: %s", said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(distances_count_hops_or_add_weights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bfs_gives_the_nodes_and_the_edges_to_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lightest_path_is_found_with_its_edges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(components_are_named_by_their_least_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(page_rank_shares_out_what_dangling_nodes_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_states_the_log_index_of_what_it_saw, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_that_of_the_query, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
