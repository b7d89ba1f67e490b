/*
 * number_test: values and times as text, both ways.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/test_env.h"
#include "tsdb/tsdb.h"

static void expect_text(double value, const char *expected) {
    char text[TSDB_VALUE_TEXT_BYTES];
    assert_int_equal(tsdb_format_value(value, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void values_have_the_shortest_digits_in_redis_layout(void **state) {
    (void)state;
    expect_text(0, "0");
    expect_text(-0.0, "-0");
    expect_text(27, "27");
    expect_text(-1700000000000.0, "-1700000000000");
    expect_text(0.1, "0.1");
    expect_text(-12.5, "-12.5");
    expect_text(0.1 + 0.2, "0.30000000000000004");
    expect_text(73.96732207, "73.96732207");
    expect_text(0.001, "0.001");
    expect_text(0.000001, "0.000001");
    expect_text(1e-7, "1e-7");
    expect_text(1.5e-9, "1.5e-9");
    expect_text(9007199254740993.0, "9007199254740992");
    expect_text(1e21, "1e+21");
    expect_text(1.2345678e25, "1.2345678e+25");
    expect_text(5e-324, "5e-324");
    expect_text(1.7976931348623157e308, "1.7976931348623157e+308");
    expect_text(NAN, "nan");
    expect_text(-INFINITY, "-inf");
}

static void any_finite_value_reads_back_as_itself(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, test_seed(7));
    for (uint64_t left = test_scaled(20000); left > 0; left--) {
        char text[TSDB_VALUE_TEXT_BYTES];
        uint64_t bits = prng_next(&prng);
        double value, back = 0;
        memcpy(&value, &bits, sizeof value);
        if (prng_chance(&prng, 1, 2)) value = (double)(int64_t)(bits >> 20) / 1000;
        if (!isfinite(value)) continue;
        size_t size = tsdb_format_value(value, text);
        assert_true(tsdb_parse_value(slice_make(text, size), &back));
        assert_memory_equal(&back, &value, sizeof value);
    }
}

static void what_json_does_not_write_is_no_value(void **state) {
    (void)state;
    static const char *const wrong[] = {"",    "-",   "+1",  ".5", "1.", "01",  "1e",    "1e+", "nan",
                                        "inf", "NaN", "0x1", "1 ", " 1", "1,0", "1e999", "--1", "1.e1"};
    double value = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(tsdb_parse_value(slice_from_text(wrong[i]), &value));
    assert_true(tsdb_parse_value(slice_from_text("-0.50E+2"), &value));
    assert_true(value == -50);
}

static void a_time_is_a_number_that_is_not_negative(void **state) {
    (void)state;
    int64_t time_ms = 0;
    assert_true(tsdb_parse_time(slice_from_text("9223372036854775807"), &time_ms));
    assert_true(time_ms == INT64_MAX);
    assert_false(tsdb_parse_time(slice_from_text("-1"), &time_ms));
    assert_false(tsdb_parse_time(slice_from_text("9223372036854775808"), &time_ms));
    assert_false(tsdb_parse_time(slice_from_text("1.5"), &time_ms));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_the_shortest_digits_in_redis_layout),
        cmocka_unit_test(any_finite_value_reads_back_as_itself),
        cmocka_unit_test(what_json_does_not_write_is_no_value),
        cmocka_unit_test(a_time_is_a_number_that_is_not_negative),
    };
    return cmocka_run_group_tests_name("tsdb_number", tests, NULL, NULL);
}
