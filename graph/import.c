/* import: writing the operation; see import.h. Applying it: graph/store/apply_import.c. */
#include "graph/import.h"

#include <stdlib.h>

#include "graph/op.h"
#include "graph/property.h"
#include "graph/store/rows.h"

enum status graph_import_begin(struct graph_import *import, struct buf *to, struct slice graph_name, uint32_t flags) {
    const struct graph_op op = {.kind = GRAPH_OP_IMPORT, .name = graph_name, .number = flags};
    *import = (struct graph_import){.to = to, .start = to->size};
    return graph_op_encode(to, &op);
}

/* Appends the record if the operation may grow by it. */
static enum status append(struct graph_import *import, const struct graph_record *record) {
    const size_t before = import->to->size;
    enum status status = graph_record_encode(import->to, record);
    if (status == STATUS_OK && import->to->size - import->start > GRAPH_OPERATION_MAX_BYTES) status = STATUS_TOO_LARGE;
    if (status) import->to->size = before;
    return status;
}

enum status graph_import_word(struct graph_import *import, enum graph_vocabulary vocabulary, struct slice text,
                              uint32_t *number) {
    const struct graph_record record = {.kind = GRAPH_RECORD_WORD, .numbers = {vocabulary}, .strings = {text}};
    if (text.size == 0) return STATUS_INVALID;
    if (text.size > GRAPH_NAME_MAX_BYTES || import->words[vocabulary] == GRAPH_NAMES_MAX) return STATUS_TOO_LARGE;
    enum status status = append(import, &record);
    if (status == STATUS_OK) *number = import->words[vocabulary]++;
    return status;
}

static int by_key(const void *a, const void *b) {
    const struct graph_property *left = a, *right = b;
    return (left->key > right->key) - (left->key < right->key);
}

/* Makes `list` the encoded list. INVALID: a key twice or not declared, no value. */
static enum status encode_list(const struct graph_import *import, const struct graph_property *properties, size_t count,
                               struct buf *list) {
    struct buf sorted = BUF_EMPTY;
    if (count > GRAPH_PROPERTIES_MAX) return STATUS_TOO_LARGE;
    enum status status = buf_append(&sorted, properties, count * sizeof *properties);
    struct graph_property *items = (struct graph_property *)(void *)sorted.data;
    if (status == STATUS_OK && count) qsort(items, count, sizeof *items, by_key);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        const bool fits = items[i].key < import->words[GRAPH_KEY] && graph_property_is_valid(items[i].value);
        status =
            fits && (i == 0 || items[i].key > items[i - 1].key) ? property_list_add(list, &items[i]) : STATUS_INVALID;
        if (list->size > GRAPH_ROW_MAX_BYTES) status = STATUS_TOO_LARGE;
    }
    buf_deinit(&sorted);
    return status;
}

/* The record with its properties, if there is room for one more row. */
static enum status append_row(struct graph_import *import, struct graph_record *record, size_t string,
                              const struct graph_property *properties, size_t count) {
    struct buf list = BUF_EMPTY;
    if (import->rows == GRAPH_IMPORT_ROWS_MAX) return STATUS_TOO_LARGE;
    enum status status = encode_list(import, properties, count, &list);
    record->strings[string] = buf_slice(&list);
    if (status == STATUS_OK) status = append(import, record);
    if (status == STATUS_OK) import->rows++;
    buf_deinit(&list);
    return status;
}

static enum status check_external(struct slice external) {
    if (external.size == 0) return STATUS_INVALID;
    return external.size > GRAPH_EXTERNAL_MAX_BYTES ? STATUS_TOO_LARGE : STATUS_OK;
}

enum status graph_import_node(struct graph_import *import, struct slice external, const uint32_t *labels,
                              size_t label_count, const struct graph_property *properties, size_t property_count) {
    struct graph_record record = {.kind = GRAPH_RECORD_IMPORT_NODE, .strings = {external}};
    if (label_count > GRAPH_LABELS_MAX) return STATUS_TOO_LARGE;
    enum status status = check_external(external);
    for (size_t i = 0; status == STATUS_OK && i < label_count; i++) {
        uint32_t at = record.label_count;
        if (labels[i] >= import->words[GRAPH_LABEL]) return STATUS_INVALID;
        while (at > 0 && record.labels[at - 1] > labels[i]) at--;
        if (at > 0 && record.labels[at - 1] == labels[i]) continue;
        memmove(record.labels + at + 1, record.labels + at, (record.label_count - at) * sizeof record.labels[0]);
        record.labels[at] = labels[i];
        record.label_count++;
    }
    return status ? status : append_row(import, &record, 1, properties, property_count);
}

enum status graph_import_edge(struct graph_import *import, struct slice source, struct slice destination, uint32_t type,
                              const struct graph_property *properties, size_t property_count) {
    struct graph_record record = {
        .kind = GRAPH_RECORD_IMPORT_EDGE, .numbers = {type}, .strings = {source, destination}};
    if (type >= import->words[GRAPH_TYPE]) return STATUS_INVALID;
    enum status status = check_external(source);
    if (status == STATUS_OK) status = check_external(destination);
    return status ? status : append_row(import, &record, 2, properties, property_count);
}

enum status graph_import_read_reply(struct slice reply, struct graph_import_counts *counts) {
    struct decoder decoder = decoder_make(reply);
    struct reply_value value;
    int64_t numbers[5];
    if (reply_decode(&decoder, &value) || value.tag != REPLY_ARRAY || value.count != 5) return STATUS_SYNTAX;
    for (int i = 0; i < 5; i++) {
        if (reply_decode(&decoder, &value) || value.tag != REPLY_INTEGER) return STATUS_SYNTAX;
        numbers[i] = value.integer;
    }
    *counts = (struct graph_import_counts){.nodes_created = (uint64_t)numbers[0],
                                           .nodes_updated = (uint64_t)numbers[1],
                                           .edges_created = (uint64_t)numbers[2],
                                           .edges_refused = (uint64_t)numbers[3],
                                           .first_refused = numbers[4]};
    return STATUS_OK;
}
