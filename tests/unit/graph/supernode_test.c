/*
 * supernode_test: what an edge costs at a node that has a great many. Costs are counted, not timed: bytes of the batch,
 * and blocks and filters of stored files that apply asks for, with nothing in the memtable. The two ends of the scale
 * lie in one graph: a hub, and nodes with one edge or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "graph/store/adjacency.h"
#include "graph/store/keys.h"
#include "tests/harness/graph_lab.h"
#include "tests/harness/test_env.h"

enum { HUB = 0, FULL_DEGREE = 1000000, SPOKES = 1000, ROWS = GRAPH_IMPORT_ROWS_MAX };

struct cost {
    uint64_t batch_bytes, batch_count;
    uint64_t blocks_read; /* from cache or disk */
    uint64_t filters_asked;
};

static struct slice external(uint64_t number, char room[24]) {
    return slice_make(room, (size_t)snprintf(room, 24, "%llu", (unsigned long long)number));
}

/* One operation of up to ROWS edges from the hub; every spoke is met again and again. */
static void load_edges(struct graph_lab *lab, uint64_t from, uint64_t to) {
    struct graph_import import;
    char rooms[2][24];
    uint32_t type = 0;
    buf_clear(&lab->operation);
    assert_int_equal(graph_import_begin(&import, &lab->operation, slice_from_text("g"), GRAPH_IMPORT_MAKE_ENDS),
                     STATUS_OK);
    assert_int_equal(graph_import_word(&import, GRAPH_TYPE, slice_from_text("R"), &type), STATUS_OK);
    for (uint64_t i = from; i < to; i++)
        assert_int_equal(
            graph_import_edge(&import, external(HUB, rooms[0]), external(1 + i % SPOKES, rooms[1]), type, NULL, 0),
            STATUS_OK);
    graph_lab_apply(lab, buf_slice(&lab->operation));
}

static void load_hub(struct graph_lab *lab, uint64_t degree) {
    for (uint64_t at = 0; at < degree; at += ROWS) load_edges(lab, at, at + ROWS < degree ? at + ROWS : degree);
}

static struct cost apply_counted(struct graph_lab *lab, const struct graph *graph) {
    struct engine_stats before, after;
    assert_int_equal(engine_flush(lab->engine), STATUS_OK);
    engine_get_stats(lab->engine, &before);
    graph_lab_commit(lab, graph);
    engine_get_stats(lab->engine, &after);
    return (struct cost){.batch_bytes = lab->batch.operations.size,
                         .batch_count = lab->batch.count,
                         .blocks_read = after.cache_hits + after.cache_misses - before.cache_hits - before.cache_misses,
                         .filters_asked = after.filter_asked - before.filter_asked};
}

static struct cost cost_of_edge(struct graph_lab *lab, uint64_t source, uint64_t destination) {
    struct graph *graph = graph_lab_open(lab, "g");
    uint64_t id = 0;
    assert_int_equal(graph_edit_create_edge(graph, 0, source, destination, NULL, 0, &id), STATUS_OK);
    return apply_counted(lab, graph);
}

static struct cost cost_of_deleting(struct graph_lab *lab, uint64_t edge) {
    struct graph *graph = graph_lab_open(lab, "g");
    assert_int_equal(graph_edit_delete_edge(graph, edge), STATUS_OK);
    return apply_counted(lab, graph);
}

static uint64_t add_node(struct graph_lab *lab) {
    struct graph *graph = graph_lab_open(lab, "g");
    uint64_t id = 0;
    assert_int_equal(graph_edit_create_node(graph, NULL, 0, NULL, 0, &id), STATUS_OK);
    graph_lab_commit(lab, graph);
    return id;
}

static void expect_alike(const char *what, struct cost hub, struct cost ordinary) {
    printf("%s: hub %llu bytes in %llu rows, %llu blocks, %llu filters; ordinary %llu bytes in %llu rows, %llu blocks, "
           "%llu filters\n",
           what, (unsigned long long)hub.batch_bytes, (unsigned long long)hub.batch_count,
           (unsigned long long)hub.blocks_read, (unsigned long long)hub.filters_asked,
           (unsigned long long)ordinary.batch_bytes, (unsigned long long)ordinary.batch_count,
           (unsigned long long)ordinary.blocks_read, (unsigned long long)ordinary.filters_asked);
    assert_int_equal(hub.batch_count, ordinary.batch_count);
    assert_true(hub.batch_bytes <= ordinary.batch_bytes + 16); /* longer numbers */
    /* A head that is there takes a block where an absent one takes a filter at most; levels differ by a few files. */
    assert_true(hub.blocks_read <= ordinary.blocks_read + 12);
    assert_true(hub.blocks_read <= 40);
}

static void inserting_and_deleting_at_a_hub_cost_what_they_cost_elsewhere(void **state) {
    const struct engine_options options = {.wal = ENGINE_WAL_OFF, .memtable_bytes = 8 << 20, .disk_reserve_bytes = 1};
    struct graph_lab lab;
    struct error error;
    struct graph_facts facts;
    (void)state;
    graph_lab_init(&lab, NULL, 1, &options);
    assert_int_equal(graph_lab_open_engine(&lab, &error), STATUS_OK);
    const uint64_t degree = test_scaled(FULL_DEGREE);
    load_hub(&lab, degree);
    const uint64_t a = add_node(&lab), b = add_node(&lab), c = add_node(&lab);
    (void)cost_of_edge(&lab, a, b); /* so that it has a head, too */
    assert_int_equal(engine_flush(lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(lab.engine), STATUS_OK);
    graph_get_facts(graph_lab_open(&lab, "g"), &facts);
    const struct cost hub = cost_of_edge(&lab, HUB, c), ordinary = cost_of_edge(&lab, a, c);
    expect_alike("insertion", hub, ordinary);
    expect_alike("deletion", cost_of_deleting(&lab, facts.next_edge), cost_of_deleting(&lab, facts.next_edge + 1));
    uint64_t found = 0;
    assert_int_equal(graph_degree(graph_lab_open(&lab, "g"), HUB, GRAPH_OUT, &found), STATUS_OK);
    assert_true(found == degree);
    graph_lab_deinit(&lab);
}

/* The size of a stored block is bounded, however long the node's list. */
static void no_block_is_larger_than_its_bound(void **state) {
    struct graph_lab lab;
    struct error error;
    (void)state;
    graph_lab_init(&lab, NULL, 1, NULL);
    assert_int_equal(graph_lab_open_engine(&lab, &error), STATUS_OK);
    load_hub(&lab, 20000);
    assert_int_equal(engine_flush(lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(lab.engine), STATUS_OK);
    struct engine_iterator *iterator = NULL;
    uint64_t blocks = 0, bytes = 0;
    assert_int_equal(
        engine_iterator_open(lab.engine, TREE_GRAPH_ADJACENCY, &(struct engine_iterator_options){0}, &iterator),
        STATUS_OK);
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        if (engine_iterator_key(iterator).size != GRAPH_BLOCK_KEY_BYTES) continue;
        struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
        size_t count = 0;
        const struct slice value = engine_iterator_value(iterator);
        assert_int_equal(adjacency_block_decode(value, false, entries, &count), STATUS_OK);
        assert_true(value.size <= 1 + 2 * VARINT64_MAX_BYTES + count * 2 * VARINT64_MAX_BYTES);
        blocks++;
        bytes += value.size;
    }
    engine_iterator_close(iterator);
    assert_true(blocks >= 20000 / ADJACENCY_BLOCK_SLOTS + SPOKES);
    printf("%.2f bytes an entry\n", (double)bytes / 40000);
    graph_lab_deinit(&lab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inserting_and_deleting_at_a_hub_cost_what_they_cost_elsewhere),
        cmocka_unit_test(no_block_is_larger_than_its_bound),
    };
    return cmocka_run_group_tests_name("supernode", tests, NULL, NULL);
}
