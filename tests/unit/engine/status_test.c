/*
 * status, error, log: the words that people read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/error.h"
#include "engine/base/log.h"

static void every_status_has_a_name_of_its_own(void **state) {
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        assert_string_not_equal(status_name((enum status)i), "UNKNOWN");
        assert_true(strlen(status_text((enum status)i)) > 0);
        for (int j = 0; j < i; j++) assert_string_not_equal(status_name((enum status)i), status_name((enum status)j));
    }
    assert_string_equal(status_name(STATUS_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(status_text(STATUS_NOT_FOUND), "not found");
    assert_int_equal(status_class(STATUS_NOT_FOUND), STATUS_CLASS_ANSWER);
}

static void only_ok_is_of_class_ok(void **state) {
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++)
        assert_int_equal(status_class((enum status)i) == STATUS_CLASS_OK, (enum status)i == STATUS_OK);
}

static void a_number_that_is_no_status_has_a_name_too(void **state) {
    (void)state;
    assert_string_equal(status_name(STATUS_COUNT), "UNKNOWN");
    assert_string_equal(status_name((enum status) - 1), "UNKNOWN");
    assert_int_equal(status_class((enum status) - 1), STATUS_CLASS_DAMAGE);
}

static void an_error_says_what_and_gives_its_status_back(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(error_set(&error, STATUS_CORRUPT, "block %d of %s", 7, "000012.sst"), STATUS_CORRUPT);
    assert_int_equal(error.status, STATUS_CORRUPT);
    assert_string_equal(error.text, "block 7 of 000012.sst");
}

static void a_caller_without_an_error_gets_the_status(void **state) {
    (void)state;
    assert_int_equal(error_set(NULL, STATUS_IO, "words"), STATUS_IO);
    assert_int_equal(error_prefix(NULL, STATUS_IO, "words"), STATUS_IO);
}

static void a_prefix_goes_before_the_line(void **state) {
    (void)state;
    struct error error;
    error_set(&error, STATUS_IO, "pread: EIO");
    assert_int_equal(error_prefix(&error, STATUS_OK, "segment %d", 3), STATUS_IO);
    assert_string_equal(error.text, "segment 3: pread: EIO");
    error = (struct error){.status = STATUS_BUSY};
    assert_int_equal(error_prefix(&error, STATUS_OK, "alone"), STATUS_BUSY);
    assert_string_equal(error.text, "alone");
}

static void an_error_is_one_line_and_ends(void **state) {
    (void)state;
    struct error error;
    error_set(&error, STATUS_SYNTAX, "a\nb\tc\x7f%c", '\r');
    assert_string_equal(error.text, "a?b?c??");
    char big[2 * ERROR_TEXT_BYTES];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    error_set(&error, STATUS_SYNTAX, "%s", big);
    assert_int_equal(strlen(error.text), ERROR_TEXT_BYTES - 1);
    error_prefix(&error, STATUS_SYNTAX, "%s", big);
    assert_int_equal(strlen(error.text), ERROR_TEXT_BYTES - 1);
}

struct lines {
    int count;
    enum log_level level;
    char text[2000];
};

static void lines_take(void *context, enum log_level level, const char *text) {
    struct lines *lines = context;
    lines->count++;
    lines->level = level;
    snprintf(lines->text, sizeof lines->text, "%s", text);
}

static void a_log_passes_on_what_is_at_its_level_or_above(void **state) {
    (void)state;
    struct lines lines = {0};
    struct log log = {.level = LOG_INFO, .line = lines_take, .context = &lines};
    log_debug(&log, "not this");
    assert_int_equal(lines.count, 0);
    log_warn(&log, "segment %d\nis new", 4);
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.level, LOG_WARN);
    assert_string_equal(lines.text, "segment 4?is new");
    log_info(NULL, "silence");
    assert_int_equal(lines.count, 1);
}

static void a_log_line_is_cut_at_its_limit(void **state) {
    (void)state;
    struct lines lines = {0};
    struct log log = {.level = LOG_DEBUG, .line = lines_take, .context = &lines};
    log_info(&log, "%1500d", 1);
    assert_int_equal(strlen(lines.text), 1023);
}

static void levels_have_names(void **state) {
    (void)state;
    assert_string_equal(log_level_name(LOG_DEBUG), "debug");
    assert_string_equal(log_level_name(LOG_ERROR), "error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name_of_its_own),
        cmocka_unit_test(only_ok_is_of_class_ok),
        cmocka_unit_test(a_number_that_is_no_status_has_a_name_too),
        cmocka_unit_test(an_error_says_what_and_gives_its_status_back),
        cmocka_unit_test(a_caller_without_an_error_gets_the_status),
        cmocka_unit_test(a_prefix_goes_before_the_line),
        cmocka_unit_test(an_error_is_one_line_and_ends),
        cmocka_unit_test(a_log_passes_on_what_is_at_its_level_or_above),
        cmocka_unit_test(a_log_line_is_cut_at_its_limit),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
