/*
 * csr_build on random graphs that went through the store: the arrays hold the edges of a plain list, whatever
 * direction, label, types and weights are asked for, and however the steps are cut.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "graph/csr_build.h"
#include "graph/property.h"
#include "tests/harness/graph_lab.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"

enum { NODES_MAX = 40, EDGES_MAX = 800, LIMIT = 1 << 20, RUNS = 300, BUILDS = 12, KINDS = 3 };

/* What an edge has as its weight: nothing, an integer, a float, a text. */
enum weight_kind { WEIGHT_NONE, WEIGHT_INTEGER, WEIGHT_FLOAT, WEIGHT_TEXT, WEIGHT_KINDS };

struct plain_edge {
    uint64_t id, source, target;
    uint32_t type;
    double weight; /* a number of its own */
    bool has_weight;
    bool gone;
};

struct world {
    struct graph_lab lab;
    struct prng prng;
    uint64_t seed;
    uint32_t labels[KINDS], types[KINDS], key;
    uint64_t nodes[NODES_MAX]; /* ascending ids */
    uint32_t node_labels[NODES_MAX];
    bool node_gone[NODES_MAX];
    size_t node_count;
    struct plain_edge edges[EDGES_MAX];
    size_t edge_count;
};

static uint64_t below(struct world *world, uint64_t limit) {
    return prng_below(&world->prng, limit);
}

/* ---- The graph, and the list that it is compared with ------------------------------------------------------------ */

static void start(struct world *world, uint64_t seed) {
    struct error error = {0};
    *world = (struct world){.seed = seed};
    prng_init(&world->prng, seed);
    graph_lab_init(&world->lab, NULL, seed, NULL);
    if (graph_lab_open_engine(&world->lab, &error) != STATUS_OK) fail_msg("%s", error.text);
}

static void make_words(struct world *world, struct graph *graph) {
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < KINDS; i++) {
        const struct slice name = slice_from_text(names[i]);
        assert_int_equal(graph_edit_word(graph, GRAPH_LABEL, name, &world->labels[i]), STATUS_OK);
        assert_int_equal(graph_edit_word(graph, GRAPH_TYPE, name, &world->types[i]), STATUS_OK);
    }
    assert_int_equal(graph_edit_word(graph, GRAPH_KEY, slice_from_text("weight"), &world->key), STATUS_OK);
}

static void add_node(struct world *world, struct graph *graph) {
    uint32_t labels[KINDS], count = 0;
    for (size_t i = 0; i < KINDS; i++)
        if (below(world, 2)) labels[count++] = world->labels[i];
    const size_t at = world->node_count++;
    world->node_labels[at] = 0;
    for (uint32_t i = 0; i < count; i++) world->node_labels[at] |= 1u << labels[i];
    assert_int_equal(graph_edit_create_node(graph, labels, count, NULL, 0, &world->nodes[at]), STATUS_OK);
}

static void draw_weight(struct world *world, struct plain_edge *edge, struct buf *bytes) {
    const enum weight_kind kind = (enum weight_kind)below(world, WEIGHT_KINDS);
    const int64_t integer = (int64_t)below(world, 100);
    edge->has_weight = kind == WEIGHT_INTEGER || kind == WEIGHT_FLOAT;
    edge->weight = kind == WEIGHT_FLOAT ? (double)integer / 4 : (double)integer;
    enum status status = STATUS_OK;
    if (kind == WEIGHT_INTEGER) status = graph_property_encode_integer(bytes, integer);
    if (kind == WEIGHT_FLOAT) status = graph_property_encode_float(bytes, edge->weight);
    if (kind == WEIGHT_TEXT) status = graph_property_encode_string(bytes, slice_from_text("heavy"));
    assert_int_equal(status, STATUS_OK);
}

static size_t any_live_node(struct world *world) {
    size_t at = (size_t)below(world, world->node_count);
    while (world->node_gone[at]) at = (at + 1) % world->node_count;
    return at;
}

static void add_edge(struct world *world, struct graph *graph) {
    struct plain_edge *edge = &world->edges[world->edge_count++];
    struct buf bytes = BUF_EMPTY;
    *edge = (struct plain_edge){.source = world->nodes[any_live_node(world)],
                                .target = world->nodes[any_live_node(world)],
                                .type = world->types[below(world, KINDS)]};
    draw_weight(world, edge, &bytes);
    const struct graph_property weight = {.key = world->key, .value = buf_slice(&bytes)};
    assert_int_equal(
        graph_edit_create_edge(graph, edge->type, edge->source, edge->target, &weight, bytes.size ? 1 : 0, &edge->id),
        STATUS_OK);
    buf_deinit(&bytes);
}

static void delete_node(struct world *world, struct graph *graph) {
    const size_t at = any_live_node(world);
    if (at == 0) return; /* one stays */
    world->node_gone[at] = true;
    for (size_t i = 0; i < world->edge_count; i++)
        if (world->edges[i].source == world->nodes[at] || world->edges[i].target == world->nodes[at])
            world->edges[i].gone = true;
    assert_int_equal(graph_edit_delete_node(graph, world->nodes[at], true), STATUS_OK);
}

static void delete_edge(struct world *world, struct graph *graph) {
    if (world->edge_count == 0) return;
    struct plain_edge *edge = &world->edges[below(world, world->edge_count)];
    if (edge->gone) return;
    edge->gone = true;
    assert_int_equal(graph_edit_delete_edge(graph, edge->id), STATUS_OK);
}

static void draw(struct world *world) {
    struct graph *graph = graph_lab_open(&world->lab, "g");
    make_words(world, graph);
    do add_node(world, graph);
    while (below(world, 20) && world->node_count < NODES_MAX);
    const uint64_t steps = below(world, EDGES_MAX);
    for (uint64_t i = 0; i < steps; i++) {
        const uint64_t dice = below(world, 100);
        if (dice < 2 && world->node_count < NODES_MAX)
            add_node(world, graph);
        else if (dice == 3)
            delete_node(world, graph);
        else if (dice < 9)
            delete_edge(world, graph);
        else
            add_edge(world, graph);
        if (below(world, 200) == 0) {
            graph_lab_commit(&world->lab, graph);
            graph = graph_lab_open(&world->lab, "g");
        }
    }
    graph_lab_commit(&world->lab, graph);
}

/* ---- The comparison ---------------------------------------------------------------------------------------------- */

struct line {
    uint64_t source, target;
    double weight;
    uint64_t edge;
};

struct lines {
    struct line items[2 * EDGES_MAX];
    size_t count;
};

static int by_line(const void *a, const void *b) {
    const struct line *left = a, *right = b;
    if (left->source != right->source) return left->source < right->source ? -1 : 1;
    if (left->target != right->target) return left->target < right->target ? -1 : 1;
    if (left->edge != right->edge) return left->edge < right->edge ? -1 : 1;
    return (left->weight > right->weight) - (left->weight < right->weight);
}

static void sort(struct lines *lines) {
    qsort(lines->items, lines->count, sizeof lines->items[0], by_line);
}

static bool has_label(const struct csr_build_options *options, uint32_t labels) {
    for (size_t i = 0; i < options->label_count; i++)
        if (options->labels[i] != GRAPH_NONE && (labels & 1u << options->labels[i])) return true;
    return options->label_count == 0;
}

static bool has_node(const struct world *world, const struct csr_build_options *options, uint64_t id) {
    for (size_t i = 0; i < world->node_count; i++)
        if (world->nodes[i] == id) return !world->node_gone[i] && has_label(options, world->node_labels[i]);
    return false;
}

static bool has_type(const struct csr_build_options *options, uint32_t type) {
    for (size_t i = 0; i < options->type_count; i++)
        if (options->types[i] == type) return true;
    return options->type_count == 0;
}

static void expect_lines(const struct world *world, const struct csr_build_options *options, struct lines *lines) {
    lines->count = 0;
    for (size_t i = 0; i < world->edge_count; i++) {
        const struct plain_edge *edge = &world->edges[i];
        if (edge->gone || !has_type(options, edge->type) || !has_node(world, options, edge->source) ||
            !has_node(world, options, edge->target))
            continue;
        const bool weighs = options->weight_key != GRAPH_NONE;
        const double weight = !weighs ? 0 : edge->has_weight ? edge->weight : options->default_weight;
        const uint64_t id = options->edge_ids ? edge->id : 0;
        if (options->direction != GRAPH_IN)
            lines->items[lines->count++] = (struct line){edge->source, edge->target, weight, id};
        if (options->direction != GRAPH_OUT)
            lines->items[lines->count++] = (struct line){edge->target, edge->source, weight, id};
    }
    sort(lines);
}

static void take_lines(const struct csr *csr, struct lines *lines) {
    lines->count = 0;
    assert_true(csr->edge_count <= 2 * EDGES_MAX);
    for (uint32_t node = 0; node < csr->node_count; node++)
        for (uint64_t i = csr->offsets[node]; i < csr->offsets[node + 1]; i++)
            lines->items[lines->count++] =
                (struct line){csr->node_ids[node], csr->node_ids[csr->targets[i]], csr->weights ? csr->weights[i] : 0,
                              csr->edge_ids ? csr->edge_ids[i] : 0};
    sort(lines);
}

static void compare(const struct world *world, const struct csr_build_options *options, const struct csr *csr) {
    static struct lines expected, got;
    uint32_t nodes = 0;
    for (size_t i = 0; i < world->node_count; i++) {
        if (!has_node(world, options, world->nodes[i])) continue;
        if (nodes >= csr->node_count || csr->node_ids[nodes] != world->nodes[i])
            fail_msg("seed %" PRIu64 ": node %" PRIu64 " is not number %u", world->seed, world->nodes[i], nodes);
        nodes++;
    }
    if (nodes != csr->node_count) fail_msg("seed %" PRIu64 ": %u nodes, not %u", world->seed, csr->node_count, nodes);
    expect_lines(world, options, &expected);
    take_lines(csr, &got);
    if (expected.count != got.count)
        fail_msg("seed %" PRIu64 ": %zu edges, not %zu", world->seed, got.count, expected.count);
    for (size_t i = 0; i < got.count; i++)
        if (by_line(&expected.items[i], &got.items[i]) != 0)
            fail_msg("seed %" PRIu64 ": edge %" PRIu64 " -> %" PRIu64 " (%g), not %" PRIu64 " -> %" PRIu64 " (%g)",
                     world->seed, got.items[i].source, got.items[i].target, got.items[i].weight,
                     expected.items[i].source, expected.items[i].target, expected.items[i].weight);
}

static enum status build(struct world *world, const struct csr_build_options *options, struct csr *csr) {
    struct csr_build state;
    bool done = false;
    enum status status = csr_build_begin(&state, world->lab.graph, options, csr);
    while (status == STATUS_OK && !done)
        status = csr_build_step(&state, 1 + below(world, 1 + below(world, 500)), &done);
    csr_build_end(&state);
    return status;
}

static struct csr_build_options draw_options(struct world *world, uint32_t *labels, uint32_t *types) {
    struct csr_build_options options = {.direction = (enum graph_direction)below(world, 3),
                                        .labels = labels,
                                        .edge_ids = below(world, 2) == 0,
                                        .types = types,
                                        .weight_key = below(world, 2) ? GRAPH_NONE : world->key,
                                        .default_weight = 2.5,
                                        .limit_bytes = LIMIT};
    for (size_t i = 0; i < KINDS; i++)
        if (below(world, 3) == 0) labels[options.label_count++] = world->labels[i];
    if (below(world, 8) == 0) labels[options.label_count++] = GRAPH_NONE;
    if (below(world, 8) == 0) types[options.type_count++] = GRAPH_NONE;
    for (size_t i = 0; i < KINDS; i++)
        if (below(world, 3) == 0) types[options.type_count++] = world->types[i];
    return options;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void a_csr_holds_the_edges_that_were_asked_for(void **state) {
    (void)state;
    const uint64_t first = test_seed(1), runs = test_scaled(RUNS);
    for (uint64_t seed = first; seed < first + runs; seed++) {
        static struct world world;
        seed_starts("a_csr_holds_the_edges_that_were_asked_for", seed);
        start(&world, seed);
        draw(&world);
        (void)graph_lab_open(&world.lab, "g");
        for (int i = 0; i < BUILDS; i++) {
            struct csr csr;
            uint32_t labels[KINDS + 1], types[KINDS + 1];
            const struct csr_build_options options = draw_options(&world, labels, types);
            assert_int_equal(build(&world, &options, &csr), STATUS_OK);
            compare(&world, &options, &csr);
            csr_deinit(&csr);
        }
        graph_lab_deinit(&world.lab);
        seed_passes();
    }
}

static void what_does_not_fit_is_too_large(void **state) {
    (void)state;
    static struct world world;
    struct csr csr;
    start(&world, 7);
    struct graph *graph = graph_lab_open(&world.lab, "g");
    make_words(&world, graph);
    while (world.node_count < NODES_MAX) add_node(&world, graph);
    while (world.edge_count < EDGES_MAX) add_edge(&world, graph);
    graph_lab_commit(&world.lab, graph);
    (void)graph_lab_open(&world.lab, "g");
    const struct csr_build_options options = {.weight_key = GRAPH_NONE,
                                              .limit_bytes = EDGES_MAX * sizeof(uint32_t) / 2};
    assert_int_equal(build(&world, &options, &csr), STATUS_TOO_LARGE);
    csr_deinit(&csr);
    graph_lab_deinit(&world.lab);
}

static void a_graph_with_edits_is_refused(void **state) {
    (void)state;
    static struct world world;
    struct csr csr;
    start(&world, 8);
    struct graph *graph = graph_lab_open(&world.lab, "g");
    make_words(&world, graph);
    add_node(&world, graph);
    const struct csr_build_options options = {.weight_key = GRAPH_NONE, .limit_bytes = LIMIT};
    assert_int_equal(build(&world, &options, &csr), STATUS_INVALID);
    csr_deinit(&csr);
    graph_lab_deinit(&world.lab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_csr_holds_the_edges_that_were_asked_for),
        cmocka_unit_test(what_does_not_fit_is_too_large),
        cmocka_unit_test(a_graph_with_edits_is_refused),
    };
    return seed_report(cmocka_run_group_tests(tests, NULL, NULL), "build/tests/property/graph_csr_build_test");
}
