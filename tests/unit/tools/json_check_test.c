/*
 * json_check_test: the judge of what tools print as JSON takes what is JSON and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/harness/json_check.h"

static void json_is_taken(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0",      "-1.5e+3",
        " true ", "null",
        "\"\"",   "\"a\\u00e9\\n\\\"\"",
        "[]",     "[1,[2],{}]",
        "{}",     "{\"a\":1,\"b\":[false]}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!json_is_valid(slice_from_text(texts[i]))) fail_msg("%s", texts[i]);
}

static void what_is_no_json_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",        " ",        "01",     "1.",      ".5",          "+1",   "1e",    "tru",
        "nul",     "\"",       "\"\n\"", "\"\\x\"", "\"\\u12g4\"", "[1,]", "[1 2]", "[",
        "{\"a\"}", "{\"a\":}", "{a:1}",  "{,}",     "{\"a\":1,}",  "1 2",  "[]]",   "'a'",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (json_is_valid(slice_from_text(texts[i]))) fail_msg("%s", texts[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_taken),
        cmocka_unit_test(what_is_no_json_is_refused),
    };
    return cmocka_run_group_tests_name("json_check", tests, NULL, NULL);
}
