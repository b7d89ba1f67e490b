/*
 * arena: alignment, accounting, reset, and the same block use in every run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/page_pool.h"
#include "engine/base/pages.h"
#include "tests/harness/alloc_fault.h"

static void pieces_are_aligned_and_apart(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    uint8_t *before = NULL;
    for (size_t i = 1; i <= 500; i++) {
        size_t align = (size_t)1 << (i % 7);
        uint8_t *piece = arena_alloc(&arena, i, align);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % align, 0);
        memset(piece, (int)(i & 0xff), i);
        if (before)
            assert_int_equal(before[i - 2], (i - 1) & 0xff); /* the last byte of the piece before is untouched */
        before = piece;
    }
    assert_int_equal(arena.used_bytes, 500 * 501 / 2);
    arena_deinit(&arena);
    assert_int_equal(arena.reserved_bytes, 0);
}

static void a_large_piece_leaves_the_open_block_in_use(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    uint8_t *small = arena_alloc(&arena, 100, 1);
    uint8_t *large = arena_alloc(&arena, 5000, 64);
    uint8_t *next = arena_alloc(&arena, 100, 1);
    assert_non_null(large);
    assert_int_equal((uintptr_t)large % 64, 0);
    memset(large, 1, 5000);
    assert_ptr_equal(next, small + 100);
    arena_deinit(&arena);
}

static void a_growing_arena_goes_on_in_runs_of_huge_pages(void **state) {
    (void)state;
    enum { PIECE = 1000, PIECES = 8000 };
    struct arena arena;
    arena_init_growing(&arena, 64 << 10, NULL);
    static uint8_t *pieces[PIECES];
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = arena_alloc(&arena, PIECE, 8);
        assert_non_null(pieces[i]);
        memset(pieces[i], i & 0xff, PIECE);
    }
    for (int i = 0; i < PIECES; i++) {
        assert_int_equal(pieces[i][0], i & 0xff);
        assert_int_equal(pieces[i][PIECE - 1], i & 0xff);
    }
    assert_int_equal(arena.used_bytes, PIECE * PIECES);
    /* 2 MiB in small blocks, the rest in three runs. */
    const size_t runs = (arena.reserved_bytes - PAGES_RUN_BYTES) / PAGES_RUN_BYTES;
    assert_int_equal(runs, 3);
    arena_deinit(&arena);
    assert_int_equal(arena.reserved_bytes, 0);
    assert_non_null(arena_alloc(&arena, PIECE, 8));
    assert_true(arena.reserved_bytes < PAGES_RUN_BYTES); /* small again */
    arena_deinit(&arena);
}

static void runs_of_one_arena_serve_the_next(void **state) {
    (void)state;
    enum { PIECE = 1 << 20, PIECES = 12, KEPT = 3 };
    struct page_pool pool;
    struct arena arena;
    page_pool_init(&pool, KEPT * (size_t)PAGES_RUN_BYTES + 1);
    for (int round = 0; round < 3; round++) {
        arena_init_growing(&arena, PIECE, &pool);
        for (int i = 0; i < PIECES; i++) {
            uint8_t *piece = arena_alloc(&arena, PIECE, 8);
            assert_non_null(piece);
            memset(piece, i, PIECE);
        }
        if (round > 0) assert_int_equal(page_pool_bytes(&pool), 0);
        arena_deinit(&arena);
        assert_int_equal(page_pool_bytes(&pool), KEPT * (size_t)PAGES_RUN_BYTES); /* of ten, the others went */
    }
    void *first = page_pool_take(&pool), *second = page_pool_take(&pool);
    assert_ptr_not_equal(first, second);
    page_pool_give(&pool, second);
    assert_ptr_equal(page_pool_take(&pool), second);
    page_pool_give(&pool, first);
    page_pool_give(&pool, second);
    page_pool_deinit(&pool);
}

static void a_pool_of_nothing_keeps_nothing(void **state) {
    (void)state;
    struct page_pool pool;
    page_pool_init(&pool, 0);
    void *run = page_pool_take(&pool);
    assert_non_null(run);
    page_pool_give(&pool, run);
    assert_int_equal(page_pool_bytes(&pool), 0);
    page_pool_deinit(&pool);
    run = page_pool_take(NULL);
    assert_non_null(run);
    page_pool_give(NULL, run);
}

static void a_pool_is_stocked_as_far_as_asked_and_allowed(void **state) {
    (void)state;
    struct page_pool pool;
    page_pool_init(&pool, 3 * (size_t)PAGES_RUN_BYTES);
    alloc_fault_at(1);
    assert_false(page_pool_stock(&pool, 2));
    assert_true(alloc_fault_clear());
    assert_true(page_pool_stock(&pool, 2));
    assert_true(page_pool_stock(&pool, 2));
    assert_false(page_pool_stock(&pool, 2));
    assert_int_equal(page_pool_bytes(&pool), 2 * (size_t)PAGES_RUN_BYTES);
    assert_true(page_pool_stock(&pool, 9));
    assert_false(page_pool_stock(&pool, 9));
    const uint8_t *run = page_pool_take(&pool);
    for (size_t i = 0; i < PAGES_RUN_BYTES; i += 997) assert_int_equal(run[i], 0);
    page_pool_give(&pool, (void *)(uintptr_t)run);
    page_pool_deinit(&pool);
    page_pool_init(&pool, 0);
    assert_false(page_pool_stock(&pool, 1));
    page_pool_deinit(&pool);
}

static void room_in_runs_serves_a_pool_as_far_as_it_was_written_to(void **state) {
    (void)state;
    const size_t bytes = 4 * (size_t)PAGES_RUN_BYTES + 1, used = 2 * (size_t)PAGES_RUN_BYTES + 1;
    struct page_pool pool;
    page_pool_init(&pool, 8 * (size_t)PAGES_RUN_BYTES);
    uint8_t *room = pages_room_alloc(bytes);
    assert_non_null(room);
    assert_int_equal((uintptr_t)room % PAGES_RUN_BYTES, 0);
    memset(room, 1, used);
    page_pool_give_room(&pool, room, bytes, used);
    assert_int_equal(page_pool_bytes(&pool), 3 * (size_t)PAGES_RUN_BYTES);
    for (size_t i = 3; i > 0; i--) {
        void *run = page_pool_take(&pool);
        assert_ptr_equal(run, room + (i - 1) * PAGES_RUN_BYTES);
        pages_run_free(run);
    }
    room = pages_room_alloc(1000);
    assert_non_null(room);
    page_pool_give_room(&pool, room, 1000, 1000);
    page_pool_give_room(&pool, NULL, 0, 0);
    assert_int_equal(page_pool_bytes(&pool), 0);
    pages_room_free(pages_room_alloc(bytes), bytes);
    pages_room_free(NULL, bytes);
    page_pool_deinit(&pool);
}

static void count_tells(void *context) {
    ++*(unsigned *)context;
}

static void who_takes_the_last_but_one_tells_the_one_who_stocks(void **state) {
    (void)state;
    enum { RUNS = 3 };
    struct page_pool pool;
    void *runs[RUNS];
    unsigned told = 0;
    page_pool_init(&pool, RUNS * (size_t)PAGES_RUN_BYTES);
    page_pool_watch(&pool, 2, count_tells, &told);
    while (page_pool_stock(&pool, RUNS)) continue;
    const unsigned expected[RUNS] = {0, 1, 2}; /* two lie there, one, none */
    for (unsigned i = 0; i < RUNS; i++) {
        runs[i] = page_pool_take(&pool);
        assert_non_null(runs[i]);
        assert_int_equal(told, expected[i]);
    }
    for (unsigned i = 0; i < RUNS; i++) page_pool_give(&pool, runs[i]);
    page_pool_deinit(&pool);
    page_pool_init(&pool, 0); /* one that keeps nothing is never stocked: nobody is told */
    page_pool_watch(&pool, 2, count_tells, &told);
    page_pool_give(&pool, page_pool_take(&pool));
    assert_int_equal(told, 2);
    page_pool_deinit(&pool);
}

static void an_arena_that_begins_with_a_large_piece_goes_on(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 128);
    assert_non_null(arena_alloc(&arena, 1000, 8));
    assert_non_null(arena_alloc(&arena, 100, 8));
    assert_non_null(arena_alloc(&arena, 0, 1));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 100, 8));
    arena_deinit(&arena);
}

static void what_another_arena_gave_out_is_the_joined_ones(void **state) {
    (void)state;
    struct arena arena, other;
    arena_init(&arena, 1024);
    arena_init_like(&other, &arena);
    uint8_t *piece = arena_alloc(&arena, 100, 1), *theirs[20];
    for (int i = 0; i < 20; i++) {
        theirs[i] = arena_alloc(&other, 200, 8);
        assert_non_null(theirs[i]);
        memset(theirs[i], i, 200);
    }
    const size_t reserved = arena.reserved_bytes + other.reserved_bytes;
    arena_join(&arena, &other);
    assert_int_equal(arena.used_bytes, 100 + 20 * 200);
    assert_int_equal(arena.reserved_bytes, reserved);
    assert_int_equal(other.used_bytes + other.reserved_bytes, 0);
    assert_ptr_equal(arena_alloc(&arena, 100, 1), piece + 100); /* goes on where it was */
    arena_deinit(&other);
    for (int i = 0; i < 20; i++)
        for (int at = 0; at < 200; at++) assert_int_equal(theirs[i][at], i);
    arena_init_like(&other, &arena);
    arena_join(&other, &arena); /* into an empty one */
    assert_ptr_equal(arena_alloc(&other, 100, 1), piece + 200);
    arena_join(&other, &arena); /* nothing */
    assert_int_equal(other.used_bytes, 300 + 20 * 200);
    arena_deinit(&other);
}

static void reset_keeps_one_block_and_allocates_no_more(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    for (int i = 0; i < 10; i++) assert_non_null(arena_alloc(&arena, 1000, 8));
    assert_non_null(arena_alloc(&arena, 9000, 8));
    arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    size_t reserved = arena.reserved_bytes;
    assert_true(reserved >= 1024 && reserved < 2048);
    uint64_t before = alloc_fault_count();
    assert_non_null(arena_alloc(&arena, 1024, 64));
    assert_int_equal(alloc_fault_count(), before);
    assert_int_equal(arena.reserved_bytes, reserved);
    arena_deinit(&arena);
}

static void no_memory_leaves_the_arena_usable(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 256);
    char *kept = arena_copy(&arena, "kept", 5);
    assert_non_null(kept);
    for (int i = 0; i < 2; i++) {
        alloc_fault_at(1);
        assert_null(arena_alloc(&arena, i ? 5000 : 256, 8));
        assert_true(alloc_fault_clear());
    }
    assert_non_null(arena_alloc(&arena, 256, 8));
    assert_string_equal(kept, "kept");
    assert_int_equal(arena.used_bytes, 5 + 256);
    arena_deinit(&arena);
}

static void sizes_beyond_memory_are_refused(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 256);
    assert_null(arena_alloc(&arena, SIZE_MAX, 64));
    assert_null(arena_alloc(&arena, SIZE_MAX - 64, 64));
    assert_non_null(arena_alloc(&arena, 16, 64));
    arena_deinit(&arena);
}

/* The same calls reserve the same bytes, wherever malloc put the blocks. */
static void block_use_does_not_depend_on_addresses(void **state) {
    (void)state;
    size_t reserved[8];
    void *shift[8];
    for (int run = 0; run < 8; run++) {
        shift[run] = test_malloc((size_t)(16 * run + 8));
        struct arena arena;
        arena_init(&arena, 1000);
        for (size_t i = 0; i < 300; i++) assert_non_null(arena_alloc(&arena, 1 + i % 90, (size_t)1 << (i % 7)));
        reserved[run] = arena.reserved_bytes;
        arena_deinit(&arena);
        assert_int_equal(reserved[run], reserved[0]);
    }
    for (int run = 0; run < 8; run++) test_free(shift[run]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(a_large_piece_leaves_the_open_block_in_use),
        cmocka_unit_test(a_growing_arena_goes_on_in_runs_of_huge_pages),
        cmocka_unit_test(runs_of_one_arena_serve_the_next),
        cmocka_unit_test(a_pool_of_nothing_keeps_nothing),
        cmocka_unit_test(room_in_runs_serves_a_pool_as_far_as_it_was_written_to),
        cmocka_unit_test(who_takes_the_last_but_one_tells_the_one_who_stocks),
        cmocka_unit_test(a_pool_is_stocked_as_far_as_asked_and_allowed),
        cmocka_unit_test(an_arena_that_begins_with_a_large_piece_goes_on),
        cmocka_unit_test(what_another_arena_gave_out_is_the_joined_ones),
        cmocka_unit_test(reset_keeps_one_block_and_allocates_no_more),
        cmocka_unit_test(no_memory_leaves_the_arena_usable),
        cmocka_unit_test(sizes_beyond_memory_are_refused),
        cmocka_unit_test(block_use_does_not_depend_on_addresses),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
