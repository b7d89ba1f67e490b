/*
 * loam_reply_text: replies as redis-cli 7 prints them. The expected texts were taken from redis-cli 7.0.15.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/loam/reply_text.h"

/* Parses the wire bytes and prints them. */
static void assert_prints(const char *wire, const char *people, const char *raw) {
    struct resp_reply_parser parser;
    struct resp_reply *reply;
    struct arena arena;
    struct buf text = BUF_EMPTY;
    arena_init(&arena, 4096);
    resp_reply_parser_init(&parser);
    assert_int_equal(resp_reply_next(&parser, slice_from_text(wire), &arena, &reply, NULL), STATUS_OK);
    assert_int_equal(reply_text_for_people(&text, reply), STATUS_OK);
    assert_int_equal(buf_append_byte(&text, '\0'), STATUS_OK);
    assert_string_equal((const char *)text.data, people);
    buf_clear(&text);
    assert_int_equal(reply_text_raw(&text, reply), STATUS_OK);
    assert_int_equal(buf_append_byte(&text, '\0'), STATUS_OK);
    assert_string_equal((const char *)text.data, raw);
    buf_deinit(&text);
    arena_deinit(&arena);
}

static void scalars_print_as_redis_cli_prints_them(void **state) {
    (void)state;
    assert_prints("+OK\r\n", "OK\n", "OK\n");
    assert_prints("-ERR no\r\n", "(error) ERR no\n", "ERR no\n");
    assert_prints(":-42\r\n", "(integer) -42\n", "-42\n");
    assert_prints("$3\r\nabc\r\n", "\"abc\"\n", "abc\n");
    assert_prints("$0\r\n\r\n", "\"\"\n", "\n");
    assert_prints("$-1\r\n", "(nil)\n", "\n");
    assert_prints("_\r\n", "(nil)\n", "\n");
    assert_prints("#t\r\n", "(true)\n", "(true)\n");
    assert_prints("#f\r\n", "(false)\n", "(false)\n");
    assert_prints(",1.5\r\n", "(double) 1.5\n", "1.5\n");
    assert_prints("=8\r\ntxt:a\nb\n\r\n", "a\nb\n\n", "a\nb\n\n");
}

static void what_cannot_be_printed_is_escaped(void **state) {
    (void)state;
    struct buf text = BUF_EMPTY;
    assert_int_equal(reply_text_quote(&text, slice_make("a\"\\\n\r\t\a\b\x01\x7f\xff\0z", 13)), STATUS_OK);
    assert_int_equal(buf_append_byte(&text, '\0'), STATUS_OK);
    assert_string_equal((const char *)text.data, "\"a\\\"\\\\\\n\\r\\t\\a\\b\\x01\\x7f\\xff\\x00z\"");
    buf_deinit(&text);
}

static void arrays_are_numbered_and_indented(void **state) {
    (void)state;
    assert_prints("*0\r\n", "(empty array)\n", "\n");
    assert_prints("*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n+x\r\n", "1) \"a\"\n2) 1) (integer) 1\n   2) (nil)\n3) x\n",
                  "a\n1\n\nx\n");
    assert_prints("*10\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n*1\r\n*2\r\n:1\r\n:2\r\n",
                  " 1) (integer) 0\n 2) (integer) 1\n 3) (integer) 2\n 4) (integer) 3\n 5) (integer) 4\n 6) (integer) "
                  "5\n 7) (integer) 6\n 8) (integer) 7\n 9) (integer) 8\n10) 1) 1) (integer) 1\n       2) (integer) "
                  "2\n",
                  "0\n1\n2\n3\n4\n5\n6\n7\n8\n1\n2\n");
}

static void maps_and_sets_have_marks_of_their_own(void **state) {
    (void)state;
    assert_prints("%0\r\n", "(empty hash)\n", "\n");
    assert_prints("~0\r\n", "(empty set)\n", "\n");
    assert_prints("~2\r\n+a\r\n+b\r\n", "1~ a\n2~ b\n", "a\nb\n");
    assert_prints("%2\r\n$1\r\nk\r\n:1\r\n$1\r\nl\r\n*2\r\n:2\r\n:3\r\n",
                  "1# \"k\" => (integer) 1\n2# \"l\" => 1) (integer) 2\n   2) (integer) 3\n", "k 1\nl 2\n3\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_print_as_redis_cli_prints_them),
        cmocka_unit_test(what_cannot_be_printed_is_escaped),
        cmocka_unit_test(arrays_are_numbered_and_indented),
        cmocka_unit_test(maps_and_sets_have_marks_of_their_own),
    };
    return cmocka_run_group_tests_name("loam reply text", tests, NULL, NULL);
}
