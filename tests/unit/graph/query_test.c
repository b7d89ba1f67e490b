/*
 * queries: what operators do with rows, what clauses leave in the graph, how a run is bounded and ended. Every graph is
 * verified after its test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/harness/alloc_fault.h"
#include "tests/harness/query_lab.h"

static int set_up(void **state) {
    struct query_lab *lab = malloc(sizeof *lab);
    assert_non_null(lab);
    query_lab_init(lab);
    *state = lab;
    return 0;
}

static int tear_down(void **state) {
    struct query_lab *lab = *state;
    graph_lab_expect_whole(&lab->graphs);
    query_lab_deinit(lab);
    free(lab);
    return 0;
}

/* Ann -KNOWS-> Bob -KNOWS-> Cid -LIKES-> Ann, Dan by himself. */
static void make_people(struct query_lab *lab) {
    query_lab_run(lab,
                  "CREATE (a:Person {name: 'Ann', age: 30})-[:KNOWS {since: 2000}]->(b:Person {name: 'Bob', age: 40})"
                  "-[:KNOWS]->(c:Person:Boss {name: 'Cid'})-[:LIKES]->(a), (:Person {name: 'Dan', age: 20})");
}

/* --- reading --- */

static void a_pattern_is_followed_in_its_direction(void **state) {
    make_people(*state);
    query_lab_expect(*state, "MATCH (a)-[:KNOWS]->(b) RETURN a.name, b.name", "Ann, Bob|Bob, Cid");
    query_lab_expect(*state, "MATCH (a)<-[:KNOWS]-(b) RETURN a.name, b.name ORDER BY a.name", "Bob, Ann|Cid, Bob");
    query_lab_expect(*state, "MATCH (a {name: 'Ann'})-[r]-(b) RETURN type(r), b.name ORDER BY b.name",
                     "KNOWS, Bob|LIKES, Cid");
    query_lab_expect(*state, "MATCH (a)-[:NONE]->(b) RETURN a", "");
    query_lab_expect(*state, "MATCH (a)-[r:LIKES|KNOWS]->(b:Boss) RETURN a.name", "Bob");
}

static void an_edge_is_in_a_match_once(void **state) {
    query_lab_run(*state, "CREATE (a {n: 1})-[:R]->(b {n: 2}), (a)-[:R]->(a)");
    query_lab_expect(*state, "MATCH (x)-[r]-(y)-[s]-(z) RETURN count(*)", "2");
    query_lab_expect(*state, "MATCH (x)-[r]-(x) RETURN x.n", "1");
}

static void variable_lengths_give_each_path(void **state) {
    make_people(*state);
    query_lab_expect(*state, "MATCH (a {name: 'Ann'})-[r*0..2]->(b) RETURN b.name, size(r)", "Ann, 0|Bob, 1|Cid, 2");
    query_lab_expect(*state, "MATCH (a {name: 'Ann'})-[r*]->(a) RETURN size(r)", "3");
    query_lab_expect(*state, "MATCH (a)-[r:KNOWS* {since: 2000}]->(b) RETURN a.name, b.name", "Ann, Bob");
    query_lab_expect(*state, "MATCH p = (b)<-[*2]-(a {name: 'Ann'}) RETURN [n IN nodes(p) | n.name]",
                     "[Cid, Bob, Ann]");
}

static void shortest_paths_are_found(void **state) {
    query_lab_run(*state, "CREATE (a {n: 'a'}), (b {n: 'b'}), (c {n: 'c'}), (d {n: 'd'}), (a)-[:R]->(b)-[:R]->(d),"
                          " (a)-[:R]->(c)-[:R]->(d), (d)-[:R]->(a)");
    query_lab_expect(*state, "MATCH (a {n: 'a'}), (d {n: 'd'}) MATCH p = shortestPath((a)-[*]->(d)) RETURN length(p)",
                     "2");
    query_lab_expect(*state,
                     "MATCH (a {n: 'a'}), (d {n: 'd'}) MATCH p = allShortestPaths((a)-[*]->(d)) "
                     "WITH [n IN nodes(p) | n.n] AS names RETURN names ORDER BY names",
                     "[a, b, d]|[a, c, d]");
    query_lab_expect(*state, "MATCH (a {n: 'a'}), (d {n: 'd'}) MATCH p = shortestPath((a)-[*]-(d)) RETURN length(p)",
                     "1");
    query_lab_expect(*state, "MATCH (a {n: 'b'}), (d {n: 'a'}) MATCH p = shortestPath((a)-[*..1]->(d)) RETURN p", "");
}

static void an_optional_match_gives_nulls(void **state) {
    make_people(*state);
    query_lab_expect(*state, "MATCH (a:Person) OPTIONAL MATCH (a)-[r:LIKES]->(b) RETURN a.name, r, b.name",
                     "Ann, NULL, NULL|Bob, NULL, NULL|Cid, [2], Ann|Dan, NULL, NULL");
}

static void a_pattern_is_a_condition_and_a_list(void **state) {
    make_people(*state);
    query_lab_expect(*state, "MATCH (a) WHERE NOT (a)-->() RETURN a.name", "Dan");
    query_lab_expect(*state, "MATCH (a) WHERE EXISTS { MATCH (a)-[:LIKES]->() } RETURN a.name", "Cid");
    query_lab_expect(*state, "MATCH (a) RETURN a.name, [(a)-[:KNOWS]->(b) | b.name] AS l ORDER BY a.name LIMIT 2",
                     "Ann, [Bob]|Bob, [Cid]");
}

static void groups_keep_the_order_of_their_first_rows(void **state) {
    query_lab_expect(*state, "UNWIND [3, 1, 3.0, null, 1, null] AS x RETURN x, count(*)", "3, 2|1, 2|NULL, 2");
    query_lab_expect(*state, "UNWIND [] AS x RETURN count(x), sum(x), avg(x), min(x), collect(x)",
                     "0, 0, NULL, NULL, []");
    query_lab_expect(*state, "UNWIND [] AS x RETURN x, count(*)", "");
}

static void aggregates_leave_out_nulls_and_repeats(void **state) {
    query_lab_expect(*state,
                     "UNWIND [1, 2, 2, null] AS x RETURN count(*), count(x), count(DISTINCT x), sum(DISTINCT x)",
                     "4, 3, 2, 3");
    query_lab_expect(*state, "UNWIND [2, 4, 4, 4, 5, 5, 7, 9] AS x RETURN stDevP(x), percentileDisc(x, 0.5)", "2, 4");
    query_lab_expect(*state, "UNWIND [1, 2, 3, 4] AS x RETURN percentileCont(x, 0.5), avg(x), sum(x + 0.5)",
                     "2.5, 2.5, 12");
    query_lab_expect_fault(*state, "UNWIND [9223372036854775807, 1] AS x RETURN sum(x)", CYPHER_FAULT_ARITHMETIC);
    query_lab_expect_fault(*state, "UNWIND [1, 'a'] AS x RETURN sum(x)", CYPHER_FAULT_INVALID_ARGUMENT_VALUE);
}

static void sorting_is_stable_and_over_all_types(void **state) {
    query_lab_expect(*state, "UNWIND [[1, 'a'], [0, 'b'], [1, 'c'], [0, 'd']] AS x RETURN x[1] ORDER BY x[0]",
                     "b|d|a|c");
    query_lab_expect(*state, "UNWIND [1, 'a', null, true, [1], {a: 1}] AS x RETURN x ORDER BY x",
                     "{a: 1}|[1]|a|true|1|NULL");
    query_lab_expect(*state, "UNWIND [1, 3, 2] AS x RETURN x ORDER BY x DESC", "3|2|1");
}

static void the_first_rows_of_a_sort_are_those_of_the_whole(void **state) {
    struct query_lab *lab = *state;
    struct buf whole = BUF_EMPTY;
    query_lab_run(lab, "UNWIND range(0, 9999) AS x WITH (x * 7919) % 100 AS k, x RETURN k, x ORDER BY k DESC, x % 3 "
                       "SKIP 50 LIMIT 100000");
    assert_int_equal(lab->row_count, 9950);
    assert_int_equal(buf_assign(&whole, buf_slice(&lab->rows)), STATUS_OK);
    query_lab_run(lab, "UNWIND range(0, 9999) AS x WITH (x * 7919) % 100 AS k, x RETURN k, x ORDER BY k DESC, x % 3 "
                       "SKIP 50 LIMIT 500");
    assert_int_equal(lab->row_count, 500);
    assert_memory_equal(whole.data, lab->rows.data, lab->rows.size);
    buf_deinit(&whole);
}

static void unions_join_and_drop_repeats(void **state) {
    query_lab_expect(*state, "RETURN 1 AS x UNION RETURN 2 AS x UNION RETURN 1 AS x", "1|2");
    query_lab_expect(*state, "RETURN 1 AS x UNION ALL RETURN 1 AS x", "1|1");
}

static void skip_and_limit_take_numbers_that_make_sense(void **state) {
    query_lab_expect(*state, "UNWIND range(1, 9) AS x RETURN x SKIP 3 LIMIT 2", "4|5");
    query_lab_expect_fault(*state, "CYPHER n=-1 RETURN 1 LIMIT $n", CYPHER_FAULT_NEGATIVE_INTEGER);
    query_lab_expect_fault(*state, "CYPHER n=1.5 RETURN 1 SKIP $n", CYPHER_FAULT_INVALID_ARGUMENT_TYPE);
}

static void words_are_listed_by_procedures(void **state) {
    make_people(*state);
    query_lab_expect(*state, "CALL db.labels()", "Person|Boss");
    query_lab_expect(*state, "CALL db.relationshipTypes() YIELD relationshipType AS t RETURN t ORDER BY t",
                     "KNOWS|LIKES");
    query_lab_expect(*state, "CALL db.propertyKeys() YIELD propertyKey RETURN count(*)", "3");
    query_lab_expect_fault(*state, "CALL no.such()", CYPHER_FAULT_PROCEDURE_NOT_FOUND);
}

/* --- writing --- */

static void a_create_is_counted_and_stays(void **state) {
    struct query_lab *lab = *state;
    make_people(lab);
    assert_int_equal(lab->counts.nodes_created, 4);
    assert_int_equal(lab->counts.edges_created, 3);
    assert_int_equal(lab->counts.properties_set, 8);
    query_lab_expect(lab, "MATCH (n) RETURN count(n)", "4");
}

static void a_clause_does_not_see_what_it_makes(void **state) {
    query_lab_run(*state, "CREATE (), ()");
    query_lab_expect(*state, "MATCH (n) CREATE (:New) WITH count(*) AS c MATCH (m:New) RETURN c, count(m)", "2, 2");
    query_lab_expect(*state, "MATCH (n) RETURN count(n)", "4");
}

static void nulls_make_no_property(void **state) {
    query_lab_expect(*state, "CREATE (n {a: null, b: 1}) RETURN keys(n)", "[b]");
    query_lab_expect(*state, "MATCH (n) SET n.b = null RETURN keys(n)", "[]");
}

static void maps_and_nested_lists_are_no_properties(void **state) {
    query_lab_expect_fault(*state, "CREATE ({a: {b: 1}})", CYPHER_FAULT_INVALID_PROPERTY_TYPE);
    query_lab_expect_fault(*state, "UNWIND [[[1]]] AS x CREATE ({a: x})", CYPHER_FAULT_INVALID_PROPERTY_TYPE);
    query_lab_expect(*state, "MATCH (n) RETURN count(n)", "0");
}

static void properties_are_set_replaced_and_merged(void **state) {
    query_lab_run(*state, "CREATE (:A {a: 1, b: 2})");
    query_lab_expect(*state, "MATCH (n) SET n.a = n.a + 1, n.c = n.a RETURN n.a, n.c", "2, 2");
    query_lab_expect(*state, "MATCH (n) SET n += {b: null, d: 'x'} RETURN properties(n)", "{a: 2, c: 2, d: x}");
    query_lab_expect(*state, "MATCH (n) SET n = {z: 0} RETURN properties(n)", "{z: 0}");
    query_lab_expect(*state, "MATCH (n) SET n:B:C REMOVE n:A, n.z RETURN labels(n), keys(n)", "[B, C], []");
    query_lab_expect(*state, "OPTIONAL MATCH (n:None) SET n.a = 1, n:X REMOVE n.b RETURN n", "NULL");
}

static void merge_matches_or_makes_the_whole_pattern(void **state) {
    struct query_lab *lab = *state;
    query_lab_expect(lab,
                     "UNWIND [1, 2, 1] AS x MERGE (n:N {v: x}) ON CREATE SET n.made = x ON MATCH SET n.met = true "
                     "RETURN n.v, n.made, n.met",
                     "1, 1, true|2, 2, NULL|1, 1, true");
    assert_int_equal(lab->counts.nodes_created, 2);
    query_lab_run(lab, "MATCH (a:N {v: 1}), (b:N {v: 2}) MERGE (a)-[:R]->(b) MERGE (a)-[:R]->(b)");
    assert_int_equal(lab->counts.edges_created, 1);
    query_lab_run(lab, "MERGE (:N {v: 1})-[:S]->(:N {v: 2})");
    assert_int_equal(lab->counts.nodes_created, 2);
    query_lab_expect_fault(lab, "UNWIND [null] AS x MERGE ({v: x})", CYPHER_FAULT_MERGE_READ_OWN_WRITES);
}

static void a_node_with_edges_is_deleted_with_them_only(void **state) {
    struct query_lab *lab = *state;
    make_people(lab);
    query_lab_expect_fault(lab, "MATCH (n {name: 'Ann'}) DELETE n", CYPHER_FAULT_DELETE_CONNECTED_NODE);
    query_lab_run(lab, "MATCH (n {name: 'Ann'})-[r]-() DELETE n, r");
    assert_int_equal(lab->counts.edges_deleted, 2);
    assert_int_equal(lab->counts.nodes_deleted, 1);
    query_lab_run(lab, "MATCH p = (n {name: 'Bob'})-->() DETACH DELETE p");
    query_lab_expect(lab, "MATCH (n) RETURN n.name", "Dan");
    query_lab_run(lab, "OPTIONAL MATCH (n:None) DELETE n");
}

static void what_is_deleted_is_not_read(void **state) {
    make_people(*state);
    query_lab_expect_fault(*state, "MATCH (n {name: 'Dan'}) DELETE n RETURN n.name", CYPHER_FAULT_DELETED_ENTITY);
    query_lab_expect(*state, "MATCH ()-[r:LIKES]->() DELETE r RETURN type(r)", "LIKES");
    query_lab_expect(*state, "MATCH ()-[r]->() RETURN count(r)", "2");
}

static void limit_nought_changes_all_the_same(void **state) {
    query_lab_expect(*state, "UNWIND [1, 2] AS x CREATE () RETURN 1 LIMIT 0", "");
    query_lab_expect(*state, "MATCH (n) RETURN count(n)", "2");
}

/* --- bounds --- */

static void any_size_of_steps_gives_the_same_rows(void **state) {
    static const char query[] = "MATCH (a)-[:R*1..3]->(b) WITH a, count(DISTINCT b) AS c, collect(b.i) AS l "
                                "OPTIONAL MATCH (a)-[r]-() RETURN a.i, c, size(l), count(r) AS d ORDER BY d, a.i DESC";
    static const uint64_t works[] = {1, 2, 3, 17, 1000};
    struct query_lab *lab = *state;
    struct buf first = BUF_EMPTY;
    query_lab_run(lab, "UNWIND range(0, 29) AS i CREATE ({i: i})");
    query_lab_run(lab, "MATCH (a), (b) WHERE (a.i * 7 + b.i) % 13 = 0 CREATE (a)-[:R]->(b)");
    query_lab_run(lab, query);
    assert_int_equal(lab->row_count, 30);
    assert_int_equal(buf_assign(&first, buf_slice(&lab->rows)), STATUS_OK);
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        lab->step_work = works[i];
        query_lab_run(lab, query);
        assert_true(slice_equal(buf_slice(&first), buf_slice(&lab->rows)));
    }
    assert_true(lab->steps > 1);
    buf_deinit(&first);
}

static void rows_on_their_way_take_no_more_memory_the_more_there_are(void **state) {
    struct query_lab *lab = *state;
    query_lab_run(lab,
                  "UNWIND range(1, 1000) AS x WITH toString(x) + ' and a text that is long' AS t RETURN max(size(t))");
    query_lab_run(lab, "UNWIND range(1, 100) AS x UNWIND range(1, 1000) AS y "
                       "WITH toString(x * y) + ' and a text that is long' AS t RETURN max(size(t))");
    assert_true(lab->peak_bytes < 4 << 20);
}

static void a_run_stays_within_its_memory(void **state) {
    static const char *const hungry[] = {
        "RETURN size(range(1, 10000000))",
        "UNWIND range(1, 10000) AS x RETURN collect([x, x, x, toString(x)])",
        "UNWIND range(1, 10000) AS x UNWIND range(1, 10) AS y RETURN DISTINCT x, y",
        "UNWIND range(1, 10000) AS x WITH toString(x) AS t, x RETURN t ORDER BY x % 7",
        "UNWIND range(1, 10000) AS x RETURN x, count(*)",
        "UNWIND range(1, 10000) AS x CREATE ({v: x})",
    };
    struct query_lab *lab = *state;
    lab->memory_limit = 1 << 20;
    for (size_t i = 0; i < sizeof hungry / sizeof *hungry; i++) {
        query_lab_expect_fault(lab, hungry[i], CYPHER_FAULT_TOO_LARGE);
        assert_true(lab->peak_bytes < 2 << 20);
    }
}

static void a_result_has_no_more_rows_than_allowed(void **state) {
    struct query_lab *lab = *state;
    lab->row_limit = 3;
    query_lab_expect(lab, "UNWIND [1, 2, 3] AS x RETURN x", "1|2|3");
    query_lab_expect_fault(lab, "UNWIND [1, 2, 3, 4] AS x RETURN x", CYPHER_FAULT_TOO_LARGE);
}

static void a_cancelled_query_ends_at_its_next_step_or_within_a_long_expression(void **state) {
    static const char *const texts[] = {"UNWIND range(1, 1000) AS x UNWIND range(1, 1000) AS y RETURN count(*)",
                                        "RETURN size([x IN range(1, 100000) WHERE x > 5])"};
    struct query_lab *lab = *state;
    for (int i = 0; i < 2; i++) {
        atomic_bool cancelled = false;
        struct query *query;
        assert_int_equal(query_prepare(slice_from_text(texts[i]), &query), STATUS_OK);
        struct query_options options = {.graph = graph_lab_open(&lab->graphs, "g"), .cancelled = &cancelled};
        assert_int_equal(query_start(query, &options), STATUS_OK);
        if (i == 0) assert_int_equal(query_step(query, 10), STATUS_BUSY);
        atomic_store(&cancelled, true);
        assert_int_equal(query_step(query, 10), STATUS_CANCELLED);
        query_destroy(query);
    }
}

static void a_query_runs_again_on_a_newer_state(void **state) {
    struct query_lab *lab = *state;
    struct query *query;
    struct buf operation = BUF_EMPTY;
    query_lab_run(lab, "CREATE (:C {n: 1})");
    assert_int_equal(query_prepare(slice_from_text("MATCH (c:C) SET c.n = c.n + 1"), &query), STATUS_OK);
    struct graph *graph;
    assert_int_equal(graph_create(&graph), STATUS_OK);
    for (int attempt = 0; attempt < 2; attempt++) {
        struct names_view view = graph_lab_view(&lab->graphs, NULL);
        struct query_options options = {.graph = graph};
        assert_int_equal(graph_open(graph, &view, slice_from_text("g")), STATUS_OK);
        assert_int_equal(query_start(query, &options), STATUS_OK);
        assert_int_equal(query_step(query, 1000), STATUS_OK);
        buf_clear(&operation);
        assert_int_equal(query_encode(query, &operation), STATUS_OK);
        query_stop(query);
        if (attempt == 0) query_lab_run(lab, "MATCH (c:C) SET c.n = 10");
        graph_lab_apply(&lab->graphs, buf_slice(&operation));
        assert_true(graph_reply_is_conflict(buf_slice(&lab->graphs.reply)) == (attempt == 0));
    }
    query_destroy(query);
    graph_destroy(graph);
    buf_deinit(&operation);
    query_lab_expect(lab, "MATCH (c:C) RETURN c.n", "11");
}

/* Prepares and runs with the nth allocation failing; true if it came to its end. */
static bool runs_in_spite_of(struct query_lab *lab, const char *text, uint64_t nth) {
    struct query *query;
    struct query_options options = {.graph = graph_lab_open(&lab->graphs, "g")};
    alloc_fault_at(nth);
    enum status status = query_prepare(slice_from_text(text), &query);
    if (status == STATUS_OK) status = query_start(query, &options);
    if (status == STATUS_OK) status = query_step(query, 1 << 20);
    bool failed = alloc_fault_clear();
    query_destroy(query);
    assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
    return !failed;
}

static void a_query_that_gets_no_memory_says_so_and_leaks_nothing(void **state) {
    static const char *const texts[] = {
        "MATCH (a)-[r*1..2]->(b) WITH a, collect(DISTINCT b.name) AS l, count(*) AS c ORDER BY c RETURN a, l, [x IN l "
        "| x]",
        "UNWIND ['Ann', 'Eve'] AS x MERGE (n:Person {name: x}) ON CREATE SET n += {a: [1, 2]} ON MATCH SET n:Seen "
        "RETURN n",
        "MATCH (a {name: 'Ann'}), (b {name: 'Cid'}) MATCH p = allShortestPaths((a)-[*]-(b)) RETURN p UNION "
        "CALL db.labels() YIELD label AS p RETURN p",
        "MATCH (n) DETACH DELETE n",
    };
    make_people(*state);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint64_t nth = 1;
        while (!runs_in_spite_of(*state, texts[i], nth)) nth++;
        assert_true(nth > 10);
    }
}

static void a_query_that_changes_nothing_has_no_operation(void **state) {
    struct query_lab *lab = *state;
    struct query *query;
    struct buf operation = BUF_EMPTY;
    query_lab_run(lab, "CREATE ()");
    assert_int_equal(query_prepare(slice_from_text("MATCH (c:None) SET c.n = 1"), &query), STATUS_OK);
    assert_true(query_is_update(query));
    struct query_options options = {.graph = graph_lab_open(&lab->graphs, "g")};
    assert_int_equal(query_start(query, &options), STATUS_OK);
    assert_int_equal(query_step(query, 1000), STATUS_OK);
    assert_int_equal(query_encode(query, &operation), STATUS_OK);
    assert_int_equal(operation.size, 0);
    query_destroy(query);
    buf_deinit(&operation);
}

static void a_query_tells_its_columns_and_whether_it_writes(void **state) {
    (void)state;
    struct query *query;
    assert_int_equal(query_prepare(slice_from_text("MATCH (n) RETURN n.a, count(*) AS c"), &query), STATUS_OK);
    assert_false(query_is_update(query));
    assert_int_equal(query_column_count(query), 2);
    assert_true(slice_equal(query_column_name(query, 0), slice_from_text("n.a")));
    assert_true(slice_equal(query_column_name(query, 1), slice_from_text("c")));
    query_destroy(query);
    assert_int_equal(query_prepare(slice_from_text("MATCH (n RETURN 1"), &query), STATUS_SYNTAX);
    assert_non_null(strstr(query_error_text(query), "(line 1, column 10)"));
    query_destroy(query);
}

/* "CYPHER p0=0 p1=1 ... RETURN $p0+0, ..." */
static void as_many_parameters_as_a_text_holds_are_found_at_once(void **state) {
    enum { COUNT = 40000 };
    struct query_lab *lab = *state;
    struct buf text = BUF_EMPTY;
    assert_int_equal(buf_append_format(&text, "CYPHER"), STATUS_OK);
    for (int i = 0; i < COUNT; i++) assert_int_equal(buf_append_format(&text, " p%d=%d", i, i), STATUS_OK);
    assert_int_equal(buf_append_format(&text, " p7=70 RETURN reduce(sum = 0, x IN [0"), STATUS_OK);
    for (int i = 0; i < COUNT; i++) assert_int_equal(buf_append_format(&text, ",$p%d", i), STATUS_OK);
    assert_int_equal(buf_append_format(&text, "] | sum + x), $p7, $`p39999`%c", 0), STATUS_OK);
    query_lab_expect(lab, (const char *)text.data, "799980063, 70, 39999");
    buf_deinit(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_pattern_is_followed_in_its_direction),
        TEST(an_edge_is_in_a_match_once),
        TEST(variable_lengths_give_each_path),
        TEST(shortest_paths_are_found),
        TEST(an_optional_match_gives_nulls),
        TEST(a_pattern_is_a_condition_and_a_list),
        TEST(groups_keep_the_order_of_their_first_rows),
        TEST(aggregates_leave_out_nulls_and_repeats),
        TEST(sorting_is_stable_and_over_all_types),
        TEST(the_first_rows_of_a_sort_are_those_of_the_whole),
        TEST(unions_join_and_drop_repeats),
        TEST(skip_and_limit_take_numbers_that_make_sense),
        TEST(words_are_listed_by_procedures),
        TEST(a_create_is_counted_and_stays),
        TEST(a_clause_does_not_see_what_it_makes),
        TEST(nulls_make_no_property),
        TEST(maps_and_nested_lists_are_no_properties),
        TEST(properties_are_set_replaced_and_merged),
        TEST(merge_matches_or_makes_the_whole_pattern),
        TEST(a_node_with_edges_is_deleted_with_them_only),
        TEST(what_is_deleted_is_not_read),
        TEST(limit_nought_changes_all_the_same),
        TEST(any_size_of_steps_gives_the_same_rows),
        TEST(rows_on_their_way_take_no_more_memory_the_more_there_are),
        TEST(a_run_stays_within_its_memory),
        TEST(a_result_has_no_more_rows_than_allowed),
        TEST(a_cancelled_query_ends_at_its_next_step_or_within_a_long_expression),
        TEST(a_query_runs_again_on_a_newer_state),
        TEST(a_query_that_gets_no_memory_says_so_and_leaks_nothing),
        TEST(a_query_that_changes_nothing_has_no_operation),
        TEST(a_query_tells_its_columns_and_whether_it_writes),
        TEST(as_many_parameters_as_a_text_holds_are_found_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
