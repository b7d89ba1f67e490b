/*
 * memtable_test: the memtable against a plain history of operations: what each snapshot sees, both ways, with appends,
 * with batches taken back, with failing allocations and with readers beside the writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/sync.h"
#include "engine/memtable/memtable.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"

enum { KEYS = 24, TREES = 3, OPERATIONS = 600, VALUE_MAX = 90 };

static const uint32_t trees[TREES] = {0, 7, UINT32_MAX};

struct operation {
    uint32_t tree;
    enum entry_kind kind;
    uint64_t sequence;
    struct slice key, value; /* borrowed from static memory */
};

struct history {
    struct operation all[OPERATIONS];
    size_t count;
};

/* ---- What must be ------------------------------------------------------------------------------------------------ */

/* Short keys, keys that share eight bytes and more, zeros at the end, the empty one. */
static struct slice key_of(unsigned number) {
    static const char *const texts[] = {
        "", "a", "a\0", "a\0\0", "aaaaaaaa", "aaaaaaab", "aaaaaaaabbbbbbbb", "aaaaaaaabbbbbbbc"};
    static const size_t sizes[] = {0, 1, 2, 3, 8, 8, 16, 16};
    static const char letters[] = "bcdefghijklmnopqrstuvwxyz";
    if (number < 8) return slice_make(texts[number], sizes[number]);
    return slice_make(letters + (number - 8) % 20, 1 + number % 5);
}

static bool covers(const struct operation *range, const struct operation *operation) {
    return range->kind == ENTRY_RANGE_DELETE && range->tree == operation->tree &&
           slice_compare(range->key, operation->key) <= 0 &&
           (range->value.size == 0 || slice_compare(operation->key, range->value) < 0);
}

static bool is_of(const struct operation *operation, uint32_t tree, struct slice key) {
    return operation->kind != ENTRY_RANGE_DELETE && operation->tree == tree && slice_equal(operation->key, key);
}

/*
 * Folds what the memtable tells about a key for a snapshot into one text: operands and appends in square brackets on
 * top of a base, "-" for deleted, "?" for nothing known. The same for both sides makes them comparable.
 */
static void fold_history(const struct history *history, uint32_t tree, struct slice key, uint64_t snapshot,
                         struct buf *text) {
    buf_clear(text);
    assert_int_equal(buf_append(text, "?", 1), STATUS_OK);
    struct operation probe = {.tree = tree, .key = key};
    for (size_t i = 0; i < history->count && history->all[i].sequence <= snapshot; i++) {
        const struct operation *at = &history->all[i];
        if (covers(at, &probe) || (is_of(at, tree, key) && at->kind == ENTRY_DELETE)) {
            buf_clear(text);
            assert_int_equal(buf_append(text, "-", 1), STATUS_OK);
        }
        if (!is_of(at, tree, key) || at->kind == ENTRY_DELETE) continue;
        bool on_deleted = at->kind == ENTRY_APPEND && text->size == 1 && text->data[0] == '-'; /* as good as a put */
        if (at->kind == ENTRY_PUT || on_deleted) buf_clear(text);
        if (at->kind == ENTRY_MERGE) assert_int_equal(buf_append(text, "+", 1), STATUS_OK);
        assert_int_equal(buf_append_slice(text, at->value), STATUS_OK);
    }
}

static void fold_versions(const struct memtable *memtable, uint32_t tree, struct slice key, uint64_t snapshot,
                          struct buf *text) {
    struct memtable_version versions[OPERATIONS];
    size_t count = 0;
    uint64_t cover = memtable_cover(memtable, tree, key, snapshot);
    const char *base = cover ? "-" : "?";
    struct memtable_version version;
    bool found = memtable_get(memtable, tree, key, snapshot, &version);
    if (found) assert_true(memtable_may_have(memtable, tree, entry_key_hash(key)));
    for (uint64_t last = UINT64_MAX; found; found = memtable_get_older(&version)) {
        assert_true(version.trailer < last);
        assert_true(entry_sequence(version.trailer) <= snapshot);
        last = version.trailer;
        if (entry_sequence(version.trailer) < cover) break;
        versions[count++] = version;
        if (entry_kind(version.trailer) <= ENTRY_PUT) {
            base = entry_kind(version.trailer) == ENTRY_PUT ? "" : "-";
            break;
        }
    }
    buf_clear(text);
    assert_int_equal(buf_append(text, base, strlen(base)), STATUS_OK);
    while (count-- > 0) {
        if (entry_kind(versions[count].trailer) == ENTRY_DELETE) continue;
        if (entry_kind(versions[count].trailer) == ENTRY_MERGE) assert_int_equal(buf_append(text, "+", 1), STATUS_OK);
        assert_int_equal(buf_append_slice(text, versions[count].value), STATUS_OK);
    }
}

static void assert_same_answers(const struct memtable *memtable, const struct history *history, uint64_t snapshot) {
    struct buf expected = BUF_EMPTY, got = BUF_EMPTY;
    for (unsigned tree = 0; tree < TREES; tree++) {
        for (unsigned key = 0; key < KEYS; key++) {
            fold_history(history, trees[tree], key_of(key), snapshot, &expected);
            fold_versions(memtable, trees[tree], key_of(key), snapshot, &got);
            /* An append or operand on nothing known may lean on older tables; "?" stands for that on both sides. */
            assert_int_equal(got.size, expected.size);
            assert_memory_equal(got.data, expected.data, expected.size);
        }
    }
    buf_deinit(&expected);
    buf_deinit(&got);
}

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

static uint8_t noise[VALUE_MAX * 40];

static struct operation draw(struct prng *prng, uint64_t sequence) {
    static const enum entry_kind kinds[] = {ENTRY_PUT,    ENTRY_PUT,    ENTRY_PUT,    ENTRY_DELETE,
                                            ENTRY_APPEND, ENTRY_APPEND, ENTRY_APPEND, ENTRY_MERGE};
    struct operation operation = {.tree = trees[prng_below(prng, TREES)], .sequence = sequence};
    operation.kind = prng_chance(prng, 1, 20) ? ENTRY_RANGE_DELETE : kinds[prng_below(prng, 8)];
    operation.key = key_of((unsigned)prng_below(prng, prng_chance(prng, 1, 2) ? 4 : KEYS));
    if (operation.kind == ENTRY_RANGE_DELETE) {
        struct slice other = key_of((unsigned)prng_below(prng, KEYS));
        if (slice_compare(operation.key, other) > 0 && other.size) {
            operation.value = operation.key;
            operation.key = other;
        } else {
            operation.value = other;
        }
    } else if (operation.kind != ENTRY_DELETE) {
        size_t at = prng_below(prng, sizeof noise - VALUE_MAX);
        operation.value = slice_make(noise + at, prng_below(prng, VALUE_MAX));
    }
    return operation;
}

static enum status apply(struct memtable *memtable, const struct operation *at) {
    return memtable_add(memtable, at->tree, at->kind, at->sequence, at->key, at->value);
}

static uint64_t draw_all(struct memtable *memtable, struct history *history, struct prng *prng, size_t count) {
    uint64_t sequence = history->count ? history->all[history->count - 1].sequence : 0;
    for (size_t i = 0; i < count; i++) {
        sequence += 1 + prng_below(prng, 3);
        history->all[history->count] = draw(prng, sequence);
        assert_int_equal(apply(memtable, &history->all[history->count++]), STATUS_OK);
    }
    return sequence;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void every_snapshot_sees_what_was_written_before_it(void **state) {
    (void)state;
    static struct history history;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(40); seed < last; seed++) {
        seed_starts("every_snapshot_sees_what_was_written_before_it", seed);
        struct prng prng;
        prng_init(&prng, seed);
        history.count = 0;
        struct memtable *memtable = memtable_create(seed);
        assert_non_null(memtable);
        uint64_t newest = draw_all(memtable, &history, &prng, 1 + prng_below(&prng, OPERATIONS));
        for (int i = 0; i < 10; i++) assert_same_answers(memtable, &history, prng_below(&prng, newest + 2));
        assert_same_answers(memtable, &history, newest);
        assert_same_answers(memtable, &history, ENTRY_SEQUENCE_MAX);
        memtable_release(memtable);
        seed_passes();
    }
}

/* Any keys, known or not, few or many, of trees that are there or not. */
static void touch_some(const struct memtable *memtable, struct prng *prng) {
    struct slice keys[KEYS * 2];
    const size_t count = prng_below(prng, KEYS * 2 + 1);
    for (size_t i = 0; i < count; i++)
        keys[i] = prng_below(prng, 8) ? key_of((unsigned)prng_below(prng, KEYS + 8)) : slice_make("\xff\xff\xff", 3);
    memtable_touch(memtable, prng_below(prng, 4) ? trees[prng_below(prng, TREES)] : 12345, keys, count);
}

static void a_touch_changes_no_answer(void **state) {
    (void)state;
    static struct history history;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(40); seed < last; seed++) {
        seed_starts("a_touch_changes_no_answer", seed);
        struct prng prng;
        prng_init(&prng, seed);
        history.count = 0;
        struct memtable *memtable = memtable_create(seed);
        assert_non_null(memtable);
        touch_some(memtable, &prng);
        const uint64_t newest = draw_all(memtable, &history, &prng, 1 + prng_below(&prng, OPERATIONS));
        for (int i = 0; i < 20; i++) touch_some(memtable, &prng);
        assert_same_answers(memtable, &history, newest);
        memtable_release(memtable);
        seed_passes();
    }
}

struct shown {
    struct slice key;
    uint64_t trailer;
    struct slice value;
};

/* Everything that a source shows from the current entry on. */
static size_t walk(struct source *source, struct shown *shown, bool forward) {
    size_t count = 0;
    for (; source->valid; forward ? source_next(source) : source_prev(source)) {
        assert_true(count < OPERATIONS);
        assert_int_equal(source->head, entry_head(source->key));
        shown[count++] = (struct shown){source->key, source->trailer, source->value};
    }
    assert_int_equal(source->status, STATUS_OK);
    return count;
}

static void assert_shown_equal(const struct shown *a, const struct shown *b) {
    assert_true(slice_equal(a->key, b->key) && slice_equal(a->value, b->value));
    assert_int_equal(a->trailer, b->trailer);
}

/* For each key of a tree: the newest visible entry is the one that get finds; older ones follow it. */
static void assert_walk_matches_get(const struct memtable *memtable, uint32_t tree, uint64_t snapshot,
                                    struct prng *prng) {
    static struct shown forward[OPERATIONS], backward[OPERATIONS];
    struct memtable_source source;
    memtable_source_init(&source, memtable, tree, snapshot);
    source_seek_first(&source.source);
    size_t count = walk(&source.source, forward, true);
    source_seek_last(&source.source);
    assert_int_equal(walk(&source.source, backward, false), count);
    for (size_t i = 0; i < count; i++) {
        assert_shown_equal(&forward[i], &backward[count - 1 - i]);
        if (i)
            assert_true(entry_compare(forward[i - 1].key, forward[i - 1].trailer, forward[i].key, forward[i].trailer) <
                        0);
    }
    for (unsigned key = 0; key < KEYS; key++) {
        struct memtable_version version;
        bool found = memtable_get(memtable, tree, key_of(key), snapshot, &version);
        source_seek(&source.source, key_of(key), entry_trailer_at(snapshot));
        bool shown = source.source.valid && slice_equal(source.source.key, key_of(key));
        assert_int_equal(found, shown);
        if (!found) continue;
        assert_int_equal(version.trailer, source.source.trailer);
        assert_true(slice_equal(version.value, source.source.value));
    }
    for (int i = 0; i < 8 && count; i++) { /* from a place in the middle, both ways */
        size_t at = prng_below(prng, count);
        source_seek_before(&source.source, forward[at].key, ENTRY_TRAILER_FIRST);
        if (source.source.valid) {
            assert_true(slice_compare(source.source.key, forward[at].key) < 0);
            source_next(&source.source);
            assert_true(source.source.valid);
            assert_true(slice_equal(source.source.key, forward[at].key));
        } else {
            assert_true(slice_equal(forward[0].key, forward[at].key));
        }
    }
    source_close(&source.source);
}

static void sources_walk_both_ways_and_agree_with_get(void **state) {
    (void)state;
    static struct history history;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(40); seed < last; seed++) {
        seed_starts("sources_walk_both_ways_and_agree_with_get", seed);
        struct prng prng;
        prng_init(&prng, seed);
        history.count = 0;
        struct memtable *memtable = memtable_create(seed);
        uint64_t newest = draw_all(memtable, &history, &prng, 1 + prng_below(&prng, OPERATIONS));
        for (unsigned tree = 0; tree < TREES; tree++) {
            assert_walk_matches_get(memtable, trees[tree], ENTRY_SEQUENCE_MAX - 1, &prng);
            assert_walk_matches_get(memtable, trees[tree], prng_below(&prng, newest + 1), &prng);
        }
        memtable_release(memtable);
        seed_passes();
    }
}

/* The flush view has every operation as itself, but for an append on what was deleted, which is a put. */
static void a_flush_sees_every_operation_once(void **state) {
    (void)state;
    static struct history history;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(40); seed < last; seed++) {
        seed_starts("a_flush_sees_every_operation_once", seed);
        struct prng prng;
        prng_init(&prng, seed);
        history.count = 0;
        struct memtable *memtable = memtable_create(seed);
        draw_all(memtable, &history, &prng, 1 + prng_below(&prng, OPERATIONS));
        size_t ranges = 0, seen = 0;
        for (size_t i = 0; i < history.count; i++) ranges += history.all[i].kind == ENTRY_RANGE_DELETE;
        uint32_t tree = 0;
        while (memtable_next_tree(memtable, &tree)) {
            static struct shown shown[OPERATIONS];
            struct memtable_source source;
            memtable_source_init(&source, memtable, tree, MEMTABLE_EVERY_VERSION);
            source_seek_first(&source.source);
            size_t count = walk(&source.source, shown, true);
            for (size_t i = 0; i < count; i++) {
                if (i)
                    assert_true(entry_compare(shown[i - 1].key, shown[i - 1].trailer, shown[i].key, shown[i].trailer) <
                                0);
                const struct operation *same = NULL;
                for (size_t j = 0; j < history.count && !same; j++) {
                    if (history.all[j].sequence == entry_sequence(shown[i].trailer)) same = &history.all[j];
                }
                assert_non_null(same);
                assert_int_equal(same->tree, tree);
                assert_true(slice_equal(same->key, shown[i].key) && slice_equal(same->value, shown[i].value));
                bool put = same->kind == ENTRY_APPEND && entry_kind(shown[i].trailer) == ENTRY_PUT;
                assert_true(put || same->kind == entry_kind(shown[i].trailer));
                source_seek(&source.source, shown[i].key, shown[i].trailer);
                assert_true(source.source.valid);
                assert_int_equal(source.source.trailer, shown[i].trailer);
                assert_true(slice_equal(source.source.value, shown[i].value));
            }
            seen += count;
            source_close(&source.source);
            if (tree++ == UINT32_MAX) break;
        }
        assert_int_equal(seen + ranges, history.count);
        struct memtable_stats stats;
        memtable_get_stats(memtable, &stats);
        assert_int_equal(stats.entries, seen);
        assert_int_equal(stats.first_sequence, history.all[0].sequence);
        assert_int_equal(stats.last_sequence, history.all[history.count - 1].sequence);
        assert_true(stats.bytes <= stats.reserved);
        memtable_release(memtable);
        seed_passes();
    }
}

static void a_batch_that_was_taken_back_leaves_no_trace(void **state) {
    (void)state;
    static struct history history;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(60); seed < last; seed++) {
        seed_starts("a_batch_that_was_taken_back_leaves_no_trace", seed);
        struct prng prng;
        prng_init(&prng, seed);
        history.count = 0;
        struct memtable *memtable = memtable_create(seed);
        uint64_t newest = draw_all(memtable, &history, &prng, 1 + prng_below(&prng, 200));
        struct memtable_stats before, after;
        memtable_get_stats(memtable, &before);
        size_t kept = history.count;
        draw_all(memtable, &history, &prng, 1 + prng_below(&prng, 60));
        for (size_t i = kept; i < history.count; i++) {
            const struct operation *at = &history.all[i];
            memtable_undo(memtable, at->tree, at->kind, at->key, at->value, newest + 1);
        }
        history.count = kept;
        assert_same_answers(memtable, &history, ENTRY_SEQUENCE_MAX);
        memtable_get_stats(memtable, &after);
        assert_int_equal(after.entries, before.entries);
        assert_int_equal(after.range_deletes, before.range_deletes);
        draw_all(memtable, &history, &prng, 100); /* the same sequences again */
        assert_same_answers(memtable, &history, ENTRY_SEQUENCE_MAX);
        for (unsigned tree = 0; tree < TREES; tree++) {
            assert_walk_matches_get(memtable, trees[tree], ENTRY_SEQUENCE_MAX - 1, &prng);
        }
        memtable_release(memtable);
        seed_passes();
    }
}

static void a_failed_allocation_leaves_nothing_half_done(void **state) {
    (void)state;
    static struct history history;
    static uint8_t large[300 << 10]; /* has an arena block of its own, so that adds do allocate */
    struct prng prng;
    prng_init(&prng, 2);
    history.count = 0;
    struct memtable *memtable = NULL;
    for (uint64_t nth = 1; !memtable; nth++) {
        alloc_fault_at(nth);
        memtable = memtable_create(2);
        assert_int_equal(alloc_fault_clear(), memtable == NULL);
    }
    unsigned failures = 0;
    for (uint64_t sequence = 1; sequence < 120; sequence++) {
        struct operation operation = draw(&prng, sequence);
        bool has_value = operation.kind != ENTRY_DELETE && operation.kind != ENTRY_RANGE_DELETE;
        if (has_value && prng_chance(&prng, 1, 2)) operation.value = slice_make(large, sizeof large);
        for (uint64_t nth = 1;; nth++) {
            alloc_fault_at(nth);
            enum status status = apply(memtable, &operation);
            bool failed = alloc_fault_clear();
            assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
            if (!failed) break;
            failures++;
            assert_same_answers(memtable, &history, ENTRY_SEQUENCE_MAX);
        }
        history.all[history.count++] = operation;
    }
    assert_same_answers(memtable, &history, ENTRY_SEQUENCE_MAX);
    assert_true(failures > 30);
    memtable_release(memtable);
}

static void appending_costs_by_what_is_added_not_by_what_is_there(void **state) {
    (void)state;
    struct memtable *memtable = memtable_create(1);
    static uint8_t value[1 << 20];
    assert_int_equal(memtable_add(memtable, 1, ENTRY_PUT, 1, key_of(1), slice_make(value, sizeof value)), STATUS_OK);
    enum { APPENDS = 200000 };
    for (uint64_t i = 0; i < APPENDS; i++) { /* a copy of the value each time would be 200 GB */
        assert_int_equal(memtable_add(memtable, 1, ENTRY_APPEND, 2 + i, key_of(1), slice_from_text("0123456789")),
                         STATUS_OK);
    }
    assert_true(memtable_bytes(memtable) < 24 << 20);
    struct memtable_version version;
    for (uint64_t i = 0; i <= APPENDS; i++) {
        assert_true(memtable_get(memtable, 1, key_of(1), 1 + i, &version));
        assert_int_equal(version.value.size, sizeof value + 10 * i);
        assert_int_equal(version.trailer, entry_trailer(1 + i, ENTRY_PUT));
    }
    memtable_release(memtable);
}

static void an_append_beyond_the_limit_is_too_large(void **state) {
    (void)state;
    struct memtable *memtable = memtable_create(1);
    size_t size = 64 << 20;
    uint8_t *value = calloc(1, size);
    assert_int_equal(memtable_add(memtable, 1, ENTRY_PUT, 1, key_of(1), slice_make(value, size - 1)), STATUS_OK);
    assert_int_equal(memtable_add(memtable, 1, ENTRY_APPEND, 2, key_of(1), slice_make(value, 2)), STATUS_TOO_LARGE);
    struct memtable_version version;
    assert_true(memtable_get(memtable, 1, key_of(1), 9, &version));
    assert_int_equal(version.value.size, size - 1);
    memtable_release(memtable);
    free(value);
}

/* ---- Readers beside the writer ----------------------------------------------------------------------------------- */

struct race {
    struct memtable *memtable;
    _Atomic uint64_t published;
    _Atomic bool stop;
    _Atomic uint64_t asked, wrong;
};

/*
 * The writer makes round n by one sequence a key: key k holds n as a number, and its appended twin n dots. A reader
 * that sees round n must see it for all keys, and the walk must have them in order both ways.
 */
static void read_along(void *context) {
    struct race *race = context;
    do {
        uint64_t round = atomic_load_explicit(&race->published, memory_order_acquire);
        uint64_t snapshot = round * 2 * KEYS;
        uint64_t wrong = 0;
        struct memtable_source source;
        memtable_source_init(&source, race->memtable, 7, snapshot);
        unsigned keys = 0;
        for (source_seek_first(&source.source); source.source.valid; source_next(&source.source)) {
            if (entry_sequence(source.source.trailer) > snapshot) continue;
            keys += coding_get_u64(source.source.value.data) == round;
        }
        wrong += round && keys != KEYS;
        size_t back = 0;
        uint64_t before = UINT64_MAX;
        for (source_seek_last(&source.source); source.source.valid; source_prev(&source.source)) {
            back += entry_sequence(source.source.trailer) <= snapshot;
            wrong += source.source.head > before;
            before = source.source.head;
        }
        wrong += back < keys;
        struct slice touched[KEYS];
        for (unsigned key = 0; key < KEYS; key++) touched[key] = key_of(key);
        memtable_touch(race->memtable, 9, touched, KEYS);
        for (unsigned key = 0; key < KEYS && round; key++) {
            struct memtable_version version;
            bool found = memtable_get(race->memtable, 9, key_of(key), snapshot, &version);
            wrong += !found || version.value.size != round;
        }
        source_close(&source.source);
        if (wrong) atomic_fetch_add(&race->wrong, wrong);
        atomic_fetch_add(&race->asked, 1);
    } while (!atomic_load(&race->stop));
}

static void readers_beside_the_writer_see_whole_rounds(void **state) {
    (void)state;
    struct race race = {.memtable = memtable_create(4)};
    struct thread threads[2];
    for (int i = 0; i < 2; i++) assert_int_equal(thread_start(&threads[i], "reader", read_along, &race), STATUS_OK);
    for (uint64_t round = 1; round <= test_scaled(300); round++) {
        uint64_t sequence = (round - 1) * 2 * KEYS;
        uint8_t number[8];
        coding_put_u64(number, round);
        for (unsigned key = 0; key < KEYS; key++) {
            struct slice value = slice_make(number, sizeof number);
            assert_int_equal(memtable_add(race.memtable, 7, ENTRY_PUT, ++sequence, key_of(key), value), STATUS_OK);
            value = slice_from_text(".");
            assert_int_equal(memtable_add(race.memtable, 9, ENTRY_APPEND, ++sequence, key_of(key), value), STATUS_OK);
        }
        atomic_store_explicit(&race.published, round, memory_order_release);
        uint64_t asked = atomic_load(&race.asked);
        while (round % 16 == 0 && atomic_load(&race.asked) < asked + 2) {}
    }
    atomic_store(&race.stop, true);
    for (int i = 0; i < 2; i++) thread_join(&threads[i]);
    assert_int_equal(race.wrong, 0);
    assert_true(race.asked > 0);
    memtable_release(race.memtable);
}

static void few_keys_that_were_never_added_are_searched_for(void **state) {
    (void)state;
    enum { ADDED = 60000 }; /* three layers of the filter */
    struct memtable *memtable = memtable_create(1);
    uint8_t key[8];
    assert_false(memtable_may_have(memtable, 1, entry_key_hash(slice_make(key, 0))));
    for (uint64_t i = 0; i < ADDED; i++) {
        coding_put_key_u64(key, i);
        assert_int_equal(memtable_add(memtable, 1, ENTRY_PUT, i + 1, slice_make(key, 8), slice_make(NULL, 0)),
                         STATUS_OK);
    }
    uint64_t other_keys = 0, other_trees = 0;
    for (uint64_t i = 0; i < ADDED; i++) {
        coding_put_key_u64(key, i);
        assert_true(memtable_may_have(memtable, 1, entry_key_hash(slice_make(key, 8))));
        other_trees += memtable_may_have(memtable, 2, entry_key_hash(slice_make(key, 8)));
        coding_put_key_u64(key, i + ADDED);
        other_keys += memtable_may_have(memtable, 1, entry_key_hash(slice_make(key, 8)));
    }
    assert_true(other_keys < ADDED / 50);
    assert_true(other_trees < ADDED / 50);
    memtable_release(memtable);
}

/* Of a batch; three layers of the filter begin in its midst. */
static void what_was_added_unsettled_may_be_there_once_it_is_settled(void **state) {
    (void)state;
    enum { BATCH = 1000, BATCHES = 30 };
    struct memtable *memtable = memtable_create(1);
    uint8_t key[8];
    uint64_t number = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        const uint64_t first = number;
        for (int i = 0; i < BATCH; i++, number++) {
            coding_put_key_u64(key, number);
            const struct slice there = slice_make(key, 8);
            assert_int_equal(memtable_add_unsettled(memtable, 1, ENTRY_PUT, number + 1, there, there), STATUS_OK);
        }
        memtable_settle(memtable);
        for (uint64_t i = first; i < number; i++) {
            coding_put_key_u64(key, i);
            assert_true(memtable_may_have(memtable, 1, entry_key_hash(slice_make(key, 8))));
        }
    }
    memtable_release(memtable);
}

int main(void) {
    struct prng prng;
    prng_init(&prng, 77);
    prng_fill(&prng, noise, sizeof noise);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_unsettled_may_be_there_once_it_is_settled),
        cmocka_unit_test(few_keys_that_were_never_added_are_searched_for),
        cmocka_unit_test(every_snapshot_sees_what_was_written_before_it),
        cmocka_unit_test(a_touch_changes_no_answer),
        cmocka_unit_test(sources_walk_both_ways_and_agree_with_get),
        cmocka_unit_test(a_flush_sees_every_operation_once),
        cmocka_unit_test(a_batch_that_was_taken_back_leaves_no_trace),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_half_done),
        cmocka_unit_test(appending_costs_by_what_is_added_not_by_what_is_there),
        cmocka_unit_test(an_append_beyond_the_limit_is_too_large),
        cmocka_unit_test(readers_beside_the_writer_see_whole_rounds),
    };
    return seed_report(cmocka_run_group_tests_name("memtable", tests, NULL, NULL),
                       "build/tests/unit/engine/memtable_test");
}
