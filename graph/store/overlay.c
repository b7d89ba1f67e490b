/* overlay: see overlay.h. */
#include "graph/store/overlay.h"

#include <stdlib.h>

#include "engine/base/hash.h"

enum { FIRST_ROOM = 16 };

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static size_t spread(uint64_t id) {
    return (size_t)((id * 0x9e3779b97f4a7c15u) >> 20);
}

/* Room for one more below half full. `hash_at` gives the hash of the entry with an index. */
static enum status make_room(struct id_table *table, const struct overlay *overlay,
                             uint64_t (*hash_at)(const struct overlay *overlay, uint32_t index)) {
    if (2 * (table->count + 1) <= table->capacity) return STATUS_OK;
    size_t capacity = table->capacity ? 2 * table->capacity : 2 * FIRST_ROOM;
    uint32_t *slots = calloc(capacity, sizeof *slots);
    if (!slots) return STATUS_NO_MEMORY;
    for (uint32_t index = 0; index < table->count; index++) {
        size_t at = spread(hash_at(overlay, index)) & (capacity - 1);
        while (slots[at]) at = (at + 1) & (capacity - 1);
        slots[at] = index + 1;
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    return STATUS_OK;
}

static void insert(struct id_table *table, uint64_t hash) {
    size_t at = spread(hash) & (table->capacity - 1);
    while (table->slots[at]) at = (at + 1) & (table->capacity - 1);
    table->slots[at] = (uint32_t)++table->count;
}

static void clear_table(struct id_table *table) {
    if (table->count) memset(table->slots, 0, table->capacity * sizeof *table->slots);
    table->count = 0;
}

static enum status grow_array(void **array, size_t *room, size_t count, size_t size) {
    if (count < *room) return STATUS_OK;
    size_t wanted = *room ? 2 * *room : FIRST_ROOM;
    void *grown = realloc(*array, wanted * size);
    if (!grown) return STATUS_NO_MEMORY;
    *array = grown;
    *room = wanted;
    return STATUS_OK;
}

void overlay_deinit(struct overlay *overlay) {
    free(overlay->nodes);
    free(overlay->edges);
    free(overlay->externals);
    free(overlay->node_table.slots);
    free(overlay->edge_table.slots);
    free(overlay->external_table.slots);
    *overlay = (struct overlay){0};
}

void overlay_clear(struct overlay *overlay) {
    clear_table(&overlay->node_table);
    clear_table(&overlay->edge_table);
    clear_table(&overlay->external_table);
    overlay->edges_deleted = 0;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static uint64_t node_hash(const struct overlay *overlay, uint32_t index) {
    return overlay->nodes[index].id;
}

uint32_t overlay_find_node(const struct overlay *overlay, uint64_t id) {
    const struct id_table *table = &overlay->node_table;
    if (table->count == 0) return OVERLAY_NONE;
    for (size_t at = spread(id) & (table->capacity - 1); table->slots[at]; at = (at + 1) & (table->capacity - 1))
        if (overlay->nodes[table->slots[at] - 1].id == id) return table->slots[at] - 1;
    return OVERLAY_NONE;
}

enum status overlay_add_node(struct overlay *overlay, const struct node_edit *node, uint32_t *index) {
    void *array = overlay->nodes;
    enum status status = grow_array(&array, &overlay->node_room, overlay_node_count(overlay), sizeof *overlay->nodes);
    overlay->nodes = array;
    if (status == STATUS_OK) status = make_room(&overlay->node_table, overlay, node_hash);
    if (status) return status;
    *index = (uint32_t)overlay_node_count(overlay);
    overlay->nodes[*index] = *node;
    for (int i = 0; i < 2; i++)
        overlay->nodes[*index].first_made[i] = overlay->nodes[*index].last_made[i] = OVERLAY_NONE;
    insert(&overlay->node_table, node->id);
    return STATUS_OK;
}

/* ---- Edges ------------------------------------------------------------------------------------------------------- */

static uint64_t edge_hash(const struct overlay *overlay, uint32_t index) {
    return overlay->edges[index].id;
}

uint32_t overlay_find_edge(const struct overlay *overlay, uint64_t id) {
    const struct id_table *table = &overlay->edge_table;
    if (table->count == 0) return OVERLAY_NONE;
    for (size_t at = spread(id) & (table->capacity - 1); table->slots[at]; at = (at + 1) & (table->capacity - 1))
        if (overlay->edges[table->slots[at] - 1].id == id) return table->slots[at] - 1;
    return OVERLAY_NONE;
}

enum status overlay_add_edge(struct overlay *overlay, const struct edge_edit *edge, uint32_t *index) {
    void *array = overlay->edges;
    enum status status = grow_array(&array, &overlay->edge_room, overlay_edge_count(overlay), sizeof *overlay->edges);
    overlay->edges = array;
    if (status == STATUS_OK) status = make_room(&overlay->edge_table, overlay, edge_hash);
    if (status) return status;
    *index = (uint32_t)overlay_edge_count(overlay);
    overlay->edges[*index] = *edge;
    for (int i = 0; i < 2; i++) overlay->edges[*index].next_made[i] = OVERLAY_NONE;
    insert(&overlay->edge_table, edge->id);
    return STATUS_OK;
}

static void append_to_chain(struct overlay *overlay, uint32_t node, int direction, uint32_t edge) {
    struct node_edit *end = &overlay->nodes[node];
    if (end->first_made[direction] == OVERLAY_NONE)
        end->first_made[direction] = edge;
    else
        overlay->edges[end->last_made[direction]].next_made[direction] = edge;
    end->last_made[direction] = edge;
}

void overlay_link_edge(struct overlay *overlay, uint32_t edge, uint32_t source, uint32_t destination) {
    append_to_chain(overlay, source, GRAPH_OUT, edge);
    append_to_chain(overlay, destination, GRAPH_IN, edge);
}

/* ---- External ids ------------------------------------------------------------------------------------------------ */

static uint64_t external_hash(const struct overlay *overlay, uint32_t index) {
    return overlay->externals[index].hash;
}

const struct external_edit *overlay_find_external(const struct overlay *overlay, struct slice external) {
    const struct id_table *table = &overlay->external_table;
    if (table->count == 0) return NULL;
    uint64_t hash = hash64(external, 0);
    for (size_t at = spread(hash) & (table->capacity - 1); table->slots[at]; at = (at + 1) & (table->capacity - 1)) {
        const struct external_edit *entry = &overlay->externals[table->slots[at] - 1];
        if (entry->hash == hash && slice_equal(entry->external, external)) return entry;
    }
    return NULL;
}

enum status overlay_add_external(struct overlay *overlay, struct slice external, uint64_t node) {
    void *array = overlay->externals;
    const size_t count = overlay->external_table.count;
    enum status status = grow_array(&array, &overlay->external_room, count, sizeof *overlay->externals);
    overlay->externals = array;
    if (status == STATUS_OK) status = make_room(&overlay->external_table, overlay, external_hash);
    if (status) return status;
    const uint64_t hash = hash64(external, 0);
    overlay->externals[count] = (struct external_edit){external, hash, node};
    insert(&overlay->external_table, hash);
    return STATUS_OK;
}
