/*
 * op: operations survive the log; the example of kv/FORMAT.md is what the encoder makes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "kv/kv.h"

static const uint8_t format_example[] = {0x01, 0x01, 0x80, 0x02, 0x01, 0xd0, 0x0f, 0x02, 0x01, 0x6b, 0x01, 0x76};

static void the_example_of_the_format_page_is_what_is_written(void **state) {
    (void)state;
    const struct slice arguments[] = {slice_from_text("k"), slice_from_text("v")};
    const struct kv_op op = {.kind = KV_OP_SET,
                             .flags = KV_EXPIRE_IN,
                             .origin = KV_ORIGIN_SET,
                             .number = 1000,
                             .arguments = arguments,
                             .argument_count = 2};
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(kv_op_encode(&bytes, &op), STATUS_OK);
    assert_int_equal(bytes.size, sizeof format_example);
    assert_memory_equal(bytes.data, format_example, sizeof format_example);
    buf_deinit(&bytes);
}

static void an_operation_comes_back(void **state) {
    (void)state;
    struct kv_op_reader reader;
    assert_int_equal(kv_op_decode(slice_make(format_example, sizeof format_example), &reader), STATUS_OK);
    assert_int_equal(reader.op.kind, KV_OP_SET);
    assert_int_equal(reader.op.flags, KV_EXPIRE_IN);
    assert_int_equal(reader.op.origin, KV_ORIGIN_SET);
    assert_int_equal(reader.op.number, 1000);
    assert_int_equal(reader.op.argument_count, 2);
    assert_true(slice_equal(kv_op_next(&reader), slice_from_text("k")));
    assert_true(slice_equal(kv_op_next(&reader), slice_from_text("v")));
}

static void every_cut_and_every_extra_byte_is_refused(void **state) {
    (void)state;
    struct kv_op_reader reader;
    for (size_t size = 0; size < sizeof format_example; size++)
        assert_int_equal(kv_op_decode(slice_make(format_example, size), &reader), STATUS_SYNTAX);
    uint8_t longer[sizeof format_example + 1] = {0};
    memcpy(longer, format_example, sizeof format_example);
    assert_int_equal(kv_op_decode(slice_make(longer, sizeof longer), &reader), STATUS_SYNTAX);
}

static void a_later_version_or_kind_is_not_guessed_at(void **state) {
    (void)state;
    uint8_t bytes[sizeof format_example];
    struct kv_op_reader reader;
    memcpy(bytes, format_example, sizeof bytes);
    bytes[0] = 2;
    assert_int_equal(kv_op_decode(slice_make(bytes, sizeof bytes), &reader), STATUS_UNSUPPORTED);
    bytes[0] = 1;
    bytes[1] = 200;
    assert_int_equal(kv_op_decode(slice_make(bytes, sizeof bytes), &reader), STATUS_UNSUPPORTED);
    assert_string_equal(kv_op_kind_name((enum kv_op_kind)200), "unknown");
}

static void random_damage_never_reads_past_the_end(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 7);
    for (int round = 0; round < 50000; round++) {
        uint8_t bytes[sizeof format_example];
        memcpy(bytes, format_example, sizeof bytes);
        for (int hits = 0; hits < 3; hits++) bytes[prng_below(&prng, sizeof bytes)] = (uint8_t)prng_next(&prng);
        struct kv_op_reader reader;
        if (kv_op_decode(slice_make(bytes, sizeof bytes), &reader)) continue;
        for (size_t i = 0; i < reader.op.argument_count; i++) {
            struct slice argument = kv_op_next(&reader);
            if (argument.size) assert_true(argument.data + argument.size <= bytes + sizeof bytes);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_format_page_is_what_is_written),
        cmocka_unit_test(an_operation_comes_back),
        cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
        cmocka_unit_test(a_later_version_or_kind_is_not_guessed_at),
        cmocka_unit_test(random_damage_never_reads_past_the_end),
    };
    return cmocka_run_group_tests_name("op", tests, NULL, NULL);
}
