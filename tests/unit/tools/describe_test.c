/*
 * describe_test: what is said about rows, operations and records of the log, in words; the examples of the FORMAT.md
 * pages read as those pages say; and no tree of any store goes without a describer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/names.h"
#include "tools/loam/inspect/describers.h"
#include "tools/loamd/stores.h"

/* ---- Fields as text ---------------------------------------------------------------------------------------------- */

static char told[4096];

static void take_field(void *context, struct slice bytes, const char *name, const char *words) {
    size_t *at = context;
    *at += (size_t)snprintf(told + *at, sizeof told - *at, "%s%s%s%s", *at ? " | " : "", bytes.size ? "" : "# ", name,
                            *words ? ": " : "");
    *at += (size_t)snprintf(told + *at, sizeof told - *at, "%s", words);
    check(*at < sizeof told);
}

static struct slice bytes_of(const char *hex, uint8_t room[256]) {
    size_t size = 0;
    unsigned byte;
    for (int step; sscanf(hex, " %2x%n", &byte, &step) == 1; hex += step) {
        check(size < 256);
        room[size++] = (uint8_t)byte;
    }
    return slice_make(room, size);
}

static struct fields begin(struct slice bytes, size_t *at) {
    *at = 0;
    told[0] = 0;
    return fields_make(bytes, take_field, at);
}

static const char *key_text(uint32_t kind, const char *hex) {
    uint8_t room[256];
    size_t at;
    struct fields fields = begin(bytes_of(hex, room), &at);
    describers_find(kind)->key(&fields);
    (void)fields_end(&fields);
    return told;
}

static const char *value_text(uint32_t kind, const char *key, const char *hex, enum row_form form) {
    uint8_t room[256], key_room[256];
    size_t at;
    struct fields fields = begin(bytes_of(hex, room), &at);
    describers_find(kind)->value(&fields, bytes_of(key, key_room), form);
    (void)fields_end(&fields);
    return told;
}

static const char *operation_text(uint8_t store, const char *hex) {
    uint8_t room[256];
    size_t at;
    struct fields fields = begin(bytes_of(hex, room), &at);
    for (size_t i = 0; i < store_describers.count; i++)
        if (store_describers.rows[i].store == store) store_describers.rows[i].describe(&fields);
    (void)fields_end(&fields);
    return told;
}

static const char *record_text(uint8_t type, const char *hex) {
    uint8_t room[256];
    size_t at;
    struct fields fields = begin(bytes_of(hex, room), &at);
    raft_record_describe(&fields, type, &store_describers);
    (void)fields_end(&fields);
    return told;
}

/* ---- Nothing without a describer --------------------------------------------------------------------------------- */

static void every_kind_of_tree_has_a_describer_of_its_name(void **state) {
    (void)state;
    struct stores stores;
    assert_int_equal(stores_init(&stores), STATUS_OK);
    size_t kinds = 1;
    for (size_t m = 0; m < stores.machine_count; m++) {
        for (size_t i = 0; i < stores.machines[m].kind_count; i++) {
            const struct engine_tree_kind *kind = &stores.machines[m].kinds[i];
            const struct row_describer *rows = describers_find(kind->id);
            if (!rows) fail_msg("%s has no describer", kind->name);
            assert_string_equal(rows->name, kind->name);
            assert_true(rows->key && rows->value);
            kinds++;
        }
        /* describers are found by trees, too */
        for (size_t i = 0; i < stores.machines[m].tree_count; i++)
            assert_int_equal(stores.machines[m].trees[i].tree, stores.machines[m].trees[i].kind);
    }
    assert_string_equal(describers_find(KIND_SYSTEM)->name, "raft.system");
    assert_non_null(describers_get(kinds - 1));
    assert_null(describers_get(kinds));
    stores_deinit(&stores);
}

static void every_store_has_a_describer_of_its_operations(void **state) {
    (void)state;
    struct stores stores;
    assert_int_equal(stores_init(&stores), STATUS_OK);
    assert_int_equal(store_describers.count, stores.machine_count);
    for (size_t m = 0; m < stores.machine_count; m++) {
        size_t i = 0;
        while (i < store_describers.count && store_describers.rows[i].store != stores.machines[m].store) i++;
        assert_true(i < store_describers.count);
        assert_string_equal(store_describers.rows[i].name, stores.machines[m].name);
    }
    stores_deinit(&stores);
}

/* ---- The examples of the pages ----------------------------------------------------------------------------------- */

static const char chunk_at_1000[] = "00 00 00 00 00 00 00 11 80 00 00 00 00 00 03 e8";
static const char block_key[] = "00 00 00 00 00 00 00 09 00 00 00 00 00 00 00 03 00 00 00 00 00";

static void the_names_example_reads_as_its_page_says(void **state) {
    (void)state;
    assert_string_equal(value_text(KIND_NAMES, "", "01 01 e8 03 00 00 00 00 00 00 76", ROW_VALUE),
                        "type: 1: string | flags: 1: expiry | expires at ms: 1000 | value: \"v\"");
    assert_string_equal(key_text(KIND_NAMES_EXPIRY, "00 00 00 00 00 00 03 e8 6b"), "expires at ms: 1000 | name: \"k\"");
}

static void the_examples_of_chunks_read_as_their_page_says(void **state) {
    (void)state;
    assert_string_equal(key_text(KIND_CHUNKS, chunk_at_1000), "series: 17 | first time: 1000 ms");
    assert_string_equal(
        value_text(KIND_CHUNKS, chunk_at_1000, "01 02 f8 3f 80 c0 a9 07 00", ROW_VALUE),
        "# samples: 3, times 1000 to 121000, 24.00 bits each | encoding: 1: open | sample: 1000 ms, 1.5 | "
        "sample: 61000 ms, 1.5 | sample: 121000 ms, 1.5");
    assert_string_equal(
        value_text(KIND_CHUNKS, chunk_at_1000, "02 03 c0 a9 07 3f f8 00 00 00 00 00 00 f0 00 07 53 00", ROW_VALUE),
        "# samples: 3, times 1000 to 121000, 48.00 bits each | encoding: 2: Gorilla | count: 3 | span: 120000 ms | "
        "Gorilla stream: 3 samples in 13 bytes, 34.67 bits each: 1000 ms, 1.5 .. 121000 ms, 1.5");
    assert_string_equal(
        value_text(KIND_CHUNKS, chunk_at_1000, "80 c0 a9 07 00", ROW_APPENDED),
        "sample: second difference 60000 ms, XOR 0000000000000000 | sample: second difference 0 ms, XOR "
        "0000000000000000 | # samples: 2, behind those of older bytes");
}

static void the_examples_of_operations_read_as_their_pages_say(void **state) {
    (void)state;
    assert_string_equal(operation_text(1, "01 01 80 02 01 d0 0f 02 01 6b 01 76"),
                        "version: 1 | operation: 1: set | flags: 100: EXPIRE_IN | origin: 1: set | number: 1000 | "
                        "arguments: 2 | length: 1 bytes of argument | argument: \"k\" | length: 1 bytes of argument | "
                        "argument: \"v\"");
    assert_string_equal(operation_text(2, "01 04 01 01 01 74 d0 0f 00 00 00 00 00 00 f8 3f"),
                        "version: 1 | operation: 4: madd | samples: 1 | sample: \"t\": 1000 ms, 1.5");
    assert_string_equal(
        operation_text(3, "01 01 01 67 00 01 00 06 50 65 72 73 6f 6e 01 01 01 52 02 01 00 00 03 00 00 00 00"),
        "version: 1 | operation: 1: effects | length: 1 bytes of graph name | graph name: \"g\" | "
        "computed on change: 0 | record: 1: word | vocabulary: 0: label | length: 6 bytes of text | text: "
        "\"Person\" | record: 1: word | vocabulary: 1: type | length: 1 bytes of text | text: \"R\" | "
        "record: 2: create_node | labels: 1 | label: 0 | length: 0 bytes of properties | record: 3: "
        "create_edge | type: 0 | source: 0 | destination: 0 | length: 0 bytes of properties | # records: "
        "2 times word");
}

static void a_block_of_edges_is_told_entry_by_entry(void **state) {
    (void)state;
    assert_string_equal(key_text(28, block_key), "graph: 9 | node: 3 | direction: 0: out | block: 0");
    assert_string_equal(
        value_text(28, block_key, "01 00 02 01 00 03 02 02 01 05 08", ROW_VALUE),
        "# live entries: 3 | version: 1 | type: 0 | entries: 2 | entry: type 0, node 1, edge 0 | entry: "
        "type 0, node 4, edge 1 | type: 2 | entries: 1 | entry: type 2, node 5, edge 4");
    assert_string_equal(value_text(28, block_key, "81 00 01 00 01 04 01", ROW_OPERAND),
                        "version: 129 | put in: type 0, node 1, edge 0 | taken out: type 0, node 4, edge 1");
}

static void a_record_is_told_down_to_the_arguments(void **state) {
    (void)state;
    assert_string_equal(
        record_text(1,
                    "e9 03 00 00 00 00 00 00 05 00 00 00 00 00 00 00 02 01 01 00 68 e5 cf 8b 01 00 00 07 00 00 00 00 "
                    "00 00 00 0c 00 00 00 00 00 00 00 22 00 00 00 00 00 00 00 01 0b 00 00 00 01 01 6b"),
        "index: 1001 | term: 5 | entry: 2: command | envelope version: 1 | store: 1: kv | log time: 1700000000000 ms | "
        "seed: 0000000000000007 | session: 12 | serial: 34 | version: 1 | operation: 11: persist | flags: 0 | origin: "
        "0 | "
        "number: 0 | arguments: 1 | length: 1 bytes of argument | argument: \"k\"");
    assert_string_equal(record_text(3, "e9 03 00 00 00 00 00 00"), "committed up to: 1001");
}

/* ---- What is wrong is said --------------------------------------------------------------------------------------- */

static void bytes_that_are_no_row_are_told_as_malformed(void **state) {
    (void)state;
    assert_string_equal(key_text(KIND_SERIES, "00 00 11"), "malformed: not what it should be");
    assert_string_equal(
        value_text(KIND_SERIES, "", "01 01 74 00 99", ROW_VALUE),
        "version: 1 | length: 1 bytes of name | name: \"t\" | given: 0 | malformed: not what it should be");
    assert_string_equal(value_text(KIND_NAMES, "", "01 f0 00", ROW_VALUE),
                        "type: 1: string | flags: 240: and unknown ones | malformed: of a later version of loam");
    assert_string_equal(operation_text(1, "01 63 01 02"),
                        "version: 1 | operation: 99: unknown | malformed: of a later version of loam");
    /* sound one by one, but not together: the times fall */
    uint8_t room[256], key_room[256];
    size_t at;
    struct fields fields = begin(bytes_of("01 02 f8 3f 80 01", room), &at);
    describers_find(KIND_CHUNKS)->value(&fields, bytes_of(chunk_at_1000, key_room), ROW_VALUE);
    assert_false(fields_end(&fields));
    assert_string_equal(fields.fault, "not what it should be");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_tree_has_a_describer_of_its_name),
        cmocka_unit_test(every_store_has_a_describer_of_its_operations),
        cmocka_unit_test(the_names_example_reads_as_its_page_says),
        cmocka_unit_test(the_examples_of_chunks_read_as_their_page_says),
        cmocka_unit_test(the_examples_of_operations_read_as_their_pages_say),
        cmocka_unit_test(a_block_of_edges_is_told_entry_by_entry),
        cmocka_unit_test(a_record_is_told_down_to_the_arguments),
        cmocka_unit_test(bytes_that_are_no_row_are_told_as_malformed),
    };
    return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
