/*
 * text: numbers and patterns are judged and printed as Redis 7 does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/decimal.h"
#include "kv/kv.h"
#include "kv/number.h"

static void integers_are_strict(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool sound;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-1", true, -1},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {"01", false, 0},
        {"-0", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1a", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        assert_int_equal(decimal_parse(slice_from_text(cases[i].text), &value), cases[i].sound);
        if (cases[i].sound) assert_true(value == cases[i].value);
    }
}

static void floats_are_printed_without_noise(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"10.50", "10.5"}, {"5.0e3", "5000"}, {"-0", "0"},
                                           {"0.1", "0.1"},    {"3", "3"},        {"1e-2", "0.01"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        long double value = 0;
        struct buf text = BUF_EMPTY;
        assert_true(kv_parse_float(slice_from_text(cases[i][0]), &value));
        assert_int_equal(kv_format_float(value, &text), STATUS_OK);
        assert_true(slice_equal(buf_slice(&text), slice_from_text(cases[i][1])));
        buf_deinit(&text);
    }
    static const char *const refused[] = {"", " 1", "1 ", "abc", "1.2.3", "nan"};
    long double value = 0;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_false(kv_parse_float(slice_from_text(refused[i]), &value));
}

static void an_expiry_must_be_positive_and_fit(void **state) {
    (void)state;
    int64_t ms = 0;
    assert_int_equal(kv_parse_expiry(slice_from_text("10"), true, &ms), STATUS_OK);
    assert_int_equal(ms, 10000);
    assert_int_equal(kv_parse_expiry(slice_from_text("0"), true, &ms), STATUS_INVALID);
    assert_int_equal(kv_parse_expiry(slice_from_text("-1"), false, &ms), STATUS_INVALID);
    assert_int_equal(kv_parse_expiry(slice_from_text("9223372036854775"), true, &ms), STATUS_OK);
    assert_int_equal(kv_parse_expiry(slice_from_text("9223372036854776"), true, &ms), STATUS_INVALID);
    assert_int_equal(kv_parse_expiry(slice_from_text("x"), false, &ms), STATUS_SYNTAX);
}

static void patterns_match_as_in_redis(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"*", "", false}, /* Redis' matcher never looks at an empty text; KEYS * does not ask it */
        {"**", "", false},
        {"*", "anything", true},
        {"h?llo", "hello", true},
        {"h?llo", "hllo", false},
        {"h*llo", "heeello", true},
        {"h[ae]llo", "hallo", true},
        {"h[ae]llo", "hillo", false},
        {"h[^e]llo", "hallo", true},
        {"h[^e]llo", "hello", false},
        {"h[a-c]llo", "hbllo", true},
        {"h[c-a]llo", "hbllo", true},
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"a*b*c", "axxbyyc", true},
        {"a*b*c", "axxbyy", false},
        {"[]", "a", false},
        {"a[b", "ab", true},
        {"", "", true},
        {"", "a", false},
        {"**x**", "x", true},
        {"h\\[llo", "h[llo", true},
        {"[\\]]", "]", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (kv_glob_match(slice_from_text(cases[i].pattern), slice_from_text(cases[i].text)) != cases[i].matches)
            fail_msg("pattern '%s', text '%s'", cases[i].pattern, cases[i].text);
}

/* A pattern of many stars must not take exponential time: this one would, with naive recursion. */
static void many_stars_stay_cheap(void **state) {
    (void)state;
    char pattern[201], text[4001];
    for (size_t i = 0; i < 200; i += 2) {
        pattern[i] = '*';
        pattern[i + 1] = 'a';
    }
    pattern[200] = 'b';
    memset(text, 'a', sizeof text);
    assert_false(kv_glob_match(slice_make(pattern, sizeof pattern), slice_make(text, sizeof text)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_strict),
        cmocka_unit_test(floats_are_printed_without_noise),
        cmocka_unit_test(an_expiry_must_be_positive_and_fit),
        cmocka_unit_test(patterns_match_as_in_redis),
        cmocka_unit_test(many_stars_stay_cheap),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
