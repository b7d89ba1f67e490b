/* rows: see rows.h. */
#include "graph/store/rows.h"

#include "graph/property.h"
#include "graph/store/adjacency.h"

enum { ROW_VERSION = 1 };

static enum status begin_row(struct decoder *decoder, struct slice bytes) {
    *decoder = decoder_make(bytes);
    uint8_t version = decode_u8(decoder);
    if (decoder->failed || version == 0) return STATUS_CORRUPT;
    return version == ROW_VERSION ? STATUS_OK : STATUS_VERSION;
}

static enum status encode_fields(struct buf *to, const uint64_t *fields, size_t count) {
    enum status status = encode_u8(to, ROW_VERSION);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) status = encode_varint(to, fields[i]);
    return status;
}

/* ---- Counters ---------------------------------------------------------------------------------------------------- */

enum status graph_meta_encode(struct buf *to, const struct graph_meta *meta) {
    const uint64_t fields[] = {
        meta->change,     meta->next_node,          meta->next_edge,         meta->node_count,
        meta->edge_count, meta->words[GRAPH_LABEL], meta->words[GRAPH_TYPE], meta->words[GRAPH_KEY]};
    return encode_fields(to, fields, sizeof fields / sizeof fields[0]);
}

enum status graph_meta_decode(struct slice bytes, struct graph_meta *meta) {
    struct decoder decoder;
    enum status status = begin_row(&decoder, bytes);
    if (status) return status;
    *meta = (struct graph_meta){.change = decode_varint(&decoder)};
    meta->next_node = decode_varint(&decoder);
    meta->next_edge = decode_varint(&decoder);
    meta->node_count = decode_varint(&decoder);
    meta->edge_count = decode_varint(&decoder);
    for (int i = 0; i < GRAPH_VOCABULARIES; i++) {
        uint64_t words = decode_varint(&decoder);
        if (words > GRAPH_NAMES_MAX) return STATUS_CORRUPT;
        meta->words[i] = (uint32_t)words;
    }
    bool sound = meta->node_count <= meta->next_node && meta->edge_count <= meta->next_edge;
    return sound && decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}

enum status adjacency_head_encode(struct buf *to, const struct adjacency_head *head) {
    const uint64_t fields[] = {head->degree, head->next_slot};
    return encode_fields(to, fields, 2);
}

enum status adjacency_head_decode(struct slice bytes, struct adjacency_head *head) {
    struct decoder decoder;
    enum status status = begin_row(&decoder, bytes);
    if (status) return status;
    *head = (struct adjacency_head){.degree = decode_varint(&decoder)};
    head->next_slot = decode_varint(&decoder);
    bool sound = head->degree <= head->next_slot && head->next_slot / ADJACENCY_BLOCK_SLOTS <= UINT32_MAX;
    return sound && decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}

enum status graph_id_encode(struct buf *to, uint64_t id) {
    return encode_varint(to, id);
}

enum status graph_id_decode(struct slice bytes, uint64_t *id) {
    struct decoder decoder = decoder_make(bytes);
    *id = decode_varint(&decoder);
    return decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}

/* ---- Labels and properties --------------------------------------------------------------------------------------- */

enum status label_list_encode(struct buf *to, const uint32_t *labels, uint32_t count) {
    enum status status = encode_varint(to, count);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
        status = encode_varint(to, i == 0 ? labels[0] : labels[i] - labels[i - 1]);
    return status;
}

bool label_list_decode(struct decoder *decoder, uint32_t *room, uint32_t *count) {
    uint64_t size = decode_varint(decoder);
    if (decoder->failed || size > GRAPH_LABELS_MAX) return false;
    uint64_t label = 0;
    for (uint64_t i = 0; i < size; i++) {
        uint64_t step = decode_varint(decoder);
        if (step >= GRAPH_NAMES_MAX || (i > 0 && step == 0)) return false;
        label += step;
        if (label >= GRAPH_NAMES_MAX) return false;
        room[i] = (uint32_t)label;
    }
    *count = (uint32_t)size;
    return !decoder->failed;
}

bool property_list_is_valid(struct slice list, uint32_t *count) {
    struct graph_property property;
    uint32_t seen = 0;
    int64_t last = -1;
    while (list.size > 0) {
        if (!graph_property_next(&list, &property)) return false;
        if ((int64_t)property.key <= last || ++seen > GRAPH_PROPERTIES_MAX) return false;
        last = property.key;
    }
    if (count) *count = seen;
    return true;
}

enum status property_list_add(struct buf *to, const struct graph_property *property) {
    enum status status = encode_varint(to, property->key);
    return status ? status : buf_append_slice(to, property->value);
}

/* ---- Nodes and edges --------------------------------------------------------------------------------------------- */

static struct slice rest_of(const struct decoder *decoder) {
    return slice_make(decoder->cursor, (size_t)(decoder->end - decoder->cursor));
}

enum status node_row_encode(struct buf *to, const struct node_row *row) {
    enum status status = encode_u8(to, ROW_VERSION);
    if (status == STATUS_OK) status = label_list_encode(to, row->labels, row->label_count);
    if (status == STATUS_OK) status = encode_string(to, row->external);
    return status ? status : buf_append_slice(to, row->properties);
}

enum status node_row_decode(struct slice bytes, uint32_t *labels, struct node_row *row) {
    struct decoder decoder;
    enum status status = begin_row(&decoder, bytes);
    if (status) return status;
    *row = (struct node_row){.labels = labels};
    if (!label_list_decode(&decoder, labels, &row->label_count)) return STATUS_CORRUPT;
    row->external = decode_string(&decoder);
    if (decoder.failed || row->external.size > GRAPH_EXTERNAL_MAX_BYTES) return STATUS_CORRUPT;
    row->properties = rest_of(&decoder);
    return property_list_is_valid(row->properties, NULL) ? STATUS_OK : STATUS_CORRUPT;
}

enum status edge_row_encode(struct buf *to, const struct edge_row *row) {
    const uint64_t fields[] = {row->source, row->destination, row->type, row->blocks[GRAPH_OUT], row->blocks[GRAPH_IN]};
    enum status status = encode_fields(to, fields, sizeof fields / sizeof fields[0]);
    return status ? status : buf_append_slice(to, row->properties);
}

enum status edge_row_decode(struct slice bytes, struct edge_row *row) {
    struct decoder decoder;
    enum status status = begin_row(&decoder, bytes);
    if (status) return status;
    *row = (struct edge_row){.source = decode_varint(&decoder)};
    row->destination = decode_varint(&decoder);
    uint64_t type = decode_varint(&decoder);
    uint64_t out = decode_varint(&decoder), in = decode_varint(&decoder);
    if (decoder.failed || type >= GRAPH_NAMES_MAX || out > UINT32_MAX || in > UINT32_MAX) return STATUS_CORRUPT;
    row->type = (uint32_t)type;
    row->blocks[GRAPH_OUT] = (uint32_t)out;
    row->blocks[GRAPH_IN] = (uint32_t)in;
    row->properties = rest_of(&decoder);
    return property_list_is_valid(row->properties, NULL) ? STATUS_OK : STATUS_CORRUPT;
}
