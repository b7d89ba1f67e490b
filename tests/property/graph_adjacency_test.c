/*
 * graph_adjacency: the merge operator of adjacency blocks beside a set of live entries. A random history of puttings
 * and takings is folded in random groups, partial and full; whatever the grouping, the bytes are those of the block of
 * what is live at the end.
 *
 * Replay one case: LOAM_TEST_SEED=<seed> build/tests/property/graph_adjacency_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "graph/store/adjacency.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"

enum { RUNS = 1500, GROUPINGS = 6, HISTORY_MAX = 2 * ADJACENCY_BLOCK_SLOTS };

static const struct slice key = {(const uint8_t *)"key", 3};

struct history {
    struct adjacency_change changes[HISTORY_MAX];
    size_t count;
    struct adjacency_change live[ADJACENCY_BLOCK_SLOTS];
    size_t live_count;
};

static void expect_at(enum status status, int line) {
    if (status != STATUS_OK) fail_msg("line %d: %s", line, status_name(status));
}
#define expect(status) expect_at(status, __LINE__)

static int by_order(const void *a, const void *b) {
    return adjacency_order(a, b);
}

/* Every slot is put once; some are taken away later. */
static void draw_history(struct prng *prng, struct history *history) {
    const size_t slots = prng_between(prng, 1, ADJACENCY_BLOCK_SLOTS);
    const uint32_t removals = (uint32_t)prng_below(prng, 100);
    uint64_t edge = prng_below(prng, 1000);
    history->count = history->live_count = 0;
    for (size_t slot = 0; slot < slots; slot++) {
        edge += prng_between(prng, 1, prng_chance(prng, 1, 50) ? UINT64_MAX / 1024 : 9);
        const struct adjacency_change put = {.type = (uint32_t)prng_below(prng, 3),
                                             .node = prng_below(prng, prng_chance(prng, 1, 9) ? UINT64_MAX : 30),
                                             .edge = edge};
        history->changes[history->count++] = put;
        history->live[history->live_count++] = put;
        if (!prng_chance(prng, removals, 100)) continue;
        const size_t at = prng_below(prng, history->live_count);
        history->changes[history->count] = history->live[at];
        history->changes[history->count++].removed = true;
        history->live[at] = history->live[--history->live_count];
    }
    qsort(history->live, history->live_count, sizeof history->live[0], by_order);
}

struct operands {
    struct buf items[HISTORY_MAX];
    size_t count;
};

static void merge_some(struct operands *operands, struct prng *prng) {
    struct slice slices[HISTORY_MAX];
    const size_t from = prng_below(prng, operands->count);
    const size_t count = prng_between(prng, 1, operands->count - from);
    struct buf merged = BUF_EMPTY;
    for (size_t i = 0; i < count; i++) slices[i] = buf_slice(&operands->items[from + i]);
    expect(adjacency_merge.partial(NULL, key, slices, count, &merged));
    for (size_t i = 0; i < count; i++) buf_deinit(&operands->items[from + i]);
    operands->items[from] = merged;
    for (size_t i = from + count; i < operands->count; i++) operands->items[i - count + 1] = operands->items[i];
    operands->count -= count - 1;
    for (size_t i = 0; i < count - 1; i++) operands->items[operands->count + i] = BUF_EMPTY; /* moved, or freed */
}

/* Folds the first operands into a value, then the others into that. */
static void fold_all(struct operands *operands, struct prng *prng, struct buf *block) {
    bool has_base = false;
    for (size_t at = 0; at < operands->count;) {
        const size_t count = prng_between(prng, 1, operands->count - at);
        struct slice slices[HISTORY_MAX];
        struct buf folded = BUF_EMPTY;
        const struct slice base = buf_slice(block);
        for (size_t i = 0; i < count; i++) slices[i] = buf_slice(&operands->items[at + i]);
        expect(adjacency_merge.full(NULL, key, has_base ? &base : NULL, slices, count, &folded));
        buf_deinit(block);
        *block = folded;
        has_base = true;
        at += count;
    }
}

static void expect_block(const struct history *history, struct slice bytes) {
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    size_t count = 0;
    expect(adjacency_block_decode(bytes, true, entries, &count));
    assert_int_equal(count, history->live_count);
    assert_int_equal(adjacency_block_is_empty(bytes), count == 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(entries[i].node == history->live[i].node && entries[i].edge == history->live[i].edge);
        assert_int_equal(entries[i].type, history->live[i].type);
        assert_true(entries[i].incoming);
    }
}

static void any_grouping_gives_the_same_bytes(void **state) {
    static struct history history;
    static struct operands operands;
    const uint64_t first = test_seed(1);
    (void)state;
    for (uint64_t seed = first; seed < first + test_scaled(RUNS); seed++) {
        struct prng prng;
        struct buf expected = BUF_EMPTY, block = BUF_EMPTY;
        seed_starts("graph_adjacency", seed);
        prng_init(&prng, seed);
        draw_history(&prng, &history);
        expect(adjacency_block_encode(&expected, history.live, history.live_count));
        for (int grouping = 0; grouping < GROUPINGS; grouping++) {
            operands.count = history.count;
            for (size_t i = 0; i < history.count; i++)
                expect(adjacency_operand_encode(&operands.items[i], &history.changes[i], 1));
            for (uint64_t left = prng_below(&prng, 6); left > 0; left--) merge_some(&operands, &prng);
            fold_all(&operands, &prng, &block);
            expect_block(&history, buf_slice(&block));
            assert_true(slice_equal(buf_slice(&block), buf_slice(&expected)));
            for (size_t i = 0; i < operands.count; i++) buf_deinit(&operands.items[i]);
            buf_clear(&block);
        }
        buf_deinit(&expected);
        buf_deinit(&block);
        seed_passes();
    }
}

static void damaged_operands_and_blocks_are_errors(void **state) {
    struct buf operand = BUF_EMPTY, block = BUF_EMPTY, result = BUF_EMPTY;
    const struct adjacency_change change = {.type = 1, .node = 2, .edge = 3};
    (void)state;
    expect(adjacency_operand_encode(&operand, &change, 1));
    expect(adjacency_block_encode(&block, &change, 1));
    struct slice operand_bytes = buf_slice(&operand);
    const struct slice block_bytes = buf_slice(&block);
    /* One for the other, cut, and with a version of the future. */
    assert_int_equal(adjacency_merge.full(NULL, key, NULL, &block_bytes, 1, &result), STATUS_CORRUPT);
    assert_int_equal(adjacency_merge.full(NULL, key, &operand_bytes, &operand_bytes, 1, &result), STATUS_CORRUPT);
    for (size_t size = 2; size < operand_bytes.size; size++) {
        const struct slice cut = slice_make(operand_bytes.data, size);
        assert_int_equal(adjacency_merge.partial(NULL, key, &cut, 1, &result), STATUS_CORRUPT);
    }
    operand.data[0] = 0x82;
    assert_int_equal(adjacency_merge.full(NULL, key, NULL, &operand_bytes, 1, &result), STATUS_VERSION);
    buf_deinit(&operand);
    buf_deinit(&block);
    buf_deinit(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_grouping_gives_the_same_bytes),
        cmocka_unit_test(damaged_operands_and_blocks_are_errors),
    };
    return seed_report(cmocka_run_group_tests_name("graph_adjacency", tests, NULL, NULL),
                       "build/tests/property/graph_adjacency_test");
}
