/* Floats as text: what files bring is read whole or not at all; the digits written are the fewest that read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/prng.h"
#include "tests/harness/test_env.h"

static void floats_are_read_whole_or_not_at_all(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},        {"-1.5", -1.5},        {"+2", 2},     {".5", 0.5},       {"007", 7},
                {"1e3", 1000},   {"5e-324", 0x1p-1074}, {"1e-999", 0}, {"inf", INFINITY}, {"-Infinity", -INFINITY},
                {"1e308", 1e308}};
    static const char *const bad[] = {"",       " 1",  "1 ",  "\n1", "1\t", "0x10", "1e309",
                                      "-1e309", "1,5", "one", "1e",  "--1", "1.2.3"};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!decimal_parse_double(slice_from_text(good[i].text), &value)) fail_msg("'%s' is refused", good[i].text);
        assert_memory_equal(&value, &good[i].value, sizeof value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        value = 42;
        if (decimal_parse_double(slice_from_text(bad[i]), &value)) fail_msg("'%s' is taken", bad[i]);
        assert_true(value == 42);
    }
    assert_true(decimal_parse_double(slice_from_text("nan"), &value) && isnan(value));
    assert_false(decimal_parse_double(slice_make("1\0", 2), &value));
    char long_text[600];
    memset(long_text, '1', sizeof long_text);
    assert_false(decimal_parse_double(slice_make(long_text, sizeof long_text), &value));
}

static void digits_are(double value, const char *expected, int expected_exponent) {
    char digits[DECIMAL_DIGITS_MAX];
    int exponent = -9999;
    unsigned count = decimal_shortest(value, digits, &exponent);
    assert_int_equal(count, strlen(expected));
    assert_memory_equal(digits, expected, count);
    assert_int_equal(exponent, expected_exponent);
}

static void digits_are_the_fewest(void **state) {
    (void)state;
    digits_are(1, "1", 0);
    digits_are(100, "1", 2);
    digits_are(0.1, "1", -1);
    digits_are(0.1 + 0.2, "30000000000000004", -1);
    digits_are(5e-324, "5", -324);
    digits_are(DBL_MAX, "17976931348623157", 308);
    digits_are(123456789012345678.0, "12345678901234568", 17);
}

static double read_back(const char *digits, unsigned count, int exponent) {
    char text[40];
    (void)snprintf(text, sizeof text, "%.*se%d", (int)count, digits, exponent - (int)count + 1);
    return strtod(text, NULL);
}

static void digits_read_back_and_one_less_does_not(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, test_seed(5));
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        uint64_t bits = prng_next(&prng) & INT64_MAX;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value) || value == 0) continue;
        char digits[DECIMAL_DIGITS_MAX], shorter[40];
        int exponent;
        unsigned count = decimal_shortest(value, digits, &exponent);
        assert_true(read_back(digits, count, exponent) == value);
        if (count == 1) continue;
        (void)snprintf(shorter, sizeof shorter, "%.*e", (int)count - 2, value);
        assert_true(strtod(shorter, NULL) != value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_read_whole_or_not_at_all),
        cmocka_unit_test(digits_are_the_fewest),
        cmocka_unit_test(digits_read_back_and_one_less_does_not),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
