/*
 * gorilla_test: the codec against a naive one that writes FORMAT.md's bits as text, and against damaged streams.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/test_env.h"
#include "tsdb/codec/gorilla.h"

enum { SAMPLES_MAX = 300, TEXT_BYTES = SAMPLES_MAX * 160 };

struct series {
    int64_t times[SAMPLES_MAX];
    double values[SAMPLES_MAX];
    size_t count;
};

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- the naive coder: a '0' or '1' per bit ----------------------------------------------------------------------- */

static void put(char *text, uint64_t bits, int count) {
    size_t size = strlen(text);
    for (int i = count - 1; i >= 0; i--) text[size++] = (char)('0' + (bits >> i & 1));
    text[size] = '\0';
}

static void put_text(char *text, const char *bits) {
    size_t size = strlen(text);
    memcpy(text + size, bits, strlen(bits) + 1);
}

static void put_time(char *text, int64_t d) {
    if (d == 0) {
        put_text(text, "0");
    } else if (d >= -63 && d <= 64) {
        put_text(text, "10");
        put(text, (uint64_t)d, 7);
    } else if (d >= -255 && d <= 256) {
        put_text(text, "110");
        put(text, (uint64_t)d, 9);
    } else if (d >= -2047 && d <= 2048) {
        put_text(text, "1110");
        put(text, (uint64_t)d, 12);
    } else if (d >= -2147483647 && d <= 2147483648) {
        put_text(text, "11110");
        put(text, (uint64_t)d, 32);
    } else {
        put_text(text, "11111");
        put(text, (uint64_t)d, 64);
    }
}

static void naive_encode(const struct series *series, char *text) {
    uint64_t delta = 0;
    int old_leading = 0, old_size = 0;
    text[0] = '\0';
    put(text, bits_of(series->values[0]), 64);
    for (size_t i = 1; i < series->count; i++) {
        uint64_t new_delta = (uint64_t)series->times[i] - (uint64_t)series->times[i - 1];
        put_time(text, (int64_t)(new_delta - delta));
        delta = new_delta;
        uint64_t xor = bits_of(series->values[i]) ^ bits_of(series->values[i - 1]);
        if (xor == 0) {
            put_text(text, "0");
            continue;
        }
        int leading = __builtin_clzll(xor), trailing = __builtin_ctzll(xor);
        if (leading > 31) leading = 31;
        int size = 64 - leading - trailing;
        bool fits = old_size && leading >= old_leading && trailing >= 64 - old_leading - old_size;
        if (fits && old_size <= size + 11) {
            put_text(text, "10");
            put(text, xor >> (64 - old_leading - old_size), old_size);
        } else {
            put_text(text, "11");
            put(text, (uint64_t)leading, 5);
            put(text, (uint64_t)(size % 64), 6);
            put(text, xor >> trailing, size);
            old_leading = leading;
            old_size = size;
        }
    }
}

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

static void expect_round_trip(const struct series *series) {
    static char text[TEXT_BYTES];
    static struct series back;
    struct buf stream = BUF_EMPTY;
    naive_encode(series, text);
    assert_int_equal(gorilla_encode(&stream, series->times, series->values, series->count), STATUS_OK);
    size_t bits = strlen(text);
    assert_int_equal(stream.size, (bits + 7) / 8);
    assert_true(stream.size <= gorilla_size_max(series->count));
    for (size_t i = 0; i < 8 * stream.size; i++) {
        int expected = i < bits ? text[i] - '0' : 0;
        assert_int_equal(stream.data[i / 8] >> (7 - i % 8) & 1, expected);
    }
    struct gorilla_state state = {0};
    for (size_t i = 0; i < series->count; i++) gorilla_count(&state, series->times[i], series->values[i]);
    assert_int_equal(state.bit_count, bits);
    assert_int_equal(gorilla_decode(buf_slice(&stream), series->times[0], series->count, back.times, back.values),
                     STATUS_OK);
    assert_memory_equal(back.times, series->times, series->count * sizeof series->times[0]);
    assert_memory_equal(back.values, series->values, series->count * sizeof series->values[0]);
    buf_deinit(&stream);
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static void times_at_every_border_of_the_classes_come_back(void **state) {
    (void)state;
    static const int64_t borders[] = {0,
                                      1,
                                      -1,
                                      63,
                                      64,
                                      65,
                                      -62,
                                      -63,
                                      -64,
                                      255,
                                      256,
                                      257,
                                      -255,
                                      -256,
                                      2047,
                                      2048,
                                      2049,
                                      -2047,
                                      -2048,
                                      -2049,
                                      INT32_MAX,
                                      INT32_MIN,
                                      2147483648LL,
                                      2147483649LL,
                                      -2147483647LL,
                                      -2147483649LL,
                                      INT64_MAX,
                                      INT64_MIN,
                                      INT64_MAX - 1,
                                      INT64_MIN + 1};
    static struct series series;
    series.count = 0;
    for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++) {
        /* Twice the same step gives the second delta 0 in between. */
        series.times[series.count] = borders[i];
        series.values[series.count++] = (double)i;
        series.times[series.count] = (int64_t)((uint64_t)borders[i] + (uint64_t)borders[i]);
        series.values[series.count++] = (double)i;
    }
    expect_round_trip(&series);
}

static void special_values_come_back_bit_for_bit(void **state) {
    (void)state;
    static const uint64_t bits[] = {0,
                                    0x8000000000000000,
                                    0x7ff0000000000000,
                                    0xfff0000000000000,
                                    0x7ff8000000000000,
                                    0x7ff0000000000001,
                                    0xfff8000000abcdef,
                                    0x7fffffffffffffff,
                                    1,
                                    UINT64_MAX,
                                    0,
                                    0x8000000000000001,
                                    0x4059000000000000,
                                    0x4059000000000000};
    static struct series series;
    series.count = sizeof bits / sizeof bits[0];
    for (size_t i = 0; i < series.count; i++) {
        series.times[i] = (int64_t)i * 1000;
        series.values[i] = from_bits(bits[i]);
    }
    expect_round_trip(&series);
}

static void a_regular_series_of_one_value_takes_two_bits_a_sample(void **state) {
    (void)state;
    struct gorilla_state counted = {0};
    for (int i = 0; i < 1000; i++) gorilla_count(&counted, 60 * i, 12.5);
    assert_int_equal(counted.bit_count, 64 + (2 + 7 + 1) + 998 * 2);
}

static void a_window_before_there_is_one_is_corrupt(void **state) {
    (void)state;
    uint8_t stream[17] = {0};
    int64_t times[2];
    double values[2];
    stream[8] = 0x40; /* time 0, then "10" */
    assert_int_equal(gorilla_decode(slice_make(stream, sizeof stream), 0, 2, times, values), STATUS_CORRUPT);
}

static void a_window_wider_than_a_value_is_corrupt(void **state) {
    (void)state;
    uint8_t stream[17] = {0};
    int64_t times[2];
    double values[2];
    stream[8] = 0x7f; /* time 0, "11", leading 31, size 63 */
    stream[9] = 0xff;
    assert_int_equal(gorilla_decode(slice_make(stream, sizeof stream), 0, 2, times, values), STATUS_CORRUPT);
}

/* Times and values of mixed kinds, so that every branch is met, and runs of one kind, so that windows are reused. */
static void make_series(struct prng *prng, struct series *series) {
    series->count = prng_between(prng, 1, SAMPLES_MAX);
    int64_t time = prng_chance(prng, 1, 4) ? (int64_t)prng_next(prng) : 1700000000000;
    int64_t step = (int64_t)prng_between(prng, 1, 300000);
    uint64_t kind = prng_below(prng, 5);
    double value = 100;
    for (size_t i = 0; i < series->count; i++) {
        if (prng_chance(prng, 1, 40)) kind = prng_below(prng, 5);
        series->times[i] = time;
        uint64_t jitter = prng_below(prng, 64);
        if (kind == 0) jitter = prng_next(prng) >> jitter;
        if (kind == 1) jitter = 0;
        time = (int64_t)((uint64_t)time + (uint64_t)step + (kind == 2 ? (uint64_t)0 - jitter * 100 : jitter));
        if (kind == 0) value = from_bits(prng_next(prng));
        if (kind == 2) value += 1;
        if (kind == 3) value = (double)prng_below(prng, 10000) / 100;
        if (kind == 4) value = from_bits(bits_of(value) ^ (uint64_t)1 << prng_below(prng, 64));
        series->values[i] = value;
    }
}

static void any_series_is_coded_as_the_naive_coder_does_and_comes_back(void **state) {
    (void)state;
    uint64_t seed = test_seed(20160815);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct prng prng;
    prng_init(&prng, seed);
    static struct series series;
    for (uint64_t run = test_scaled(1000); run > 0; run--) {
        make_series(&prng, &series);
        expect_round_trip(&series);
    }
}

/* ---- explained --------------------------------------------------------------------------------------------------- */

struct expected {
    const struct series *series;
    const char *text; /* of the naive coder */
    size_t count;
    uint64_t at;
};

static uint64_t number_at(const char *text, uint64_t at, unsigned bits) {
    uint64_t number = 0;
    for (unsigned i = 0; i < bits; i++) number = number << 1 | (uint64_t)(text[at + i] - '0');
    return number;
}

static void expect_sample(void *context, const struct gorilla_sample *sample) {
    struct expected *expected = context;
    const size_t i = expected->count++;
    const char *value = expected->text + sample->at + sample->time_bits;
    assert_int_equal(sample->at, expected->at);
    expected->at += sample->time_bits + sample->value_bits;
    assert_int_equal(sample->time_ms, expected->series->times[i]);
    assert_int_equal(bits_of(sample->value), bits_of(expected->series->values[i]));
    if (i == 0) {
        assert_true(sample->form == GORILLA_WHOLE && sample->time_bits == 0 && sample->value_bits == 64);
        return;
    }
    char time[80] = "";
    put_time(time, sample->second_delta);
    assert_int_equal(strlen(time), sample->time_bits);
    assert_memory_equal(time, expected->text + sample->at, sample->time_bits);
    assert_int_equal(sample->xor_bits, bits_of(sample->value) ^ bits_of(expected->series->values[i - 1]));
    assert_int_equal(sample->form, value[0] == '0'   ? GORILLA_SAME
                                   : value[1] == '0' ? GORILLA_OLD_WINDOW
                                                     : GORILLA_NEW_WINDOW);
    if (sample->form == GORILLA_SAME) return;
    if (sample->form == GORILLA_NEW_WINDOW) {
        assert_int_equal(sample->leading, number_at(value, 2, 5));
        assert_int_equal(sample->size % 64, number_at(value, 7, 6));
    }
    const uint64_t stored = number_at(value, sample->value_bits - sample->size, sample->size);
    assert_int_equal(stored << (64 - sample->leading - sample->size), sample->xor_bits);
}

static void each_sample_is_explained_by_its_bits(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, test_seed(9));
    static struct series series;
    static char text[TEXT_BYTES];
    for (uint64_t run = test_scaled(300); run > 0; run--) {
        make_series(&prng, &series);
        struct buf stream = BUF_EMPTY;
        naive_encode(&series, text);
        assert_int_equal(gorilla_encode(&stream, series.times, series.values, series.count), STATUS_OK);
        struct expected expected = {.series = &series, .text = text};
        assert_int_equal(gorilla_explain(buf_slice(&stream), series.times[0], series.count, expect_sample, &expected),
                         STATUS_OK);
        assert_int_equal(expected.count, series.count);
        assert_int_equal(expected.at, strlen(text));
        const size_t cut = prng_below(&prng, stream.size);
        expected = (struct expected){.series = &series, .text = text};
        assert_int_equal(
            gorilla_explain(slice_make(stream.data, cut), series.times[0], series.count, expect_sample, &expected),
            STATUS_CORRUPT); /* what stands before the cut is told, and told right */
        assert_true(expected.at <= 8 * cut);
        buf_deinit(&stream);
    }
}

static void a_cut_or_lengthened_stream_is_corrupt(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, test_seed(3));
    static struct series series, back;
    for (uint64_t run = test_scaled(200); run > 0; run--) {
        make_series(&prng, &series);
        struct buf stream = BUF_EMPTY;
        assert_int_equal(gorilla_encode(&stream, series.times, series.values, series.count), STATUS_OK);
        size_t cut = prng_below(&prng, stream.size);
        /* In memory of exactly its size, so that a sanitizer sees a read past it. */
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, stream.data, cut);
        assert_int_equal(gorilla_decode(slice_make(exact, cut), 0, series.count, back.times, back.values),
                         STATUS_CORRUPT);
        free(exact);
        assert_int_equal(buf_append_byte(&stream, 0), STATUS_OK);
        assert_int_equal(gorilla_decode(buf_slice(&stream), 0, series.count, back.times, back.values), STATUS_CORRUPT);
        buf_deinit(&stream);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_at_every_border_of_the_classes_come_back),
        cmocka_unit_test(special_values_come_back_bit_for_bit),
        cmocka_unit_test(a_regular_series_of_one_value_takes_two_bits_a_sample),
        cmocka_unit_test(a_window_before_there_is_one_is_corrupt),
        cmocka_unit_test(a_window_wider_than_a_value_is_corrupt),
        cmocka_unit_test(any_series_is_coded_as_the_naive_coder_does_and_comes_back),
        cmocka_unit_test(each_sample_is_explained_by_its_bits),
        cmocka_unit_test(a_cut_or_lengthened_stream_is_corrupt),
    };
    return cmocka_run_group_tests_name("gorilla", tests, NULL, NULL);
}
