/*
 * loamd_latency_test: what a window of latencies tells, and when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/loamd/latency.h"

#define MS ((uint64_t)1000000)
#define WINDOW (LATENCY_WINDOW_MS * MS)

static struct latency latency;

static void a_window_is_told_once_it_is_over(void **state) {
    (void)state;
    latency_init(&latency);
    assert_int_equal(latency_window(&latency, 100 * MS)->count, 0);
    for (uint64_t i = 1; i <= 10; i++) latency_add(&latency, 100 * MS, 100 * MS + i * MS);
    assert_int_equal(latency_window(&latency, 4000 * MS)->count, 0);
    const struct hist *told = latency_window(&latency, 100 * MS + WINDOW);
    assert_int_equal(told->count, 10);
    assert_int_equal(told->max, 10 * MS);
    assert_in_range(hist_quantile(told, 0.5), 5 * MS - MS / 4, 5 * MS + MS / 4);
    assert_int_equal(latency_window(&latency, 100 * MS + 2 * WINDOW - 1)->count, 10);
    assert_int_equal(latency_window(&latency, 100 * MS + 2 * WINDOW)->count, 0);
}

static void nothing_old_is_told_after_a_pause(void **state) {
    (void)state;
    latency_init(&latency);
    latency_add(&latency, 0, MS);
    assert_int_equal(latency_window(&latency, 10 * WINDOW)->count, 0);
    latency_add(&latency, 10 * WINDOW, 10 * WINDOW + MS);
    assert_int_equal(latency_window(&latency, 11 * WINDOW)->count, 1);
}

static void of_many_in_a_window_one_in_sixteen_is_timed(void **state) {
    (void)state;
    latency_init(&latency);
    uint64_t timed = 0;
    for (unsigned i = 0; i < 1024; i++) timed += latency_wants(&latency);
    assert_int_equal(timed, 1024);
    for (unsigned i = 0; i < 16000; i++) timed += latency_wants(&latency);
    assert_int_equal(timed, 2024);
    latency_add(&latency, 0, MS); /* another window */
    assert_true(latency_wants(&latency) && latency_wants(&latency));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_told_once_it_is_over),
        cmocka_unit_test(nothing_old_is_told_after_a_pause),
        cmocka_unit_test(of_many_in_a_window_one_in_sixteen_is_timed),
    };
    return cmocka_run_group_tests_name("loamd_latency", tests, NULL, NULL);
}
