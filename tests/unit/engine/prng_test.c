/*
 * prng: the published sequence, ranges, and no bias that a count would show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/prng.h"

/* xoshiro256** from splitmix64 of seed 0, as in the authors' code: every recorded seed depends on it. */
static void the_sequence_is_the_published_one(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 0);
    assert_true(prng.state[0] == 0xe220a8397b1dcdafu); /* splitmix64's first three */
    assert_true(prng.state[1] == 0x6e789e6aa1b965f4u);
    assert_true(prng.state[2] == 0x06c45d188009454fu);
    struct prng known = {{1, 2, 3, 4}};
    assert_true(prng_next(&known) == 11520);
    assert_true(prng_next(&known) == 0);
    assert_true(prng_next(&known) == 1509978240);
}

static void a_seed_replays(void **state) {
    (void)state;
    struct prng a;
    struct prng b;
    prng_init(&a, 99);
    prng_init(&b, 99);
    for (int i = 0; i < 1000; i++) assert_true(prng_next(&a) == prng_next(&b));
}

static void below_stays_below_and_reaches_all(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    int seen[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t value = prng_below(&prng, 10);
        assert_true(value < 10);
        seen[value]++;
    }
    for (int i = 0; i < 10; i++) assert_in_range(seen[i], 9500, 10500); /* five sigma are 475 */
    assert_int_equal(prng_below(&prng, 1), 0);
    for (int i = 0; i < 1000; i++) assert_true(prng_below(&prng, (1ull << 63) + 1) <= 1ull << 63);
}

static void between_includes_both_ends(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 2);
    bool low = false;
    bool high = false;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = prng_between(&prng, 5, 8);
        assert_in_range(value, 5, 8);
        low |= value == 5;
        high |= value == 8;
    }
    assert_true(low && high);
    assert_true(prng_between(&prng, 7, 7) == 7);
    (void)prng_between(&prng, 0, UINT64_MAX);
}

static void chance_is_a_proportion(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 3);
    int hits = 0;
    for (int i = 0; i < 100000; i++) {
        hits += prng_chance(&prng, 1, 4);
        assert_false(prng_chance(&prng, 0, 4));
        assert_true(prng_chance(&prng, 4, 4));
    }
    assert_in_range(hits, 24300, 25700);
}

static void unit_is_in_the_half_open_range(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 4);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double value = prng_unit(&prng);
        assert_true(value >= 0 && value < 1);
        sum += value;
    }
    assert_true(sum > 49500 && sum < 50500);
}

static void fill_writes_exactly_its_bytes(void **state) {
    (void)state;
    for (size_t size = 0; size <= 20; size++) {
        uint8_t bytes[24];
        memset(bytes, 0xaa, sizeof bytes);
        struct prng prng;
        prng_init(&prng, 6);
        prng_fill(&prng, bytes, size);
        for (size_t i = size; i < sizeof bytes; i++) assert_int_equal(bytes[i], 0xaa);
        prng_init(&prng, 6);
        if (size >= 8)
            assert_true(prng_next(&prng) ==
                        ((uint64_t)bytes[7] << 56 | (uint64_t)bytes[6] << 48 | (uint64_t)bytes[5] << 40 |
                         (uint64_t)bytes[4] << 32 | (uint64_t)bytes[3] << 24 | (uint64_t)bytes[2] << 16 |
                         (uint64_t)bytes[1] << 8 | bytes[0]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_the_published_one),
        cmocka_unit_test(a_seed_replays),
        cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(between_includes_both_ends),
        cmocka_unit_test(chance_is_a_proportion),
        cmocka_unit_test(unit_is_in_the_half_open_range),
        cmocka_unit_test(fill_writes_exactly_its_bytes),
    };
    return cmocka_run_group_tests_name("prng", tests, NULL, NULL);
}
