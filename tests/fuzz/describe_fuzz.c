/*
 * describe_fuzz: any bytes as keys, rows, operations and records of the log that tools describe. The first byte chooses
 * the describer, the second how a value is meant and a record's type, the third the bytes of the key. Every byte gets
 * exactly one field, in order; and bytes that the store's own decoder takes are described to the end without a fault:
 * the two can't part.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/lsm/batch.h"
#include "engine/lsm/edit.h"
#include "engine/names/names_format.h"
#include "graph/op.h"
#include "graph/store/adjacency.h"
#include "graph/store/keys.h"
#include "graph/store/rows.h"
#include "kv/kv.h"
#include "raft/log/envelope.h"
#include "raft/log/raft_log.h"
#include "raft/log/system_row.h"
#include "tools/loam/inspect/describers.h"
#include "tsdb/codec/chunk.h"
#include "tsdb/codec/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Judging a description --------------------------------------------------------------------------------------- */

struct judge {
    struct slice bytes;
    size_t next;
    bool malformed;
};

static void take_field(void *context, struct slice bytes, const char *name, const char *words) {
    struct judge *judge = context;
    check(name && *name && strlen(words) < FIELD_WORDS_BYTES);
    if (bytes.size == 0) return;
    check(bytes.data == judge->bytes.data + judge->next);
    judge->next += bytes.size;
    check(judge->next <= judge->bytes.size);
    judge->malformed |= strcmp(name, "malformed") == 0;
}

static struct fields begin(struct judge *judge, struct slice bytes) {
    *judge = (struct judge){.bytes = bytes};
    return fields_make(bytes, take_field, judge);
}

/* decoded: what the format's own decoder says of the bytes; NOT_FOUND: there is none. */
static void end(struct fields *fields, struct judge *judge, enum status decoded) {
    const bool sound = fields_end(fields);
    check(judge->next == judge->bytes.size);
    check(sound == (fields->fault == NULL) && !(judge->malformed && sound));
    if (decoded == STATUS_OK) check(sound);
    if (decoded != STATUS_OK && decoded != STATUS_NOT_FOUND) check(!sound);
}

/* ---- What the decoders say ----------------------------------------------------------------------------------------
 */

static enum status decode_chunk(struct slice key, struct slice value) {
    struct samples samples = {0};
    uint64_t series = 0;
    int64_t first_ms = 0;
    enum status status = chunk_key_decode(key, &series, &first_ms);
    if (status == STATUS_OK) status = chunk_decode(value, first_ms, &samples);
    samples_deinit(&samples);
    return status;
}

static enum status decode_adjacency(struct slice key, struct slice value, enum row_form form) {
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    struct adjacency_change changes[ADJACENCY_CHANGES_MAX];
    struct adjacency_head head;
    size_t count;
    if (form == ROW_APPENDED) return STATUS_CORRUPT;
    if (key.size != GRAPH_BLOCK_KEY_BYTES)
        return form == ROW_VALUE ? adjacency_head_decode(value, &head) : STATUS_CORRUPT;
    return form == ROW_OPERAND ? adjacency_operand_decode(value, changes, &count)
                               : adjacency_block_decode(value, false, entries, &count);
}

static enum status decode_value(uint32_t kind, struct slice key, struct slice value, enum row_form form) {
    uint32_t labels[GRAPH_LABELS_MAX];
    struct name_row name;
    struct series_row series;
    struct node_row node;
    struct edge_row edge;
    uint64_t id;
    if (kind == KIND_CHUNKS && form == ROW_VALUE) return decode_chunk(key, value);
    if (kind == TREE_GRAPH_ADJACENCY) return decode_adjacency(key, value, form);
    if (form != ROW_VALUE) return STATUS_NOT_FOUND;
    switch (kind) {
    case KIND_NAMES: return names_decode_row(value, &name);
    case KIND_SERIES: return series_row_decode(value, &series);
    case TREE_GRAPH_NODES: return node_row_decode(value, labels, &node);
    case TREE_GRAPH_EDGES: return edge_row_decode(value, &edge);
    case TREE_GRAPH_EXTERNAL: return graph_id_decode(value, &id);
    default: return STATUS_NOT_FOUND;
    }
}

static enum status decode_key(uint32_t kind, struct slice key) {
    uint64_t number;
    int64_t time_ms;
    struct slice name;
    struct buf label = BUF_EMPTY, text = BUF_EMPTY;
    enum status status;
    switch (kind) {
    case KIND_NAMES: return names_decode_key(key, &number, &name);
    case KIND_NAMES_EXPIRY: return names_decode_expiry(key, &time_ms, &name);
    case KIND_SERIES: return series_key_decode(key, &number);
    case KIND_CHUNKS: return chunk_key_decode(key, &number, &time_ms);
    case KIND_LABELS:
        status = label_key_decode(key, &label, &text, &number);
        buf_deinit(&label);
        buf_deinit(&text);
        return status;
    default: return STATUS_NOT_FOUND;
    }
}

static enum status decode_operation(uint8_t store, struct slice operation) {
    struct kv_op_reader kv;
    struct tsdb_op_reader tsdb;
    struct graph_op graph;
    struct graph_record record;
    if (store == 1) return kv_op_decode(operation, &kv);
    if (store == 2) return tsdb_op_decode(operation, &tsdb);
    enum status status = graph_op_decode(operation, &graph);
    while (status == STATUS_OK) status = graph_record_next(&graph, &record);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status decode_batch(struct slice bytes) {
    struct batch_header header;
    struct batch_reader reader;
    struct batch_operation operation;
    struct slice operations;
    enum status status = batch_header_decode(bytes, &header, &operations);
    if (status) return status;
    batch_reader_init(&reader, operations, header.count);
    do status = batch_reader_next(&reader, &operation);
    while (status == STATUS_OK);
    return status == STATUS_END ? STATUS_NOT_FOUND : status; /* rows inside may be anything */
}

/* ---- What is described ---------------------------------------------------------------------------------------------
 */

static void describe_row(const struct row_describer *rows, struct slice key, struct slice value, enum row_form form) {
    struct judge judge;
    struct fields fields = begin(&judge, key);
    rows->key(&fields);
    end(&fields, &judge, decode_key(rows->kind, key));
    fields = begin(&judge, value);
    rows->value(&fields, key, form);
    end(&fields, &judge, decode_value(rows->kind, key, value, form));
}

static void describe_operation(const struct operation_describer *store, struct slice operation) {
    struct judge judge;
    struct fields fields = begin(&judge, operation);
    store->describe(&fields);
    end(&fields, &judge, decode_operation(store->store, operation));
}

static void describe_record(struct slice bytes, uint8_t type) {
    struct raft_log_record record;
    struct judge judge;
    struct fields fields = begin(&judge, bytes);
    raft_record_describe(&fields, type, &store_describers);
    const enum status status = raft_log_record_decode(type, bytes, &record);
    const bool alone = record.kind != RAFT_LOG_ENTRY || record.entry_kind == RAFT_ENTRY_NOOP;
    end(&fields, &judge, status || alone ? status : STATUS_NOT_FOUND);
    fields = begin(&judge, bytes);
    batch_record_describe(&fields, &node_trees);
    end(&fields, &judge, decode_batch(bytes));
}

/* What the decoder refuses may be well formed: a level that is too high, a feature that is not known. */
static void describe_edit(struct slice bytes) {
    struct judge judge;
    struct edit edit;
    struct error error;
    struct fields fields = begin(&judge, bytes);
    edit_describe(&fields);
    edit_init(&edit, EDIT_CREATE);
    end(&fields, &judge, edit_decode(bytes, &edit, &error) == STATUS_OK ? STATUS_OK : STATUS_NOT_FOUND);
    edit_deinit(&edit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3 || size > 1 << 18) return 0;
    uint8_t *copy = malloc(size - 2); /* exact, so that a sanitizer sees reads past the end */
    check(copy != NULL);
    memcpy(copy, data + 3, size - 3);
    const struct slice bytes = slice_make(copy, size - 3);
    const size_t key_size = data[2] < bytes.size ? data[2] : bytes.size;
    const struct row_describer *rows = describers_get(data[0]);
    if (rows)
        describe_row(rows, slice_make(bytes.data, key_size), slice_from(bytes, key_size), data[1] % 3);
    else if (data[0] % 4 < 3)
        describe_operation(&store_describers.rows[data[0] % 4], bytes);
    else
        describe_record(bytes, data[1]);
    if (!rows && data[0] % 4 == 3) describe_edit(bytes);
    free(copy);
    return 0;
}
