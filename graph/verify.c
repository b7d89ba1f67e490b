/*
 * verify: whether every graph is whole. Each rule is checked from one side row by row and from the other by counting,
 * so that nothing is missing and nothing is left over.
 */
#include <stdarg.h>
#include <stdio.h>

#include "graph/property.h"
#include "graph/store/adjacency.h"
#include "graph/store/handle.h"

enum { TEXT_BYTES = 200 };

struct verify {
    const struct names_view *view;
    void (*visit)(void *context, uint64_t object, const char *text);
    void *context;
    bool broken;
    struct graph *graph; /* the present one */
    uint64_t nodes, edges, labels, externals;
    uint64_t entries[2], degrees[2]; /* by direction, of the whole graph */
    uint64_t block_entries;          /* of the present node's direction */
    struct adjacency_head head;
    uint64_t head_node;
    uint32_t head_direction;
    bool has_head;
};

static void find(struct verify *verify, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void find(struct verify *verify, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list arguments;
    verify->broken = true;
    if (!verify->visit) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verify->visit(verify->context, verify->graph->object, text);
}

/* CORRUPT or VERSION of one row is a finding, and the check goes on. */
static enum status note(struct verify *verify, enum status status, const char *what, uint64_t id) {
    if (status != STATUS_CORRUPT && status != STATUS_VERSION) return status;
    find(verify, "%s %llu: the row is no valid one", what, (unsigned long long)id);
    return STATUS_OK;
}

/* Calls `each` for every row of the present graph in the tree. */
static enum status for_each_row(struct verify *verify, enum graph_tree tree,
                                enum status (*each)(struct verify *verify, struct slice key, struct slice value)) {
    const struct graph_key begin = graph_key_graph(verify->graph->object), end = graph_key_after(&begin);
    struct engine_iterator *iterator = NULL;
    enum status status = handle_iterate(verify->graph, tree, &begin, &end, true, &iterator);
    for (; status == STATUS_OK && engine_iterator_valid(iterator); engine_iterator_next(iterator))
        status = each(verify, engine_iterator_key(iterator), engine_iterator_value(iterator));
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static enum status exists(const struct verify *verify, enum graph_tree tree, struct slice key, bool *there) {
    struct engine_value value;
    enum status status = handle_get(verify->graph, tree, key, &value);
    *there = status == STATUS_OK;
    if (status == STATUS_OK) engine_value_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static enum status check_word(struct verify *verify, enum graph_vocabulary vocabulary, uint32_t id) {
    static const char *const what[] = {"label", "type", "key"};
    struct slice text;
    struct engine_value value;
    uint64_t back = 0;
    struct graph *graph = verify->graph;
    enum status status = graph_get_word(graph, vocabulary, id, &text);
    if (status) return note(verify, status, what[vocabulary], id);
    status = graph_key_text(&graph->key, graph->object, vocabulary, text);
    if (status == STATUS_OK) status = handle_get(graph, TREE_GRAPH_WORDS, buf_slice(&graph->key), &value);
    if (status == STATUS_NOT_FOUND) {
        find(verify, "%s %u: its text does not lead back to it", what[vocabulary], id);
        return STATUS_OK;
    }
    if (status) return status;
    status = graph_id_decode(value.data, &back);
    engine_value_release(&value);
    if (status || back != id) find(verify, "%s %u: its text leads to another", what[vocabulary], id);
    return STATUS_OK;
}

static enum status count_word(struct verify *verify, struct slice key, struct slice value) {
    (void)key;
    (void)value;
    verify->labels++;
    return STATUS_OK;
}

static enum status check_words(struct verify *verify) {
    enum status status = STATUS_OK;
    uint64_t words = 0;
    for (int i = 0; i < GRAPH_VOCABULARIES; i++) {
        words += verify->graph->stored.words[i];
        for (uint32_t id = 0; status == STATUS_OK && id < verify->graph->stored.words[i]; id++)
            status = check_word(verify, (enum graph_vocabulary)i, id);
    }
    verify->labels = 0;
    if (status == STATUS_OK) status = for_each_row(verify, TREE_GRAPH_WORDS, count_word);
    if (status == STATUS_OK && verify->labels != 2 * words) find(verify, "words are left over");
    return status;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static void check_keys(struct verify *verify, const char *what, uint64_t id, struct slice properties) {
    struct graph_property property;
    while (graph_property_next(&properties, &property))
        if (property.key >= verify->graph->stored.words[GRAPH_KEY])
            find(verify, "%s %llu: property key %u is not known", what, (unsigned long long)id, property.key);
}

static enum status check_external(struct verify *verify, uint64_t id, struct slice external) {
    struct graph *graph = verify->graph;
    uint64_t back = 0;
    if (external.size == 0) return STATUS_OK;
    verify->externals++;
    enum status status = graph_find_external(graph, external, &back);
    if (status && status != STATUS_NOT_FOUND && status != STATUS_CORRUPT) return status;
    if (status || back != id) find(verify, "node %llu: its external id leads elsewhere", (unsigned long long)id);
    return STATUS_OK;
}

static enum status check_node(struct verify *verify, struct slice key, struct slice value) {
    uint32_t labels[GRAPH_LABELS_MAX];
    struct node_row row;
    if (key.size != 16) {
        find(verify, "a node's key has %zu bytes", key.size);
        return STATUS_OK;
    }
    const uint64_t id = coding_get_key_u64(key.data + 8);
    verify->nodes++;
    if (id >= verify->graph->stored.next_node) find(verify, "node %llu: not given out yet", (unsigned long long)id);
    enum status status = node_row_decode(value, labels, &row);
    if (status) return note(verify, status, "node", id);
    for (uint32_t i = 0; status == STATUS_OK && i < row.label_count; i++) {
        const struct graph_key index = graph_key_label(verify->graph->object, labels[i], id);
        bool there = false;
        verify->labels++;
        status = exists(verify, TREE_GRAPH_LABELS, graph_key_slice(&index), &there);
        if (status == STATUS_OK && (!there || labels[i] >= verify->graph->stored.words[GRAPH_LABEL]))
            find(verify, "node %llu: label %u is not in the index", (unsigned long long)id, labels[i]);
    }
    check_keys(verify, "node", id, row.properties);
    return status ? status : check_external(verify, id, row.external);
}

static enum status count_label(struct verify *verify, struct slice key, struct slice value) {
    (void)key;
    (void)value;
    if (verify->labels-- == 0) find(verify, "the label index has rows left over");
    return STATUS_OK;
}

static enum status count_external(struct verify *verify, struct slice key, struct slice value) {
    (void)key;
    (void)value;
    if (verify->externals-- == 0) find(verify, "external ids are left over");
    return STATUS_OK;
}

static enum status check_nodes(struct verify *verify) {
    verify->nodes = verify->labels = verify->externals = 0;
    enum status status = for_each_row(verify, TREE_GRAPH_NODES, check_node);
    if (status == STATUS_OK && verify->nodes != verify->graph->stored.node_count)
        find(verify, "%llu nodes, %llu counted", (unsigned long long)verify->nodes,
             (unsigned long long)verify->graph->stored.node_count);
    if (status == STATUS_OK) status = for_each_row(verify, TREE_GRAPH_LABELS, count_label);
    return status ? status : for_each_row(verify, TREE_GRAPH_EXTERNAL, count_external);
}

/* ---- Edges ------------------------------------------------------------------------------------------------------- */

static enum status check_end(struct verify *verify, uint64_t id, const struct edge_row *row,
                             enum graph_direction direction) {
    const uint64_t node = direction == GRAPH_OUT ? row->source : row->destination;
    const uint64_t other = direction == GRAPH_OUT ? row->destination : row->source;
    const struct graph_key key = graph_key_block(verify->graph->object, node, direction, row->blocks[direction]);
    const char *side = direction == GRAPH_OUT ? "source" : "destination";
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    struct engine_value value;
    size_t count = 0;
    enum status status = graph_look_for_node(verify->graph, node);
    if (status == STATUS_NOT_FOUND) {
        find(verify, "edge %llu: its %s is not there", (unsigned long long)id, side);
        return STATUS_OK;
    }
    if (status == STATUS_OK) status = handle_get(verify->graph, TREE_GRAPH_ADJACENCY, graph_key_slice(&key), &value);
    if (status == STATUS_OK) {
        status = adjacency_block_decode(value.data, direction == GRAPH_IN, entries, &count);
        engine_value_release(&value);
        if (status) return note(verify, status, "a block of edge", id);
    }
    for (size_t i = 0; i < count; i++)
        if (entries[i].edge == id && entries[i].node == other && entries[i].type == row->type) return STATUS_OK;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        find(verify, "edge %llu: half of it is missing: no entry at its %s", (unsigned long long)id, side);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status check_edge(struct verify *verify, struct slice key, struct slice value) {
    struct edge_row row;
    if (key.size != 16) {
        find(verify, "an edge's key has %zu bytes", key.size);
        return STATUS_OK;
    }
    const uint64_t id = coding_get_key_u64(key.data + 8);
    verify->edges++;
    if (id >= verify->graph->stored.next_edge) find(verify, "edge %llu: not given out yet", (unsigned long long)id);
    enum status status = edge_row_decode(value, &row);
    if (status) return note(verify, status, "edge", id);
    if (row.type >= verify->graph->stored.words[GRAPH_TYPE])
        find(verify, "edge %llu: type %u is not known", (unsigned long long)id, row.type);
    check_keys(verify, "edge", id, row.properties);
    status = check_end(verify, id, &row, GRAPH_OUT);
    return status ? status : check_end(verify, id, &row, GRAPH_IN);
}

/* ---- Adjacency --------------------------------------------------------------------------------------------------- */

static void end_head(struct verify *verify) {
    if (verify->has_head && verify->block_entries != verify->head.degree)
        find(verify, "node %llu: degree %llu, %llu entries", (unsigned long long)verify->head_node,
             (unsigned long long)verify->head.degree, (unsigned long long)verify->block_entries);
    verify->has_head = false;
    verify->block_entries = 0;
}

static enum status check_head(struct verify *verify, uint64_t node, uint8_t direction, struct slice value) {
    end_head(verify);
    enum status status = adjacency_head_decode(value, &verify->head);
    if (status) return note(verify, status, "head of node", node);
    verify->has_head = true;
    verify->head_node = node;
    verify->head_direction = direction;
    if (verify->head.degree == 0) find(verify, "node %llu: a head without edges", (unsigned long long)node);
    verify->degrees[direction] += verify->head.degree;
    return STATUS_OK;
}

static enum status check_block(struct verify *verify, uint64_t node, uint8_t direction, uint32_t block,
                               struct slice value) {
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    size_t count = 0;
    enum status status = adjacency_block_decode(value, false, entries, &count);
    if (status) return note(verify, status, "a block of node", node);
    verify->entries[direction] += count;
    verify->block_entries += count;
    const bool headed = verify->has_head && verify->head_node == node && verify->head_direction == direction;
    if (count > 0 && (!headed || (uint64_t)block * ADJACENCY_BLOCK_SLOTS >= verify->head.next_slot))
        find(verify, "node %llu: block %u is beyond its head", (unsigned long long)node, block);
    return STATUS_OK;
}

static enum status check_adjacency_row(struct verify *verify, struct slice key, struct slice value) {
    const bool is_head = key.size == GRAPH_HEAD_KEY_BYTES, is_block = key.size == GRAPH_BLOCK_KEY_BYTES;
    if ((!is_head && !is_block) || key.data[16] > GRAPH_IN) {
        find(verify, "an adjacency key has %zu bytes", key.size);
        return STATUS_OK;
    }
    const uint64_t node = coding_get_key_u64(key.data + 8);
    if (is_head) return check_head(verify, node, key.data[16], value);
    return check_block(verify, node, key.data[16], coding_get_key_u32(key.data + GRAPH_HEAD_KEY_BYTES), value);
}

static enum status check_edges(struct verify *verify) {
    const uint64_t counted = verify->graph->stored.edge_count;
    verify->edges = verify->block_entries = 0;
    memset(verify->entries, 0, sizeof verify->entries);
    memset(verify->degrees, 0, sizeof verify->degrees);
    enum status status = for_each_row(verify, TREE_GRAPH_EDGES, check_edge);
    if (status == STATUS_OK) status = for_each_row(verify, TREE_GRAPH_ADJACENCY, check_adjacency_row);
    if (status) return status;
    end_head(verify);
    if (verify->edges != counted)
        find(verify, "%llu edges, %llu counted", (unsigned long long)verify->edges, (unsigned long long)counted);
    for (int i = 0; i < 2; i++)
        if (verify->entries[i] != verify->edges || verify->degrees[i] != verify->edges)
            find(verify, "%s: %llu entries, degrees %llu, for %llu edges", i ? "in" : "out",
                 (unsigned long long)verify->entries[i], (unsigned long long)verify->degrees[i],
                 (unsigned long long)verify->edges);
    return STATUS_OK;
}

/* ---- Graphs ------------------------------------------------------------------------------------------------------ */

/* The name that the graph keeps leads to it. What is due counts: its rows wait for the reap. */
static enum status check_name(struct verify *verify) {
    const struct graph_key key = graph_key_part(verify->graph->object, GRAPH_PART_NAME);
    struct names_view all = *verify->view;
    struct engine_value name, value;
    struct name_row row;
    all.log_time_ms = all.clock_ms = 0;
    enum status status = handle_get(verify->graph, TREE_GRAPHS, graph_key_slice(&key), &name);
    if (status == STATUS_NOT_FOUND) {
        find(verify, "the graph has no name");
        return STATUS_OK;
    }
    if (status) return status;
    status = names_get(&all, name.data, &row, &value);
    engine_value_release(&name);
    const bool leads = status == STATUS_OK && row.type == NAME_GRAPH && row.object == verify->graph->object;
    if (status == STATUS_OK) engine_value_release(&value);
    if (!leads && (status == STATUS_OK || status == STATUS_NOT_FOUND)) find(verify, "its name does not lead to it");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status check_graph(struct verify *verify, uint64_t object) {
    enum status status = handle_open(verify->graph, verify->view, slice_make(NULL, 0), object);
    if (status == STATUS_NOT_FOUND || status == STATUS_CORRUPT || status == STATUS_VERSION) {
        verify->graph->object = object;
        find(verify, "rows without valid counters");
        return STATUS_OK;
    }
    if (status == STATUS_OK) status = check_name(verify);
    if (status == STATUS_OK) status = check_words(verify);
    if (status == STATUS_OK) status = check_nodes(verify);
    return status ? status : check_edges(verify);
}

/* The first object at or after `from` that has rows in the tree. END: none. */
static enum status next_object(const struct names_view *view, uint32_t tree, uint64_t from, uint64_t *object) {
    const struct engine_iterator_options options = {.snapshot = view->snapshot};
    const struct graph_key key = graph_key_graph(from);
    struct engine_iterator *iterator = NULL;
    enum status status = engine_iterator_open(view->engine, tree, &options, &iterator);
    if (status == STATUS_INVALID) return STATUS_END; /* no such tree: no graph was ever made here */
    if (status) return status;
    engine_iterator_seek(iterator, graph_key_slice(&key));
    status = engine_iterator_status(iterator);
    if (status == STATUS_OK && !engine_iterator_valid(iterator)) status = STATUS_END;
    if (status == STATUS_OK && engine_iterator_key(iterator).size < 8) status = STATUS_CORRUPT;
    if (status == STATUS_OK) *object = coding_get_key_u64(engine_iterator_key(iterator).data);
    engine_iterator_close(iterator);
    return status;
}

/* The next object with rows in any tree, so that leftovers of a graph that is gone are met too. */
static enum status next_in_any(const struct names_view *view, uint64_t from, uint64_t *object) {
    enum status result = STATUS_END;
    for (size_t i = 0; i < graph_kind_count; i++) {
        uint64_t found = 0;
        enum status status = next_object(view, graph_kinds[i].id, from, &found);
        if (status == STATUS_END) continue;
        if (status) return status;
        if (result == STATUS_END || found < *object) *object = found;
        result = STATUS_OK;
    }
    return result;
}

enum status graph_verify(const struct names_view *view, void (*visit)(void *context, uint64_t object, const char *text),
                         void *context) {
    struct names_view blocking = *view;
    struct verify verify = {.view = &blocking, .visit = visit, .context = context};
    blocking.memory_only = false;
    uint64_t object = 0;
    enum status status = graph_create(&verify.graph);
    if (status) return status;
    while ((status = next_in_any(&blocking, object, &object)) == STATUS_OK) {
        status = check_graph(&verify, object);
        if (status || object++ == UINT64_MAX) break;
    }
    graph_destroy(verify.graph);
    if (status != STATUS_OK && status != STATUS_END) return status;
    return verify.broken ? STATUS_CORRUPT : STATUS_OK;
}
