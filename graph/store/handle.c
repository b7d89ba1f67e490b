/* handle: see handle.h. Opening, the words, single rows; walks and scans stand in their own files. */
#include "graph/store/handle.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"

enum { ARENA_BLOCK_BYTES = 32 << 10, FIRST_WORDS = 16 };

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

enum status graph_create(struct graph **graph) {
    struct graph *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    arena_init(&made->arena, ARENA_BLOCK_BYTES);
    *graph = made;
    return STATUS_OK;
}

void graph_destroy(struct graph *graph) {
    if (!graph) return;
    for (int i = 0; i < GRAPH_VOCABULARIES; i++) {
        free(graph->words[i].texts);
        free(graph->words[i].slots);
    }
    overlay_deinit(&graph->overlay);
    arena_deinit(&graph->arena);
    struct buf *bufs[] = {&graph->name, &graph->effects, &graph->key, &graph->row, &graph->sorted, &graph->changes};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) buf_deinit(bufs[i]);
    free(graph);
}

static void forget_words(struct word_list *words) {
    if (words->room) memset(words->texts, 0, words->room * sizeof *words->texts);
    if (words->count) memset(words->slots, 0, words->capacity * sizeof *words->slots);
    words->count = 0;
}

static void forget(struct graph *graph) {
    graph->is_open = false;
    graph->object = 0;
    graph->stored = graph->meta = (struct graph_meta){0};
    for (int i = 0; i < GRAPH_VOCABULARIES; i++) forget_words(&graph->words[i]);
    overlay_clear(&graph->overlay);
    graph->counts = (struct graph_edit_counts){0};
    buf_clear(&graph->effects);
    graph->edit_count = 0;
    graph->edit_bytes = 0;
    arena_reset(&graph->arena);
}

static enum status read_meta(struct graph *graph) {
    const struct graph_key key = graph_key_part(graph->object, GRAPH_PART_META);
    struct engine_value value;
    enum status status = handle_get(graph, TREE_GRAPHS, graph_key_slice(&key), &value);
    if (status) return status;
    status = graph_meta_decode(value.data, &graph->stored);
    engine_value_release(&value);
    return status;
}

enum status handle_open(struct graph *graph, const struct names_view *view, struct slice name, uint64_t object) {
    forget(graph);
    graph->view = *view;
    graph->object = object;
    enum status status = buf_assign(&graph->name, name);
    if (status == STATUS_OK && object) status = read_meta(graph);
    if (status) return status;
    graph->meta = graph->stored;
    graph->is_open = true;
    return STATUS_OK;
}

enum status graph_open(struct graph *graph, const struct names_view *view, struct slice name) {
    struct name_row row;
    struct engine_value value;
    graph->is_open = graph->replays = false;
    enum status status = names_get(view, name, &row, &value);
    if (status == STATUS_NOT_FOUND) {
        status = handle_open(graph, view, name, 0);
        return status ? status : STATUS_NOT_FOUND;
    }
    if (status) return status;
    engine_value_release(&value);
    if (row.type != NAME_GRAPH) return STATUS_WRONG_TYPE;
    status = handle_open(graph, view, name, row.object);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

void graph_get_facts(const struct graph *graph, struct graph_facts *facts) {
    check(graph->is_open);
    const struct graph_meta *meta = &graph->meta;
    *facts = (struct graph_facts){.object = graph->object,
                                  .change = meta->change,
                                  .node_count = meta->node_count,
                                  .edge_count = meta->edge_count,
                                  .next_node = meta->next_node,
                                  .next_edge = meta->next_edge};
    memcpy(facts->words, meta->words, sizeof facts->words);
}

/* ---- Stored rows ------------------------------------------------------------------------------------------------- */

enum status handle_get(const struct graph *graph, enum graph_tree tree, struct slice key, struct engine_value *value) {
    const struct names_view *view = &graph->view;
    if (graph->object == 0) return STATUS_NOT_FOUND;
    return view->memory_only ? engine_get_try(view->engine, view->snapshot, tree, key, value)
                             : engine_get(view->engine, view->snapshot, tree, key, value);
}

enum status handle_read_head(const struct graph *graph, uint64_t node, enum graph_direction direction,
                             struct adjacency_head *head) {
    const struct graph_key key = graph_key_head(graph->object, node, direction);
    struct engine_value value;
    *head = (struct adjacency_head){0};
    enum status status = handle_get(graph, TREE_GRAPH_ADJACENCY, graph_key_slice(&key), &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = adjacency_head_decode(value.data, head);
    engine_value_release(&value);
    return status;
}

enum status handle_iterate(const struct graph *graph, enum graph_tree tree, const struct graph_key *prefix,
                           const struct graph_key *after, bool no_fill, struct engine_iterator **iterator) {
    *iterator = NULL;
    if (graph->object == 0) return STATUS_OK;
    const struct engine_iterator_options options = {.snapshot = graph->view.snapshot,
                                                    .lower = graph_key_slice(prefix),
                                                    .upper = graph_key_slice(after),
                                                    .memory_only = graph->view.memory_only,
                                                    .no_fill = no_fill};
    enum status status = engine_iterator_open(graph->view.engine, tree, &options, iterator);
    if (status == STATUS_OK) engine_iterator_seek_first(*iterator);
    return status;
}

enum status handle_copy(struct graph *graph, struct slice from, struct slice *to) {
    *to = slice_make(NULL, 0);
    if (from.size == 0) return STATUS_OK;
    graph->edit_bytes += from.size;
    void *copy = arena_copy(&graph->arena, from.data, from.size);
    if (!copy) return STATUS_NO_MEMORY;
    *to = slice_make(copy, from.size);
    return STATUS_OK;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static uint32_t *find_word_slot(const struct word_list *words, struct slice text) {
    for (size_t at = hash64(text, 0) & (words->capacity - 1);; at = (at + 1) & (words->capacity - 1)) {
        uint32_t *slot = &words->slots[at];
        if (*slot == 0 || slice_equal(words->texts[*slot - 1], text)) return slot;
    }
}

static enum status grow_word_table(struct word_list *words) {
    if (2 * (words->count + 1) <= words->capacity) return STATUS_OK;
    const struct word_list old = *words;
    size_t capacity = old.capacity ? 2 * old.capacity : 2 * FIRST_WORDS;
    uint32_t *slots = calloc(capacity, sizeof *slots);
    if (!slots) return STATUS_NO_MEMORY;
    words->slots = slots;
    words->capacity = capacity;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i]) *find_word_slot(words, old.texts[old.slots[i] - 1]) = old.slots[i];
    free(old.slots);
    return STATUS_OK;
}

static enum status grow_word_texts(struct word_list *words, uint32_t id) {
    if (id < words->room) return STATUS_OK;
    size_t room = words->room ? words->room : FIRST_WORDS;
    while (room <= id) room *= 2;
    struct slice *texts = realloc(words->texts, room * sizeof *texts);
    if (!texts) return STATUS_NO_MEMORY;
    memset(texts + words->room, 0, (room - words->room) * sizeof *texts);
    words->texts = texts;
    words->room = room;
    return STATUS_OK;
}

enum status handle_learn_word(struct graph *graph, enum graph_vocabulary vocabulary, uint32_t id, struct slice text) {
    struct word_list *words = &graph->words[vocabulary];
    enum status status = grow_word_texts(words, id);
    if (status == STATUS_OK) status = grow_word_table(words);
    if (status || words->texts[id].data) return status;
    status = handle_copy(graph, text, &words->texts[id]);
    if (status) return status;
    *find_word_slot(words, text) = id + 1;
    words->count++;
    return STATUS_OK;
}

enum status graph_find_word(struct graph *graph, enum graph_vocabulary vocabulary, struct slice text, uint32_t *id) {
    struct word_list *words = &graph->words[vocabulary];
    if (text.size == 0 || text.size > GRAPH_NAME_MAX_BYTES) return STATUS_NOT_FOUND;
    if (words->count) {
        const uint32_t *slot = find_word_slot(words, text);
        if (*slot) {
            *id = *slot - 1;
            return STATUS_OK;
        }
    }
    struct engine_value value;
    uint64_t found = 0;
    enum status status = graph_key_text(&graph->key, graph->object, vocabulary, text);
    if (status == STATUS_OK) status = handle_get(graph, TREE_GRAPH_WORDS, buf_slice(&graph->key), &value);
    if (status) return status;
    status = graph_id_decode(value.data, &found);
    engine_value_release(&value);
    if (status == STATUS_OK && found >= graph->stored.words[vocabulary]) status = STATUS_CORRUPT;
    if (status) return status;
    *id = (uint32_t)found;
    return handle_learn_word(graph, vocabulary, *id, text);
}

enum status graph_get_word(struct graph *graph, enum graph_vocabulary vocabulary, uint32_t id, struct slice *text) {
    struct word_list *words = &graph->words[vocabulary];
    if (id >= graph->meta.words[vocabulary]) return STATUS_NOT_FOUND;
    if (id >= words->room || !words->texts[id].data) {
        const struct graph_key key = graph_key_word(graph->object, vocabulary, id);
        struct engine_value value;
        enum status status = handle_get(graph, TREE_GRAPH_WORDS, graph_key_slice(&key), &value);
        if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
        status = value.data.size ? handle_learn_word(graph, vocabulary, id, value.data) : STATUS_CORRUPT;
        engine_value_release(&value);
        if (status) return status;
    }
    *text = words->texts[id];
    return STATUS_OK;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

bool node_row_has_label(const struct node_row *row, uint32_t label) {
    for (uint32_t i = 0; i < row->label_count; i++)
        if (row->labels[i] == label) return true;
    return false;
}

bool graph_node_has_label(const struct graph_node *node, uint32_t label) {
    for (uint32_t i = 0; i < node->label_count; i++)
        if (node->labels[i] == label) return true;
    return false;
}

static enum status get_stored(const struct graph *graph, enum graph_tree tree, uint64_t id,
                              struct engine_value *value) {
    const struct graph_key key = graph_key_element(graph->object, id);
    const uint64_t next = tree == TREE_GRAPH_NODES ? graph->stored.next_node : graph->stored.next_edge;
    if (id >= next) return STATUS_NOT_FOUND;
    return handle_get(graph, tree, graph_key_slice(&key), value);
}

enum status graph_get_node(struct graph *graph, uint64_t id, struct graph_node *node) {
    struct node_row row;
    node->id = id;
    node->value = (struct engine_value){0};
    const uint32_t index = overlay_find_node(&graph->overlay, id);
    const struct node_edit *edit = index == OVERLAY_NONE ? NULL : &graph->overlay.nodes[index];
    if (edit && !edit->present) return STATUS_NOT_FOUND;
    if (edit && edit->loaded) {
        row = edit->row;
        if (row.label_count) memcpy(node->labels, row.labels, row.label_count * sizeof *row.labels);
    } else {
        enum status status = get_stored(graph, TREE_GRAPH_NODES, id, &node->value);
        if (status) return status;
        status = node_row_decode(node->value.data, node->labels, &row);
        if (status) {
            engine_value_release(&node->value);
            return status;
        }
    }
    node->label_count = row.label_count;
    node->properties = row.properties;
    node->external = row.external;
    return STATUS_OK;
}

void graph_node_release(struct graph_node *node) {
    if (node->value.data.data) engine_value_release(&node->value);
    node->value = (struct engine_value){0};
}

enum status graph_look_for_node(struct graph *graph, uint64_t id) {
    const uint32_t index = overlay_find_node(&graph->overlay, id);
    if (index != OVERLAY_NONE) return graph->overlay.nodes[index].present ? STATUS_OK : STATUS_NOT_FOUND;
    struct engine_value value;
    enum status status = get_stored(graph, TREE_GRAPH_NODES, id, &value);
    if (status == STATUS_OK) engine_value_release(&value);
    return status;
}

enum status handle_touch_node(struct graph *graph, uint64_t id, uint32_t *index) {
    *index = overlay_find_node(&graph->overlay, id);
    if (*index != OVERLAY_NONE) return graph->overlay.nodes[*index].present ? STATUS_OK : STATUS_NOT_FOUND;
    enum status status = graph_look_for_node(graph, id);
    if (status) return status;
    const struct node_edit edit = {.id = id, .stored = true, .present = true};
    return overlay_add_node(&graph->overlay, &edit, index);
}

enum status handle_load_node(struct graph *graph, uint32_t index) {
    struct node_edit *edit = &graph->overlay.nodes[index];
    if (edit->loaded) return STATUS_OK;
    uint32_t labels[GRAPH_LABELS_MAX];
    struct node_row row;
    struct engine_value value;
    enum status status = get_stored(graph, TREE_GRAPH_NODES, edit->id, &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    status = node_row_decode(value.data, labels, &row);
    if (status == STATUS_OK) status = handle_copy(graph, row.external, &row.external);
    if (status == STATUS_OK) status = handle_copy(graph, row.properties, &row.properties);
    engine_value_release(&value);
    if (status) return status;
    uint32_t *kept = arena_alloc(&graph->arena, row.label_count * sizeof *kept + 1, sizeof *kept);
    if (!kept) return STATUS_NO_MEMORY;
    memcpy(kept, labels, row.label_count * sizeof *kept);
    row.labels = kept;
    edit->row = edit->stored_row = row;
    edit->loaded = true;
    return STATUS_OK;
}

enum status handle_load_head(struct graph *graph, uint32_t index, enum graph_direction direction) {
    struct node_edit *edit = &graph->overlay.nodes[index];
    struct head_edit *head = &edit->heads[direction];
    if (head->loaded) return STATUS_OK;
    enum status status = edit->stored ? handle_read_head(graph, edit->id, direction, &head->stored) : STATUS_OK;
    if (status) return status;
    head->head = head->stored;
    head->loaded = true;
    return STATUS_OK;
}

enum status graph_degree(struct graph *graph, uint64_t node, enum graph_direction direction, uint64_t *degree) {
    const uint32_t index = overlay_find_node(&graph->overlay, node);
    *degree = 0;
    for (int i = GRAPH_OUT; i <= GRAPH_IN; i++) {
        struct adjacency_head head;
        if (direction != GRAPH_BOTH && (int)direction != i) continue;
        if (index != OVERLAY_NONE && graph->overlay.nodes[index].heads[i].loaded) {
            *degree += graph->overlay.nodes[index].heads[i].head.degree;
            continue;
        }
        enum status status = handle_read_head(graph, node, (enum graph_direction)i, &head);
        if (status) return status;
        *degree += head.degree;
    }
    return STATUS_OK;
}

enum status graph_find_external(struct graph *graph, struct slice external, uint64_t *id) {
    if (external.size == 0 || external.size > GRAPH_EXTERNAL_MAX_BYTES) return STATUS_NOT_FOUND;
    const struct external_edit *known = overlay_find_external(&graph->overlay, external);
    if (known) {
        *id = known->node;
        return graph_look_for_node(graph, *id);
    }
    struct engine_value value;
    enum status status = graph_key_external(&graph->key, graph->object, external);
    if (status == STATUS_OK) status = handle_get(graph, TREE_GRAPH_EXTERNAL, buf_slice(&graph->key), &value);
    if (status) return status;
    status = graph_id_decode(value.data, id);
    engine_value_release(&value);
    const uint32_t index = status ? OVERLAY_NONE : overlay_find_node(&graph->overlay, *id);
    if (index != OVERLAY_NONE && !graph->overlay.nodes[index].present) return STATUS_NOT_FOUND;
    return status;
}

/* ---- Edges ------------------------------------------------------------------------------------------------------- */

static void show_edge(const struct edge_row *row, struct graph_edge *edge) {
    edge->source = row->source;
    edge->destination = row->destination;
    edge->type = row->type;
    memcpy(edge->blocks, row->blocks, sizeof edge->blocks);
    edge->properties = row->properties;
}

static enum status get_stored_edge(const struct graph *graph, uint64_t id, struct edge_row *row,
                                   struct engine_value *value) {
    enum status status = get_stored(graph, TREE_GRAPH_EDGES, id, value);
    if (status) return status;
    status = edge_row_decode(value->data, row);
    if (status) engine_value_release(value);
    return status;
}

enum status graph_get_edge(struct graph *graph, uint64_t id, struct graph_edge *edge) {
    struct edge_row row;
    edge->id = id;
    edge->value = (struct engine_value){0};
    const uint32_t index = overlay_find_edge(&graph->overlay, id);
    const struct edge_edit *edit = index == OVERLAY_NONE ? NULL : &graph->overlay.edges[index];
    if (edit && !edit->present) return STATUS_NOT_FOUND;
    if (edit && edit->loaded) {
        show_edge(&edit->row, edge);
        return STATUS_OK;
    }
    enum status status = get_stored_edge(graph, id, &row, &edge->value);
    if (status == STATUS_OK) show_edge(&row, edge);
    return status;
}

void graph_edge_release(struct graph_edge *edge) {
    if (edge->value.data.data) engine_value_release(&edge->value);
    edge->value = (struct engine_value){0};
}

enum status handle_touch_edge(struct graph *graph, uint64_t id, uint32_t *index) {
    *index = overlay_find_edge(&graph->overlay, id);
    if (*index != OVERLAY_NONE) return graph->overlay.edges[*index].present ? STATUS_OK : STATUS_NOT_FOUND;
    struct edge_edit edit = {.id = id, .stored = true, .present = true};
    struct engine_value value;
    enum status status = get_stored_edge(graph, id, &edit.row, &value);
    if (status) return status;
    engine_value_release(&value);
    edit.row.properties = slice_make(NULL, 0);
    return overlay_add_edge(&graph->overlay, &edit, index);
}

enum status handle_load_edge(struct graph *graph, uint32_t index) {
    struct edge_edit *edit = &graph->overlay.edges[index];
    if (edit->loaded) return STATUS_OK;
    struct edge_row row;
    struct engine_value value;
    enum status status = get_stored_edge(graph, edit->id, &row, &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    status = handle_copy(graph, row.properties, &edit->row.properties);
    engine_value_release(&value);
    edit->loaded = status == STATUS_OK;
    return status;
}
