/*
 * range_set_test: the interval skip list against a plain list of tombstones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/sync.h"
#include "engine/entry/range_set.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"

enum { KEYS = 60, TREES = 3, TOMBSTONES = 400 };

struct tombstone {
    uint32_t tree;
    unsigned begin, end; /* numbers of keys; end KEYS = to the end of the tree */
    uint64_t sequence;
};

struct model {
    struct tombstone all[TOMBSTONES];
    size_t count;
};

/* Key 0 is the empty one; the others are two bytes. */
static uint8_t keys[KEYS + 1][2];

static struct slice key_of(unsigned number) {
    return number ? slice_make(keys[number], sizeof keys[number]) : (struct slice){0};
}

static struct slice end_of(const struct tombstone *tombstone) {
    return tombstone->end == KEYS ? (struct slice){0} : key_of(tombstone->end);
}

static uint64_t model_cover(const struct model *model, uint32_t tree, unsigned key, uint64_t snapshot) {
    uint64_t highest = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct tombstone *at = &model->all[i];
        if (at->tree != tree || key < at->begin || key >= at->end || at->sequence > snapshot) continue;
        if (at->sequence > highest) highest = at->sequence;
    }
    return highest;
}

static struct tombstone draw(struct prng *prng, uint64_t sequence) {
    struct tombstone tombstone = {.tree = (uint32_t)prng_below(prng, TREES) * 0x7fffffff, .sequence = sequence};
    tombstone.begin = (unsigned)prng_below(prng, KEYS);
    unsigned width = prng_chance(prng, 1, 3) ? KEYS : 6;
    tombstone.end = tombstone.begin + 1 + (unsigned)prng_below(prng, width);
    if (tombstone.end > KEYS) tombstone.end = KEYS;
    return tombstone;
}

static void assert_equal_answers(const struct range_set *set, const struct model *model, uint64_t snapshot) {
    for (unsigned tree = 0; tree < TREES; tree++) {
        for (unsigned key = 0; key < KEYS; key++) {
            uint32_t id = tree * 0x7fffffff;
            uint64_t expected = model_cover(model, id, key, snapshot);
            assert_int_equal(range_set_cover(set, id, key_of(key), snapshot), expected);
            struct range_stretch stretch;
            range_set_stretch(set, id, key_of(key), snapshot, &stretch);
            assert_int_equal(stretch.sequence, expected);
            assert_true(slice_compare(stretch.begin, key_of(key)) <= 0);
            assert_true(!stretch.has_end || slice_compare(key_of(key), stretch.end) < 0);
            for (unsigned other = 0; other < KEYS; other++) {
                bool inside = slice_compare(key_of(other), stretch.begin) >= 0 &&
                              (!stretch.has_end || slice_compare(key_of(other), stretch.end) < 0);
                if (inside) assert_int_equal(model_cover(model, id, other, snapshot), expected);
            }
        }
    }
}

static int tombstone_compare(const void *left, const void *right) {
    const struct tombstone *a = left;
    const struct tombstone *b = right;
    if (a->tree != b->tree) return a->tree < b->tree ? -1 : 1;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return a->sequence > b->sequence ? -1 : 1;
}

static void assert_equal_lists(const struct range_set *set, struct model model, uint32_t from_tree) {
    qsort(model.all, model.count, sizeof model.all[0], tombstone_compare);
    struct range_cursor cursor;
    struct range_tombstone tombstone;
    range_cursor_init(&cursor, set, from_tree);
    for (size_t i = 0; i < model.count; i++) {
        if (model.all[i].tree < from_tree) continue;
        assert_true(range_cursor_next(&cursor, &tombstone));
        assert_int_equal(tombstone.tree, model.all[i].tree);
        assert_int_equal(tombstone.sequence, model.all[i].sequence);
        assert_true(slice_equal(tombstone.begin, key_of(model.all[i].begin)));
        assert_true(slice_equal(tombstone.end, end_of(&model.all[i])));
    }
    assert_false(range_cursor_next(&cursor, &tombstone));
}

static void add(struct range_set *set, struct model *model, struct prng *prng) {
    struct tombstone tombstone = draw(prng, model->count * 2 + 1);
    enum status status =
        range_set_add(set, tombstone.tree, key_of(tombstone.begin), end_of(&tombstone), tombstone.sequence);
    assert_int_equal(status, STATUS_OK);
    model->all[model->count++] = tombstone;
}

static void range_set_answers_as_a_list_of_tombstones_does(void **state) {
    (void)state;
    uint64_t seed = test_seed(1);
    for (uint64_t run = 0; run < test_scaled(40); run++) {
        seed_starts("range_set_answers_as_a_list_of_tombstones_does", seed + run);
        struct prng prng;
        prng_init(&prng, seed + run);
        struct arena arena;
        arena_init(&arena, 4096);
        struct range_set set;
        range_set_init(&set, &arena, seed + run);
        static struct model model;
        model.count = 0;
        assert_true(range_set_is_empty(&set));
        size_t count = 1 + prng_below(&prng, TOMBSTONES - 1);
        while (model.count < count) {
            add(&set, &model, &prng);
            if (prng_chance(&prng, 1, 60)) assert_equal_answers(&set, &model, prng_below(&prng, model.count * 2 + 2));
        }
        assert_equal_answers(&set, &model, UINT64_MAX);
        assert_equal_answers(&set, &model, prng_below(&prng, count * 2));
        assert_equal_lists(&set, model, 0);
        assert_equal_lists(&set, model, 1);
        arena_deinit(&arena);
        seed_passes();
    }
}

static void undo_takes_back_what_a_failed_batch_added_in_any_order(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(1); seed < test_seed(1) + test_scaled(60); seed++) {
        seed_starts("undo_takes_back_what_a_failed_batch_added_in_any_order", seed);
        struct prng prng;
        prng_init(&prng, seed);
        struct arena arena;
        arena_init(&arena, 4096);
        struct range_set set;
        range_set_init(&set, &arena, seed);
        static struct model model;
        model.count = 0;
        for (size_t i = 0; i < 60; i++) add(&set, &model, &prng);
        static struct model batch;
        batch = model;
        size_t kept = model.count;
        for (size_t i = 0; i < 40; i++) add(&set, &batch, &prng);
        for (size_t i = 0; i < 40; i++) { /* a random order */
            size_t other = kept + prng_below(&prng, 40);
            struct tombstone swap = batch.all[kept + i];
            batch.all[kept + i] = batch.all[other];
            batch.all[other] = swap;
        }
        for (size_t i = kept; i < kept + 40; i++) {
            const struct tombstone *at = &batch.all[i];
            range_set_undo(&set, at->tree, key_of(at->begin), end_of(at), kept * 2 + 1);
        }
        assert_equal_answers(&set, &model, UINT64_MAX);
        assert_equal_lists(&set, model, 0);
        add(&set, &model, &prng);
        assert_equal_answers(&set, &model, UINT64_MAX);
        arena_deinit(&arena);
        seed_passes();
    }
}

static void a_range_without_a_key_is_not_kept(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct range_set set;
    range_set_init(&set, &arena, 1);
    assert_int_equal(range_set_add(&set, 1, key_of(5), key_of(5), 1), STATUS_OK);
    assert_int_equal(range_set_add(&set, 1, key_of(5), key_of(4), 2), STATUS_OK);
    assert_true(range_set_is_empty(&set));
    arena_deinit(&arena);
}

static void a_failed_allocation_changes_no_answer(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 5);
    struct arena arena;
    arena_init(&arena, 64); /* nearly every piece asks the system */
    struct range_set set;
    range_set_init(&set, &arena, 5);
    static struct model model;
    model.count = 0;
    for (int i = 0; i < 60; i++) {
        struct tombstone tombstone = draw(&prng, model.count * 2 + 1);
        for (uint64_t nth = 1;; nth++) {
            alloc_fault_at(nth);
            enum status status =
                range_set_add(&set, tombstone.tree, key_of(tombstone.begin), end_of(&tombstone), tombstone.sequence);
            bool failed = alloc_fault_clear();
            assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
            if (!failed) break;
            assert_equal_answers(&set, &model, UINT64_MAX);
        }
        model.all[model.count++] = tombstone;
        assert_equal_answers(&set, &model, UINT64_MAX);
    }
    assert_equal_lists(&set, model, 0);
    arena_deinit(&arena);
}

static void old_snapshots_are_answered_without_walking_all_that_is_newer(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct range_set set;
    range_set_init(&set, &arena, 1);
    enum { MANY = 200000 };
    for (uint64_t i = 1; i <= MANY; i++) assert_int_equal(range_set_add(&set, 1, key_of(1), key_of(9), i), STATUS_OK);
    for (uint64_t i = 1; i <= MANY; i++)
        assert_int_equal(range_set_cover(&set, 1, key_of(3), i), i); /* a walk: hours */
    arena_deinit(&arena);
}

/* ---- Readers beside a writer ------------------------------------------------------------------------------------- */

struct race {
    struct range_set set;
    _Atomic uint64_t published;
    _Atomic bool stop;
    const struct model *model;
    _Atomic uint64_t wrong, asked;
};

static void read_along(void *context) {
    struct race *race = context;
    struct prng prng;
    prng_init(&prng, 9);
    do {
        uint64_t snapshot = atomic_load_explicit(&race->published, memory_order_acquire);
        unsigned key = (unsigned)prng_below(&prng, KEYS);
        uint32_t tree = (uint32_t)prng_below(&prng, TREES) * 0x7fffffff;
        uint64_t expected = model_cover(race->model, tree, key, snapshot);
        if (range_set_cover(&race->set, tree, key_of(key), snapshot) != expected) atomic_fetch_add(&race->wrong, 1);
        atomic_fetch_add(&race->asked, 1);
    } while (!atomic_load(&race->stop));
}

static void readers_beside_a_writer_see_what_was_published(void **state) {
    (void)state;
    static struct model model;
    struct prng prng;
    prng_init(&prng, 3);
    for (model.count = 0; model.count < TOMBSTONES; model.count++)
        model.all[model.count] = draw(&prng, model.count + 1);
    struct arena arena;
    arena_init(&arena, 4096);
    struct race race = {.model = &model};
    range_set_init(&race.set, &arena, 3);
    struct thread threads[2];
    for (int i = 0; i < 2; i++) assert_int_equal(thread_start(&threads[i], "reader", read_along, &race), STATUS_OK);
    for (size_t i = 0; i < model.count; i++) {
        const struct tombstone *at = &model.all[i];
        assert_int_equal(range_set_add(&race.set, at->tree, key_of(at->begin), end_of(at), at->sequence), STATUS_OK);
        atomic_store_explicit(&race.published, at->sequence, memory_order_release);
        uint64_t asked = atomic_load(&race.asked);
        while (atomic_load(&race.asked) == asked) {}
    }
    atomic_store(&race.stop, true);
    for (int i = 0; i < 2; i++) thread_join(&threads[i]);
    assert_int_equal(race.wrong, 0);
    arena_deinit(&arena);
}

int main(void) {
    for (unsigned i = 0; i <= KEYS; i++) keys[i][0] = (uint8_t)(i / 7), keys[i][1] = (uint8_t)(i % 7);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(range_set_answers_as_a_list_of_tombstones_does),
        cmocka_unit_test(undo_takes_back_what_a_failed_batch_added_in_any_order),
        cmocka_unit_test(a_range_without_a_key_is_not_kept),
        cmocka_unit_test(a_failed_allocation_changes_no_answer),
        cmocka_unit_test(old_snapshots_are_answered_without_walking_all_that_is_newer),
        cmocka_unit_test(readers_beside_a_writer_see_what_was_published),
    };
    return seed_report(cmocka_run_group_tests_name("range_set", tests, NULL, NULL),
                       "build/tests/unit/engine/range_set_test");
}
