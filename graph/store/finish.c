/*
 * finish: from the edits in memory to rows in a batch.
 *
 * Invariant: the edge's row, its entries at both ends, both heads, the label index and the counters are put into one
 * batch, in an order that follows from the order of the edits alone. Reads nothing.
 */
#include <stdlib.h>

#include "graph/store/adjacency.h"
#include "graph/store/handle.h"

/* Up to so many blocks go by single deletes; range deletes cost every read of the tree a little. */
enum { SINGLE_DELETES_MAX = 8 };

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static enum status put_row(struct graph *graph, struct engine_batch *batch, enum graph_tree tree,
                           const struct graph_key *key) {
    return engine_batch_put(batch, tree, graph_key_slice(key), buf_slice(&graph->row));
}

static enum status put_word(struct graph *graph, struct engine_batch *batch, enum graph_vocabulary vocabulary,
                            uint32_t id) {
    const struct slice text = graph->words[vocabulary].texts[id];
    const struct graph_key key = graph_key_word(graph->object, vocabulary, id);
    enum status status = engine_batch_put(batch, TREE_GRAPH_WORDS, graph_key_slice(&key), text);
    buf_clear(&graph->row);
    if (status == STATUS_OK) status = graph_id_encode(&graph->row, id);
    if (status == STATUS_OK) status = graph_key_text(&graph->key, graph->object, vocabulary, text);
    if (status) return status;
    return engine_batch_put(batch, TREE_GRAPH_WORDS, buf_slice(&graph->key), buf_slice(&graph->row));
}

static enum status put_words(struct graph *graph, struct engine_batch *batch) {
    enum status status = STATUS_OK;
    for (int i = 0; i < GRAPH_VOCABULARIES; i++)
        for (uint32_t id = graph->stored.words[i]; status == STATUS_OK && id < graph->meta.words[i]; id++)
            status = put_word(graph, batch, (enum graph_vocabulary)i, id);
    return status;
}

static enum status put_meta(struct graph *graph, struct engine_batch *batch, bool is_new) {
    const struct graph_key key = graph_key_part(graph->object, GRAPH_PART_META);
    buf_clear(&graph->row);
    enum status status = graph_meta_encode(&graph->row, &graph->meta);
    if (status == STATUS_OK) status = put_row(graph, batch, TREE_GRAPHS, &key);
    if (status || !is_new) return status;
    const struct graph_key name = graph_key_part(graph->object, GRAPH_PART_NAME);
    return engine_batch_put(batch, TREE_GRAPHS, graph_key_slice(&name), buf_slice(&graph->name));
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static enum status put_label(struct graph *graph, struct engine_batch *batch, uint32_t label, uint64_t node,
                             bool present) {
    const struct graph_key key = graph_key_label(graph->object, label, node);
    if (!present) return engine_batch_delete(batch, TREE_GRAPH_LABELS, graph_key_slice(&key));
    return engine_batch_put(batch, TREE_GRAPH_LABELS, graph_key_slice(&key), slice_make(NULL, 0));
}

/* The index rows by which `to` differs from `from`. */
static enum status put_labels(struct graph *graph, struct engine_batch *batch, uint64_t node,
                              const struct node_row *from, const struct node_row *to) {
    uint32_t left = 0, right = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (left < from->label_count || right < to->label_count)) {
        const bool only_old =
            right == to->label_count || (left < from->label_count && from->labels[left] < to->labels[right]);
        const bool only_new = !only_old && (left == from->label_count || to->labels[right] < from->labels[left]);
        if (only_old || only_new)
            status = put_label(graph, batch, only_old ? from->labels[left] : to->labels[right], node, only_new);
        if (!only_new) left++;
        if (!only_old) right++;
    }
    return status;
}

static enum status put_external(struct graph *graph, struct engine_batch *batch, const struct node_edit *edit) {
    if (edit->row.external.size == 0 || edit->stored == edit->present) return STATUS_OK;
    enum status status = graph_key_external(&graph->key, graph->object, edit->row.external);
    if (status) return status;
    if (!edit->present) return engine_batch_delete(batch, TREE_GRAPH_EXTERNAL, buf_slice(&graph->key));
    buf_clear(&graph->row);
    status = graph_id_encode(&graph->row, edit->id);
    if (status) return status;
    return engine_batch_put(batch, TREE_GRAPH_EXTERNAL, buf_slice(&graph->key), buf_slice(&graph->row));
}

static enum status put_node(struct graph *graph, struct engine_batch *batch, const struct node_edit *edit) {
    static const struct node_row nothing;
    const struct graph_key key = graph_key_element(graph->object, edit->id);
    if (!edit->changed || (!edit->stored && !edit->present)) return STATUS_OK;
    enum status status = STATUS_OK;
    buf_clear(&graph->row);
    if (edit->present) {
        status = node_row_encode(&graph->row, &edit->row);
        if (status == STATUS_OK) status = put_row(graph, batch, TREE_GRAPH_NODES, &key);
    } else {
        status = engine_batch_delete(batch, TREE_GRAPH_NODES, graph_key_slice(&key));
    }
    if (status == STATUS_OK)
        status = put_labels(graph, batch, edit->id, edit->stored ? &edit->stored_row : &nothing,
                            edit->present ? &edit->row : &nothing);
    return status ? status : put_external(graph, batch, edit);
}

/* ---- Heads and blocks -------------------------------------------------------------------------------------------- */

/* With the last entry head and blocks go, and slots count from 0 again. */
static enum status delete_adjacency(struct graph *graph, struct engine_batch *batch, uint64_t node,
                                    enum graph_direction direction, uint64_t slots) {
    const struct graph_key head = graph_key_head(graph->object, node, direction);
    const uint64_t blocks = (slots + ADJACENCY_BLOCK_SLOTS - 1) / ADJACENCY_BLOCK_SLOTS;
    if (blocks > SINGLE_DELETES_MAX) {
        const struct graph_key after = graph_key_after(&head);
        return engine_batch_delete_range(batch, TREE_GRAPH_ADJACENCY, graph_key_slice(&head), graph_key_slice(&after));
    }
    enum status status = engine_batch_delete(batch, TREE_GRAPH_ADJACENCY, graph_key_slice(&head));
    for (uint32_t block = 0; status == STATUS_OK && block < blocks; block++) {
        const struct graph_key key = graph_key_block(graph->object, node, direction, block);
        status = engine_batch_delete(batch, TREE_GRAPH_ADJACENCY, graph_key_slice(&key));
    }
    return status;
}

static enum status put_head(struct graph *graph, struct engine_batch *batch, uint64_t node,
                            enum graph_direction direction, const struct head_edit *edit) {
    const bool same = edit->head.degree == edit->stored.degree && edit->head.next_slot == edit->stored.next_slot;
    if (!edit->loaded || same) return STATUS_OK;
    if (edit->head.degree == 0)
        return edit->stored.next_slot ? delete_adjacency(graph, batch, node, direction, edit->stored.next_slot)
                                      : STATUS_OK;
    const struct graph_key key = graph_key_head(graph->object, node, direction);
    buf_clear(&graph->row);
    enum status status = adjacency_head_encode(&graph->row, &edit->head);
    return status ? status : put_row(graph, batch, TREE_GRAPH_ADJACENCY, &key);
}

static enum status put_nodes(struct graph *graph, struct engine_batch *batch) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < overlay_node_count(&graph->overlay); i++) {
        const struct node_edit *edit = &graph->overlay.nodes[i];
        status = put_node(graph, batch, edit);
        for (int d = GRAPH_OUT; status == STATUS_OK && d <= GRAPH_IN; d++)
            status = put_head(graph, batch, edit->id, (enum graph_direction)d, &edit->heads[d]);
    }
    return status;
}

/* A change and the block it goes to. */
struct placed {
    uint64_t node;
    uint32_t direction, block;
    struct adjacency_change change;
};

static int by_block(const struct placed *a, const struct placed *b) {
    if (a->node != b->node) return a->node < b->node ? -1 : 1;
    if (a->direction != b->direction) return a->direction < b->direction ? -1 : 1;
    return (a->block > b->block) - (a->block < b->block);
}

static int by_place(const void *a, const void *b) {
    const struct placed *left = a, *right = b;
    const int order = by_block(left, right);
    return order ? order : adjacency_order(&left->change, &right->change);
}

static enum status place_change(struct graph *graph, const struct edge_edit *edit, enum graph_direction direction) {
    const uint64_t node = direction == GRAPH_OUT ? edit->row.source : edit->row.destination;
    const uint64_t other = direction == GRAPH_OUT ? edit->row.destination : edit->row.source;
    const uint32_t index = overlay_find_node(&graph->overlay, node);
    if (graph->overlay.nodes[index].heads[direction].head.degree == 0) return STATUS_OK; /* its blocks go as a whole */
    const struct placed placed = {
        .node = node,
        .direction = direction,
        .block = edit->row.blocks[direction],
        .change = {.node = other, .edge = edit->id, .type = edit->row.type, .removed = !edit->present}};
    return buf_append(&graph->changes, &placed, sizeof placed);
}

/* One operand for each block, whatever the number of its changes. */
static enum status put_changes(struct graph *graph, struct engine_batch *batch) {
    struct placed *placed = (struct placed *)(void *)graph->changes.data;
    const size_t count = graph->changes.size / sizeof *placed;
    struct adjacency_change changes[2 * ADJACENCY_BLOCK_SLOTS];
    enum status status = STATUS_OK;
    if (count) qsort(placed, count, sizeof *placed, by_place);
    for (size_t at = 0; status == STATUS_OK && at < count;) {
        const struct placed *first = &placed[at];
        size_t taken = 0;
        while (at < count && by_block(first, &placed[at]) == 0) {
            if (taken == sizeof changes / sizeof changes[0]) return STATUS_CORRUPT; /* a block has no so many slots */
            changes[taken++] = placed[at++].change;
        }
        const struct graph_key key =
            graph_key_block(graph->object, first->node, (enum graph_direction)first->direction, first->block);
        buf_clear(&graph->row);
        status = adjacency_operand_encode(&graph->row, changes, taken);
        if (status == STATUS_OK)
            status = engine_batch_merge(batch, TREE_GRAPH_ADJACENCY, graph_key_slice(&key), buf_slice(&graph->row));
    }
    return status;
}

/* ---- Edges ------------------------------------------------------------------------------------------------------- */

static enum status put_edge(struct graph *graph, struct engine_batch *batch, const struct edge_edit *edit) {
    const struct graph_key key = graph_key_element(graph->object, edit->id);
    enum status status = STATUS_OK;
    if (edit->present && edit->changed) {
        buf_clear(&graph->row);
        status = edge_row_encode(&graph->row, &edit->row);
        if (status == STATUS_OK) status = put_row(graph, batch, TREE_GRAPH_EDGES, &key);
    }
    if (!edit->present && edit->stored) status = engine_batch_delete(batch, TREE_GRAPH_EDGES, graph_key_slice(&key));
    if (status || edit->present == edit->stored) return status;
    status = place_change(graph, edit, GRAPH_OUT);
    return status ? status : place_change(graph, edit, GRAPH_IN);
}

static enum status put_edges(struct graph *graph, struct engine_batch *batch) {
    enum status status = STATUS_OK;
    buf_clear(&graph->changes);
    for (size_t i = 0; status == STATUS_OK && i < overlay_edge_count(&graph->overlay); i++)
        status = put_edge(graph, batch, &graph->overlay.edges[i]);
    return status ? status : put_changes(graph, batch);
}

enum status handle_finish(struct graph *graph, uint64_t index, struct engine_batch *batch) {
    const bool is_new = graph->object == 0;
    if (is_new) graph->object = index;
    graph->meta.change = index;
    /* A directory may be older than this store: its first graph makes the trees. */
    enum status status = is_new ? graph_create_trees(batch) : STATUS_OK;
    if (status == STATUS_OK) status = put_meta(graph, batch, is_new);
    if (status == STATUS_OK) status = put_words(graph, batch);
    if (status == STATUS_OK) status = put_nodes(graph, batch);
    return status ? status : put_edges(graph, batch);
}
