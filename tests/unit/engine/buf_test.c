/*
 * buf: growth, content and what a failed allocation leaves behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "tests/harness/alloc_fault.h"

static void buf_appends_in_order(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    assert_int_equal(buf_append(&buf, "ab", 2), STATUS_OK);
    assert_int_equal(buf_append_byte(&buf, 'c'), STATUS_OK);
    assert_int_equal(buf_append_slice(&buf, slice_from_text("de")), STATUS_OK);
    assert_int_equal(buf_append_zeros(&buf, 2), STATUS_OK);
    assert_int_equal(buf_append_format(&buf, "%d-%s", 42, "x"), STATUS_OK);
    assert_int_equal(buf_append_number(&buf, 0), STATUS_OK);
    assert_int_equal(buf_append_number(&buf, UINT64_MAX), STATUS_OK);
    assert_true(slice_equal(buf_slice(&buf), slice_make("abcde\0\0"
                                                        "42-x"
                                                        "018446744073709551615",
                                                        32)));
    buf_deinit(&buf);
}

static void buf_keeps_its_content_over_growth(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    for (size_t i = 0; i < 10000; i++) assert_int_equal(buf_append_byte(&buf, (uint8_t)(i * 7)), STATUS_OK);
    assert_int_equal(buf.size, 10000);
    for (size_t i = 0; i < 10000; i++) assert_int_equal(buf.data[i], (uint8_t)(i * 7));
    buf_deinit(&buf);
}

static void buf_keeps_its_capacity_on_clear(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    assert_int_equal(buf_append_zeros(&buf, 1000), STATUS_OK);
    size_t capacity = buf.capacity;
    buf_clear(&buf);
    uint64_t before = alloc_fault_count();
    assert_int_equal(buf_append_zeros(&buf, 1000), STATUS_OK);
    assert_int_equal(alloc_fault_count(), before);
    assert_int_equal(buf.capacity, capacity);
    buf_deinit(&buf);
}

static void buf_takes_nothing_from_null(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    assert_int_equal(buf_append(&buf, NULL, 0), STATUS_OK);
    assert_int_equal(buf_append_slice(&buf, slice_make(NULL, 0)), STATUS_OK);
    assert_int_equal(buf_assign(&buf, slice_make(NULL, 0)), STATUS_OK);
    assert_int_equal(buf.capacity, 0);
    assert_null(buf.data);
}

static void buf_assign_replaces_what_stood(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    assert_int_equal(buf_assign(&buf, slice_from_text("long before")), STATUS_OK);
    assert_int_equal(buf_assign(&buf, slice_from_text("short")), STATUS_OK);
    assert_true(slice_equal(buf_slice(&buf), slice_from_text("short")));
    assert_int_equal(buf_assign(&buf, slice_from_text("longer than what stood before")), STATUS_OK);
    assert_true(slice_equal(buf_slice(&buf), slice_from_text("longer than what stood before")));
    buf_deinit(&buf);
}

static void buf_consume_moves_the_rest_down(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    assert_int_equal(buf_append(&buf, "header:body", 11), STATUS_OK);
    buf_consume(&buf, 7);
    assert_true(slice_equal(buf_slice(&buf), slice_from_text("body")));
    buf_consume(&buf, 4);
    assert_int_equal(buf.size, 0);
    buf_deinit(&buf);
}

static void buf_refuses_sizes_that_overflow(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    assert_int_equal(buf_append(&buf, "x", 1), STATUS_OK);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX), STATUS_NO_MEMORY);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX / 2), STATUS_NO_MEMORY);
    assert_true(slice_equal(buf_slice(&buf), slice_from_text("x")));
    buf_deinit(&buf);
}

static void buf_is_unchanged_when_memory_ends(void **state) {
    (void)state;
    struct buf buf = BUF_EMPTY;
    assert_int_equal(buf_append(&buf, "kept", 4), STATUS_OK);
    uint8_t big[1000] = {0};
    struct slice bytes = slice_make(big, sizeof big);
    for (int call = 0; call < 4; call++) {
        alloc_fault_at(1);
        enum status status = call == 0   ? buf_append(&buf, big, sizeof big)
                             : call == 1 ? buf_append_zeros(&buf, sizeof big)
                             : call == 2 ? buf_append_format(&buf, "%1000d", 1)
                                         : buf_assign(&buf, bytes);
        assert_true(alloc_fault_clear());
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_true(slice_equal(buf_slice(&buf), slice_from_text("kept")));
    }
    buf_deinit(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_appends_in_order),
        cmocka_unit_test(buf_keeps_its_content_over_growth),
        cmocka_unit_test(buf_keeps_its_capacity_on_clear),
        cmocka_unit_test(buf_takes_nothing_from_null),
        cmocka_unit_test(buf_assign_replaces_what_stood),
        cmocka_unit_test(buf_consume_moves_the_rest_down),
        cmocka_unit_test(buf_refuses_sizes_that_overflow),
        cmocka_unit_test(buf_is_unchanged_when_memory_ends),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
