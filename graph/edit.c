/*
 * edit: the verbs of edit.h: each checks, changes the overlay and the counters, and writes down its effect.
 *
 * Invariant: a verb that answers NOT_FOUND, INVALID or EXISTS has changed nothing. What a verb does depends on stored
 * rows and earlier edits alone, so that apply gets the same from the effects.
 */
#include "graph/edit.h"

#include <stdlib.h>

#include "graph/op.h"
#include "graph/property.h"
#include "graph/store/adjacency.h"
#include "graph/store/handle.h"

enum {
    ENTRY_BYTES = 256, /* what an entry of the overlay counts, about */
    EDGE_EDITS = 4,    /* an edge that comes or goes: its row, two heads, two entries */
};

/* ---- Limits and effects ------------------------------------------------------------------------------------------ */

/* One more edit that counts as `weight`, within the limits. */
static enum status admit(struct graph *graph, uint32_t weight) {
    if (graph->edit_count > GRAPH_EDITS_MAX - weight || graph->edit_bytes > GRAPH_EDIT_MAX_BYTES)
        return STATUS_TOO_LARGE;
    if (graph->effects.size > GRAPH_OPERATION_MAX_BYTES) return STATUS_TOO_LARGE;
    graph->edit_count += weight;
    graph->edit_bytes += ENTRY_BYTES;
    return STATUS_OK;
}

static enum status note(struct graph *graph, const struct graph_record *record) {
    return graph->replays ? STATUS_OK : graph_record_encode(&graph->effects, record);
}

static enum status note_numbers(struct graph *graph, enum graph_record_kind kind, uint64_t first, uint64_t second,
                                struct slice string) {
    if (graph->replays) return STATUS_OK;
    const struct graph_record record = {.kind = kind, .numbers = {first, second}, .strings = {string}};
    return graph_record_encode(&graph->effects, &record);
}

void graph_edit_get_counts(const struct graph *graph, struct graph_edit_counts *counts) {
    *counts = graph->counts;
}

bool graph_edit_is_empty(const struct graph *graph) {
    return graph->object != 0 && graph->edit_count == 0;
}

enum status graph_edit_operation(const struct graph *graph, struct buf *to) {
    const struct graph_op op = {
        .kind = GRAPH_OP_EFFECTS, .name = buf_slice(&graph->name), .number = graph->stored.change};
    const size_t start = to->size;
    enum status status = graph_op_encode(to, &op);
    if (status == STATUS_OK) status = buf_append_slice(to, buf_slice(&graph->effects));
    if (status == STATUS_OK && to->size - start > GRAPH_OPERATION_MAX_BYTES) status = STATUS_TOO_LARGE;
    if (status) to->size = start;
    return status;
}

enum status graph_edit_word(struct graph *graph, enum graph_vocabulary vocabulary, struct slice text, uint32_t *id) {
    if (text.size == 0) return STATUS_INVALID;
    if (text.size > GRAPH_NAME_MAX_BYTES) return STATUS_TOO_LARGE;
    enum status status = graph_find_word(graph, vocabulary, text, id);
    if (status != STATUS_NOT_FOUND) return status;
    *id = graph->meta.words[vocabulary];
    if (*id >= GRAPH_NAMES_MAX) return STATUS_TOO_LARGE;
    status = admit(graph, 1);
    if (status == STATUS_OK) status = handle_learn_word(graph, vocabulary, *id, text);
    if (status) return status;
    graph->meta.words[vocabulary]++;
    if (vocabulary == GRAPH_LABEL) graph->counts.labels_created++;
    return note_numbers(graph, GRAPH_RECORD_WORD, vocabulary, 0, text);
}

/* ---- Property lists ---------------------------------------------------------------------------------------------- */

/* Keys are known to the graph, ascending, each once. */
static bool keys_fit(const struct graph *graph, struct slice properties) {
    struct graph_property property;
    while (graph_property_next(&properties, &property))
        if (property.key >= graph->meta.words[GRAPH_KEY]) return false;
    return true;
}

static int by_key(const void *a, const void *b) {
    const struct graph_property *left = a, *right = b;
    return (left->key > right->key) - (left->key < right->key);
}

/* Replaces graph->row by the list of these properties. INVALID, TOO_LARGE. */
static enum status make_list(struct graph *graph, const struct graph_property *properties, size_t count) {
    buf_clear(&graph->sorted);
    buf_clear(&graph->row);
    if (count > GRAPH_PROPERTIES_MAX) return STATUS_TOO_LARGE;
    enum status status = buf_append(&graph->sorted, properties, count * sizeof *properties);
    if (status || count == 0) return status;
    struct graph_property *sorted = (struct graph_property *)(void *)graph->sorted.data;
    qsort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (i > 0 && sorted[i].key == sorted[i - 1].key) return STATUS_INVALID;
        if (!graph_property_is_valid(sorted[i].value)) return STATUS_INVALID;
        status = property_list_add(&graph->row, &sorted[i]);
        if (graph->row.size > GRAPH_ROW_MAX_BYTES) return STATUS_TOO_LARGE;
    }
    return status;
}

/* What became of a list. */
struct list_change {
    uint32_t set, removed, count;
};

static bool same_bytes(const struct graph_property *a, const struct graph_property *b) {
    return a->key == b->key && slice_equal(a->value, b->value);
}

/* Replaces graph->row by `old` with the changes made: ascending by key, each once, an empty value removes. */
static enum status change_list(struct graph *graph, struct slice old, const struct graph_property *changes,
                               size_t count, struct list_change *result) {
    struct graph_property present;
    bool more = graph_property_next(&old, &present);
    enum status status = STATUS_OK;
    *result = (struct list_change){0};
    buf_clear(&graph->row);
    for (size_t i = 0; status == STATUS_OK && (more || i < count);) {
        const bool keep = more && (i == count || present.key < changes[i].key);
        const bool meets = more && !keep && present.key == changes[i].key;
        const struct graph_property *next = keep ? &present : &changes[i];
        if (next->value.size > 0) {
            status = property_list_add(&graph->row, next);
            result->count++;
        }
        if (!keep && next->value.size > 0 && !(meets && same_bytes(&present, next))) result->set++;
        if (meets && next->value.size == 0) result->removed++;
        if (!keep) i++;
        if (keep || meets) more = graph_property_next(&old, &present);
    }
    if (status) return status;
    bool fits = result->count <= GRAPH_PROPERTIES_MAX && graph->row.size <= GRAPH_ROW_MAX_BYTES;
    return fits ? STATUS_OK : STATUS_TOO_LARGE;
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static enum status copy_labels(struct graph *graph, const uint32_t *labels, uint32_t count, const uint32_t **copy) {
    *copy = NULL;
    if (count == 0) return STATUS_OK;
    uint32_t *made = arena_alloc(&graph->arena, count * sizeof *made, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    memcpy(made, labels, count * sizeof *made);
    *copy = made;
    return STATUS_OK;
}

static enum status copy_node_row(struct graph *graph, const struct node_row *row, struct node_row *copy) {
    *copy = *row;
    enum status status = copy_labels(graph, row->labels, row->label_count, &copy->labels);
    if (status == STATUS_OK) status = handle_copy(graph, row->properties, &copy->properties);
    if (status == STATUS_OK) status = handle_copy(graph, row->external, &copy->external);
    return status;
}

static enum status note_node(struct graph *graph, const struct node_row *row) {
    if (graph->replays) return STATUS_OK;
    struct graph_record record = {
        .kind = GRAPH_RECORD_CREATE_NODE, .label_count = row->label_count, .strings = {row->properties}};
    if (row->label_count) memcpy(record.labels, row->labels, row->label_count * sizeof *row->labels);
    return note(graph, &record);
}

enum status handle_create_node(struct graph *graph, const struct node_row *row, uint64_t *id) {
    struct node_edit edit = {.present = true, .loaded = true, .changed = true};
    uint32_t index = 0, properties = 0;
    if (row->label_count && row->labels[row->label_count - 1] >= graph->meta.words[GRAPH_LABEL]) return STATUS_INVALID;
    if (!keys_fit(graph, row->properties)) return STATUS_INVALID;
    enum status status = admit(graph, 1);
    if (status == STATUS_OK) status = copy_node_row(graph, row, &edit.row);
    if (status) return status;
    edit.id = graph->meta.next_node;
    edit.heads[GRAPH_OUT].loaded = edit.heads[GRAPH_IN].loaded = true;
    status = overlay_add_node(&graph->overlay, &edit, &index);
    if (status == STATUS_OK && edit.row.external.size)
        status = overlay_add_external(&graph->overlay, edit.row.external, edit.id);
    if (status) return status;
    graph->meta.next_node++;
    graph->meta.node_count++;
    graph->counts.nodes_created++;
    if (!property_list_is_valid(row->properties, &properties)) return STATUS_INVALID;
    graph->counts.properties_set += properties;
    *id = edit.id;
    return note_node(graph, row);
}

static int by_number(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Ascending, each once, into `room`. */
static enum status sort_labels(const uint32_t *labels, size_t count, uint32_t *room, uint32_t *kept) {
    if (count > GRAPH_LABELS_MAX) return STATUS_TOO_LARGE;
    if (count) memcpy(room, labels, count * sizeof *labels);
    if (count) qsort(room, count, sizeof *room, by_number);
    *kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || room[i] != room[*kept - 1]) room[(*kept)++] = room[i];
    return STATUS_OK;
}

enum status graph_edit_create_node(struct graph *graph, const uint32_t *labels, size_t label_count,
                                   const struct graph_property *properties, size_t property_count, uint64_t *id) {
    uint32_t sorted[GRAPH_LABELS_MAX];
    struct node_row row = {.labels = sorted};
    enum status status = sort_labels(labels, label_count, sorted, &row.label_count);
    if (status == STATUS_OK) status = make_list(graph, properties, property_count);
    if (status) return status;
    row.properties = buf_slice(&graph->row);
    return handle_create_node(graph, &row, id);
}

/* The next slot of the node's direction. */
static enum status take_slot(struct graph *graph, uint32_t node, enum graph_direction direction, uint32_t *block) {
    enum status status = handle_load_head(graph, node, direction);
    if (status) return status;
    struct adjacency_head *head = &graph->overlay.nodes[node].heads[direction].head;
    const uint64_t number = head->next_slot / ADJACENCY_BLOCK_SLOTS;
    if (number > UINT32_MAX) return STATUS_TOO_LARGE;
    *block = (uint32_t)number;
    head->next_slot++;
    head->degree++;
    return STATUS_OK;
}

static enum status touch_ends(struct graph *graph, uint64_t source, uint64_t destination, uint32_t ends[2]) {
    enum status status = handle_touch_node(graph, source, &ends[0]);
    if (status == STATUS_OK) status = handle_touch_node(graph, destination, &ends[1]);
    if (status == STATUS_OK) status = handle_load_head(graph, ends[0], GRAPH_OUT);
    if (status == STATUS_OK) status = handle_load_head(graph, ends[1], GRAPH_IN);
    return status;
}

enum status handle_create_edge(struct graph *graph, uint32_t type, uint64_t source, uint64_t destination,
                               struct slice properties, uint64_t *id) {
    struct edge_edit edit = {.present = true, .changed = true, .loaded = true};
    uint32_t ends[2], index = 0, count = 0;
    if (type >= graph->meta.words[GRAPH_TYPE] || !keys_fit(graph, properties)) return STATUS_INVALID;
    enum status status = touch_ends(graph, source, destination, ends);
    if (status == STATUS_OK) status = admit(graph, EDGE_EDITS);
    edit.row = (struct edge_row){.source = source, .destination = destination, .type = type};
    if (status == STATUS_OK) status = handle_copy(graph, properties, &edit.row.properties);
    if (status == STATUS_OK) status = take_slot(graph, ends[0], GRAPH_OUT, &edit.row.blocks[GRAPH_OUT]);
    if (status == STATUS_OK) status = take_slot(graph, ends[1], GRAPH_IN, &edit.row.blocks[GRAPH_IN]);
    edit.id = graph->meta.next_edge;
    if (status == STATUS_OK) status = overlay_add_edge(&graph->overlay, &edit, &index);
    if (status) return status;
    overlay_link_edge(&graph->overlay, index, ends[0], ends[1]);
    graph->meta.next_edge++;
    graph->meta.edge_count++;
    graph->counts.edges_created++;
    if (!property_list_is_valid(properties, &count)) return STATUS_INVALID;
    graph->counts.properties_set += count;
    *id = edit.id;
    const struct graph_record record = {
        .kind = GRAPH_RECORD_CREATE_EDGE, .numbers = {type, source, destination}, .strings = {properties}};
    return note(graph, &record);
}

enum status graph_edit_create_edge(struct graph *graph, uint32_t type, uint64_t source, uint64_t destination,
                                   const struct graph_property *properties, size_t property_count, uint64_t *id) {
    enum status status = make_list(graph, properties, property_count);
    if (status) return status;
    return handle_create_edge(graph, type, source, destination, buf_slice(&graph->row), id);
}

/* ---- Deleting ---------------------------------------------------------------------------------------------------- */

enum status graph_edit_delete_edge(struct graph *graph, uint64_t id) {
    uint32_t index = 0, ends[2];
    enum status status = handle_touch_edge(graph, id, &index);
    if (status) return status;
    const struct edge_row row = graph->overlay.edges[index].row;
    status = touch_ends(graph, row.source, row.destination, ends);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    struct adjacency_head *out = &graph->overlay.nodes[ends[0]].heads[GRAPH_OUT].head;
    struct adjacency_head *in = &graph->overlay.nodes[ends[1]].heads[GRAPH_IN].head;
    if (out->degree == 0 || in->degree == 0 || graph->meta.edge_count == 0) return STATUS_CORRUPT;
    status = admit(graph, EDGE_EDITS);
    if (status) return status;
    out->degree--;
    in->degree--;
    struct edge_edit *edit = &graph->overlay.edges[index];
    edit->present = false;
    if (edit->stored) graph->overlay.edges_deleted++;
    graph->meta.edge_count--;
    graph->counts.edges_deleted++;
    return note_numbers(graph, GRAPH_RECORD_DELETE_EDGE, id, 0, slice_make(NULL, 0));
}

static enum status delete_edges(struct graph *graph, uint64_t node) {
    struct graph_neighbours *walk = NULL;
    struct graph_neighbour neighbour;
    enum status status = graph_neighbours_create(graph, &walk);
    if (status) return status;
    graph_neighbours_start(walk, node, GRAPH_BOTH, NULL, 0);
    while ((status = graph_neighbours_next(walk, &neighbour)) == STATUS_OK) {
        status = graph_edit_delete_edge(graph, neighbour.edge);
        if (status) break;
    }
    graph_neighbours_destroy(walk);
    if (status == STATUS_NOT_FOUND) return STATUS_CORRUPT;
    return status == STATUS_END ? STATUS_OK : status;
}

enum status graph_edit_delete_node(struct graph *graph, uint64_t id, bool detach) {
    uint32_t index = 0;
    enum status status = handle_touch_node(graph, id, &index);
    if (status == STATUS_OK) status = handle_load_node(graph, index); /* its labels and external id go with it */
    if (status == STATUS_OK) status = handle_load_head(graph, index, GRAPH_OUT);
    if (status == STATUS_OK) status = handle_load_head(graph, index, GRAPH_IN);
    if (status) return status;
    const struct head_edit *heads = graph->overlay.nodes[index].heads;
    if (heads[GRAPH_OUT].head.degree || heads[GRAPH_IN].head.degree) {
        if (!detach) return STATUS_EXISTS;
        status = delete_edges(graph, id);
        if (status) return status;
    }
    status = admit(graph, 1);
    if (status) return status;
    struct node_edit *edit = &graph->overlay.nodes[index];
    edit->present = false;
    edit->changed = true;
    graph->meta.node_count--;
    graph->counts.nodes_deleted++;
    return note_numbers(graph, GRAPH_RECORD_DELETE_NODE, id, 0, slice_make(NULL, 0));
}

/* ---- Changing ---------------------------------------------------------------------------------------------------- */

static enum status check_value(const struct graph *graph, uint32_t key, struct slice value) {
    if (key >= graph->meta.words[GRAPH_KEY]) return STATUS_INVALID;
    if (value.size > GRAPH_ROW_MAX_BYTES) return STATUS_TOO_LARGE;
    return value.size == 0 || graph_property_is_valid(value) ? STATUS_OK : STATUS_INVALID;
}

static void count_change(struct graph *graph, const struct list_change *change) {
    graph->counts.properties_set += change->set;
    graph->counts.properties_removed += change->removed;
}

/* What a node and an edge have in common: the row's list becomes one with the property, and the change is noted. */
static enum status set_property(struct graph *graph, const struct graph_property *property, struct slice *list,
                                bool *changed) {
    struct list_change change;
    enum status status = change_list(graph, *list, property, 1, &change);
    *changed = false;
    if (status || change.set + change.removed == 0) return status;
    status = admit(graph, 1);
    if (status == STATUS_OK) status = handle_copy(graph, buf_slice(&graph->row), list);
    if (status) return status;
    *changed = true;
    count_change(graph, &change);
    return STATUS_OK;
}

enum status graph_edit_set_node_property(struct graph *graph, uint64_t id, uint32_t key, struct slice value) {
    const struct graph_property property = {key, value};
    uint32_t index = 0;
    bool changed;
    enum status status = check_value(graph, key, value);
    if (status == STATUS_OK) status = handle_touch_node(graph, id, &index);
    if (status == STATUS_OK) status = handle_load_node(graph, index);
    if (status) return status;
    struct node_edit *edit = &graph->overlay.nodes[index];
    status = set_property(graph, &property, &edit->row.properties, &changed);
    if (status || !changed) return status;
    edit->changed = true;
    return note_numbers(graph, GRAPH_RECORD_SET_NODE_PROPERTY, id, key, value);
}

enum status graph_edit_set_edge_property(struct graph *graph, uint64_t id, uint32_t key, struct slice value) {
    const struct graph_property property = {key, value};
    uint32_t index = 0;
    bool changed;
    enum status status = check_value(graph, key, value);
    if (status == STATUS_OK) status = handle_touch_edge(graph, id, &index);
    if (status == STATUS_OK) status = handle_load_edge(graph, index);
    if (status) return status;
    struct edge_edit *edit = &graph->overlay.edges[index];
    status = set_property(graph, &property, &edit->row.properties, &changed);
    if (status || !changed) return status;
    edit->changed = true;
    return note_numbers(graph, GRAPH_RECORD_SET_EDGE_PROPERTY, id, key, value);
}

/* The node's labels become `labels`. */
static enum status set_labels(struct graph *graph, uint32_t index, const uint32_t *labels, uint32_t count) {
    const uint32_t *copy = NULL;
    enum status status = copy_labels(graph, labels, count, &copy);
    if (status) return status;
    struct node_edit *edit = &graph->overlay.nodes[index];
    edit->row.labels = copy;
    edit->row.label_count = count;
    edit->changed = true;
    return STATUS_OK;
}

enum status graph_edit_add_label(struct graph *graph, uint64_t id, uint32_t label) {
    uint32_t index = 0, count = 0, labels[GRAPH_LABELS_MAX + 1];
    if (label >= graph->meta.words[GRAPH_LABEL]) return STATUS_INVALID;
    enum status status = handle_touch_node(graph, id, &index);
    if (status == STATUS_OK) status = handle_load_node(graph, index);
    if (status) return status;
    const struct node_row *row = &graph->overlay.nodes[index].row;
    if (node_row_has_label(row, label)) return STATUS_OK;
    if (row->label_count == GRAPH_LABELS_MAX) return STATUS_TOO_LARGE;
    for (uint32_t i = 0; i < row->label_count && row->labels[i] < label; i++) labels[count++] = row->labels[i];
    labels[count++] = label;
    for (uint32_t i = count - 1; i < row->label_count; i++) labels[count++] = row->labels[i];
    status = admit(graph, 1);
    if (status == STATUS_OK) status = set_labels(graph, index, labels, count);
    if (status) return status;
    graph->counts.labels_added++;
    return note_numbers(graph, GRAPH_RECORD_ADD_LABEL, id, label, slice_make(NULL, 0));
}

enum status graph_edit_remove_label(struct graph *graph, uint64_t id, uint32_t label) {
    uint32_t index = 0, count = 0, labels[GRAPH_LABELS_MAX];
    enum status status = handle_touch_node(graph, id, &index);
    if (status == STATUS_OK) status = handle_load_node(graph, index);
    if (status) return status;
    const struct node_row *row = &graph->overlay.nodes[index].row;
    if (!node_row_has_label(row, label)) return STATUS_OK;
    for (uint32_t i = 0; i < row->label_count; i++)
        if (row->labels[i] != label) labels[count++] = row->labels[i];
    status = admit(graph, 1);
    if (status == STATUS_OK) status = set_labels(graph, index, labels, count);
    if (status) return status;
    graph->counts.labels_removed++;
    return note_numbers(graph, GRAPH_RECORD_REMOVE_LABEL, id, label, slice_make(NULL, 0));
}

/* ---- A row of a load meets a node that is there ------------------------------------------------------------------ */

static enum status merge_labels(struct graph *graph, uint64_t id, const struct node_row *more) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < more->label_count; i++)
        status = graph_edit_add_label(graph, id, more->labels[i]);
    return status;
}

/* graph->sorted becomes the list as an array. */
static enum status spread_list(struct graph *graph, struct slice list, size_t *count) {
    struct graph_property property;
    enum status status = STATUS_OK;
    buf_clear(&graph->sorted);
    for (*count = 0; status == STATUS_OK && graph_property_next(&list, &property); ++*count)
        status = buf_append(&graph->sorted, &property, sizeof property);
    return status;
}

enum status handle_merge_node(struct graph *graph, uint64_t id, const struct node_row *more, bool *changed) {
    const uint32_t edits = graph->edit_count;
    struct list_change change = {0};
    uint32_t index = 0;
    size_t count = 0;
    *changed = false;
    if (!keys_fit(graph, more->properties)) return STATUS_INVALID;
    enum status status = merge_labels(graph, id, more);
    if (status == STATUS_OK) status = handle_touch_node(graph, id, &index);
    if (status == STATUS_OK) status = handle_load_node(graph, index);
    if (status == STATUS_OK) status = spread_list(graph, more->properties, &count);
    if (status) return status;
    struct node_edit *edit = &graph->overlay.nodes[index];
    const struct graph_property *changes = (const struct graph_property *)(const void *)graph->sorted.data;
    status = change_list(graph, edit->row.properties, changes, count, &change);
    if (status == STATUS_OK && change.set > 0) {
        status = admit(graph, 1);
        if (status == STATUS_OK) status = handle_copy(graph, buf_slice(&graph->row), &edit->row.properties);
        edit->changed = true;
        count_change(graph, &change);
    }
    *changed = graph->edit_count != edits;
    return status;
}
