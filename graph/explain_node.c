/* explain_node: see explain_node.h. The decoders of graph/store have the last word on what is sound. */
#include "graph/explain_node.h"

#include <stdio.h>
#include <string.h>

#include "graph/describe_parts.h"
#include "graph/store/adjacency.h"
#include "graph/store/keys.h"
#include "graph/store/rows.h"

_Static_assert((int)GRAPH_EXPLAIN_BLOCK_ENTRIES == (int)ADJACENCY_BLOCK_SLOTS, "a block's room");
_Static_assert(sizeof((struct graph_place *)0)->key >= GRAPH_KEY_MAX_BYTES, "a key's room");

/* ---- Places ------------------------------------------------------------------------------------------------------ */

static struct graph_place place_of(enum graph_tree tree, struct graph_key key) {
    struct graph_place place = {.tree = tree, .size = key.size};
    memcpy(place.key, key.bytes, key.size);
    return place;
}

struct graph_place graph_place_counters(uint64_t graph) {
    return place_of(TREE_GRAPHS, graph_key_part(graph, GRAPH_PART_META));
}

struct graph_place graph_place_word(uint64_t graph, enum graph_vocabulary vocabulary, uint32_t id) {
    return place_of(TREE_GRAPH_WORDS, graph_key_word(graph, vocabulary, id));
}

struct graph_place graph_place_node(uint64_t graph, uint64_t node) {
    return place_of(TREE_GRAPH_NODES, graph_key_element(graph, node));
}

struct graph_place graph_place_head(uint64_t graph, uint64_t node, enum graph_direction direction) {
    return place_of(TREE_GRAPH_ADJACENCY, graph_key_head(graph, node, direction));
}

struct graph_place graph_place_block(uint64_t graph, uint64_t node, enum graph_direction direction, uint32_t block) {
    return place_of(TREE_GRAPH_ADJACENCY, graph_key_block(graph, node, direction, block));
}

struct graph_place graph_place_label(uint64_t graph, uint32_t label, uint64_t node) {
    return place_of(TREE_GRAPH_LABELS, graph_key_label(graph, label, node));
}

enum status graph_place_external(uint64_t graph, struct slice external, uint32_t *tree, struct buf *key) {
    *tree = TREE_GRAPH_EXTERNAL;
    return graph_key_external(key, graph, external);
}

enum graph_list_row graph_place_list_row(struct slice key, uint32_t *block) {
    if (key.size == GRAPH_HEAD_KEY_BYTES) return GRAPH_LIST_HEAD;
    if (key.size != GRAPH_BLOCK_KEY_BYTES) return GRAPH_LIST_STRANGE;
    *block = coding_get_key_u32(key.data + GRAPH_HEAD_KEY_BYTES);
    return GRAPH_LIST_BLOCK;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

enum status graph_explain_graphs(struct engine *engine,
                                 enum status (*visit)(void *context, struct slice name, uint64_t graph),
                                 void *context) {
    enum { KEY_BYTES = 9 };
    struct engine_iterator *iterator = NULL;
    const struct engine_iterator_options options = {.no_fill = true};
    enum status status = engine_iterator_open(engine, TREE_GRAPHS, &options, &iterator);
    if (status == STATUS_INVALID) return STATUS_OK; /* no such tree: no graph was ever made here */
    if (status != STATUS_OK) return status;
    engine_iterator_seek_first(iterator);
    for (; status == STATUS_OK && engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        const struct slice key = engine_iterator_key(iterator), name = engine_iterator_value(iterator);
        if (!engine_iterator_valid(iterator)) break; /* the value could not be read */
        if (key.size == KEY_BYTES && key.data[KEY_BYTES - 1] == GRAPH_PART_NAME)
            status = visit(context, name, coding_get_key_u64(key.data));
    }
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

enum status graph_explain_edges(struct engine *engine, uint64_t graph,
                                enum status (*visit)(void *context, uint64_t source, uint64_t destination),
                                void *context) {
    struct engine_iterator *iterator = NULL;
    struct edge_row row;
    const struct graph_key lower = graph_key_graph(graph), upper = graph_key_after(&lower);
    const struct engine_iterator_options options = {
        .lower = graph_key_slice(&lower), .upper = graph_key_slice(&upper), .no_fill = true};
    enum status status = engine_iterator_open(engine, TREE_GRAPH_EDGES, &options, &iterator);
    if (status == STATUS_INVALID) return STATUS_OK; /* no such tree */
    if (status != STATUS_OK) return status;
    engine_iterator_seek_first(iterator);
    for (; status == STATUS_OK && engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        const struct slice value = engine_iterator_value(iterator);
        if (!engine_iterator_valid(iterator)) break;
        if (edge_row_decode(value, &row) == STATUS_OK) status = visit(context, row.source, row.destination);
    }
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

enum status graph_explain_counters(struct slice row, struct graph_facts *facts) {
    struct graph_meta meta;
    const enum status status = graph_meta_decode(row, &meta);
    if (status != STATUS_OK) return status;
    *facts = (struct graph_facts){.change = meta.change,
                                  .node_count = meta.node_count,
                                  .edge_count = meta.edge_count,
                                  .next_node = meta.next_node,
                                  .next_edge = meta.next_edge};
    memcpy(facts->words, meta.words, sizeof facts->words);
    return STATUS_OK;
}

enum status graph_explain_node(struct slice row, uint64_t id, struct graph_node *node) {
    struct node_row decoded;
    *node = (struct graph_node){.id = id};
    const enum status status = node_row_decode(row, node->labels, &decoded);
    if (status != STATUS_OK) return status;
    node->label_count = decoded.label_count;
    node->properties = decoded.properties;
    node->external = decoded.external;
    return STATUS_OK;
}

enum status graph_explain_head(struct slice row, uint64_t *degree, uint64_t *slots) {
    struct adjacency_head head;
    const enum status status = adjacency_head_decode(row, &head);
    if (status != STATUS_OK) return status;
    *degree = head.degree;
    *slots = head.next_slot;
    return STATUS_OK;
}

enum status graph_explain_id(struct slice row, uint64_t *id) {
    return graph_id_decode(row, id);
}

enum status graph_explain_operand(struct slice operand, uint64_t *put, uint64_t *taken) {
    struct adjacency_change changes[ADJACENCY_CHANGES_MAX];
    size_t count = 0;
    const enum status status = adjacency_operand_decode(operand, changes, &count);
    if (status != STATUS_OK) return status;
    *put = *taken = 0;
    for (size_t i = 0; i < count; i++) *(changes[i].removed ? taken : put) += 1;
    return STATUS_OK;
}

struct words {
    char *text;
    size_t size;
    unsigned values;
};

static void add_words(void *context, struct slice bytes, const char *name, const char *words) {
    struct words *to = context;
    const char *between = to->values == 0 ? "" : to->values == 1 ? ": " : ", ";
    (void)bytes, (void)name;
    if (to->size + 1 >= GRAPH_EXPLAIN_WORDS_BYTES) return;
    const int size = snprintf(to->text + to->size, GRAPH_EXPLAIN_WORDS_BYTES - to->size, "%s%s", between, words);
    to->size += size > 0 ? (size_t)size : 0;
    to->values++;
}

void graph_explain_value(struct slice value, char words[GRAPH_EXPLAIN_WORDS_BYTES]) {
    struct words to = {.text = words};
    struct fields fields = fields_make(value, add_words, &to);
    words[0] = 0;
    (void)describe_property_value(&fields);
    (void)fields_end(&fields);
    if (to.size >= GRAPH_EXPLAIN_WORDS_BYTES)
        (void)snprintf(words + GRAPH_EXPLAIN_WORDS_BYTES - sizeof " ..", sizeof " ..", " ..");
}

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

struct taking_apart {
    struct slice block;
    struct decoder decoder;
    const uint8_t *told; /* what lies below has been */
    void (*visit)(void *context, const struct graph_piece *piece);
    void *context;
    uint64_t entries;
};

/* From what was told last to where the decoder stands; its second part begins at `middle`. */
static void tell(struct taking_apart *apart, struct graph_piece piece, const uint8_t *middle) {
    piece.at = (size_t)(apart->told - apart->block.data);
    piece.first = (size_t)(middle - apart->told);
    piece.second = (size_t)(apart->decoder.cursor - middle);
    apart->visit(apart->context, &piece);
    apart->told = apart->decoder.cursor;
}

static void take_entries(struct taking_apart *apart, uint64_t type, uint64_t count) {
    uint64_t node = 0, edge = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t distance = decode_varint(&apart->decoder);
        const uint8_t *middle = apart->decoder.cursor;
        const int64_t edge_distance = coding_unzigzag(decode_varint(&apart->decoder));
        if (apart->decoder.failed) return;
        node += distance;
        edge += (uint64_t)edge_distance;
        tell(apart,
             (struct graph_piece){.kind = GRAPH_PIECE_ENTRY,
                                  .type = type,
                                  .distance = distance,
                                  .edge_distance = edge_distance,
                                  .number = apart->entries++,
                                  .node = node,
                                  .edge = edge},
             middle);
    }
}

static void take_groups(struct taking_apart *apart) {
    uint64_t type = 0;
    while (decoder_left(&apart->decoder) > 0) {
        const uint64_t distance = decode_varint(&apart->decoder);
        const uint8_t *middle = apart->decoder.cursor;
        const uint64_t count = decode_varint(&apart->decoder);
        if (apart->decoder.failed) return;
        type += distance;
        tell(apart, (struct graph_piece){.kind = GRAPH_PIECE_GROUP, .type = type, .distance = distance, .count = count},
             middle);
        take_entries(apart, type, count);
    }
}

enum status graph_explain_block(struct slice block, void (*visit)(void *context, const struct graph_piece *piece),
                                void *context) {
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    size_t count = 0;
    const enum status status = adjacency_block_decode(block, false, entries, &count);
    struct taking_apart apart = {
        .block = block, .decoder = decoder_make(block), .told = block.data, .visit = visit, .context = context};
    if (decode_u8(&apart.decoder) == 1) { /* BLOCK_VERSION */
        tell(&apart, (struct graph_piece){.kind = GRAPH_PIECE_VERSION}, apart.decoder.cursor);
        take_groups(&apart);
    }
    apart.decoder.cursor = apart.decoder.end;
    if (apart.told != apart.decoder.end)
        tell(&apart, (struct graph_piece){.kind = GRAPH_PIECE_MALFORMED}, apart.decoder.end);
    return status;
}
