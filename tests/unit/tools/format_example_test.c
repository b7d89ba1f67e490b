/*
 * format_example_test: the annotated examples of rows and operations in the FORMAT.md pages are what `loam inspect
 * --hex` prints of their bytes, letter by letter, and nothing in them is malformed.
 *
 *     format_example_test --print     prints the examples as they should stand, from the bytes that stand there
 *
 * An example is fenced; behind the fence stands what it is:
 *
 *     ```operation tsdb
 *     ```key graph.nodes
 *     ```value tsdb.chunks 0000000000000011 80000000000003e8      (and the bytes of its key)
 *     ```operand graph.adjacency ...
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "tools/loam/inspect/describers.h"
#include "tools/loam/inspect/report.h"

enum { LINE_BYTES = 512, TEXT_BYTES = 8192, EXAMPLE_BYTES = 1024, HEX_AT = 10 };

static const struct page {
    const char *path;
    unsigned examples;
} pages[] = {{"engine/names/FORMAT.md", 2}, {"kv/FORMAT.md", 1}, {"tsdb/FORMAT.md", 5}, {"graph/FORMAT.md", 7}};
enum { PAGES = sizeof pages / sizeof pages[0] };

struct example {
    char what[16], name[32];
    uint8_t key[EXAMPLE_BYTES], bytes[EXAMPLE_BYTES];
    size_t key_size, size;
    char text[TEXT_BYTES];
};

/* Pairs of hex digits, each alone or side by side; returns how many bytes were added. */
static size_t read_hex(const char *from, uint8_t *to) {
    size_t count = 0;
    for (; isxdigit((unsigned char)from[0]) && isxdigit((unsigned char)from[1]); from += from[2] == ' ' ? 3 : 2) {
        unsigned byte;
        check(sscanf(from, "%2x", &byte) == 1);
        to[count++] = (uint8_t)byte;
    }
    return count;
}

/* ---- Describing -------------------------------------------------------------------------------------------------- */

static void take_field(void *context, struct slice bytes, const char *name, const char *words) {
    report_field(context, bytes.size, name, "%s", words);
}

static const struct row_describer *find_rows(const char *name) {
    const struct row_describer *rows;
    for (size_t i = 0; (rows = describers_get(i)) != NULL; i++)
        if (strcmp(rows->name, name) == 0) return rows;
    fail_msg("there is no tree %s", name);
    return NULL;
}

static void describe(const struct example *example, struct fields *fields) {
    const struct slice key = slice_make(example->key, example->key_size);
    if (strcmp(example->what, "operation") == 0) {
        for (size_t i = 0; i < store_describers.count; i++)
            if (strcmp(store_describers.rows[i].name, example->name) == 0) store_describers.rows[i].describe(fields);
    } else if (strcmp(example->what, "key") == 0) {
        find_rows(example->name)->key(fields);
    } else {
        const enum row_form form = strcmp(example->what, "operand") == 0 ? ROW_OPERAND : ROW_VALUE;
        find_rows(example->name)->value(fields, key, form);
    }
}

/* What should stand between the fences. */
static void render(const struct example *example, char text[TEXT_BYTES]) {
    struct report report;
    report_init(&report, REPORT_HEX, slice_make(example->bytes, example->size));
    struct fields fields = fields_make(report.bytes, take_field, &report);
    describe(example, &fields);
    if (!fields_end(&fields)) fail_msg("the example of %s %s: %s", example->what, example->name, fields.fault);
    assert_int_equal(report.next, example->size);
    check(report.fields.size < TEXT_BYTES);
    memcpy(text, report.fields.data, report.fields.size);
    text[report.fields.size] = 0;
    report_deinit(&report);
}

/* ---- Reading a page ---------------------------------------------------------------------------------------------- */

/* "```value tsdb.chunks 00 01": an example begins. */
static bool read_fence(const char *line, struct example *example) {
    static const char *const kinds[] = {"operation", "key", "value", "operand"};
    int at = 0;
    *example = (struct example){.size = 0};
    if (sscanf(line, "```%15s %31s %n", example->what, example->name, &at) < 2) return false;
    bool known = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) known |= strcmp(example->what, kinds[i]) == 0;
    example->key_size = known ? read_hex(line + at, example->key) : 0;
    return known;
}

static void read_body(FILE *page, struct example *example) {
    char line[LINE_BYTES];
    size_t at = 0;
    while (fgets(line, sizeof line, page) && strncmp(line, "```", 3) != 0) {
        if (strlen(line) > HEX_AT) example->size += read_hex(line + HEX_AT, example->bytes + example->size);
        check(at + strlen(line) < TEXT_BYTES);
        at += (size_t)snprintf(example->text + at, TEXT_BYTES - at, "%s", line);
    }
}

static unsigned visit_examples(const char *path, void (*visit)(const char *path, const struct example *example)) {
    static struct example example;
    char line[LINE_BYTES];
    unsigned count = 0;
    FILE *page = fopen(path, "r");
    if (!page) fail_msg("%s is not there", path);
    while (fgets(line, sizeof line, page)) {
        if (!read_fence(line, &example)) continue;
        read_body(page, &example);
        visit(path, &example);
        count++;
    }
    (void)fclose(page);
    return count;
}

static void expect_same(const char *path, const struct example *example) {
    char text[TEXT_BYTES];
    render(example, text);
    if (strcmp(text, example->text) != 0)
        fail_msg("%s: the example of %s %s should be\n%s", path, example->what, example->name, text);
}

static void examples_are_what_inspect_prints(void **state) {
    (void)state;
    for (size_t i = 0; i < PAGES; i++) assert_int_equal(visit_examples(pages[i].path, expect_same), pages[i].examples);
}

static void print(const char *path, const struct example *example) {
    char text[TEXT_BYTES];
    render(example, text);
    printf("%s: %s %s\n%s\n", path, example->what, example->name, text);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        for (size_t i = 0; i < PAGES; i++) (void)visit_examples(pages[i].path, print);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_are_what_inspect_prints)};
    return cmocka_run_group_tests_name("format_example", tests, NULL, NULL);
}
