/*
 * The example graphs of the Graphalytics benchmark, by its rules: distances exact, PageRank within 1e-4 of each
 * score, components as a bijection, weighted distances within 1e-4. Results are LDBC-derived, not audited. Skips
 * where the files are not there.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/algo/algo.h"
#include "tests/harness/datadriven.h"

enum { NODES_MAX = 64, EDGES_MAX = 256, LIMIT = 1 << 20 };

struct edge {
    uint32_t from, to;
    double weight;
};

struct example {
    const char *name;
    bool directed;
    uint64_t bfs_source, sssp_source;
    uint32_t iterations;
};

static const struct example examples[] = {
    {"example-directed", true, 1, 1, 2},
    {"example-undirected", false, 2, 2, 2},
};

static FILE *open_file(const struct example *example, const char *suffix) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/graphalytics/%s%s", datadriven_folder(), example->name, suffix);
    return fopen(path, "r");
}

static int by_source(const void *a, const void *b) {
    const struct edge *first = a, *second = b;
    if (first->from != second->from) return first->from < second->from ? -1 : 1;
    return (first->to > second->to) - (first->to < second->to);
}

static void load(const struct example *example, struct csr *csr) {
    struct edge edges[EDGES_MAX];
    size_t count = 0;
    unsigned long long id, other;
    double weight;
    csr_init(csr, LIMIT, true);
    FILE *file = open_file(example, ".v");
    if (!file) {
        print_message("SKIP: no %s/graphalytics\n", datadriven_folder());
        skip();
    }
    while (fscanf(file, "%llu", &id) == 1) assert_int_equal(csr_add_node(csr, id), STATUS_OK);
    (void)fclose(file);
    file = open_file(example, ".e");
    assert_non_null(file);
    while (fscanf(file, "%llu %llu %lf", &id, &other, &weight) == 3) {
        assert_true(count + 2 <= EDGES_MAX);
        edges[count++] = (struct edge){csr_find(csr, id), csr_find(csr, other), weight};
        if (!example->directed) edges[count++] = (struct edge){csr_find(csr, other), csr_find(csr, id), weight};
    }
    (void)fclose(file);
    qsort(edges, count, sizeof *edges, by_source);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(csr_add_edge(csr, edges[i].from, edges[i].to, edges[i].weight), STATUS_OK);
    assert_int_equal(csr_finish(csr), STATUS_OK);
    assert_true(csr->edge_count == count && count > 10);
}

/* The expected value of each node, as text. */
static void expect(const struct example *example, const struct csr *csr, const char *kernel,
                   char values[NODES_MAX][40]) {
    char suffix[16];
    unsigned long long id;
    uint32_t seen = 0;
    (void)snprintf(suffix, sizeof suffix, "-%s", kernel);
    FILE *file = open_file(example, suffix);
    char text[40];
    assert_non_null(file);
    while (fscanf(file, "%llu %39s", &id, text) == 2) {
        const uint32_t node = csr_find(csr, id);
        assert_true(node < NODES_MAX);
        memcpy(values[node], text, sizeof text);
        seen++;
    }
    (void)fclose(file);
    assert_int_equal(seen, csr->node_count);
}

#define FOR_EXAMPLES(example)                                                                                          \
    for (const struct example *example = examples; example < examples + sizeof examples / sizeof *examples; example++)

static void breadth_first_distances_are_exact(void **state) {
    (void)state;
    FOR_EXAMPLES(example) {
        struct csr csr;
        struct bfs bfs;
        char expected[NODES_MAX][40];
        load(example, &csr);
        expect(example, &csr, "BFS", expected);
        assert_int_equal(bfs_begin(&bfs, &csr, csr_find(&csr, example->bfs_source), LIMIT), STATUS_OK);
        while (!bfs_step(&bfs, 1)) continue;
        for (uint32_t i = 0; i < csr.node_count; i++) {
            const int64_t depth = bfs.depth[i] == BFS_UNREACHED ? INT64_MAX : bfs.depth[i];
            assert_true(depth == strtoll(expected[i], NULL, 10));
        }
        bfs_end(&bfs);
        csr_deinit(&csr);
    }
}

static void weighted_distances_are_right(void **state) {
    (void)state;
    FOR_EXAMPLES(example) {
        struct csr csr;
        struct sssp sssp;
        char expected[NODES_MAX][40];
        bool done = false;
        load(example, &csr);
        expect(example, &csr, "SSSP", expected);
        assert_int_equal(sssp_begin(&sssp, &csr, csr_find(&csr, example->sssp_source), LIMIT), STATUS_OK);
        while (!done) assert_int_equal(sssp_step(&sssp, 1, &done), STATUS_OK);
        for (uint32_t i = 0; i < csr.node_count; i++) {
            const double wanted = strtod(expected[i], NULL);
            assert_true(isinf(wanted) ? isinf(sssp.distance[i]) : fabs(sssp.distance[i] - wanted) <= 1e-4 * wanted);
        }
        sssp_end(&sssp);
        csr_deinit(&csr);
    }
}

static void page_rank_is_within_a_ten_thousandth(void **state) {
    (void)state;
    FOR_EXAMPLES(example) {
        struct csr csr;
        struct pagerank pagerank;
        struct pagerank_options options = {.damping = 0.85, .max_iterations = example->iterations};
        char expected[NODES_MAX][40];
        load(example, &csr);
        expect(example, &csr, "PR", expected);
        assert_int_equal(pagerank_begin(&pagerank, &csr, &options, LIMIT), STATUS_OK);
        while (!pagerank_step(&pagerank, 1)) continue;
        for (uint32_t i = 0; i < csr.node_count; i++) {
            const double wanted = strtod(expected[i], NULL);
            assert_true(fabs(pagerank.score[i] - wanted) <= 1e-4 * wanted);
        }
        pagerank_end(&pagerank);
        csr_deinit(&csr);
    }
}

static void components_are_the_same_partition(void **state) {
    (void)state;
    FOR_EXAMPLES(example) {
        struct csr csr;
        struct wcc wcc;
        char expected[NODES_MAX][40];
        load(example, &csr);
        expect(example, &csr, "WCC", expected);
        assert_int_equal(wcc_begin(&wcc, &csr, LIMIT), STATUS_OK);
        while (!wcc_step(&wcc, 1)) continue;
        for (uint32_t i = 0; i < csr.node_count; i++)
            for (uint32_t j = 0; j < i; j++)
                assert_int_equal(wcc.component[i] == wcc.component[j], strcmp(expected[i], expected[j]) == 0);
        wcc_end(&wcc);
        csr_deinit(&csr);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breadth_first_distances_are_exact),
        cmocka_unit_test(weighted_distances_are_right),
        cmocka_unit_test(page_rank_is_within_a_ten_thousandth),
        cmocka_unit_test(components_are_the_same_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
