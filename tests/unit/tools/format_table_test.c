/*
 * format_table_test: the tables of fields that drive the tools are those that the FORMAT.md pages print, each on one
 * page; whatever field a tool tells of a file stands in one of them.
 *
 *     format_table_test --write     prints the tables anew into the pages (make formats)
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/lsm/edit.h"
#include "tests/harness/format_page.h"
#include "tests/harness/format_tables.h"
#include "tools/loam/inspect/describers.h"
#include "tools/loam/inspect/inspect.h"

enum { NAME_BYTES = 64, PATH_BYTES = 600 };

static struct buf read_file(const char *path) {
    struct buf to = BUF_EMPTY;
    uint8_t part[4096];
    size_t size;
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is not there", path);
    while ((size = fread(part, 1, sizeof part, file)) > 0) assert_int_equal(buf_append(&to, part, size), STATUS_OK);
    (void)fclose(file);
    return to;
}

/* ---- Pages ------------------------------------------------------------------------------------------------------- */

static struct slice find_table(const struct format_page *page, struct slice text, const struct layout *layout) {
    struct slice lines;
    if (!format_page_find(text, layout->name, &lines))
        fail_msg(
            "%s: the table \"%s\" has no place: put the lines <!-- fields: %s --> and <!-- end --> where it belongs, "
            "then run make formats",
            page->path, layout->name, layout->name);
    return lines;
}

static void every_page_prints_its_tables(void **state) {
    (void)state;
    for (size_t i = 0; i < format_page_count; i++) {
        const struct format_page *page = &format_pages[i];
        struct buf text = read_file(page->path), table = BUF_EMPTY;
        for (size_t t = 0; t < page->count; t++) {
            const struct layout *layout = page->tables[t].layout;
            buf_clear(&table);
            format_table_print(layout, &table);
            if (!slice_equal(find_table(page, buf_slice(&text), layout), buf_slice(&table)))
                fail_msg("%s: the table \"%s\" is not the one that drives the tools: run make formats", page->path,
                         layout->name);
        }
        buf_deinit(&table);
        buf_deinit(&text);
    }
}

static unsigned count_tables(const struct format_page *page, const char *name) {
    unsigned count = 0;
    for (size_t t = 0; t < page->count; t++) count += strcmp(page->tables[t].layout->name, name) == 0;
    return count;
}

static unsigned count_marks(struct slice text, const char *name) {
    char found[NAME_BYTES];
    unsigned count = 0;
    for (size_t at = 0; format_page_next(text, &at, found);) count += strcmp(found, name) == 0;
    return count;
}

static void a_page_marks_each_of_its_tables_once_and_no_other(void **state) {
    (void)state;
    for (size_t i = 0; i < format_page_count; i++) {
        struct buf text = read_file(format_pages[i].path);
        char name[NAME_BYTES];
        for (size_t at = 0; format_page_next(buf_slice(&text), &at, name);) {
            if (count_tables(&format_pages[i], name) != 1)
                fail_msg("%s: \"%s\" is no table of this page, or that of two", format_pages[i].path, name);
            if (count_marks(buf_slice(&text), name) != 1)
                fail_msg("%s: \"%s\" is printed twice", format_pages[i].path, name);
        }
        buf_deinit(&text);
    }
}

static bool has_table(const struct format_page *page, const char *symbol) {
    for (size_t t = 0; t < page->count; t++)
        if (strcmp(page->tables[t].symbol, symbol) == 0) return true;
    return false;
}

static void every_table_of_a_header_is_one_of_its_page(void **state) {
    (void)state;
    for (size_t i = 0; i < format_page_count; i++) {
        struct buf text = read_file(format_pages[i].header);
        assert_int_equal(buf_append_byte(&text, 0), STATUS_OK);
        static const char declared[] = "extern const struct layout ";
        size_t count = 0;
        for (const char *at = (const char *)text.data; (at = strstr(at, declared)) != NULL; count++) {
            char symbol[NAME_BYTES] = "";
            at += sizeof declared - 1;
            assert_int_equal(sscanf(at, "%63[a-z0-9_]", symbol), 1);
            if (!has_table(&format_pages[i], symbol))
                fail_msg("%s: %s is on no page: give it a row in tests/harness/format_tables.c", format_pages[i].header,
                         symbol);
        }
        assert_int_equal(count, format_pages[i].count);
        buf_deinit(&text);
    }
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* What a tool tells that is no field of a structure. */
static const char *const places[] = {
    /* the length that every string begins with */
    "length",
    /* bytes that are not what they should be */
    "malformed",
    "damaged bytes",
    "damaged sector",
    "damaged stamp",
    "damaged body",
    "damaged footer",
    "payload",
    "slot that does not verify",
    "value that does not verify",
    "value that can't be read",
    "not read: the header is not sound",
    "cut header",
    "cut",
    "cut sector",
    "malformed properties",
    "filter",
    /* bytes between structures, or that hold none yet */
    "empty",
    "padding",
    "never written",
    "of the file's former life",
    "slot that was never written",
    "rest of the slot's page",
    "behind the slots",
    /* notes about a whole, without bytes */
    "live entries",
};

static bool is_place(const char *name) {
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(places[i], name) == 0) return true;
    return false;
}

static void expect_name(const char *path, const char *name) {
    if (!is_place(name) && !format_tables_name(name))
        fail_msg("%s: a tool tells of \"%s\", which no FORMAT.md has in a table of fields", path, name);
}

/* Every "name":"..." of a report in JSON. */
static void expect_names(const char *path, struct buf *json) {
    static const char key[] = "\"name\":\"";
    assert_int_equal(buf_append_byte(json, 0), STATUS_OK);
    for (const char *at = (const char *)json->data; (at = strstr(at, key)) != NULL;) {
        char name[NAME_BYTES * 2];
        at += sizeof key - 1;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "\""), at);
        expect_name(path, name);
    }
}

static void inspect_file(const char *path, void (*inspect)(struct report *report)) {
    struct buf bytes = read_file(path);
    struct report report;
    report_init(&report, REPORT_JSON, buf_slice(&bytes));
    inspect(&report);
    assert_int_equal(report.next, bytes.size);
    expect_names(path, &report.fields);
    expect_names(path, &report.rows);
    report_deinit(&report);
    buf_deinit(&bytes);
}

static void take_field(void *context, struct slice bytes, const char *name, const char *words) {
    (void)bytes, (void)words;
    expect_name(context, name);
}

static void describe_edit(struct fields *fields, uint8_t type) {
    (void)type;
    edit_describe(fields);
}
static void describe_batch(struct fields *fields, uint8_t type) {
    (void)type;
    batch_record_describe(fields, &node_trees);
}
static void describe_raft(struct fields *fields, uint8_t type) {
    raft_record_describe(fields, type, &store_describers);
}

/* An input of describe_fuzz. */
static void describe_file(const char *path) {
    static void (*const records[])(struct fields *, uint8_t) = {describe_edit, describe_batch, describe_raft};
    struct buf file = read_file(path);
    if (file.size >= 3) {
        const struct slice bytes = slice_from(buf_slice(&file), 3);
        const size_t key_size = file.data[2] < bytes.size ? file.data[2] : bytes.size;
        const struct row_describer *rows = describers_get(file.data[0]);
        struct fields fields = fields_make(slice_make(bytes.data, key_size), take_field, (void *)(uintptr_t)path);
        if (rows) {
            rows->key(&fields);
            fields = fields_make(slice_from(bytes, key_size), take_field, (void *)(uintptr_t)path);
            rows->value(&fields, slice_make(bytes.data, key_size), file.data[1] % 3);
        } else if (file.data[0] % 4 < 3) {
            fields = fields_make(bytes, take_field, (void *)(uintptr_t)path);
            store_describers.rows[file.data[0] % 4].describe(&fields);
        }
        for (size_t i = 0; !rows && file.data[0] % 4 == 3 && i < sizeof records / sizeof *records; i++) {
            fields = fields_make(bytes, take_field, (void *)(uintptr_t)path);
            records[i](&fields, file.data[1]);
        }
    }
    buf_deinit(&file);
}

static void visit_folder(const char *folder, const char *end, void (*inspect)(struct report *report)) {
    DIR *dir = opendir(folder);
    if (!dir) fail_msg("%s is not there", folder);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[PATH_BYTES];
        const size_t size = strlen(entry->d_name), ends = strlen(end);
        if (entry->d_name[0] == '.' || size < ends || strcmp(entry->d_name + size - ends, end) != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (inspect)
            inspect_file(path, inspect);
        else
            describe_file(path);
        count++;
    }
    (void)closedir(dir);
    assert_true(count > 0);
}

static void whatever_a_tool_tells_of_a_file_is_a_field_of_a_page(void **state) {
    (void)state;
    visit_folder("tests/golden/manifest", ".manifest", inspect_manifest);
    visit_folder("tests/golden/manifest", ".superblock", inspect_superblock);
    visit_folder("tests/golden/store/level-1", ".manifest", inspect_manifest);
    visit_folder("tests/fuzz/corpus/manifest", "", inspect_manifest);
    visit_folder("tests/golden/sst", ".sst", inspect_sst);
    visit_folder("tests/golden/store/level-1", ".sst", inspect_sst);
    visit_folder("tests/fuzz/corpus/sst", "", inspect_sst);
    visit_folder("tests/golden/values", ".val", inspect_values);
    visit_folder("tests/fuzz/corpus/values", "", inspect_values);
    visit_folder("tests/golden/wal", ".wal", inspect_wal);
    visit_folder("tests/golden/store/level-1/wal", ".wal", inspect_wal);
    visit_folder("tests/fuzz/corpus/wal", "", inspect_wal);
    inspect_file("tests/golden/raft/superblock-v1", inspect_node);
    inspect_file("tests/golden/raft/superblock-v2", inspect_node);
    visit_folder("tests/fuzz/corpus/describe", "", NULL);
    inspect_file("tests/golden/store/level-1/SUPERBLOCK", inspect_superblock);
}

/* ---- The program ------------------------------------------------------------------------------------------------- */

static void put_table(struct buf *text, struct slice lines, struct slice table) {
    struct buf made = BUF_EMPTY;
    const size_t at = (size_t)(lines.data - text->data);
    check(buf_append_slice(&made, slice_make(text->data, at)) == STATUS_OK);
    check(buf_append_slice(&made, table) == STATUS_OK);
    check(buf_append_slice(&made, slice_from(buf_slice(text), at + lines.size)) == STATUS_OK);
    buf_deinit(text);
    *text = made;
}

static int write_page(const struct format_page *page) {
    struct buf text = read_file(page->path), table = BUF_EMPTY;
    int failed = 0;
    for (size_t t = 0; t < page->count; t++) {
        struct slice lines;
        buf_clear(&table);
        format_table_print(page->tables[t].layout, &table);
        if (format_page_find(buf_slice(&text), page->tables[t].layout->name, &lines)) {
            put_table(&text, lines, buf_slice(&table));
            continue;
        }
        (void)fprintf(stderr, "%s: no line <!-- fields: %s -->, or no <!-- end --> behind it\n", page->path,
                      page->tables[t].layout->name);
        failed = 1;
    }
    FILE *file = fopen(page->path, "wb");
    if (!file || fwrite(text.data, 1, text.size, file) != text.size || fclose(file) != 0) {
        perror(page->path);
        failed = 1;
    }
    buf_deinit(&table);
    buf_deinit(&text);
    return failed;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        int failed = 0;
        for (size_t i = 0; i < format_page_count; i++) failed |= write_page(&format_pages[i]);
        return failed;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_prints_its_tables),
        cmocka_unit_test(a_page_marks_each_of_its_tables_once_and_no_other),
        cmocka_unit_test(every_table_of_a_header_is_one_of_its_page),
        cmocka_unit_test(whatever_a_tool_tells_of_a_file_is_a_field_of_a_page),
    };
    return cmocka_run_group_tests_name("format_table", tests, NULL, NULL);
}
