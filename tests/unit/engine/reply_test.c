/*
 * reply: what was written is read back, and bytes that are no reply are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/base/reply.h"

static void every_value_comes_back(void **state) {
    (void)state;
    struct buf reply = BUF_EMPTY;
    assert_int_equal(reply_array(&reply, 8), STATUS_OK);
    assert_int_equal(reply_ok(&reply), STATUS_OK);
    assert_int_equal(reply_null(&reply), STATUS_OK);
    assert_int_equal(reply_integer(&reply, INT64_MIN), STATUS_OK);
    assert_int_equal(reply_double(&reply, -0.5), STATUS_OK);
    assert_int_equal(reply_bulk(&reply, slice_make("a\0b", 3)), STATUS_OK);
    assert_int_equal(reply_error(&reply, "ERR no such %s", "key"), STATUS_OK);
    assert_int_equal(reply_bool(&reply, true), STATUS_OK);
    assert_int_equal(reply_map(&reply, 0), STATUS_OK);
    static const enum reply_tag tags[] = {REPLY_ARRAY, REPLY_OK,    REPLY_NULL, REPLY_INTEGER, REPLY_DOUBLE,
                                          REPLY_BULK,  REPLY_ERROR, REPLY_TRUE, REPLY_MAP};
    struct reply_value values[9];
    struct decoder decoder = decoder_make(buf_slice(&reply));
    for (int i = 0; i < 9; i++) {
        assert_int_equal(reply_decode(&decoder, &values[i]), STATUS_OK);
        assert_int_equal(values[i].tag, tags[i]);
    }
    assert_true(decoder_finished(&decoder));
    assert_int_equal(values[0].count, 8);
    assert_true(values[3].integer == INT64_MIN);
    assert_true(values[4].number == -0.5);
    assert_memory_equal(values[5].text.data, "a\0b", 3);
    assert_true(slice_equal(values[6].text, slice_from_text("ERR no such key")));
    buf_deinit(&reply);
}

static void a_long_error_is_kept_whole(void **state) {
    (void)state;
    enum { QUOTED = 5000 };
    char quoted[QUOTED];
    memset(quoted, 'q', sizeof quoted);
    for (int size = 200; size <= QUOTED; size += 4) {
        struct buf reply = BUF_EMPTY;
        struct reply_value value;
        assert_int_equal(reply_error(&reply, "ERR no %.*s.", size, quoted), STATUS_OK);
        struct decoder decoder = decoder_make(buf_slice(&reply));
        assert_int_equal(reply_decode(&decoder, &value), STATUS_OK);
        assert_true(decoder_finished(&decoder));
        assert_int_equal(value.text.size, 8 + size);
        assert_memory_equal(value.text.data, "ERR no q", 8);
        assert_memory_equal(value.text.data + value.text.size - 2, "q.", 2);
        buf_deinit(&reply);
    }
}

static void tags_and_bytes_never_change(void **state) {
    (void)state;
    struct buf reply = BUF_EMPTY;
    assert_int_equal(reply_integer(&reply, -3), STATUS_OK);
    assert_int_equal(reply_bulk(&reply, slice_from_text("hi")), STATUS_OK);
    static const uint8_t expected[] = {3, 5, 5, 2, 'h', 'i'};
    assert_int_equal(reply.size, sizeof expected);
    assert_memory_equal(reply.data, expected, sizeof expected);
    buf_deinit(&reply);
}

static void a_count_beyond_the_bytes_is_refused(void **state) {
    (void)state;
    static const uint8_t bytes[] = {REPLY_ARRAY, 0xff, 0xff, 0xff, 0xff, 0x0f};
    struct decoder decoder = decoder_make(slice_make(bytes, sizeof bytes));
    struct reply_value value;
    assert_int_equal(reply_decode(&decoder, &value), STATUS_SYNTAX);
}

static void random_bytes_never_read_past_their_end(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[24];
        size_t size = prng_below(&prng, sizeof bytes + 1);
        prng_fill(&prng, bytes, size);
        if (size) bytes[0] = (uint8_t)(1 + prng_below(&prng, 14));
        struct decoder decoder = decoder_make(slice_make(bytes, size));
        struct reply_value value;
        for (int i = 0; i < 30 && reply_decode(&decoder, &value) == STATUS_OK; i++)
            if (value.text.size) assert_true(value.text.data + value.text.size <= bytes + size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_comes_back),
        cmocka_unit_test(a_long_error_is_kept_whole),
        cmocka_unit_test(tags_and_bytes_never_change),
        cmocka_unit_test(a_count_beyond_the_bytes_is_refused),
        cmocka_unit_test(random_bytes_never_read_past_their_end),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
