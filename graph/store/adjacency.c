/* adjacency: see adjacency.h. */
#include "graph/store/adjacency.h"

#include "engine/base/check.h"
#include "graph/store/keys.h"

enum { BLOCK_VERSION = 1, OPERAND_VERSION = 0x81 };

int adjacency_order(const struct adjacency_change *a, const struct adjacency_change *b) {
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    if (a->node != b->node) return a->node < b->node ? -1 : 1;
    return (a->edge > b->edge) - (a->edge < b->edge);
}

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

/* Entries of one type: the distance of its number, how many, then for each the distance to the neighbour before it and
 * the distance of the edge: from the edge before it, with a sign unless it is the same neighbour. */
static enum status encode_group(struct buf *to, const struct adjacency_change *entries, size_t count, uint32_t base) {
    enum status status = encode_varint(to, entries[0].type - base);
    if (status == STATUS_OK) status = encode_varint(to, count);
    uint64_t node = 0, edge = 0;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = encode_varint(to, entries[i].node - node);
        if (status == STATUS_OK) status = encode_varint(to, coding_zigzag((int64_t)(entries[i].edge - edge)));
        node = entries[i].node;
        edge = entries[i].edge;
    }
    return status;
}

enum status adjacency_block_encode(struct buf *to, const struct adjacency_change *entries, size_t count) {
    check(count <= ADJACENCY_BLOCK_SLOTS);
    enum status status = encode_u8(to, BLOCK_VERSION);
    uint32_t base = 0;
    for (size_t at = 0; status == STATUS_OK && at < count;) {
        size_t end = at + 1;
        while (end < count && entries[end].type == entries[at].type) end++;
        status = encode_group(to, entries + at, end - at, base);
        base = entries[at].type;
        at = end;
    }
    return status;
}

struct block_reader {
    struct decoder decoder;
    struct graph_neighbour *entries;
    size_t count;
    bool incoming;
};

static bool decode_group(struct block_reader *reader, uint32_t type) {
    uint64_t size = decode_varint(&reader->decoder);
    if (size == 0 || size > ADJACENCY_BLOCK_SLOTS - reader->count) return false;
    uint64_t node = 0, edge = 0;
    for (uint64_t i = 0; i < size; i++) {
        uint64_t step = decode_varint(&reader->decoder);
        uint64_t next_edge = edge + (uint64_t)coding_unzigzag(decode_varint(&reader->decoder));
        if (reader->decoder.failed || step > UINT64_MAX - node) return false;
        if (i > 0 && step == 0 && next_edge <= edge) return false;
        node += step;
        edge = next_edge;
        reader->entries[reader->count++] =
            (struct graph_neighbour){.node = node, .edge = edge, .type = type, .incoming = reader->incoming};
    }
    return true;
}

enum status adjacency_block_decode(struct slice bytes, bool incoming,
                                   struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS], size_t *count) {
    struct block_reader reader = {.decoder = decoder_make(bytes), .entries = entries, .incoming = incoming};
    uint8_t version = decode_u8(&reader.decoder);
    if (reader.decoder.failed || version == 0 || version >= 0x80) return STATUS_CORRUPT;
    if (version != BLOCK_VERSION) return STATUS_VERSION;
    uint64_t type = 0;
    for (bool first = true; decoder_left(&reader.decoder) > 0; first = false) {
        uint64_t step = decode_varint(&reader.decoder);
        if (step >= GRAPH_NAMES_MAX || (step == 0 && !first)) return STATUS_CORRUPT;
        type += step;
        if (type >= GRAPH_NAMES_MAX || !decode_group(&reader, (uint32_t)type)) return STATUS_CORRUPT;
    }
    *count = reader.count;
    return reader.decoder.failed ? STATUS_CORRUPT : STATUS_OK;
}

bool adjacency_block_is_empty(struct slice bytes) {
    return bytes.size == 1 && bytes.data[0] == BLOCK_VERSION;
}

/* ---- Operands ---------------------------------------------------------------------------------------------------- */

enum status adjacency_operand_encode(struct buf *to, const struct adjacency_change *changes, size_t count) {
    enum status status = encode_u8(to, OPERAND_VERSION);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = encode_varint(to, (uint64_t)changes[i].type << 1 | changes[i].removed);
        if (status == STATUS_OK) status = encode_varint(to, changes[i].node);
        if (status == STATUS_OK) status = encode_varint(to, changes[i].edge);
    }
    return status;
}

enum status adjacency_operand_decode(struct slice bytes, struct adjacency_change *changes, size_t *count) {
    struct decoder decoder = decoder_make(bytes);
    uint8_t version = decode_u8(&decoder);
    if (decoder.failed || version < 0x80) return STATUS_CORRUPT;
    if (version != OPERAND_VERSION) return STATUS_VERSION;
    size_t seen = 0;
    while (decoder_left(&decoder) > 0) {
        if (seen == ADJACENCY_CHANGES_MAX) return STATUS_CORRUPT;
        uint64_t head = decode_varint(&decoder);
        struct adjacency_change change = {.type = (uint32_t)(head >> 1), .removed = head & 1};
        change.node = decode_varint(&decoder);
        change.edge = decode_varint(&decoder);
        if (decoder.failed || head >> 1 >= GRAPH_NAMES_MAX) return STATUS_CORRUPT;
        if (seen > 0 && adjacency_order(&changes[seen - 1], &change) >= 0) return STATUS_CORRUPT;
        changes[seen++] = change;
    }
    *count = seen;
    return decoder.failed ? STATUS_CORRUPT : STATUS_OK;
}

/* ---- Folding ----------------------------------------------------------------------------------------------------- */

/* Every change of one fold, in order of arrival; then ascending, the newest of each entry only. */
struct gathered {
    struct adjacency_change changes[ADJACENCY_CHANGES_MAX];
    struct adjacency_change scratch[ADJACENCY_CHANGES_MAX];
    size_t count;
};

static enum status gather_block(struct gathered *gathered, struct slice block) {
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    enum status status = adjacency_block_decode(block, false, entries, &gathered->count);
    for (size_t i = 0; status == STATUS_OK && i < gathered->count; i++)
        gathered->changes[i] =
            (struct adjacency_change){.node = entries[i].node, .edge = entries[i].edge, .type = entries[i].type};
    return status;
}

static enum status gather_operand(struct gathered *gathered, struct slice operand) {
    size_t count = 0;
    enum status status = adjacency_operand_decode(operand, gathered->scratch, &count);
    if (status) return status;
    if (count > ADJACENCY_CHANGES_MAX - gathered->count) return STATUS_CORRUPT;
    memcpy(gathered->changes + gathered->count, gathered->scratch, count * sizeof gathered->scratch[0]);
    gathered->count += count;
    return STATUS_OK;
}

/* Two ascending runs side by side become one; of equal entries that of the first run stays in front. */
static void merge_runs(struct gathered *gathered, size_t begin, size_t middle, size_t end) {
    struct adjacency_change *from = gathered->changes;
    size_t left = begin, right = middle, to = begin;
    while (left < middle || right < end) {
        bool take_left = right == end || (left < middle && adjacency_order(&from[left], &from[right]) <= 0);
        gathered->scratch[to++] = take_left ? from[left++] : from[right++];
    }
    memcpy(from + begin, gathered->scratch + begin, (end - begin) * sizeof from[0]);
}

static void sort_changes(struct gathered *gathered) {
    const size_t count = gathered->count;
    for (size_t width = 1; width < count; width *= 2)
        for (size_t begin = 0; begin + width < count; begin += 2 * width) {
            size_t end = begin + 2 * width < count ? begin + 2 * width : count;
            const struct adjacency_change *last = &gathered->changes[begin + width - 1];
            if (adjacency_order(last, last + 1) > 0) merge_runs(gathered, begin, begin + width, end);
        }
}

/* Sorted, each entry once, as its newest change left it; without the removed ones if nothing older can be there. */
static void settle(struct gathered *gathered, bool full) {
    struct adjacency_change *changes = gathered->changes;
    size_t kept = 0;
    sort_changes(gathered);
    for (size_t i = 0; i < gathered->count; i++) {
        bool newest = i + 1 == gathered->count || adjacency_order(&changes[i], &changes[i + 1]) != 0;
        if (newest && !(full && changes[i].removed)) changes[kept++] = changes[i];
    }
    gathered->count = kept;
}

static enum status gather_all(struct gathered *gathered, const struct slice *base, const struct slice *operands,
                              size_t count) {
    enum status status = STATUS_OK;
    gathered->count = 0;
    if (base) status = gather_block(gathered, *base);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) status = gather_operand(gathered, operands[i]);
    return status;
}

static enum status merge_full(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                              size_t count, struct buf *result) {
    struct gathered gathered;
    (void)context;
    (void)key;
    enum status status = gather_all(&gathered, base, operands, count);
    if (status) return status;
    settle(&gathered, true);
    if (gathered.count > ADJACENCY_BLOCK_SLOTS) return STATUS_CORRUPT;
    return adjacency_block_encode(result, gathered.changes, gathered.count);
}

static enum status merge_partial(void *context, struct slice key, const struct slice *operands, size_t count,
                                 struct buf *result) {
    struct gathered gathered;
    (void)context;
    (void)key;
    enum status status = gather_all(&gathered, NULL, operands, count);
    if (status) return status;
    settle(&gathered, false);
    return adjacency_operand_encode(result, gathered.changes, gathered.count);
}

const struct engine_merge adjacency_merge = {.name = "graph.adjacency", .full = merge_full, .partial = merge_partial};

static enum engine_filter_decision drop_empty(void *context, struct slice key, struct slice value,
                                              int64_t mark_time_ms) {
    (void)context;
    (void)mark_time_ms;
    return key.size == GRAPH_BLOCK_KEY_BYTES && adjacency_block_is_empty(value) ? ENGINE_DROP : ENGINE_KEEP;
}

const struct engine_filter adjacency_filter = {.name = "graph.empty_block", .decide = drop_empty};
