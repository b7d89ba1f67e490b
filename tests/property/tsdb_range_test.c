/*
 * tsdb_range_test: seeded ranges with filters, counts, buckets and both directions, over a series of many small chunks,
 * against a walk over an array.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/test_env.h"
#include "tests/harness/tsdb_lab.h"

enum { SAMPLES = 800, RESULTS_MAX = 70000, WANTED_MAX = 20 };

struct answer {
    size_t count;
    int64_t times_ms[RESULTS_MAX];
    double values[RESULTS_MAX];
};

static int64_t times_ms[SAMPLES];
static double values[SAMPLES];

static void make_series(struct tsdb_lab *lab, struct prng *prng) {
    struct tsdb_add samples[SAMPLES];
    struct tsdb_op create = {.kind = TSDB_OP_CREATE, .name = slice_from_text("t")};
    create.settings = (struct tsdb_settings){.given = TSDB_CHUNK_SIZE, .chunk_bytes = 128};
    assert_string_equal(tsdb_lab_apply(lab, &create), "+OK");
    int64_t time_ms = 1000;
    for (size_t i = 0; i < SAMPLES; i++) {
        time_ms += (int64_t)prng_between(prng, 1, prng_chance(prng, 1, 20) ? 900 : 40);
        times_ms[i] = time_ms;
        values[i] = (double)prng_below(prng, 1000) / 8;
        samples[i] = (struct tsdb_add){.name = create.name, .time_ms = time_ms, .value = values[i]};
    }
    struct tsdb_op op = {.kind = TSDB_OP_MADD, .samples = samples, .sample_count = SAMPLES};
    (void)tsdb_lab_apply(lab, &op);
}

static void make_range(struct prng *prng, struct tsdb_range *range, int64_t wanted[WANTED_MAX]) {
    int64_t end_ms = times_ms[SAMPLES - 1];
    *range = (struct tsdb_range){.from_ms = (int64_t)prng_below(prng, (uint64_t)end_ms)};
    range->to_ms = range->from_ms + (int64_t)prng_below(prng, (uint64_t)end_ms);
    range->reverse = prng_chance(prng, 1, 2);
    range->has_count = prng_chance(prng, 1, 3);
    range->count = prng_below(prng, 30);
    range->filter_by_value = prng_chance(prng, 1, 4);
    range->value_min = 20;
    range->value_max = 100;
    if (prng_chance(prng, 1, 6)) range->time_count = WANTED_MAX;
    for (size_t i = 0; i < range->time_count; i++) wanted[i] = times_ms[prng_below(prng, SAMPLES)];
    range->times_ms = wanted;
    if (prng_chance(prng, 1, 3)) return;
    static const enum tsdb_aggregator some[] = {TSDB_SUM, TSDB_MIN, TSDB_MAX, TSDB_COUNT, TSDB_FIRST, TSDB_LAST};
    range->aggregator = some[prng_below(prng, 6)];
    range->bucket_ms = (int64_t)prng_between(prng, 1, prng_chance(prng, 1, 2) ? 50 : 3000);
    range->align = (enum tsdb_align)prng_below(prng, 4);
    range->align_ms = (int64_t)prng_below(prng, 5000);
    range->bucket_time = (enum tsdb_bucket_time)prng_below(prng, 3);
    range->empty = prng_chance(prng, 1, 2);
}

/* ---- the walk over the array ------------------------------------------------------------------------------------- */

static bool passes(const struct tsdb_range *range, size_t i) {
    if (times_ms[i] < range->from_ms || times_ms[i] > range->to_ms) return false;
    if (range->filter_by_value && (values[i] < range->value_min || values[i] > range->value_max)) return false;
    bool wanted = range->time_count == 0;
    for (size_t j = 0; j < range->time_count; j++) wanted |= range->times_ms[j] == times_ms[i];
    return wanted;
}

static double combine(enum tsdb_aggregator aggregator, bool is_first, double so_far, double value) {
    switch (aggregator) {
    case TSDB_SUM: return is_first ? value : so_far + value;
    case TSDB_COUNT: return is_first ? 1 : so_far + 1;
    case TSDB_MIN: return is_first || value < so_far ? value : so_far;
    case TSDB_MAX: return is_first || value > so_far ? value : so_far;
    case TSDB_FIRST: return is_first ? value : so_far;
    default: return value;
    }
}

static void put(struct answer *answer, int64_t time_ms, double value) {
    assert_true(answer->count < RESULTS_MAX);
    answer->times_ms[answer->count] = time_ms;
    answer->values[answer->count++] = value;
}

static int64_t start_of(const struct tsdb_range *range, int64_t time_ms) {
    const int64_t origins[] = {0, range->from_ms, range->to_ms, range->align_ms};
    int64_t origin = origins[range->align], number = (time_ms - origin) / range->bucket_ms;
    if (origin + number * range->bucket_ms > time_ms) number--;
    return origin + number * range->bucket_ms;
}

static void gather(const struct tsdb_range *range, struct answer *answer) {
    int64_t last_start_ms = 0;
    double last_value = NAN;
    for (size_t i = 0; i < SAMPLES; i++) {
        if (!passes(range, i)) continue;
        int64_t start_ms = start_of(range, times_ms[i]);
        bool is_new = answer->count == 0 || start_ms != last_start_ms;
        bool fills = is_new && range->empty && answer->count > 0;
        bool adds = range->aggregator == TSDB_SUM || range->aggregator == TSDB_COUNT;
        double filling = adds ? 0 : range->aggregator == TSDB_LAST ? last_value : NAN;
        while (fills && (last_start_ms += range->bucket_ms) < start_ms) put(answer, last_start_ms, filling);
        if (is_new) put(answer, start_ms, 0);
        double *so_far = &answer->values[answer->count - 1];
        *so_far = combine(range->aggregator, is_new, *so_far, values[i]);
        last_start_ms = start_ms;
        last_value = values[i];
    }
    int64_t shift_ms = range->bucket_time == TSDB_BUCKET_END ? range->bucket_ms : 0;
    if (range->bucket_time == TSDB_BUCKET_MIDDLE) shift_ms = range->bucket_ms / 2;
    for (size_t i = 0; i < answer->count; i++) {
        answer->times_ms[i] += shift_ms;
        if (answer->times_ms[i] < 0) answer->times_ms[i] = 0;
    }
}

static void expect_answer(struct tsdb_lab *lab, const struct tsdb_range *range, const struct answer *expected) {
    struct decoder decoder = decoder_make(buf_slice(&lab->reply));
    struct reply_value value;
    size_t count = expected->count;
    if (range->has_count && range->count < count) count = range->count;
    assert_int_equal(reply_decode(&decoder, &value), STATUS_OK);
    assert_int_equal(value.count, count);
    for (size_t i = 0; i < count; i++) {
        size_t at = range->reverse ? expected->count - 1 - i : i;
        assert_int_equal(reply_decode(&decoder, &value), STATUS_OK);
        assert_int_equal(reply_decode(&decoder, &value), STATUS_OK);
        assert_true(value.integer == expected->times_ms[at]);
        assert_int_equal(reply_decode(&decoder, &value), STATUS_OK);
        assert_true(value.number == expected->values[at] || (isnan(value.number) && isnan(expected->values[at])));
    }
    assert_true(decoder_finished(&decoder));
}

static void ranges_agree_with_a_walk_over_an_array(void **state) {
    (void)state;
    uint64_t seed = test_seed(11);
    print_message("seed %llu\n", (unsigned long long)seed);
    static struct answer expected;
    struct tsdb_lab lab;
    struct prng prng;
    prng_init(&prng, seed);
    tsdb_lab_open(&lab);
    make_series(&lab, &prng);
    struct names_view view = tsdb_lab_view(&lab);
    for (uint64_t left = test_scaled(2000); left > 0; left--) {
        struct tsdb_range range;
        int64_t wanted[WANTED_MAX];
        make_range(&prng, &range, wanted);
        expected.count = 0;
        if (range.aggregator) gather(&range, &expected);
        for (size_t i = 0; !range.aggregator && i < SAMPLES; i++)
            if (passes(&range, i)) put(&expected, times_ms[i], values[i]);
        buf_clear(&lab.reply);
        assert_int_equal(tsdb_range(&view, slice_from_text("t"), &range, 3, &lab.reply), STATUS_OK);
        expect_answer(&lab, &range, &expected);
    }
    tsdb_lab_close(&lab);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges_agree_with_a_walk_over_an_array)};
    return cmocka_run_group_tests_name("tsdb_range", tests, NULL, NULL);
}
