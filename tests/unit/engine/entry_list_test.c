/*
 * entry_list: searches by the radix tree against a sorted array, over keys that bend the tree: prefixes of one another,
 * long shared beginnings, many versions of a key, bytes 0 and 255, dense and sparse ranges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/memtable/entry_list.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/test_env.h"

enum { KEY_MAX = 600, ENTRIES = 3000, SHAPES = 8 };

struct entry {
    uint8_t key[KEY_MAX];
    size_t size;
    uint64_t trailer;
};

struct fixture {
    struct arena arena;
    struct entry_list list;
    struct prng prng;
    struct entry *model[ENTRIES * 2]; /* in order */
    size_t count;
    uint64_t sequence;
};

static struct slice key_of(const struct entry *entry) {
    return slice_make(entry->key, entry->size);
}

static int compare(const void *a, const void *b) {
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    return entry_compare(key_of(x), x->trailer, key_of(y), y->trailer);
}

static void draw_key(struct prng *prng, unsigned shape, struct entry *entry) {
    static const uint8_t few[] = {0, 1, 127, 128, 254, 255};
    entry->size = 0;
    switch (shape) {
    case 0: /* dense, with a common beginning and end, as a counter has them */
    case 1:
        entry->size = 16;
        memset(entry->key, shape == 0 ? 0 : 'k', 16);
        const uint64_t number = prng_below(prng, shape == 0 ? 5000 : 1 << 22);
        for (int i = 0; i < 3; i++) entry->key[7 - i] = (uint8_t)(number >> 8 * i);
        break;
    case 2: /* sparse */
        entry->size = 8;
        for (int i = 0; i < 8; i++) entry->key[i] = (uint8_t)prng_next(prng);
        break;
    case 3: /* prefixes of one another */
        entry->size = (size_t)prng_below(prng, 200);
        memset(entry->key, 'a', entry->size);
        break;
    case 4: /* few symbols, short */
        entry->size = (size_t)prng_below(prng, 6);
        for (size_t i = 0; i < entry->size; i++) entry->key[i] = few[prng_below(prng, sizeof few)];
        break;
    case 5: /* long, different in one place */
        entry->size = KEY_MAX - (size_t)prng_below(prng, 3);
        memset(entry->key, 'x', entry->size);
        entry->key[prng_below(prng, entry->size)] = (uint8_t)prng_next(prng);
        break;
    case 6: /* a handful of keys with many versions */
        entry->size = 4;
        memset(entry->key, (int)prng_below(prng, 5), 4);
        break;
    default: /* digits */
        entry->size = (size_t)snprintf((char *)entry->key, KEY_MAX, "user:%012u", (unsigned)prng_below(prng, 100000));
    }
}

static void fixture_init(struct fixture *f, uint64_t seed) {
    *f = (struct fixture){.sequence = 1};
    arena_init(&f->arena, 64 << 10);
    prng_init(&f->prng, seed);
    assert_true(entry_list_init(&f->list, &f->arena));
}

static void fixture_deinit(struct fixture *f) {
    for (size_t i = 0; i < f->count; i++) free(f->model[i]);
    arena_deinit(&f->arena);
}

static struct entry *draw_entry(struct fixture *f, unsigned shape) {
    struct entry *entry = malloc(sizeof *entry);
    assert_non_null(entry);
    draw_key(&f->prng, shape, entry);
    entry->trailer = entry_trailer(f->sequence++, prng_chance(&f->prng, 1, 4) ? ENTRY_DELETE : ENTRY_PUT);
    return entry;
}

/* False when out of memory. */
static bool add_entry(struct fixture *f, struct entry *entry) {
    const struct memtable_target target = memtable_target(key_of(entry), entry->trailer);
    struct entry_place place;
    entry_list_find_place(&f->list, &target, &place);
    struct memtable_node *node = entry_list_node_create(&f->arena, &target, slice_from_text("value"));
    if (!node || !entry_list_link(&f->list, &f->arena, node, &place)) {
        free(entry);
        return false;
    }
    f->model[f->count++] = entry;
    return true;
}

static bool add(struct fixture *f, unsigned shape) {
    return add_entry(f, draw_entry(f, shape));
}

/* Several in order, so that each goes where the one before went, or beside. */
static void add_row(struct fixture *f, unsigned shape, size_t count) {
    struct entry *row[ENTRIES];
    for (size_t i = 0; i < count; i++) row[i] = draw_entry(f, shape);
    qsort(row, count, sizeof row[0], compare);
    for (size_t i = 0; i < count; i++) assert_true(add_entry(f, row[i]));
}

static void sort(struct fixture *f) {
    qsort(f->model, f->count, sizeof f->model[0], compare);
}

static bool is_entry(const struct memtable_node *node, const struct entry *entry) {
    return node && entry ? slice_equal(memtable_node_key(node), key_of(entry)) && node->trailer == entry->trailer
                         : !node && !entry;
}

static void check_order(struct fixture *f) {
    const struct memtable_node *node = entry_list_first(&f->list), *last = NULL;
    for (size_t i = 0; i < f->count; i++, node = entry_list_next(node)) {
        assert_true(is_entry(node, f->model[i]));
        assert_true(entry_list_prev(&f->list, node) == last);
        last = node;
    }
    assert_null(node);
    assert_true(entry_list_last(&f->list) == last);
}

static void check_searches(struct fixture *f, unsigned shape, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct entry wanted, *pointer = &wanted;
        draw_key(&f->prng, shape, &wanted);
        wanted.trailer =
            prng_chance(&f->prng, 1, 3) ? ENTRY_TRAILER_FIRST : entry_trailer_at(prng_below(&f->prng, f->sequence + 2));
        if (f->count > 0 && prng_chance(&f->prng, 1, 3)) wanted = *f->model[prng_below(&f->prng, f->count)];
        size_t low = 0, high = f->count; /* the first not below */
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (compare(&f->model[middle], &pointer) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        const struct memtable_target target = memtable_target(key_of(&wanted), wanted.trailer);
        assert_true(is_entry(entry_list_seek(&f->list, &target), low < f->count ? f->model[low] : NULL));
        assert_true(is_entry(entry_list_seek_before(&f->list, &target), low > 0 ? f->model[low - 1] : NULL));
    }
}

static void take_back(struct fixture *f, size_t at) {
    const struct memtable_target target = memtable_target(key_of(f->model[at]), f->model[at]->trailer);
    struct entry_place place;
    entry_list_find_place(&f->list, &target, &place);
    assert_true(is_entry(entry_list_next(place.before), f->model[at]));
    entry_list_unlink(&f->list, place.before);
    free(f->model[at]);
    memmove(&f->model[at], &f->model[at + 1], (f->count - at - 1) * sizeof f->model[0]);
    f->count--;
}

static void every_shape_of_keys_is_found_in_order(void **state) {
    (void)state;
    const uint64_t seed = test_seed(21);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned shape = 0; shape < SHAPES; shape++) {
        struct fixture f;
        fixture_init(&f, seed + shape);
        check_order(&f);
        for (unsigned round = 0; round < 6; round++) {
            for (unsigned i = 0; i < ENTRIES / 6; i++) assert_true(add(&f, shape));
            sort(&f);
            check_order(&f);
            check_searches(&f, shape, 500);
            check_searches(&f, (shape + round) % SHAPES, 200);
        }
        fixture_deinit(&f);
    }
}

static void keys_that_come_in_order_are_found(void **state) {
    (void)state;
    const uint64_t seed = test_seed(26);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned shape = 0; shape < SHAPES; shape++) {
        struct fixture f;
        fixture_init(&f, seed + shape);
        for (unsigned round = 0; round < 20; round++) {
            add_row(&f, prng_chance(&f.prng, 3, 4) ? shape : (shape + round) % SHAPES, 1 + prng_below(&f.prng, 250));
            sort(&f);
            for (unsigned i = 0; i < round; i++) take_back(&f, (size_t)prng_below(&f.prng, f.count));
            check_order(&f);
            check_searches(&f, shape, 200);
        }
        fixture_deinit(&f);
    }
}

static void shapes_mix(void **state) {
    (void)state;
    const uint64_t seed = test_seed(22);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct fixture f;
    fixture_init(&f, seed);
    for (unsigned i = 0; i < ENTRIES; i++) assert_true(add(&f, (unsigned)prng_below(&f.prng, SHAPES)));
    sort(&f);
    check_order(&f);
    for (unsigned shape = 0; shape < SHAPES; shape++) check_searches(&f, shape, 1000);
    fixture_deinit(&f);
}

static void what_was_taken_back_is_not_found_and_may_come_again(void **state) {
    (void)state;
    const uint64_t seed = test_seed(23);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned shape = 0; shape < SHAPES; shape++) {
        struct fixture f;
        fixture_init(&f, seed + shape);
        for (unsigned round = 0; round < 12; round++) {
            for (unsigned i = 0; i < 60; i++) assert_true(add(&f, shape));
            sort(&f);
            size_t out = round % 4 == 3 ? f.count : (size_t)prng_below(&f.prng, f.count); /* all of it, at times */
            const bool ends = prng_chance(&f.prng, 1, 2);
            while (out-- > 0) take_back(&f, ends ? f.count - 1 : (size_t)prng_below(&f.prng, f.count));
            check_order(&f);
            check_searches(&f, shape, 200);
        }
        fixture_deinit(&f);
    }
}

static void a_place_is_found_in_few_steps_though_neighbours_were_taken_back(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, test_seed(24));
    for (unsigned i = 0; i < ENTRIES; i++) assert_true(add(&f, 1));
    sort(&f);
    for (unsigned i = 0; i < 300; i++) take_back(&f, (size_t)prng_below(&f.prng, f.count));
    for (size_t i = 0; i < f.count; i += 7) {
        const struct radix_key key = {.key = key_of(f.model[i]), .trailer = ENTRY_TRAILER_FIRST};
        const struct memtable_node *near = radix_find(&f.list.radix, &key, NULL);
        assert_non_null(near);
        size_t at = 0;
        while (!is_entry(near, f.model[at])) at++;
        assert_true(at + 8 > i && at < i + 8);
    }
    fixture_deinit(&f);
}

static void without_memory_nothing_changes(void **state) {
    (void)state;
    for (unsigned shape = 0; shape < SHAPES; shape++) {
        struct fixture f;
        fixture_init(&f, test_seed(25));
        arena_deinit(&f.arena);
        arena_init(&f.arena, 256); /* nearly every piece is a block of its own */
        assert_true(entry_list_init(&f.list, &f.arena));
        unsigned failures = 0;
        for (unsigned i = 0; i < 400; i++) {
            const size_t before = f.count;
            if (i % 3 == 0) alloc_fault_at(2 + prng_below(&f.prng, 2)); /* the first one is the test's own */
            const bool added = add(&f, shape);
            failures += alloc_fault_clear();
            assert_int_equal(f.count, before + added);
        }
        sort(&f);
        check_order(&f);
        check_searches(&f, shape, 300);
        assert_true(failures > 0);
        fixture_deinit(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_keys_is_found_in_order),
        cmocka_unit_test(keys_that_come_in_order_are_found),
        cmocka_unit_test(shapes_mix),
        cmocka_unit_test(what_was_taken_back_is_not_found_and_may_come_again),
        cmocka_unit_test(a_place_is_found_in_few_steps_though_neighbours_were_taken_back),
        cmocka_unit_test(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests_name("entry_list", tests, NULL, NULL);
}
