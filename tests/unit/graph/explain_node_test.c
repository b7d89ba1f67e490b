/* explain_node_test: a node's rows are where the store has put them, and a block taken apart says what its decoder
 * says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "graph/explain_node.h"
#include "graph/store/adjacency.h"
#include "tests/harness/graph_lab.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"

enum { PIECES_MAX = 1024 };

struct seen {
    struct graph_piece pieces[PIECES_MAX];
    size_t count, bytes;
};

static void see(void *context, const struct graph_piece *piece) {
    struct seen *seen = context;
    assert_int_equal(piece->at, seen->bytes);
    assert_true(seen->count < PIECES_MAX);
    seen->bytes += piece->first + piece->second;
    seen->pieces[seen->count++] = *piece;
}

static enum status take_apart(struct slice block, struct seen *seen) {
    *seen = (struct seen){.count = 0};
    return graph_explain_block(block, see, seen);
}

/* FORMAT.md's own example. */
static const uint8_t example[] = {0x01, 0x00, 0x02, 0x01, 0x00, 0x03, 0x02, 0x02, 0x01, 0x05, 0x08};

static void a_block_is_told_piece_by_piece(void **state) {
    struct seen seen;
    (void)state;
    assert_int_equal(take_apart(slice_make(example, sizeof example), &seen), STATUS_OK);
    static const struct graph_piece expected[] = {
        {.kind = GRAPH_PIECE_VERSION, .at = 0, .first = 1},
        {.kind = GRAPH_PIECE_GROUP, .at = 1, .first = 1, .second = 1, .count = 2},
        {.kind = GRAPH_PIECE_ENTRY, .at = 3, .first = 1, .second = 1, .distance = 1, .node = 1},
        {.kind = GRAPH_PIECE_ENTRY,
         .at = 5,
         .first = 1,
         .second = 1,
         .distance = 3,
         .edge_distance = 1,
         .number = 1,
         .node = 4,
         .edge = 1},
        {.kind = GRAPH_PIECE_GROUP, .at = 7, .first = 1, .second = 1, .type = 2, .distance = 2, .count = 1},
        {.kind = GRAPH_PIECE_ENTRY,
         .at = 9,
         .first = 1,
         .second = 1,
         .type = 2,
         .distance = 5,
         .edge_distance = 4,
         .number = 2,
         .node = 5,
         .edge = 4}};
    assert_int_equal(seen.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < seen.count; i++) {
        const struct graph_piece *piece = &seen.pieces[i];
        assert_int_equal(piece->kind, expected[i].kind);
        assert_int_equal(piece->at, expected[i].at);
        assert_int_equal(piece->first, expected[i].first);
        assert_int_equal(piece->second, expected[i].second);
        assert_int_equal(piece->type, expected[i].type);
        assert_int_equal(piece->distance, expected[i].distance);
        assert_int_equal(piece->count, expected[i].count);
        assert_int_equal(piece->edge_distance, expected[i].edge_distance);
        assert_int_equal(piece->number, expected[i].number);
        assert_int_equal(piece->node, expected[i].node);
        assert_int_equal(piece->edge, expected[i].edge);
    }
}

static void a_block_of_any_entries_is_told_as_it_is_decoded(void **state) {
    struct prng prng;
    struct seen seen;
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(200); seed < last; seed++) {
        seed_starts("a_block_of_any_entries_is_told_as_it_is_decoded", seed);
        prng_init(&prng, seed);
        struct adjacency_change entries[ADJACENCY_BLOCK_SLOTS];
        const size_t count = prng_below(&prng, ADJACENCY_BLOCK_SLOTS + 1);
        struct buf block = BUF_EMPTY;
        uint64_t node = 0;
        uint32_t type = 0;
        for (size_t i = 0; i < count; i++) {
            if (prng_chance(&prng, 1, 20)) {
                type++;
                node = 0;
            }
            node += 1 + (prng_below(&prng, 10) ? prng_below(&prng, 50) : prng_next(&prng) >> 20);
            entries[i] = (struct adjacency_change){.node = node, .edge = prng_next(&prng), .type = type};
        }
        assert_int_equal(adjacency_block_encode(&block, entries, count), STATUS_OK);
        assert_int_equal(take_apart(buf_slice(&block), &seen), STATUS_OK);
        assert_int_equal(seen.bytes, block.size);
        size_t at = 0;
        for (size_t i = 0; i < seen.count; i++) {
            if (seen.pieces[i].kind != GRAPH_PIECE_ENTRY) continue;
            assert_int_equal(seen.pieces[i].node, entries[at].node);
            assert_int_equal(seen.pieces[i].edge, entries[at].edge);
            assert_int_equal(seen.pieces[i].type, entries[at].type);
            at++;
        }
        assert_int_equal(at, count);
        buf_deinit(&block);
        seed_passes();
    }
}

static void damaged_blocks_are_told_to_their_last_byte(void **state) {
    struct prng prng;
    struct seen seen;
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(2000); seed < last; seed++) {
        seed_starts("damaged_blocks_are_told_to_their_last_byte", seed);
        prng_init(&prng, seed);
        uint8_t bytes[sizeof example];
        memcpy(bytes, example, sizeof bytes);
        bytes[prng_below(&prng, sizeof bytes)] ^= (uint8_t)(1 << prng_below(&prng, 8));
        const size_t size = prng_below(&prng, sizeof bytes + 1);
        const enum status status = take_apart(slice_make(bytes, size), &seen);
        assert_int_equal(seen.bytes, size);
        for (size_t i = 0; i < seen.count; i++)
            if (seen.pieces[i].kind == GRAPH_PIECE_MALFORMED) assert_int_not_equal(status, STATUS_OK);
        seed_passes();
    }
    assert_int_equal(take_apart(slice_make(example, sizeof example - 1), &seen), STATUS_CORRUPT);
    assert_int_equal(seen.pieces[seen.count - 1].kind, GRAPH_PIECE_MALFORMED);
    assert_int_equal(take_apart(slice_make((const uint8_t *)"\2abc", 4), &seen), STATUS_VERSION);
    assert_int_equal(seen.pieces[0].first, 4);
}

static void an_operand_is_counted(void **state) {
    static const struct adjacency_change changes[] = {
        {.node = 1, .edge = 1}, {.node = 2, .edge = 2, .removed = true}, {.node = 3, .edge = 3}};
    struct buf operand = BUF_EMPTY;
    uint64_t put = 0, taken = 0;
    (void)state;
    assert_int_equal(adjacency_operand_encode(&operand, changes, 3), STATUS_OK);
    assert_int_equal(graph_explain_operand(buf_slice(&operand), &put, &taken), STATUS_OK);
    assert_int_equal(put, 2);
    assert_int_equal(taken, 1);
    assert_int_equal(graph_explain_operand(slice_from(buf_slice(&operand), 1), &put, &taken), STATUS_CORRUPT);
    buf_deinit(&operand);
}

static void values_are_told_in_words(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *words;
    } values[] = {
        {"\3\122", 2, "integer 41"}, {"\5\3ann", 5, "string \"ann\""}, {"\6\2\1\2", 4, "list of 2: false, true"}};
    char words[GRAPH_EXPLAIN_WORDS_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        graph_explain_value(slice_make((const uint8_t *)values[i].bytes, values[i].size), words);
        assert_string_equal(words, values[i].words);
    }
    uint8_t list[402] = {6, 0xff, 0x02};
    memset(list + 3, 2, sizeof list - 3);
    graph_explain_value(slice_make(list, sizeof list), words);
    assert_true(strlen(words) < sizeof words);
    assert_string_equal(words + strlen(words) - 3, " ..");
}

/* ---- A store ----------------------------------------------------------------------------------------------------- */

static struct engine_value get(const struct graph_lab *lab, const struct graph_place *place) {
    struct engine_value value;
    assert_int_equal(engine_get(lab->engine, NULL, place->tree, graph_place_key(place), &value), STATUS_OK);
    return value;
}

struct found {
    unsigned count;
    uint64_t graph;
};

static enum status find(void *context, struct slice name, uint64_t graph) {
    struct found *found = context;
    found->count++;
    if (slice_equal(name, slice_from_text("g"))) found->graph = graph;
    return STATUS_OK;
}

static void the_rows_of_a_node_are_at_their_places(void **state) {
    struct graph_lab lab;
    struct error error;
    struct found found = {.count = 0};
    struct graph_facts facts;
    struct graph_node node;
    uint32_t label, type;
    uint64_t a, b, edge, degree = 0, slots = 0;
    uint32_t block = 77;
    (void)state;
    graph_lab_init(&lab, NULL, 1, NULL);
    assert_int_equal(graph_lab_open_engine(&lab, &error), STATUS_OK);
    struct graph *graph = graph_lab_open(&lab, "g");
    assert_int_equal(graph_edit_word(graph, GRAPH_LABEL, slice_from_text("L"), &label), STATUS_OK);
    assert_int_equal(graph_edit_word(graph, GRAPH_TYPE, slice_from_text("T"), &type), STATUS_OK);
    assert_int_equal(graph_edit_create_node(graph, &label, 1, NULL, 0, &a), STATUS_OK);
    assert_int_equal(graph_edit_create_node(graph, NULL, 0, NULL, 0, &b), STATUS_OK);
    assert_int_equal(graph_edit_create_edge(graph, type, a, b, NULL, 0, &edge), STATUS_OK);
    graph_lab_commit(&lab, graph);
    assert_int_equal(graph_explain_graphs(lab.engine, find, &found), STATUS_OK);
    assert_int_equal(found.count, 1);
    assert_int_not_equal(found.graph, 0);

    struct graph_place place = graph_place_counters(found.graph);
    struct engine_value value = get(&lab, &place);
    assert_int_equal(graph_explain_counters(value.data, &facts), STATUS_OK);
    assert_int_equal(facts.next_node, 2);
    engine_value_release(&value);
    place = graph_place_node(found.graph, a);
    value = get(&lab, &place);
    assert_int_equal(graph_explain_node(value.data, a, &node), STATUS_OK);
    assert_int_equal(node.label_count, 1);
    engine_value_release(&value);
    place = graph_place_head(found.graph, a, GRAPH_OUT);
    assert_int_equal(graph_place_list_row(graph_place_key(&place), &block), GRAPH_LIST_HEAD);
    value = get(&lab, &place);
    assert_int_equal(graph_explain_head(value.data, &degree, &slots), STATUS_OK);
    assert_int_equal(degree, 1);
    engine_value_release(&value);
    place = graph_place_block(found.graph, b, GRAPH_IN, 0);
    assert_int_equal(graph_place_list_row(graph_place_key(&place), &block), GRAPH_LIST_BLOCK);
    assert_int_equal(block, 0);
    struct seen seen;
    value = get(&lab, &place);
    assert_int_equal(take_apart(value.data, &seen), STATUS_OK);
    assert_int_equal(seen.pieces[2].node, a);
    engine_value_release(&value);
    place = graph_place_label(found.graph, label, a);
    value = get(&lab, &place);
    engine_value_release(&value);
    place = graph_place_word(found.graph, GRAPH_TYPE, type);
    value = get(&lab, &place);
    assert_true(slice_equal(value.data, slice_from_text("T")));
    engine_value_release(&value);
    graph_lab_deinit(&lab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_told_piece_by_piece),
        cmocka_unit_test(a_block_of_any_entries_is_told_as_it_is_decoded),
        cmocka_unit_test(damaged_blocks_are_told_to_their_last_byte),
        cmocka_unit_test(an_operand_is_counted),
        cmocka_unit_test(values_are_told_in_words),
        cmocka_unit_test(the_rows_of_a_node_are_at_their_places),
    };
    return seed_report(cmocka_run_group_tests_name("graph explain", tests, NULL, NULL),
                       "build/tests/unit/graph/explain_node_test");
}
