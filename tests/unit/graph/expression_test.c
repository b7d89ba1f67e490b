/*
 * expressions: what operators, functions and loops give, and which faults they meet; each query runs on an empty graph.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/harness/query_lab.h"

static int set_up(void **state) {
    static struct query_lab lab;
    query_lab_init(&lab);
    *state = &lab;
    return 0;
}

static int tear_down(void **state) {
    query_lab_deinit(*state);
    return 0;
}

static void expect(void **state, const char *expression, const char *value) {
    struct buf text = BUF_EMPTY;
    assert_int_equal(buf_append_format(&text, "RETURN %s", expression), STATUS_OK);
    assert_int_equal(buf_append_byte(&text, 0), STATUS_OK);
    query_lab_expect(*state, (const char *)text.data, value);
    buf_deinit(&text);
}

static void expect_fault(void **state, const char *expression, enum cypher_fault_code code) {
    struct buf text = BUF_EMPTY;
    assert_int_equal(buf_append_format(&text, "WITH [1, 'a', null, {k: 1}] AS any RETURN %s", expression), STATUS_OK);
    assert_int_equal(buf_append_byte(&text, 0), STATUS_OK);
    query_lab_expect_fault(*state, (const char *)text.data, code);
    buf_deinit(&text);
}

static void integers_never_wrap(void **state) {
    expect(state, "9223372036854775806 + 1", "9223372036854775807");
    expect_fault(state, "9223372036854775807 + any[0]", CYPHER_FAULT_ARITHMETIC);
    expect_fault(state, "-9223372036854775807 - 1 - any[0]", CYPHER_FAULT_ARITHMETIC);
    expect_fault(state, "9223372036854775807 * 2 * any[0]", CYPHER_FAULT_ARITHMETIC);
    expect_fault(state, "(-9223372036854775807 - any[0]) / -1", CYPHER_FAULT_ARITHMETIC);
    expect_fault(state, "-(-9223372036854775807 - any[0])", CYPHER_FAULT_ARITHMETIC);
    expect_fault(state, "abs(-9223372036854775807 - any[0])", CYPHER_FAULT_ARITHMETIC);
    expect(state, "(-9223372036854775807 - 1) % -1", "0");
}

static void integers_divide_whole_and_not_by_zero(void **state) {
    expect(state, "7 / 2, -7 / 2, 7 % -4, 7 / 2.0, 2 ^ 3", "3, -3, 3, 3.5, 8");
    expect_fault(state, "1 / (any[0] - 1)", CYPHER_FAULT_ARITHMETIC);
    expect_fault(state, "1 % (any[0] - 1)", CYPHER_FAULT_ARITHMETIC);
    expect(state, "1 / 0.0, -1.0 / 0, 0.0 / 0.0", "inf, -inf, nan");
}

static void plus_joins_strings_and_lists(void **state) {
    expect(state, "'a' + 'b' + 1 + 2.5", "ab12.5");
    expect(state, "[1] + [2, 3], [1] + 2, 0 + [1]", "[1, 2, 3], [1, 2], [0, 1]");
    expect(state, "1 + null, [1] + null", "NULL, NULL");
    expect_fault(state, "1 + any[3]", CYPHER_FAULT_TYPE_MISMATCH);
    expect_fault(state, "true + any[0]", CYPHER_FAULT_TYPE_MISMATCH);
}

static void logic_has_three_values(void **state) {
    expect(state, "null AND false, null AND true, null OR true, null OR false", "false, NULL, true, NULL");
    expect(state, "null XOR true, NOT null, true XOR true", "NULL, NULL, false");
    expect_fault(state, "any[0] AND true", CYPHER_FAULT_TYPE_MISMATCH);
    expect_fault(state, "NOT any[1]", CYPHER_FAULT_TYPE_MISMATCH);
}

static void what_decides_is_not_followed_by_what_fails(void **state) {
    expect(state, "false AND 1 / 0 = 1, true OR 1 / 0 = 1", "false, true");
    expect(state, "coalesce(null, 2, 1 / 0)", "2");
    expect(state, "CASE WHEN true THEN 1 ELSE 1 / 0 END", "1");
    expect(state, "1 > 2 > 1 / 0", "false");
}

static void comparisons_chain(void **state) {
    expect(state, "1 < 2 < 3, 1 < 3 < 2, 1 < null < 3, 1 <= 1 = 1", "true, false, NULL, true");
}

static void types_without_an_order_compare_to_null(void **state) {
    expect(state, "1 < 'a', 'a' < 'b', [1] < [1, 2], true > false", "NULL, true, true, true");
    expect(state, "1 = 1.0, 1 = '1', null = null, [1, null] = [1, 2]", "true, false, NULL, NULL");
}

static void in_looks_through_a_list(void **state) {
    expect(state, "2 IN [1, 2], 3 IN [1, 2], 3 IN [1, null], null IN [], 1 IN null", "true, false, NULL, false, NULL");
    expect_fault(state, "1 IN any[0]", CYPHER_FAULT_TYPE_MISMATCH);
}

static void strings_are_looked_into(void **state) {
    expect(state, "'abc' STARTS WITH 'ab', 'abc' ENDS WITH 'bc', 'abc' CONTAINS 'd'", "true, true, false");
    expect(state, "'abc' STARTS WITH '', '' CONTAINS '', 'a' ENDS WITH null", "true, true, NULL");
    expect_fault(state, "'a' =~ 'a'", CYPHER_FAULT_UNSUPPORTED);
}

static void lists_and_maps_are_indexed(void **state) {
    expect(state, "[1, 2, 3][0], [1, 2, 3][-1], [1][5], [1][null]", "1, 3, NULL, NULL");
    expect(state, "[1, 2, 3][1..], [1, 2, 3][..-1], [1, 2, 3][2..1], [1][null..2]", "[2, 3], [1, 2], [], NULL");
    expect(state, "{a: 1}['a'], {a: 1}.b, {a: {b: 2}}.a.b", "1, NULL, 2");
    expect_fault(state, "any['a']", CYPHER_FAULT_LIST_ELEMENT_ACCESS);
    expect_fault(state, "any[3][1]", CYPHER_FAULT_MAP_ELEMENT_ACCESS);
    expect_fault(state, "any[0].key", CYPHER_FAULT_TYPE_MISMATCH);
}

static void loops_filter_map_and_fold(void **state) {
    expect(state, "[x IN [1, 2, 3] WHERE x > 1 | x * 2], [x IN null | x]", "[4, 6], NULL");
    expect(state, "reduce(s = 0, x IN [1, 2, 3] | s + x)", "6");
    expect(state, "[x IN [1, 2] | [y IN [x] | x + y]]", "[[2], [4]]");
}

static void quantifiers_know_what_is_unknown(void **state) {
    expect(state, "all(x IN [1, null] WHERE x > 0), any(x IN [1, null] WHERE x > 0)", "NULL, true");
    expect(state, "none(x IN [0, null] WHERE x > 0), single(x IN [1, 2] WHERE x > 0)", "NULL, false");
    expect(state, "all(x IN [] WHERE false), any(x IN [] WHERE true), single(x IN [1] WHERE x = 1)",
           "true, false, true");
}

static void conversions_read_what_the_text_says(void **state) {
    expect(state, "toInteger('42'), toInteger('4.9'), toInteger('x'), toInteger(-1.9)", "42, 4, NULL, -1");
    expect(state, "toFloat('1e3'), toFloat(2), toFloat('nan'), toFloat('0x1')", "1000, 2, NULL, NULL");
    expect(state, "toBoolean('TRUE'), toBoolean('no'), toString(1.0), toString(0.1)", "true, NULL, 1.0, 0.1");
    expect(state, "toString(1e300), toString(123456789.0), toString(false)", "1e+300, 123456789.0, false");
    expect_fault(state, "toInteger(any)", CYPHER_FAULT_INVALID_ARGUMENT_VALUE);
    expect_fault(state, "toString(any[3])", CYPHER_FAULT_INVALID_ARGUMENT_VALUE);
}

static void strings_count_characters(void **state) {
    expect(state, "size('äöü'), reverse('aäb'), substring('äöü', 1), left('äö', 1)", "3, bäa, öü, ä");
    expect(state, "right('abc', 2), right('a', 9), substring('abc', 1, 1)", "bc, a, b");
    expect(state, "toUpper('straße äж'), toLower('ÀΩЖ')", "STRAßE ÄЖ, àωж");
    expect(state, "trim(' a '), lTrim(' a') + '|', rTrim('a ') + '|'", "a, a|, a|");
    expect(state, "split('a,b,', ','), split('ab', ''), replace('aXbX', 'X', 'yy')", "[a, b, ], [a, b], ayybyy");
    expect_fault(state, "left('a', 0 - any[0])", CYPHER_FAULT_ARGUMENT_RANGE);
}

static void lists_have_heads_and_tails(void **state) {
    expect(state, "head([1, 2]), last([1, 2]), tail([1, 2]), head([]), tail([])", "1, 2, [2], NULL, []");
    expect(state, "size([1, null]), reverse([1, 2]), keys({b: 1, a: 2})", "2, [2, 1], [a, b]");
}

static void a_range_has_both_ends(void **state) {
    expect(state, "range(1, 3), range(3, 1, -2), range(1, 0), range(0, 5, 4)", "[1, 2, 3], [3, 1], [], [0, 4]");
    expect(state, "range(9223372036854775806, 9223372036854775807)", "[9223372036854775806, 9223372036854775807]");
    expect_fault(state, "range(1, 2, any[0] - 1)", CYPHER_FAULT_ARGUMENT_RANGE);
}

static void numbers_have_functions(void **state) {
    expect(state, "abs(-2), ceil(1.2), floor(-1.2), round(1.5), sign(-3), sqrt(16)", "2, 2, -2, 2, -1, 4");
    expect(state, "sqrt(-1), log(0), pow(2, 10), atan2(0, 1)", "nan, -inf, 1024, 0");
    expect(state, "round(degrees(pi())), e() > 2.7", "180, true");
}

static void time_and_chance_come_from_the_caller(void **state) {
    struct query_lab *lab = *state;
    expect(state, "timestamp()", "1700000000000");
    query_lab_run(lab, "RETURN rand()");
    struct buf first = BUF_EMPTY;
    assert_int_equal(buf_assign(&first, buf_slice(&lab->rows)), STATUS_OK);
    query_lab_run(lab, "RETURN rand()");
    assert_true(slice_equal(buf_slice(&first), buf_slice(&lab->rows)));
    buf_deinit(&first);
}

static void parameters_come_from_the_head_of_the_query(void **state) {
    query_lab_expect(*state, "CYPHER a=1 b=[1, 'x'] c={k: -2.5} RETURN $a, $b, $c.k", "1, [1, x], -2.5");
    query_lab_expect_fault(*state, "CYPHER a=1 RETURN $b", CYPHER_FAULT_MISSING_PARAMETER);
}

static void a_fault_says_where(void **state) {
    struct query_lab *lab = *state;
    query_lab_expect_fault(lab, "WITH 0 AS zero\nRETURN 1 / zero", CYPHER_FAULT_ARITHMETIC);
    assert_int_equal(lab->fault.place.line, 2);
    assert_int_equal(lab->fault.place.column, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(integers_never_wrap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(integers_divide_whole_and_not_by_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plus_joins_strings_and_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(logic_has_three_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_decides_is_not_followed_by_what_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comparisons_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(types_without_an_order_compare_to_null, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_looks_through_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings_are_looked_into, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_and_maps_are_indexed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loops_filter_map_and_fold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quantifiers_know_what_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conversions_read_what_the_text_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings_count_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_have_heads_and_tails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_range_has_both_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_have_functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_and_chance_come_from_the_caller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parameters_come_from_the_head_of_the_query, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fault_says_where, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
