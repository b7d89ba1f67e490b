/*
 * block_cache_test: the ceiling, pins, what stays and what goes, several threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "engine/base/prng.h"
#include "engine/base/sync.h"
#include "engine/cache/block_cache.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/test_env.h"

static struct block *make(uint64_t file, uint64_t offset, size_t size) {
    struct block *block = block_create(NULL, file, offset, size);
    assert_non_null(block);
    if (size >= 16) {
        coding_put_u64(block->data, file);
        coding_put_u64(block->data + 8, offset);
    }
    return block;
}

static void put(struct block_cache *cache, uint64_t file, uint64_t offset, size_t size) {
    struct block *block = make(file, offset, size);
    block_cache_add(cache, &block, NULL);
    block_release(block);
}

static bool has(struct block_cache *cache, uint64_t file, uint64_t offset) {
    struct block *block = block_cache_get(cache, file, offset, NULL);
    if (!block) return false;
    assert_int_equal(coding_get_u64(block->data), file);
    assert_int_equal(coding_get_u64(block->data + 8), offset);
    block_release(block);
    return true;
}

static void a_block_that_was_added_is_found_under_its_key_only(void **state) {
    (void)state;
    struct block_cache *cache = block_cache_create(1 << 20, NULL);
    put(cache, 1, 4096, 100);
    assert_true(has(cache, 1, 4096));
    assert_false(has(cache, 1, 0));
    assert_false(has(cache, 2, 4096));
    struct block_cache_stats stats;
    block_cache_get_stats(cache, &stats);
    assert_int_equal(stats.hits, 1);
    assert_int_equal(stats.misses, 2);
    assert_int_equal(stats.blocks, 1);
    block_cache_destroy(cache);
}

static void the_second_of_two_equal_blocks_gives_way_to_the_first(void **state) {
    (void)state;
    struct block_cache *cache = block_cache_create(1 << 20, NULL);
    struct block *first = make(1, 0, 100), *second = make(1, 0, 100);
    block_cache_add(cache, &first, NULL);
    block_cache_add(cache, &second, NULL);
    assert_ptr_equal(first, second);
    block_release(first);
    block_release(second);
    block_cache_destroy(cache);
}

/* Of file 1; the slot is the block's number. */
enum { SLOTS = 1000 };

static void a_block_with_a_slot_is_found_there_until_it_leaves(void **state) {
    (void)state;
    static struct block_slot slots[SLOTS];
    struct block_cache *cache = block_cache_create(300 << 10, NULL); /* has room for some of them */
    assert_null(block_cache_get(cache, 1, 0, &slots[0]));
    for (uint64_t i = 0; i < SLOTS; i++) {
        struct block *block = make(1, i, 4000), *other = make(1, i, 4000);
        block_cache_add(cache, &block, &slots[i]);
        block_cache_add(cache, &other, &slots[i]);
        assert_ptr_equal(block, other);
        block_release(block);
        block_release(other);
    }
    struct block_cache_stats stats;
    block_cache_get_stats(cache, &stats);
    assert_int_equal(stats.added, SLOTS);
    assert_true(stats.evicted > 0 && stats.blocks > 0 && stats.evicted + stats.blocks == SLOTS);
    uint64_t found = 0;
    for (uint64_t i = 0; i < SLOTS; i++) {
        struct block *block = block_cache_get(cache, 1, i, &slots[i]);
        assert_ptr_equal(block, atomic_load(&slots[i].block));
        if (!block) continue;
        found++;
        assert_int_equal(coding_get_u64(block->data + 8), i);
        if (found % 2) block_cache_drop(cache, 1, i, &slots[i]); /* a pinned one, too */
        assert_int_equal(coding_get_u64(block->data + 8), i);
        block_release(block);
        if (found % 2 == 0) block_cache_drop(cache, 1, i, &slots[i]);
    }
    assert_int_equal(found, stats.blocks);
    block_cache_get_stats(cache, &stats);
    assert_int_equal(stats.blocks, 0);
    assert_int_equal(stats.bytes, 0);
    for (uint64_t i = 0; i < SLOTS; i++) assert_null(atomic_load(&slots[i].block));
    block_cache_destroy(cache);
}

/* Adds of all sizes, pins held and let go: the bytes never pass the limit. */
static void the_ceiling_holds_whatever_is_pinned(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    struct block_cache *cache = block_cache_create(300 << 10, NULL);
    enum { PINS = 50 };
    struct block *pins[PINS] = {0};
    struct block_cache_stats stats;
    for (uint64_t i = 0; i < test_scaled(40000); i++) {
        size_t size = 16 + prng_below(&prng, prng_chance(&prng, 1, 50) ? 200 << 10 : 8 << 10);
        struct block *block = make(prng_below(&prng, 3), prng_below(&prng, 400), size);
        block_cache_add(cache, &block, NULL);
        size_t pin = prng_below(&prng, PINS);
        if (prng_chance(&prng, 1, 8)) {
            block_release(pins[pin]);
            pins[pin] = block;
        } else {
            block_release(block);
        }
        block_cache_get_stats(cache, &stats);
        assert_true(stats.bytes <= stats.limit && stats.limit <= 300 << 10);
        assert_true(i % 64 != 0 || block_cache_pinned_bytes(cache) <= stats.bytes);
    }
    assert_true(stats.refused > 0 && stats.evicted > 0);
    for (int i = 0; i < PINS; i++) block_release(pins[i]);
    block_cache_destroy(cache);
}

static void a_pinned_block_is_not_evicted_and_one_without_room_is_handed_out_uncached(void **state) {
    (void)state;
    struct block_cache *cache = block_cache_create(10000, NULL);
    struct block *pinned = make(1, 0, 8000);
    block_cache_add(cache, &pinned, NULL);
    struct block *other = make(1, 1, 8000);
    block_cache_add(cache, &other, NULL);
    assert_int_equal(coding_get_u64(other->data + 8), 1);
    assert_true(has(cache, 1, 0));
    assert_false(has(cache, 1, 1));
    block_release(other);
    block_release(pinned);
    put(cache, 1, 2, 8000);
    assert_false(has(cache, 1, 0));
    assert_true(has(cache, 1, 2));
    block_cache_destroy(cache);
}

static void what_is_asked_for_again_outlives_a_long_scan(void **state) {
    (void)state;
    struct block_cache *cache = block_cache_create(400 << 10, NULL);
    for (uint64_t i = 0; i < 20; i++) put(cache, 1, i, 4096);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 20; i++) assert_true(has(cache, 1, i));
    }
    for (uint64_t i = 0; i < 5000; i++) put(cache, 2, i, 4096); /* each once */
    unsigned left = 0;
    for (uint64_t i = 0; i < 20; i++) left += has(cache, 1, i);
    assert_int_equal(left, 20);
    block_cache_destroy(cache);
}

static void a_key_that_comes_back_soon_enters_the_main_queue(void **state) {
    (void)state;
    struct block_cache *cache = block_cache_create(400 << 10, NULL);
    for (uint64_t i = 0; i < 150; i++) put(cache, 1, i, 4096); /* the first 50 or so have left, and are remembered */
    uint64_t gone = 0;
    while (has(cache, 1, gone)) gone++;
    put(cache, 1, gone, 4096);
    for (uint64_t i = 1000; i < 1060; i++) put(cache, 1, i, 4096);
    assert_true(has(cache, 1, gone));
    block_cache_destroy(cache);
}

static void the_blocks_of_a_file_that_is_gone_leave(void **state) {
    (void)state;
    struct block_cache *cache = block_cache_create(64 << 20, NULL); /* several shards */
    for (uint64_t i = 0; i < 3000; i++) put(cache, i % 3, i, 100);
    struct block *pinned = block_cache_get(cache, 1, 1, NULL);
    assert_int_equal(block_cache_pinned_bytes(cache), block_charge(pinned));
    for (uint64_t i = 1; i < 3000; i += 3) block_cache_drop(cache, 1, i, NULL);
    for (uint64_t i = 0; i < 3000; i++) assert_int_equal(has(cache, i % 3, i), i % 3 != 1);
    assert_int_equal(coding_get_u64(pinned->data), 1);
    block_release(pinned);
    block_cache_destroy(cache);
}

static void a_cache_of_no_bytes_keeps_nothing(void **state) {
    (void)state;
    struct block_cache *cache = block_cache_create(0, NULL);
    put(cache, 1, 1, 10);
    assert_null(block_cache_get(cache, 1, 1, NULL));
    block_cache_destroy(cache);
}

/* Blocks of the cache's own memory, some of them pinned; then the ceiling goes down and up again. */
static void a_lower_ceiling_gives_memory_back_to_the_system(void **state) {
    (void)state;
    enum { BLOCKS = 12000, PINNED = 8 };
    const size_t high = 64 << 20, low = 12 << 20;
    struct block_cache *cache = block_cache_create(high, NULL);
    struct block *pinned[PINNED], *lasting = block_create_lasting(cache, 100000);
    struct block_cache_stats stats;
    assert_non_null(lasting);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        struct block *block = block_create(cache, 1, i, 4000);
        assert_non_null(block);
        coding_put_u64(block->data, 1);
        coding_put_u64(block->data + 8, i);
        block_cache_add(cache, &block, NULL);
        if (i % (BLOCKS / PINNED) == 0)
            pinned[i / (BLOCKS / PINNED)] = block;
        else
            block_release(block);
    }
    assert_true(block_cache_memory(cache) >= (size_t)BLOCKS * 4000);
    block_cache_set_limit(cache, low);
    block_cache_get_stats(cache, &stats);
    assert_true(stats.bytes <= low && stats.limit <= low);
    assert_true(block_cache_memory(cache) <= low);
    for (size_t i = 0; i < PINNED; i++) {
        assert_int_equal(coding_get_u64(pinned[i]->data + 8), i * (BLOCKS / PINNED));
        block_release(pinned[i]);
    }
    block_cache_set_limit(cache, low);
    assert_true(block_cache_memory(cache) <= low + ((size_t)4 << 20));
    for (uint64_t i = 0; i < BLOCKS; i++) { /* none is lost for want of a slot, and none lies under another's key */
        struct block *block = block_create(cache, 2, i, 1000 + i % 5000);
        assert_non_null(block);
        coding_put_u64(block->data, 2);
        coding_put_u64(block->data + 8, i);
        block_cache_add(cache, &block, NULL);
        block_release(block);
        if (i % 100 == 0) assert_true(block_cache_memory(cache) <= low + ((size_t)4 << 20));
    }
    for (uint64_t i = 0; i < BLOCKS; i++) (void)has(cache, 2, i);
    block_cache_set_limit(cache, high);
    for (uint64_t i = 0; i < 5000; i++) put(cache, 3, i, 4000);
    for (uint64_t i = 0; i < 5000; i++) assert_true(has(cache, 3, i));
    block_release(lasting);
    block_cache_destroy(cache);
}

static size_t resident_bytes(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* A pinned block in every run: none of them can go, but what lies around the block does, and is not counted any more.
 */
static void pinned_blocks_keep_no_more_than_their_own_pages(void **state) {
    (void)state;
    enum { BLOCKS = 13000, EACH = 100, PINNED = BLOCKS / EACH, BLOCK_BYTES = 4300, PINNED_COST = 3 * 4096 };
    const size_t high = 64 << 20, low = 4 << 20;
    static struct block *pinned[PINNED];
    struct block_cache *cache = block_cache_create(high, NULL);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        struct block *block = block_create(cache, 1, i, BLOCK_BYTES);
        assert_non_null(block);
        memset(block->data, (int)(i / EACH), BLOCK_BYTES);
        block_cache_add(cache, &block, NULL);
        if (i % EACH == 0)
            pinned[i / EACH] = block;
        else
            block_release(block);
    }
    const size_t full = block_cache_memory(cache), resident = resident_bytes();
    block_cache_set_limit(cache, low);
    const size_t held = block_cache_memory(cache);
    assert_true(held <= low + PINNED * (size_t)PINNED_COST);
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    assert_true(resident - resident_bytes() >= (full - held) / 10 * 9);
#else
    (void)full, (void)resident; /* a sanitizer has memory of its own */
#endif
    for (int i = 0; i < PINNED; i++) {
        for (size_t at = 0; at < BLOCK_BYTES; at++) assert_int_equal(pinned[i]->data[at], (uint8_t)i);
        block_release(pinned[i]);
    }
    block_cache_set_limit(cache, low - 1); /* what was pinned can go now */
    assert_true(block_cache_memory(cache) <= low);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        struct block *block = block_create(cache, 2, i, BLOCK_BYTES);
        assert_non_null(block);
        block_cache_add(cache, &block, NULL);
        block_release(block);
    }
    assert_true(block_cache_memory(cache) <= low);
    block_cache_destroy(cache);
}

static void failed_allocations_are_answered_and_cost_no_block(void **state) {
    (void)state;
    struct block_cache *cache = NULL;
    for (uint64_t nth = 1; !cache; nth++) {
        alloc_fault_at(nth);
        cache = block_cache_create(64 << 20, NULL);
        assert_int_equal(alloc_fault_clear(), cache == NULL);
    }
    alloc_fault_at(1);
    assert_null(block_create(NULL, 1, 1, 100));
    assert_true(alloc_fault_clear());
    for (uint64_t i = 0; i < 20000; i++) { /* the table cannot grow: its chains do */
        struct block *block = make(1, i, 16);
        alloc_fault_from(1);
        block_cache_add(cache, &block, NULL);
        alloc_fault_clear();
        block_release(block);
    }
    for (uint64_t i = 0; i < 20000; i++) assert_true(has(cache, 1, i));
    block_cache_destroy(cache);
}

enum { RACE_FILES = 4, RACE_BLOCKS = 300 };

struct race {
    struct block_cache *cache;
    struct block_slot (*slots)[RACE_BLOCKS]; /* of the first half of the files */
    uint64_t seed;
    uint64_t wrong;
};

static void use(void *context) {
    struct race *race = context;
    struct prng prng;
    prng_init(&prng, race->seed);
    for (uint64_t i = 0; i < test_scaled(100000); i++) {
        uint64_t file = prng_below(&prng, RACE_FILES), offset = prng_below(&prng, RACE_BLOCKS);
        struct block_slot *slot = file < RACE_FILES / 2 ? &race->slots[file][offset] : NULL;
        struct block *block = block_cache_get(race->cache, file, offset, slot);
        if (!block) {
            block = block_create(race->cache, file, offset, 16 + prng_below(&prng, 6000));
            coding_put_u64(block->data, file);
            coding_put_u64(block->data + 8, offset);
            block_cache_add(race->cache, &block, slot);
        }
        race->wrong += coding_get_u64(block->data) != file || coding_get_u64(block->data + 8) != offset;
        block_release(block);
        if (prng_chance(&prng, 1, 100)) block_cache_drop(race->cache, file, offset, slot);
        if (prng_chance(&prng, 1, 500)) {
            struct block_cache_stats stats;
            block_cache_get_stats(race->cache, &stats);
            race->wrong += stats.bytes > stats.limit;
            race->wrong += block_cache_pinned_bytes(race->cache) > 2 * stats.limit; /* some may be met twice */
        }
    }
}

static void threads_share(size_t bytes) {
    struct block_cache *cache = block_cache_create(bytes, NULL);
    struct race races[3];
    struct thread threads[3];
    struct block_slot(*slots)[RACE_BLOCKS] = calloc(RACE_FILES / 2, sizeof *slots);
    assert_non_null(slots);
    for (uint64_t i = 0; i < 3; i++) {
        races[i] = (struct race){.cache = cache, .slots = slots, .seed = i};
        assert_int_equal(thread_start(&threads[i], "user", use, &races[i]), STATUS_OK);
    }
    for (int i = 0; i < 3; i++) {
        thread_join(&threads[i]);
        assert_int_equal(races[i].wrong, 0);
    }
    assert_int_equal(block_cache_pinned_bytes(cache), 0);
    block_cache_destroy(cache);
    free(slots);
}

static void threads_share_a_cache(void **state) {
    (void)state;
    threads_share(1 << 20);
}

static void threads_share_a_cache_in_huge_pages(void **state) {
    (void)state;
    threads_share(32 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_that_was_added_is_found_under_its_key_only),
        cmocka_unit_test(a_block_with_a_slot_is_found_there_until_it_leaves),
        cmocka_unit_test(the_second_of_two_equal_blocks_gives_way_to_the_first),
        cmocka_unit_test(the_ceiling_holds_whatever_is_pinned),
        cmocka_unit_test(a_pinned_block_is_not_evicted_and_one_without_room_is_handed_out_uncached),
        cmocka_unit_test(what_is_asked_for_again_outlives_a_long_scan),
        cmocka_unit_test(a_key_that_comes_back_soon_enters_the_main_queue),
        cmocka_unit_test(the_blocks_of_a_file_that_is_gone_leave),
        cmocka_unit_test(a_cache_of_no_bytes_keeps_nothing),
        cmocka_unit_test(a_lower_ceiling_gives_memory_back_to_the_system),
        cmocka_unit_test(pinned_blocks_keep_no_more_than_their_own_pages),
        cmocka_unit_test(failed_allocations_are_answered_and_cost_no_block),
        cmocka_unit_test(threads_share_a_cache),
        cmocka_unit_test(threads_share_a_cache_in_huge_pages),
    };
    return cmocka_run_group_tests_name("block_cache", tests, NULL, NULL);
}
