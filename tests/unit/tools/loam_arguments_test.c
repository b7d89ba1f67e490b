/*
 * loam_arguments: the words behind a command's name: options in any order, operands, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"

enum { WORDS_MAX = 8 };

struct line {
    char *words[WORDS_MAX];
    int count, code;
    bool dry;
    const char *only, *match;
    uint64_t last;
    unsigned labels;
};

static bool take_label(void *context, const char *value) {
    struct line *line = context;
    line->labels++;
    return strchr(value, '=') != NULL;
}

/* Words between blanks; a word '' is empty. One or two operands are wanted. */
static bool take(struct line *line, char *text) {
    *line = (struct line){.code = -1};
    for (char *word, *rest = text; (word = strsep(&rest, " ")) != NULL;) {
        if (!word[0]) continue;
        assert_true(line->count < WORDS_MAX);
        line->words[line->count++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    const struct argument_option options[] = {
        {.name = "--dry-run", .flag = &line->dry},
        {.name = "--only", .text = &line->only},
        {.name = "--match", .text = &line->match, .may_be_empty = true},
        {.name = "--last", .number = &line->last, .limit = 10},
        {.name = "--label", .take = take_label, .context = line, .meaning = "K=V"},
    };
    const struct arguments arguments = {"test", "usage: test\n", "a DIR", 1, 2, options, 5};
    return arguments_take(&arguments, &line->count, line->words, &line->code);
}

static void options_are_taken_before_between_and_behind_operands(void **state) {
    (void)state;
    char texts[][64] = {"--dry-run --last 7 a b", "a --last 7 --dry-run b", "a b --dry-run --last 7",
                        "--last 7 a b --dry-run"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct line line;
        assert_true(take(&line, texts[i]));
        assert_int_equal(line.count, 2);
        assert_string_equal(line.words[0], "a");
        assert_string_equal(line.words[1], "b");
        assert_true(line.dry);
        assert_int_equal(line.last, 7);
    }
}

static void what_is_not_given_stays_as_it_was(void **state) {
    (void)state;
    struct line line;
    char text[] = "a";
    assert_true(take(&line, text));
    assert_int_equal(line.count, 1);
    assert_false(line.dry);
    assert_null(line.only);
    assert_int_equal(line.last, 0);
}

static void a_value_may_look_like_an_option(void **state) {
    (void)state;
    struct line line;
    char text[] = "--only --dry-run a";
    assert_true(take(&line, text));
    assert_string_equal(line.only, "--dry-run");
    assert_false(line.dry);
}

static void behind_two_dashes_all_are_operands_and_one_dash_is_one_always(void **state) {
    (void)state;
    struct line line;
    char behind[] = "--dry-run -- --last --help", one[] = "- a";
    assert_true(take(&line, behind));
    assert_int_equal(line.count, 2);
    assert_string_equal(line.words[0], "--last");
    assert_string_equal(line.words[1], "--help");
    assert_true(take(&line, one));
    assert_int_equal(line.count, 2);
    assert_string_equal(line.words[0], "-");
}

static void what_reads_its_own_value_may_come_again(void **state) {
    (void)state;
    struct line line;
    char text[] = "--label a=b x --label c=d";
    assert_true(take(&line, text));
    assert_int_equal(line.labels, 2);
}

static void only_an_option_that_allows_it_may_be_empty(void **state) {
    (void)state;
    struct line line;
    char match[] = "--match '' a", only[] = "--only '' a";
    assert_true(take(&line, match));
    assert_string_equal(line.match, "");
    assert_false(take(&line, only));
    assert_int_equal(line.code, EXIT_FAILED);
}

static bool take_optional(char **words, int count, bool *is_there, const char **value) {
    const struct argument_option options[] = {{.name = "--trace", .flag = is_there, .text = value},
                                              {.name = "--json", .flag = &(bool){false}}};
    const struct arguments arguments = {"sim", "usage\n", "options only", 0, 0, options, 2};
    int code;
    *is_there = false;
    *value = NULL;
    return arguments_take(&arguments, &count, words, &code);
}

static void a_value_may_be_left_out_where_there_are_no_operands(void **state) {
    (void)state;
    char *alone[] = {"--trace"}, *before[] = {"--trace", "--json"}, *with[] = {"--json", "--trace", "page"};
    char *two[] = {"--trace", "page", "more"}, *none[] = {"--json"}, *empty[] = {"--trace", ""};
    bool is_there;
    const char *value;
    assert_true(take_optional(alone, 1, &is_there, &value) && is_there && !value);
    assert_true(take_optional(before, 2, &is_there, &value) && is_there && !value);
    assert_true(take_optional(with, 3, &is_there, &value) && is_there);
    assert_string_equal(value, "page");
    assert_true(take_optional(none, 1, &is_there, &value) && !is_there && !value);
    assert_false(take_optional(two, 3, &is_there, &value));
    assert_false(take_optional(empty, 2, &is_there, &value));
}

static void what_is_not_understood_ends_the_command_with_1(void **state) {
    (void)state;
    char texts[][64] = {"",           "--dry-run",  "a b c",          "a --nonsense",        "-x a",
                        "a --last",   "a --last 0", "a --last 11",    "a --last x",          "--last -1 a",
                        "a --only",   "a --label",  "a --label word", "a --match",           "--last a",
                        "a --dry-ru", "a -- b c",   "--dry-run=1 a",  "--last 1 a --last 2", "a --dry-run --dry-run"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct line line;
        assert_false(take(&line, texts[i]));
        assert_int_equal(line.code, EXIT_FAILED);
    }
}

static void help_is_answered_wherever_it_stands(void **state) {
    (void)state;
    char texts[][64] = {"--help", "a b --help", "--help --nonsense", "a b c --help"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct line line;
        assert_false(take(&line, texts[i]));
        assert_int_equal(line.code, EXIT_CLEAN);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_before_between_and_behind_operands),
        cmocka_unit_test(what_is_not_given_stays_as_it_was),
        cmocka_unit_test(a_value_may_look_like_an_option),
        cmocka_unit_test(behind_two_dashes_all_are_operands_and_one_dash_is_one_always),
        cmocka_unit_test(what_reads_its_own_value_may_come_again),
        cmocka_unit_test(only_an_option_that_allows_it_may_be_empty),
        cmocka_unit_test(a_value_may_be_left_out_where_there_are_no_operands),
        cmocka_unit_test(what_is_not_understood_ends_the_command_with_1),
        cmocka_unit_test(help_is_answered_wherever_it_stands),
    };
    return cmocka_run_group_tests_name("loam arguments", tests, NULL, NULL);
}
