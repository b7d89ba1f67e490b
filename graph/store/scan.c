/*
 * scan: ids of nodes or edges, all or of one label: the stored rows in key order without what the edits took away, then
 * what the edits added. And the sweep: all adjacency blocks of one direction.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/store/adjacency.h"
#include "graph/store/handle.h"

struct graph_scan {
    struct graph *graph; /* borrowed */
    bool of_edges;
    uint32_t label; /* of nodes; GRAPH_NONE = every one */
    struct graph_key lower, upper;
    struct engine_iterator *iterator; /* NULL: nothing stored, or all of it seen */
    uint32_t next_edit, edit_end;     /* entries of the overlay that were there at open */
};

static enum status open_scan(struct graph *graph, const struct graph_scan *start, enum graph_tree tree,
                             struct graph_scan **scan) {
    check(graph->is_open);
    struct graph_scan *made = malloc(sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    *made = *start;
    made->graph = graph;
    made->upper = graph_key_after(&made->lower);
    enum status status = handle_iterate(graph, tree, &made->lower, &made->upper, false, &made->iterator);
    if (status) {
        free(made);
        return status;
    }
    *scan = made;
    return STATUS_OK;
}

enum status graph_scan_open_nodes(struct graph *graph, uint32_t label, struct graph_scan **scan) {
    const struct graph_scan start = {.label = label,
                                     .edit_end = (uint32_t)overlay_node_count(&graph->overlay),
                                     .lower = label == GRAPH_NONE ? graph_key_graph(graph->object)
                                                                  : graph_key_label_prefix(graph->object, label)};
    return open_scan(graph, &start, label == GRAPH_NONE ? TREE_GRAPH_NODES : TREE_GRAPH_LABELS, scan);
}

enum status graph_scan_open_edges(struct graph *graph, struct graph_scan **scan) {
    const struct graph_scan start = {.of_edges = true,
                                     .label = GRAPH_NONE,
                                     .edit_end = (uint32_t)overlay_edge_count(&graph->overlay),
                                     .lower = graph_key_graph(graph->object)};
    return open_scan(graph, &start, TREE_GRAPH_EDGES, scan);
}

void graph_scan_close(struct graph_scan *scan) {
    if (!scan) return;
    engine_iterator_close(scan->iterator);
    free(scan);
}

/* Whether a stored row of the index still says what is so. */
static bool stands(const struct graph_scan *scan, uint64_t id) {
    const struct overlay *overlay = &scan->graph->overlay;
    const uint32_t index = scan->of_edges ? overlay_find_edge(overlay, id) : overlay_find_node(overlay, id);
    if (index == OVERLAY_NONE) return true;
    if (scan->of_edges) return overlay->edges[index].present;
    const struct node_edit *node = &overlay->nodes[index];
    if (!node->present) return false;
    return scan->label == GRAPH_NONE || !node->loaded || node_row_has_label(&node->row, scan->label);
}

/* OK with an id, or END of what is stored. */
static enum status next_stored(struct graph_scan *scan, uint64_t *id) {
    while (engine_iterator_valid(scan->iterator)) {
        const struct slice key = engine_iterator_key(scan->iterator);
        const size_t at = scan->of_edges || scan->label == GRAPH_NONE ? 8 : 12;
        if (key.size != at + 8) return STATUS_CORRUPT;
        *id = coding_get_key_u64(key.data + at);
        engine_iterator_next(scan->iterator);
        if (stands(scan, *id)) return STATUS_OK;
    }
    enum status status = engine_iterator_status(scan->iterator);
    if (status) return status;
    engine_iterator_close(scan->iterator);
    scan->iterator = NULL;
    return STATUS_END;
}

/* What the stored rows did not show: new ones, and nodes that got the label. */
static bool is_added(const struct graph_scan *scan, uint32_t index, uint64_t *id) {
    const struct overlay *overlay = &scan->graph->overlay;
    if (scan->of_edges) {
        *id = overlay->edges[index].id;
        return overlay->edges[index].present && !overlay->edges[index].stored;
    }
    const struct node_edit *node = &overlay->nodes[index];
    *id = node->id;
    if (!node->present) return false;
    if (scan->label == GRAPH_NONE) return !node->stored;
    if (!node->loaded || !node_row_has_label(&node->row, scan->label)) return false;
    return !node->stored || !node_row_has_label(&node->stored_row, scan->label);
}

enum status graph_scan_next(struct graph_scan *scan, uint64_t *id) {
    if (scan->iterator) {
        enum status status = next_stored(scan, id);
        if (status != STATUS_END) return status;
    }
    while (scan->next_edit < scan->edit_end)
        if (is_added(scan, scan->next_edit++, id)) return STATUS_OK;
    return STATUS_END;
}

/* ---- Sweep ------------------------------------------------------------------------------------------------------- */

struct graph_sweep {
    enum graph_direction direction;
    struct graph_key lower, upper;
    struct engine_iterator *iterator; /* NULL: nothing stored */
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
};

enum status graph_sweep_open(struct graph *graph, enum graph_direction direction, struct graph_sweep **sweep) {
    check(graph->is_open && direction != GRAPH_BOTH);
    if (overlay_node_count(&graph->overlay) || overlay_edge_count(&graph->overlay)) return STATUS_INVALID;
    struct graph_sweep *made = malloc(sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->direction = direction;
    made->lower = graph_key_graph(graph->object);
    made->upper = graph_key_after(&made->lower);
    enum status status = handle_iterate(graph, TREE_GRAPH_ADJACENCY, &made->lower, &made->upper, true, &made->iterator);
    if (status) {
        free(made);
        return status;
    }
    *sweep = made;
    return STATUS_OK;
}

void graph_sweep_close(struct graph_sweep *sweep) {
    if (!sweep) return;
    engine_iterator_close(sweep->iterator);
    free(sweep);
}

enum status graph_sweep_next(struct graph_sweep *sweep, uint64_t *node, const struct graph_neighbour **entries,
                             size_t *count) {
    if (!sweep->iterator) return STATUS_END;
    for (; engine_iterator_valid(sweep->iterator); engine_iterator_next(sweep->iterator)) {
        const struct slice key = engine_iterator_key(sweep->iterator);
        if (key.size != GRAPH_BLOCK_KEY_BYTES || key.data[16] != sweep->direction) continue;
        enum status status = adjacency_block_decode(engine_iterator_value(sweep->iterator),
                                                    sweep->direction == GRAPH_IN, sweep->entries, count);
        if (status) return status;
        if (*count == 0) continue;
        *node = coding_get_key_u64(key.data + 8);
        *entries = sweep->entries;
        engine_iterator_next(sweep->iterator);
        return STATUS_OK;
    }
    enum status status = engine_iterator_status(sweep->iterator);
    return status ? status : STATUS_END;
}
