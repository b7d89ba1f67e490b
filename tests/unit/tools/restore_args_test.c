/*
 * restore_args: numbers, values and rows as arguments of TS.RESTORE and GRAPH.RESTORE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tools/loamd/restore_args.h"

enum { ARGS_MAX = 32 };

static struct slice words[ARGS_MAX];

/* Up to the first NULL. */
static struct restore_args args_of(const char *const *texts) {
    size_t count = 0;
    for (; texts[count]; count++) words[count] = slice_from_text(texts[count]);
    return (struct restore_args){.args = words, .count = count};
}
#define ARGS(...) args_of((const char *const[]){__VA_ARGS__, NULL})

static double double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void assert_comes_back(uint64_t bits) {
    char text[EXACT_DOUBLE_BYTES];
    const double value = double_of(bits);
    double again = 0;
    const size_t size = exact_double_format(value, text);
    assert_int_equal(size, strlen(text));
    assert_true(exact_double_parse(slice_make(text, size), &again));
    assert_memory_equal(&again, &value, sizeof value);
}

static void every_bit_of_a_float_comes_back(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 7);
    for (int i = 0; i < 20000; i++) assert_comes_back(prng_next(&prng));
    for (int i = 0; i < 2000; i++) assert_comes_back(UINT64_C(0x7ff0000000000000) | prng_next(&prng));
    assert_comes_back(0);
    assert_comes_back(UINT64_C(1) << 63);
    assert_comes_back(1);
    assert_comes_back(UINT64_C(0x7ff8000000000000));
    assert_comes_back(UINT64_C(0xfff0000000000000));
}

static void a_float_that_is_written_otherwise_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",      "NaN",  "nan:",  "nan:7ff8000000000000",  "nan:3ff0000000000000",
                                        "+1",    "inf ", "1e999", "nan:7ff800000000000",   "nan:7FF8000000000001",
                                        "0x1p3", "-nan", " 1",    "nan:7ff80000000000011", "infinity"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value = 5;
        assert_false(exact_double_parse(slice_from_text(texts[i]), &value));
    }
}

static void values_become_the_bytes_that_rows_have(void **state) {
    (void)state;
    static const char expected[] = "\x06\x05\x01\x02\x03\x09\x04\0\0\0\0\0\0\xf8\x3f\x05\x03#tx";
    struct restore_args from = ARGS("*5", "#f", "#t", ":-5", ",1.5", "$#tx", ":7");
    struct buf bytes = BUF_EMPTY;
    enum status status;
    assert_true(restore_take_value(&from, &bytes, &status));
    assert_int_equal(bytes.size, sizeof expected - 1);
    assert_memory_equal(bytes.data, expected, bytes.size);
    assert_true(graph_property_is_valid(buf_slice(&bytes)));
    assert_int_equal(from.at, 6);
    buf_deinit(&bytes);
}

static void a_value_that_is_none_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"", "5", ":", ":5x", "#", "#x", "#tt", ",", ",x", "*", "*1", "*-1", "**"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct restore_args from = ARGS(texts[i]);
        enum status status;
        assert_false(restore_take_value(&from, NULL, &status));
        assert_non_null(from.why);
    }
    struct restore_args nested = ARGS("*2", "*1", ":1");
    enum status status;
    assert_false(restore_take_value(&nested, NULL, &status));
}

static void rows_are_read_to_their_ends(void **state) {
    (void)state;
    struct restore_args from =
        ARGS("ext", "2", "A", "B", "1", "key", "*2", ":1", "$x", "", "-", "", "0", "0", "3", "4", "R", "0", "-", "9");
    struct restore_node node;
    struct restore_edge edge;
    assert_true(restore_take_node(&from, &node));
    assert_true(!node.is_hole && node.label_count == 2 && node.property_count == 1 && node.external.size == 3);
    assert_true(restore_take_node(&from, &node) && node.is_hole);
    assert_true(restore_take_node(&from, &node) && !node.is_hole && node.external.size == 0);
    assert_true(restore_take_edge(&from, &edge));
    assert_true(!edge.is_hole && edge.source == 3 && edge.destination == 4);
    assert_true(restore_take_edge(&from, &edge) && edge.is_hole && edge.source == 9);
    assert_int_equal(from.at, from.count);
}

static void a_row_that_says_more_than_is_there_is_refused(void **state) {
    (void)state;
    struct restore_node node;
    struct restore_edge edge;
    struct restore_args labels = ARGS("", "9223372036854775807", "A", "0");
    assert_false(restore_take_node(&labels, &node));
    struct restore_args properties = ARGS("1", "2", "R", "2", "key", ":1", "key");
    assert_false(restore_take_edge(&properties, &edge));
    struct restore_args hole = ARGS("external", "-");
    assert_false(restore_take_node(&hole, &node));
    struct restore_args negative = ARGS("-1", "2", "R", "0");
    assert_false(restore_take_edge(&negative, &edge));
}

static bool reads(struct restore_args args) {
    struct restore_command command;
    const char *why = NULL;
    const bool good = restore_command_read(args.args, args.count, &command, &why);
    assert_true(good || why != NULL);
    return good;
}

static void a_command_is_one_of_its_forms(void **state) {
    (void)state;
    assert_true(reads(ARGS("GRAPH.RESTORE", "g", "graph")));
    assert_true(reads(ARGS("GRAPH.RESTORE", "g", "LABELS", "0", "A")));
    assert_true(reads(ARGS("GRAPH.RESTORE", "g", "NODES", "0", "1", "", "0", "0")));
    assert_true(reads(ARGS("GRAPH.RESTORE", "g", "EDGE_HOLES", "0", "1", "7")));
    assert_true(reads(ARGS("GRAPH.RESTORE", "g", "DROP", "7")));
    assert_false(reads(ARGS("GRAPH.RESTORE", "g")));
    assert_false(reads(ARGS("GRAPH.RESTORE", "g", "GRAPH", "1")));
    assert_false(reads(ARGS("GRAPH.RESTORE", "g", "LABELS", "0")));
    assert_false(reads(ARGS("GRAPH.RESTORE", "g", "NODE_HOLES", "0", "0")));
    assert_false(reads(ARGS("GRAPH.RESTORE", "g", "NODE_HOLES", "9223372036854775807", "1")));
    assert_false(reads(ARGS("GRAPH.RESTORE", "g", "EDGE_HOLES", "0", "1")));
    assert_false(reads(ARGS("GRAPH.RESTORE", "g", "GRAPHS")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_float_comes_back),
        cmocka_unit_test(a_float_that_is_written_otherwise_is_refused),
        cmocka_unit_test(values_become_the_bytes_that_rows_have),
        cmocka_unit_test(a_value_that_is_none_is_refused),
        cmocka_unit_test(rows_are_read_to_their_ends),
        cmocka_unit_test(a_row_that_says_more_than_is_there_is_refused),
        cmocka_unit_test(a_command_is_one_of_its_forms),
    };
    return cmocka_run_group_tests_name("restore_args", tests, NULL, NULL);
}
