/*
 * memtable_load_test: a memtable that was loaded against one to which the same operations were added one by one: the
 * same entries, to be found by the same seeks, and both go on in the same way. Keys that sort by their first bytes, by
 * later ones, by their lengths alone; the same key over and over; appends between the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/sync.h"
#include "engine/memtable/load.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"

enum {
    TREES = 3,
    OPERATIONS_MAX = 3000,
    MANY = 13500 /* a tree's share is linked by halves */,
    KEY_MAX = 120,
    VALUE_MAX = 40
};

static const uint32_t trees[TREES] = {3, 4, UINT32_MAX};

struct operation {
    uint32_t tree;
    enum entry_kind kind;
    uint64_t sequence;
    uint8_t key[KEY_MAX], value[KEY_MAX];
    size_t key_size, value_size;
};

enum shape { SHAPE_NUMBERS, SHAPE_RISING, SHAPE_FEW, SHAPE_SHARED, SHAPE_LENGTHS, SHAPE_LONG, SHAPES };

/* Letters that make keys differ late, end with zeros, and be beginnings of others. */
static size_t draw_key(struct prng *prng, enum shape shape, uint64_t number, uint8_t key[KEY_MAX]) {
    memset(key, 'k', KEY_MAX);
    switch (shape) {
    case SHAPE_NUMBERS: coding_put_key_u64(key, prng_next(prng)); return 16;
    case SHAPE_RISING: coding_put_key_u64(key, number); return 8;
    case SHAPE_FEW: coding_put_key_u64(key, prng_below(prng, 5)); return 8 + prng_below(prng, 2);
    case SHAPE_SHARED: coding_put_key_u64(key + 24, prng_below(prng, 900)); return 40;
    case SHAPE_LENGTHS: {
        const size_t size = prng_below(prng, 34);
        for (size_t i = 0; i < size; i++) key[i] = (uint8_t)(prng_below(prng, 8) == 0);
        return size;
    }
    default: {
        const size_t size = 70 + prng_below(prng, KEY_MAX - 70);
        for (size_t i = 0; i < 3; i++) key[60 + prng_below(prng, size - 60)] = (uint8_t)prng_below(prng, 3);
        return size;
    }
    }
}

static struct operation draw(struct prng *prng, enum shape shape, uint64_t sequence, uint32_t appends) {
    static const enum entry_kind kinds[] = {ENTRY_PUT, ENTRY_PUT, ENTRY_PUT, ENTRY_DELETE, ENTRY_MERGE};
    struct operation operation = {.tree = trees[prng_below(prng, TREES)], .sequence = sequence};
    operation.kind = kinds[prng_below(prng, sizeof kinds / sizeof *kinds)];
    if (prng_chance(prng, appends, 1000)) operation.kind = ENTRY_APPEND;
    if (prng_chance(prng, appends, 5000)) operation.kind = ENTRY_RANGE_DELETE;
    operation.key_size = draw_key(prng, shape, sequence, operation.key);
    if (operation.kind == ENTRY_DELETE) return operation;
    if (operation.kind == ENTRY_RANGE_DELETE) {
        operation.value_size = draw_key(prng, SHAPE_FEW, sequence, operation.value);
        return operation;
    }
    operation.value_size = prng_below(prng, VALUE_MAX);
    prng_fill(prng, operation.value, operation.value_size);
    return operation;
}

static struct slice key_of(const struct operation *operation) {
    return slice_make(operation->key, operation->key_size);
}
static struct slice value_of(const struct operation *operation) {
    return slice_make(operation->value, operation->value_size);
}

static enum status add(struct memtable *memtable, const struct operation *operation) {
    return memtable_add(memtable, operation->tree, operation->kind, operation->sequence, key_of(operation),
                        value_of(operation));
}

static enum status load_one(struct memtable_load *load, const struct operation *operation) {
    return memtable_load_add(load, operation->tree, operation->kind, operation->sequence, key_of(operation),
                             value_of(operation));
}

/* ---- What must be the same --------------------------------------------------------------------------------------- */

static void assert_same_entry(const struct source *a, const struct source *b) {
    assert_int_equal(a->valid, b->valid);
    if (!a->valid) return;
    assert_true(slice_equal(a->key, b->key));
    assert_true(slice_equal(a->value, b->value));
    assert_int_equal(a->trailer, b->trailer);
    assert_int_equal(a->head, b->head);
}

/* Both ways, and from anywhere. */
static void assert_same_tree(const struct memtable *loaded, const struct memtable *added, uint32_t tree,
                             uint64_t snapshot, struct prng *prng) {
    struct memtable_source a, b;
    uint8_t key[KEY_MAX];
    memtable_source_init(&a, loaded, tree, snapshot);
    memtable_source_init(&b, added, tree, snapshot);
    source_seek_first(&a.source);
    source_seek_first(&b.source);
    for (; b.source.valid; source_next(&a.source), source_next(&b.source)) assert_same_entry(&a.source, &b.source);
    assert_false(a.source.valid);
    if (snapshot == MEMTABLE_EVERY_VERSION) return;
    source_seek_last(&a.source);
    source_seek_last(&b.source);
    for (; b.source.valid; source_prev(&a.source), source_prev(&b.source)) assert_same_entry(&a.source, &b.source);
    assert_false(a.source.valid);
    for (unsigned i = 0; i < 200; i++) {
        const struct slice asked = slice_make(key, draw_key(prng, (enum shape)(i % SHAPES), i, key));
        source_seek(&a.source, asked, entry_trailer_at(snapshot));
        source_seek(&b.source, asked, entry_trailer_at(snapshot));
        assert_same_entry(&a.source, &b.source);
        source_seek_before(&a.source, asked, entry_trailer_at(snapshot));
        source_seek_before(&b.source, asked, entry_trailer_at(snapshot));
        assert_same_entry(&a.source, &b.source);
    }
}

static void assert_same(const struct memtable *loaded, const struct memtable *added, const struct operation *operations,
                        size_t count, struct prng *prng) {
    struct memtable_stats a, b;
    memtable_get_stats(loaded, &a);
    memtable_get_stats(added, &b);
    assert_int_equal(a.entries, b.entries);
    assert_int_equal(a.range_deletes, b.range_deletes);
    assert_int_equal(a.first_sequence, b.first_sequence);
    assert_int_equal(a.last_sequence, b.last_sequence);
    for (unsigned i = 0; i < TREES; i++) {
        assert_same_tree(loaded, added, trees[i], MEMTABLE_EVERY_VERSION, prng);
        assert_same_tree(loaded, added, trees[i], ENTRY_SEQUENCE_MAX - 1, prng);
        assert_same_tree(loaded, added, trees[i], count / 2, prng);
    }
    for (size_t i = 0; i < count; i++) {
        const struct slice key = key_of(&operations[i]);
        if (operations[i].kind == ENTRY_RANGE_DELETE) continue;
        struct memtable_version x, y;
        assert_true(memtable_may_have(loaded, operations[i].tree, entry_key_hash(key)));
        assert_true(memtable_get(loaded, operations[i].tree, key, operations[i].sequence, &x));
        assert_true(memtable_get(added, operations[i].tree, key, operations[i].sequence, &y));
        assert_int_equal(x.trailer, y.trailer);
        assert_true(slice_equal(x.value, y.value));
        assert_int_equal(memtable_cover(loaded, operations[i].tree, key, ENTRY_SEQUENCE_MAX),
                         memtable_cover(added, operations[i].tree, key, ENTRY_SEQUENCE_MAX));
    }
}

/* As if nothing had been: what is added later to both. */
static void assert_goes_on(struct memtable *loaded, struct memtable *added, const struct operation *operations,
                           size_t count, struct prng *prng) {
    for (uint64_t i = 0; i < 300; i++) {
        const struct operation more = draw(prng, (enum shape)prng_below(prng, SHAPES), count + 1 + i, 100);
        assert_int_equal(add(loaded, &more), STATUS_OK);
        assert_int_equal(add(added, &more), STATUS_OK);
    }
    assert_same(loaded, added, operations, count, prng);
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static struct operation operations[OPERATIONS_MAX], many[MANY];

static void what_is_loaded_is_what_is_added_one_by_one(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(90); seed < last; seed++) {
        seed_starts("what_is_loaded_is_what_is_added_one_by_one", seed);
        struct prng prng;
        prng_init(&prng, seed);
        const enum shape shape = (enum shape)(seed % SHAPES);
        const uint32_t appends = prng_chance(&prng, 1, 2) ? 0 : (uint32_t)prng_below(&prng, 200);
        const uint64_t count = 1 + prng_below(&prng, OPERATIONS_MAX), links = prng_below(&prng, 3);
        struct memtable *loaded = memtable_create(seed), *added = memtable_create(seed);
        struct memtable_load load;
        memtable_load_begin(&load, loaded);
        for (size_t i = 0; i < count; i++) {
            operations[i] = draw(&prng, shape, i + 1, appends);
            assert_int_equal(load_one(&load, &operations[i]), STATUS_OK);
            assert_int_equal(add(added, &operations[i]), STATUS_OK);
            if (prng_chance(&prng, (uint32_t)links, 500)) assert_int_equal(memtable_load_link(&load, NULL), STATUS_OK);
        }
        assert_int_equal(memtable_load_link(&load, NULL), STATUS_OK);
        memtable_load_end(&load);
        assert_same(loaded, added, operations, count, &prng);
        assert_goes_on(loaded, added, operations, count, &prng);
        memtable_release(loaded);
        memtable_release(added);
        seed_passes();
    }
}

/* ---- By halves --------------------------------------------------------------------------------------------------- */

struct piece {
    enum status (*work)(void *context, size_t at);
    void *context;
};

static void work_second(void *context) {
    const struct piece *piece = context;
    assert_int_equal(piece->work(piece->context, 1), STATUS_OK);
}

/* The second half before the first, or beside it. */
static void run_by_two(void *user, size_t count, enum status (*work)(void *context, size_t at), void *context) {
    const bool *threaded = user;
    struct piece piece = {work, context};
    struct thread thread;
    assert_int_equal(count, 2);
    if (*threaded)
        assert_int_equal(thread_start(&thread, "half", work_second, &piece), STATUS_OK);
    else
        work_second(&piece);
    assert_int_equal(work(context, 0), STATUS_OK);
    if (*threaded) thread_join(&thread);
}

static void what_is_linked_by_halves_is_what_is_added_one_by_one(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(2 * SHAPES); seed < last; seed++) {
        seed_starts("what_is_linked_by_halves_is_what_is_added_one_by_one", seed);
        struct prng prng;
        prng_init(&prng, seed);
        bool threaded = seed / SHAPES % 2;
        const struct memtable_load_team team = {.run = run_by_two, .user = &threaded};
        const enum shape shape = (enum shape)(seed % SHAPES);
        struct memtable *loaded = memtable_create(seed), *added = memtable_create(seed);
        struct memtable_load load;
        memtable_load_begin(&load, loaded);
        for (size_t i = 0; i < MANY; i++) {
            many[i] = draw(&prng, shape, i + 1, 0);
            assert_int_equal(load_one(&load, &many[i]), STATUS_OK);
            assert_int_equal(add(added, &many[i]), STATUS_OK);
        }
        assert_int_equal(memtable_load_link(&load, &team), STATUS_OK);
        memtable_load_end(&load);
        assert_same(loaded, added, many, MANY, &prng);
        const size_t is = memtable_bytes(loaded), same = memtable_bytes(added);
        assert_in_range(is, same - same / 5, same + same / 5);
        assert_goes_on(loaded, added, many, MANY, &prng);
        memtable_release(loaded);
        memtable_release(added);
        seed_passes();
    }
}

static void a_failed_allocation_of_a_half_is_told(void **state) {
    (void)state;
    struct prng prng;
    bool threaded = false;
    const struct memtable_load_team team = {.run = run_by_two, .user = &threaded};
    uint64_t failures = 0;
    prng_init(&prng, 9);
    for (size_t i = 0; i < MANY; i++) many[i] = draw(&prng, SHAPE_NUMBERS, i + 1, 0);
    for (uint64_t nth = 1, failed = 1; failed; nth++) {
        struct memtable *memtable = memtable_create(7);
        struct memtable_load load;
        memtable_load_begin(&load, memtable);
        for (size_t i = 0; i < MANY; i++) assert_int_equal(load_one(&load, &many[i]), STATUS_OK);
        alloc_fault_at(nth);
        const enum status status = memtable_load_link(&load, &team);
        failed = alloc_fault_clear();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        failures += failed;
        memtable_load_end(&load);
        memtable_release(memtable);
    }
    assert_in_range(failures, 10, 1000);
}

/* A seal goes by it. */
static void bytes_are_told_before_entries_are_linked(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    struct memtable *memtable = memtable_create(1);
    struct memtable_load load;
    memtable_load_begin(&load, memtable);
    for (uint64_t i = 0; i < OPERATIONS_MAX; i++) {
        const struct operation operation = draw(&prng, SHAPE_NUMBERS, i + 1, 0);
        assert_int_equal(load_one(&load, &operation), STATUS_OK);
    }
    const size_t told = memtable_load_bytes(&load);
    assert_int_equal(memtable_load_link(&load, NULL), STATUS_OK);
    memtable_load_end(&load);
    const size_t is = memtable_bytes(memtable);
    assert_in_range(told, is - is / 5, is + is / 5);
    memtable_release(memtable);
}

static void a_failed_allocation_is_told(void **state) {
    (void)state;
    struct prng prng;
    enum { COUNT = 700 };
    uint64_t failures = 0;
    for (uint64_t nth = 1, failed = 1; failed; nth++) {
        prng_init(&prng, 7);
        struct memtable *memtable = memtable_create(7);
        struct memtable_load load;
        memtable_load_begin(&load, memtable);
        alloc_fault_at(nth);
        enum status status = STATUS_OK;
        for (uint64_t i = 0; i < COUNT && status == STATUS_OK; i++) {
            const struct operation operation = draw(&prng, i % 2 ? SHAPE_NUMBERS : SHAPE_LENGTHS, i + 1, 5);
            status = load_one(&load, &operation);
        }
        if (status == STATUS_OK) status = memtable_load_link(&load, NULL);
        failed = alloc_fault_clear();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        failures += failed;
        memtable_load_end(&load);
        memtable_release(memtable);
    }
    assert_in_range(failures, 10, 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_is_what_is_added_one_by_one),
        cmocka_unit_test(bytes_are_told_before_entries_are_linked),
        cmocka_unit_test(a_failed_allocation_is_told),
        cmocka_unit_test(what_is_linked_by_halves_is_what_is_added_one_by_one),
        cmocka_unit_test(a_failed_allocation_of_a_half_is_told),
    };
    return seed_report(cmocka_run_group_tests(tests, NULL, NULL), "build/tests/unit/engine/memtable_load_test");
}
