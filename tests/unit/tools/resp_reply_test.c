/* Replies from bytes: every type of RESP2 and RESP3, damage, limits, memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/harness/alloc_fault.h"
#include "tools/resp/resp_reply.h"

enum { BLOCK_BYTES = 4096 };

static int make_arena(void **state) {
    static struct arena arena;
    arena_init(&arena, BLOCK_BYTES);
    *state = &arena;
    return 0;
}

static int drop_arena(void **state) {
    arena_deinit(*state);
    return 0;
}

static struct resp_reply *parse(struct arena *arena, const char *text) {
    struct resp_reply_parser parser;
    struct resp_reply *reply;
    struct error error = {.text = ""};
    resp_reply_parser_init(&parser);
    enum status status = resp_reply_next(&parser, slice_from_text(text), arena, &reply, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", text, error.text);
    assert_int_equal(parser.consumed, strlen(text));
    return reply;
}

static void assert_text(const struct resp_reply *reply, enum resp_type type, const char *text) {
    assert_int_equal(reply->type, type);
    assert_true(slice_equal(reply->text, slice_from_text(text)));
}

static void texts_are_read(void **state) {
    assert_text(parse(*state, "+OK\r\n"), RESP_SIMPLE, "OK");
    assert_text(parse(*state, "+\r\n"), RESP_SIMPLE, "");
    assert_text(parse(*state, "-ERR no\r\n"), RESP_ERROR, "ERR no");
    assert_text(parse(*state, "!6\r\nERR\r\nx\r\n"), RESP_ERROR, "ERR\r\nx");
    assert_text(parse(*state, "$5\r\na\r\nbc\r\n"), RESP_BULK, "a\r\nbc");
    assert_text(parse(*state, "(-123456789012345678901234567890\r\n"), RESP_BIG_NUMBER,
                "-123456789012345678901234567890");
    struct resp_reply *verbatim = parse(*state, "=6\r\nmkd:hi\r\n");
    assert_text(verbatim, RESP_VERBATIM, "hi");
    assert_string_equal(verbatim->format, "mkd");
}

static void numbers_are_read(void **state) {
    assert_true(parse(*state, ":-9223372036854775808\r\n")->integer == INT64_MIN);
    assert_true(parse(*state, ":+5\r\n")->integer == 5);
    assert_int_equal(parse(*state, "#t\r\n")->integer, 1);
    assert_int_equal(parse(*state, "#f\r\n")->type, RESP_BOOL);
    assert_true(parse(*state, ",3.25\r\n")->number == 3.25);
    assert_true(parse(*state, ",-inf\r\n")->number == -INFINITY);
    assert_true(isnan(parse(*state, ",nan\r\n")->number));
    assert_true(parse(*state, ",1e3\r\n")->number == 1000);
}

static void all_nulls_are_null(void **state) {
    assert_int_equal(parse(*state, "_\r\n")->type, RESP_NULL);
    assert_int_equal(parse(*state, "$-1\r\n")->type, RESP_NULL);
    assert_int_equal(parse(*state, "*-1\r\n")->type, RESP_NULL);
}

static void aggregates_nest(void **state) {
    struct resp_reply *reply = parse(*state, "*3\r\n%1\r\n+k\r\n~2\r\n:1\r\n:2\r\n>1\r\n+p\r\n*0\r\n");
    assert_int_equal(reply->count, 3);
    assert_int_equal(reply->elements[0].type, RESP_MAP);
    assert_int_equal(reply->elements[0].count, 2);
    assert_int_equal(reply->elements[0].elements[1].type, RESP_SET);
    assert_int_equal(reply->elements[0].elements[1].elements[1].integer, 2);
    assert_int_equal(reply->elements[1].type, RESP_PUSH);
    assert_int_equal(reply->elements[2].count, 0);
}

static void an_attribute_belongs_to_the_reply_behind_it(void **state) {
    struct resp_reply *reply = parse(*state, "|1\r\n+ttl\r\n:3\r\n*2\r\n|1\r\n+a\r\n*1\r\n_\r\n$1\r\nx\r\n:9\r\n");
    assert_int_equal(reply->type, RESP_ARRAY);
    assert_int_equal(reply->attributes->count, 2);
    assert_int_equal(reply->attributes->elements[1].integer, 3);
    assert_text(&reply->elements[0], RESP_BULK, "x");
    assert_text(&reply->elements[0].attributes->elements[0], RESP_SIMPLE, "a");
    assert_null(reply->elements[1].attributes);
    assert_int_equal(reply->elements[1].integer, 9);
}

static void damage_is_refused(void **state) {
    static const char *const inputs[] = {
        "?\r\n",
        "\r\n",
        ":\r\n",
        ":1x\r\n",
        ":+-1\r\n",
        "$x\r\n",
        "$-2\r\n",
        "$3\r\nabcd\r\n",
        "$3\r\nabc\rx",
        "*-2\r\n",
        "%-1\r\n",
        "~-1\r\n",
        "#x\r\n",
        "#\r\n",
        ",\r\n",
        ",0x10\r\n",
        ",1.2.3\r\n",
        ", 1\r\n",
        "(\r\n",
        "(12a\r\n",
        "(-\r\n",
        "_x\r\n",
        "=3\r\ntxt\r\n",
        "=5\r\ntxtx1\r\n",
        "$?\r\n",
        "*?\r\n",
        "+a\rb\r\n",
        "*1\r\n?\r\n",
        "|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n:3\r\n",
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        struct resp_reply_parser parser;
        struct resp_reply *reply;
        struct error error = {.text = ""};
        resp_reply_parser_init(&parser);
        enum status status = resp_reply_next(&parser, slice_from_text(inputs[i]), *state, &reply, &error);
        if (status != STATUS_SYNTAX) fail_msg("\"%s\" gave %s", inputs[i], status_name(status));
        assert_true(error.text[0] != '\0');
        assert_null(reply);
    }
}

static void assert_too_large(struct arena *arena, struct slice input) {
    struct resp_reply_parser parser;
    struct resp_reply *reply;
    resp_reply_parser_init(&parser);
    assert_int_equal(resp_reply_next(&parser, input, arena, &reply, NULL), STATUS_TOO_LARGE);
}

static void depth_and_count_are_limited(void **state) {
    char input[4 * (RESP_REPLY_MAX_DEPTH + 1) + 8] = "";
    for (int i = 0; i < RESP_REPLY_MAX_DEPTH; i++) memcpy(input + 4 * i, "*1\r\n", 5);
    memcpy(input + 4 * RESP_REPLY_MAX_DEPTH, ":1\r\n", 5);
    assert_int_equal(parse(*state, input)->type, RESP_ARRAY);
    memcpy(input + 4 * RESP_REPLY_MAX_DEPTH, "*1\r\n:1\r\n", 9);
    assert_too_large(*state, slice_from_text(input));
    assert_too_large(*state, slice_from_text("*1073741825\r\n"));
}

/* Memory follows what has arrived, not what a header announces. */
static void an_announced_count_costs_nothing(void **state) {
    struct arena *arena = *state;
    struct resp_reply_parser parser;
    struct resp_reply *reply;
    resp_reply_parser_init(&parser);
    size_t before = arena->reserved_bytes;
    assert_int_equal(resp_reply_next(&parser, slice_from_text("*1000000000\r\n:1\r\n"), arena, &reply, NULL),
                     STATUS_END);
    assert_int_equal(arena->reserved_bytes, before);
}

static void pieces_are_looked_at_once(void **state) {
    char input[] = "*2\r\n$3\r\nabc\r\n$4\r\ndefg\r\n";
    struct resp_reply_parser parser;
    struct resp_reply *reply;
    size_t size = sizeof input - 1;
    resp_reply_parser_init(&parser);
    assert_int_equal(resp_reply_next(&parser, slice_make(input, 17), *state, &reply, NULL), STATUS_END);
    assert_int_equal(parser.wanted_bytes, size);
    assert_int_equal(parser.position, 13);
    for (size_t stop = 18; stop < size; stop++) {
        assert_int_equal(resp_reply_next(&parser, slice_make(input, stop), *state, &reply, NULL), STATUS_END);
        assert_int_equal(parser.position, 13);
    }
    assert_int_equal(resp_reply_next(&parser, slice_make(input, size), *state, &reply, NULL), STATUS_OK);
    assert_text(&reply->elements[1], RESP_BULK, "defg");
}

static void a_failed_allocation_may_be_tried_again(void **state) {
    (void)state;
    struct slice input = slice_from_text("|1\r\n+a\r\n:1\r\n*2\r\n*1\r\n:1\r\n$1\r\nx\r\n");
    uint64_t points = 0;
    for (uint64_t nth = 1;; nth++) {
        struct arena arena;
        struct resp_reply_parser parser;
        struct resp_reply *reply;
        arena_init(&arena, 64);
        resp_reply_parser_init(&parser);
        alloc_fault_at(nth);
        enum status status = resp_reply_next(&parser, input, &arena, &reply, NULL);
        bool delivered = alloc_fault_clear();
        assert_int_equal(status, delivered ? STATUS_NO_MEMORY : STATUS_OK);
        if (delivered) assert_int_equal(resp_reply_next(&parser, input, &arena, &reply, NULL), STATUS_OK);
        assert_int_equal(reply->count, 2);
        assert_int_equal(parser.consumed, input.size);
        arena_deinit(&arena);
        if (!delivered) break;
        points++;
    }
    assert_true(points > 1);
}

static void equality_sees_every_field(void **state) {
    static const char *const texts[] = {
        "+a\r\n",
        "+b\r\n",
        "-a\r\n",
        "$1\r\na\r\n",
        ":1\r\n",
        ":2\r\n",
        ",1\r\n",
        "#t\r\n",
        "_\r\n",
        "*0\r\n",
        "~0\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n:2\r\n",
        "=5\r\ntxt:a\r\n",
        "=5\r\nmkd:a\r\n",
        "|1\r\n+k\r\n+v\r\n:1\r\n",
        "|1\r\n+k\r\n+w\r\n:1\r\n",
    };
    enum { TEXTS = sizeof texts / sizeof *texts };
    for (size_t a = 0; a < TEXTS; a++)
        for (size_t b = 0; b < TEXTS; b++)
            assert_int_equal(resp_reply_equal(parse(*state, texts[a]), parse(*state, texts[b])), a == b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_are_read, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(numbers_are_read, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(all_nulls_are_null, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(aggregates_nest, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(an_attribute_belongs_to_the_reply_behind_it, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(damage_is_refused, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(depth_and_count_are_limited, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(an_announced_count_costs_nothing, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(pieces_are_looked_at_once, make_arena, drop_arena),
        cmocka_unit_test(a_failed_allocation_may_be_tried_again),
        cmocka_unit_test_setup_teardown(equality_sees_every_field, make_arena, drop_arena),
    };
    return cmocka_run_group_tests_name("resp_reply", tests, NULL, NULL);
}
