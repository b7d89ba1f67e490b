/*
 * apply_import: rows with external ids become nodes and edges. Words of the operation are numbered by it; here they get
 * the graph's ids, and lists their order by these.
 */
#include <stdlib.h>

#include "graph/property.h"
#include "graph/store/apply.h"

struct load {
    struct graph *graph;
    bool make_ends;
    struct buf words[GRAPH_VOCABULARIES]; /* ids of the graph by number of the operation: uint32_t each */
    struct buf sorted, list;              /* scratch */
    struct graph_import_counts counts;
    uint64_t rows, edge_rows;
};

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static enum status load_word(struct load *load, const struct graph_record *record) {
    const enum graph_vocabulary vocabulary = (enum graph_vocabulary)record->numbers[0];
    uint32_t id = 0;
    enum status status = graph_edit_word(load->graph, vocabulary, record->strings[0], &id);
    return status ? status : buf_append(&load->words[vocabulary], &id, sizeof id);
}

/* GRAPH_NONE: the operation has not declared it. */
static uint32_t word_of(const struct load *load, enum graph_vocabulary vocabulary, uint64_t number) {
    const struct buf *words = &load->words[vocabulary];
    uint32_t id = GRAPH_NONE;
    if (number < words->size / sizeof id) memcpy(&id, words->data + number * sizeof id, sizeof id);
    return id;
}

static int by_number(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static int by_key(const void *a, const void *b) {
    const struct graph_property *left = a, *right = b;
    return (left->key > right->key) - (left->key < right->key);
}

/* Two numbers of the operation may be the same word: INVALID for keys, once for labels. */
static enum status map_labels(const struct load *load, const struct graph_record *record, uint32_t *labels,
                              uint32_t *count) {
    for (uint32_t i = 0; i < record->label_count; i++) {
        labels[i] = word_of(load, GRAPH_LABEL, record->labels[i]);
        if (labels[i] == GRAPH_NONE) return STATUS_INVALID;
    }
    *count = 0;
    if (record->label_count == 0) return STATUS_OK;
    qsort(labels, record->label_count, sizeof *labels, by_number);
    for (uint32_t i = 0; i < record->label_count; i++)
        if (i == 0 || labels[i] != labels[*count - 1]) labels[(*count)++] = labels[i];
    return STATUS_OK;
}

static enum status map_properties(struct load *load, struct slice from, struct slice *to) {
    struct graph_property property;
    enum status status = STATUS_OK;
    buf_clear(&load->sorted);
    buf_clear(&load->list);
    while (status == STATUS_OK && graph_property_next(&from, &property)) {
        property.key = word_of(load, GRAPH_KEY, property.key);
        if (property.key == GRAPH_NONE) return STATUS_INVALID;
        status = buf_append(&load->sorted, &property, sizeof property);
    }
    struct graph_property *items = (struct graph_property *)(void *)load->sorted.data;
    const size_t count = load->sorted.size / sizeof *items;
    if (count) qsort(items, count, sizeof *items, by_key);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = i > 0 && items[i].key == items[i - 1].key ? STATUS_INVALID : property_list_add(&load->list, &items[i]);
    *to = buf_slice(&load->list);
    return status;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static enum status load_node(struct load *load, const struct graph_record *record) {
    uint32_t labels[GRAPH_LABELS_MAX];
    struct node_row row = {.labels = labels, .external = record->strings[0]};
    uint64_t id = 0;
    bool changed = false;
    enum status status = map_labels(load, record, labels, &row.label_count);
    if (status == STATUS_OK) status = map_properties(load, record->strings[1], &row.properties);
    if (status) return status;
    status = graph_find_external(load->graph, row.external, &id);
    if (status == STATUS_NOT_FOUND) {
        status = handle_create_node(load->graph, &row, &id);
        load->counts.nodes_created++;
    } else if (status == STATUS_OK) {
        status = handle_merge_node(load->graph, id, &row, &changed);
        load->counts.nodes_updated += changed;
    }
    return status;
}

/* OK, or NOT_FOUND if the end is not there and shall not be made. */
static enum status find_end(struct load *load, struct slice external, uint64_t *id) {
    const struct node_row row = {.external = external};
    enum status status = graph_find_external(load->graph, external, id);
    if (status == STATUS_OK && !overlay_find_external(&load->graph->overlay, external)) {
        struct slice kept; /* rows of one load often share their ends */
        status = handle_copy(load->graph, external, &kept);
        return status ? status : overlay_add_external(&load->graph->overlay, kept, *id);
    }
    if (status != STATUS_NOT_FOUND || !load->make_ends) return status;
    load->counts.nodes_created++;
    return handle_create_node(load->graph, &row, id);
}

static enum status load_edge(struct load *load, const struct graph_record *record) {
    const uint32_t type = word_of(load, GRAPH_TYPE, record->numbers[0]);
    struct slice properties;
    uint64_t ends[2], id = 0;
    const uint64_t row = load->edge_rows++;
    if (type == GRAPH_NONE) return STATUS_INVALID;
    enum status status = map_properties(load, record->strings[2], &properties);
    if (status) return status;
    status = find_end(load, record->strings[0], &ends[0]);
    if (status == STATUS_OK) status = find_end(load, record->strings[1], &ends[1]);
    if (status == STATUS_NOT_FOUND) {
        if (load->counts.edges_refused++ == 0) load->counts.first_refused = (int64_t)row;
        return STATUS_OK;
    }
    if (status) return status;
    load->counts.edges_created++;
    return handle_create_edge(load->graph, type, ends[0], ends[1], properties, &id);
}

static enum status load_record(struct load *load, const struct graph_record *record) {
    if (record->kind == GRAPH_RECORD_WORD) return load_word(load, record);
    if (load->rows++ == GRAPH_IMPORT_ROWS_MAX) return STATUS_TOO_LARGE;
    return record->kind == GRAPH_RECORD_IMPORT_NODE ? load_node(load, record) : load_edge(load, record);
}

static enum status answer(const struct graph_import_counts *counts, struct buf *reply) {
    const int64_t numbers[] = {(int64_t)counts->nodes_created, (int64_t)counts->nodes_updated,
                               (int64_t)counts->edges_created, (int64_t)counts->edges_refused, counts->first_refused};
    enum status status = reply_array(reply, 5);
    for (int i = 0; status == STATUS_OK && i < 5; i++) status = reply_integer(reply, numbers[i]);
    return status;
}

enum status apply_import(struct graph_apply *apply) {
    struct load load = {.graph = apply->graph, .make_ends = apply->op.number & GRAPH_IMPORT_MAKE_ENDS};
    struct graph_record record;
    enum status status = STATUS_OK;
    load.counts.first_refused = -1;
    while (status == STATUS_OK) {
        status = graph_record_next(&apply->op, &record);
        if (status == STATUS_OK) status = load_record(&load, &record);
    }
    if (status == STATUS_END) status = answer(&load.counts, apply->reply);
    for (int i = 0; i < GRAPH_VOCABULARIES; i++) buf_deinit(&load.words[i]);
    buf_deinit(&load.sorted);
    buf_deinit(&load.list);
    return status;
}
