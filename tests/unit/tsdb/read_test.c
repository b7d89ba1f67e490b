/*
 * read_test: replies of TS.* on small series, in RESP2 and RESP3, as RedisTimeSeries documents them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/harness/tsdb_lab.h"

static int set_up(void **state) {
    struct tsdb_lab *lab = calloc(1, sizeof *lab);
    tsdb_lab_open(lab);
    *state = lab;
    return 0;
}

static int tear_down(void **state) {
    tsdb_lab_close(*state);
    free(*state);
    return 0;
}

static const char *range_text(struct tsdb_lab *lab, const char *name, const struct tsdb_range *range,
                              unsigned protocol) {
    struct names_view view = tsdb_lab_view(lab);
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_range(&view, slice_from_text(name), range, protocol, &lab->reply), STATUS_OK);
    return tsdb_lab_text(lab, protocol);
}

static struct tsdb_range all(void) {
    return (struct tsdb_range){.from_ms = INT64_MIN, .to_ms = INT64_MAX};
}

/* 10, 20, ... 60 with values 1, 2, ... 6 */
static void add_six(struct tsdb_lab *lab) {
    for (int i = 1; i <= 6; i++) (void)tsdb_lab_add(lab, "t", 10 * i, i);
}

/* ---- one series -------------------------------------------------------------------------------------------------- */

static void get_answers_the_last_sample_or_nothing(void **state) {
    struct tsdb_lab *lab = *state;
    struct names_view view = tsdb_lab_view(lab);
    assert_string_equal(tsdb_lab_create(lab, "t", NULL), "+OK");
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_get(&view, slice_from_text("t"), 2, &lab->reply), STATUS_OK);
    assert_string_equal(tsdb_lab_text(lab, 2), "*0");
    assert_string_equal(tsdb_lab_add(lab, "t", 1000, 27.5), ":1000");
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_get(&view, slice_from_text("t"), 2, &lab->reply), STATUS_OK);
    assert_string_equal(tsdb_lab_text(lab, 2), "*2 :1000 +27.5");
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_get(&view, slice_from_text("t"), 3, &lab->reply), STATUS_OK);
    assert_string_equal(tsdb_lab_text(lab, 3), "*2 :1000 ,27.5");
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_get(&view, slice_from_text("x"), 2, &lab->reply), STATUS_OK);
    assert_string_equal(tsdb_lab_text(lab, 2), "-ERR TSDB: the key does not exist");
}

static void ranges_go_both_ways_with_counts_and_filters(void **state) {
    struct tsdb_lab *lab = *state;
    add_six(lab);
    struct tsdb_range range = {.from_ms = 20, .to_ms = 40};
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :20 +2 *2 :30 +3 *2 :40 +4");
    range.reverse = true;
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :40 +4 *2 :30 +3 *2 :20 +2");
    range.has_count = true;
    range.count = 1;
    assert_string_equal(range_text(lab, "t", &range, 3), "*1 *2 :40 ,4");
    range = all();
    range.filter_by_value = true;
    range.value_min = 2.5;
    range.value_max = 5;
    const int64_t times[] = {60, 30, 10, 35, 50};
    range.times_ms = times;
    range.time_count = 5;
    assert_string_equal(range_text(lab, "t", &range, 2), "*2 *2 :30 +3 *2 :50 +5");
    range = (struct tsdb_range){.from_ms = 41, .to_ms = 49};
    assert_string_equal(range_text(lab, "t", &range, 2), "*0");
}

static void every_aggregator_gives_its_number(void **state) {
    struct tsdb_lab *lab = *state;
    static const struct {
        const char *name, *value;
    } cases[] = {{"avg", "3.5"},
                 {"sum", "21"},
                 {"min", "1"},
                 {"max", "6"},
                 {"range", "5"},
                 {"count", "6"},
                 {"first", "1"},
                 {"LAST", "6"},
                 {"std.p", "1.707825127659933"},
                 {"STD.S", "1.8708286933869707"},
                 {"var.p", "2.9166666666666665"},
                 {"var.s", "3.5"}};
    add_six(lab);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tsdb_range range = all();
        range.bucket_ms = 100;
        assert_true(tsdb_aggregator_parse(slice_from_text(cases[i].name), &range.aggregator));
        char expected[80];
        assert_true(snprintf(expected, sizeof expected, "*1 *2 :0 +%s", cases[i].value) > 0);
        assert_string_equal(range_text(lab, "t", &range, 2), expected);
    }
    enum tsdb_aggregator aggregator;
    assert_false(tsdb_aggregator_parse(slice_from_text("twa"), &aggregator));
}

static enum status take_bits(void *context, const int64_t *times_ms, const double *values, size_t count) {
    (void)times_ms;
    assert_int_equal(count, 1);
    memcpy(context, values, sizeof values[0]);
    return STATUS_OK;
}

/* Processors differ in the sign of a NaN that they make, compilers in which of two they keep. */
static void a_sum_that_is_no_number_has_the_same_bits_everywhere(void **state) {
    struct tsdb_lab *lab = *state;
    static const struct {
        uint64_t old, new, sum;
    } cases[] = {{0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000},
                 {0x7ff8000000000001, 0x7ff8000000000002, 0x7ff8000000000001},
                 {0x3ff0000000000000, 0xfff8000000000003, 0xfff8000000000003},
                 {0xfff8000000000004, 0x3ff0000000000000, 0xfff8000000000004}};
    struct names_view view = tsdb_lab_view(lab);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char name[] = {'s', (char)('0' + i), 0};
        struct tsdb_add sample = {.name = slice_from_text(name), .time_ms = 7};
        const struct tsdb_op op = {
            .kind = TSDB_OP_ADD, .samples = &sample, .sample_count = 1, .on_duplicate = TSDB_POLICY_SUM};
        uint64_t bits = 0;
        memcpy(&sample.value, &cases[i].old, sizeof sample.value);
        assert_string_equal(tsdb_lab_apply(lab, &op), ":7");
        memcpy(&sample.value, &cases[i].new, sizeof sample.value);
        assert_string_equal(tsdb_lab_apply(lab, &op), ":7");
        assert_int_equal(tsdb_scan(&view, slice_from_text(name), INT64_MIN, INT64_MAX, take_bits, &bits), STATUS_OK);
        assert_int_equal(bits, cases[i].sum);
    }
}

static void buckets_align_where_they_are_told(void **state) {
    struct tsdb_lab *lab = *state;
    add_six(lab);
    struct tsdb_range range = all();
    range.aggregator = TSDB_SUM;
    range.bucket_ms = 25;
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :0 +3 *2 :25 +7 *2 :50 +11");
    range.reverse = true;
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :50 +11 *2 :25 +7 *2 :0 +3");
    range.reverse = false;
    range.align = TSDB_ALIGN_TIME;
    range.align_ms = 10;
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :10 +6 *2 :35 +9 *2 :60 +6");
    range.align_ms = 20; /* the first bucket begins at -5 */
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :0 +1 *2 :20 +9 *2 :45 +11");
    range.from_ms = 20;
    range.to_ms = 60;
    range.align = TSDB_ALIGN_START;
    assert_string_equal(range_text(lab, "t", &range, 2), "*2 *2 :20 +9 *2 :45 +11");
    range.align = TSDB_ALIGN_END;
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :10 +5 *2 :35 +9 *2 :60 +6");
    range.bucket_time = TSDB_BUCKET_END;
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :35 +5 *2 :60 +9 *2 :85 +6");
    range.bucket_time = TSDB_BUCKET_MIDDLE;
    assert_string_equal(range_text(lab, "t", &range, 2), "*3 *2 :22 +5 *2 :47 +9 *2 :72 +6");
}

static void empty_buckets_are_filled_as_the_aggregator_says(void **state) {
    struct tsdb_lab *lab = *state;
    (void)tsdb_lab_add(lab, "t", 10, 1);
    (void)tsdb_lab_add(lab, "t", 41, 2);
    struct tsdb_range range = all();
    range.aggregator = TSDB_COUNT;
    range.bucket_ms = 10;
    range.empty = true;
    assert_string_equal(range_text(lab, "t", &range, 2), "*4 *2 :10 +1 *2 :20 +0 *2 :30 +0 *2 :40 +1");
    range.aggregator = TSDB_LAST;
    assert_string_equal(range_text(lab, "t", &range, 2), "*4 *2 :10 +1 *2 :20 +1 *2 :30 +1 *2 :40 +2");
    range.aggregator = TSDB_MAX;
    range.reverse = true;
    assert_string_equal(range_text(lab, "t", &range, 2), "*4 *2 :40 +2 *2 :30 +nan *2 :20 +nan *2 :10 +1");
}

static void info_tells_settings_and_chunks(void **state) {
    struct tsdb_lab *lab = *state;
    struct names_view view = tsdb_lab_view(lab);
    (void)tsdb_lab_create(lab, "t", "a=b");
    (void)tsdb_lab_add(lab, "t", 10, 1);
    (void)tsdb_lab_add(lab, "t", 20, 1);
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_info(&view, slice_from_text("t"), true, 2, &lab->reply), STATUS_OK);
    assert_string_equal(
        tsdb_lab_text(lab, 2),
        "*28 +totalSamples :2 +memoryUsage :22 +firstTimestamp :10 +lastTimestamp :20 +retentionTime :0 +chunkCount :1 "
        "+chunkSize :4096 +chunkType +compressed +duplicatePolicy $-1 +labels *1 *2 $1 a $1 b +sourceKey $-1 +rules *0 "
        "+keySelfName $1 t +Chunks *1 *10 +startTimestamp :10 +endTimestamp :20 +samples :2 +size :6 +bytesPerSample "
        "$1 3");
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const char *query_text(struct tsdb_lab *lab, const char *filters, unsigned protocol) {
    struct arena arena;
    struct tsdb_filter list[8];
    struct tsdb_query query = {.filters = list};
    struct names_view view = tsdb_lab_view(lab);
    arena_init(&arena, 1024);
    for (const char *at = filters; *at;) {
        size_t size = strcspn(at, " ");
        assert_int_equal(tsdb_filter_parse(slice_make(at, size), &arena, &list[query.filter_count++]), STATUS_OK);
        at += size + (at[size] == ' ');
    }
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_query_index(&view, &query, protocol, &lab->reply), STATUS_OK);
    arena_deinit(&arena);
    return tsdb_lab_text(lab, protocol);
}

static void make_rooms(struct tsdb_lab *lab) {
    (void)tsdb_lab_create(lab, "c", "room=3 kind=temp");
    (void)tsdb_lab_create(lab, "a", "room=1 kind=temp");
    (void)tsdb_lab_create(lab, "b", "room=1 kind=hum side=n");
    (void)tsdb_lab_create(lab, "d", "kind=temp");
}

static void filters_choose_series(void **state) {
    struct tsdb_lab *lab = *state;
    make_rooms(lab);
    assert_string_equal(query_text(lab, "kind=temp", 2), "*3 $1 a $1 c $1 d");
    assert_string_equal(query_text(lab, "kind=temp", 3), "~3 $1 a $1 c $1 d");
    assert_string_equal(query_text(lab, "room=1 kind=temp", 2), "*1 $1 a");
    assert_string_equal(query_text(lab, "room=(1,3) kind!=hum", 2), "*2 $1 a $1 c");
    assert_string_equal(query_text(lab, "kind=temp room=", 2), "*1 $1 d");
    assert_string_equal(query_text(lab, "kind=temp room!=", 2), "*2 $1 a $1 c");
    assert_string_equal(query_text(lab, "kind=(temp,hum) room!=(3,4)", 2), "*3 $1 a $1 b $1 d");
    assert_string_equal(query_text(lab, "kind=\"temp\" side=", 2), "*3 $1 a $1 c $1 d");
    assert_string_equal(query_text(lab, "kind=no", 2), "*0");
    assert_string_equal(query_text(lab, "kind!=temp", 2), "-ERR TSDB: please provide at least one matcher");
}

static void a_filter_that_is_none_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"",    "a",    "=b",       "!=b",     "a=()",
                                        "a=(", "a=(b", "a=(b,,c)", "a=(\"b)", "a=(\"b\"c)"};
    struct arena arena;
    struct tsdb_filter filter;
    arena_init(&arena, 1024);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(tsdb_filter_parse(slice_from_text(wrong[i]), &arena, &filter), STATUS_SYNTAX);
    assert_int_equal(tsdb_filter_parse(slice_from_text("a!=(\"b,c\",d)"), &arena, &filter), STATUS_OK);
    assert_true(filter.negated);
    assert_int_equal(filter.value_count, 2);
    assert_true(slice_equal(filter.values[0], slice_from_text("b,c")));
    arena_deinit(&arena);
}

static void many_series_answer_with_labels_in_the_shape_of_the_protocol(void **state) {
    struct tsdb_lab *lab = *state;
    make_rooms(lab);
    (void)tsdb_lab_add(lab, "a", 5, 1.5);
    struct names_view view = tsdb_lab_view(lab);
    struct slice value = slice_from_text("1"), selected[] = {slice_from_text("KIND"), slice_from_text("no")};
    struct tsdb_filter filter = {.label = slice_from_text("room"), .values = &value, .value_count = 1};
    struct tsdb_query query = {.filters = &filter, .filter_count = 1};
    struct tsdb_range range = all();
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_mget(&view, &query, 2, &lab->reply), STATUS_OK);
    assert_string_equal(tsdb_lab_text(lab, 2), "*2 *3 $1 a *0 *2 :5 +1.5 *3 $1 b *0 *0");
    query.selected = selected;
    query.selected_count = 2;
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_mrange(&view, &query, &range, 2, &lab->reply), STATUS_OK);
    assert_string_equal(tsdb_lab_text(lab, 2), "*2 *3 $1 a *2 *2 $4 kind $4 temp *2 $2 no $-1 *1 *2 :5 +1.5 "
                                               "*3 $1 b *2 *2 $4 kind $3 hum *2 $2 no $-1 *0");
    query.selected_count = 0;
    query.with_labels = true;
    range.aggregator = TSDB_AVG;
    range.bucket_ms = 10;
    buf_clear(&lab->reply);
    assert_int_equal(tsdb_mrange(&view, &query, &range, 3, &lab->reply), STATUS_OK);
    assert_string_equal(tsdb_lab_text(lab, 3),
                        "%2 $1 a *3 %2 $4 room $1 1 $4 kind $4 temp %1 $11 aggregators *1 $3 avg *1 *2 :0 ,1.5 "
                        "$1 b *3 %3 $4 room $1 1 $4 kind $3 hum $4 side $1 n %1 $11 aggregators *1 $3 avg *0");
}

static void labels_follow_alter_rename_and_deletion(void **state) {
    struct tsdb_lab *lab = *state;
    make_rooms(lab);
    struct tsdb_label label;
    struct tsdb_op op = {.kind = TSDB_OP_ALTER, .name = slice_from_text("a"), .settings.given = TSDB_LABELS};
    op.settings.labels = &label;
    op.settings.label_count = tsdb_lab_labels("room=9", &label, 1);
    assert_string_equal(tsdb_lab_apply(lab, &op), "+OK");
    assert_string_equal(query_text(lab, "kind=temp", 2), "*2 $1 c $1 d");
    assert_string_equal(query_text(lab, "room=9", 2), "*1 $1 a");
    assert_string_equal(tsdb_lab_apply_kv(lab, KV_OP_RENAME, "a", "z"), "+OK");
    assert_string_equal(query_text(lab, "room=9", 2), "*1 $1 z");
    assert_string_equal(tsdb_lab_apply_kv(lab, KV_OP_DELETE, "z", NULL), ":1");
    assert_string_equal(query_text(lab, "room=9", 2), "*0");
    assert_string_equal(tsdb_lab_apply_kv(lab, KV_OP_CLEAR, NULL, NULL), "+OK");
    assert_string_equal(query_text(lab, "kind=temp", 2), "*0");
}

static void a_name_of_another_type_is_refused(void **state) {
    struct tsdb_lab *lab = *state;
    (void)tsdb_lab_apply_kv(lab, KV_OP_SET, "s", "v");
    struct tsdb_range range = all();
    assert_string_equal(range_text(lab, "s", &range, 2),
                        "-WRONGTYPE Operation against a key holding the wrong kind of value");
    assert_string_equal(tsdb_lab_add(lab, "s", 1, 1), "-ERR TSDB: the key is not a TSDB key");
    assert_string_equal(tsdb_lab_create(lab, "s", NULL), "-ERR TSDB: key already exists");
    (void)tsdb_lab_add(lab, "t", 1, 1);
    assert_string_equal(tsdb_lab_apply_kv(lab, KV_OP_SET, "t", "v"), "+OK"); /* a string takes the name */
    assert_string_equal(tsdb_lab_apply_kv(lab, KV_OP_APPEND, "t", "v"), ":2");
}

/* ---- apply ------------------------------------------------------------------------------------------------------- */

static void a_wrong_item_of_madd_stops_none_of_the_others(void **state) {
    struct tsdb_lab *lab = *state;
    (void)tsdb_lab_create(lab, "t", NULL);
    struct slice name = slice_from_text("t");
    const struct tsdb_add samples[] = {
        {.name = name, .time_ms = 5, .value = 1},     {.name = name, .fault = TSDB_SAMPLE_BAD_VALUE},
        {.name = slice_from_text("x"), .time_ms = 5}, {.name = name, .now = true, .value = 2},
        {.name = name, .time_ms = 5, .value = 3},     {.name = name, .time_ms = 4, .value = 4},
    };
    struct tsdb_op op = {.kind = TSDB_OP_MADD, .samples = samples, .sample_count = 6};
    assert_string_equal(tsdb_lab_apply(lab, &op),
                        "*6 :5 -ERR TSDB: invalid value -ERR TSDB: the key does not exist :1000000 -ERR TSDB: Error at "
                        "upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK mode :4");
}

static void special_values_come_back_bit_for_bit_after_a_restart(void **state) {
    struct tsdb_lab *lab = *state;
    const uint64_t bits[] = {0x7ff8000000000123, 0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000001};
    for (int i = 0; i < 4; i++) {
        double value;
        memcpy(&value, &bits[i], sizeof value);
        (void)tsdb_lab_add(lab, "t", i % 2 ? INT64_MIN + i : INT64_MAX - i, value);
    }
    tsdb_lab_reopen(lab);
    struct tsdb_range range = all();
    assert_string_equal(range_text(lab, "t", &range, 2),
                        "*4 *2 :-9223372036854775807 +-0 *2 :-9223372036854775805 +nan *2 :9223372036854775805 +inf "
                        "*2 :9223372036854775807 +nan");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(get_answers_the_last_sample_or_nothing),
        TEST(ranges_go_both_ways_with_counts_and_filters),
        TEST(every_aggregator_gives_its_number),
        TEST(a_sum_that_is_no_number_has_the_same_bits_everywhere),
        TEST(buckets_align_where_they_are_told),
        TEST(empty_buckets_are_filled_as_the_aggregator_says),
        TEST(info_tells_settings_and_chunks),
        TEST(filters_choose_series),
        cmocka_unit_test(a_filter_that_is_none_is_refused),
        TEST(many_series_answer_with_labels_in_the_shape_of_the_protocol),
        TEST(labels_follow_alter_rename_and_deletion),
        TEST(a_name_of_another_type_is_refused),
        TEST(a_wrong_item_of_madd_stops_none_of_the_others),
        TEST(special_values_come_back_bit_for_bit_after_a_restart),
    };
    return cmocka_run_group_tests_name("tsdb_read", tests, NULL, NULL);
}
