/*
 * Repair of a log of several segments, of which the device does not give a place, or gives other bytes: what stands
 * before it stays, and what stands behind it where batches show that it follows, on what was read or on the tables.
 * What is left is the state after some batch, and never half of one; what is lost is named by file and offset.
 *
 * Replay one case: LOAM_TEST_SEED=seed build/tests/crash/engine_repair_log_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "tests/harness/repair_lab.h"
#include "tests/harness/test_env.h"

enum { TREE = 1, SEGMENTS_MAX = 16, UNSYNCED = 1000, SEGMENT_BYTES = 64 << 10, VALUE_BYTES = 240 };

static const unsigned everies[] = {1, 7, UNSYNCED}; /* writes of which one is durable */

struct segment {
    char path[IO_PATH_BYTES];
    unsigned first; /* write that went to it, or to one behind it */
};

struct store {
    struct lab_store lab;
    unsigned writes; /* keys 1..writes were put, each in a batch of its own */
    struct segment segments[SEGMENTS_MAX];
    unsigned segment_count;
    struct buf lines; /* of the last repair */
};

static void key_of(unsigned write, char key[16]) {
    snprintf(key, 16, "key%05u", write);
}

static void note_segment(void *context, const char *path, uint64_t size) {
    struct store *store = context;
    const size_t length = strlen(path);
    (void)size;
    if (length < 4 || strcmp(path + length - 4, ".wal") != 0) return;
    for (unsigned i = 0; i < store->segment_count; i++)
        if (strcmp(store->segments[i].path, path) == 0) return;
    assert_true(store->segment_count < SEGMENTS_MAX);
    struct segment *segment = &store->segments[store->segment_count++];
    segment->first = store->writes + 1;
    snprintf(segment->path, sizeof segment->path, "%s", path);
}

static void put(struct store *store, bool sync) {
    const struct engine_write_options options = {.sync = sync};
    char key[16], value[VALUE_BYTES];
    struct engine_batch batch;
    engine_batch_init(&batch);
    key_of(store->writes + 1, key);
    memset(value, 'a' + (int)(store->writes % 26), sizeof value);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text(key), slice_make(value, sizeof value)), STATUS_OK);
    assert_int_equal(engine_write(store->lab.engine, &batch, &options), STATUS_OK);
    engine_batch_deinit(&batch);
    sim_disk_walk(store->lab.disk, note_segment, store); /* before it counts: it may stand in a new one */
    store->writes++;
}

/* Until there are so many segments. every: so many writes are one that is durable. */
static void fill(struct store *store, unsigned segments, unsigned every) {
    while (store->segment_count < segments) put(store, (store->writes + 1) % every == 0);
    for (unsigned i = 0; i < 5; i++) put(store, every == 1);
}

static void make(struct store *store, uint64_t seed, unsigned segments, unsigned every) {
    *store = (struct store){.lines = BUF_EMPTY};
    lab_store_init(&store->lab, seed);
    store->lab.options.memtable_bytes = 16 << 20;
    store->lab.options.wal_segment_bytes = SEGMENT_BYTES;
    lab_store_open(&store->lab);
    lab_create_tree(store->lab.engine, TREE, LAB_PLAIN);
    lab_put(store->lab.engine, TREE, "base", "1");
    assert_int_equal(engine_flush(store->lab.engine), STATUS_OK); /* no repair needs the log for the tree */
    sim_disk_walk(store->lab.disk, note_segment, store);
    if (segments) fill(store, segments, every);
}

static void shut(struct store *store) {
    engine_close(store->lab.engine);
    store->lab.engine = NULL;
}

static void unmake(struct store *store) {
    buf_deinit(&store->lines);
    lab_store_deinit(&store->lab);
}

static void damage(struct store *store, unsigned segment, uint64_t offset, uint64_t bytes, enum sim_damage how) {
    for (uint64_t at = offset; at < offset + bytes; at += IO_SECTOR_BYTES)
        assert_int_equal(sim_disk_damage(store->lab.disk, store->segments[segment].path, at, how), STATUS_OK);
}

static void repair(struct store *store) {
    repair_lab_repair(&store->lab, REPAIR_UNREADABLE_AS_LOST, &store->lines);
    if (repair_lab_verify(&store->lab, NULL) != STATUS_OK)
        fail_msg("it does not verify\n%s", (const char *)store->lines.data);
    lab_store_open(&store->lab);
}

static bool is_there(struct store *store, unsigned write) {
    struct engine_value value;
    char key[16];
    key_of(write, key);
    const enum status status = engine_get(store->lab.engine, NULL, TREE, slice_from_text(key), &value);
    if (status == STATUS_NOT_FOUND) return false;
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(value.data.size, VALUE_BYTES);
    assert_int_equal(value.data.data[0], 'a' + (int)((write - 1) % 26));
    engine_value_release(&value);
    return true;
}

/* How many writes are there; behind the first that is not, none is. */
static unsigned count_kept(struct store *store) {
    unsigned kept = 0;
    while (kept < store->writes && is_there(store, kept + 1)) kept++;
    for (unsigned write = kept + 1; write <= store->writes; write++)
        if (is_there(store, write))
            fail_msg("write %u is there, %u is not\n%s", write, kept + 1, (const char *)store->lines.data);
    return kept;
}

static void expect_kept(struct store *store, unsigned least) {
    const unsigned kept = count_kept(store);
    if (kept < least)
        fail_msg("%u of %u writes are there, %u could be\n%s", kept, store->writes, least,
                 (const char *)store->lines.data);
    lab_put(store->lab.engine, TREE, "after", "1");
    lab_store_reopen(&store->lab);
    lab_expect(store->lab.engine, NULL, TREE, "after", "1");
    assert_int_equal(count_kept(store), kept);
}

static void expect_named(const struct store *store, unsigned segment, const char *words) {
    const char *name = strrchr(store->segments[segment].path, '/') + 1;
    for (const char *at = (const char *)store->lines.data; (at = strstr(at, name)) != NULL; at++) {
        const char *end = strchr(at, '\n'), *found = strstr(at, words);
        if (found && end && found < end) return;
    }
    fail_msg("no line names %s with \"%s\"\n%s", name, words, (const char *)store->lines.data);
}

/* All that a header says stands in its neighbours and in its groups, too. */
static void a_header_that_can_t_be_read_costs_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3 * 4 * 2; i++) {
        struct store store;
        make(&store, test_seed(1) + i, 4, everies[i % 3]);
        shut(&store);
        damage(&store, i / 3 % 4, 0, i / 12 ? IO_PAGE_BYTES : IO_SECTOR_BYTES, SIM_DAMAGE_UNREADABLE);
        repair(&store);
        expect_kept(&store, store.writes);
        unmake(&store);
    }
}

static void a_damaged_header_costs_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3 * 4; i++) {
        struct store store;
        make(&store, test_seed(100) + i, 4, everies[i % 3]);
        shut(&store);
        damage(&store, i / 3 % 4, 1 + i * 5 % 56, 1, SIM_DAMAGE_FLIP);
        repair(&store);
        expect_kept(&store, store.writes);
        unmake(&store);
    }
}

/* The first groups, too: then it can't be shown that what stands behind follows. */
static void what_stands_before_a_lost_beginning_of_a_segment_is_kept(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3 * 4; i++) {
        struct store store;
        const unsigned segment = i / 3 % 4;
        make(&store, test_seed(200) + i, 4, everies[i % 3]);
        shut(&store);
        damage(&store, segment, 0, 2 * IO_PAGE_BYTES, SIM_DAMAGE_UNREADABLE);
        repair(&store);
        expect_named(&store, segment, "offset");
        expect_kept(&store, store.segments[segment].first - 1);
        assert_true(segment == 0 || count_kept(&store) < store.writes);
        unmake(&store);
    }
}

/* What the lost place held is in tables. */
static void what_goes_on_where_the_tables_end_is_kept_behind_a_lost_place(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct store store;
        make(&store, test_seed(300) + i, 0, 1);
        for (unsigned write = 0; write < 8; write++) put(&store, true);
        assert_int_equal(engine_flush(store.lab.engine), STATUS_OK);
        fill(&store, 3, 1);
        shut(&store);
        damage(&store, 0, i % 2 * IO_PAGE_BYTES, (1 + i / 2 * 3) * IO_PAGE_BYTES, SIM_DAMAGE_UNREADABLE);
        repair(&store);
        expect_kept(&store, store.writes);
        unmake(&store);
    }
}

static void a_lost_place_anywhere_leaves_the_state_after_some_batch(void **state) {
    (void)state;
    unsigned lost = 0;
    for (uint64_t i = 0; i < test_scaled(60); i++) {
        struct store store;
        make(&store, test_seed(400) + i, 4, everies[i % 3]);
        shut(&store);
        const unsigned segment = (unsigned)(hash_mix(i, 1) % 4);
        damage(&store, segment, hash_mix(i, 2) % (SEGMENT_BYTES / 512) * 512, 1,
               i % 4 ? SIM_DAMAGE_UNREADABLE : SIM_DAMAGE_FLIP);
        repair(&store);
        expect_kept(&store, store.segments[segment].first - 1);
        lost += count_kept(&store) < store.writes;
        unmake(&store);
    }
    assert_true(lost > 0 || test_scaled(100) < 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_that_can_t_be_read_costs_nothing),
        cmocka_unit_test(a_damaged_header_costs_nothing),
        cmocka_unit_test(what_stands_before_a_lost_beginning_of_a_segment_is_kept),
        cmocka_unit_test(what_goes_on_where_the_tables_end_is_kept_behind_a_lost_place),
        cmocka_unit_test(a_lost_place_anywhere_leaves_the_state_after_some_batch),
    };
    return cmocka_run_group_tests_name("engine repair log", tests, NULL, NULL);
}
