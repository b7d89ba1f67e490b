/* What explained reads and histories say of stores that are sound, damaged, and made by others. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/explain.h"
#include "tests/harness/engine_lab.h"

enum { PLAIN = 1, SUM = 2, APART = 3, STEPS = 512, EVENTS = 512 };

struct fixture {
    struct lab_store lab;
    struct engine_watch watch;
    struct engine_step steps[STEPS];
    size_t step_count;
    struct engine_history_event events[EVENTS];
    size_t event_count;
    char damage[1024]; /* the words of the last damage, and of the last table that can't be read */
};

static void take_step(void *context, const struct engine_step *step) {
    struct fixture *fixture = context;
    assert_true(fixture->step_count < STEPS);
    fixture->steps[fixture->step_count++] = *step;
}

static enum status take_event(void *context, const struct engine_history_event *event) {
    struct fixture *fixture = context;
    assert_true(fixture->event_count < EVENTS);
    fixture->events[fixture->event_count++] = *event;
    const bool bad = event->kind == ENGINE_HISTORY_DAMAGE || event->status != STATUS_OK;
    if (bad) (void)snprintf(fixture->damage, sizeof fixture->damage, "%s", event->why);
    return STATUS_OK;
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    lab_store_init(&fixture->lab, 1);
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, PLAIN, LAB_PLAIN);
    lab_create_tree(fixture->lab.engine, SUM, LAB_SUM);
    lab_create_tree(fixture->lab.engine, APART, LAB_APART);
    fixture->watch = (struct engine_watch){.told = take_step, .context = fixture};
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    lab_store_deinit(&fixture->lab);
    free(fixture);
    return 0;
}

static enum status explain(struct fixture *fixture, uint32_t tree, const char *key) {
    struct engine_value value = {.data = {NULL, 0}};
    fixture->step_count = 0;
    engine_explain(fixture->lab.engine, &fixture->watch);
    const enum status status = engine_explain_get(fixture->lab.engine, tree, slice_from_text(key), &value);
    engine_explain(fixture->lab.engine, NULL);
    if (status == STATUS_OK) engine_value_release(&value);
    return status;
}

/* The last step of a kind; NULL = none. */
static const struct engine_step *find(const struct fixture *fixture, enum engine_step_kind kind) {
    for (size_t i = fixture->step_count; i > 0; i--)
        if (fixture->steps[i - 1].kind == kind) return &fixture->steps[i - 1];
    return NULL;
}

static size_t count(const struct fixture *fixture, enum engine_step_kind kind) {
    size_t found = 0;
    for (size_t i = 0; i < fixture->step_count; i++) found += fixture->steps[i].kind == kind;
    return found;
}

/* The same store, closed and opened to be explained. */
static void open_to_explain(struct fixture *fixture, enum status expected_without) {
    struct error error;
    struct engine_options options = fixture->lab.options;
    engine_close(fixture->lab.engine);
    options.read_only = true;
    const enum status status = engine_open(fixture->lab.io, "db", &options, &fixture->lab.engine, &error);
    assert_int_equal(status, expected_without);
    if (status == STATUS_OK) engine_close(fixture->lab.engine);
    options.explains = true;
    assert_int_equal(engine_open(fixture->lab.io, "db", &options, &fixture->lab.engine, &error), STATUS_OK);
}

static void path_of(uint64_t file, char path[IO_PATH_BYTES]) {
    (void)snprintf(path, IO_PATH_BYTES, "db/%010" PRIu64 ".sst", file);
}

static void flip(struct io *io, uint64_t number, uint64_t offset) {
    char path[IO_PATH_BYTES];
    struct io_file *file = NULL;
    uint8_t byte;
    size_t got;
    path_of(number, path);
    assert_int_equal(io_file_open(io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, offset, &byte, 1, &got), STATUS_OK);
    byte ^= 4;
    assert_int_equal(io_file_write(file, offset, &byte, 1), STATUS_OK);
    io_file_close(file);
}

static enum status tell_history(struct fixture *fixture, uint32_t tree, const char *key) {
    struct error error;
    fixture->event_count = 0;
    fixture->damage[0] = 0;
    return engine_explain_history(fixture->lab.io, "db", tree, slice_from_text(key), take_event, fixture, &error);
}

static size_t count_events(const struct fixture *fixture, enum engine_history_kind kind) {
    size_t found = 0;
    for (size_t i = 0; i < fixture->event_count; i++) found += fixture->events[i].kind == kind;
    return found;
}

/* ---- Sound stores ------------------------------------------------------------------------------------------------ */

static void what_a_memtable_decides_asks_no_file(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, PLAIN, "a", "old");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_put(fixture->lab.engine, PLAIN, "a", "new");
    assert_int_equal(explain(fixture, PLAIN, "a"), STATUS_OK);
    assert_int_equal(find(fixture, ENGINE_STEP_VERSION)->effect, ENGINE_EFFECT_SHOWN);
    assert_int_equal(find(fixture, ENGINE_STEP_FILE)->answer, ENGINE_FILE_CANDIDATE);
    assert_int_equal(count(fixture, ENGINE_STEP_BLOCK), 0);
}

static void a_key_outside_of_a_file_is_told_so(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, PLAIN, "m", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(explain(fixture, PLAIN, "a"), STATUS_NOT_FOUND);
    assert_int_equal(find(fixture, ENGINE_STEP_FILE)->answer, ENGINE_FILE_OUTSIDE);
}

static void a_filter_that_says_no_keeps_its_blocks_unread(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, PLAIN, "a", "1");
    lab_put(fixture->lab.engine, PLAIN, "z", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(explain(fixture, PLAIN, "nothing of that name"), STATUS_NOT_FOUND);
    assert_non_null(find(fixture, ENGINE_STEP_FILTER));
    if (find(fixture, ENGINE_STEP_FILTER)->count == 0) return; /* the lab's kinds have none */
    assert_false(find(fixture, ENGINE_STEP_FILTER)->hit);
    assert_int_equal(count(fixture, ENGINE_STEP_BLOCK), 0);
}

static void a_block_comes_from_the_file_once_and_from_the_cache_then(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, PLAIN, "a", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(explain(fixture, PLAIN, "a"), STATUS_OK);
    assert_int_equal(find(fixture, ENGINE_STEP_BLOCK)->from, ENGINE_FROM_FILE);
    assert_int_equal(explain(fixture, PLAIN, "a"), STATUS_OK);
    assert_int_equal(find(fixture, ENGINE_STEP_BLOCK)->from, ENGINE_FROM_CACHE);
}

static void a_range_delete_is_told_of_the_place_that_has_it(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, PLAIN, "b", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_delete_range(fixture->lab.engine, PLAIN, "a", "c");
    assert_int_equal(explain(fixture, PLAIN, "b"), STATUS_NOT_FOUND);
    assert_int_equal(fixture->steps[fixture->step_count - 1].kind, ENGINE_STEP_COVER);
    assert_int_equal(count(fixture, ENGINE_STEP_COVER), 1);
    assert_int_equal(count(fixture, ENGINE_STEP_VERSION), 0);
}

static void operands_are_told_newest_first_and_folded(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, SUM, "n", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_merge(fixture->lab.engine, SUM, "n", "2");
    lab_merge(fixture->lab.engine, SUM, "n", "3");
    assert_int_equal(explain(fixture, SUM, "n"), STATUS_OK);
    assert_int_equal(count(fixture, ENGINE_STEP_VERSION), 3);
    assert_int_equal(find(fixture, ENGINE_STEP_VERSION)->entry, ENGINE_ENTRY_PUT);
    assert_int_equal(find(fixture, ENGINE_STEP_FOLD)->count, 2);
}

static void a_value_kept_apart_is_told_with_its_place(void **state) {
    struct fixture *fixture = *state;
    char large[401];
    memset(large, 'v', 400);
    large[400] = 0;
    lab_put(fixture->lab.engine, APART, "k", large);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(explain(fixture, APART, "k"), STATUS_OK);
    assert_true(find(fixture, ENGINE_STEP_VERSION)->apart);
    assert_non_null(find(fixture, ENGINE_STEP_VALUE));
    assert_true(find(fixture, ENGINE_STEP_VALUE)->bytes > 0);
    assert_int_equal(find(fixture, ENGINE_STEP_VALUE)->status, STATUS_OK);
}

static void a_scan_tells_the_fate_of_each_entry(void **state) {
    struct fixture *fixture = *state;
    struct engine *engine = fixture->lab.engine;
    struct engine_iterator *iterator = NULL;
    lab_put(engine, PLAIN, "a", "1");
    lab_put(engine, PLAIN, "b", "1");
    lab_put(engine, PLAIN, "c", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_put(engine, PLAIN, "a", "2");
    lab_delete(engine, PLAIN, "b");
    lab_delete_range(engine, PLAIN, "c", "d");
    fixture->step_count = 0;
    engine_explain(engine, &fixture->watch);
    assert_int_equal(engine_iterator_open(engine, PLAIN, NULL, &iterator), STATUS_OK);
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator))
        continue;
    engine_iterator_close(iterator);
    engine_explain(engine, NULL);
    const enum engine_step_effect expected[] = {ENGINE_EFFECT_SHOWN, ENGINE_EFFECT_OLDER, ENGINE_EFFECT_DELETED,
                                                ENGINE_EFFECT_OLDER, ENGINE_EFFECT_COVERED};
    size_t at = 0;
    for (size_t i = 0; i < fixture->step_count; i++)
        if (fixture->steps[i].kind == ENGINE_STEP_ENTRY) assert_int_equal(fixture->steps[i].effect, expected[at++]);
    assert_int_equal(at, sizeof expected / sizeof expected[0]);
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

static uint64_t flush_two(struct fixture *fixture) {
    lab_put(fixture->lab.engine, PLAIN, "a", "1");
    lab_put(fixture->lab.engine, SUM, "n", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(explain(fixture, PLAIN, "a"), STATUS_OK);
    return find(fixture, ENGINE_STEP_BLOCK)->file;
}

static void a_damaged_block_is_told_with_its_status(void **state) {
    struct fixture *fixture = *state;
    const uint64_t file = flush_two(fixture);
    flip(fixture->lab.io, file, find(fixture, ENGINE_STEP_BLOCK)->offset + 30);
    open_to_explain(fixture, STATUS_OK);
    assert_int_equal(explain(fixture, PLAIN, "a"), STATUS_CORRUPT);
    assert_int_equal(find(fixture, ENGINE_STEP_BLOCK)->status, STATUS_CORRUPT);
    assert_int_equal(find(fixture, ENGINE_STEP_BLOCK)->file, file);
}

struct listed {
    size_t count;
    uint64_t file;
};
static void list(void *context, const struct engine_damaged_file *file) {
    struct listed *listed = context;
    listed->count++;
    listed->file = file->file;
}

static void a_table_that_is_gone_fails_only_the_reads_that_need_it(void **state) {
    struct fixture *fixture = *state;
    struct listed listed = {.count = 0};
    char path[IO_PATH_BYTES];
    const uint64_t file = flush_two(fixture);
    engine_close(fixture->lab.engine);
    path_of(file, path);
    assert_int_equal(io_remove(fixture->lab.io, path), STATUS_OK);
    fixture->lab.engine = NULL;
    open_to_explain(fixture, STATUS_CORRUPT);
    assert_int_equal(explain(fixture, SUM, "n"), STATUS_OK);
    assert_int_equal(explain(fixture, PLAIN, "a"), STATUS_CORRUPT);
    assert_int_equal(find(fixture, ENGINE_STEP_OPEN)->file, file);
    engine_explain_damaged(fixture->lab.engine, list, &listed);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.file, file);
}

static void a_writer_does_not_explain(void **state) {
    struct fixture *fixture = *state;
    struct engine_options options = fixture->lab.options;
    struct engine *engine = NULL;
    struct error error;
    options.explains = true;
    assert_int_equal(engine_open(fixture->lab.io, "other", &options, &engine, &error), STATUS_INVALID);
}

static void kinds_that_are_not_given_are_the_manifests(void **state) {
    struct fixture *fixture = *state;
    static const struct engine_tree_kind other = {.id = LAB_PLAIN, .name = "another program's"};
    struct engine_options options = {
        .kinds = &other, .kind_count = 1, .must_exist = true, .read_only = true, .explains = true};
    struct error error;
    (void)flush_two(fixture);
    lab_merge(fixture->lab.engine, SUM, "n", "2");
    engine_close(fixture->lab.engine);
    assert_int_equal(engine_open(fixture->lab.io, "db", &options, &fixture->lab.engine, &error), STATUS_OK);
    assert_int_equal(explain(fixture, PLAIN, "a"), STATUS_OK);
    assert_int_equal(explain(fixture, SUM, "n"), STATUS_UNSUPPORTED);
    assert_int_equal(find(fixture, ENGINE_STEP_FOLD)->status, STATUS_UNSUPPORTED);
}

/* ---- Every version ----------------------------------------------------------------------------------------------- */

static enum status see_version(void *context, const struct engine_step *step) {
    take_step(context, step);
    return STATUS_OK;
}

static enum status tell_versions(struct fixture *fixture, uint32_t tree, const char *lower, const char *upper) {
    fixture->step_count = 0;
    return engine_explain_versions(fixture->lab.engine, tree, slice_from_text(lower), slice_from_text(upper),
                                   see_version, fixture);
}

static const struct engine_step *find_entry(const struct fixture *fixture, size_t at) {
    for (size_t i = 0; i < fixture->step_count; i++)
        if (fixture->steps[i].kind == ENGINE_STEP_ENTRY && at-- == 0) return &fixture->steps[i];
    return NULL;
}

static void every_version_of_a_range_is_told_where_it_lies(void **state) {
    struct fixture *fixture = *state;
    struct engine *engine = fixture->lab.engine;
    lab_put(engine, SUM, "a", "1");
    lab_put(engine, SUM, "n", "1");
    lab_put(engine, SUM, "o", "1");
    lab_put(engine, SUM, "z", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    lab_merge(engine, SUM, "n", "2");
    lab_delete(engine, SUM, "o");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_merge(engine, SUM, "n", "3");
    assert_int_equal(tell_versions(fixture, SUM, "b", "z"), STATUS_OK);
    static const struct {
        uint32_t memtable;
        enum engine_step_effect effect;
    } expected[] = {{0, ENGINE_EFFECT_OPERAND},
                    {ENGINE_MEMTABLE_NONE, ENGINE_EFFECT_OPERAND},
                    {ENGINE_MEMTABLE_NONE, ENGINE_EFFECT_DELETED},
                    {ENGINE_MEMTABLE_NONE, ENGINE_EFFECT_SHOWN},
                    {ENGINE_MEMTABLE_NONE, ENGINE_EFFECT_SHOWN}};
    assert_int_equal(count(fixture, ENGINE_STEP_ENTRY), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(find_entry(fixture, i)->memtable, expected[i].memtable);
        assert_int_equal(find_entry(fixture, i)->effect, expected[i].effect);
    }
    assert_int_equal(find_entry(fixture, 1)->level, 0);
    assert_true(find_entry(fixture, 3)->level > 0);
    assert_true(find_entry(fixture, 1)->file != find_entry(fixture, 3)->file);
    assert_true(find_entry(fixture, 1)->sequence < find_entry(fixture, 0)->sequence);
    assert_int_equal(tell_versions(fixture, SUM, "b", "n"), STATUS_OK);
    assert_int_equal(count(fixture, ENGINE_STEP_ENTRY), 0);
    assert_int_equal(tell_versions(fixture, 77, "b", "n"), STATUS_INVALID);
}

static void versions_under_a_newer_range_delete_are_covered(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, PLAIN, "b", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_delete_range(fixture->lab.engine, PLAIN, "a", "c");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_put(fixture->lab.engine, PLAIN, "b", "2");
    assert_int_equal(tell_versions(fixture, PLAIN, "a", "z"), STATUS_OK);
    assert_int_equal(count(fixture, ENGINE_STEP_ENTRY), 2);
    assert_int_equal(find_entry(fixture, 0)->effect, ENGINE_EFFECT_SHOWN);
    assert_int_equal(find_entry(fixture, 1)->effect, ENGINE_EFFECT_COVERED);
}

static void a_damaged_block_is_passed_and_the_file_s_others_are_told(void **state) {
    enum { KEYS = 60, VALUE_BYTES = 900 }; /* several files of several blocks */
    struct fixture *fixture = *state;
    char key[8], value[VALUE_BYTES];
    struct engine_step damaged = {.count = 0};
    size_t inside = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof key, "k%03u", i);
        for (size_t at = 0; at + 1 < sizeof value; at++) value[at] = (char)('a' + (i * 7 + at * at) % 26);
        value[sizeof value - 1] = 0;
        lab_put(fixture->lab.engine, PLAIN, key, value);
    }
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(tell_versions(fixture, PLAIN, "k", "l"), STATUS_OK);
    assert_int_equal(count(fixture, ENGINE_STEP_ENTRY), KEYS);
    for (size_t i = 0; i < fixture->step_count; i++)
        if (fixture->steps[i].kind == ENGINE_STEP_BLOCK && fixture->steps[i].at == 1) damaged = fixture->steps[i];
    for (size_t i = 0; i < fixture->step_count; i++)
        inside += fixture->steps[i].kind == ENGINE_STEP_ENTRY && fixture->steps[i].at == 1 &&
                  fixture->steps[i].file == damaged.file;
    flip(fixture->lab.io, damaged.file, damaged.offset + damaged.bytes / 2);
    open_to_explain(fixture, STATUS_OK);
    assert_int_equal(tell_versions(fixture, PLAIN, "k", "l"), STATUS_OK);
    assert_true(inside > 0 && inside < KEYS);
    assert_int_equal(count(fixture, ENGINE_STEP_ENTRY), KEYS - inside);
    size_t failed = 0;
    for (size_t i = 0; i < fixture->step_count; i++) {
        const struct engine_step *step = &fixture->steps[i];
        if (step->kind != ENGINE_STEP_BLOCK || step->status == STATUS_OK) continue;
        failed++;
        assert_int_equal(step->offset, damaged.offset);
    }
    assert_int_equal(failed, 1);
}

static void a_table_that_does_not_open_is_told_and_the_others_are_walked(void **state) {
    struct fixture *fixture = *state;
    char path[IO_PATH_BYTES];
    const uint64_t file = flush_two(fixture);
    lab_put(fixture->lab.engine, PLAIN, "a", "2");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    engine_close(fixture->lab.engine);
    path_of(file, path);
    assert_int_equal(io_remove(fixture->lab.io, path), STATUS_OK);
    fixture->lab.engine = NULL;
    open_to_explain(fixture, STATUS_CORRUPT);
    assert_int_equal(tell_versions(fixture, PLAIN, "a", "b"), STATUS_OK);
    assert_int_equal(find(fixture, ENGINE_STEP_OPEN)->file, file);
    assert_int_equal(find(fixture, ENGINE_STEP_OPEN)->status, STATUS_CORRUPT);
    assert_int_equal(count(fixture, ENGINE_STEP_ENTRY), 1);
}

/* ---- Histories --------------------------------------------------------------------------------------------------- */

static void a_history_tells_flush_compaction_and_version(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->lab.engine, PLAIN, "a", "1");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_put(fixture->lab.engine, PLAIN, "a", "2");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    assert_int_equal(tell_history(fixture, PLAIN, "a"), STATUS_OK);
    size_t came = 0, went = 0;
    for (size_t i = 0; i < fixture->event_count; i++) {
        const struct engine_history_event *event = &fixture->events[i];
        came += event->kind == ENGINE_HISTORY_FILE && event->added;
        went += event->kind == ENGINE_HISTORY_FILE && !event->added;
    }
    assert_true(came >= 3);
    assert_int_equal(came, went + count_events(fixture, ENGINE_HISTORY_TABLE));
    assert_int_equal(count_events(fixture, ENGINE_HISTORY_VERSION), 1);
    assert_string_equal(fixture->damage, "");
}

static void a_damaged_table_is_told_and_the_others_are_read(void **state) {
    struct fixture *fixture = *state;
    const uint64_t file = flush_two(fixture);
    const uint64_t offset = find(fixture, ENGINE_STEP_BLOCK)->offset;
    char name[32];
    lab_put(fixture->lab.engine, PLAIN, "a", "2");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    flip(fixture->lab.io, file, offset + 30);
    assert_int_equal(tell_history(fixture, PLAIN, "a"), STATUS_OK);
    (void)snprintf(name, sizeof name, "%010" PRIu64 ".sst", file);
    assert_non_null(strstr(fixture->damage, name));
    assert_int_equal(count_events(fixture, ENGINE_HISTORY_VERSION), 1);
}

static void a_table_that_stands_in_for_another_is_not_believed(void **state) {
    struct fixture *fixture = *state;
    const uint64_t file = flush_two(fixture);
    char path[IO_PATH_BYTES], other[IO_PATH_BYTES];
    assert_int_equal(explain(fixture, SUM, "n"), STATUS_OK);
    path_of(file, path);
    path_of(find(fixture, ENGINE_STEP_BLOCK)->file, other);
    engine_close(fixture->lab.engine);
    fixture->lab.engine = NULL;
    assert_int_equal(io_rename(fixture->lab.io, other, path), STATUS_OK);
    assert_int_equal(tell_history(fixture, PLAIN, "a"), STATUS_OK);
    assert_non_null(strstr(fixture->damage, path));
    assert_int_equal(count_events(fixture, ENGINE_HISTORY_VERSION), 0);
}

static void no_store_is_not_found(void **state) {
    struct fixture *fixture = *state;
    struct error error;
    assert_int_equal(io_dir_make(fixture->lab.io, "empty"), STATUS_OK);
    assert_int_equal(
        engine_explain_history(fixture->lab.io, "empty", PLAIN, slice_from_text("a"), take_event, fixture, &error),
        STATUS_NOT_FOUND);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(what_a_memtable_decides_asks_no_file),
        FACT(a_key_outside_of_a_file_is_told_so),
        FACT(a_filter_that_says_no_keeps_its_blocks_unread),
        FACT(a_block_comes_from_the_file_once_and_from_the_cache_then),
        FACT(a_range_delete_is_told_of_the_place_that_has_it),
        FACT(operands_are_told_newest_first_and_folded),
        FACT(a_value_kept_apart_is_told_with_its_place),
        FACT(a_scan_tells_the_fate_of_each_entry),
        FACT(a_damaged_block_is_told_with_its_status),
        FACT(a_table_that_is_gone_fails_only_the_reads_that_need_it),
        FACT(a_writer_does_not_explain),
        FACT(kinds_that_are_not_given_are_the_manifests),
        FACT(every_version_of_a_range_is_told_where_it_lies),
        FACT(versions_under_a_newer_range_delete_are_covered),
        FACT(a_damaged_block_is_passed_and_the_file_s_others_are_told),
        FACT(a_table_that_does_not_open_is_told_and_the_others_are_walked),
        FACT(a_history_tells_flush_compaction_and_version),
        FACT(a_damaged_table_is_told_and_the_others_are_read),
        FACT(a_table_that_stands_in_for_another_is_not_believed),
        FACT(no_store_is_not_found),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
