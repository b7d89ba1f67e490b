/* property: see property.h. The encoder of a value stands beside its decoder; graph/FORMAT.md, "properties". */
#include "graph/property.h"

#include "engine/base/coding.h"
#include "graph/value.h"

/* ---- Heads ------------------------------------------------------------------------------------------------------- */

enum status graph_property_encode_boolean(struct buf *to, bool value) {
    return encode_u8(to, value ? GRAPH_PROPERTY_TRUE : GRAPH_PROPERTY_FALSE);
}

enum status graph_property_encode_integer(struct buf *to, int64_t value) {
    enum status status = encode_u8(to, GRAPH_PROPERTY_INTEGER);
    return status ? status : encode_varint(to, coding_zigzag(value));
}

enum status graph_property_encode_float(struct buf *to, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    enum status status = encode_u8(to, GRAPH_PROPERTY_FLOAT);
    return status ? status : encode_u64(to, bits);
}

enum status graph_property_encode_string(struct buf *to, struct slice value) {
    enum status status = encode_u8(to, GRAPH_PROPERTY_STRING);
    return status ? status : encode_string(to, value);
}

enum status graph_property_encode_list_head(struct buf *to, uint64_t count) {
    enum status status = encode_u8(to, GRAPH_PROPERTY_LIST);
    return status ? status : encode_varint(to, count);
}

bool graph_property_read(struct decoder *decoder, struct graph_property_head *head) {
    *head = (struct graph_property_head){.tag = (enum graph_property_tag)decode_u8(decoder)};
    uint64_t bits = 0;
    switch (head->tag) {
    case GRAPH_PROPERTY_FALSE:
    case GRAPH_PROPERTY_TRUE: break;
    case GRAPH_PROPERTY_INTEGER: head->integer = coding_unzigzag(decode_varint(decoder)); break;
    case GRAPH_PROPERTY_FLOAT:
        bits = decode_u64(decoder);
        memcpy(&head->number, &bits, sizeof bits);
        break;
    case GRAPH_PROPERTY_STRING: head->text = decode_string(decoder); break;
    case GRAPH_PROPERTY_LIST:
        head->count = decode_varint(decoder);
        if (head->count > decoder_left(decoder)) decoder->failed = true; /* an element has a byte at least */
        break;
    default: decoder->failed = true;
    }
    return !decoder->failed;
}

/* Steps over one whole value. */
static bool skip_value(struct decoder *decoder) {
    struct graph_property_head head, item;
    if (!graph_property_read(decoder, &head)) return false;
    for (uint64_t i = 0; i < head.count; i++) {
        if (!graph_property_read(decoder, &item)) return false;
        if (item.tag == GRAPH_PROPERTY_LIST) decoder->failed = true;
    }
    return !decoder->failed;
}

bool graph_property_is_valid(struct slice bytes) {
    struct decoder decoder = decoder_make(bytes);
    return skip_value(&decoder) && decoder_finished(&decoder);
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

bool graph_property_next(struct slice *rest, struct graph_property *property) {
    struct decoder decoder = decoder_make(*rest);
    if (rest->size == 0) return false;
    uint64_t key = decode_varint(&decoder);
    const uint8_t *start = decoder.cursor;
    if (!skip_value(&decoder) || key >= GRAPH_NAMES_MAX) return false;
    *property = (struct graph_property){(uint32_t)key, slice_make(start, (size_t)(decoder.cursor - start))};
    *rest = slice_make(decoder.cursor, (size_t)(decoder.end - decoder.cursor));
    return true;
}

bool graph_property_find(struct slice properties, uint32_t key, struct slice *value) {
    struct graph_property property;
    while (graph_property_next(&properties, &property) && property.key <= key) {
        if (property.key < key) continue;
        *value = property.value;
        return true;
    }
    return false;
}

/* ---- Values in memory -------------------------------------------------------------------------------------------- */

static enum status encode_scalar(struct buf *to, const struct value *value) {
    switch (value->type) {
    case VALUE_BOOLEAN: return graph_property_encode_boolean(to, value->boolean);
    case VALUE_INTEGER: return graph_property_encode_integer(to, value->integer);
    case VALUE_FLOAT: return graph_property_encode_float(to, value->number);
    case VALUE_STRING: return graph_property_encode_string(to, value->text);
    default: return STATUS_INVALID;
    }
}

static enum status encode_list(struct buf *to, const struct value *value) {
    enum status status = graph_property_encode_list_head(to, value->list.count);
    for (size_t i = 0; status == STATUS_OK && i < value->list.count; i++)
        status = encode_scalar(to, &value->list.items[i]);
    return status;
}

enum status graph_property_encode(struct buf *to, const struct value *value) {
    const size_t start = to->size;
    enum status status = value->type == VALUE_LIST ? encode_list(to, value) : encode_scalar(to, value);
    if (status == STATUS_OK && to->size - start > GRAPH_ROW_MAX_BYTES) status = STATUS_TOO_LARGE;
    if (status != STATUS_OK) to->size = start;
    return status;
}

static bool scalar_of(const struct graph_property_head *head, struct value *value) {
    switch (head->tag) {
    case GRAPH_PROPERTY_FALSE: *value = value_boolean(false); return true;
    case GRAPH_PROPERTY_TRUE: *value = value_boolean(true); return true;
    case GRAPH_PROPERTY_INTEGER: *value = value_integer(head->integer); return true;
    case GRAPH_PROPERTY_FLOAT: *value = value_float(head->number); return true;
    case GRAPH_PROPERTY_STRING: *value = value_string(head->text); return true;
    default: return false;
    }
}

static enum status decode_list(struct decoder *decoder, size_t count, struct value_arena *arena, struct value *value) {
    struct value *items = count ? value_alloc_array(arena, count, sizeof *items) : NULL;
    if (count && !items) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct graph_property_head head;
        if (!graph_property_read(decoder, &head) || !scalar_of(&head, &items[i])) return STATUS_CORRUPT;
    }
    return value_list(items, count, value);
}

enum status graph_property_decode(struct slice bytes, struct value_arena *arena, struct value *value) {
    struct decoder decoder = decoder_make(bytes);
    struct graph_property_head head;
    enum status status = STATUS_OK;
    if (!graph_property_read(&decoder, &head)) return STATUS_CORRUPT;
    if (head.tag == GRAPH_PROPERTY_LIST)
        status = decode_list(&decoder, (size_t)head.count, arena, value);
    else if (!scalar_of(&head, value))
        status = STATUS_CORRUPT;
    if (status != STATUS_OK) return status;
    return decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}
