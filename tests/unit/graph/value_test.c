/*
 * value: equality, order and hash as openCypher defines them, on every pair of a table of values and on random ones;
 * copies that stand alone; the budget.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "engine/base/prng.h"
#include "graph/value.h"

static struct value text(const char *bytes) {
    return value_string(slice_from_text(bytes));
}

static struct value list(const struct value *items, size_t count) {
    struct value value;
    assert_int_equal(value_list(items, count, &value), STATUS_OK);
    return value;
}

static void integers_and_floats_compare_by_their_exact_values(void **state) {
    (void)state;
    assert_int_equal(value_equal(value_integer(1), value_float(1.0)), TRUTH_TRUE);
    assert_int_equal(value_equal(value_integer((1LL << 53) + 1), value_float(0x1p53)), TRUTH_FALSE);
    assert_int_equal(value_compare(value_integer((1LL << 53) + 1), value_float(0x1p53)), VALUE_GREATER);
    assert_int_equal(value_compare(value_integer(INT64_MAX), value_float(0x1p63)), VALUE_LESS);
    assert_int_equal(value_compare(value_integer(INT64_MIN), value_float(-0x1p63)), VALUE_EQUAL);
    assert_int_equal(value_compare(value_float(-0.5), value_integer(0)), VALUE_LESS);
    assert_int_equal(value_compare(value_integer(-1), value_float(-1.5)), VALUE_GREATER);
}

static void null_and_nan_equal_nothing_but_are_one_group_each(void **state) {
    (void)state;
    assert_int_equal(value_equal(value_null(), value_null()), TRUTH_NULL);
    assert_int_equal(value_equal(value_float(NAN), value_float(NAN)), TRUTH_FALSE);
    assert_true(value_equivalent(value_null(), value_null()));
    assert_true(value_equivalent(value_float(NAN), value_float(-NAN)));
    assert_true(value_hash(value_float(NAN), 1) == value_hash(value_float(-NAN), 1));
}

static void a_list_with_a_null_is_equal_unequal_or_unknown(void **state) {
    (void)state;
    struct value one_null[] = {value_integer(1), value_null()};
    struct value one_two[] = {value_integer(1), value_integer(2)};
    struct value two_two[] = {value_integer(2), value_integer(2)};
    assert_int_equal(value_equal(list(one_null, 2), list(one_two, 2)), TRUTH_NULL);
    assert_int_equal(value_equal(list(one_null, 2), list(two_two, 2)), TRUTH_FALSE);
    assert_int_equal(value_equal(list(one_null, 2), list(one_two, 1)), TRUTH_FALSE);
    assert_true(value_equivalent(list(one_null, 2), list(one_null, 2)));
}

static void types_without_an_order_between_them_are_incomparable(void **state) {
    (void)state;
    assert_int_equal(value_compare(value_integer(1), text("1")), VALUE_INCOMPARABLE);
    assert_int_equal(value_compare(value_null(), value_integer(1)), VALUE_INCOMPARABLE);
    assert_int_equal(value_compare(value_node(1), value_node(2)), VALUE_INCOMPARABLE);
    assert_int_equal(value_compare(value_float(NAN), value_integer(1)), VALUE_UNORDERED);
    assert_int_equal(value_compare(text("a"), text("ab")), VALUE_LESS);
    assert_int_equal(value_compare(value_boolean(false), value_boolean(true)), VALUE_LESS);
}

static void types_follow_one_another_in_the_order_of_the_standard(void **state) {
    (void)state;
    struct value entry_map, node = value_node(9), path = value_path(&node, 1);
    struct value_entry entries[] = {{slice_from_text("a"), value_integer(1)}};
    assert_int_equal(value_map(entries, 1, &entry_map), STATUS_OK);
    struct value ascending[] = {
        entry_map,        node,        value_edge(3, 0, 1, 2), list(&node, 1),   path,
        text(""),         text("z"),   value_boolean(false),   value_integer(1), value_float(INFINITY),
        value_float(NAN), value_null()};
    enum { COUNT = sizeof ascending / sizeof *ascending };
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++) {
            int order = value_order(ascending[i], ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void a_map_is_sorted_and_of_equal_keys_the_last_stays(void **state) {
    (void)state;
    struct value_entry entries[] = {{slice_from_text("b"), value_integer(1)},
                                    {slice_from_text("a"), value_integer(2)},
                                    {slice_from_text("b"), value_integer(3)},
                                    {slice_from_text(""), value_integer(4)}};
    struct value map;
    assert_int_equal(value_map(entries, 4, &map), STATUS_OK);
    assert_int_equal(map.map.count, 3);
    assert_int_equal(value_map_get(&map, slice_from_text("b"))->integer, 3);
    assert_int_equal(value_map_get(&map, slice_from_text(""))->integer, 4);
    assert_null(value_map_get(&map, slice_from_text("c")));
}

static void a_long_unsorted_map_finds_every_key(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    static struct value_entry entries[COUNT];
    static char keys[COUNT][8];
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", (i * 7919) % 500);
        entries[i] = (struct value_entry){slice_from_text(keys[i]), value_integer(i)};
    }
    struct value map;
    assert_int_equal(value_map(entries, COUNT, &map), STATUS_OK);
    assert_int_equal(map.map.count, 500);
    for (int i = COUNT / 2; i < COUNT; i++) assert_int_equal(value_map_get(&map, slice_from_text(keys[i]))->integer, i);
}

static void nesting_beyond_the_limit_is_refused(void **state) {
    (void)state;
    static struct value nested[VALUE_DEPTH_MAX + 1];
    for (int i = 0; i < VALUE_DEPTH_MAX; i++) assert_int_equal(value_list(&nested[i], 1, &nested[i + 1]), STATUS_OK);
    struct value deeper;
    assert_int_equal(value_list(&nested[VALUE_DEPTH_MAX], 1, &deeper), STATUS_TOO_LARGE);
}

static void a_copy_shares_no_byte_with_what_it_was_made_of(void **state) {
    (void)state;
    struct value_arena arena;
    value_arena_init(&arena, NULL);
    char bytes[] = "word", key[] = "key";
    struct value_entry entry = {slice_from_text(key), text(bytes)};
    struct value map, copy;
    assert_int_equal(value_map(&entry, 1, &map), STATUS_OK);
    struct value items[] = {map, text(bytes), value_integer(3)};
    assert_int_equal(value_copy(&arena, list(items, 3), &copy), STATUS_OK);
    bytes[0] = key[0] = 'X';
    items[2] = value_null();
    assert_true(slice_equal(copy.list.items[1].text, slice_from_text("word")));
    assert_true(slice_equal(value_map_get(&copy.list.items[0], slice_from_text("key"))->text, slice_from_text("word")));
    assert_int_equal(copy.list.items[2].integer, 3);
    value_arena_deinit(&arena);
}

static void an_arena_stays_within_its_budget_and_gives_it_back(void **state) {
    (void)state;
    struct value_budget budget = {.limit_bytes = 100000};
    struct value_arena arena;
    value_arena_init(&arena, &budget);
    size_t got = 0;
    while (value_alloc(&arena, 1000)) got++;
    assert_true(got >= 80 && got <= 120);
    assert_null(value_alloc(&arena, 50000));
    value_arena_deinit(&arena);
    assert_int_equal(budget.used_bytes, 0);
    assert_true(budget.peak_bytes >= 80000);
}

static void budgets_share_a_pool_and_give_it_back(void **state) {
    (void)state;
    struct value_pool pool = {.limit_bytes = 100000};
    struct value_budget first = {.limit_bytes = 80000, .pool = &pool}, second = {.limit_bytes = 80000, .pool = &pool};
    assert_true(value_budget_charge(&first, 60000));
    assert_int_equal(value_budget_left(&first), 20000);
    assert_int_equal(value_budget_left(&second), 40000);
    assert_false(value_budget_charge(&second, 40001));
    assert_int_equal(second.refused, VALUE_REFUSED_BY_POOL);
    assert_false(value_budget_charge(&first, 20001));
    assert_int_equal(first.refused, VALUE_REFUSED_BY_BUDGET);
    struct value_arena arena;
    value_arena_init(&arena, &second);
    assert_non_null(value_alloc(&arena, 30000));
    assert_true(atomic_load(&pool.used_bytes) >= 90000);
    assert_null(value_alloc(&arena, 30000));
    value_arena_deinit(&arena);
    value_budget_release(&first, 60000);
    assert_int_equal(atomic_load(&pool.used_bytes), 0);
    struct value_budget third = {.pool = &pool};
    assert_true(value_budget_charge(&third, 100000));
    value_budget_refuse(&third);
    assert_int_equal(third.refused, VALUE_REFUSED_BY_POOL);
}

static struct value random_value(struct prng *prng, struct value_arena *arena, int depth) {
    static const double numbers[] = {0.0, -0.0, 1.0, 1.5, -2.0, 0x1p53, 0x1p63, -0x1p63, INFINITY, NAN};
    static const char *const texts[] = {"", "a", "b", "ab"};
    switch (prng_below(prng, depth > 0 ? 9 : 7)) {
    case 0: return value_null();
    case 1: return value_boolean(prng_chance(prng, 1, 2));
    case 2: return value_integer((int64_t)prng_below(prng, 4) - 2);
    case 3: return value_integer(prng_chance(prng, 1, 2) ? INT64_MIN : (1LL << 53) + (int64_t)prng_below(prng, 2));
    case 4: return value_float(numbers[prng_below(prng, sizeof numbers / sizeof *numbers)]);
    case 5: return text(texts[prng_below(prng, 4)]);
    case 6: return value_node(prng_below(prng, 2));
    case 7: {
        size_t count = prng_below(prng, 3);
        struct value *items = value_alloc_array(arena, count, sizeof *items);
        assert_non_null(items);
        for (size_t i = 0; i < count; i++) items[i] = random_value(prng, arena, depth - 1);
        return list(items, count);
    }
    default: {
        size_t count = prng_below(prng, 3);
        struct value_entry *entries = value_alloc_array(arena, count, sizeof *entries);
        assert_non_null(entries);
        for (size_t i = 0; i < count; i++)
            entries[i] =
                (struct value_entry){slice_from_text(texts[prng_below(prng, 4)]), random_value(prng, arena, depth - 1)};
        struct value map;
        assert_int_equal(value_map(entries, count, &map), STATUS_OK);
        return map;
    }
    }
}

static int sign(int order) {
    return (order > 0) - (order < 0);
}

static void the_order_is_total_and_agrees_with_equality_and_hash(void **state) {
    (void)state;
    enum { SEED = 4711, RUNS = 20000 };
    printf("seed %d\n", SEED);
    struct prng prng;
    prng_init(&prng, SEED);
    struct value_arena arena;
    value_arena_init(&arena, NULL);
    for (int run = 0; run < RUNS; run++) {
        value_arena_reset(&arena);
        struct value a = random_value(&prng, &arena, 2), b = random_value(&prng, &arena, 2);
        struct value c = random_value(&prng, &arena, 2);
        assert_int_equal(sign(value_order(a, b)), -sign(value_order(b, a)));
        if (value_order(a, b) <= 0 && value_order(b, c) <= 0) assert_true(value_order(a, c) <= 0);
        if (value_equivalent(a, b)) assert_true(value_hash(a, 7) == value_hash(b, 7));
        if (value_equal(a, b) == TRUTH_TRUE) assert_true(value_equivalent(a, b));
        if (value_compare(a, b) == VALUE_LESS) assert_true(value_order(a, b) < 0);
    }
    value_arena_deinit(&arena);
}

static void three_valued_logic_has_its_tables(void **state) {
    (void)state;
    const int F = TRUTH_FALSE, T = TRUTH_TRUE, N = TRUTH_NULL;
    const int both[3][3] = {{F, F, F}, {F, T, N}, {F, N, N}};
    static const enum truth or [3][3] = {{F, T, N}, {T, T, T}, {N, T, N}};
    const int one[3][3] = {{F, T, N}, {T, F, N}, {N, N, N}};
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            assert_int_equal(truth_and((enum truth)a, (enum truth)b), both[a][b]);
            assert_int_equal(truth_or((enum truth)a, (enum truth)b), or [a][b]);
            assert_int_equal(truth_xor((enum truth)a, (enum truth)b), one[a][b]);
        }
}

static void what_a_property_may_hold(void **state) {
    (void)state;
    struct value scalars[] = {value_boolean(true), value_integer(1), value_float(2), text("x")};
    struct value nested = list(scalars, 4), with_null[] = {value_integer(1), value_null()};
    assert_true(value_is_property(scalars[3]));
    assert_true(value_is_property(nested));
    assert_false(value_is_property(value_null()));
    assert_false(value_is_property(value_node(1)));
    assert_false(value_is_property(list(&nested, 1)));
    assert_false(value_is_property(list(with_null, 2)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_and_floats_compare_by_their_exact_values),
        cmocka_unit_test(null_and_nan_equal_nothing_but_are_one_group_each),
        cmocka_unit_test(a_list_with_a_null_is_equal_unequal_or_unknown),
        cmocka_unit_test(types_without_an_order_between_them_are_incomparable),
        cmocka_unit_test(types_follow_one_another_in_the_order_of_the_standard),
        cmocka_unit_test(a_map_is_sorted_and_of_equal_keys_the_last_stays),
        cmocka_unit_test(a_long_unsorted_map_finds_every_key),
        cmocka_unit_test(nesting_beyond_the_limit_is_refused),
        cmocka_unit_test(a_copy_shares_no_byte_with_what_it_was_made_of),
        cmocka_unit_test(an_arena_stays_within_its_budget_and_gives_it_back),
        cmocka_unit_test(budgets_share_a_pool_and_give_it_back),
        cmocka_unit_test(the_order_is_total_and_agrees_with_equality_and_hash),
        cmocka_unit_test(three_valued_logic_has_its_tables),
        cmocka_unit_test(what_a_property_may_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
