/* cypher_plan_test: which operators a query becomes, in EXPLAIN's words; and the faults of the checks with their place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/cypher/plan.h"
#include "tests/harness/alloc_fault.h"

struct planned {
    struct arena arena;
    struct plan plan;
    struct cypher_fault fault;
    enum status status;
};

static struct planned prepare(struct slice text) {
    struct planned planned;
    arena_init(&planned.arena, 1 << 14);
    planned.status = cypher_prepare(&planned.arena, text, NULL, &planned.plan, &planned.fault);
    return planned;
}

static void expect_plan(const char *text, const char *expected) {
    struct buf lines = BUF_EMPTY;
    struct planned planned = prepare(slice_from_text(text));
    if (planned.status != STATUS_OK) fail_msg("%s: %s", text, planned.fault.text);
    assert_int_equal(plan_explain(&planned.plan, &lines), STATUS_OK);
    assert_int_equal(buf_append_byte(&lines, 0), STATUS_OK);
    assert_string_equal((const char *)lines.data, expected);
    buf_deinit(&lines);
    arena_deinit(&planned.arena);
}

static void expect_text(const char *query, const char *text) {
    struct planned planned = prepare(slice_from_text(query));
    assert_int_not_equal(planned.status, STATUS_OK);
    assert_string_equal(planned.fault.text, text);
    arena_deinit(&planned.arena);
}

static void a_label_is_scanned_before_all_nodes(void **state) {
    (void)state;
    expect_plan("MATCH (a)-[:T]->(b:B) RETURN a", "Results\n"
                                                  "    Project\n"
                                                  "        Conditional Traverse | (b:B)<-[:T]-(a)\n"
                                                  "            Node By Label Scan | (b:B)\n");
}

static void a_given_id_is_sought(void **state) {
    (void)state;
    expect_plan("MATCH (a:A), (b) WHERE $x = id(b) RETURN a", "Results\n"
                                                              "    Project\n"
                                                              "        Cartesian Product\n"
                                                              "            NodeByIdSeek | (b)\n"
                                                              "            Node By Label Scan | (a:A)\n");
}

static void an_edge_between_bound_nodes_is_expanded_into(void **state) {
    (void)state;
    expect_plan("MATCH (a)-->(b)-->(a) RETURN 1", "Results\n"
                                                  "    Project\n"
                                                  "        Expand Into | (b)->(a)\n"
                                                  "            Conditional Traverse | (a)->(b)\n"
                                                  "                All Node Scan | (a)\n");
}

static void a_condition_stands_where_its_variables_are_bound(void **state) {
    (void)state;
    expect_plan("MATCH (a:A)-->(b) WHERE b.x = 1 AND a.x = 2 RETURN b",
                "Results\n"
                "    Project\n"
                "        Filter\n"
                "            Conditional Traverse | (a:A)->(b)\n"
                "                Filter\n"
                "                    Node By Label Scan | (a:A)\n");
}

static void what_is_bound_is_where_the_next_match_begins(void **state) {
    (void)state;
    expect_plan("MATCH (a) WITH a MATCH (b:B)<-[r*..3]-(a) RETURN b",
                "Results\n"
                "    Project\n"
                "        Conditional Variable Length Traverse | (a)-[r*1..3]->(b:B)\n"
                "            Project\n"
                "                All Node Scan | (a)\n");
}

static void an_optional_match_is_applied(void **state) {
    (void)state;
    expect_plan("MATCH (a) OPTIONAL MATCH (a)-->(b) RETURN b", "Results\n"
                                                               "    Project\n"
                                                               "        Apply\n"
                                                               "            All Node Scan | (a)\n"
                                                               "            Optional\n"
                                                               "                Conditional Traverse | (a)->(b)\n"
                                                               "                    Argument\n");
}

static void a_pattern_in_where_becomes_a_semi_apply(void **state) {
    (void)state;
    expect_plan("MATCH (a) WHERE NOT (a)-->() RETURN a", "Results\n"
                                                         "    Project\n"
                                                         "        Anti Semi Apply\n"
                                                         "            All Node Scan | (a)\n"
                                                         "            Conditional Traverse | (a)->()\n"
                                                         "                Argument\n");
}

static void results_are_aggregated_sorted_and_cut_in_this_order(void **state) {
    (void)state;
    expect_plan("MATCH (a) RETURN DISTINCT a.x, count(*) + 1 ORDER BY a.x SKIP 1 LIMIT 2",
                "Results\n"
                "    Limit\n"
                "        Skip\n"
                "            Sort\n"
                "                Distinct\n"
                "                    Project\n"
                "                        Aggregate\n"
                "                            All Node Scan | (a)\n");
}

static void clauses_of_create_share_an_operator(void **state) {
    (void)state;
    expect_plan("CREATE (a:A) CREATE (b)-[:T]->(a) SET b.x = 1 DELETE b", "Delete\n"
                                                                          "    Update\n"
                                                                          "        Create\n");
    expect_plan("CREATE (a:A {x: 1}), (b {x: a.x})", "Create\n"
                                                     "    Create\n");
}

static void merge_has_input_and_matches(void **state) {
    (void)state;
    expect_plan("UNWIND [1] AS x MERGE (a:A {x: x})", "Merge\n"
                                                      "    Unwind\n"
                                                      "    Filter\n"
                                                      "        Node By Label Scan | (a:A)\n");
}

static void parts_of_a_union_are_joined_and_made_distinct(void **state) {
    (void)state;
    expect_plan("RETURN 1 AS x UNION RETURN 2 AS x", "Results\n"
                                                     "    Distinct\n"
                                                     "        Join\n"
                                                     "            Project\n"
                                                     "            Project\n"
                                                     "                Project\n");
}

static void columns_come_with_their_names(void **state) {
    (void)state;
    struct planned planned = prepare(slice_from_text("MATCH (b), (a) RETURN *, a . x, 1 AS one"));
    static const char *const names[] = {"a", "b", "a . x", "one"};
    assert_int_equal(planned.status, STATUS_OK);
    assert_int_equal(planned.plan.columns->count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(slice_equal(planned.plan.columns->items[i].name, slice_from_text(names[i])));
    arena_deinit(&planned.arena);
}

static void subqueries_stay_out_of_what_merge_sets(void **state) {
    (void)state;
    expect_text("MERGE (a) ON MATCH SET a.x = size([(a)-->(b) | 1])",
                "a subquery in ON CREATE or ON MATCH is not supported yet (line 1, column 30)");
    expect_text("MERGE (a) ON CREATE SET ([(a)-->(b) | b][0]).x = 1",
                "a subquery in ON CREATE or ON MATCH is not supported yet (line 1, column 26)");
}

static void a_fault_says_what_and_where(void **state) {
    (void)state;
    expect_text("MATCH (n)\nRETURN m", "'m' not defined (line 2, column 8)");
    expect_text("RETURN 1 AS a, 2 AS a", "'a' is the name of two columns (line 1, column 21)");
    expect_text("RETURN toUpper(1)", "toUpper() does not take such a value as argument 1 (line 1, column 16)");
    expect_text("RETURN left('a')", "left() takes 2 to 2 arguments, not 1 (line 1, column 8)");
    expect_text("CALL no.such()", "'no.such' is no procedure (line 1, column 6)");
}

static enum status prepare_repeated(const char *head, const char *part, unsigned count, const char *tail) {
    struct buf text = BUF_EMPTY;
    assert_int_equal(buf_append(&text, head, strlen(head)), STATUS_OK);
    for (unsigned i = 0; i < count; i++) assert_int_equal(buf_append_format(&text, part, i, i), STATUS_OK);
    assert_int_equal(buf_append(&text, tail, strlen(tail)), STATUS_OK);
    struct planned planned = prepare(buf_slice(&text));
    arena_deinit(&planned.arena);
    buf_deinit(&text);
    return planned.status;
}

static void a_plan_has_a_greatest_height(void **state) {
    (void)state;
    assert_int_equal(prepare_repeated("MATCH (a)", "-->()", 1000, " RETURN a"), STATUS_OK);
    assert_int_equal(prepare_repeated("MATCH (a)", "-->()", 5000, " RETURN a"), STATUS_TOO_LARGE);
    assert_int_equal(prepare_repeated("MATCH (a)", ", ()", 5000, " RETURN a"), STATUS_TOO_LARGE);
}

static void many_names_and_columns_take_no_more_than_their_time(void **state) {
    (void)state;
    assert_int_equal(prepare_repeated("CREATE (a)", ", (n%u {x: %u})", 20000, ""), STATUS_OK);
    assert_int_equal(prepare_repeated("RETURN 1", ", %u AS c%u", 30000, " ORDER BY c1"), STATUS_OK);
    assert_int_equal(prepare_repeated("WITH 1 AS a", ", %u AS c%u", 2000, " WITH * RETURN *"), STATUS_OK);
    const enum status status =
        prepare_repeated("UNWIND [1] AS x RETURN count(*)", ", x+%u AS c%u", 30000, " ORDER BY x+1, x+2");
    assert_true(status == STATUS_OK || status == STATUS_TOO_LARGE);
}

static void planning_survives_every_failed_allocation(void **state) {
    (void)state;
    const struct slice text = slice_from_text("MATCH (a:A {x: 1})-[r*1..2]->(b)<--(c) WHERE (a)-->() AND id(b) = 1 "
                                              "WITH a, count(b.x) AS n, [(a)-->(d) | d.x] AS l"
                                              " ORDER BY n MERGE (a)-[:T]->(e) ON MATCH SET e.x = n RETURN *");
    enum status status = STATUS_NO_MEMORY;
    for (uint64_t allowed = 0; status != STATUS_OK; allowed++) {
        alloc_fault_from(allowed + 1);
        struct planned planned = prepare(text);
        (void)alloc_fault_clear();
        status = planned.status;
        if (status != STATUS_OK && status != STATUS_NO_MEMORY) fail_msg("%s", planned.fault.text);
        arena_deinit(&planned.arena);
        assert_in_range(allowed, 0, 1000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_scanned_before_all_nodes),
        cmocka_unit_test(a_given_id_is_sought),
        cmocka_unit_test(an_edge_between_bound_nodes_is_expanded_into),
        cmocka_unit_test(a_condition_stands_where_its_variables_are_bound),
        cmocka_unit_test(what_is_bound_is_where_the_next_match_begins),
        cmocka_unit_test(an_optional_match_is_applied),
        cmocka_unit_test(a_pattern_in_where_becomes_a_semi_apply),
        cmocka_unit_test(results_are_aggregated_sorted_and_cut_in_this_order),
        cmocka_unit_test(clauses_of_create_share_an_operator),
        cmocka_unit_test(merge_has_input_and_matches),
        cmocka_unit_test(parts_of_a_union_are_joined_and_made_distinct),
        cmocka_unit_test(columns_come_with_their_names),
        cmocka_unit_test(subqueries_stay_out_of_what_merge_sets),
        cmocka_unit_test(a_fault_says_what_and_where),
        cmocka_unit_test(a_plan_has_a_greatest_height),
        cmocka_unit_test(many_names_and_columns_take_no_more_than_their_time),
        cmocka_unit_test(planning_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("cypher_plan", tests, NULL, NULL);
}
