/*
 * Verify and repair of a directory: a manifest that is lost, one whose pages are damaged one by one, a table with a
 * flipped bit, a damaged log. After the repair the store opens and verifies; where no table and no log was damaged it
 * holds all that it held, to the byte; nothing is deleted; a dry run changes nothing. A device that answers with errors
 * ends a repair before anything is changed.
 *
 * Replay one case: LOAM_TEST_SEED=seed build/tests/crash/engine_repair_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "tests/harness/repair_lab.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, KEYS = 400, WRITES = 2500, VALUE_BYTES = 80, MS = 1000000 };

struct store {
    struct lab_store lab;    /* the engine is open in a test for itself alone */
    unsigned expected[KEYS]; /* the write that each key holds; 0 = none */
    unsigned how;            /* repairs are asked for: REPAIR_UNREADABLE_AS_LOST or 0 */
};

static void key_of(unsigned key, char text[16]) {
    snprintf(text, 16, "key%05u", key);
}

static void value_of(unsigned write, char text[VALUE_BYTES]) {
    const int size = snprintf(text, VALUE_BYTES, "%u:", write);
    for (int i = size; i < VALUE_BYTES - 1; i++) text[i] = (char)('a' + hash_mix(write, (uint64_t)i) % 26);
    text[VALUE_BYTES - 1] = 0;
}

static void write_one(struct store *store, struct engine *engine, struct prng *prng, unsigned write) {
    char key[16], value[VALUE_BYTES], end[16];
    /* Most writes of a while fall into one part of the keys, so that tables move down unread. */
    const unsigned part = (unsigned)(hash_mix(store->lab.seed, write / 90) % 5) * (KEYS / 5);
    const unsigned at =
        prng_chance(prng, 9, 10) ? part + (unsigned)prng_below(prng, KEYS / 5) : (unsigned)prng_below(prng, KEYS);
    key_of(at, key);
    value_of(write, value);
    if (prng_chance(prng, 1, 60)) {
        const unsigned to = at + (unsigned)prng_below(prng, 12);
        key_of(to, end);
        lab_delete_range(engine, TREE, key, end);
        for (unsigned i = at; i < to && i < KEYS; i++) store->expected[i] = 0;
    } else if (prng_chance(prng, 1, 5)) {
        lab_delete(engine, TREE, key);
        store->expected[at] = 0;
    } else {
        lab_put(engine, TREE, key, value);
        store->expected[at] = write;
    }
}

/* The machine, and no store yet. */
static void boot(struct store *store, uint64_t seed) {
    *store = (struct store){.how = 0};
    lab_store_init(&store->lab, seed);
}

static void make(struct store *store, uint64_t seed) {
    struct prng prng;
    boot(store, seed);
    store->lab.options.memtable_bytes = 8 << 10;
    store->lab.options.file_bytes = 4 << 10;
    store->lab.options.level_base_bytes = 4 << 10;
    store->lab.options.level_ratio = 2;
    prng_init(&prng, seed);
    struct engine *engine = lab_open(store->lab.io, "db", &store->lab.options);
    lab_create_tree(engine, TREE, LAB_PLAIN);
    struct engine_snapshot *snapshot = NULL;
    for (unsigned i = 1; i <= WRITES; i++) {
        if (i == WRITES / 3) snapshot = engine_snapshot_acquire(engine); /* versions keep their sequences */
        write_one(store, engine, &prng, i);
        if (i % 100 == 0) io_run(store->lab.io, io_now_ns(store->lab.io) + MS);
    }
    engine_snapshot_release(engine, snapshot);
    engine_close(engine);
}

static void unmake(struct store *store) {
    lab_store_deinit(&store->lab);
}

static struct care_repair_report repair(struct store *store, bool dry_run, struct buf *lines) {
    return repair_lab_repair(&store->lab, store->how | (dry_run ? REPAIR_DRY : 0), lines);
}

static unsigned count_tables(const struct store *store) {
    return repair_lab_count(&store->lab, ".sst");
}

/* What the store holds is what was written. */
static void expect_all(struct store *store, struct engine *engine, const struct buf *plan) {
    char key[16], value[VALUE_BYTES];
    for (unsigned i = 0; i < KEYS; i++) {
        struct engine_value found;
        key_of(i, key);
        const enum status status = engine_get(engine, NULL, TREE, slice_from_text(key), &found);
        if (store->expected[i]) value_of(store->expected[i], value);
        const bool right = store->expected[i] ? status == STATUS_OK && slice_equal(found.data, slice_from_text(value))
                                              : status == STATUS_NOT_FOUND;
        if (!right)
            fail_msg("seed %llu: %s: %s, expected write %u\n%s", (unsigned long long)store->lab.seed, key,
                     status_name(status), store->expected[i], (const char *)plan->data);
        if (status == STATUS_OK) engine_value_release(&found);
    }
}

/* Whether the lines of a plan name `key` among what is lost. */
static bool is_named(const struct buf *plan, const char *key) {
    for (const char *at = (const char *)plan->data; (at = strstr(at, ": keys from \"")) != NULL;) {
        char from[64], to[64];
        const char *line = at;
        while (line > (const char *)plan->data && line[-1] != '\n') line--;
        const bool lost = strncmp(line, "  lost ", 7) == 0;
        const int found = sscanf(at, ": keys from \"%63[^\"]\" up to \"%63[^\"]\"", from, to);
        at += 7;
        if (!lost || found < 1) continue;
        if (found == 1) snprintf(to, sizeof to, "\x7f"); /* up to the end */
        if (strcmp(from, key) <= 0 && strcmp(key, to) <= 0) return true;
    }
    return strstr((const char *)plan->data, "its range deletes: what") != NULL;
}

static unsigned named_lost, unnamed_sound;

/* What no line names as lost is there, in its last version. */
static void expect_unnamed(struct store *store, struct engine *engine, const struct buf *plan) {
    char key[16], value[VALUE_BYTES];
    for (unsigned i = 0; i < KEYS; i++) {
        struct engine_value found;
        key_of(i, key);
        if (is_named(plan, key)) {
            named_lost++;
            continue;
        }
        const enum status status = engine_get(engine, NULL, TREE, slice_from_text(key), &found);
        if (store->expected[i]) value_of(store->expected[i], value);
        const bool right = store->expected[i] ? status == STATUS_OK && slice_equal(found.data, slice_from_text(value))
                                              : status == STATUS_NOT_FOUND;
        if (!right)
            fail_msg("seed %llu: %s is not named as lost, and %s, expected write %u\n%s",
                     (unsigned long long)store->lab.seed, key, status_name(status), store->expected[i],
                     (const char *)plan->data);
        if (status == STATUS_OK) engine_value_release(&found);
        unnamed_sound++;
    }
}

static unsigned merged, ordered; /* repairs that had to merge tables, or to put them into level 0 */

/* Dry run, repair, open, compare, go on writing, verify. */
static void mend(struct store *store, bool all_is_there) {
    struct buf done = BUF_EMPTY;
    const unsigned tables = count_tables(store);
    repair_lab_mend(&store->lab, store->how, &done);
    merged += strstr((const char *)done.data, "merged entry by entry") != NULL;
    ordered += strstr((const char *)done.data, "in the order of their sequences") != NULL;
    assert_true(count_tables(store) >= tables);
    struct engine *engine = lab_open(store->lab.io, "db", &store->lab.options);
    if (all_is_there) expect_all(store, engine, &done);
    lab_put(engine, TREE, "after", "1");
    assert_int_equal(engine_compact(engine), STATUS_OK);
    lab_expect(engine, NULL, TREE, "after", "1");
    if (all_is_there) expect_all(store, engine, &done);
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    engine_close(engine);
    assert_false(repair(store, false, &done).needed);
    buf_deinit(&done);
}

static void rare_cases_were_met(void **state) {
    (void)state;
    print_message("%u repairs merged tables, %u put them into level 0\n", merged, ordered);
    assert_true(merged > 0 || test_scaled(100) < 100);
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static void a_sound_store_verifies_and_needs_no_repair(void **state) {
    (void)state;
    struct store store;
    struct buf lines = BUF_EMPTY;
    make(&store, test_seed(1));
    const uint64_t before = sim_disk_hash(store.lab.disk);
    assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_OK);
    assert_false(repair(&store, false, &lines).needed);
    assert_int_equal(sim_disk_hash(store.lab.disk), before);
    buf_deinit(&lines);
    unmake(&store);
}

static void a_lost_manifest_is_made_anew_of_tables_and_log(void **state) {
    (void)state;
    for (uint64_t i = 0; i < test_scaled(30); i++) {
        struct store store;
        make(&store, test_seed(1) + i);
        const struct repair_lab_file manifest = repair_lab_find(&store.lab, ".manifest", 0);
        assert_int_equal(io_remove(store.lab.io, manifest.path), STATUS_OK);
        if (i % 2) assert_int_equal(io_remove(store.lab.io, "db/SUPERBLOCK"), STATUS_OK);
        assert_int_equal(repair_lab_verify(&store.lab, NULL), STATUS_CORRUPT);
        mend(&store, true);
        unmake(&store);
    }
}

static void a_damaged_page_of_the_manifest_costs_nothing(void **state) {
    (void)state;
    const uint64_t seed = test_seed(100);
    for (uint64_t page = 0; page < test_scaled(40); page++) {
        struct store store;
        make(&store, seed + page / 8);
        const struct repair_lab_file manifest = repair_lab_find(&store.lab, ".manifest", 0);
        const uint64_t offset = (page % (manifest.size / IO_PAGE_BYTES)) * IO_PAGE_BYTES + 100;
        if (sim_disk_damage(store.lab.disk, manifest.path, offset, SIM_DAMAGE_FLIP) != STATUS_OK) fail();
        if (repair_lab_verify(&store.lab, NULL) == STATUS_CORRUPT) mend(&store, true);
        unmake(&store);
    }
}

static void a_damaged_table_is_named_and_set_aside_and_the_others_stay(void **state) {
    (void)state;
    for (uint64_t i = 0; i < test_scaled(30); i++) {
        struct store store;
        struct buf lines = BUF_EMPTY;
        char path[IO_PATH_BYTES];
        uint64_t offset, findings;
        make(&store, test_seed(200) + i);
        assert_int_equal(sim_disk_damage_any(store.lab.disk, ".sst", SIM_DAMAGE_FLIP, path, sizeof path, &offset),
                         STATUS_OK);
        if (i % 2) {
            const struct repair_lab_file manifest = repair_lab_find(&store.lab, ".manifest", 0);
            assert_int_equal(io_remove(store.lab.io, manifest.path), STATUS_OK);
        }
        assert_int_equal(repair_lab_verify(&store.lab, &findings), STATUS_CORRUPT);
        assert_true(findings >= 1);
        repair(&store, true, &lines);
        assert_non_null(strstr((const char *)lines.data, strrchr(path, '/') + 1));
        assert_non_null(strstr((const char *)lines.data, "set aside"));
        buf_deinit(&lines);
        mend(&store, false);
        unmake(&store);
    }
}

/* A place in the n-th table of a store: of a data block, or of its index. */
static void damage_table(struct store *store, uint64_t draw, bool index, enum sim_damage damage) {
    struct prng prng;
    struct io_file *file = NULL;
    uint8_t end[128];
    size_t got = 0;
    prng_init(&prng, draw);
    const struct repair_lab_file table =
        repair_lab_find(&store->lab, ".sst", (unsigned)prng_below(&prng, count_tables(store)));
    assert_int_equal(io_file_open(store->lab.io, table.path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, table.size - sizeof end, end, sizeof end, &got), STATUS_OK);
    io_file_close(file);
    const uint64_t index_at = coding_get_u64(end + 64), index_bytes = coding_get_u32(end + 72);
    const uint64_t filter_at = coding_get_u64(end + 24); /* behind the data */
    const uint64_t offset = index ? index_at + prng_below(&prng, index_bytes)
                                  : 64 + prng_below(&prng, (filter_at ? filter_at : index_at) - 64);
    assert_int_equal(sim_disk_damage(store->lab.disk, table.path, offset, damage), STATUS_OK);
}

static void a_damaged_block_costs_the_keys_that_are_named_and_no_others(void **state) {
    (void)state;
    for (uint64_t i = 0; i < test_scaled(40); i++) {
        struct store store;
        struct buf lines = BUF_EMPTY;
        make(&store, test_seed(400) + i);
        damage_table(&store, i, false, SIM_DAMAGE_FLIP);
        if (i % 2) {
            const struct repair_lab_file manifest = repair_lab_find(&store.lab, ".manifest", 0);
            assert_int_equal(io_remove(store.lab.io, manifest.path), STATUS_OK);
        }
        assert_true(repair(&store, false, &lines).needed);
        if (repair_lab_verify(&store.lab, NULL) != STATUS_OK)
            fail_msg("seed %llu: %s", (unsigned long long)store.lab.seed, lines.data);
        struct engine *engine = lab_open(store.lab.io, "db", &store.lab.options);
        expect_unnamed(&store, engine, &lines);
        engine_close(engine);
        buf_deinit(&lines);
        unmake(&store);
    }
    print_message("%u keys named as lost, %u not named and right\n", named_lost, unnamed_sound);
    assert_true(named_lost > 0 && unnamed_sound > named_lost);
}

static void a_lost_index_costs_nothing(void **state) {
    (void)state;
    for (uint64_t i = 0; i < test_scaled(20); i++) {
        struct store store;
        struct buf lines = BUF_EMPTY;
        make(&store, test_seed(500) + i);
        damage_table(&store, i, true, SIM_DAMAGE_FLIP);
        repair(&store, true, &lines);
        assert_non_null(strstr((const char *)lines.data, "which are all"));
        mend(&store, true);
        buf_deinit(&lines);
        unmake(&store);
    }
}

/* It ends with the device's error and the name of a file, and has changed nothing. */
static void expect_refusal(struct store *store, const char *name) {
    struct care_repair_options options = {.unreadable_as_lost = store->how & REPAIR_UNREADABLE_AS_LOST};
    struct care_repair_report report;
    for (unsigned i = 0; i < 2; i++) {
        struct error error = {.status = STATUS_OK};
        const uint64_t before = sim_disk_hash(store->lab.disk);
        options.dry_run = i == 0;
        const enum status status = engine_care_repair(store->lab.io, "db", &options, &report, &error);
        if (status != STATUS_IO || !strstr(error.text, name) || !strstr(error.text, "nothing was changed"))
            fail_msg("seed %llu, %s: %s: %s", (unsigned long long)store->lab.seed, name, status_name(status),
                     error.text);
        assert_int_equal(sim_disk_hash(store->lab.disk), before);
    }
}

static void read_errors(struct store *store, uint32_t ppm) {
    const struct sim_disk_faults faults = {.read_error_ppm = ppm};
    sim_disk_set_faults(store->lab.disk, &faults);
}

static void a_device_that_answers_with_errors_ends_a_repair_that_changes_nothing(void **state) {
    (void)state;
    static const char *const endings[] = {"SUPERBLOCK", ".manifest", ".sst", ".wal"};
    for (uint64_t i = 0; i < test_scaled(20); i++) {
        struct store store;
        make(&store, test_seed(700) + i);
        if (i % 5 == 4) {
            read_errors(&store, 1000000);
            expect_refusal(&store, "db");
            store.how = REPAIR_UNREADABLE_AS_LOST; /* that is no repair any more */
            expect_refusal(&store, "db");
        } else {
            const struct repair_lab_file file = repair_lab_find(&store.lab, endings[i % 5], 0);
            const uint64_t offset = hash_mix(i, 1) % file.size;
            assert_int_equal(sim_disk_damage(store.lab.disk, file.path, offset, SIM_DAMAGE_UNREADABLE), STATUS_OK);
            expect_refusal(&store, strrchr(file.path, '/') + 1);
        }
        unmake(&store);
    }
}

/* When asked for: a sector costs what stands in it, and of the log what does not follow without it. */
static void what_can_t_be_read_is_lost_when_that_is_asked_for(void **state) {
    (void)state;
    static const char *const endings[] = {"SUPERBLOCK", ".manifest", ".wal"};
    for (uint64_t i = 0; i < test_scaled(40); i++) {
        struct store store;
        struct buf lines = BUF_EMPTY;
        make(&store, test_seed(800) + i);
        store.how = REPAIR_UNREADABLE_AS_LOST;
        if (i % 4 == 3) {
            damage_table(&store, i, i % 8 == 3, SIM_DAMAGE_UNREADABLE);
        } else {
            const struct repair_lab_file file = repair_lab_find(&store.lab, endings[i % 4], 0);
            const uint64_t offset = hash_mix(i, 1) % file.size;
            assert_int_equal(sim_disk_damage(store.lab.disk, file.path, offset, SIM_DAMAGE_UNREADABLE), STATUS_OK);
        }
        assert_true(repair(&store, false, &lines).needed);
        assert_non_null(strstr((const char *)lines.data, "what it does not give is lost"));
        if (repair_lab_verify(&store.lab, NULL) != STATUS_OK)
            fail_msg("seed %llu: %s", (unsigned long long)store.lab.seed, lines.data);
        struct engine *engine = lab_open(store.lab.io, "db", &store.lab.options);
        if (i % 4 != 2) expect_unnamed(&store, engine, &lines);
        engine_close(engine);
        buf_deinit(&lines);
        unmake(&store);
    }
}

/* The most of them: a repair would set aside what a copy of the device may still have. */
static void most_tables_out_of_reach_end_a_repair_even_so(void **state) {
    (void)state;
    struct store store;
    make(&store, test_seed(900));
    store.how = REPAIR_UNREADABLE_AS_LOST;
    const unsigned tables = count_tables(&store);
    assert_true(tables > 2);
    for (unsigned i = 0; i < tables / 2 + 1; i++) {
        const struct repair_lab_file table = repair_lab_find(&store.lab, ".sst", i);
        for (uint64_t at = 0; at < table.size; at += IO_SECTOR_BYTES)
            assert_int_equal(sim_disk_damage(store.lab.disk, table.path, at, SIM_DAMAGE_UNREADABLE), STATUS_OK);
    }
    expect_refusal(&store, "tables");
    unmake(&store);
}

static void boot_again(struct store *store, enum sim_cut cut) {
    if (sim_disk_is_powered(store->lab.disk)) sim_disk_cut(store->lab.disk, cut);
    io_destroy(store->lab.io);
    sim_disk_power_on(store->lab.disk);
    store->lab.io = sim_io_create(store->lab.sim, store->lab.disk, NULL);
}

/* The power goes at the nth I/O of a repair; a second one comes to its end. False: the first was over before. */
static bool cut_repair(uint64_t seed, uint64_t nth) {
    const struct care_repair_options options = {.say = NULL};
    struct store store;
    struct care_repair_report report;
    struct buf dry = BUF_EMPTY, lines = BUF_EMPTY;
    make(&store, seed);
    boot_again(&store, SIM_CUT_ALL); /* what was not synced yet is, from now on */
    damage_table(&store, seed, seed % 2, SIM_DAMAGE_FLIP);
    if (seed % 3 == 0) {
        const struct repair_lab_file manifest = repair_lab_find(&store.lab, ".manifest", 0);
        assert_int_equal(io_remove(store.lab.io, manifest.path), STATUS_OK);
    }
    const struct repair_lab_file segment = repair_lab_find(&store.lab, ".wal", 0);
    if (seed % 3 == 1)
        assert_int_equal(sim_disk_damage(store.lab.disk, segment.path, 4096 + 5 * 512 + 40, SIM_DAMAGE_FLIP),
                         STATUS_OK);
    const bool log_is_cut = repair(&store, true, &dry).log_was_cut;
    const uint64_t records = repair(&store, true, &dry).log_records;
    sim_disk_cut_at(store.lab.disk, nth, SIM_CUT_RANDOM);
    const bool done = engine_care_repair(store.lab.io, "db", &options, &report, NULL) == STATUS_OK;
    const bool met = !sim_disk_is_powered(store.lab.disk);
    sim_disk_cut_at(store.lab.disk, 0, SIM_CUT_NONE);
    boot_again(&store, SIM_CUT_RANDOM);
    report = repair(&store, false, &lines);
    if (done && report.needed)
        fail_msg("seed %llu, cut at %llu: a repair that was done is needed again", (unsigned long long)seed,
                 (unsigned long long)nth);
    if (repair_lab_verify(&store.lab, NULL) != STATUS_OK)
        fail_msg("seed %llu, cut at %llu: %s", (unsigned long long)seed, (unsigned long long)nth, lines.data);
    if (report.log_records != records)
        fail_msg("seed %llu, cut at %llu: %llu records of the log are left of %llu", (unsigned long long)seed,
                 (unsigned long long)nth, (unsigned long long)report.log_records, (unsigned long long)records);
    struct engine *engine = lab_open(store.lab.io, "db", &store.lab.options);
    if (!log_is_cut) expect_unnamed(&store, engine, &dry);
    engine_close(engine);
    buf_deinit(&dry);
    buf_deinit(&lines);
    unmake(&store);
    return met;
}

static void a_power_cut_at_any_io_of_a_repair_is_mended_by_a_second_one(void **state) {
    (void)state;
    const uint64_t only = test_number("LOAM_TEST_CASE", 0), seed = test_seed(600);
    if (only) cut_repair(seed, only);
    for (uint64_t s = seed; s < seed + 3 && !only; s++) {
        /* The first I/Os read; each seed has its own stride through the rest. */
        const uint64_t percent = test_scaled(100), stride = percent > 100 ? 1 : 1100 / percent;
        uint64_t nth = 1 + s % stride;
        while (cut_repair(s, nth)) nth += stride;
        assert_true(nth > 20);
    }
}

static void a_damaged_log_keeps_what_comes_before_the_damage(void **state) {
    (void)state;
    unsigned cut = 0;
    for (uint64_t i = 0; i < test_scaled(20); i++) {
        struct store store;
        make(&store, test_seed(300) + i);
        const struct repair_lab_file segment = repair_lab_find(&store.lab, ".wal", 0);
        assert_int_equal(sim_disk_damage(store.lab.disk, segment.path, 4096 + (i * 7 % 15) * 512 + 40, SIM_DAMAGE_FLIP),
                         STATUS_OK);
        if (repair_lab_verify(&store.lab, NULL) == STATUS_CORRUPT) {
            mend(&store, false);
            cut++;
        }
        unmake(&store);
    }
    assert_true(cut > 0);
}

static void take_in(struct store *store, struct engine *engine, const char *key, const char *value) {
    const char *path = "in.sst";
    struct engine_sst_writer *writer;
    assert_int_equal(engine_sst_writer_open(store->lab.io, path, &store->lab.options.kinds[LAB_PLAIN - 1], &writer),
                     STATUS_OK);
    assert_int_equal(engine_sst_writer_put(writer, slice_from_text(key), slice_from_text(value)), STATUS_OK);
    assert_int_equal(engine_sst_writer_finish(writer), STATUS_OK);
    engine_sst_writer_close(writer);
    assert_int_equal(engine_ingest(engine, TREE, &path, 1, NULL, NULL), STATUS_OK);
}

/* What was written before a file was taken in is in no table when its tree is gone, and the file's sequence is in no
 * record: the log goes on behind both. */
static void a_log_goes_on_behind_a_file_that_was_taken_in(void **state) {
    (void)state;
    struct store store;
    struct buf lines = BUF_EMPTY;
    boot(&store, 1);
    struct engine *engine = lab_open(store.lab.io, "db", &store.lab.options);
    lab_create_tree(engine, TREE, LAB_PLAIN);
    lab_put(engine, TREE, "a", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_create_tree(engine, TREE + 1, LAB_PLAIN);
    lab_put(engine, TREE + 1, "b", "2");
    lab_drop_tree(engine, TREE + 1);
    take_in(&store, engine, "c", "3");
    lab_put(engine, TREE, "d", "4");
    lab_put(engine, TREE, "e", "5");
    engine_close(engine);
    assert_int_equal(io_remove(store.lab.io, repair_lab_find(&store.lab, ".manifest", 0).path), STATUS_OK);
    assert_true(repair(&store, false, &lines).needed);
    engine = lab_open(store.lab.io, "db", &store.lab.options);
    lab_expect_all(engine, NULL, TREE, "a=1 d=4 e=5");
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    engine_close(engine);
    buf_deinit(&lines);
    unmake(&store);
}

/* What the newest edit wrote may be lost whole: the manifest then reads to an end as any other does. */
static void a_manifest_that_ends_before_the_log_goes_on_is_not_believed(void **state) {
    (void)state;
    struct store store;
    struct buf lines = BUF_EMPTY;
    struct error error;
    boot(&store, 1);
    struct engine *engine = lab_open(store.lab.io, "db", &store.lab.options);
    lab_create_tree(engine, TREE, LAB_PLAIN);
    lab_put(engine, TREE, "a", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_put(engine, TREE, "b", "2");
    const uint64_t end = repair_lab_find(&store.lab, ".manifest", 0).size;
    take_in(&store, engine, "c", "3");
    lab_put(engine, TREE, "d", "4");
    engine_close(engine);
    const struct repair_lab_file manifest = repair_lab_find(&store.lab, ".manifest", 0);
    for (uint64_t at = end; at < manifest.size; at += IO_SECTOR_BYTES)
        assert_int_equal(sim_disk_damage(store.lab.disk, manifest.path, at, SIM_DAMAGE_ZERO), STATUS_OK);
    assert_int_equal(engine_open(store.lab.io, "db", &store.lab.options, &engine, &error), STATUS_CORRUPT);
    uint64_t findings = 0;
    assert_int_equal(repair_lab_verify(&store.lab, &findings), STATUS_CORRUPT);
    assert_int_equal(findings, 1);
    assert_true(repair(&store, false, &lines).needed);
    engine = lab_open(store.lab.io, "db", &store.lab.options);
    lab_expect_all(engine, NULL, TREE, "a=1 b=2 d=4");
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    engine_close(engine);
    buf_deinit(&lines);
    unmake(&store);
}

static void a_store_in_use_is_not_repaired(void **state) {
    (void)state;
    struct store store;
    struct error error;
    struct care_repair_report report;
    const struct care_repair_options options = {.say = NULL};
    make(&store, test_seed(1));
    struct engine *engine = lab_open(store.lab.io, "db", &store.lab.options);
    assert_int_equal(engine_care_repair(store.lab.io, "db", &options, &report, &error), STATUS_LOCKED);
    engine_close(engine);
    assert_int_equal(engine_care_repair(store.lab.io, "nowhere", &options, &report, &error), STATUS_NOT_FOUND);
    unmake(&store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_store_verifies_and_needs_no_repair),
        cmocka_unit_test(a_lost_manifest_is_made_anew_of_tables_and_log),
        cmocka_unit_test(a_damaged_page_of_the_manifest_costs_nothing),
        cmocka_unit_test(a_damaged_table_is_named_and_set_aside_and_the_others_stay),
        cmocka_unit_test(a_damaged_block_costs_the_keys_that_are_named_and_no_others),
        cmocka_unit_test(a_lost_index_costs_nothing),
        cmocka_unit_test(a_device_that_answers_with_errors_ends_a_repair_that_changes_nothing),
        cmocka_unit_test(what_can_t_be_read_is_lost_when_that_is_asked_for),
        cmocka_unit_test(most_tables_out_of_reach_end_a_repair_even_so),
        cmocka_unit_test(a_power_cut_at_any_io_of_a_repair_is_mended_by_a_second_one),
        cmocka_unit_test(a_damaged_log_keeps_what_comes_before_the_damage),
        cmocka_unit_test(a_log_goes_on_behind_a_file_that_was_taken_in),
        cmocka_unit_test(a_manifest_that_ends_before_the_log_goes_on_is_not_believed),
        cmocka_unit_test(a_store_in_use_is_not_repaired),
        cmocka_unit_test(rare_cases_were_met),
    };
    return cmocka_run_group_tests_name("engine repair", tests, NULL, NULL);
}
