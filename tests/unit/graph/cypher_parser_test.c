/* cypher_parser_test: what parses into what, what is refused where, and that size and depth have ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/cypher/parser.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/cypher_print.h"

struct parsed {
    struct arena arena;
    struct cypher_statement statement;
    struct cypher_fault fault;
    enum status status;
};

static struct parsed parse_slice_of(struct slice text) {
    struct parsed parsed;
    arena_init(&parsed.arena, 1 << 14);
    parsed.status = cypher_parse(&parsed.arena, text, &parsed.statement, &parsed.fault);
    return parsed;
}

/* What `RETURN text` prints as, every operator in brackets. */
static void expect_expression(const char *text, const char *expected) {
    struct buf query = BUF_EMPTY, printed = BUF_EMPTY;
    assert_int_equal(buf_append_format(&query, "RETURN %s", text), STATUS_OK);
    struct parsed parsed = parse_slice_of(buf_slice(&query));
    if (parsed.status != STATUS_OK) fail_msg("%s: %s", text, parsed.fault.text);
    const struct cypher_clause *clause = parsed.statement.query.parts[0].clauses[0];
    cypher_print_expression(clause->projection.columns[0].expr, &printed);
    assert_int_equal(buf_append_byte(&printed, 0), STATUS_OK);
    assert_string_equal((const char *)printed.data, expected);
    buf_deinit(&query);
    buf_deinit(&printed);
    arena_deinit(&parsed.arena);
}

static void expect_fault(const char *text, enum cypher_fault_code code, uint32_t line, uint32_t column) {
    struct parsed parsed = parse_slice_of(slice_from_text(text));
    assert_string_equal(cypher_fault_detail(parsed.fault.code), cypher_fault_detail(code));
    assert_int_equal(parsed.status, cypher_fault_status(code));
    assert_int_equal(parsed.fault.place.line, line);
    assert_int_equal(parsed.fault.place.column, column);
    arena_deinit(&parsed.arena);
}

static void products_bind_before_sums_and_powers_before_products(void **state) {
    (void)state;
    expect_expression("1 + 2 * 3 ^ 2 - 4", "((1 + (2 * (3 ^ 2))) - 4)");
}

static void operators_of_one_level_group_from_the_left(void **state) {
    (void)state;
    expect_expression("8 / 4 / 2 ^ 3 ^ 2", "((8 / 4) / ((2 ^ 3) ^ 2))");
}

static void not_binds_weaker_than_comparison_and_stronger_than_and(void **state) {
    (void)state;
    expect_expression("NOT a = b AND c OR d XOR e", "(((NOT ((`a` = `b`))) AND `c`) OR (`d` XOR `e`))");
}

static void predicates_bind_stronger_than_comparison(void **state) {
    (void)state;
    expect_expression("a = b IS NULL", "(`a` = (`b` IS NULL))");
    expect_expression("1 + 2 IN [3]", "((1 + 2) IN [3])");
}

static void a_chain_of_comparisons_keeps_its_links(void **state) {
    (void)state;
    expect_expression("1 < x <= 3 <> y", "(1 < `x` <= 3 <> `y`)");
}

static void a_sign_before_digits_is_part_of_the_literal(void **state) {
    (void)state;
    expect_expression("-9223372036854775808", "-9223372036854775808");
    expect_expression("-0x8000000000000000", "-9223372036854775808");
    expect_expression("- x", "(- (`x`))");
    expect_expression("1 -2", "(1 - 2)");
}

static void escapes_of_strings_become_characters(void **state) {
    (void)state;
    expect_expression("'\\u00e9\\t\\'\\U0001F600\\uD83D\\uDE00'", "'\xc3\xa9\t\\'\xf0\x9f\x98\x80\xf0\x9f\x98\x80'");
}

static void brackets_around_a_node_are_a_pattern_only_before_an_edge(void **state) {
    (void)state;
    expect_expression("(a) - (b)", "(`a` - `b`)");
    expect_expression("(a)-->(b)", "((`a`)-[]->(`b`))");
    expect_expression("(a:L)", "((`a`):`L`)");
    expect_expression("(a) < -b", "(`a` < (- (`b`)))");
}

static void names_in_back_quotes_hold_anything(void **state) {
    (void)state;
    expect_expression("`a ``b`` \n`.`RETURN`", "(`a ``b`` \n`).`RETURN`");
}

static void words_of_the_language_name_keys_but_no_variables(void **state) {
    (void)state;
    expect_expression("{match: 1, `where`: 2}.match", "({`match`: 1, `where`: 2}).`match`");
    expect_fault("RETURN where", CYPHER_FAULT_UNEXPECTED_SYNTAX, 1, 8);
}

static void comments_and_blanks_separate(void **state) {
    (void)state;
    expect_expression("1/* a\n * b */+//c\n\xc2\xa0 2", "(1 + 2)");
}

static void a_fault_tells_line_and_column_in_characters(void **state) {
    (void)state;
    expect_fault("MATCH (n)\nRETURN '\xc3\xa9\xc3\xa9' +", CYPHER_FAULT_UNEXPECTED_SYNTAX, 2, 14);
    expect_fault("RETURN 1 RETURN 2", CYPHER_FAULT_INVALID_CLAUSE_COMPOSITION, 1, 10);
    expect_fault("MATCH (n) RETURN 'abc", CYPHER_FAULT_UNEXPECTED_SYNTAX, 1, 18);
}

static void what_is_not_there_yet_is_named_with_its_place(void **state) {
    (void)state;
    expect_fault("MATCH (n)\n  FOREACH (x IN [1] | SET n.a = x)", CYPHER_FAULT_UNSUPPORTED, 2, 3);
    expect_fault("RETURN date('2020-01-01')", CYPHER_FAULT_UNSUPPORTED, 1, 8);
    expect_fault("MATCH (n) RETURN n {.name}", CYPHER_FAULT_UNSUPPORTED, 1, 20);
    struct parsed parsed = parse_slice_of(slice_from_text("LOAD CSV FROM 'x' AS r RETURN r"));
    assert_string_equal(parsed.fault.text, "LOAD CSV is not supported yet (line 1, column 1)");
    arena_deinit(&parsed.arena);
}

static void the_header_gives_parameters_in_their_order(void **state) {
    (void)state;
    struct parsed parsed = parse_slice_of(slice_from_text("CYPHER a=1 b = [-2.5, {k: 'v'}] RETURN $b, $c, $b"));
    assert_int_equal(parsed.status, STATUS_OK);
    assert_int_equal(parsed.statement.setting_count, 2);
    assert_int_equal(parsed.statement.settings[1].value->kind, EXPR_LIST);
    assert_int_equal(parsed.statement.parameter_count, 2);
    assert_memory_equal(parsed.statement.parameters[1].data, "c", 1);
    arena_deinit(&parsed.arena);
}

static void a_parameter_of_the_header_is_no_expression(void **state) {
    (void)state;
    expect_fault("CYPHER a=$b RETURN $a", CYPHER_FAULT_UNEXPECTED_SYNTAX, 1, 10);
    expect_fault("CYPHER a=[x] RETURN $a", CYPHER_FAULT_UNEXPECTED_SYNTAX, 1, 10);
}

static void text_that_is_not_utf8_is_refused_where_it_breaks(void **state) {
    (void)state;
    expect_fault("RETURN 'a\xff'", CYPHER_FAULT_UNEXPECTED_SYNTAX, 1, 10);
}

static enum status parse_repeated(const char *head, const char *part, size_t count, const char *tail) {
    struct buf text = BUF_EMPTY;
    assert_int_equal(buf_append(&text, head, strlen(head)), STATUS_OK);
    for (size_t i = 0; i < count; i++) assert_int_equal(buf_append(&text, part, strlen(part)), STATUS_OK);
    assert_int_equal(buf_append(&text, tail, strlen(tail)), STATUS_OK);
    struct parsed parsed = parse_slice_of(buf_slice(&text));
    arena_deinit(&parsed.arena);
    buf_deinit(&text);
    return parsed.status;
}

static void nesting_has_an_end(void **state) {
    (void)state;
    static const char *const parts[] = {
        "(", "[", "{a:", "NOT ", "- ", "x[", "f(", "CASE ", "[x IN ", "exists{match(a)where ", "[(a)-->(b {x:"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_int_not_equal(parse_repeated("RETURN ", parts[i], 50000, ""), STATUS_OK);
    assert_int_equal(parse_repeated("RETURN ", "(", 100000, ""), STATUS_TOO_LARGE);
    assert_int_equal(parse_repeated("RETURN 1", "+1", 100000, ""), STATUS_TOO_LARGE);
    assert_int_equal(parse_repeated("RETURN a", ".a", 100000, ""), STATUS_TOO_LARGE);
}

static void thousands_of_alternatives_are_no_nesting(void **state) {
    (void)state;
    assert_int_equal(parse_repeated("RETURN 1", " OR a.b = 1", 20000, ""), STATUS_OK);
    assert_int_equal(parse_repeated("RETURN [1", ",1", 200000, "]"), STATUS_OK);
}

static void a_text_above_the_limit_is_refused(void **state) {
    (void)state;
    assert_int_equal(parse_repeated("RETURN '", "x", CYPHER_TEXT_MAX_BYTES, "'"), STATUS_TOO_LARGE);
}

static void parsing_survives_every_failed_allocation(void **state) {
    (void)state;
    const struct slice text =
        slice_from_text("MATCH (a:A {x: [1, 'b\\n']})-[r*1..2]->(b) WHERE a.x < 1 < 2 RETURN DISTINCT a AS `q``r`, $p");
    enum status status = STATUS_NO_MEMORY;
    for (uint64_t allowed = 0; status != STATUS_OK; allowed++) {
        alloc_fault_from(allowed + 1);
        struct parsed parsed = parse_slice_of(text);
        (void)alloc_fault_clear();
        status = parsed.status;
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
        arena_deinit(&parsed.arena);
        assert_in_range(allowed, 0, 1000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_bind_before_sums_and_powers_before_products),
        cmocka_unit_test(operators_of_one_level_group_from_the_left),
        cmocka_unit_test(not_binds_weaker_than_comparison_and_stronger_than_and),
        cmocka_unit_test(predicates_bind_stronger_than_comparison),
        cmocka_unit_test(a_chain_of_comparisons_keeps_its_links),
        cmocka_unit_test(a_sign_before_digits_is_part_of_the_literal),
        cmocka_unit_test(escapes_of_strings_become_characters),
        cmocka_unit_test(brackets_around_a_node_are_a_pattern_only_before_an_edge),
        cmocka_unit_test(names_in_back_quotes_hold_anything),
        cmocka_unit_test(words_of_the_language_name_keys_but_no_variables),
        cmocka_unit_test(comments_and_blanks_separate),
        cmocka_unit_test(a_fault_tells_line_and_column_in_characters),
        cmocka_unit_test(what_is_not_there_yet_is_named_with_its_place),
        cmocka_unit_test(the_header_gives_parameters_in_their_order),
        cmocka_unit_test(a_parameter_of_the_header_is_no_expression),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_where_it_breaks),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(thousands_of_alternatives_are_no_nesting),
        cmocka_unit_test(a_text_above_the_limit_is_refused),
        cmocka_unit_test(parsing_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("cypher_parser", tests, NULL, NULL);
}
