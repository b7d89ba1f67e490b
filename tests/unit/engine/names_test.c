/*
 * names_test: rows and keys of the name space as bytes; the example of engine/names/FORMAT.md is what is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/names/names_format.h"

static const uint8_t format_example[] = {0x01, 0x01, 0xe8, 0x03, 0, 0, 0, 0, 0, 0, 'v'};

static void the_example_of_the_format_page_is_what_is_written(void **state) {
    (void)state;
    const struct name_row row = {.type = NAME_STRING, .expire_ms = 1000, .value = slice_from_text("v")};
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(names_encode_row(&bytes, &row), STATUS_OK);
    assert_int_equal(bytes.size, sizeof format_example);
    assert_memory_equal(bytes.data, format_example, sizeof format_example);
    struct name_row back;
    assert_int_equal(names_decode_row(buf_slice(&bytes), &back), STATUS_OK);
    assert_int_equal(back.type, NAME_STRING);
    assert_int_equal(back.expire_ms, 1000);
    assert_int_equal(back.object, 0);
    assert_true(slice_equal(back.value, slice_from_text("v")));
    buf_deinit(&bytes);
}

static void an_object_and_no_value_come_back(void **state) {
    (void)state;
    const struct name_row row = {.type = 9, .object = 70000};
    struct buf bytes = BUF_EMPTY;
    struct name_row back;
    assert_int_equal(names_encode_row(&bytes, &row), STATUS_OK);
    assert_int_equal(names_decode_row(buf_slice(&bytes), &back), STATUS_OK);
    assert_int_equal(back.type, 9);
    assert_int_equal(back.object, 70000);
    assert_int_equal(back.value.size, 0);
    buf_deinit(&bytes);
}

static void invalid_rows_are_refused(void **state) {
    (void)state;
    struct name_row row;
    static const uint8_t no_type[] = {0, 0}, later[] = {1, 4}, cut[] = {1, 1, 1, 0},
                         no_time[] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0}, no_object[] = {NAME_SERIES, 2, 0};
    assert_int_equal(names_decode_row(slice_make(NULL, 0), &row), STATUS_CORRUPT);
    assert_int_equal(names_decode_row(slice_make(no_type, sizeof no_type), &row), STATUS_CORRUPT);
    assert_int_equal(names_decode_row(slice_make(later, sizeof later), &row), STATUS_VERSION);
    assert_int_equal(names_decode_row(slice_make(cut, sizeof cut), &row), STATUS_CORRUPT);
    assert_int_equal(names_decode_row(slice_make(no_time, sizeof no_time), &row), STATUS_CORRUPT);
    assert_int_equal(names_decode_row(slice_make(no_object, sizeof no_object), &row), STATUS_CORRUPT);
}

static void a_cursor_is_positive_to_signed_clients(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    for (int i = 0; i < 1000; i++) {
        uint8_t name[8];
        prng_fill(&prng, name, sizeof name);
        assert_true((int64_t)names_hash_of(5, slice_make(name, sizeof name)) >= 0);
    }
}

static void the_expiry_index_sorts_by_time(void **state) {
    (void)state;
    struct buf early = BUF_EMPTY, late = BUF_EMPTY;
    assert_int_equal(names_encode_expiry(&early, 255, slice_from_text("z")), STATUS_OK);
    assert_int_equal(names_encode_expiry(&late, 256, slice_from_text("a")), STATUS_OK);
    assert_true(slice_compare(buf_slice(&early), buf_slice(&late)) < 0);
    int64_t expire_ms = 0;
    struct slice name;
    assert_int_equal(names_decode_expiry(buf_slice(&late), &expire_ms, &name), STATUS_OK);
    assert_int_equal(expire_ms, 256);
    assert_true(slice_equal(name, slice_from_text("a")));
    buf_deinit(&early);
    buf_deinit(&late);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_format_page_is_what_is_written),
        cmocka_unit_test(an_object_and_no_value_come_back),
        cmocka_unit_test(invalid_rows_are_refused),
        cmocka_unit_test(a_cursor_is_positive_to_signed_clients),
        cmocka_unit_test(the_expiry_index_sorts_by_time),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
