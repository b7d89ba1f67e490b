/*
 * slab_test: pieces do not overlap, what is freed is used again, a size that is no longer asked for keeps nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/pages.h"
#include "engine/base/prng.h"
#include "engine/base/sync.h"
#include "engine/cache/slab.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/test_env.h"

struct piece {
    uint8_t *bytes;
    size_t size;
    uint8_t mark;
};

static size_t draw_size(struct prng *prng) {
    switch (prng_below(prng, 8)) {
    case 0: return 1 + prng_below(prng, 200);
    case 1: return 1 + prng_below(prng, 40000);
    case 2: return 1 + prng_below(prng, 300000);
    default: return 4000 + prng_below(prng, 600);
    }
}

/* The first, the last and some bytes between are still what was written. */
static bool is_whole(const struct piece *piece) {
    for (size_t at = 0; at < piece->size; at += 61)
        if (piece->bytes[at] != piece->mark) return false;
    return piece->bytes[piece->size - 1] == piece->mark;
}

static void draw(struct slab *slab, struct prng *prng, struct piece *piece, uint64_t *wrong) {
    if (piece->bytes) {
        *wrong += !is_whole(piece);
        slab_free(slab, piece->bytes);
        piece->bytes = NULL;
        return;
    }
    piece->size = draw_size(prng);
    piece->mark = (uint8_t)prng_below(prng, 256);
    piece->bytes = slab_alloc(slab, piece->size);
    *wrong += !piece->bytes || (uintptr_t)piece->bytes % 64 != 0 || slab_cost(piece->size) < piece->size;
    if (piece->bytes) memset(piece->bytes, piece->mark, piece->size);
}

static void pieces_of_any_size_keep_their_bytes(void **state) {
    (void)state;
    enum { PIECES = 1500 };
    static struct piece pieces[PIECES];
    struct prng prng;
    prng_init(&prng, test_seed(7));
    struct slab *slab = slab_create(NULL);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < test_scaled(60000); i++) draw(slab, &prng, &pieces[prng_below(&prng, PIECES)], &wrong);
    for (size_t i = 0; i < PIECES; i++)
        if (pieces[i].bytes) draw(slab, &prng, &pieces[i], &wrong);
    assert_int_equal(wrong, 0);
    assert_true(slab_reserved(slab) <= 2 * (size_t)PAGES_RUN_BYTES); /* nothing is left but a spare */
    slab_destroy(slab);
}

static void a_piece_costs_at_most_a_sixteenth_more_or_a_page(void **state) {
    (void)state;
    for (size_t size = 1024; size <= SLAB_PIECE_MAX; size += 37) {
        const size_t more = slab_cost(size) - size;
        assert_true(more <= size / 16 || more < 16 << 10);
        if (size <= 8 << 10) assert_true(more <= size / 16);
    }
}

static void freed_memory_of_one_size_serves_another(void **state) {
    (void)state;
    enum { PIECES = 4000 };
    static void *pieces[PIECES];
    struct slab *slab = slab_create(NULL);
    for (size_t i = 0; i < PIECES; i++) assert_non_null(pieces[i] = slab_alloc(slab, 4200));
    const size_t full = slab_reserved(slab);
    assert_true(full < (size_t)PIECES * 4200 / 100 * 112 + PAGES_RUN_BYTES);
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < PIECES; i++) slab_free(slab, pieces[i]);
        for (size_t i = 0; i < PIECES; i++) assert_non_null(pieces[i] = slab_alloc(slab, 3000 + 200 * round));
        assert_true(slab_reserved(slab) <= full + PAGES_RUN_BYTES);
    }
    for (size_t i = 0; i < PIECES; i++) slab_free(slab, pieces[i]);
    slab_destroy(slab);
}

static void a_failed_allocation_is_answered_with_null(void **state) {
    (void)state;
    struct slab *slab = slab_create(NULL);
    alloc_fault_at(1);
    assert_null(slab_alloc(slab, 100));
    assert_true(alloc_fault_clear());
    alloc_fault_at(1);
    assert_null(slab_alloc(slab, 100000));
    assert_true(alloc_fault_clear());
    void *piece = slab_alloc(slab, 100);
    assert_non_null(piece);
    slab_free(slab, piece);
    slab_destroy(slab);
}

struct race {
    struct slab *slab;
    uint64_t seed, wrong;
};

static void use(void *context) {
    struct race *race = context;
    struct piece pieces[200] = {{.bytes = NULL}};
    struct prng prng;
    prng_init(&prng, race->seed);
    for (uint64_t i = 0; i < test_scaled(20000); i++)
        draw(race->slab, &prng, &pieces[prng_below(&prng, 200)], &race->wrong);
    for (size_t i = 0; i < 200; i++)
        if (pieces[i].bytes) draw(race->slab, &prng, &pieces[i], &race->wrong);
}

static void threads_share_a_slab(void **state) {
    (void)state;
    struct slab *slab = slab_create(NULL);
    struct race races[3];
    struct thread threads[3];
    for (uint64_t i = 0; i < 3; i++) {
        races[i] = (struct race){.slab = slab, .seed = i};
        assert_int_equal(thread_start(&threads[i], "user", use, &races[i]), STATUS_OK);
    }
    for (int i = 0; i < 3; i++) {
        thread_join(&threads[i]);
        assert_int_equal(races[i].wrong, 0);
    }
    slab_destroy(slab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_keep_their_bytes),
        cmocka_unit_test(a_piece_costs_at_most_a_sixteenth_more_or_a_page),
        cmocka_unit_test(freed_memory_of_one_size_serves_another),
        cmocka_unit_test(a_failed_allocation_is_answered_with_null),
        cmocka_unit_test(threads_share_a_slab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
