/* Replies to bytes, in both protocols; stored replies; commands. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/reply.h"
#include "tests/harness/alloc_fault.h"
#include "tools/resp/resp_write.h"

static void ok(enum status status) {
    assert_int_equal(status, STATUS_OK);
}

/* One call for each protocol; what it wrote is compared with both texts. */
#define assert_written(two, three, call)                                                                               \
    do {                                                                                                               \
        static const char *const expected[] = {two, three};                                                            \
        for (int protocol = 2; protocol <= 3; protocol++) {                                                            \
            struct buf out = BUF_EMPTY;                                                                                \
            struct resp_writer w = resp_writer_make(&out, protocol);                                                   \
            call;                                                                                                      \
            ok(w.status);                                                                                              \
            ok(buf_append_byte(&out, 0));                                                                              \
            assert_string_equal((const char *)out.data, expected[protocol - 2]);                                       \
            buf_deinit(&out);                                                                                          \
        }                                                                                                              \
    } while (0)

static void types_of_resp2_are_the_same_in_resp3(void **state) {
    (void)state;
    assert_written("+OK\r\n", "+OK\r\n", resp_write_simple(&w, "OK"));
    assert_written("-ERR no\r\n", "-ERR no\r\n", resp_write_error(&w, slice_from_text("ERR no")));
    assert_written(":-7\r\n", ":-7\r\n", resp_write_integer(&w, -7));
    assert_written(":-9223372036854775808\r\n", ":-9223372036854775808\r\n", resp_write_integer(&w, INT64_MIN));
    assert_written(":9223372036854775807\r\n", ":9223372036854775807\r\n", resp_write_integer(&w, INT64_MAX));
    assert_written("$0\r\n\r\n", "$0\r\n\r\n", resp_write_bulk(&w, slice_make(NULL, 0)));
    assert_written("$2\r\n10\r\n", "$2\r\n10\r\n", resp_write_bulk_integer(&w, 10));
    assert_written("*2\r\n", "*2\r\n", resp_write_array(&w, 2));
}

static void types_of_resp3_fall_back_in_resp2(void **state) {
    (void)state;
    assert_written("$-1\r\n", "_\r\n", resp_write_null(&w));
    assert_written("*-1\r\n", "_\r\n", resp_write_null_array(&w));
    assert_written(":1\r\n", "#t\r\n", resp_write_bool(&w, true));
    assert_written(":0\r\n", "#f\r\n", resp_write_bool(&w, false));
    assert_written("*4\r\n", "%2\r\n", resp_write_map(&w, 2));
    assert_written("*2\r\n", "~2\r\n", resp_write_set(&w, 2));
    assert_written("*2\r\n", ">2\r\n", resp_write_push(&w, 2));
    assert_written("$3\r\n1.5\r\n", ",1.5\r\n", resp_write_double(&w, 1.5));
    assert_written("$3\r\ninf\r\n", ",inf\r\n", resp_write_double(&w, INFINITY));
    assert_written("$4\r\n-inf\r\n", ",-inf\r\n", resp_write_double(&w, -INFINITY));
    assert_written("$3\r\nnan\r\n", ",nan\r\n", resp_write_double(&w, -NAN));
    assert_written("$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n", resp_write_double(&w, 0.1));
    assert_written("$3\r\n-12\r\n", "(-12\r\n", resp_write_big_number(&w, slice_from_text("-12")));
    assert_written("$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n", resp_write_verbatim(&w, "txt", slice_from_text("hi")));
}

static void line_ends_cannot_break_a_line(void **state) {
    (void)state;
    assert_written("+a  b\r\n", "+a  b\r\n", resp_write_simple(&w, "a\r\nb"));
    assert_written("-ERR a b\r\n", "-ERR a b\r\n", resp_write_error(&w, slice_from_text("ERR a\nb\r\n\r\n")));
    assert_written("-ERR 7 of x\r\n", "-ERR 7 of x\r\n", resp_write_error_format(&w, "ERR %d of %s", 7, "x"));
}

static void a_long_formatted_error_is_cut(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    struct resp_writer w = resp_writer_make(&out, 2);
    resp_write_error_format(&w, "ERR %02000d", 1);
    ok(w.status);
    assert_int_equal(out.size, 1 + 1023 + 2);
    assert_memory_equal(out.data + out.size - 2, "\r\n", 2);
    buf_deinit(&out);
}

static void a_command_is_an_array_of_bulk_strings(void **state) {
    (void)state;
    const struct slice args[] = {slice_from_text("SET"), slice_from_text("k"), slice_make(NULL, 0)};
    assert_written("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n",
                   resp_write_command(&w, args, 3));
}

static void a_stored_reply_is_rendered(void **state) {
    (void)state;
    struct buf stored = BUF_EMPTY;
    ok(reply_array(&stored, 9));
    ok(reply_ok(&stored));
    ok(reply_integer(&stored, -3));
    ok(reply_bulk(&stored, slice_from_text("b")));
    ok(reply_null(&stored));
    ok(reply_null_array(&stored));
    ok(reply_bool(&stored, true));
    ok(reply_double(&stored, 2.5));
    ok(reply_map(&stored, 1));
    ok(reply_status(&stored, "key"));
    ok(reply_set(&stored, 1));
    ok(reply_error(&stored, "ERR %d", 1));
    ok(reply_array(&stored, 0));
    assert_written(
        "*9\r\n+OK\r\n:-3\r\n$1\r\nb\r\n$-1\r\n*-1\r\n:1\r\n$3\r\n2.5\r\n*2\r\n+key\r\n*1\r\n-ERR 1\r\n*0\r\n",
        "*9\r\n+OK\r\n:-3\r\n$1\r\nb\r\n_\r\n_\r\n#t\r\n,2.5\r\n%1\r\n+key\r\n~1\r\n-ERR 1\r\n*0\r\n",
        ok(resp_write_reply(&w, buf_slice(&stored))));
    buf_deinit(&stored);
}

static void a_damaged_stored_reply_leaves_no_bytes(void **state) {
    (void)state;
    struct buf stored = BUF_EMPTY;
    struct buf out = BUF_EMPTY;
    struct resp_writer w = resp_writer_make(&out, 3);
    resp_write_simple(&w, "before");
    size_t before = out.size;
    ok(reply_array(&stored, 2));
    ok(reply_integer(&stored, 1));
    assert_int_equal(resp_write_reply(&w, buf_slice(&stored)), STATUS_SYNTAX); /* an element is missing */
    ok(reply_integer(&stored, 2));
    ok(reply_integer(&stored, 3));
    assert_int_equal(resp_write_reply(&w, buf_slice(&stored)), STATUS_SYNTAX); /* one too many */
    stored.size = 0;
    ok(encode_u8(&stored, 200));
    assert_int_equal(resp_write_reply(&w, buf_slice(&stored)), STATUS_SYNTAX);
    stored.size = 0;
    ok(reply_array(&stored, UINT64_MAX));
    assert_int_equal(resp_write_reply(&w, buf_slice(&stored)), STATUS_SYNTAX);
    assert_int_equal(out.size, before);
    buf_deinit(&stored);
    buf_deinit(&out);
}

static void the_first_failure_sticks(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    struct resp_writer w = resp_writer_make(&out, 2);
    alloc_fault_at(1);
    resp_write_simple(&w, "OK");
    assert_true(alloc_fault_clear());
    assert_int_equal(w.status, STATUS_NO_MEMORY);
    resp_write_error(&w, slice_from_text("ERR x"));
    resp_write_bulk_text(&w, "more");
    assert_int_equal(w.status, STATUS_NO_MEMORY);
    assert_int_equal(out.size, 0);
    buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_of_resp2_are_the_same_in_resp3),   cmocka_unit_test(types_of_resp3_fall_back_in_resp2),
        cmocka_unit_test(line_ends_cannot_break_a_line),          cmocka_unit_test(a_long_formatted_error_is_cut),
        cmocka_unit_test(a_command_is_an_array_of_bulk_strings),  cmocka_unit_test(a_stored_reply_is_rendered),
        cmocka_unit_test(a_damaged_stored_reply_leaves_no_bytes), cmocka_unit_test(the_first_failure_sticks),
    };
    return cmocka_run_group_tests_name("resp_write", tests, NULL, NULL);
}
