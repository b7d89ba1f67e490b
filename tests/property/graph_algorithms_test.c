/*
 * Algorithms on random graphs against plain ones that are too simple to be wrong: relaxation until nothing changes,
 * labels spread until nothing changes, a dense matrix. And: however the steps are cut, the results are the same to the
 * bit.
 */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "graph/algo/algo.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"

enum { NODES_MAX = 40, LIMIT = 1 << 20, RUNS = 400 };

struct world {
    struct prng prng;
    uint64_t seed;
    struct csr csr;
};

/* Weights are eighths, so that sums are exact and the plain algorithm's order does not matter. */
static void draw(struct world *world, uint64_t seed) {
    world->seed = seed;
    prng_init(&world->prng, seed);
    const uint32_t nodes = 1 + (uint32_t)prng_below(&world->prng, NODES_MAX);
    const uint64_t density = 1 + prng_below(&world->prng, 12);
    uint64_t id = prng_below(&world->prng, 2) ? 0 : prng_below(&world->prng, 1000);
    const bool dense = prng_below(&world->prng, 2) == 0;
    csr_init(&world->csr, LIMIT, true);
    for (uint32_t i = 0; i < nodes; i++) {
        assert_int_equal(csr_add_node(&world->csr, id), STATUS_OK);
        id += dense ? 1 : 1 + prng_below(&world->prng, 9);
    }
    for (uint32_t i = 0; i < nodes; i++) {
        if (prng_below(&world->prng, 4) == 0) continue;
        for (uint64_t left = prng_below(&world->prng, density); left > 0; left--) {
            const bool absent = prng_below(&world->prng, 10) == 0;
            const uint32_t target = absent ? CSR_NONE : (uint32_t)prng_below(&world->prng, nodes);
            const double weight = (double)prng_below(&world->prng, 64) / 8;
            assert_int_equal(csr_add_edge(&world->csr, i, target, weight), STATUS_OK);
        }
    }
    assert_int_equal(csr_finish(&world->csr), STATUS_OK);
}

static uint64_t step_size(struct world *world) {
    return 1 + prng_below(&world->prng, 1 + prng_below(&world->prng, 300));
}

static uint32_t any_node(struct world *world) {
    return (uint32_t)prng_below(&world->prng, world->csr.node_count);
}

#define FOR_EDGES(csr, node, i)                                                                                        \
    for (uint32_t node = 0; node < (csr)->node_count; node++)                                                          \
        for (uint64_t i = (csr)->offsets[node]; i < (csr)->offsets[node + 1]; i++)

static void relax_all(const struct csr *csr, uint32_t source, bool weighted, double *distance) {
    for (uint32_t i = 0; i < csr->node_count; i++) distance[i] = INFINITY;
    distance[source] = 0;
    for (bool changed = true; changed;) {
        changed = false;
        FOR_EDGES(csr, node, i) {
            const double fresh = distance[node] + (weighted ? csr->weights[i] : 1);
            if (!(fresh < distance[csr->targets[i]])) continue;
            distance[csr->targets[i]] = fresh;
            changed = true;
        }
    }
}

static void for_seeds(const char *test, void (*check_seed)(struct world *world)) {
    const uint64_t first = test_seed(1), runs = test_scaled(RUNS);
    for (uint64_t seed = first; seed < first + runs; seed++) {
        struct world world;
        seed_starts(test, seed);
        draw(&world, seed);
        check_seed(&world);
        csr_deinit(&world.csr);
        seed_passes();
    }
}

#define HOLDS(world, condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) fail_msg("seed %" PRIu64 ": %s", (world)->seed, #condition);                                 \
    } while (0)

/* ---- Breadth first ----------------------------------------------------------------------------------------------- */

static void check_bfs(struct world *world) {
    const struct csr *csr = &world->csr;
    const uint32_t source = any_node(world);
    double distance[NODES_MAX];
    struct bfs bfs;
    relax_all(csr, source, false, distance);
    assert_int_equal(bfs_begin(&bfs, csr, source, LIMIT), STATUS_OK);
    if (prng_below(&world->prng, 2)) bfs.max_depth = (int32_t)prng_below(&world->prng, 4);
    while (!bfs_step(&bfs, step_size(world))) continue;
    for (uint32_t i = 0; i < csr->node_count; i++) {
        const bool seen = !isinf(distance[i]) && (bfs.max_depth < 0 || distance[i] <= bfs.max_depth);
        HOLDS(world, seen ? bfs.depth[i] == (int32_t)distance[i] : bfs.depth[i] == BFS_UNREACHED);
        HOLDS(world, !seen || i == source || bfs.depth[bfs.parent[i]] == bfs.depth[i] - 1);
    }
    for (uint32_t i = 1; i < bfs.reached; i++) HOLDS(world, bfs.depth[bfs.order[i - 1]] <= bfs.depth[bfs.order[i]]);
    bfs_end(&bfs);
}

static void bfs_finds_the_fewest_hops(void **state) {
    (void)state;
    for_seeds(__func__, check_bfs);
}

/* ---- Weighted ---------------------------------------------------------------------------------------------------- */

static void check_sssp(struct world *world) {
    const struct csr *csr = &world->csr;
    const uint32_t source = any_node(world), target = any_node(world);
    double distance[NODES_MAX];
    struct sssp sssp, aimed;
    bool done = false;
    relax_all(csr, source, true, distance);
    assert_int_equal(sssp_begin(&sssp, csr, source, LIMIT), STATUS_OK);
    while (!done) assert_int_equal(sssp_step(&sssp, step_size(world), &done), STATUS_OK);
    for (uint32_t i = 0; i < csr->node_count; i++) {
        HOLDS(world, sssp.distance[i] == distance[i]);
        HOLDS(world, isinf(distance[i]) || i == source || distance[sssp.parent[i]] <= distance[i]);
    }
    assert_int_equal(sssp_begin(&aimed, csr, source, LIMIT), STATUS_OK);
    aimed.target = target;
    for (done = false; !done;) assert_int_equal(sssp_step(&aimed, step_size(world), &done), STATUS_OK);
    HOLDS(world, aimed.distance[target] == distance[target]);
    sssp_end(&aimed);
    sssp_end(&sssp);
}

static void sssp_finds_the_least_weight(void **state) {
    (void)state;
    for_seeds(__func__, check_sssp);
}

static void a_negative_weight_is_refused(void **state) {
    (void)state;
    static const double bad[] = {-0.5, NAN, -INFINITY};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct csr csr;
        struct sssp sssp;
        bool done = false;
        csr_init(&csr, LIMIT, true);
        assert_int_equal(csr_add_node(&csr, 7), STATUS_OK);
        assert_int_equal(csr_add_edge(&csr, 0, 0, bad[i]), STATUS_OK);
        assert_int_equal(csr_finish(&csr), STATUS_OK);
        assert_int_equal(sssp_begin(&sssp, &csr, 0, LIMIT), STATUS_OK);
        assert_int_equal(sssp_step(&sssp, 100, &done), STATUS_INVALID);
        sssp_end(&sssp);
        csr_deinit(&csr);
    }
}

/* ---- Components -------------------------------------------------------------------------------------------------- */

static void check_wcc(struct world *world) {
    const struct csr *csr = &world->csr;
    uint32_t label[NODES_MAX], count = 0;
    struct wcc wcc;
    for (uint32_t i = 0; i < csr->node_count; i++) label[i] = i;
    for (bool changed = true; changed;) {
        changed = false;
        FOR_EDGES(csr, node, i) {
            uint32_t *a = &label[node], *b = &label[csr->targets[i]];
            if (*a == *b) continue;
            *a = *b = *a < *b ? *a : *b;
            changed = true;
        }
    }
    assert_int_equal(wcc_begin(&wcc, csr, LIMIT), STATUS_OK);
    while (!wcc_step(&wcc, step_size(world))) continue;
    for (uint32_t i = 0; i < csr->node_count; i++) {
        HOLDS(world, wcc.component[i] == label[i]);
        count += label[i] == i;
    }
    HOLDS(world, wcc.components == count);
    wcc_end(&wcc);
}

static void wcc_names_each_component_by_its_smallest_node(void **state) {
    (void)state;
    for_seeds(__func__, check_wcc);
}

/* ---- PageRank ---------------------------------------------------------------------------------------------------- */

static void dense_pagerank(const struct csr *csr, uint32_t rounds, double *score) {
    const uint32_t nodes = csr->node_count;
    for (uint32_t i = 0; i < nodes; i++) score[i] = 1.0 / nodes;
    for (; rounds > 0; rounds--) {
        double next[NODES_MAX];
        for (uint32_t to = 0; to < nodes; to++) {
            double sum = 0;
            for (uint32_t from = 0; from < nodes; from++) {
                const uint64_t degree = csr_degree(csr, from);
                double part = degree == 0 ? 1.0 / nodes : 0;
                for (uint64_t i = csr->offsets[from]; i < csr->offsets[from + 1]; i++)
                    if (csr->targets[i] == to) part += 1.0 / (double)degree;
                sum += part * score[from];
            }
            next[to] = 0.15 / nodes + 0.85 * sum;
        }
        memcpy(score, next, nodes * sizeof *score);
    }
}

static void check_pagerank(struct world *world) {
    const struct csr *csr = &world->csr;
    const struct pagerank_options options = {.max_iterations = 1 + (uint32_t)prng_below(&world->prng, 20)};
    double expected[NODES_MAX], sum = 0;
    struct pagerank pagerank, whole;
    dense_pagerank(csr, options.max_iterations, expected);
    assert_int_equal(pagerank_begin(&pagerank, csr, &options, LIMIT), STATUS_OK);
    while (!pagerank_step(&pagerank, step_size(world))) continue;
    assert_int_equal(pagerank_begin(&whole, csr, &options, LIMIT), STATUS_OK);
    while (!pagerank_step(&whole, UINT64_MAX)) continue;
    HOLDS(world, pagerank.iterations == options.max_iterations);
    for (uint32_t i = 0; i < csr->node_count; i++) {
        sum += pagerank.score[i];
        HOLDS(world, fabs(pagerank.score[i] - expected[i]) < 1e-12);
        HOLDS(world, pagerank.score[i] == whole.score[i]);
    }
    HOLDS(world, fabs(sum - 1) < 1e-9);
    pagerank_end(&whole);
    pagerank_end(&pagerank);
}

static void pagerank_is_that_of_the_dense_matrix(void **state) {
    (void)state;
    for_seeds(__func__, check_pagerank);
}

static void pagerank_stops_when_nothing_moves_any_more(void **state) {
    (void)state;
    struct world world;
    const struct pagerank_options options = {.tolerance = 1e-6, .max_iterations = 1000};
    struct pagerank pagerank;
    draw(&world, 3);
    assert_int_equal(pagerank_begin(&pagerank, &world.csr, &options, LIMIT), STATUS_OK);
    while (!pagerank_step(&pagerank, 50)) continue;
    assert_true(pagerank.iterations < 1000);
    assert_true(pagerank.change <= 1e-6);
    pagerank_end(&pagerank);
    csr_deinit(&world.csr);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* However small the limit, what is built stays below it, and what does not fit is said. */
static void a_limit_is_never_passed(void **state) {
    (void)state;
    for (size_t limit = 0; limit < 64 << 10; limit += 509) {
        struct csr csr;
        enum status status = STATUS_OK;
        csr_init(&csr, limit, limit % 2 == 0);
        for (uint64_t i = 0; status == STATUS_OK && i < 2000; i++) status = csr_add_node(&csr, 3 * i);
        for (uint32_t i = 0; status == STATUS_OK && i < 6000; i++) status = csr_add_edge(&csr, i / 3, i % 2000, i);
        if (status == STATUS_OK) status = csr_finish(&csr);
        assert_true(csr.bytes <= limit);
        assert_int_equal(status, limit < 2000 * 8 + 2001 * 8 + 6000 * 4 ? STATUS_TOO_LARGE : status);
        csr_deinit(&csr);
    }
    struct world world;
    draw(&world, 5);
    struct bfs bfs;
    struct sssp sssp;
    struct wcc wcc;
    struct pagerank pagerank;
    const struct pagerank_options options = {0};
    assert_int_equal(bfs_begin(&bfs, &world.csr, 0, 3), STATUS_TOO_LARGE);
    assert_int_equal(sssp_begin(&sssp, &world.csr, 0, 3), STATUS_TOO_LARGE);
    assert_int_equal(wcc_begin(&wcc, &world.csr, 3), STATUS_TOO_LARGE);
    assert_int_equal(pagerank_begin(&pagerank, &world.csr, &options, 3), STATUS_TOO_LARGE);
    bfs_end(&bfs);
    sssp_end(&sssp);
    wcc_end(&wcc);
    pagerank_end(&pagerank);
    csr_deinit(&world.csr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bfs_finds_the_fewest_hops),
        cmocka_unit_test(sssp_finds_the_least_weight),
        cmocka_unit_test(a_negative_weight_is_refused),
        cmocka_unit_test(wcc_names_each_component_by_its_smallest_node),
        cmocka_unit_test(pagerank_is_that_of_the_dense_matrix),
        cmocka_unit_test(pagerank_stops_when_nothing_moves_any_more),
        cmocka_unit_test(a_limit_is_never_passed),
    };
    return seed_report(cmocka_run_group_tests(tests, NULL, NULL), "build/tests/property/graph_algorithms_test");
}
