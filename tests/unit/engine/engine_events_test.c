/* What an engine tells about itself: events with causes, statistics, options that are checked and kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/lsm/manifest.h"
#include "engine/lsm/options.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, OTHER = 2, ROWS = 400 };

struct fixture {
    struct lab_store lab;
    struct buf told; /* lines of the callback */
};

static void take_line(void *context, const char *line) {
    struct fixture *fixture = context;
    assert_int_equal(buf_append_format(&fixture->told, "%s\n", line), STATUS_OK);
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    lab_store_init(&fixture->lab, 7);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    lab_store_deinit(&fixture->lab);
    buf_deinit(&fixture->told);
    free(fixture);
    return 0;
}

static void reopen(struct fixture *fixture) {
    lab_store_reopen(&fixture->lab);
}

static void fill(struct fixture *fixture, const char *value) {
    char key[16];
    for (unsigned i = 0; i < ROWS; i++) {
        snprintf(key, sizeof key, "k%04u", i * 7 % ROWS);
        lab_put(fixture->lab.engine, TREE, key, value);
    }
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
}

static char *read_text(struct fixture *fixture, const char *path) {
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(file_read_all(fixture->lab.io, path, 16 << 20, &bytes), STATUS_OK);
    assert_int_equal(buf_append_byte(&bytes, 0), STATUS_OK);
    return (char *)bytes.data;
}

/* Every line is an object, and its braces and quotes match. */
static void check_json(const char *text) {
    int depth = 0;
    bool quoted = false;
    for (const char *at = text; *at; at++) {
        if (quoted && *at == '\\') {
            assert_true(at[1] != 0);
            at++;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (!quoted && (*at == '{' || *at == '[')) {
            depth++;
        } else if (!quoted && (*at == '}' || *at == ']')) {
            depth--;
        } else if (*at == '\n') {
            assert_true(depth == 0 && !quoted);
            assert_true(at[1] == '{' || at[1] == 0);
        }
    }
    assert_true(depth == 0 && !quoted);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static void every_job_tells_its_start_its_end_and_why(void **state) {
    struct fixture *fixture = *state;
    fixture->lab.options.on_event = take_line;
    fixture->lab.options.event_context = fixture;
    reopen(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    fill(fixture, "first value of some length, first value of some length");
    fill(fixture, "second value of some length, second value of some length");
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    fixture->lab.options.on_event = NULL;
    reopen(fixture);
    assert_int_equal(buf_append_byte(&fixture->told, 0), STATUS_OK);
    const char *told = (const char *)fixture->told.data;
    check_json(told);
    static const char *const expected[] = {
        "\"event\":\"open\"",
        "\"event\":\"flush start\"",
        "\"why\":\"the memtable is full\"",
        "\"why\":\"it was asked for\"",
        "\"event\":\"flush end\"",
        "\"output\":[{\"file\":",
        "\"event\":\"compaction start\"",
        "\"event\":\"compaction end\"",
        "\"input\":[{\"file\":",
        "\"read_bytes\":",
        "\"event\":\"sweep\"",
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!strstr(told, expected[i])) fail_msg("no %s in\n%s", expected[i], told);
    char *kept = read_text(fixture, "db/EVENTS");
    check_json(kept);
    assert_true(strncmp(kept, told, strlen(told)) == 0); /* and the second opening behind it */
    assert_non_null(strstr(kept + strlen(told), "\"event\":\"open\""));
    free(kept);
}

static void the_files_of_events_stay_within_their_limit(void **state) {
    struct fixture *fixture = *state;
    fixture->lab.options.event_log_bytes = 16 << 10;
    reopen(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    for (int i = 0; i < 100; i++) {
        lab_put(fixture->lab.engine, TREE, "k", "v");
        assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    }
    struct io_entry now, old;
    reopen(fixture);
    assert_int_equal(io_stat(fixture->lab.io, "db/EVENTS", &now), STATUS_OK);
    assert_int_equal(io_stat(fixture->lab.io, "db/EVENTS.1", &old), STATUS_OK);
    assert_true(now.size > 0 && old.size > 0 && now.size + old.size <= 16 << 10);
    char *text = read_text(fixture, "db/EVENTS.1");
    check_json(text);
    free(text);
}

static void events_can_be_left_out(void **state) {
    struct fixture *fixture = *state;
    struct io_entry entry;
    fixture->lab.options.event_log_bytes = ENGINE_EVENT_LOG_OFF;
    reopen(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(io_stat(fixture->lab.io, "db/EVENTS", &entry), STATUS_NOT_FOUND);
}

static void refuse_events(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    (void)context;
    const bool writes = call == SIM_DISK_WRITE || call == SIM_DISK_OPEN;
    if (writes && strstr(path, "EVENTS")) sim_disk_fail_at(disk, 1, STATUS_IO, false);
}

static void events_that_cannot_be_written_are_counted_and_nothing_else_suffers(void **state) {
    struct fixture *fixture = *state;
    struct engine_stats stats;
    sim_disk_set_watch(fixture->lab.disk, refuse_events, NULL);
    reopen(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    fill(fixture, "value");
    sim_disk_set_watch(fixture->lab.disk, NULL, NULL);
    engine_get_stats(fixture->lab.engine, &stats);
    assert_true(stats.events_lost > 0);
    lab_put(fixture->lab.engine, TREE, "after", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_expect(fixture->lab.engine, NULL, TREE, "after", "1");
}

/* ---- Statistics -------------------------------------------------------------------------------------------------- */

static void each_tree_and_level_has_its_costs(void **state) {
    struct fixture *fixture = *state;
    struct engine_tree_info info, other;
    struct engine_stats stats;
    reopen(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    lab_create_tree(fixture->lab.engine, OTHER, LAB_PLAIN);
    fill(fixture, "first value of some length, first value of some length");
    fill(fixture, "second value of some length, second value of some length");
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_tree_info(fixture->lab.engine, TREE, &info), STATUS_OK);
    assert_int_equal(engine_tree_info(fixture->lab.engine, OTHER, &other), STATUS_OK);
    engine_get_stats(fixture->lab.engine, &stats);
    assert_true(info.flushed_bytes > 0 && info.compactions > 0 && info.compacted_read_bytes > 0);
    assert_int_equal(other.flushed_bytes + other.compacted_read_bytes + other.compacted_written_bytes, 0);
    assert_int_equal(info.flushed_bytes, stats.flushed_bytes);
    assert_int_equal(info.compacted_read_bytes, stats.compacted_read_bytes);
    assert_int_equal(info.compacted_written_bytes, stats.compacted_written_bytes);
    uint64_t read = 0, written = 0;
    for (unsigned i = 0; i < ENGINE_LEVELS; i++) {
        read += stats.levels[i].compacted_read_bytes;
        written += stats.levels[i].compacted_written_bytes;
    }
    assert_int_equal(read, stats.compacted_read_bytes);
    assert_int_equal(written, stats.compacted_written_bytes + stats.flushed_bytes);
}

static void a_tree_tells_what_it_consists_of(void **state) {
    struct fixture *fixture = *state;
    struct engine_tree_info info;
    struct engine_batch batch;
    struct buf text = BUF_EMPTY;
    reopen(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    lab_create_tree(fixture->lab.engine, OTHER, LAB_SUM);
    fill(fixture, "value");
    engine_batch_init(&batch);
    for (unsigned i = 0; i < 3; i++) {
        const struct slice key = slice_from_text(i == 0 ? "k0001" : i == 1 ? "k0002" : "nowhere");
        assert_int_equal(engine_batch_delete(&batch, TREE, key), STATUS_OK);
    }
    const struct slice begin = slice_from_text("k0003"), end = slice_from_text("k0004");
    assert_int_equal(engine_batch_delete_range(&batch, TREE, begin, end), STATUS_OK);
    assert_int_equal(engine_batch_merge(&batch, OTHER, begin, slice_from_text("1")), STATUS_OK);
    assert_int_equal(engine_write(fixture->lab.engine, &batch, NULL), STATUS_OK);
    engine_batch_deinit(&batch);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_tree_info(fixture->lab.engine, TREE, &info), STATUS_OK);
    assert_int_equal(info.deletes, 3);
    assert_int_equal(info.range_deletes, 1);
    assert_int_equal(info.operands + info.expiring_files, 0);
    assert_int_equal(engine_tree_info(fixture->lab.engine, OTHER, &info), STATUS_OK);
    assert_int_equal(info.operands, 1);
    assert_int_equal(engine_print_stats(fixture->lab.engine, &text), STATUS_OK);
    assert_int_equal(buf_append_format(&text, "\n%c", 0), STATUS_OK);
    check_json((const char *)text.data);
    assert_non_null(strstr((const char *)text.data, "\"deletes\":3,\"operands\":0,\"range_deletes\":1,"));
    assert_non_null(strstr((const char *)text.data, "\"values\":{\"files\":0,"));
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_tree_info(fixture->lab.engine, TREE, &info), STATUS_OK);
    assert_int_equal(info.deletes + info.range_deletes, 0);
    buf_deinit(&text);
}

static void calls_are_timed_and_told_as_json(void **state) {
    struct fixture *fixture = *state;
    struct hist *hist = malloc(sizeof *hist);
    struct buf text = BUF_EMPTY;
    reopen(fixture);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    fill(fixture, "value");
    for (int i = 0; i < 1000; i++) lab_expect(fixture->lab.engine, NULL, TREE, "k0001", "value");
    lab_expect(fixture->lab.engine, NULL, TREE, "k0001", "value");
    engine_get_timing(fixture->lab.engine, ENGINE_TIMING_GET, hist);
    assert_true(hist->count >= 10 && hist->count <= 20);
    engine_get_timing(fixture->lab.engine, ENGINE_TIMING_PUT, hist);
    assert_true(hist->count >= 5);
    engine_get_timing(fixture->lab.engine, ENGINE_TIMING_FLUSH, hist);
    assert_true(hist->count >= 1 && hist->max > 0);
    assert_int_equal(engine_print_stats(fixture->lab.engine, &text), STATUS_OK);
    assert_int_equal(buf_append_format(&text, "\n%c", 0), STATUS_OK);
    check_json((const char *)text.data);
    assert_non_null(strstr((const char *)text.data, "\"timings\":{\"get\":{\"sampled\":1"));
    assert_non_null(strstr((const char *)text.data, "\"trees\":[{\"tree\":1,\"kind\":1"));
    buf_deinit(&text);
    free(hist);
}

/* ---- Options ----------------------------------------------------------------------------------------------------- */

static void expect_refusal(struct fixture *fixture, enum status status, const char *words) {
    struct engine *engine = NULL;
    struct error error;
    assert_int_equal(engine_open(fixture->lab.io, "db", &fixture->lab.options, &engine, &error), status);
    if (!strstr(error.text, words)) fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void an_option_out_of_bounds_is_named_with_value_and_range(void **state) {
    struct fixture *fixture = *state;
    fixture->lab.options.level_ratio = 1;
    expect_refusal(fixture, STATUS_INVALID, "level_ratio is 1; it must be 2..1000");
    fixture->lab.options = lab_options();
    fixture->lab.options.wal_segment_bytes = 65;
    expect_refusal(fixture, STATUS_INVALID, "wal_segment_bytes is 65; it must be 65536..1073741824");
    fixture->lab.options = lab_options();
    fixture->lab.options.wal_segment_bytes = (64 << 10) + 1;
    expect_refusal(fixture, STATUS_INVALID, "wal_segment_bytes is 65537; it must be a multiple of 4096");
    fixture->lab.options = lab_options();
    fixture->lab.options.memtable_limit = 99;
    expect_refusal(fixture, STATUS_INVALID, "memtable_limit is 99; it must be 2..15");
}

static void options_are_kept_and_differences_told(void **state) {
    struct fixture *fixture = *state;
    struct engine_options effective;
    reopen(fixture);
    char *first = read_text(fixture, "db/OPTIONS");
    assert_non_null(strstr(first, "level_ratio 4\n"));
    assert_non_null(strstr(first, "kind.2 name="));
    fixture->lab.options.level_ratio = 6;
    reopen(fixture);
    engine_get_options(fixture->lab.engine, &effective);
    assert_int_equal(effective.level_ratio, 6);
    char *second = read_text(fixture, "db/OPTIONS");
    assert_non_null(strstr(second, "level_ratio 6\n"));
    char *events = read_text(fixture, "db/EVENTS");
    assert_non_null(strstr(events, "\"event\":\"options changed\",\"level_ratio\":\"4 to 6\""));
    free(first);
    free(second);
    free(events);
}

static void an_option_that_cannot_change_is_refused(void **state) {
    struct fixture *fixture = *state;
    reopen(fixture);
    engine_close(fixture->lab.engine);
    fixture->lab.engine = NULL;
    fixture->lab.options.wal = ENGINE_WAL_OFF;
    expect_refusal(fixture, STATUS_MISMATCH, "the store was made with wal own, which can't change");
    fixture->lab.options.wal = ENGINE_WAL_OWN;
    reopen(fixture);
}

static void damaged_options_are_told_and_written_anew(void **state) {
    struct fixture *fixture = *state;
    struct error error;
    reopen(fixture);
    engine_close(fixture->lab.engine);
    fixture->lab.engine = NULL;
    assert_int_equal(sim_disk_damage(fixture->lab.disk, "/db/OPTIONS", 40, SIM_DAMAGE_FLIP), STATUS_OK);
    reopen(fixture);
    engine_last_error(fixture->lab.engine, &error);
    assert_int_equal(error.status, STATUS_CORRUPT);
    assert_non_null(strstr(error.text, "OPTIONS"));
    reopen(fixture);
    engine_last_error(fixture->lab.engine, &error);
    assert_int_equal(error.status, STATUS_OK);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(every_job_tells_its_start_its_end_and_why),
        FACT(the_files_of_events_stay_within_their_limit),
        FACT(events_can_be_left_out),
        FACT(events_that_cannot_be_written_are_counted_and_nothing_else_suffers),
        FACT(each_tree_and_level_has_its_costs),
        FACT(a_tree_tells_what_it_consists_of),
        FACT(calls_are_timed_and_told_as_json),
        FACT(an_option_out_of_bounds_is_named_with_value_and_range),
        FACT(options_are_kept_and_differences_told),
        FACT(an_option_that_cannot_change_is_refused),
        FACT(damaged_options_are_told_and_written_anew),
    };
    return cmocka_run_group_tests_name("engine_events", tests, NULL, NULL);
}
