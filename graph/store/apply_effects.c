/* apply_effects: the edits of one query, done again by the verbs that made them. Ids follow from the order. */
#include "graph/store/apply.h"

static enum status replay_word(struct graph *graph, const struct graph_record *record) {
    const enum graph_vocabulary vocabulary = (enum graph_vocabulary)record->numbers[0];
    const uint32_t next = graph->meta.words[vocabulary];
    uint32_t id = 0;
    enum status status = graph_edit_word(graph, vocabulary, record->strings[0], &id);
    if (status) return status;
    return id == next ? STATUS_OK : STATUS_INVALID; /* the query did not know that it was there */
}

static enum status replay(struct graph *graph, const struct graph_record *record) {
    const uint64_t *numbers = record->numbers;
    const struct node_row row = {
        .label_count = record->label_count, .labels = record->labels, .properties = record->strings[0]};
    uint64_t id = 0;
    if (record->kind == GRAPH_RECORD_CREATE_EDGE) {
        if (numbers[0] >= GRAPH_NAMES_MAX) return STATUS_INVALID;
        return handle_create_edge(graph, (uint32_t)numbers[0], numbers[1], numbers[2], record->strings[0], &id);
    }
    if (record->kind == GRAPH_RECORD_CREATE_NODE) return handle_create_node(graph, &row, &id);
    if (record->kind == GRAPH_RECORD_WORD) return replay_word(graph, record);
    if (record->kind == GRAPH_RECORD_DELETE_NODE) return graph_edit_delete_node(graph, numbers[0], false);
    if (record->kind == GRAPH_RECORD_DELETE_EDGE) return graph_edit_delete_edge(graph, numbers[0]);
    const uint32_t word = numbers[1] < GRAPH_NAMES_MAX ? (uint32_t)numbers[1] : GRAPH_NONE;
    switch (record->kind) {
    case GRAPH_RECORD_SET_NODE_PROPERTY:
        return graph_edit_set_node_property(graph, numbers[0], word, record->strings[0]);
    case GRAPH_RECORD_SET_EDGE_PROPERTY:
        return graph_edit_set_edge_property(graph, numbers[0], word, record->strings[0]);
    case GRAPH_RECORD_ADD_LABEL: return graph_edit_add_label(graph, numbers[0], word);
    case GRAPH_RECORD_REMOVE_LABEL: return graph_edit_remove_label(graph, numbers[0], word);
    default: return STATUS_SYNTAX;
    }
}

enum status apply_effects(struct graph_apply *apply) {
    struct graph_record record;
    enum status status = STATUS_OK;
    while ((status = graph_record_next(&apply->op, &record)) == STATUS_OK) {
        status = replay(apply->graph, &record);
        if (status) return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}
