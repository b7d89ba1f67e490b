/* loamd_page_test: tools/loamd/README.md names the commands of time series and graphs that there are, and no others. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NAME_BYTES = 64, PAGE_BYTES = 128 << 10 };

static const char *const commands[] = {
#define ROW(name, ...) name,
#include "tools/loamd/commands.def"
#undef ROW
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static bool of_a_group(const char *name) {
    return strncmp(name, "ts.", 3) == 0 || strncmp(name, "graph.", 6) == 0;
}

static bool in_table(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i], name) == 0) return true;
    return false;
}

static void read_page(char *page) {
    FILE *stream = fopen("tools/loamd/README.md", "rb");
    assert_non_null(stream);
    const size_t size = fread(page, 1, PAGE_BYTES, stream);
    fclose(stream);
    assert_true(size < PAGE_BYTES);
    page[size] = '\0';
}

/* The next name of a command of these groups ("TS.ADD"), in small letters; NULL: there is none. */
static const char *next_name(const char *at, char name[NAME_BYTES]) {
    for (; *at; at++) {
        size_t size = 0;
        while (size + 1 < NAME_BYTES && (isupper((unsigned char)at[size]) || at[size] == '.' || at[size] == '_')) {
            name[size] = (char)tolower((unsigned char)at[size]);
            size++;
        }
        while (size > 0 && name[size - 1] == '.') size--;
        name[size] = '\0';
        if (of_a_group(name)) return at + size;
        if (size > 1) at += size - 1;
    }
    return NULL;
}

static void every_command_of_series_and_graphs_is_on_the_page(void **state) {
    (void)state;
    static char page[PAGE_BYTES];
    char name[NAME_BYTES];
    bool seen[COMMAND_COUNT] = {false};
    read_page(page);
    for (const char *at = page; (at = next_name(at, name)) != NULL;)
        for (size_t i = 0; i < COMMAND_COUNT; i++) seen[i] |= strcmp(commands[i], name) == 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (of_a_group(commands[i]) && !seen[i]) fail_msg("%s is not on the page", commands[i]);
}

/* In a sentence that begins "Not there:" none is in the table, elsewhere all are. */
static void what_the_page_says_is_not_there_is_not_there(void **state) {
    (void)state;
    static char page[PAGE_BYTES];
    char name[NAME_BYTES];
    unsigned missing = 0;
    read_page(page);
    for (const char *at = page; (at = next_name(at, name)) != NULL;) {
        const char *sentence = at;
        while (sentence > page && strncmp(sentence, "Not there:", 10) != 0 && sentence[-1] != '\n') sentence--;
        const bool said_missing = strncmp(sentence, "Not there:", 10) == 0;
        if (in_table(name) == said_missing) fail_msg("%s: the table of commands says otherwise", name);
        missing += said_missing;
    }
    assert_true(missing > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_of_series_and_graphs_is_on_the_page),
        cmocka_unit_test(what_the_page_says_is_not_there_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
