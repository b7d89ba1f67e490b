/*
 * layout_test: a table of fields tells bytes as it says, and what should not be is a fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/layout.h"

/* "name=words;" of each field. */
static void take_field(void *context, struct slice bytes, const char *name, const char *words) {
    char *text = context;
    const size_t at = strlen(text);
    snprintf(text + at, 1000 - at, "%zu %s=%s;", bytes.size, name, words);
}

static const char *describe(const struct layout_row *rows, const void *bytes, size_t size, const char *expected) {
    static char text[1000];
    text[0] = 0;
    struct fields fields = fields_make(slice_make(bytes, size), take_field, text);
    (void)layout_describe(rows, &fields, NULL);
    (void)fields_end(&fields);
    assert_string_equal(text, expected);
    return fields.fault;
}

static const struct layout_name kinds[] = {{1, "one", NULL}, {7, "seven", NULL}, {.name = NULL}};
static const struct layout_name bits[] = {{1, "small", NULL}, {2, "large", NULL}, {.name = NULL}};

static void say_twice(uint64_t value, unsigned i, char words[FIELD_WORDS_BYTES]) {
    snprintf(words, FIELD_WORDS_BYTES, "%u: %llu", i, 2 * (unsigned long long)value);
}

static void numbers_are_told_by_form_and_manner(void **state) {
    (void)state;
    static const struct layout_row rows[] = {
        {"a", LAYOUT_U8, LAYOUT_AS_HEX, .meaning = ""},
        {"b", LAYOUT_U16, .meaning = ""},
        {"c", LAYOUT_U32, LAYOUT_AS_NAMED, .names = kinds},
        {"d", LAYOUT_KEY_U32, LAYOUT_AS_NAME, .names = kinds},
        {"e", LAYOUT_U64, LAYOUT_AS_ID, .meaning = ""},
        {"f", LAYOUT_KEY_U64, LAYOUT_AS_MS, .meaning = ""},
        {"g", LAYOUT_VARINT, .say = say_twice},
        {"h", LAYOUT_ZIGZAG, .meaning = ""},
        {.name = NULL},
    };
    static const uint8_t bytes[] = {0xab, 2, 1, 7,    0,    0,    0,    0,    0,    0,    9,    1,    0,    0, 0,
                                    0,    0, 0, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x80, 1, 3};
    assert_null(
        describe(rows, bytes, sizeof bytes,
                 "1 a=ab;2 b=258;4 c=7: seven;4 d=not known;8 e=1000000000000001;8 f=-2 ms;2 g=0: 256;1 h=-2;"));
}

static void what_should_be_zero_and_a_magic_are_looked_at(void **state) {
    (void)state;
    static const struct layout_row rows[] = {
        {"magic", LAYOUT_MAGIC, .text = "AB\n"},
        {"zero", LAYOUT_ZEROS, .size = 2},
        {"check", LAYOUT_CHECK, .text = "of it"},
        {.name = NULL},
    };
    assert_null(describe(rows, "AB\n\0\0........", 13, "3 magic=\"AB\\n\";2 zero=;8 check=of it;"));
    assert_non_null(describe(rows, "AB\n\0\1........", 13, "3 magic=\"AB\\n\";2 zero=NOT zero;8 check=of it;"));
    assert_non_null(describe(rows, "ABC\0\0........", 13, "3 magic=\"ABC\", which it is not;2 zero=;8 check=of it;"));
}

static void flags_say_what_follows_and_unknown_ones_end_it(void **state) {
    (void)state;
    static const struct layout_row rows[] = {
        {"flags", LAYOUT_U8, LAYOUT_AS_FLAGS, .names = bits},
        {"little", LAYOUT_U8, .when = 1},
        {"much", LAYOUT_STRING, .when = 2},
        {"rest", LAYOUT_REST, .meaning = ""},
        {.name = NULL},
    };
    assert_null(describe(rows, "\3\5\1xyz", 6,
                         "1 flags=3: small large;1 little=5;1 length=1 bytes of much;1 much=\"x\";2 rest=\"yz\";"));
    assert_null(describe(rows, "\2\1x", 3, "1 flags=2: large;1 length=1 bytes of much;1 much=\"x\";"));
    assert_non_null(
        describe(rows, "\5\5", 2, "1 flags=5: small and unknown ones;1 malformed=flags that are not known;"));
}

static void rows_repeat_and_code_takes_over(void **state) {
    (void)state;
    static const struct layout_row pair[] = {
        {"left", LAYOUT_U8, .say = say_twice}, {"right", LAYOUT_SHORT, .meaning = ""}, {.name = NULL}};
    static const struct layout_row rows[] = {
        {"pairs", LAYOUT_TIMES, .size = 2, .of = pair},
        {"code", LAYOUT_CODE, .text = "n"},
        {"never", LAYOUT_U8, .meaning = ""},
        {.name = NULL},
    };
    assert_non_null(
        describe(rows, "\1\1a\2\0zz", 7,
                 "1 left=0: 2;1 length=1;1 right=\"a\";1 left=1: 4;1 length=0;2 malformed=bytes are left over;"));
}

static void bytes_that_end_early_are_malformed(void **state) {
    (void)state;
    static const struct layout_row rows[] = {{"a", LAYOUT_U8, .meaning = ""},
                                             {"b", LAYOUT_U64, .meaning = ""},
                                             {"c", LAYOUT_ZEROS, .size = 1},
                                             {.name = NULL}};
    assert_non_null(describe(rows, "abc", 3, "1 a=97;2 malformed=it ends early, or is not what it should be;"));
}

static void a_table_knows_its_places(void **state) {
    (void)state;
    static const struct layout_row pair[] = {
        {"x", LAYOUT_U16, .meaning = ""}, {"y", LAYOUT_U32, .meaning = ""}, {.name = NULL}};
    static const struct layout_row rows[] = {
        {"magic", LAYOUT_MAGIC, .text = "LOAM"},
        {"check", LAYOUT_CHECK, .meaning = ""},
        {"short check", LAYOUT_CHECK, .size = 4},
        {"pairs", LAYOUT_TIMES, .size = 3, .of = pair},
        {"end", LAYOUT_U8, .meaning = ""},
        {"tail", LAYOUT_REST, .meaning = ""},
        {.name = NULL},
    };
    static const struct layout layout = {.name = "test", .rows = rows};
    assert_int_equal(layout_offset(&layout, "end"), 4 + 8 + 4 + 18);
    assert_int_equal(layout_size(rows), 35);
    assert_ptr_equal(layout_row(&layout, "tail"), &rows[5]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_told_by_form_and_manner),
        cmocka_unit_test(what_should_be_zero_and_a_magic_are_looked_at),
        cmocka_unit_test(flags_say_what_follows_and_unknown_ones_end_it),
        cmocka_unit_test(rows_repeat_and_code_takes_over),
        cmocka_unit_test(bytes_that_end_early_are_malformed),
        cmocka_unit_test(a_table_knows_its_places),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
