/*
 * explain_test: a chunk taken apart says what its decoder says, and accounts for every bit; any bytes are safe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tsdb/codec/chunk.h"
#include "tsdb/explain.h"

enum { SAMPLES_MAX = 200 };

static int64_t times[SAMPLES_MAX];
static double values[SAMPLES_MAX];

static size_t make(struct prng *prng) {
    const size_t count = 1 + prng_below(prng, SAMPLES_MAX);
    int64_t time = (int64_t)prng_below(prng, 1000000);
    for (size_t i = 0; i < count; i++) {
        time += prng_chance(prng, 3, 4) ? 1000 : 1 + (int64_t)prng_below(prng, 100000);
        times[i] = time;
        values[i] = prng_chance(prng, 1, 3) && i ? values[i - 1] : (double)prng_below(prng, 1000) / 10;
    }
    return count;
}

struct seen {
    size_t count;
    uint64_t at;
    enum tsdb_encoding encoding;
    bool compares;
};

static void see(void *context, const struct tsdb_sample_bits *sample) {
    struct seen *seen = context;
    char words[200];
    tsdb_explain_bits(sample, seen->encoding, words, sizeof words);
    assert_true(words[0] != 0);
    if (seen->compares) {
        assert_int_equal(sample->number, seen->count);
        assert_int_equal(sample->time_ms, times[seen->count]);
        assert_memory_equal(&sample->value, &values[seen->count], sizeof sample->value);
        if (seen->count) assert_int_equal(sample->at, seen->at);
        assert_true(sample->leading + sample->size <= 64);
        const uint64_t inside = sample->size == 64 ? UINT64_MAX
                                : sample->size == 0
                                    ? 0
                                    : ((1ull << sample->size) - 1) << (64 - sample->leading - sample->size);
        if (sample->form != TSDB_VALUE_WHOLE || sample->size < 64) assert_int_equal(sample->xor_bits & ~inside, 0);
    }
    seen->at = sample->at + sample->time_bits + sample->value_bits;
    seen->count++;
}

static void a_chunk_is_told_sample_by_sample(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(500); seed < last; seed++) {
        seed_starts("a_chunk_is_told_sample_by_sample", seed);
        struct prng prng;
        prng_init(&prng, seed);
        const size_t count = make(&prng);
        struct buf chunk = BUF_EMPTY;
        const bool open = prng_chance(&prng, 1, 2);
        assert_int_equal(open ? chunk_encode_open(&chunk, times, values, count)
                              : chunk_encode_sealed(&chunk, times, values, count),
                         STATUS_OK);
        struct seen seen = {.encoding = open ? TSDB_OPEN : TSDB_GORILLA, .compares = true};
        assert_int_equal(tsdb_explain_samples(buf_slice(&chunk), times[0], see, &seen), STATUS_OK);
        assert_int_equal(seen.count, count);
        assert_in_range(seen.at, 8 * chunk.size - 7, 8 * chunk.size);
        buf_deinit(&chunk);
        seed_passes();
    }
}

static void any_bytes_are_told_as_far_as_they_go(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(3000); seed < last; seed++) {
        seed_starts("any_bytes_are_told_as_far_as_they_go", seed);
        struct prng prng;
        prng_init(&prng, seed);
        struct buf chunk = BUF_EMPTY;
        struct samples samples = {0};
        const size_t count = make(&prng);
        assert_int_equal(prng_chance(&prng, 1, 2) ? chunk_encode_open(&chunk, times, values, count)
                                                  : chunk_encode_sealed(&chunk, times, values, count),
                         STATUS_OK);
        const size_t size = prng_chance(&prng, 1, 2) ? chunk.size : prng_below(&prng, chunk.size + 1);
        uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees reads past the end */
        if (size) memcpy(exact, chunk.data, size);
        for (uint64_t i = prng_below(&prng, 4); i > 0 && size; i--)
            exact[prng_below(&prng, size)] ^= (uint8_t)(1u << prng_below(&prng, 8));
        struct seen seen = {.encoding = prng_chance(&prng, 1, 2) ? TSDB_OPEN : TSDB_GORILLA};
        const enum status told = tsdb_explain_samples(slice_make(exact, size), times[0], see, &seen);
        const enum status decoded = chunk_decode(slice_make(exact, size), times[0], &samples);
        assert_true(seen.at <= 8 * (uint64_t)size);
        /* A decoder asks for more: times that rise, a count within its limit. */
        if (decoded == STATUS_OK) assert_true(told == STATUS_OK && seen.count == samples.count);
        samples_deinit(&samples);
        free(exact);
        buf_deinit(&chunk);
        seed_passes();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_is_told_sample_by_sample),
        cmocka_unit_test(any_bytes_are_told_as_far_as_they_go),
    };
    return seed_report(cmocka_run_group_tests_name("tsdb_explain", tests, NULL, NULL),
                       "build/tests/unit/tsdb/explain_test");
}
