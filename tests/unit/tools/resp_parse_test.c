/* Commands from bytes: what Redis 7.0 accepts, its error texts, its limits; and that nothing depends on how the bytes
 * were cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/decimal.h"
#include "tests/harness/alloc_fault.h"
#include "tools/resp/resp_parse.h"
#include "tools/resp/resp_split.h"

static struct slice bytes(const char *text) {
    return slice_from_text(text);
}

/* Words joined by '|', a command ended by ';'. */
static void note_commands(struct resp_parser *parser, struct slice input, struct buf *seen, enum status *status,
                          size_t *consumed) {
    *consumed = 0;
    while ((*status = resp_parser_next(parser, slice_from(input, *consumed))) == STATUS_OK) {
        for (size_t i = 0; i < parser->arg_count; i++) {
            if (i > 0) assert_int_equal(buf_append_byte(seen, '|'), STATUS_OK);
            assert_int_equal(buf_append_slice(seen, parser->args[i]), STATUS_OK);
        }
        assert_int_equal(buf_append_byte(seen, ';'), STATUS_OK);
        *consumed += parser->consumed;
    }
    *consumed += parser->consumed;
}

static void assert_commands(struct slice input, const char *expected) {
    struct resp_parser parser;
    struct buf seen = BUF_EMPTY;
    enum status status;
    size_t consumed;
    resp_parser_init(&parser, RESP_DEFAULT_MAX_BULK_BYTES);
    note_commands(&parser, input, &seen, &status, &consumed);
    assert_int_equal(status, STATUS_END);
    assert_int_equal(consumed, input.size);
    assert_int_equal(buf_append_byte(&seen, 0), STATUS_OK);
    assert_string_equal((const char *)seen.data, expected);
    buf_deinit(&seen);
    resp_parser_deinit(&parser);
}

static void assert_error(struct slice input, const char *expected) {
    struct resp_parser parser;
    resp_parser_init(&parser, 1000);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(resp_parser_next(&parser, input), STATUS_SYNTAX);
        assert_int_equal(parser.error.size, strlen(expected));
        assert_memory_equal(parser.error.data, expected, strlen(expected));
    }
    resp_parser_deinit(&parser);
}

static void a_multibulk_command_is_read(void **state) {
    (void)state;
    assert_commands(bytes("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n"), "SET|k|hello;");
    assert_commands(bytes("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"), "ECHO|;");
    assert_commands(bytes("*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n"), "ECHO|\r\n\r\n;");
}

static void commands_follow_one_another(void **state) {
    (void)state;
    assert_commands(bytes("*1\r\n$4\r\nPING\r\nGET a\r\n*1\r\n$4\r\nQUIT\r\n"), "PING;GET|a;QUIT;");
}

static void empty_commands_are_stepped_over(void **state) {
    (void)state;
    assert_commands(bytes("*0\r\n\r\n\n   \r\n*-1\r\n*-5\r\nPING\r\n*0\r\n"), "PING;");
}

static void an_inline_command_is_split_by_quoting_rules(void **state) {
    (void)state;
    assert_commands(bytes("set k v\n"), "set|k|v;");
    assert_commands(bytes("  set \t k  \"a b\"  'c d'\r\n"), "set|k|a b|c d;");
    assert_commands(bytes("a \"\\x41\\x7a\\n\\r\\t\\b\\a\\q\\\"\\xZZ\"\r\n"), "a|Az\n\r\t\b\aq\"xZZ;");
    assert_commands(bytes("a 'x\\'y\\n'\r\n"), "a|x'y\\n;");
    assert_commands(bytes("a b\"c d\"\r\n"), "a|bc d;");
    assert_commands(bytes("a \"\" ''\r\n"), "a||;");
    assert_commands(bytes("a\vb \v\fc\r\n"), "a\vb|c;");
}

static void quotes_that_do_not_balance_are_an_error(void **state) {
    (void)state;
    static const char *const lines[] = {"set k \"v\r\n",  "set k 'v\r\n",   "set k \"v\"x\r\n",
                                        "set k 'v'x\r\n", "\"a\"\"b\"\r\n", "\"a\\\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_error(bytes(lines[i]), "ERR Protocol error: unbalanced quotes in request");
}

static void errors_are_those_of_redis(void **state) {
    (void)state;
    static const char *const counts[] = {"*x\r\n",  "*\r\n",   "*1 \r\n",      "*01\r\n",
                                         "*-0\r\n", "*+1\r\n", "*1048577\r\n", "*99999999999999999999\r\n"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        assert_error(bytes(counts[i]), "ERR Protocol error: invalid multibulk length");
    static const char *const sizes[] = {"*1\r\n$x\r\n", "*1\r\n$\r\n", "*1\r\n$-1\r\n", "*1\r\n$01\r\n",
                                        "*1\r\n$1001\r\n"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_error(bytes(sizes[i]), "ERR Protocol error: invalid bulk length");
    assert_error(bytes("*1\r\n:1\r\n"), "ERR Protocol error: expected '$', got ':'");
    assert_error(bytes("*1\r\n\r\n\r\n"), "ERR Protocol error: expected '$', got ' '");
    assert_error(bytes("*1\r\n\nx\r\n"), "ERR Protocol error: expected '$', got ' '");
}

static void limits_before_authentication_are_small(void **state) {
    (void)state;
    struct resp_parser parser;
    resp_parser_init(&parser, RESP_DEFAULT_MAX_BULK_BYTES);
    parser.unauthenticated = true;
    assert_int_equal(resp_parser_next(&parser, bytes("*10\r\n$16384\r\n")), STATUS_END);
    resp_parser_deinit(&parser);
    resp_parser_init(&parser, RESP_DEFAULT_MAX_BULK_BYTES);
    parser.unauthenticated = true;
    assert_int_equal(resp_parser_next(&parser, bytes("*11\r\n")), STATUS_SYNTAX);
    assert_true(slice_equal(parser.error, bytes("ERR Protocol error: unauthenticated multibulk length")));
    resp_parser_deinit(&parser);
    resp_parser_init(&parser, RESP_DEFAULT_MAX_BULK_BYTES);
    parser.unauthenticated = true;
    assert_int_equal(resp_parser_next(&parser, bytes("*1\r\n$16385\r\n")), STATUS_SYNTAX);
    assert_true(slice_equal(parser.error, bytes("ERR Protocol error: unauthenticated bulk length")));
    resp_parser_deinit(&parser);
}

/* `prefix`, then `count` times `filler`, then `suffix`. */
static struct buf padded(const char *prefix, char filler, size_t count, const char *suffix) {
    struct buf input = BUF_EMPTY;
    assert_int_equal(buf_append_slice(&input, bytes(prefix)), STATUS_OK);
    assert_int_equal(buf_append_zeros(&input, count), STATUS_OK);
    memset(input.data + input.size - count, filler, count);
    assert_int_equal(buf_append_slice(&input, bytes(suffix)), STATUS_OK);
    return input;
}

static void a_line_without_an_end_is_refused_at_64_kib(void **state) {
    (void)state;
    static const struct {
        const char *prefix;
        const char *error;
    } cases[] = {
        {"*", "ERR Protocol error: too big mbulk count string"},
        {"*1\r\n$", "ERR Protocol error: too big bulk count string"},
        {"P", "ERR Protocol error: too big inline request"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t behind_count = i == 1 ? 4 : 0;
        size_t fill = RESP_MAX_LINE_BYTES + behind_count - strlen(cases[i].prefix);
        struct resp_parser parser;
        struct buf input = padded(cases[i].prefix, '1', fill, "");
        resp_parser_init(&parser, 1000);
        assert_int_equal(resp_parser_next(&parser, buf_slice(&input)), STATUS_END);
        assert_int_equal(buf_append_byte(&input, '1'), STATUS_OK);
        assert_int_equal(resp_parser_next(&parser, buf_slice(&input)), STATUS_SYNTAX);
        assert_true(slice_equal(parser.error, bytes(cases[i].error)));
        resp_parser_deinit(&parser);
        assert_int_equal(buf_append_slice(&input, bytes("\r\n")), STATUS_OK);
        assert_error(buf_slice(&input), cases[i].error); /* the same line in one piece */
        buf_deinit(&input);
    }
}

static void the_longest_inline_line_is_read(void **state) {
    (void)state;
    struct buf input = padded("ECHO ", 'x', RESP_MAX_LINE_BYTES - 6, "\r\n");
    struct resp_parser parser;
    resp_parser_init(&parser, 1000);
    assert_int_equal(resp_parser_next(&parser, buf_slice(&input)), STATUS_OK);
    assert_int_equal(parser.args[1].size, RESP_MAX_LINE_BYTES - 6);
    resp_parser_deinit(&parser);
    buf_deinit(&input);
}

static void every_cut_gives_the_same_commands(void **state) {
    (void)state;
    struct slice input = bytes("*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n\r\nset k \"a b\"\r\n*0\r\n*1\r\n$4\r\nPING\r\n");
    for (size_t first = 0; first <= input.size; first++) {
        for (size_t second = first; second <= input.size; second++) {
            const size_t stops[] = {first, second, input.size};
            struct resp_parser parser;
            struct buf seen = BUF_EMPTY;
            size_t begin = 0;
            resp_parser_init(&parser, 1000);
            for (int i = 0; i < 3; i++) {
                enum status status;
                size_t consumed;
                note_commands(&parser, slice_make(input.data + begin, stops[i] - begin), &seen, &status, &consumed);
                assert_int_equal(status, STATUS_END);
                begin += consumed;
            }
            assert_int_equal(begin, input.size);
            assert_true(slice_equal(buf_slice(&seen), bytes("GET|\r\n;set|k|a b;PING;")));
            buf_deinit(&seen);
            resp_parser_deinit(&parser);
        }
    }
}

static void arguments_are_borrowed_from_the_input(void **state) {
    (void)state;
    struct slice input = bytes("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    struct resp_parser parser;
    resp_parser_init(&parser, 1000);
    assert_int_equal(resp_parser_next(&parser, input), STATUS_OK);
    assert_ptr_equal(parser.args[0].data, input.data + 8);
    assert_ptr_equal(parser.args[1].data, input.data + 17);
    resp_parser_deinit(&parser);
}

/* The input is made unreadable behind the parser's position: a second look would see other bytes. */
static void a_large_command_in_pieces_is_looked_at_once(void **state) {
    (void)state;
    struct buf input = padded("*2\r\n$6\r\nAPPEND\r\n$100000\r\n", 'x', 100000, "\r\n");
    struct resp_parser parser;
    size_t head = input.size - 100002;
    resp_parser_init(&parser, 1000000);
    assert_int_equal(resp_parser_next(&parser, slice_make(input.data, head)), STATUS_END);
    assert_int_equal(parser.wanted_bytes, input.size);
    memset(input.data + 1, '!', head - 1);
    for (size_t size = head; size < input.size; size += 997)
        assert_int_equal(resp_parser_next(&parser, slice_make(input.data, size)), STATUS_END);
    assert_int_equal(resp_parser_next(&parser, buf_slice(&input)), STATUS_OK);
    assert_int_equal(parser.args[1].size, 100000);
    assert_int_equal(parser.consumed, input.size);
    resp_parser_deinit(&parser);
    buf_deinit(&input);
}

static void many_arguments_are_read(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    struct buf input = BUF_EMPTY;
    assert_int_equal(buf_append_format(&input, "*%d\r\n", COUNT), STATUS_OK);
    for (int i = 0; i < COUNT; i++) assert_int_equal(buf_append_format(&input, "$4\r\n%04d\r\n", i), STATUS_OK);
    struct resp_parser parser;
    resp_parser_init(&parser, 1000);
    assert_int_equal(resp_parser_next(&parser, buf_slice(&input)), STATUS_OK);
    assert_int_equal(parser.arg_count, COUNT);
    assert_memory_equal(parser.args[4321].data, "4321", 4);
    resp_parser_trim(&parser);
    assert_int_equal(parser.capacity, 0);
    assert_int_equal(resp_parser_next(&parser, buf_slice(&input)), STATUS_OK);
    resp_parser_deinit(&parser);
    buf_deinit(&input);
}

static void a_failed_allocation_may_be_tried_again(void **state) {
    (void)state;
    struct slice input = bytes("*2\r\n$3\r\nGET\r\n$1\r\nk\r\nset k \"v w\"\r\n");
    uint64_t points = 0;
    for (uint64_t nth = 1;; nth++) {
        struct resp_parser parser;
        struct buf seen = BUF_EMPTY;
        size_t position = 0;
        size_t commands = 0;
        bool failed = false;
        resp_parser_init(&parser, 1000);
        alloc_fault_at(nth);
        while (position < input.size) {
            enum status status = resp_parser_next(&parser, slice_from(input, position));
            position += parser.consumed;
            failed = failed || status == STATUS_NO_MEMORY;
            assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
            commands += status == STATUS_OK;
        }
        bool delivered = alloc_fault_clear();
        assert_true(failed == delivered);
        assert_int_equal(commands, 2);
        assert_int_equal(parser.arg_count, 3);
        assert_memory_equal(parser.args[2].data, "v w", 3);
        buf_deinit(&seen);
        resp_parser_deinit(&parser);
        if (!delivered) break;
        points++;
    }
    assert_true(points >= 3);
}

static void numbers_are_taken_as_redis_takes_them(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0}, {"-1", -1}, {"10", 10}, {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      "01",
                                      "-0",
                                      "1 ",
                                      " 1",
                                      "1a",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "00",
                                      "--1",
                                      "0x1",
                                      "99999999999999999999"};
    int64_t value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(decimal_parse(bytes(good[i].text), &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(decimal_parse(bytes(bad[i]), &value));
}

static void a_failed_split_leaves_everything_as_it_was(void **state) {
    (void)state;
    struct buf text = BUF_EMPTY;
    size_t position = 0;
    struct slice line = bytes("ab \"cd");
    assert_int_equal(resp_split_next(line, &position, &text), STATUS_OK);
    assert_int_equal(position, 2);
    assert_int_equal(resp_split_next(line, &position, &text), STATUS_SYNTAX);
    assert_int_equal(position, 2);
    assert_int_equal(text.size, 2);
    buf_deinit(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_multibulk_command_is_read),
        cmocka_unit_test(commands_follow_one_another),
        cmocka_unit_test(empty_commands_are_stepped_over),
        cmocka_unit_test(an_inline_command_is_split_by_quoting_rules),
        cmocka_unit_test(quotes_that_do_not_balance_are_an_error),
        cmocka_unit_test(errors_are_those_of_redis),
        cmocka_unit_test(limits_before_authentication_are_small),
        cmocka_unit_test(a_line_without_an_end_is_refused_at_64_kib),
        cmocka_unit_test(the_longest_inline_line_is_read),
        cmocka_unit_test(every_cut_gives_the_same_commands),
        cmocka_unit_test(arguments_are_borrowed_from_the_input),
        cmocka_unit_test(a_large_command_in_pieces_is_looked_at_once),
        cmocka_unit_test(many_arguments_are_read),
        cmocka_unit_test(a_failed_allocation_may_be_tried_again),
        cmocka_unit_test(numbers_are_taken_as_redis_takes_them),
        cmocka_unit_test(a_failed_split_leaves_everything_as_it_was),
    };
    return cmocka_run_group_tests_name("resp_parse", tests, NULL, NULL);
}
