/* cypher_page_test: graph/cypher/README.md says what the query language is, and it is so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/cypher/ast.h"
#include "graph/cypher/function.h"
#include "graph/cypher/procedure_table.h"
#include "graph/query.h"

enum { LINE_BYTES = 4096, PAGE_BYTES = 64 << 10 };

static const char page_path[] = "graph/cypher/README.md";

/* ---- Blocks of queries ------------------------------------------------------------------------------------------- */

/* Calls `judge` for each line of the `number`th block, from 1; how many there were. */
static unsigned each_line(unsigned number, void (*judge)(char *line)) {
    FILE *stream = fopen(page_path, "rb");
    assert_non_null(stream);
    char line[LINE_BYTES];
    unsigned block = 0, count = 0;
    bool inside = false;
    while (fgets(line, sizeof line, stream)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "```", 3) == 0) {
            inside = !inside;
            block += inside;
        } else if (inside && block == number) {
            judge(line);
            count++;
        }
    }
    fclose(stream);
    assert_false(inside);
    return count;
}

static void expect_understood(char *line) {
    struct query *query = NULL;
    const enum status status = query_prepare(slice_from_text(line), &query);
    if (status != STATUS_OK) fail_msg("%s: %s", line, query_error_text(query));
    query_destroy(query);
}

static void every_query_of_the_page_is_understood(void **state) {
    (void)state;
    assert_true(each_line(1, expect_understood) >= 20);
}

static void expect_refused(char *line) {
    char *words = strstr(line, " // ");
    if (!words) fail_msg("%s: no words behind //", line);
    *words = '\0';
    words += strlen(" // ");
    struct query *query = NULL;
    const enum status status = query_prepare(slice_from_text(line), &query);
    const char *text = query_error_text(query);
    if (status != STATUS_UNSUPPORTED) fail_msg("%s: status %s: %s", line, status_name(status), text);
    if (strncmp(text, words, strlen(words)) != 0) fail_msg("%s: %s", line, text);
    if (!strstr(text, " is not supported yet (line 1, column ")) fail_msg("%s: %s", line, text);
    query_destroy(query);
}

static void what_is_missing_says_so_with_its_place(void **state) {
    (void)state;
    assert_true(each_line(2, expect_refused) >= 10);
}

/* ---- Lists of names ---------------------------------------------------------------------------------------------- */

/* The text from one heading to the next. */
static void read_section(const char *heading, char *section) {
    FILE *stream = fopen(page_path, "rb");
    assert_non_null(stream);
    char line[LINE_BYTES];
    bool inside = false;
    size_t size = 0;
    while (fgets(line, sizeof line, stream)) {
        if (line[0] == '#') {
            inside = strstr(line, heading) != NULL;
            continue;
        }
        if (!inside) continue;
        assert_true(size + strlen(line) < PAGE_BYTES);
        memcpy(section + size, line, strlen(line));
        size += strlen(line);
    }
    section[size] = '\0';
    assert_true(size > 0);
    fclose(stream);
}

/* Whether `text` stands in backticks, with nothing or "(" behind it. */
static bool names(const char *section, const char *text) {
    char quoted[128], called[128];
    snprintf(quoted, sizeof quoted, "`%s`", text);
    snprintf(called, sizeof called, "`%s(", text);
    return strstr(section, quoted) != NULL || strstr(section, called) != NULL;
}

static const char *const functions[] = {
#define FUNCTION(id, name, fewest, most, first, others, result) name,
#include "graph/cypher/functions.def"
};

enum { FUNCTION_COUNT = sizeof functions / sizeof *functions };

static void every_function_is_on_the_page(void **state) {
    (void)state;
    char section[PAGE_BYTES];
    read_section("## Functions", section);
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        if (!names(section, functions[i])) fail_msg("%s() is not on the page", functions[i]);
    size_t quotes = 0;
    for (const char *at = section; *at; at++) quotes += *at == '`';
    assert_int_equal(quotes / 2, FUNCTION_COUNT + 1); /* count(*) stands beside count */
}

static void every_procedure_is_on_the_page_with_what_it_yields(void **state) {
    (void)state;
    char section[PAGE_BYTES];
    read_section("## Procedures", section);
    size_t rows = 0;
    for (const char *at = section; (at = strstr(at, "\n| `")); at++) rows++;
    size_t count = 0;
    for (const struct graph_procedure *procedure; (procedure = graph_procedure_at(count)) != NULL; count++) {
        const struct cypher_procedure *head = &procedure->head;
        char row[LINE_BYTES];
        size_t size = (size_t)snprintf(row, sizeof row, "| `%s(", head->name);
        for (uint32_t i = 0; i < head->argument_count; i++)
            size += (size_t)snprintf(row + size, sizeof row - size, "%s%s", i ? ", " : "", head->arguments[i].name);
        size += (size_t)snprintf(row + size, sizeof row - size, ")` |");
        for (uint32_t i = 0; i < head->field_count; i++)
            size += (size_t)snprintf(row + size, sizeof row - size, " `%s`", head->fields[i].name);
        snprintf(row + size, sizeof row - size, " |\n");
        if (!strstr(section, row)) fail_msg("the page lacks the row %s", row);
    }
    assert_int_equal(rows, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_query_of_the_page_is_understood),
        cmocka_unit_test(what_is_missing_says_so_with_its_place),
        cmocka_unit_test(every_function_is_on_the_page),
        cmocka_unit_test(every_procedure_is_on_the_page_with_what_it_yields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
