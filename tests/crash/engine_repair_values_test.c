/*
 * Verify and repair of stores whose values lie apart: files of values that are lost, or have a flipped bit anywhere,
 * with the manifest there or lost, too. Afterwards the store opens and verifies, and each key has what was written
 * last, or the repair has named it and it is gone: never an older value. A file of values that is only out of place in
 * the manifest costs nothing.
 *
 * Replay one case: LOAM_TEST_SEED=seed build/tests/crash/engine_repair_values_test
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
#include "engine/base/prng.h"
#include "tests/harness/repair_lab.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum {
    TREE = LAB_APART /* the guess where no manifest is left */,
    KEYS = 150,
    WRITES = 900,
    VALUE_MAX = 1500,
    MS = 1000000
};

struct store {
    struct lab_store lab;    /* the engine is open in a test for itself alone */
    unsigned expected[KEYS]; /* the write that each key holds; 0 = none */
    unsigned how;            /* repairs are asked for: REPAIR_UNREADABLE_AS_LOST or 0 */
};

static void key_of(unsigned key, char text[16]) {
    snprintf(text, 16, "key%05u", key);
}

static void value_of(unsigned write, char text[VALUE_MAX + 1]) {
    const size_t size = write % 4 == 0 ? 60 : 256 + hash_mix(write, 7) % (VALUE_MAX - 256);
    const int head = snprintf(text, VALUE_MAX, "%u:", write);
    for (size_t i = (size_t)head; i < size; i++) text[i] = (char)('a' + hash_mix(write, i) % 26);
    text[size] = 0;
}

static void write_one(struct store *store, struct engine *engine, struct prng *prng, unsigned write) {
    char key[16], value[VALUE_MAX + 1];
    const unsigned at = (unsigned)prng_below(prng, KEYS);
    const bool deletes = prng_chance(prng, 1, 8);
    key_of(at, key);
    value_of(write, value);
    if (deletes)
        lab_delete(engine, TREE, key);
    else
        lab_put(engine, TREE, key, value);
    store->expected[at] = deletes ? 0 : write;
}

static void make(struct store *store, uint64_t seed) {
    struct prng prng;
    *store = (struct store){.how = 0};
    lab_store_init(&store->lab, seed);
    store->lab.options.memtable_bytes = 24 << 10;
    store->lab.options.file_bytes = 4 << 10;
    store->lab.options.value_file_bytes = 16 << 10;
    store->lab.options.level_base_bytes = 4 << 10;
    store->lab.options.level_ratio = 2;
    prng_init(&prng, seed);
    struct engine *engine = lab_open(store->lab.io, "db", &store->lab.options);
    lab_create_tree(engine, TREE, LAB_APART);
    struct engine_snapshot *snapshot = NULL;
    for (unsigned i = 1; i <= WRITES; i++) {
        if (i == WRITES / 3) snapshot = engine_snapshot_acquire(engine); /* versions keep their sequences */
        write_one(store, engine, &prng, i);
        if (i % 50 == 0) io_run(store->lab.io, io_now_ns(store->lab.io) + MS);
    }
    engine_snapshot_release(engine, snapshot);
    engine_close(engine);
}

static void unmake(struct store *store) {
    lab_store_deinit(&store->lab);
}

static bool is_named(const struct buf *plan, const char *key) {
    char text[64];
    snprintf(text, sizeof text, "lost: the value of key \"%s\"", key);
    return strstr((const char *)plan->data, text) != NULL;
}

/* How many keys are gone; each was named. */
static unsigned expect_all_or_named(struct store *store, struct engine *engine, const struct buf *plan) {
    char key[16], value[VALUE_MAX + 1];
    unsigned gone = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        struct engine_value found;
        key_of(i, key);
        const enum status status = engine_get(engine, NULL, TREE, slice_from_text(key), &found);
        if (store->expected[i]) value_of(store->expected[i], value);
        const bool right = store->expected[i] ? status == STATUS_OK && slice_equal(found.data, slice_from_text(value))
                                              : status == STATUS_NOT_FOUND;
        if (!right && !(status == STATUS_NOT_FOUND && is_named(plan, key)))
            fail_msg("seed %llu: %s: %s, expected write %u\n%s", (unsigned long long)store->lab.seed, key,
                     status_name(status), store->expected[i], (const char *)plan->data);
        gone += !right;
        if (status == STATUS_OK) engine_value_release(&found);
    }
    return gone;
}

/* Dry run, repair, open, compare, compact, verify; how many keys are gone. */
static unsigned mend(struct store *store) {
    struct buf done = BUF_EMPTY, again = BUF_EMPTY;
    repair_lab_mend(&store->lab, store->how, &done);
    struct engine *engine = lab_open(store->lab.io, "db", &store->lab.options);
    const unsigned gone = expect_all_or_named(store, engine, &done);
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    lab_put(engine, TREE, "after", "1");
    assert_int_equal(engine_compact(engine), STATUS_OK);
    assert_int_equal(expect_all_or_named(store, engine, &done), gone);
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    engine_close(engine);
    assert_false(repair_lab_repair(&store->lab, store->how, &again).needed);
    buf_deinit(&done);
    buf_deinit(&again);
    return gone;
}

static void lose_manifest(struct store *store) {
    assert_int_equal(io_remove(store->lab.io, repair_lab_find(&store->lab, ".manifest", 0).path), STATUS_OK);
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static void a_sound_store_verifies_and_needs_no_repair(void **state) {
    (void)state;
    struct store store;
    struct buf lines = BUF_EMPTY;
    make(&store, test_seed(1));
    assert_true(repair_lab_find(&store.lab, ".val", 0).count > 3);
    const uint64_t before = sim_disk_hash(store.lab.disk);
    assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_OK);
    assert_false(repair_lab_repair(&store.lab, store.how, &lines).needed);
    assert_int_equal(sim_disk_hash(store.lab.disk), before);
    buf_deinit(&lines);
    unmake(&store);
}

static void a_lost_manifest_costs_no_value(void **state) {
    (void)state;
    for (uint64_t i = 0; i < test_scaled(20); i++) {
        struct store store;
        make(&store, test_seed(1) + i);
        lose_manifest(&store);
        if (i % 2) assert_int_equal(io_remove(store.lab.io, "db/SUPERBLOCK"), STATUS_OK);
        assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_CORRUPT);
        assert_int_equal(mend(&store), 0);
        unmake(&store);
    }
}

static void a_flipped_bit_costs_one_value_at_most_and_its_key_is_named(void **state) {
    (void)state;
    unsigned gone = 0;
    for (uint64_t i = 0; i < test_scaled(60); i++) {
        struct store store;
        char path[IO_PATH_BYTES];
        uint64_t offset;
        make(&store, test_seed(100) + i);
        assert_int_equal(sim_disk_damage_any(store.lab.disk, ".val", SIM_DAMAGE_FLIP, path, sizeof path, &offset),
                         STATUS_OK);
        if (i % 3 == 2) lose_manifest(&store);
        assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_CORRUPT);
        const unsigned lost = mend(&store);
        assert_true(lost <= 1);
        gone += lost;
        unmake(&store);
    }
    print_message("%u keys lost\n", gone);
    assert_true(gone > 0 || test_scaled(100) < 100);
}

/* By itself a repair takes nothing for lost that the device may give another time. */
static void a_sector_that_can_t_be_read_costs_its_values_when_that_is_asked_for(void **state) {
    (void)state;
    for (uint64_t i = 0; i < test_scaled(30); i++) {
        struct store store;
        const struct care_repair_options options = {.say = NULL};
        struct care_repair_report report;
        struct error error;
        char path[IO_PATH_BYTES];
        uint64_t offset;
        make(&store, test_seed(300) + i);
        assert_int_equal(sim_disk_damage_any(store.lab.disk, ".val", SIM_DAMAGE_UNREADABLE, path, sizeof path, &offset),
                         STATUS_OK);
        const uint64_t before = sim_disk_hash(store.lab.disk);
        assert_int_equal(engine_care_repair(store.lab.io, "db", &options, &report, &error), STATUS_IO);
        assert_non_null(strstr(error.text, strrchr(path, '/') + 1));
        assert_int_equal(sim_disk_hash(store.lab.disk), before);
        store.how = REPAIR_UNREADABLE_AS_LOST;
        assert_true(mend(&store) <= 4);
        unmake(&store);
    }
}

static void a_lost_file_costs_its_values_and_their_keys_are_named(void **state) {
    (void)state;
    unsigned gone = 0;
    for (uint64_t i = 0; i < test_scaled(30); i++) {
        struct store store;
        make(&store, test_seed(200) + i);
        const unsigned count = repair_lab_find(&store.lab, ".val", 0).count;
        assert_int_equal(io_remove(store.lab.io, repair_lab_find(&store.lab, ".val", (unsigned)(i % count)).path),
                         STATUS_OK);
        if (i % 3 == 2) lose_manifest(&store);
        assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_CORRUPT);
        gone += mend(&store);
        unmake(&store);
    }
    print_message("%u keys lost\n", gone);
    assert_true(gone > 0 || test_scaled(100) < 100);
}

/* Each key has something that was written to it, or nothing: what a table's lost blocks held is told by their spans. */
static void expect_nothing_foreign(struct store *store, struct engine *engine) {
    char key[16], value[VALUE_MAX + 1];
    for (unsigned i = 0; i < KEYS; i++) {
        struct engine_value found;
        key_of(i, key);
        const enum status status = engine_get(engine, NULL, TREE, slice_from_text(key), &found);
        if (status == STATUS_NOT_FOUND) continue;
        assert_int_equal(status, STATUS_OK);
        char head[16] = {0};
        memcpy(head, found.data.data, found.data.size < 15 ? found.data.size : 15);
        value_of((unsigned)strtoul(head, NULL, 10), value);
        if (!slice_equal(found.data, slice_from_text(value)))
            fail_msg("seed %llu: %s: what nobody wrote", (unsigned long long)store->lab.seed, key);
        engine_value_release(&found);
    }
}

static void damaged_tables_and_values_together_become_a_store_that_verifies(void **state) {
    (void)state;
    for (uint64_t i = 0; i < test_scaled(30); i++) {
        struct store store;
        struct buf lines = BUF_EMPTY;
        char path[IO_PATH_BYTES];
        uint64_t offset;
        make(&store, test_seed(600) + i);
        assert_int_equal(sim_disk_damage_any(store.lab.disk, ".sst", SIM_DAMAGE_FLIP, path, sizeof path, &offset),
                         STATUS_OK);
        if (i % 2)
            assert_int_equal(sim_disk_damage_any(store.lab.disk, ".val", SIM_DAMAGE_FLIP, path, sizeof path, &offset),
                             STATUS_OK);
        if (i % 3 == 2) lose_manifest(&store);
        assert_true(repair_lab_repair(&store.lab, store.how, &lines).needed);
        assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_OK);
        struct engine *engine = lab_open(store.lab.io, "db", &store.lab.options);
        expect_nothing_foreign(&store, engine);
        assert_int_equal(engine_compact(engine), STATUS_OK);
        assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
        expect_nothing_foreign(&store, engine);
        engine_close(engine);
        buf_deinit(&lines);
        unmake(&store);
    }
}

static struct repair_lab_file newest(struct store *store) {
    return repair_lab_find(&store->lab, ".val", repair_lab_find(&store->lab, ".val", 0).count - 1);
}

static enum status mend_quietly(struct store *store) {
    const struct care_repair_options options = {.say = NULL};
    struct care_repair_report report;
    return engine_care_repair(store->lab.io, "db", &options, &report, NULL);
}

static void damage_newest(struct store *store, uint64_t seed) {
    make(store, seed);
    assert_int_equal(sim_disk_damage(store->lab.disk, newest(store).path, 100, SIM_DAMAGE_FLIP), STATUS_OK);
}

static uint64_t count_calls(const struct store *store) {
    struct sim_disk_stats stats;
    sim_disk_stats(store->lab.disk, &stats);
    return stats.ios;
}

/* What is set aside is there afterwards, whatever the next opening takes for an orphan. The power goes at the nth call
 * from the end. */
static void a_cut_in_a_repair_leaves_every_file_of_values(void **state) {
    (void)state;
    struct store store;
    damage_newest(&store, test_seed(700));
    const uint64_t before = count_calls(&store);
    assert_int_equal(mend_quietly(&store), STATUS_OK);
    const uint64_t all = count_calls(&store) - before;
    unmake(&store);
    for (uint64_t back = 0; back < test_scaled(60) && back < all; back++) {
        damage_newest(&store, test_seed(700));
        struct repair_lab_file lost = newest(&store);
        sim_disk_cut_at(store.lab.disk, all - back, SIM_CUT_RANDOM);
        (void)!mend_quietly(&store);
        sim_disk_cut_at(store.lab.disk, 0, SIM_CUT_NONE);
        io_destroy(store.lab.io);
        if (!sim_disk_is_powered(store.lab.disk)) sim_disk_power_on(store.lab.disk);
        store.lab.io = sim_io_create(store.lab.sim, store.lab.disk, NULL);
        if (repair_lab_verify(&store.lab, NULL) != STATUS_OK) assert_int_equal(mend_quietly(&store), STATUS_OK);
        struct engine *engine = lab_open(store.lab.io, "db", &store.lab.options);
        expect_nothing_foreign(&store, engine);
        engine_close(engine);
        if (repair_lab_count(&store.lab, strrchr(lost.path, '/')) == 0)
            fail_msg("cut %llu calls before the end: %s is gone", (unsigned long long)back, lost.path);
        unmake(&store);
    }
}

static void a_file_cut_short_keeps_what_comes_before(void **state) {
    (void)state;
    for (uint64_t i = 0; i < test_scaled(20); i++) {
        struct store store;
        struct io_file *file;
        uint64_t size;
        make(&store, test_seed(300) + i);
        const unsigned count = repair_lab_find(&store.lab, ".val", 0).count;
        const struct repair_lab_file found = repair_lab_find(&store.lab, ".val", (unsigned)(i % count));
        assert_int_equal(io_file_open(store.lab.io, found.path, IO_OPEN_WRITE, &file), STATUS_OK);
        assert_int_equal(io_file_size(file, &size), STATUS_OK);
        assert_int_equal(io_file_truncate(file, size - 1 - i * 97 % (size - 1)), STATUS_OK);
        io_file_close(file);
        assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_CORRUPT);
        mend(&store);
        unmake(&store);
    }
}

static void one_file_in_the_place_of_another_is_no_answer(void **state) {
    (void)state;
    unsigned gone = 0;
    for (uint64_t i = 0; i < test_scaled(10); i++) {
        struct store store;
        make(&store, test_seed(400) + i);
        const unsigned count = repair_lab_find(&store.lab, ".val", 0).count; /* the newest hold what is read */
        const struct repair_lab_file first = repair_lab_find(&store.lab, ".val", count - 2),
                                     second = repair_lab_find(&store.lab, ".val", count - 1);
        assert_int_equal(io_rename(store.lab.io, first.path, "db/keep"), STATUS_OK);
        assert_int_equal(io_rename(store.lab.io, second.path, first.path), STATUS_OK);
        assert_int_equal(io_rename(store.lab.io, "db/keep", second.path), STATUS_OK);
        assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_CORRUPT);
        gone += mend(&store);
        unmake(&store);
    }
    assert_true(gone > 0 || test_scaled(100) < 100);
}

static void a_damaged_file_that_nothing_needs_is_no_matter(void **state) {
    (void)state;
    struct store store;
    struct buf lines = BUF_EMPTY;
    struct io_file *file;
    make(&store, test_seed(500));
    assert_int_equal(io_file_open(store.lab.io, "db/0000009000.val", IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
    io_file_close(file);
    assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_OK);
    assert_false(repair_lab_repair(&store.lab, store.how, &lines).needed);
    buf_deinit(&lines);
    unmake(&store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_store_verifies_and_needs_no_repair),
        cmocka_unit_test(a_lost_manifest_costs_no_value),
        cmocka_unit_test(a_flipped_bit_costs_one_value_at_most_and_its_key_is_named),
        cmocka_unit_test(a_sector_that_can_t_be_read_costs_its_values_when_that_is_asked_for),
        cmocka_unit_test(a_lost_file_costs_its_values_and_their_keys_are_named),
        cmocka_unit_test(damaged_tables_and_values_together_become_a_store_that_verifies),
        cmocka_unit_test(a_cut_in_a_repair_leaves_every_file_of_values),
        cmocka_unit_test(a_file_cut_short_keeps_what_comes_before),
        cmocka_unit_test(one_file_in_the_place_of_another_is_no_answer),
        cmocka_unit_test(a_damaged_file_that_nothing_needs_is_no_matter),
    };
    return cmocka_run_group_tests_name("engine repair of values", tests, NULL, NULL);
}
