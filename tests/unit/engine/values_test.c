/* Values kept apart from their keys: what is read, what compaction moves, when the files of values go, and how many are
 * open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/io_backend.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, SIZE = 1000 };

struct fixture {
    struct lab_store lab;
};

static int set_up(void **state) {
    static struct fixture fixture;
    lab_store_init(&fixture.lab, 7);
    fixture.lab.options.value_file_bytes = 64 << 10;
    fixture.lab.engine = lab_open(fixture.lab.io, "/db", &fixture.lab.options);
    lab_create_tree(fixture.lab.engine, TREE, LAB_APART);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    lab_store_deinit(&fixture->lab);
    return 0;
}

static void reopen(struct fixture *fixture) {
    engine_close(fixture->lab.engine);
    fixture->lab.engine = lab_open(fixture->lab.io, "/db", &fixture->lab.options);
}

/* A value of SIZE bytes that says who it is. */
static const char *value_of(unsigned key, unsigned version, char text[SIZE + 1]) {
    memset(text, 'a' + (int)(version % 26), SIZE);
    const int size = snprintf(text, SIZE, "%u/%u:", key, version);
    text[size] = '-';
    text[SIZE] = 0;
    return text;
}

static void put(const struct fixture *fixture, unsigned key, unsigned version) {
    char name[16], text[SIZE + 1];
    snprintf(name, sizeof name, "k%04u", key);
    lab_put(fixture->lab.engine, TREE, name, value_of(key, version, text));
}

static void expect(const struct fixture *fixture, const struct engine_snapshot *snapshot, unsigned key,
                   unsigned version) {
    char name[16], text[SIZE + 1];
    snprintf(name, sizeof name, "k%04u", key);
    lab_expect(fixture->lab.engine, snapshot, TREE, name, value_of(key, version, text));
}

static void put_many(const struct fixture *fixture, unsigned from, unsigned to, unsigned version) {
    for (unsigned key = from; key < to; key++) put(fixture, key, version);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
}

static void compact(const struct fixture *fixture) {
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    while (io_job_assist(fixture->lab.io)) continue;
}

static struct engine_stats stats_of(const struct fixture *fixture) {
    struct engine_stats stats;
    engine_get_stats(fixture->lab.engine, &stats);
    return stats;
}

struct listing {
    unsigned count;
    char last[64];
};

static void note_file(void *context, const char *path, uint64_t size) {
    struct listing *listing = context;
    (void)size;
    if (strncmp(path, "/db/", 4) != 0 || !strstr(path, ".val")) return;
    listing->count++;
    snprintf(listing->last, sizeof listing->last, "%s", path);
}

static struct listing value_files(const struct fixture *fixture) {
    struct listing listing = {.count = 0};
    sim_disk_walk(fixture->lab.disk, note_file, &listing);
    return listing;
}

static void must_verify(const struct fixture *fixture) {
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

/* ---- Reads ------------------------------------------------------------------------------------------------------- */

static void a_large_value_lies_apart_and_is_read_by_get_and_both_ways(void **state) {
    const struct fixture *fixture = *state;
    char text[SIZE + 1], expected[2 * SIZE + 64], other[SIZE + 1];
    put(fixture, 1, 1);
    put(fixture, 2, 2);
    lab_put(fixture->lab.engine, TREE, "small", "inline");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(value_files(fixture).count, 1);
    const struct engine_stats stats = stats_of(fixture);
    assert_true(stats.levels[0].bytes < 2 * SIZE && stats.value_bytes > 2 * SIZE);
    assert_true(stats.disk_bytes == stats.levels[0].bytes + stats.value_bytes);
    expect(fixture, NULL, 1, 1);
    snprintf(expected, sizeof expected, "k0001=%s k0002=%s small=inline", value_of(1, 1, text), value_of(2, 2, other));
    lab_expect_all(fixture->lab.engine, NULL, TREE, expected);
    must_verify(fixture);
}

static void a_value_stays_pinned_while_its_file_goes(void **state) {
    const struct fixture *fixture = *state;
    struct engine_value value;
    char text[SIZE + 1];
    put_many(fixture, 0, 20, 1);
    assert_int_equal(engine_get(fixture->lab.engine, NULL, TREE, slice_from_text("k0003"), &value), STATUS_OK);
    put_many(fixture, 0, 20, 2);
    compact(fixture);
    assert_int_equal(value_files(fixture).count, 1);
    assert_true(slice_equal(value.data, slice_from_text(value_of(3, 1, text))));
    engine_value_release(&value);
}

static void from_memory_alone_it_would_block_until_it_was_read(void **state) {
    struct fixture *fixture = *state;
    struct engine_value value;
    const struct slice key = slice_from_text("k0001");
    put_many(fixture, 1, 2, 1);
    reopen(fixture);
    assert_int_equal(engine_get_try(fixture->lab.engine, NULL, TREE, key, &value), STATUS_WOULD_BLOCK);
    expect(fixture, NULL, 1, 1);
    assert_int_equal(engine_get_try(fixture->lab.engine, NULL, TREE, key, &value), STATUS_OK);
    engine_value_release(&value);
}

/* An io that counts what is read as a batch, and says how many files may be open. */
static struct {
    const struct io_vtable *inner;
    struct io_vtable vtable;
    unsigned batches, read;
    uint64_t files_most;
} counting;

static void count_batch(struct io *io, struct io_read *reads, size_t count) {
    (void)io;
    counting.batches++;
    counting.read += (unsigned)count;
    for (size_t i = 0; i < count; i++)
        reads[i].status = io_file_read(reads[i].file, reads[i].offset, reads[i].to, reads[i].size, &reads[i].got);
}

static uint64_t tell_files_most(struct io *io) {
    (void)io;
    return counting.files_most;
}

static void begin_counting(struct io *io, uint64_t files_most) {
    counting.inner = io->vtable;
    counting.vtable = *io->vtable;
    counting.vtable.file_read_many = count_batch;
    counting.vtable.files_most = tell_files_most;
    counting.batches = counting.read = 0;
    counting.files_most = files_most;
    io->vtable = &counting.vtable;
}

static void end_counting(struct io *io) {
    io->vtable = counting.inner;
}

enum { MANY = 60 };

/* Keys from first on, the last one twice and one that is absent. */
struct asked {
    char names[MANY + 2][16];
    struct slice keys[MANY + 2];
    struct engine_value values[MANY + 2];
    enum status statuses[MANY + 2];
};

static void ask_many(const struct fixture *fixture, struct asked *asked, unsigned first) {
    for (unsigned i = 0; i < MANY + 2; i++) {
        snprintf(asked->names[i], sizeof asked->names[i], "k%04u", i < MANY ? first + i : first + MANY - 1);
        if (i > MANY) snprintf(asked->names[i], sizeof asked->names[i], "absent");
        asked->keys[i] = slice_from_text(asked->names[i]);
    }
    assert_int_equal(
        engine_get_many(fixture->lab.engine, NULL, TREE, asked->keys, MANY + 2, asked->values, asked->statuses),
        STATUS_OK);
}

static void expect_many(struct asked *asked, unsigned first, unsigned version) {
    char text[SIZE + 1];
    for (unsigned i = 0; i <= MANY; i++) {
        assert_int_equal(asked->statuses[i], STATUS_OK);
        const unsigned key = i < MANY ? first + i : first + MANY - 1;
        assert_true(slice_equal(asked->values[i].data, slice_from_text(value_of(key, version, text))));
        engine_value_release(&asked->values[i]);
    }
    assert_int_equal(asked->statuses[MANY + 1], STATUS_NOT_FOUND);
}

static void many_values_are_read_as_one_batch_whether_the_cache_keeps_them_or_not(void **state) {
    static struct asked asked;
    struct fixture *fixture = *state;
    put_many(fixture, 0, 100, 1);
    for (size_t cache_bytes = 16 << 10; cache_bytes <= 1 << 20;
         cache_bytes <<= 6) { /* blocks stay; values in the second */
        fixture->lab.options.cache_bytes = cache_bytes;
        reopen(fixture);
        expect(fixture, NULL, 99, 1); /* the table is open */
        begin_counting(fixture->lab.io, UINT64_MAX);
        ask_many(fixture, &asked, 20);
        end_counting(fixture->lab.io);
        expect_many(&asked, 20, 1);
        assert_in_range(counting.read, MANY, MANY + 4); /* each value once, but for the key that was asked twice */
        assert_in_range(counting.batches, 1, 3);
    }
}

static void one_damaged_value_of_many_is_told_and_the_others_are_read(void **state) {
    static struct asked asked;
    struct fixture *fixture = *state;
    struct error error;
    put_many(fixture, 0, MANY, 1);
    const struct listing listing = value_files(fixture);
    engine_close(fixture->lab.engine);
    assert_int_equal(sim_disk_damage(fixture->lab.disk, listing.last, 600, SIM_DAMAGE_FLIP), STATUS_OK);
    fixture->lab.engine = lab_open(fixture->lab.io, "/db", &fixture->lab.options);
    ask_many(fixture, &asked, 0);
    unsigned damaged = 0;
    for (unsigned i = 0; i <= MANY; i++) {
        damaged += asked.statuses[i] == STATUS_CORRUPT;
        assert_true(asked.statuses[i] == STATUS_OK || asked.statuses[i] == STATUS_CORRUPT);
        if (asked.statuses[i] == STATUS_OK) assert_int_equal(asked.values[i].data.size, SIZE);
        engine_value_release(&asked.values[i]);
    }
    assert_int_equal(damaged, 1);
    engine_last_error(fixture->lab.engine, &error);
    assert_non_null(strstr(error.text, ".val"));
}

static void many_values_without_memory_are_each_refused_or_read(void **state) {
    static struct asked asked;
    struct fixture *fixture = *state;
    char text[SIZE + 1];
    put_many(fixture, 0, MANY, 1);
    bool met = true;
    for (uint64_t nth = 1; met; nth += nth / 16 + 1) {
        reopen(fixture);
        for (unsigned i = 0; i < MANY; i++) {
            snprintf(asked.names[i], sizeof asked.names[i], "k%04u", i);
            asked.keys[i] = slice_from_text(asked.names[i]);
        }
        alloc_fault_at(nth);
        const enum status status =
            engine_get_many(fixture->lab.engine, NULL, TREE, asked.keys, MANY, asked.values, asked.statuses);
        met = alloc_fault_clear();
        for (unsigned i = 0; i < MANY; i++) {
            if (asked.statuses[i] == STATUS_OK)
                assert_true(slice_equal(asked.values[i].data, slice_from_text(value_of(i, 1, text))));
            else
                assert_true(met && asked.statuses[i] == STATUS_NO_MEMORY);
            engine_value_release(&asked.values[i]);
        }
        assert_true(status == STATUS_OK || met);
    }
}

/* ---- Open files -------------------------------------------------------------------------------------------------- */

static void files_of_values_that_were_not_asked_for_lately_are_closed(void **state) {
    enum { KEYS = 600, MOST = 8 };
    static struct asked asked;
    struct fixture *fixture = *state;
    struct engine_iterator *iterator;
    fixture->lab.options.value_file_bytes = 16 << 10;
    fixture->lab.options.open_files = MOST;
    reopen(fixture);
    const size_t without = sim_io_open_files(fixture->lab.io);
    put_many(fixture, 0, KEYS, 1);
    compact(fixture);
    assert_true(value_files(fixture).count > 4 * MOST);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned key = 0; key < KEYS; key += 7) expect(fixture, NULL, key * 31 % KEYS, 1);
        ask_many(fixture, &asked, 100 * round);
        expect_many(&asked, 100 * round, 1);
        while (io_job_assist(fixture->lab.io)) continue;
        assert_true(stats_of(fixture).open_files <= MOST);
        assert_true(sim_io_open_files(fixture->lab.io) <= without + MOST);
    }
    unsigned keys = 0;
    assert_int_equal(engine_iterator_open(fixture->lab.engine, TREE, NULL, &iterator), STATUS_OK);
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        assert_int_equal(engine_iterator_value(iterator).size, SIZE);
        keys++;
    }
    assert_int_equal(keys, KEYS);
    engine_iterator_close(iterator);
    must_verify(fixture);
    while (io_job_assist(fixture->lab.io)) continue;
    assert_true(stats_of(fixture).open_files <= MOST);
}

static void an_iterator_reads_no_value_that_is_not_asked_for(void **state) {
    struct fixture *fixture = *state;
    struct engine_iterator *iterator;
    unsigned keys = 0;
    put_many(fixture, 0, 30, 1);
    reopen(fixture);
    expect(fixture, NULL, 0, 1); /* index and blocks are in memory */
    assert_int_equal(engine_iterator_open(fixture->lab.engine, TREE, NULL, &iterator), STATUS_OK);
    const uint64_t misses = stats_of(fixture).cache_misses;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) keys++;
    assert_int_equal(keys, 30);
    assert_true(stats_of(fixture).cache_misses < misses + 10);
    engine_iterator_seek_first(iterator);
    assert_int_equal(engine_iterator_value(iterator).size, SIZE);
    engine_iterator_close(iterator);
}

static void operands_and_appends_fold_onto_a_value_that_lies_apart(void **state) {
    const struct fixture *fixture = *state;
    char text[SIZE + 1], longer[SIZE + 16];
    put_many(fixture, 0, 2, 1);
    lab_append(fixture->lab.engine, TREE, "k0000", "+tail");
    snprintf(longer, sizeof longer, "%s+tail", value_of(0, 1, text));
    lab_expect(fixture->lab.engine, NULL, TREE, "k0000", longer);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    lab_expect(fixture->lab.engine, NULL, TREE, "k0000", longer);
    compact(fixture);
    lab_expect(fixture->lab.engine, NULL, TREE, "k0000", longer);
    expect(fixture, NULL, 1, 1);
    must_verify(fixture);
}

/* ---- Compaction -------------------------------------------------------------------------------------------------- */

static void compaction_carries_references_and_leaves_values_where_they_are(void **state) {
    const struct fixture *fixture = *state;
    put_many(fixture, 0, 20, 1);
    put_many(fixture, 20, 40, 1);
    put_many(fixture, 0, 5, 2);
    const uint64_t before = stats_of(fixture).value_written_bytes;
    compact(fixture);
    assert_int_equal(stats_of(fixture).value_written_bytes, before);
    assert_int_equal(stats_of(fixture).value_moved_bytes, 0);
    expect(fixture, NULL, 3, 2);
    expect(fixture, NULL, 30, 1);
    must_verify(fixture);
}

static void a_stale_file_gives_up_its_live_values_and_goes(void **state) {
    const struct fixture *fixture = *state;
    put_many(fixture, 0, 20, 1);
    const struct listing first = value_files(fixture);
    put_many(fixture, 0, 15, 2);
    compact(fixture);
    struct io_entry entry;
    assert_int_equal(io_stat(fixture->lab.io, first.last, &entry), STATUS_NOT_FOUND);
    const struct engine_stats stats = stats_of(fixture);
    assert_int_equal(stats.value_moved_bytes, 5 * SIZE);
    assert_true(stats.value_live_bytes + 64 * 2 * stats.value_files == stats.value_bytes);
    for (unsigned key = 0; key < 20; key++) expect(fixture, NULL, key, key < 15 ? 2 : 1);
    must_verify(fixture);
}

static void a_snapshot_keeps_the_values_that_it_sees(void **state) {
    const struct fixture *fixture = *state;
    put_many(fixture, 0, 20, 1);
    struct engine_snapshot *snapshot = engine_snapshot_acquire(fixture->lab.engine);
    put_many(fixture, 0, 20, 2);
    compact(fixture);
    for (unsigned key = 0; key < 20; key++) expect(fixture, snapshot, key, 1);
    engine_snapshot_release(fixture->lab.engine, snapshot);
    put_many(fixture, 0, 20, 3);
    compact(fixture);
    assert_int_equal(value_files(fixture).count, 1);
    expect(fixture, NULL, 7, 3);
    must_verify(fixture);
}

static void a_range_delete_of_all_and_a_dropped_tree_leave_no_file(void **state) {
    const struct fixture *fixture = *state;
    put_many(fixture, 0, 40, 1);
    lab_delete_range(fixture->lab.engine, TREE, "", "");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    compact(fixture);
    assert_int_equal(value_files(fixture).count, 0);
    put_many(fixture, 0, 40, 2);
    lab_drop_tree(fixture->lab.engine, TREE);
    lab_create_tree(fixture->lab.engine, TREE + 1, LAB_PLAIN);
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    compact(fixture);
    assert_int_equal(value_files(fixture).count, 0);
}

static void a_threshold_that_is_taken_away_leaves_what_is_there_readable(void **state) {
    struct fixture *fixture = *state;
    struct engine_tree_kind kinds[4];
    put_many(fixture, 0, 20, 1);
    memcpy(kinds, fixture->lab.options.kinds, sizeof kinds);
    kinds[LAB_APART - 1].value_threshold_bytes = 0;
    fixture->lab.options.kinds = kinds;
    reopen(fixture);
    put_many(fixture, 0, 15, 2);
    compact(fixture);
    for (unsigned key = 0; key < 20; key++) expect(fixture, NULL, key, key < 15 ? 2 : 1);
    assert_int_equal(value_files(fixture).count, 0); /* it was stale: what was left came back to its keys */
    must_verify(fixture);
    reopen(fixture);
    fixture->lab.options.kinds = lab_options().kinds;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static void a_checkpoint_has_the_values_and_goes_its_own_way(void **state) {
    const struct fixture *fixture = *state;
    struct engine_mark mark;
    char text[SIZE + 1];
    put_many(fixture, 0, 20, 1);
    assert_int_equal(engine_checkpoint(fixture->lab.engine, "/copy", &mark, NULL), STATUS_OK);
    put_many(fixture, 0, 20, 2);
    compact(fixture);
    struct engine *copy = lab_open(fixture->lab.io, "/copy", &fixture->lab.options);
    lab_expect(copy, NULL, TREE, "k0004", value_of(4, 1, text));
    lab_put(copy, TREE, "k0004", value_of(4, 9, text));
    assert_int_equal(engine_compact(copy), STATUS_OK);
    lab_expect(copy, NULL, TREE, "k0004", value_of(4, 9, text));
    lab_expect(copy, NULL, TREE, "k0005", value_of(5, 1, text));
    assert_int_equal(engine_verify(copy, NULL, NULL), STATUS_OK);
    engine_close(copy);
    expect(fixture, NULL, 4, 2);
}

static void the_account_is_the_same_after_a_restart(void **state) {
    struct fixture *fixture = *state;
    put_many(fixture, 0, 40, 1);
    put_many(fixture, 0, 10, 2);
    compact(fixture);
    const struct engine_stats before = stats_of(fixture);
    assert_true(before.value_live_bytes < before.value_bytes - 9 * SIZE);
    reopen(fixture);
    const struct engine_stats after = stats_of(fixture);
    assert_int_equal(before.value_files, after.value_files);
    assert_int_equal(before.value_bytes, after.value_bytes);
    assert_int_equal(before.value_live_bytes, after.value_live_bytes);
    must_verify(fixture);
}

static void a_file_that_nobody_refers_to_goes_at_open(void **state) {
    struct fixture *fixture = *state;
    struct io_file *file;
    put_many(fixture, 0, 2, 1);
    assert_int_equal(io_file_open(fixture->lab.io, "/db/0000000900.val", IO_OPEN_WRITE | IO_OPEN_CREATE, &file),
                     STATUS_OK);
    io_file_close(file);
    reopen(fixture);
    assert_int_equal(value_files(fixture).count, 1);
    expect(fixture, NULL, 1, 1);
}

static void a_file_that_is_missing_is_told_at_open(void **state) {
    struct fixture *fixture = *state;
    struct engine *engine;
    struct error error;
    put_many(fixture, 0, 2, 1);
    const struct listing listing = value_files(fixture);
    engine_close(fixture->lab.engine);
    assert_int_equal(io_remove(fixture->lab.io, listing.last), STATUS_OK);
    assert_int_equal(engine_open(fixture->lab.io, "/db", &fixture->lab.options, &engine, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, listing.last));
    fixture->lab.engine = lab_open(fixture->lab.io, "/fresh", &fixture->lab.options);
}

static void a_damaged_value_is_an_error_with_its_place_and_the_others_are_read(void **state) {
    struct fixture *fixture = *state;
    struct engine_value value;
    struct engine_iterator *iterator;
    struct error error;
    put_many(fixture, 0, 2, 1);
    const struct listing listing = value_files(fixture);
    engine_close(fixture->lab.engine);
    assert_int_equal(sim_disk_damage(fixture->lab.disk, listing.last, 600, SIM_DAMAGE_FLIP), STATUS_OK);
    fixture->lab.engine = lab_open(fixture->lab.io, "/db", &fixture->lab.options);
    assert_int_equal(engine_get(fixture->lab.engine, NULL, TREE, slice_from_text("k0000"), &value), STATUS_CORRUPT);
    engine_last_error(fixture->lab.engine, &error);
    assert_non_null(strstr(error.text, ".val"));
    assert_non_null(strstr(error.text, "offset 64"));
    expect(fixture, NULL, 1, 1);
    assert_int_equal(engine_iterator_open(fixture->lab.engine, TREE, NULL, &iterator), STATUS_OK);
    engine_iterator_seek_first(iterator);
    assert_true(engine_iterator_valid(iterator));
    assert_int_equal(engine_iterator_value(iterator).size, 0);
    assert_false(engine_iterator_valid(iterator));
    assert_int_equal(engine_iterator_status(iterator), STATUS_CORRUPT);
    engine_iterator_seek(iterator, slice_from_text("k0001"));
    assert_int_equal(engine_iterator_value(iterator).size, SIZE);
    engine_iterator_close(iterator);
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_CORRUPT);
}

static void beside_a_running_owner_values_stay_readable(void **state) {
    const struct fixture *fixture = *state;
    struct engine_options options = fixture->lab.options;
    char text[SIZE + 1];
    options.read_only = true;
    put_many(fixture, 0, 20, 1);
    struct engine *beside = lab_open(fixture->lab.io, "/db", &options);
    put_many(fixture, 0, 20, 2);
    compact(fixture);
    lab_expect(beside, NULL, TREE, "k0004", value_of(4, 1, text));
    engine_close(beside);
    expect(fixture, NULL, 4, 2);
    must_verify(fixture);
}

static void keep_event(void *context, const char *line) {
    struct buf *lines = context;
    assert_int_equal(buf_append_format(lines, "%s\n", line), STATUS_OK);
}

static void as_many_files_are_open_as_the_process_allows_and_the_log_tells(void **state) {
    enum { KEYS = 300, DESCRIPTORS = 24 };
    struct fixture *fixture = *state;
    struct buf lines = BUF_EMPTY;
    fixture->lab.options.value_file_bytes = fixture->lab.options.file_bytes = 4 << 10;
    fixture->lab.options.on_event = keep_event;
    fixture->lab.options.event_context = &lines;
    reopen(fixture);
    assert_int_equal(buf_append_byte(&lines, 0), STATUS_OK);
    assert_null(strstr((const char *)lines.data, "open files lowered"));
    put_many(fixture, 0, KEYS, 1);
    compact(fixture);
    begin_counting(fixture->lab.io, DESCRIPTORS);
    buf_clear(&lines);
    reopen(fixture);
    assert_int_equal(buf_append_byte(&lines, 0), STATUS_OK);
    assert_non_null(strstr((const char *)lines.data, "\"open files lowered\""));
    assert_non_null(strstr((const char *)lines.data, "\"process_may_have\":24,\"lowered_to\":12"));
    for (unsigned key = 0; key < KEYS; key++) expect(fixture, NULL, key, 1);
    while (io_job_assist(fixture->lab.io)) continue;
    assert_true(stats_of(fixture).open_files <= DESCRIPTORS / 2);
    end_counting(fixture->lab.io);
    fixture->lab.options.on_event = NULL;
    reopen(fixture);
    buf_deinit(&lines);
}

/* The ratchet: a store that an older binary may take back has no such file. */
static void at_format_level_1_the_threshold_is_said_to_be_unused_until_an_upgrade(void **state) {
    struct fixture *fixture = *state;
    struct buf lines = BUF_EMPTY;
    engine_close(fixture->lab.engine);
    fixture->lab.options.format_level = 1;
    fixture->lab.options.on_event = keep_event;
    fixture->lab.options.event_context = &lines;
    fixture->lab.engine = lab_open(fixture->lab.io, "/old", &fixture->lab.options);
    assert_int_equal(buf_append_byte(&lines, 0), STATUS_OK);
    assert_non_null(strstr((const char *)lines.data, "\"threshold unused\""));
    assert_non_null(strstr((const char *)lines.data, "\"kind\":\"lab.apart\""));
    lab_create_tree(fixture->lab.engine, TREE, LAB_APART);
    put_many(fixture, 0, 20, 1);
    compact(fixture);
    assert_int_equal(stats_of(fixture).value_files, 0);
    assert_int_equal(engine_upgrade(fixture->lab.engine, 0, NULL), STATUS_OK);
    put_many(fixture, 0, 10, 2);
    compact(fixture);
    assert_true(stats_of(fixture).value_files > 0);
    for (unsigned key = 0; key < 20; key++) expect(fixture, NULL, key, key < 10 ? 2 : 1);
    must_verify(fixture);
    buf_clear(&lines);
    engine_close(fixture->lab.engine);
    fixture->lab.engine = lab_open(fixture->lab.io, "/old", &fixture->lab.options);
    assert_int_equal(buf_append_byte(&lines, 0), STATUS_OK);
    assert_null(strstr((const char *)lines.data, "\"threshold unused\""));
    engine_close(fixture->lab.engine);
    fixture->lab.options.on_event = NULL;
    fixture->lab.engine = lab_open(fixture->lab.io, "/old", &fixture->lab.options);
    buf_deinit(&lines);
}

static void a_threshold_below_what_a_reference_takes_is_refused(void **state) {
    const struct fixture *fixture = *state;
    struct engine_tree_kind kind = fixture->lab.options.kinds[LAB_APART - 1];
    struct engine_options options = fixture->lab.options;
    struct engine *engine;
    struct error error;
    kind.value_threshold_bytes = 10;
    options.kinds = &kind;
    options.kind_count = 1;
    assert_int_equal(engine_open(fixture->lab.io, "/other", &options, &engine, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "value_threshold_bytes"));
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(a_large_value_lies_apart_and_is_read_by_get_and_both_ways),
        FACT(a_value_stays_pinned_while_its_file_goes),
        FACT(from_memory_alone_it_would_block_until_it_was_read),
        FACT(many_values_are_read_as_one_batch_whether_the_cache_keeps_them_or_not),
        FACT(one_damaged_value_of_many_is_told_and_the_others_are_read),
        FACT(many_values_without_memory_are_each_refused_or_read),
        FACT(files_of_values_that_were_not_asked_for_lately_are_closed),
        FACT(as_many_files_are_open_as_the_process_allows_and_the_log_tells),
        FACT(an_iterator_reads_no_value_that_is_not_asked_for),
        FACT(operands_and_appends_fold_onto_a_value_that_lies_apart),
        FACT(compaction_carries_references_and_leaves_values_where_they_are),
        FACT(a_stale_file_gives_up_its_live_values_and_goes),
        FACT(a_snapshot_keeps_the_values_that_it_sees),
        FACT(a_range_delete_of_all_and_a_dropped_tree_leave_no_file),
        FACT(a_threshold_that_is_taken_away_leaves_what_is_there_readable),
        FACT(a_checkpoint_has_the_values_and_goes_its_own_way),
        FACT(the_account_is_the_same_after_a_restart),
        FACT(a_file_that_nobody_refers_to_goes_at_open),
        FACT(a_file_that_is_missing_is_told_at_open),
        FACT(a_damaged_value_is_an_error_with_its_place_and_the_others_are_read),
        FACT(beside_a_running_owner_values_stay_readable),
        FACT(at_format_level_1_the_threshold_is_said_to_be_unused_until_an_upgrade),
        FACT(a_threshold_below_what_a_reference_takes_is_refused),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
