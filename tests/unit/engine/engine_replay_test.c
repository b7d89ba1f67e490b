/*
 * A log of megabytes replayed on a real machine, where threads verify it ahead and clear memory: what was there when
 * the store was closed is there when it is open again, whatever the log holds of, in one memtable or in many. Meant to
 * run under the thread sanitizer too.
 */
#include <ftw.h>
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
#include "tests/harness/engine_lab.h"
#include "tests/harness/test_env.h"

enum { PLAIN = 1, SUM = 2, GROWING = 3, CHURN = 4, TREES = 4, BATCHES = 30000, KEYS = 9000 };

struct fixture {
    struct io *io;
    char dir[256];
    struct engine_options options;
    struct engine *engine;
};

static int remove_one(const char *path, const struct stat *what, int type, struct FTW *at) {
    (void)what, (void)type, (void)at;
    return remove(path);
}

static void fixture_init(struct fixture *f) {
    *f = (struct fixture){.options = lab_options()};
    const struct io_options options = {.backend = IO_BACKEND_PROBE};
    struct error error;
    assert_int_equal(io_create(&options, &f->io, &error), STATUS_OK);
    f->options.memtable_bytes = 64 << 20;
    f->options.wal_segment_bytes = 1 << 20;
    f->options.disk_reserve_bytes = 1;
    snprintf(f->dir, sizeof f->dir, "%s/replay-XXXXXX", test_build_dir());
    assert_non_null(mkdtemp(f->dir));
    f->engine = lab_open(f->io, f->dir, &f->options);
    lab_create_tree(f->engine, PLAIN, LAB_PLAIN);
    lab_create_tree(f->engine, SUM, LAB_SUM);
    lab_create_tree(f->engine, GROWING, LAB_PLAIN);
    lab_create_tree(f->engine, CHURN, LAB_PLAIN);
}

static void fixture_deinit(struct fixture *f) {
    engine_close(f->engine);
    io_destroy(f->io);
    assert_int_equal(nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void reopen(struct fixture *f) {
    engine_close(f->engine);
    f->engine = lab_open(f->io, f->dir, &f->options);
}

/* All keys and values of all trees, as one number, and how many. */
static uint64_t digest(struct engine *engine, uint64_t *entries) {
    uint64_t sum = 0;
    *entries = 0;
    for (uint32_t tree = 1; tree <= TREES; tree++) {
        struct engine_iterator *iterator;
        assert_int_equal(engine_iterator_open(engine, tree, NULL, &iterator), STATUS_OK);
        engine_iterator_seek_first(iterator);
        for (; engine_iterator_valid(iterator); engine_iterator_next(iterator), (*entries)++)
            sum = hash64(engine_iterator_value(iterator), hash64(engine_iterator_key(iterator), sum + tree));
        assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
        engine_iterator_close(iterator);
    }
    return sum;
}

static enum status draw(struct prng *prng, struct engine_batch *batch) {
    uint8_t key[24] = "a beginning that all h"; /* with other lengths, too */
    uint8_t value[600];
    char number[16];
    const uint64_t drawn = prng_below(prng, KEYS), kind = prng_below(prng, 1000);
    const size_t size = prng_below(prng, sizeof value);
    coding_put_key_u64(key + 16, drawn);
    if (prng_chance(prng, 1, 2)) coding_put_key_u64(key, drawn * UINT64_C(0x9e3779b97f4a7c15));
    const struct slice name = slice_make(key, drawn % 7 == 0 ? 8 + drawn % 16 : sizeof key);
    memset(value, (int)drawn, sizeof value);
    if (kind < 600) return engine_batch_put(batch, PLAIN, name, slice_make(value, size));
    if (kind < 700) return engine_batch_delete(batch, PLAIN, name);
    if (kind < 800) {
        snprintf(number, sizeof number, "%u", (unsigned)(drawn % 100));
        return engine_batch_merge(batch, SUM, name, slice_from_text(number));
    }
    if (kind < 900) return engine_batch_append(batch, GROWING, name, slice_make(value, size / 10));
    if (kind < 990) return engine_batch_put(batch, CHURN, name, slice_make(value, size));
    if (kind < 998) {
        uint8_t end[sizeof key];
        memcpy(end, key, sizeof key);
        end[sizeof key - 2]++;
        return engine_batch_delete_range(batch, kind % 2 ? PLAIN : GROWING, name, slice_make(end, sizeof end));
    }
    const enum status status = engine_batch_drop_tree(batch, CHURN);
    return status == STATUS_OK ? engine_batch_create_tree(batch, CHURN, LAB_PLAIN) : status;
}

static void write_log(struct fixture *f, uint64_t seed) {
    struct prng prng;
    struct engine_batch batch;
    prng_init(&prng, seed);
    engine_batch_init(&batch);
    for (uint64_t i = 0, count = test_scaled(BATCHES); i < count; i++) {
        for (uint64_t left = 1 + prng_below(&prng, 3); left > 0; left--)
            assert_int_equal(draw(&prng, &batch), STATUS_OK);
        assert_int_equal(lab_write(f->engine, &batch), STATUS_OK);
    }
    engine_batch_deinit(&batch);
}

/* A store with a log; the digest of what is in it. */
static uint64_t begin_with_log(struct fixture *f) {
    uint64_t entries;
    fixture_init(f);
    write_log(f, test_seed(1));
    return digest(f->engine, &entries);
}

static void what_was_written_is_there_after_a_replay(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    uint64_t before, after;
    for (uint64_t round = 0; round < 3; round++) {
        write_log(&f, test_seed(1) + round);
        const uint64_t written = digest(f.engine, &before);
        assert_true(before > 100);
        reopen(&f);
        assert_true(digest(f.engine, &after) == written);
        assert_int_equal(after, before);
    }
    fixture_deinit(&f);
}

static void a_log_longer_than_a_memtable_is_flushed_while_it_is_replayed(void **state) {
    (void)state;
    struct fixture f;
    uint64_t after;
    const uint64_t written = begin_with_log(&f);
    f.options.memtable_bytes = 256 << 10;
    reopen(&f);
    assert_true(digest(f.engine, &after) == written);
    struct engine_stats stats;
    engine_get_stats(f.engine, &stats);
    assert_true(stats.flushes > 1);
    reopen(&f);
    assert_true(digest(f.engine, &after) == written);
    fixture_deinit(&f);
}

static void a_reader_replays_and_leaves_all_as_it_is(void **state) {
    (void)state;
    struct fixture f;
    uint64_t after;
    const uint64_t written = begin_with_log(&f);
    struct engine_options options = f.options;
    options.read_only = true;
    struct engine *reader = lab_open(f.io, f.dir, &options);
    assert_true(digest(reader, &after) == written);
    engine_close(reader);
    fixture_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_there_after_a_replay),
        cmocka_unit_test(a_log_longer_than_a_memtable_is_flushed_while_it_is_replayed),
        cmocka_unit_test(a_reader_replays_and_leaves_all_as_it_is),
    };
    return cmocka_run_group_tests_name("engine_replay", tests, NULL, NULL);
}
