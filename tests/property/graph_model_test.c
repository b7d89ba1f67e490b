/*
 * graph_model: random edits of a graph beside a model that is a few plain arrays, on two engines that flush and compact
 * at different times. Every read of a handle is compared with the model, in the midst of its edits and after the
 * commit; both engines have the same logical hash at the same index; graph_verify finds nothing. Some handles are
 * opened, edited, and overtaken: their operation answers a conflict and changes nothing. Some entries are imports.
 *
 * Replay one case: LOAM_TEST_SEED=<seed> build/tests/property/graph_model_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "graph/property.h"
#include "tests/harness/graph_lab.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"

enum {
    NODES = 600,
    EDGES = 4000,
    LABELS = 4,
    KEYS = 3,
    TYPES = 3,
    EXTERNALS = 40,
    ENTRIES = 120,
    RUNS = 12,
    NONE = -1
};

/* ---- The model --------------------------------------------------------------------------------------------------- */

struct model_node {
    bool present, labels[LABELS];
    int values[KEYS]; /* NONE = not set */
    int external;     /* NONE = none */
};

struct model_edge {
    bool present;
    uint64_t source, destination;
    uint32_t type;
    int values[KEYS];
};

struct model {
    unsigned node_count, edge_count; /* ids given out */
    struct model_node nodes[NODES];
    struct model_edge edges[EDGES];
};

static struct model_node fresh_node(void) {
    struct model_node node = {.present = true, .external = NONE};
    for (int i = 0; i < KEYS; i++) node.values[i] = NONE;
    return node;
}

/* A node that is there; NONE: there is none. */
static int pick_node(const struct model *model, struct prng *prng) {
    for (int tries = 0; model->node_count && tries < 40; tries++) {
        /* A few nodes get most of the edges. */
        const unsigned bound = prng_chance(prng, 1, 2) && model->node_count > 3 ? 3 : model->node_count;
        const unsigned id = (unsigned)prng_below(prng, bound);
        if (model->nodes[id].present) return (int)id;
    }
    return NONE;
}

static int pick_edge(const struct model *model, struct prng *prng) {
    for (int tries = 0; model->edge_count && tries < 40; tries++) {
        const unsigned id = (unsigned)prng_below(prng, model->edge_count);
        if (model->edges[id].present) return (int)id;
    }
    return NONE;
}

static unsigned model_degree(const struct model *model, uint64_t node) {
    unsigned degree = 0;
    for (unsigned i = 0; i < model->edge_count; i++)
        if (model->edges[i].present)
            degree += (model->edges[i].source == node) + (unsigned)(model->edges[i].destination == node);
    return degree;
}

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

struct values {
    struct buf bytes;
    struct graph_property list[KEYS];
    size_t count;
};

static void expect(enum status status) {
    if (status != STATUS_OK) fail_msg("%s", status_name(status));
}

static struct slice encode_value(struct buf *to, int value) {
    buf_clear(to);
    if (value == NONE) return slice_make(NULL, 0);
    char text[64];
    const int size = snprintf(text, sizeof text, "%4d is a text of some length", value);
    expect(value % 3 ? graph_property_encode_integer(to, value)
                     : graph_property_encode_string(to, slice_make(text, (size_t)(4 + value % (size - 4)))));
    return buf_slice(to);
}

/* Properties in descending order: the verbs sort. */
static void draw_values(struct prng *prng, int values[KEYS], struct graph_property list[KEYS], struct buf bufs[KEYS],
                        size_t *count) {
    *count = 0;
    for (int key = KEYS - 1; key >= 0; key--) {
        values[key] = prng_chance(prng, 1, 3) ? (int)prng_below(prng, 1000) : NONE;
        if (values[key] == NONE) continue;
        list[(*count)++] = (struct graph_property){(uint32_t)key, encode_value(&bufs[key], values[key])};
    }
}

struct edit {
    struct graph *graph;
    struct model *model;
    struct prng *prng;
    struct buf bufs[KEYS];
};

static void edit_create_node(struct edit *edit) {
    struct model *model = edit->model;
    struct model_node node = fresh_node();
    struct graph_property list[KEYS];
    uint32_t labels[2 * LABELS];
    size_t count = 0, label_count = 0;
    uint64_t id = 0;
    if (model->node_count == NODES) return;
    draw_values(edit->prng, node.values, list, edit->bufs, &count);
    for (uint32_t i = LABELS; i-- > 0;) {
        node.labels[i] = prng_chance(edit->prng, 1, 3);
        if (node.labels[i]) labels[label_count++] = i;
        if (node.labels[i] && prng_chance(edit->prng, 1, 4)) labels[label_count++] = i; /* twice is once */
    }
    expect(graph_edit_create_node(edit->graph, labels, label_count, list, count, &id));
    assert_int_equal(id, model->node_count);
    model->nodes[model->node_count++] = node;
}

static void edit_create_edge(struct edit *edit) {
    struct model *model = edit->model;
    const int source = pick_node(model, edit->prng), destination = pick_node(model, edit->prng);
    struct model_edge edge = {.present = true, .type = (uint32_t)prng_below(edit->prng, TYPES)};
    struct graph_property list[KEYS];
    size_t count = 0;
    uint64_t id = 0;
    if (source == NONE || destination == NONE || model->edge_count == EDGES) return;
    edge.source = (uint64_t)source;
    edge.destination = (uint64_t)destination;
    draw_values(edit->prng, edge.values, list, edit->bufs, &count);
    expect(graph_edit_create_edge(edit->graph, edge.type, edge.source, edge.destination, list, count, &id));
    assert_int_equal(id, model->edge_count);
    model->edges[model->edge_count++] = edge;
}

static void edit_create_edges(struct edit *edit) {
    for (uint64_t left = prng_below(edit->prng, 60); left > 0; left--) edit_create_edge(edit);
}

static void edit_delete_edge(struct edit *edit) {
    const int id = pick_edge(edit->model, edit->prng);
    if (id == NONE) return;
    expect(graph_edit_delete_edge(edit->graph, (uint64_t)id));
    assert_int_equal(graph_edit_delete_edge(edit->graph, (uint64_t)id), STATUS_NOT_FOUND);
    edit->model->edges[id].present = false;
}

static void edit_delete_node(struct edit *edit) {
    const int id = pick_node(edit->model, edit->prng);
    if (id == NONE) return;
    const unsigned degree = model_degree(edit->model, (uint64_t)id);
    const bool detach = prng_chance(edit->prng, 1, 6);
    enum status status = graph_edit_delete_node(edit->graph, (uint64_t)id, detach);
    assert_int_equal(status, degree == 0 || detach ? STATUS_OK : STATUS_EXISTS);
    if (status) return;
    edit->model->nodes[id].present = false;
    for (unsigned i = 0; i < edit->model->edge_count; i++) {
        struct model_edge *edge = &edit->model->edges[i];
        if (edge->source == (uint64_t)id || edge->destination == (uint64_t)id) edge->present = false;
    }
}

static void edit_set_property(struct edit *edit) {
    const int value = prng_chance(edit->prng, 1, 3) ? NONE : (int)prng_below(edit->prng, 1000);
    const int key = (int)prng_below(edit->prng, KEYS);
    const bool of_node = prng_chance(edit->prng, 1, 2);
    const int id = of_node ? pick_node(edit->model, edit->prng) : pick_edge(edit->model, edit->prng);
    if (id == NONE) return;
    const struct slice bytes = encode_value(&edit->bufs[0], value);
    if (of_node) {
        expect(graph_edit_set_node_property(edit->graph, (uint64_t)id, (uint32_t)key, bytes));
        edit->model->nodes[id].values[key] = value;
    } else {
        expect(graph_edit_set_edge_property(edit->graph, (uint64_t)id, (uint32_t)key, bytes));
        edit->model->edges[id].values[key] = value;
    }
}

static void edit_label(struct edit *edit) {
    const int id = pick_node(edit->model, edit->prng);
    const uint32_t label = (uint32_t)prng_below(edit->prng, LABELS);
    const bool add = prng_chance(edit->prng, 1, 2);
    if (id == NONE) return;
    expect(add ? graph_edit_add_label(edit->graph, (uint64_t)id, label)
               : graph_edit_remove_label(edit->graph, (uint64_t)id, label));
    edit->model->nodes[id].labels[label] = add;
}

static void edit_something(struct edit *edit) {
    static void (*const edits[])(struct edit * edit) = {
        edit_create_node, edit_create_node, edit_create_edge,  edit_create_edges, edit_delete_edge,
        edit_delete_edge, edit_delete_node, edit_set_property, edit_set_property, edit_label};
    edits[prng_below(edit->prng, sizeof edits / sizeof edits[0])](edit);
}

/* ---- Comparing --------------------------------------------------------------------------------------------------- */

static void expect_values(struct slice properties, const int values[KEYS]) {
    struct buf expected = BUF_EMPTY;
    struct graph_property property;
    unsigned set = 0, found = 0;
    for (int key = 0; key < KEYS; key++) {
        struct slice value;
        const bool there = graph_property_find(properties, (uint32_t)key, &value);
        assert_int_equal(there, values[key] != NONE);
        set += values[key] != NONE;
        if (there) assert_true(slice_equal(value, encode_value(&expected, values[key])));
    }
    while (graph_property_next(&properties, &property)) found++;
    assert_int_equal(found, set);
    assert_int_equal(properties.size, 0);
    buf_deinit(&expected);
}

static void expect_node(struct graph *graph, const struct model *model, uint64_t id) {
    const struct model_node *expected = id < model->node_count ? &model->nodes[id] : NULL;
    struct graph_node node;
    enum status status = graph_get_node(graph, id, &node);
    assert_int_equal(status, expected && expected->present ? STATUS_OK : STATUS_NOT_FOUND);
    assert_int_equal(graph_look_for_node(graph, id), status);
    if (status) return;
    unsigned labels = 0;
    for (uint32_t i = 0; i < LABELS; i++) {
        assert_int_equal(graph_node_has_label(&node, i), expected->labels[i]);
        labels += expected->labels[i];
    }
    assert_int_equal(node.label_count, labels);
    expect_values(node.properties, expected->values);
    assert_int_equal(node.external.size > 0, expected->external != NONE);
    graph_node_release(&node);
}

static void expect_edge(struct graph *graph, const struct model *model, uint64_t id) {
    const struct model_edge *expected = id < model->edge_count ? &model->edges[id] : NULL;
    struct graph_edge edge;
    enum status status = graph_get_edge(graph, id, &edge);
    assert_int_equal(status, expected && expected->present ? STATUS_OK : STATUS_NOT_FOUND);
    if (status) return;
    assert_true(edge.source == expected->source && edge.destination == expected->destination);
    assert_int_equal(edge.type, expected->type);
    expect_values(edge.properties, expected->values);
    graph_edge_release(&edge);
}

static bool is_met(const struct model_edge *edge, uint64_t node, enum graph_direction direction, bool *incoming) {
    *incoming = edge->source != node;
    if (!edge->present || (edge->source != node && edge->destination != node)) return false;
    if (direction == GRAPH_IN) {
        *incoming = true;
        return edge->destination == node;
    }
    return direction == GRAPH_BOTH || edge->source == node;
}

static void expect_neighbours(struct graph *graph, struct graph_neighbours *walk, const struct model *model,
                              uint64_t node, enum graph_direction direction, uint32_t type) {
    static uint8_t met[EDGES];
    struct graph_neighbour neighbour;
    enum status status = STATUS_OK;
    unsigned expected = 0, found = 0;
    memset(met, 0, model->edge_count);
    graph_neighbours_start(walk, node, direction, &type, type == GRAPH_NONE ? 0 : 1);
    while ((status = graph_neighbours_next(walk, &neighbour)) == STATUS_OK) {
        bool incoming = false;
        assert_true(neighbour.edge < model->edge_count);
        const struct model_edge *edge = &model->edges[neighbour.edge];
        assert_true(is_met(edge, node, direction, &incoming));
        assert_int_equal(neighbour.type, edge->type);
        assert_int_equal(neighbour.incoming, incoming);
        assert_true(neighbour.node == (incoming ? edge->source : edge->destination));
        assert_int_equal(met[neighbour.edge]++, 0);
        found++;
    }
    assert_int_equal(status, STATUS_END);
    for (unsigned i = 0; i < model->edge_count; i++) {
        bool incoming = false;
        const bool fits = type == GRAPH_NONE || model->edges[i].type == type;
        expected += fits && is_met(&model->edges[i], node, direction, &incoming);
    }
    assert_int_equal(found, expected);
    (void)graph;
}

static void expect_all_neighbours(struct graph *graph, const struct model *model, struct prng *prng, uint64_t node) {
    struct graph_neighbours *walk = NULL;
    uint64_t degree = 0;
    expect(graph_neighbours_create(graph, &walk));
    for (int direction = GRAPH_OUT; direction <= GRAPH_BOTH; direction++) {
        expect_neighbours(graph, walk, model, node, (enum graph_direction)direction, GRAPH_NONE);
        expect_neighbours(graph, walk, model, node, (enum graph_direction)direction, (uint32_t)prng_below(prng, TYPES));
    }
    graph_neighbours_destroy(walk);
    expect(graph_degree(graph, node, GRAPH_BOTH, &degree));
    assert_int_equal(degree, model_degree(model, node));
}

/* Takes the scan's ids; each must satisfy the model, and none may be missing or come twice. */
static void expect_scan(struct graph *graph, const struct model *model, bool of_edges, uint32_t label) {
    static uint8_t met[EDGES > NODES ? EDGES : NODES];
    const unsigned count = of_edges ? model->edge_count : model->node_count;
    struct graph_scan *scan = NULL;
    enum status status = STATUS_OK;
    uint64_t id = 0;
    memset(met, 0, sizeof met);
    expect(of_edges ? graph_scan_open_edges(graph, &scan) : graph_scan_open_nodes(graph, label, &scan));
    while ((status = graph_scan_next(scan, &id)) == STATUS_OK) {
        assert_true(id < count);
        assert_int_equal(met[id]++, 0);
    }
    assert_int_equal(status, STATUS_END);
    graph_scan_close(scan);
    for (unsigned i = 0; i < count; i++) {
        const bool there = of_edges ? model->edges[i].present
                                    : model->nodes[i].present && (label == GRAPH_NONE || model->nodes[i].labels[label]);
        assert_int_equal(met[i], there);
    }
}

static void expect_counts(const struct graph *graph, const struct model *model) {
    struct graph_facts facts;
    unsigned nodes = 0, edges = 0;
    graph_get_facts(graph, &facts);
    for (unsigned i = 0; i < model->node_count; i++) nodes += model->nodes[i].present;
    for (unsigned i = 0; i < model->edge_count; i++) edges += model->edges[i].present;
    assert_int_equal(facts.node_count, nodes);
    assert_int_equal(facts.edge_count, edges);
    assert_int_equal(facts.next_node, model->node_count);
    assert_int_equal(facts.next_edge, model->edge_count);
}

static void expect_same(struct graph *graph, const struct model *model, struct prng *prng) {
    expect_counts(graph, model);
    for (uint64_t id = 0; id < model->node_count + 2u; id++) expect_node(graph, model, id);
    for (uint64_t id = 0; id < model->edge_count + 2u; id++) expect_edge(graph, model, id);
    for (int i = 0; i < 6; i++) expect_all_neighbours(graph, model, prng, prng_below(prng, model->node_count + 2u));
    expect_scan(graph, model, false, GRAPH_NONE);
    expect_scan(graph, model, false, (uint32_t)prng_below(prng, LABELS));
    expect_scan(graph, model, true, GRAPH_NONE);
}

/* The sweep gives every edge once. */
static void expect_sweep(struct graph *graph, const struct model *model, enum graph_direction direction) {
    struct graph_sweep *sweep = NULL;
    const struct graph_neighbour *entries = NULL;
    uint64_t node = 0, last = 0, found = 0;
    size_t count = 0;
    enum status status = STATUS_OK;
    expect(graph_sweep_open(graph, direction, &sweep));
    while ((status = graph_sweep_next(sweep, &node, &entries, &count)) == STATUS_OK) {
        assert_true(node >= last && count > 0);
        last = node;
        for (size_t i = 0; i < count; i++, found++) {
            const struct model_edge *edge = &model->edges[entries[i].edge];
            assert_true(edge->present && edge->type == entries[i].type);
            assert_true((direction == GRAPH_OUT ? edge->source : edge->destination) == node);
            assert_true((direction == GRAPH_OUT ? edge->destination : edge->source) == entries[i].node);
        }
    }
    assert_int_equal(status, STATUS_END);
    graph_sweep_close(sweep);
    for (unsigned i = 0; i < model->edge_count; i++) found -= model->edges[i].present;
    assert_int_equal(found, 0);
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

struct run {
    struct graph_lab labs[2];
    struct model model;
    struct prng prng;
};

static uint64_t conflicts;

static void apply_to_both(struct run *run, struct slice operation) {
    for (int i = 0; i < 2; i++) graph_lab_apply(&run->labs[i], operation);
    assert_true(slice_equal(buf_slice(&run->labs[0].reply), buf_slice(&run->labs[1].reply)));
}

static void declare_words(struct graph *graph) {
    static const char *const texts[GRAPH_VOCABULARIES][4] = {
        {"A", "B", "C", "D"}, {"KNOWS", "LIKES", "R"}, {"name", "age", "x"}};
    static const uint32_t counts[GRAPH_VOCABULARIES] = {LABELS, TYPES, KEYS};
    for (int v = 0; v < GRAPH_VOCABULARIES; v++)
        for (uint32_t i = 0; i < counts[v]; i++) {
            uint32_t id = 0;
            expect(graph_edit_word(graph, (enum graph_vocabulary)v, slice_from_text(texts[v][i]), &id));
            assert_int_equal(id, i);
        }
}

/* Edits of one query; the handle reads from the replica that is drawn. */
static void do_query(struct run *run, bool is_overtaken) {
    struct edit edit = {.prng = &run->prng, .model = malloc(sizeof run->model)};
    struct buf operation = BUF_EMPTY;
    edit.graph = graph_lab_open(&run->labs[prng_below(&run->prng, 2)], "g");
    *edit.model = run->model;
    declare_words(edit.graph);
    for (uint64_t left = prng_between(&run->prng, 1, 12); left > 0; left--) {
        edit_something(&edit);
        if (prng_chance(&run->prng, 1, 20)) expect_same(edit.graph, edit.model, &run->prng);
    }
    if (is_overtaken && graph_edit_is_empty(edit.graph)) edit_create_node(&edit);
    expect(graph_edit_operation(edit.graph, &operation));
    const uint64_t read = graph_lab_hash(&run->labs[0]);
    if (is_overtaken) do_query(run, false); /* which may change nothing */
    const uint64_t before = graph_lab_hash(&run->labs[0]);
    apply_to_both(run, buf_slice(&operation));
    if (graph_reply_is_conflict(buf_slice(&run->labs[0].reply))) {
        assert_true(before != read);
        conflicts++;
        assert_true(graph_lab_hash(&run->labs[0]) == before);
    } else {
        assert_true(before == read);
        run->model = *edit.model;
    }
    buf_deinit(&operation);
    for (int i = 0; i < KEYS; i++) buf_deinit(&edit.bufs[i]);
    free(edit.model);
}

static int find_external(const struct model *model, int external) {
    for (unsigned i = 0; i < model->node_count; i++)
        if (model->nodes[i].present && model->nodes[i].external == external) return (int)i;
    return NONE;
}

static struct slice external_text(int external, char room[16]) {
    return slice_make(room, (size_t)snprintf(room, 16, "user-%d", external));
}

static void import_node(struct run *run, struct graph_import *import, struct graph_import_counts *counts) {
    struct model *model = &run->model;
    struct model_node row = fresh_node();
    struct graph_property list[KEYS];
    struct buf bufs[KEYS] = {BUF_EMPTY};
    char room[16];
    size_t count = 0;
    const uint32_t label = (uint32_t)prng_below(&run->prng, LABELS);
    row.external = (int)prng_below(&run->prng, EXTERNALS);
    if (model->node_count == NODES) return;
    draw_values(&run->prng, row.values, list, bufs, &count);
    /* The operation numbers its words from the other end. */
    for (size_t i = 0; i < count; i++) list[i].key = KEYS - 1 - list[i].key;
    const uint32_t number = LABELS - 1 - label;
    expect(graph_import_node(import, external_text(row.external, room), &number, 1, list, count));
    for (int i = 0; i < KEYS; i++) buf_deinit(&bufs[i]);
    const int there = find_external(model, row.external);
    row.labels[label] = true;
    if (there == NONE) {
        model->nodes[model->node_count++] = row;
        counts->nodes_created++;
        return;
    }
    struct model_node *node = &model->nodes[there];
    bool changed = !node->labels[label];
    node->labels[label] = true;
    for (int i = 0; i < KEYS; i++) {
        if (row.values[i] == NONE || row.values[i] == node->values[i]) continue;
        node->values[i] = row.values[i];
        changed = true;
    }
    counts->nodes_updated += changed;
}

static int import_end(struct run *run, int external, bool make_ends, struct graph_import_counts *counts) {
    struct model *model = &run->model;
    const int there = find_external(model, external);
    if (there != NONE || !make_ends) return there;
    model->nodes[model->node_count] = fresh_node();
    model->nodes[model->node_count].external = external;
    counts->nodes_created++;
    return (int)model->node_count++;
}

static void import_edge(struct run *run, struct graph_import *import, bool make_ends, int64_t row,
                        struct graph_import_counts *counts) {
    struct model *model = &run->model;
    const int externals[2] = {(int)prng_below(&run->prng, EXTERNALS), (int)prng_below(&run->prng, EXTERNALS)};
    struct model_edge edge = {.present = true, .type = (uint32_t)prng_below(&run->prng, TYPES)};
    char rooms[2][16];
    for (int i = 0; i < KEYS; i++) edge.values[i] = NONE;
    expect(graph_import_edge(import, external_text(externals[0], rooms[0]), external_text(externals[1], rooms[1]),
                             edge.type, NULL, 0));
    const int source = import_end(run, externals[0], make_ends, counts);
    const int destination = source == NONE ? NONE : import_end(run, externals[1], make_ends, counts);
    if (destination == NONE) {
        if (counts->edges_refused++ == 0) counts->first_refused = row;
        return;
    }
    edge.source = (uint64_t)source;
    edge.destination = (uint64_t)destination;
    model->edges[model->edge_count++] = edge;
    counts->edges_created++;
}

static void declare_import_words(struct graph_import *import) {
    static const char *const labels[] = {"D", "C", "B", "A"}, *const types[] = {"KNOWS", "LIKES", "R"},
                             *const keys[] = {"x", "age", "name"};
    uint32_t number = 0;
    for (int i = 0; i < LABELS; i++)
        expect(graph_import_word(import, GRAPH_LABEL, slice_from_text(labels[i]), &number));
    for (int i = 0; i < TYPES; i++) expect(graph_import_word(import, GRAPH_TYPE, slice_from_text(types[i]), &number));
    for (int i = 0; i < KEYS; i++) expect(graph_import_word(import, GRAPH_KEY, slice_from_text(keys[i]), &number));
}

static void do_import(struct run *run) {
    struct buf operation = BUF_EMPTY;
    struct graph_import import;
    struct graph_import_counts expected = {.first_refused = -1}, counts;
    const bool make_ends = prng_chance(&run->prng, 1, 2);
    if (run->model.node_count + 100 > NODES || run->model.edge_count + 100 > EDGES) return;
    expect(graph_import_begin(&import, &operation, slice_from_text("g"), make_ends ? GRAPH_IMPORT_MAKE_ENDS : 0));
    declare_import_words(&import);
    int64_t edge_rows = 0;
    for (uint64_t left = prng_below(&run->prng, 40); left > 0; left--) {
        if (prng_chance(&run->prng, 1, 3))
            import_node(run, &import, &expected);
        else
            import_edge(run, &import, make_ends, edge_rows++, &expected);
    }
    apply_to_both(run, buf_slice(&operation));
    expect(graph_import_read_reply(buf_slice(&run->labs[0].reply), &counts));
    assert_memory_equal(&counts, &expected, sizeof counts);
    buf_deinit(&operation);
}

static void do_delete(struct run *run) {
    memset(&run->model, 0, sizeof run->model);
    for (int i = 0; i < 2; i++) graph_lab_delete(&run->labs[i], "g");
    struct graph *graph = graph_lab_open(&run->labs[0], "g");
    struct buf operation = BUF_EMPTY;
    declare_words(graph);
    expect(graph_edit_operation(graph, &operation));
    apply_to_both(run, buf_slice(&operation));
    buf_deinit(&operation);
}

static void move_data(struct graph_lab *lab, bool compact) {
    struct error error;
    expect(engine_flush(lab->engine));
    if (compact) expect(engine_compact(lab->engine));
    graph_lab_close_engine(lab);
    expect(graph_lab_open_engine(lab, &error));
}

static void do_entry(struct run *run) {
    const uint64_t draw = prng_below(&run->prng, 100);
    if (draw < 70)
        do_query(run, false);
    else if (draw < 80)
        do_query(run, true);
    else if (draw < 97)
        do_import(run);
    else if (draw < 99)
        move_data(&run->labs[1], prng_chance(&run->prng, 1, 2));
    else
        do_delete(run);
}

static void run_seed(struct run *run, uint64_t seed) {
    struct error error;
    prng_init(&run->prng, seed);
    memset(&run->model, 0, sizeof run->model);
    for (int i = 0; i < 2; i++) {
        graph_lab_init(&run->labs[i], NULL, seed + (uint64_t)i, NULL);
        if (i == 0) run->labs[0].options.memtable_bytes = 1 << 20;
        if (i == 1) run->labs[1].options.cache_bytes = 8 << 10;
        expect(graph_lab_open_engine(&run->labs[i], &error));
    }
    do_query(run, false);
    for (int entry = 0; entry < ENTRIES; entry++) {
        do_entry(run);
        assert_true(graph_lab_hash(&run->labs[0]) == graph_lab_hash(&run->labs[1]));
        if (entry % 20 != 19) continue;
        for (int i = 0; i < 2; i++) {
            graph_lab_expect_whole(&run->labs[i]);
            expect_same(graph_lab_open(&run->labs[i], "g"), &run->model, &run->prng);
            expect_sweep(graph_lab_open(&run->labs[i], "g"), &run->model, GRAPH_OUT);
            expect_sweep(graph_lab_open(&run->labs[i], "g"), &run->model, GRAPH_IN);
        }
    }
}

static void edits_imports_and_walks_agree_with_the_model_on_both_engines(void **state) {
    (void)state;
    struct run *run = malloc(sizeof *run);
    const uint64_t first = test_seed(1);
    uint64_t prefetches = 0;
    for (uint64_t seed = first; seed < first + test_scaled(RUNS); seed++) {
        seed_starts("graph_model", seed);
        run_seed(run, seed);
        prefetches += run->labs[1].prefetches;
        for (int i = 0; i < 2; i++) graph_lab_deinit(&run->labs[i]);
        seed_passes();
    }
    printf("read ahead %llu times, %llu conflicts\n", (unsigned long long)prefetches, (unsigned long long)conflicts);
    assert_true(prefetches > 0 && conflicts > 0);
    free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_imports_and_walks_agree_with_the_model_on_both_engines),
    };
    return seed_report(cmocka_run_group_tests_name("graph_model", tests, NULL, NULL),
                       "build/tests/property/graph_model_test");
}
