/*
 * neighbours: the walk along one node's edges.
 *
 * Stored entries first: the head says how many there are and in how many blocks, each block is one point read. Then the
 * edges that the handle's edits made, along the node's chain. What the edits deleted is left out.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/store/adjacency.h"
#include "graph/store/handle.h"

enum stage { STAGE_HEAD, STAGE_BLOCKS, STAGE_MADE, STAGE_END };

struct graph_neighbours {
    struct graph *graph; /* borrowed */
    uint64_t node;
    const uint32_t *types; /* borrowed */
    size_t type_count;
    bool both;
    enum graph_direction direction; /* of the present pass; with `both`: out, then in */
    enum stage stage;
    uint64_t left; /* stored entries that this pass has not come to yet */
    uint64_t next_block, block_end;
    uint32_t made;     /* the next of the chain */
    uint32_t made_end; /* edges from this index on were made after the start */
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    size_t at, count;
};

enum status graph_neighbours_create(struct graph *graph, struct graph_neighbours **walk) {
    struct graph_neighbours *made = malloc(sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->graph = graph;
    made->stage = STAGE_END;
    made->both = false;
    *walk = made;
    return STATUS_OK;
}

void graph_neighbours_destroy(struct graph_neighbours *walk) {
    free(walk);
}

static void start_pass(struct graph_neighbours *walk, enum graph_direction direction) {
    walk->direction = direction;
    walk->stage = STAGE_HEAD;
    walk->at = walk->count = 0;
}

void graph_neighbours_start(struct graph_neighbours *walk, uint64_t node, enum graph_direction direction,
                            const uint32_t *types, size_t type_count) {
    check(walk->graph->is_open);
    walk->node = node;
    walk->types = types;
    walk->type_count = type_count;
    walk->both = direction == GRAPH_BOTH;
    walk->made_end = (uint32_t)overlay_edge_count(&walk->graph->overlay);
    start_pass(walk, walk->both ? GRAPH_OUT : direction);
}

/* ---- Stages ------------------------------------------------------------------------------------------------------ */

static enum status read_head(struct graph_neighbours *walk) {
    const struct graph *graph = walk->graph;
    const uint32_t index = overlay_find_node(&graph->overlay, walk->node);
    const struct node_edit *edit = index == OVERLAY_NONE ? NULL : &graph->overlay.nodes[index];
    struct adjacency_head head = {0};
    enum status status = STATUS_OK;
    if (edit && edit->heads[walk->direction].loaded)
        head = edit->heads[walk->direction].stored;
    else if (walk->node < graph->stored.next_node)
        status = handle_read_head(graph, walk->node, walk->direction, &head);
    if (status) return status;
    walk->left = head.degree;
    walk->next_block = 0;
    walk->block_end = (head.next_slot + ADJACENCY_BLOCK_SLOTS - 1) / ADJACENCY_BLOCK_SLOTS;
    walk->made = edit ? edit->first_made[walk->direction] : OVERLAY_NONE;
    walk->stage = STAGE_BLOCKS;
    return STATUS_OK;
}

/* A block that is not there has no entries left. */
static enum status read_block(struct graph_neighbours *walk) {
    const struct graph *graph = walk->graph;
    if (walk->left == 0) {
        walk->stage = STAGE_MADE;
        return STATUS_OK;
    }
    if (walk->next_block == walk->block_end) return STATUS_CORRUPT; /* the head counts more than the blocks hold */
    const struct graph_key key =
        graph_key_block(graph->object, walk->node, walk->direction, (uint32_t)walk->next_block);
    struct engine_value value;
    enum status status = handle_get(graph, TREE_GRAPH_ADJACENCY, graph_key_slice(&key), &value);
    if (status && status != STATUS_NOT_FOUND) return status;
    walk->next_block++;
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    status = adjacency_block_decode(value.data, walk->direction == GRAPH_IN, walk->entries, &walk->count);
    engine_value_release(&value);
    walk->at = 0;
    if (status) {
        walk->count = 0;
        return status;
    }
    if (walk->count > walk->left) return STATUS_CORRUPT;
    walk->left -= walk->count;
    return STATUS_OK;
}

static bool type_fits(const struct graph_neighbours *walk, uint32_t type) {
    if (walk->type_count == 0) return true;
    for (size_t i = 0; i < walk->type_count; i++)
        if (walk->types[i] == type) return true;
    return false;
}

static bool is_deleted(const struct overlay *overlay, uint64_t edge) {
    if (overlay->edges_deleted == 0) return false;
    const uint32_t index = overlay_find_edge(overlay, edge);
    return index != OVERLAY_NONE && !overlay->edges[index].present;
}

/* A self-loop that goes both ways is met on its way out. */
static bool is_second_look(const struct graph_neighbours *walk, uint64_t other) {
    return walk->both && walk->direction == GRAPH_IN && other == walk->node;
}

static bool take_entry(struct graph_neighbours *walk, struct graph_neighbour *neighbour) {
    while (walk->at < walk->count) {
        const struct graph_neighbour *entry = &walk->entries[walk->at++];
        if (!type_fits(walk, entry->type) || is_second_look(walk, entry->node)) continue;
        if (is_deleted(&walk->graph->overlay, entry->edge)) continue;
        *neighbour = *entry;
        return true;
    }
    return false;
}

static bool take_made(struct graph_neighbours *walk, struct graph_neighbour *neighbour) {
    while (walk->made < walk->made_end) { /* OVERLAY_NONE is above */
        const struct edge_edit *edge = &walk->graph->overlay.edges[walk->made];
        const uint64_t other = walk->direction == GRAPH_OUT ? edge->row.destination : edge->row.source;
        walk->made = edge->next_made[walk->direction];
        if (!edge->present || !type_fits(walk, edge->row.type) || is_second_look(walk, other)) continue;
        *neighbour = (struct graph_neighbour){
            .node = other, .edge = edge->id, .type = edge->row.type, .incoming = walk->direction == GRAPH_IN};
        return true;
    }
    return false;
}

static void end_pass(struct graph_neighbours *walk) {
    if (walk->both && walk->direction == GRAPH_OUT)
        start_pass(walk, GRAPH_IN);
    else
        walk->stage = STAGE_END;
}

enum status graph_neighbours_next(struct graph_neighbours *walk, struct graph_neighbour *neighbour) {
    for (;;) {
        enum status status = STATUS_OK;
        switch (walk->stage) {
        case STAGE_HEAD: status = read_head(walk); break;
        case STAGE_BLOCKS:
            if (take_entry(walk, neighbour)) return STATUS_OK;
            status = read_block(walk);
            break;
        case STAGE_MADE:
            if (take_made(walk, neighbour)) return STATUS_OK;
            end_pass(walk);
            break;
        default: return STATUS_END;
        }
        if (status) return status;
    }
}
