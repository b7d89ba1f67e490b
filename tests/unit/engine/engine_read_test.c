/* What reads give: snapshots, operands, range deletes and trees that come and go, from memory, from files and after
 * compaction. Each fact is checked in all three places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { PLAIN = 1, SUM = 2 };

struct fixture {
    struct io *io;
    struct engine_options options;
    struct engine *engine;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->io = sim_io_create_alone(1);
    fixture->options = lab_options();
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    lab_create_tree(fixture->engine, PLAIN, LAB_PLAIN);
    lab_create_tree(fixture->engine, SUM, LAB_SUM);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    engine_close(fixture->engine);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

/* Where data lies when it is looked at. */
enum place { IN_MEMORY, IN_FILES, COMPACTED, PLACES };

static void bring_to(struct engine *engine, enum place place) {
    if (place == IN_FILES) assert_int_equal(engine_flush(engine), STATUS_OK);
    if (place == COMPACTED) assert_int_equal(engine_compact(engine), STATUS_OK);
}

static void a_snapshot_keeps_what_it_saw(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    lab_put(engine, PLAIN, "a", "1");
    lab_put(engine, PLAIN, "b", "1");
    struct engine_snapshot *first = engine_snapshot_acquire(engine);
    lab_put(engine, PLAIN, "a", "2");
    lab_delete(engine, PLAIN, "b");
    struct engine_snapshot *second = engine_snapshot_acquire(engine);
    lab_append(engine, PLAIN, "a", "+");
    lab_delete_range(engine, PLAIN, "a", "b");
    lab_put(engine, PLAIN, "c", "3");
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, first, PLAIN, "a=1 b=1");
        lab_expect_all(engine, second, PLAIN, "a=2");
        lab_expect_all(engine, NULL, PLAIN, "c=3");
        lab_expect(engine, first, PLAIN, "b", "1");
        lab_expect(engine, second, PLAIN, "a", "2");
        lab_expect(engine, second, PLAIN, "b", NULL);
        lab_expect(engine, NULL, PLAIN, "a", NULL);
    }
    engine_snapshot_release(engine, first);
    engine_snapshot_release(engine, second);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    lab_expect_all(engine, NULL, PLAIN, "c=3");
    struct engine_tree_info info;
    assert_int_equal(engine_tree_info(engine, PLAIN, &info), STATUS_OK);
    assert_int_equal(info.entries, 1);
}

static void a_snapshot_sees_an_extended_value_at_its_own_length(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    struct engine_snapshot *snapshots[4];
    static const char *const expected[4] = {"x", "xy", "xyz", "xyzw"};
    for (int i = 0; i < 4; i++) {
        lab_append(engine, PLAIN, "log", (const char *[]){"x", "y", "z", "w"}[i]);
        snapshots[i] = engine_snapshot_acquire(engine);
        if (i == 1) assert_int_equal(engine_flush(engine), STATUS_OK);
    }
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        for (int i = 0; i < 4; i++) lab_expect(engine, snapshots[i], PLAIN, "log", expected[i]);
        lab_expect(engine, NULL, PLAIN, "log", "xyzw");
    }
    for (int i = 0; i < 4; i++) engine_snapshot_release(engine, snapshots[i]);
}

static void operands_fold_over_memory_and_files(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    lab_merge(engine, SUM, "n", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_merge(engine, SUM, "n", "10");
    struct engine_snapshot *snapshot = engine_snapshot_acquire(engine);
    lab_merge(engine, SUM, "n", "100");
    lab_put(engine, SUM, "p", "5");
    lab_merge(engine, SUM, "p", "6");
    lab_delete(engine, SUM, "q");
    lab_merge(engine, SUM, "q", "7");
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, NULL, SUM, "n=111 p=11 q=7");
        lab_expect(engine, snapshot, SUM, "n", "11");
        lab_expect(engine, NULL, SUM, "p", "11");
    }
    engine_snapshot_release(engine, snapshot);
}

static void operands_stop_at_a_range_delete(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    lab_merge(engine, SUM, "n", "1");
    lab_merge(engine, SUM, "n", "2");
    struct engine_snapshot *snapshot = engine_snapshot_acquire(engine);
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_delete_range(engine, SUM, "a", "");
    lab_merge(engine, SUM, "n", "4");
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect(engine, NULL, SUM, "n", "4");
        lab_expect(engine, snapshot, SUM, "n", "3");
        lab_expect_all(engine, NULL, SUM, "n=4");
    }
    engine_snapshot_release(engine, snapshot);
}

static void a_bad_operand_is_an_error_of_the_read_and_survives_compaction(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    struct engine_value value;
    lab_put(engine, SUM, "n", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_merge(engine, SUM, "n", "");
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        assert_int_equal(engine_get(engine, NULL, SUM, slice_from_text("n"), &value), STATUS_CORRUPT);
    }
    lab_put(engine, SUM, "n", "2");
    lab_expect(engine, NULL, SUM, "n", "2");
}

static void range_deletes_hide_what_is_older_only(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    lab_put(engine, PLAIN, "a", "1");
    lab_put(engine, PLAIN, "b", "1");
    lab_put(engine, PLAIN, "c", "1");
    lab_put(engine, PLAIN, "d", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_delete_range(engine, PLAIN, "b", "d");
    lab_put(engine, PLAIN, "c", "2");
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, NULL, PLAIN, "a=1 c=2 d=1");
        lab_expect(engine, NULL, PLAIN, "b", NULL);
    }
}

static void files_that_a_range_delete_covers_are_dropped_unread(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    char key[16], value[200];
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "k%05d", i);
        for (size_t j = 0; j < sizeof value - 1; j++) value[j] = (char)(33 + (i * 31 + (int)j * 17 + i * (int)j) % 90);
        value[sizeof value - 1] = 0;
        lab_put(engine, PLAIN, key, value);
    }
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    struct engine_stats before, after;
    engine_get_stats(engine, &before);
    assert_true(before.levels[ENGINE_LEVELS - 1].files > 4);
    lab_delete_range(engine, PLAIN, "k", "");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    engine_get_stats(engine, &after);
    assert_true(after.compacted_read_bytes - before.compacted_read_bytes < before.disk_bytes / 10);
    assert_int_equal(after.disk_bytes, 0);
    lab_expect_all(engine, NULL, PLAIN, "");
}

static void next_after_prev_and_prev_after_next_stay_on_course(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    for (int i = 0; i < 6; i++) {
        lab_put(engine, PLAIN, (const char *[]){"a", "b", "c", "d", "e", "f"}[i], "old");
        if (i == 2) assert_int_equal(engine_flush(engine), STATUS_OK);
    }
    lab_put(engine, PLAIN, "b", "new");
    lab_append(engine, PLAIN, "d", "+");
    lab_delete(engine, PLAIN, "c");
    struct engine_iterator *iterator;
    assert_int_equal(engine_iterator_open(engine, PLAIN, NULL, &iterator), STATUS_OK);
    static const char moves[] = "nnpnppnnnnpppnnn";
    static const char path[] = "abdbdbabdefedbdef";
    engine_iterator_seek_first(iterator);
    for (size_t i = 0;; i++) {
        assert_true(engine_iterator_valid(iterator));
        assert_int_equal(engine_iterator_key(iterator).data[0], path[i]);
        if (!moves[i]) break;
        if (moves[i] == 'n')
            engine_iterator_next(iterator);
        else
            engine_iterator_prev(iterator);
    }
    engine_iterator_next(iterator);
    assert_false(engine_iterator_valid(iterator));
    engine_iterator_close(iterator);
}

static void bounds_hold_both_ways(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    for (char c = 'a'; c <= 'h'; c++) lab_put(engine, PLAIN, (char[]){c, 0}, "v");
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        struct engine_iterator *iterator;
        const struct engine_iterator_options options = {.lower = slice_from_text("c"), .upper = slice_from_text("f")};
        assert_int_equal(engine_iterator_open(engine, PLAIN, &options, &iterator), STATUS_OK);
        char seen[16] = "";
        for (engine_iterator_seek(iterator, slice_from_text("a")); engine_iterator_valid(iterator);
             engine_iterator_next(iterator))
            strncat(seen, (const char *)engine_iterator_key(iterator).data, 1);
        for (engine_iterator_seek_before(iterator, slice_from_text("z")); engine_iterator_valid(iterator);
             engine_iterator_prev(iterator))
            strncat(seen, (const char *)engine_iterator_key(iterator).data, 1);
        assert_string_equal(seen, "cdeedc");
        engine_iterator_seek_before(iterator, slice_from_text("c"));
        assert_false(engine_iterator_valid(iterator));
        engine_iterator_seek(iterator, slice_from_text("f"));
        assert_false(engine_iterator_valid(iterator));
        engine_iterator_seek_last(iterator);
        assert_int_equal(engine_iterator_key(iterator).data[0], 'e');
        engine_iterator_close(iterator);
    }
}

static void a_tree_made_anew_is_empty_and_a_snapshot_keeps_the_old_one(void **state) {
    struct fixture *fixture = *state;
    struct engine *engine = fixture->engine;
    struct engine_batch batch;
    lab_put(engine, PLAIN, "a", "old");
    struct engine_snapshot *snapshot = engine_snapshot_acquire(engine);
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_drop_tree(&batch, PLAIN), STATUS_OK);
    assert_int_equal(engine_batch_create_tree(&batch, PLAIN, LAB_SUM), STATUS_OK);
    assert_int_equal(engine_batch_merge(&batch, PLAIN, slice_from_text("n"), slice_from_text("3")), STATUS_OK);
    assert_int_equal(lab_write(engine, &batch), STATUS_OK);
    for (enum place place = IN_MEMORY; place < PLACES; place++) {
        bring_to(engine, place);
        lab_expect_all(engine, NULL, PLAIN, "n=3");
        lab_expect_all(engine, snapshot, PLAIN, "a=old");
    }
    engine_snapshot_release(engine, snapshot);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    struct engine_stats stats;
    engine_get_stats(engine, &stats);
    assert_int_equal(stats.levels[0].files + stats.levels[ENGINE_LEVELS - 1].files, 1);
    engine_close(fixture->engine);
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    lab_expect_all(fixture->engine, NULL, PLAIN, "n=3");
    engine_batch_deinit(&batch);
}

static void a_batch_with_one_bad_operation_changes_nothing(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    struct engine_batch batch;
    struct engine_value value;
    enum { NEW_TREE = 9, UNKNOWN = 77 };
    engine_batch_init(&batch);
    lab_put(engine, PLAIN, "a", "1");
    assert_int_equal(engine_batch_put(&batch, PLAIN, slice_from_text("a"), slice_from_text("2")), STATUS_OK);
    assert_int_equal(engine_batch_delete_range(&batch, PLAIN, slice_from_text("a"), slice_from_text("z")), STATUS_OK);
    assert_int_equal(engine_batch_append(&batch, PLAIN, slice_from_text("b"), slice_from_text("x")), STATUS_OK);
    assert_int_equal(engine_batch_drop_tree(&batch, SUM), STATUS_OK);
    assert_int_equal(engine_batch_create_tree(&batch, NEW_TREE, LAB_PLAIN), STATUS_OK);
    assert_int_equal(engine_batch_put(&batch, NEW_TREE, slice_from_text("a"), slice_from_text("2")), STATUS_OK);
    assert_int_equal(engine_batch_put(&batch, UNKNOWN, slice_from_text("a"), slice_from_text("2")), STATUS_OK);
    assert_int_equal(lab_write(engine, &batch), STATUS_INVALID);
    engine_batch_deinit(&batch);
    lab_expect_all(engine, NULL, PLAIN, "a=1");
    lab_expect_all(engine, NULL, SUM, "");
    lab_merge(engine, SUM, "n", "1");
    assert_int_equal(engine_get(engine, NULL, NEW_TREE, slice_from_text("a"), &value), STATUS_INVALID);
    lab_append(engine, PLAIN, "b", "y");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_expect_all(engine, NULL, PLAIN, "a=1 b=y");
}

static void get_try_answers_from_memory_or_would_block(void **state) {
    struct fixture *fixture = *state;
    struct engine_value value;
    const struct slice key = slice_from_text("a");
    lab_put(fixture->engine, PLAIN, "a", "1");
    assert_int_equal(engine_get_try(fixture->engine, NULL, PLAIN, key, &value), STATUS_OK);
    engine_value_release(&value);
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    engine_close(fixture->engine);
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    assert_int_equal(engine_get_try(fixture->engine, NULL, PLAIN, key, &value), STATUS_WOULD_BLOCK);
    struct engine_iterator *iterator;
    const struct engine_iterator_options options = {.memory_only = true};
    assert_int_equal(engine_iterator_open(fixture->engine, PLAIN, &options, &iterator), STATUS_WOULD_BLOCK);
    lab_expect(fixture->engine, NULL, PLAIN, "a", "1");
    assert_int_equal(engine_get_try(fixture->engine, NULL, PLAIN, key, &value), STATUS_OK);
    assert_true(slice_equal(value.data, slice_from_text("1")));
    engine_value_release(&value);
}

static void a_pinned_value_outlives_flush_and_compaction(void **state) {
    struct engine *engine = ((struct fixture *)*state)->engine;
    struct engine_value from_memory, from_file;
    lab_put(engine, PLAIN, "a", "1");
    assert_int_equal(engine_get(engine, NULL, PLAIN, slice_from_text("a"), &from_memory), STATUS_OK);
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_get(engine, NULL, PLAIN, slice_from_text("a"), &from_file), STATUS_OK);
    lab_put(engine, PLAIN, "a", "2");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    assert_true(slice_equal(from_memory.data, slice_from_text("1")));
    assert_true(slice_equal(from_file.data, slice_from_text("1")));
    engine_value_release(&from_memory);
    engine_value_release(&from_file);
    lab_expect(engine, NULL, PLAIN, "a", "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* ---- Many keys at once ------------------------------------------------------------------------------------------- */

enum { MANY_KEYS = 400, MANY_ASKED = 700 };

static struct slice many_key(unsigned number, char text[24]) {
    return slice_make(text, (size_t)snprintf(text, 24, number % 3 ? "k%05u" : "a longer key %05u", number));
}

/* Every key as engine_get answers it, whatever the order in which they are asked for. */
static void assert_many_is_each(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                                struct prng *prng) {
    static char texts[MANY_ASKED][24];
    struct slice keys[MANY_ASKED];
    struct engine_value values[MANY_ASKED];
    enum status statuses[MANY_ASKED];
    for (size_t i = 0; i < MANY_ASKED; i++)
        keys[i] = many_key((unsigned)prng_below(prng, MANY_KEYS + MANY_KEYS / 4), texts[i]);
    assert_int_equal(engine_get_many(engine, snapshot, tree, keys, MANY_ASKED, values, statuses), STATUS_OK);
    for (size_t i = 0; i < MANY_ASKED; i++) {
        struct engine_value value;
        const enum status status = engine_get(engine, snapshot, tree, keys[i], &value);
        assert_int_equal(statuses[i], status);
        if (status != STATUS_OK) continue;
        assert_int_equal(values[i].data.size, value.data.size);
        assert_memory_equal(values[i].data.data, value.data.data, value.data.size);
        engine_value_release(&value);
        engine_value_release(&values[i]);
    }
}

static void many_keys_at_once_are_answered_as_one_by_one(void **state) {
    struct fixture *fixture = *state;
    struct prng prng;
    prng_init(&prng, test_seed(11));
    static const size_t caches[] = {0, 32 << 10}; /* the second has room for a few of the blocks only */
    struct engine_snapshot *snapshot = NULL;
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < 300; i++) {
            char text[24], operand[16];
            const struct slice key = many_key((unsigned)prng_below(&prng, MANY_KEYS), text);
            char name[24];
            (void)snprintf(name, sizeof name, "%.*s", (int)key.size, (const char *)key.data);
            (void)snprintf(operand, sizeof operand, "%u", (unsigned)prng_below(&prng, 1000));
            if (prng_chance(&prng, 1, 5))
                lab_delete(fixture->engine, PLAIN, name);
            else
                lab_put(fixture->engine, PLAIN, name, operand);
            lab_merge(fixture->engine, SUM, name, operand);
        }
        if (round == 3) snapshot = engine_snapshot_acquire(fixture->engine);
        if (round == 5) lab_delete_range(fixture->engine, PLAIN, "k00100", "k00200");
        bring_to(fixture->engine, (enum place)(round % PLACES));
        assert_many_is_each(fixture->engine, NULL, PLAIN, &prng);
        assert_many_is_each(fixture->engine, NULL, SUM, &prng);
        if (snapshot) assert_many_is_each(fixture->engine, snapshot, PLAIN, &prng);
        if (round % 4 != 3) continue;
        engine_snapshot_release(fixture->engine, snapshot);
        snapshot = NULL;
        engine_close(fixture->engine); /* and nothing is in memory */
        fixture->options.cache_bytes = caches[round / 4 % 2];
        fixture->engine = lab_open(fixture->io, "db", &fixture->options);
        assert_many_is_each(fixture->engine, NULL, PLAIN, &prng);
    }
}

/* Keys of the oldest of four files without filters, and caches that keep hardly a block: each round brings a block in
 * and may push another one out. */
static void many_keys_are_answered_though_the_cache_keeps_no_block(void **state) {
    enum { FILES = 4, ASKED = 24 };
    struct fixture *fixture = *state;
    static char names[ASKED][16], value[700];
    struct slice keys[ASKED];
    struct engine_value values[ASKED];
    enum status statuses[ASKED];
    static struct engine_tree_kind kinds[8];
    memset(value, 'v', sizeof value - 1);
    engine_close(fixture->engine);
    assert_true(fixture->options.kind_count <= sizeof kinds / sizeof kinds[0]);
    memcpy(kinds, fixture->options.kinds, fixture->options.kind_count * sizeof *kinds);
    kinds[LAB_SUM - 1].policy = ENGINE_POLICY_FIFO; /* the files stay as they are */
    fixture->options.kinds = kinds;
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    for (int file = 0; file < FILES; file++) {
        for (int i = 0; i < ASKED; i++) {
            snprintf(names[i], sizeof names[i], "%02d%s", i, file > 0 ? "x" : "");
            lab_put(fixture->engine, SUM, names[i], value);
        }
        assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    }
    for (int i = 0; i < ASKED; i++) {
        snprintf(names[i], sizeof names[i], "%02d", i);
        keys[i] = slice_from_text(names[i]);
    }
    for (size_t cache = 1 << 10; cache <= 16 << 10; cache += 512) {
        engine_close(fixture->engine);
        fixture->options.cache_bytes = cache;
        fixture->engine = lab_open(fixture->io, "db", &fixture->options);
        assert_int_equal(engine_get_many(fixture->engine, NULL, SUM, keys, ASKED, values, statuses), STATUS_OK);
        for (int i = 0; i < ASKED; i++) {
            assert_int_equal(statuses[i], STATUS_OK);
            assert_true(slice_equal(values[i].data, slice_from_text(value)));
            engine_value_release(&values[i]);
        }
    }
}

static void many_keys_of_no_tree_or_without_memory_are_refused_as_a_whole(void **state) {
    struct fixture *fixture = *state;
    struct engine_value values[2];
    enum status statuses[2];
    const struct slice keys[2] = {slice_from_text("b"), slice_from_text("a")};
    lab_put(fixture->engine, PLAIN, "a", "1");
    assert_int_equal(engine_get_many(fixture->engine, NULL, 77, keys, 2, values, statuses), STATUS_INVALID);
    assert_int_equal(statuses[1], STATUS_INVALID);
    for (uint64_t nth = 1;; nth++) {
        alloc_fault_at(nth);
        const enum status status = engine_get_many(fixture->engine, NULL, PLAIN, keys, 2, values, statuses);
        if (!alloc_fault_clear()) break;
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_int_equal(statuses[1], STATUS_NO_MEMORY);
    }
    assert_int_equal(statuses[0], STATUS_NOT_FOUND);
    assert_int_equal(statuses[1], STATUS_OK);
    engine_value_release(&values[1]);
    assert_int_equal(engine_get_many(fixture->engine, NULL, PLAIN, keys, 0, values, statuses), STATUS_OK);
}

/* ---- Prefixes ---------------------------------------------------------------------------------------------------- */

enum { PREFIXED = 77, PREFIX_KEYS = 600 };

static const struct engine_tree_kind prefixed_kind = {
    .id = 9, .name = "test.prefixed", .filter_bits_per_key = 12, .filter_prefix_bytes = 3};

/* Keys of few letters, short ones and such with 0xff among them, so that many share a beginning. */
static size_t draw_prefixed(struct prng *prng, uint8_t *key) {
    static const uint8_t letters[] = {0x00, 'a', 'b', 'z', 0xff};
    const size_t size = prng_below(prng, 7);
    for (size_t i = 0; i < size; i++) key[i] = letters[prng_below(prng, sizeof letters)];
    return size;
}

/* What an iterator with a prefix shows, forward and backward, is what one without shows of that prefix. */
static void assert_prefix_is_a_part(struct engine *engine, struct slice prefix, struct slice lower) {
    struct engine_iterator *all, *part;
    const struct engine_iterator_options options = {.prefix = prefix, .lower = lower};
    assert_int_equal(engine_iterator_open(engine, PREFIXED, NULL, &all), STATUS_OK);
    assert_int_equal(engine_iterator_open(engine, PREFIXED, &options, &part), STATUS_OK);
    for (int backward = 0; backward < 2; backward++) {
        (backward ? engine_iterator_seek_last : engine_iterator_seek_first)(all);
        (backward ? engine_iterator_seek_last : engine_iterator_seek_first)(part);
        for (; engine_iterator_valid(all); (backward ? engine_iterator_prev : engine_iterator_next)(all)) {
            const struct slice key = engine_iterator_key(all);
            if (!slice_has_prefix(key, prefix) || slice_compare(key, lower) < 0) continue;
            assert_true(engine_iterator_valid(part));
            assert_true(slice_equal(engine_iterator_key(part), key));
            assert_true(slice_equal(engine_iterator_value(part), engine_iterator_value(all)));
            (backward ? engine_iterator_prev : engine_iterator_next)(part);
        }
        assert_false(engine_iterator_valid(part));
        assert_int_equal(engine_iterator_status(part), STATUS_OK);
    }
    engine_iterator_close(all);
    engine_iterator_close(part);
}

static void open_prefixed(struct fixture *fixture, const struct engine_tree_kind *kind) {
    engine_close(fixture->engine);
    fixture->options.kinds = kind;
    fixture->options.kind_count = 1;
    fixture->engine = lab_open(fixture->io, "prefixed", &fixture->options);
}

static void an_iterator_with_a_prefix_shows_all_keys_with_it_and_no_others(void **state) {
    struct fixture *fixture = *state;
    struct prng prng;
    prng_init(&prng, test_seed(12));
    struct engine_tree_kind kind = prefixed_kind;
    open_prefixed(fixture, &kind);
    lab_create_tree(fixture->engine, PREFIXED, kind.id);
    for (unsigned round = 0; round < 10; round++) {
        struct engine_batch batch;
        engine_batch_init(&batch);
        for (unsigned i = 0; i < PREFIX_KEYS / 4; i++) {
            uint8_t key[8];
            const struct slice drawn = slice_make(key, draw_prefixed(&prng, key));
            const enum status status = prng_chance(&prng, 1, 4)
                                           ? engine_batch_delete(&batch, PREFIXED, drawn)
                                           : engine_batch_put(&batch, PREFIXED, drawn, slice_make(&round, 1));
            assert_int_equal(status, STATUS_OK);
        }
        if (round == 4)
            assert_int_equal(engine_batch_delete_range(&batch, PREFIXED, slice_from_text("ab"), slice_from_text("b")),
                             STATUS_OK);
        assert_int_equal(engine_write(fixture->engine, &batch, NULL), STATUS_OK);
        engine_batch_deinit(&batch);
        bring_to(fixture->engine, (enum place)(round % PLACES));
        if (round == 6) { /* files that know other beginnings, or none, stay beside the new ones */
            kind.filter_prefix_bytes = 2;
            open_prefixed(fixture, &kind);
        }
        for (unsigned i = 0; i < 60; i++) {
            uint8_t prefix[8], lower[8];
            const struct slice drawn = slice_make(prefix, draw_prefixed(&prng, prefix));
            assert_prefix_is_a_part(fixture->engine, drawn, slice_make(lower, i % 3 ? 0 : draw_prefixed(&prng, lower)));
        }
    }
}

static void a_prefix_that_no_file_has_is_answered_by_filters_alone(void **state) {
    struct fixture *fixture = *state;
    open_prefixed(fixture, &prefixed_kind);
    lab_create_tree(fixture->engine, PREFIXED, prefixed_kind.id);
    for (unsigned i = 0; i < 2000; i += 2) {
        char key[24];
        (void)snprintf(key, sizeof key, "%03u/%05u", i % 1000, i);
        lab_put(fixture->engine, PREFIXED, key, "value");
    }
    assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
    assert_prefix_is_a_part(fixture->engine, slice_from_text("500"), slice_make(NULL, 0));
    struct engine_stats before, after;
    engine_get_stats(fixture->engine, &before);
    for (unsigned i = 1; i < 999; i += 2) {
        char prefix[24];
        struct engine_iterator *iterator;
        (void)snprintf(prefix, sizeof prefix, "%03u/", i);
        const struct engine_iterator_options options = {.prefix = slice_from_text(prefix)};
        assert_int_equal(engine_iterator_open(fixture->engine, PREFIXED, &options, &iterator), STATUS_OK);
        engine_iterator_seek_first(iterator);
        assert_false(engine_iterator_valid(iterator));
        engine_iterator_seek_last(iterator);
        assert_false(engine_iterator_valid(iterator));
        engine_iterator_close(iterator);
    }
    engine_get_stats(fixture->engine, &after);
    const uint64_t blocks = after.cache_hits + after.cache_misses - before.cache_hits - before.cache_misses;
    assert_true(blocks < 60); /* 499 iterators, two seeks each; a filter errs now and then */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_snapshot_keeps_what_it_saw),
        TEST(many_keys_at_once_are_answered_as_one_by_one),
        TEST(an_iterator_with_a_prefix_shows_all_keys_with_it_and_no_others),
        TEST(a_prefix_that_no_file_has_is_answered_by_filters_alone),
        TEST(many_keys_are_answered_though_the_cache_keeps_no_block),
        TEST(many_keys_of_no_tree_or_without_memory_are_refused_as_a_whole),
        TEST(a_snapshot_sees_an_extended_value_at_its_own_length),
        TEST(operands_fold_over_memory_and_files),
        TEST(operands_stop_at_a_range_delete),
        TEST(a_bad_operand_is_an_error_of_the_read_and_survives_compaction),
        TEST(range_deletes_hide_what_is_older_only),
        TEST(files_that_a_range_delete_covers_are_dropped_unread),
        TEST(next_after_prev_and_prev_after_next_stay_on_course),
        TEST(bounds_hold_both_ways),
        TEST(a_tree_made_anew_is_empty_and_a_snapshot_keeps_the_old_one),
        TEST(a_batch_with_one_bad_operation_changes_nothing),
        TEST(get_try_answers_from_memory_or_would_block),
        TEST(a_pinned_value_outlives_flush_and_compaction),
    };
    return cmocka_run_group_tests_name("engine_read", tests, NULL, NULL);
}
