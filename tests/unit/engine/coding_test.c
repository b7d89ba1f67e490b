/*
 * coding: values survive the way to bytes and back; the decoder gives nothing away past its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "engine/base/prng.h"
#include "tests/harness/alloc_fault.h"

static const uint64_t edges[] = {0,
                                 1,
                                 0x7f,
                                 0x80,
                                 0x3fff,
                                 0x4000,
                                 UINT32_MAX - 1,
                                 UINT32_MAX,
                                 1ull << 32,
                                 (1ull << 63) - 1,
                                 1ull << 63,
                                 UINT64_MAX - 1,
                                 UINT64_MAX};
enum { EDGE_COUNT = sizeof edges / sizeof edges[0] };

static void integers_are_little_endian(void **state) {
    (void)state;
    uint8_t bytes[8];
    coding_put_u16(bytes, 0x0102);
    assert_memory_equal(bytes, "\x02\x01", 2);
    coding_put_u32(bytes, 0x01020304);
    assert_memory_equal(bytes, "\x04\x03\x02\x01", 4);
    coding_put_u64(bytes, 0x0102030405060708);
    assert_memory_equal(bytes, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
}

static void fixed_integers_come_back(void **state) {
    (void)state;
    uint8_t bytes[8];
    for (int i = 0; i < EDGE_COUNT; i++) {
        coding_put_u16(bytes, (uint16_t)edges[i]);
        assert_int_equal(coding_get_u16(bytes), (uint16_t)edges[i]);
        coding_put_u32(bytes, (uint32_t)edges[i]);
        assert_int_equal(coding_get_u32(bytes), (uint32_t)edges[i]);
        coding_put_u64(bytes, edges[i]);
        assert_true(coding_get_u64(bytes) == edges[i]);
    }
}

static void key_integers_sort_as_bytes(void **state) {
    (void)state;
    for (int i = 0; i + 1 < EDGE_COUNT; i++) {
        uint8_t low[8];
        uint8_t high[8];
        coding_put_key_u64(low, edges[i]);
        coding_put_key_u64(high, edges[i + 1]);
        assert_true(memcmp(low, high, 8) < 0);
        assert_true(coding_get_key_u64(low) == edges[i]);
        coding_put_key_u32(low, (uint32_t)edges[i]);
        assert_int_equal(coding_get_key_u32(low), (uint32_t)edges[i]);
    }
    uint8_t one[4];
    coding_put_key_u32(one, 1);
    assert_memory_equal(one, "\0\0\0\x01", 4);
}

static void varints_come_back_in_the_size_that_was_told(void **state) {
    (void)state;
    for (int i = 0; i < EDGE_COUNT; i++) {
        uint8_t bytes[VARINT64_MAX_BYTES];
        size_t size = coding_put_varint(bytes, edges[i]);
        assert_int_equal(size, coding_varint_size(edges[i]));
        struct decoder decoder = decoder_make(slice_make(bytes, size));
        assert_true(decode_varint(&decoder) == edges[i]);
        assert_true(decoder_finished(&decoder));
    }
    assert_int_equal(coding_varint_size(UINT64_MAX), VARINT64_MAX_BYTES);
}

static void varints_that_are_cut_or_too_long_fail(void **state) {
    (void)state;
    static const struct slice bad[] = {
        {(const uint8_t *)"", 0},
        {(const uint8_t *)"\x80", 1},
        {(const uint8_t *)"\x80\x00", 2},                                      /* over-long zero */
        {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},     /* bit 65 */
        {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", 11}, /* eleven bytes */
        {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct decoder decoder = decoder_make(bad[i]);
        assert_true(decode_varint(&decoder) == 0);
        assert_true(decoder.failed);
    }
}

static void zigzag_keeps_small_magnitudes_small(void **state) {
    (void)state;
    assert_true(coding_zigzag(0) == 0);
    assert_true(coding_zigzag(-1) == 1);
    assert_true(coding_zigzag(1) == 2);
    static const int64_t values[] = {0, -1, 1, INT64_MAX, INT64_MIN, INT32_MIN, 4711};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_true(coding_unzigzag(coding_zigzag(values[i])) == values[i]);
}

static void what_is_encoded_decodes(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    assert_int_equal(encode_u8(&buf, 7), STATUS_OK);
    assert_int_equal(encode_u16(&buf, 0x1234), STATUS_OK);
    assert_int_equal(encode_u32(&buf, 0x12345678), STATUS_OK);
    assert_int_equal(encode_u64(&buf, 0x123456789abcdef0), STATUS_OK);
    assert_int_equal(encode_varint(&buf, 300), STATUS_OK);
    assert_int_equal(encode_string(&buf, slice_from_text("text")), STATUS_OK);
    assert_int_equal(encode_string(&buf, slice_make(NULL, 0)), STATUS_OK);

    struct decoder decoder = decoder_make(buf_slice(&buf));
    assert_int_equal(decode_u8(&decoder), 7);
    assert_int_equal(decode_u16(&decoder), 0x1234);
    assert_int_equal(decode_u32(&decoder), 0x12345678);
    assert_true(decode_u64(&decoder) == 0x123456789abcdef0);
    assert_true(decode_varint(&decoder) == 300);
    assert_true(slice_equal(decode_string(&decoder), slice_from_text("text")));
    assert_int_equal(decode_string(&decoder).size, 0);
    assert_true(decoder_finished(&decoder));
    buf_deinit(&buf);
}

static void a_failed_decoder_stays_failed(void **state) {
    (void)state;
    struct decoder decoder = decoder_make(slice_make("\x01\x02\x03", 3));
    assert_int_equal(decode_u32(&decoder), 0);
    assert_true(decoder.failed);
    assert_int_equal(decode_u8(&decoder), 0); /* although a byte is there */
    assert_int_equal(decoder_left(&decoder), 0);
    assert_false(decoder_finished(&decoder));
}

static void a_string_longer_than_its_input_fails(void **state) {
    (void)state;
    static const struct slice bad[] = {
        {(const uint8_t *)"\x04"
                          "abc",
         4},
        {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01z", 11}, /* 2^64 - 1 bytes */
    };
    for (size_t i = 0; i < 2; i++) {
        struct decoder decoder = decoder_make(bad[i]);
        struct slice got = decode_string(&decoder);
        assert_true(decoder.failed);
        assert_int_equal(got.size, 0);
    }
}

static void an_empty_input_is_finished_at_once(void **state) {
    (void)state;
    struct decoder decoder = decoder_make(slice_make(NULL, 0));
    assert_true(decoder_finished(&decoder));
    assert_int_equal(decode_bytes(&decoder, 0).size, 0);
    assert_true(decoder_finished(&decoder));
    (void)decode_u8(&decoder);
    assert_true(decoder.failed);
}

static void a_string_that_finds_no_memory_appends_nothing(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    alloc_fault_at(1);
    assert_int_equal(encode_string(&buf, slice_from_text("text")), STATUS_NO_MEMORY);
    assert_true(alloc_fault_clear());
    assert_int_equal(buf.size, 0);
}

static void random_varints_come_back(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 5);
    struct buf buf = BUF_EMPTY;
    for (int i = 0; i < 10000; i++) {
        uint64_t word = prng_next(&prng);
        assert_int_equal(encode_varint(&buf, word >> prng_below(&prng, 64)), STATUS_OK);
    }
    prng_init(&prng, 5);
    struct decoder decoder = decoder_make(buf_slice(&buf));
    for (int i = 0; i < 10000; i++) {
        uint64_t word = prng_next(&prng);
        assert_true(decode_varint(&decoder) == word >> prng_below(&prng, 64));
    }
    assert_true(decoder_finished(&decoder));
    buf_deinit(&buf);
}

/* The rule, byte by byte: false = no varint. */
static bool read_slowly(struct slice bytes, uint64_t *value, size_t *size) {
    *value = 0;
    for (*size = 0; *size < bytes.size && *size < VARINT64_MAX_BYTES;) {
        const uint8_t byte = bytes.data[*size];
        *value |= (uint64_t)(byte & 0x7f) << 7 * *size;
        (*size)++;
        if (*size == VARINT64_MAX_BYTES && byte > 1) return false;
        if (!(byte & 0x80)) return byte != 0 || *size == 1;
    }
    return false;
}

/* Eight bytes are looked at at once where they are there: whatever stands behind must not matter. */
static void any_bytes_read_as_the_rule_says(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 6);
    unsigned good = 0, bad = 0;
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[16];
        const size_t length = prng_below(&prng, 12);
        prng_fill(&prng, bytes, sizeof bytes);
        for (size_t at = 0; at < length; at++) bytes[at] |= 0x80;
        if (prng_chance(&prng, 1, 3)) bytes[length] = (uint8_t)prng_below(&prng, 2);
        const struct slice input = slice_make(bytes, prng_below(&prng, sizeof bytes + 1));
        struct decoder decoder = decoder_make(input);
        uint64_t expected;
        size_t size;
        const bool sound = read_slowly(input, &expected, &size);
        const uint64_t value = decode_varint(&decoder);
        assert_int_equal(decoder.failed, !sound);
        assert_true(value == (sound ? expected : 0));
        if (sound) assert_ptr_equal(decoder.cursor, bytes + size);
        good += sound;
        bad += !sound;
    }
    assert_true(good > 50000 && bad > 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(fixed_integers_come_back),
        cmocka_unit_test(key_integers_sort_as_bytes),
        cmocka_unit_test(varints_come_back_in_the_size_that_was_told),
        cmocka_unit_test(varints_that_are_cut_or_too_long_fail),
        cmocka_unit_test(zigzag_keeps_small_magnitudes_small),
        cmocka_unit_test(what_is_encoded_decodes),
        cmocka_unit_test(a_failed_decoder_stays_failed),
        cmocka_unit_test(a_string_longer_than_its_input_fails),
        cmocka_unit_test(an_empty_input_is_finished_at_once),
        cmocka_unit_test(a_string_that_finds_no_memory_appends_nothing),
        cmocka_unit_test(random_varints_come_back),
        cmocka_unit_test(any_bytes_read_as_the_rule_says),
    };
    return cmocka_run_group_tests_name("coding", tests, NULL, NULL);
}
