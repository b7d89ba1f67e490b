/*
 * hist: quantiles within the promised error over the whole range of 64 bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "engine/base/hist.h"
#include "engine/base/prng.h"

static int hist_create(void **state) {
    *state = malloc(2 * sizeof(struct hist));
    return *state ? 0 : -1;
}

static int hist_destroy(void **state) {
    free(*state);
    return 0;
}

static void an_empty_histogram_answers_zero(void **state) {
    struct hist *hist = *state;
    hist_init(hist);
    assert_true(hist_quantile(hist, 0.5) == 0);
    assert_true(hist_mean(hist) == 0);
}

static void one_value_is_every_quantile(void **state) {
    struct hist *hist = *state;
    static const uint64_t values[] = {0, 1, 31, 32, 33, 1000, 1ull << 40, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        hist_init(hist);
        hist_add(hist, values[i]);
        assert_true(hist->min == values[i] && hist->max == values[i]);
        assert_true(hist_quantile(hist, 0) == values[i]);
        assert_true(hist_quantile(hist, 0.5) == values[i]);
        assert_true(hist_quantile(hist, 1) == values[i]);
    }
}

static void small_values_are_exact(void **state) {
    struct hist *hist = *state;
    hist_init(hist);
    for (uint64_t value = 1; value <= 20; value++) hist_add(hist, value);
    assert_true(hist_quantile(hist, 0.5) == 10);
    assert_true(hist_quantile(hist, 0.95) == 19);
    assert_true(hist_quantile(hist, 0.951) == 20);
    assert_true(hist_mean(hist) == 10.5);
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void quantiles_are_within_the_promised_error(void **state) {
    struct hist *hist = *state;
    enum { COUNT = 2000 };
    static uint64_t values[COUNT];
    struct prng prng;
    prng_init(&prng, 8);
    hist_init(hist);
    for (int i = 0; i < COUNT; i++) {
        uint64_t word = prng_next(&prng);
        values[i] = word >> prng_below(&prng, 60);
        hist_add(hist, values[i]);
    }
    qsort(values, COUNT, sizeof values[0], compare_numbers);
    for (int rank = 1; rank <= COUNT; rank++) {
        uint64_t exact = values[rank - 1];
        uint64_t told = hist_quantile(hist, ((double)rank - 0.5) / COUNT);
        assert_true(told >= exact);
        assert_true(told - exact <= exact / 32);
    }
}

static void merged_histograms_are_as_one(void **state) {
    struct hist *parts = *state;
    struct hist *whole = calloc(1, sizeof *whole);
    assert_non_null(whole);
    hist_init(&parts[0]);
    hist_init(&parts[1]);
    hist_init(whole);
    hist_merge(&parts[0], &parts[1]); /* both empty */
    assert_true(parts[0].count == 0 && parts[0].min == 0);
    struct prng prng;
    prng_init(&prng, 9);
    for (int i = 0; i < 1000; i++) {
        uint64_t value = 5 + prng_below(&prng, 1000000);
        hist_add(&parts[i % 2], value);
        hist_add(whole, value);
    }
    hist_merge(&parts[0], &parts[1]);
    assert_memory_equal(&parts[0], whole, sizeof *whole);
    free(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_answers_zero), cmocka_unit_test(one_value_is_every_quantile),
        cmocka_unit_test(small_values_are_exact),          cmocka_unit_test(quantiles_are_within_the_promised_error),
        cmocka_unit_test(merged_histograms_are_as_one),
    };
    return cmocka_run_group_tests_name("hist", tests, hist_create, hist_destroy);
}
