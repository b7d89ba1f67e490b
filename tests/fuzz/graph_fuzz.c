/*
 * graph_fuzz: what the log and the disk may hold for the graph store. The first byte chooses: an operation with its
 * records, a block, operands to be folded, a row, a property list, or an operation that is applied. Each is refused, or
 * read within its input and written back the same.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/explain_node.h"
#include "graph/op.h"
#include "graph/property.h"
#include "graph/store/adjacency.h"
#include "graph/store/rows.h"
#include "tools/sim/sim_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_written(struct buf *written, struct slice bytes) {
    check(slice_equal(buf_slice(written), bytes));
    buf_deinit(written);
}

static void read_operation(struct slice bytes) {
    struct graph_op op;
    struct graph_record record;
    struct buf written = BUF_EMPTY;
    enum status status = STATUS_OK;
    if (graph_op_decode(bytes, &op)) return;
    check(graph_op_encode(&written, &op) == STATUS_OK);
    while ((status = graph_record_next(&op, &record)) == STATUS_OK)
        check(graph_record_encode(&written, &record) == STATUS_OK);
    if (status == STATUS_END)
        expect_written(&written, bytes);
    else
        buf_deinit(&written);
}

struct apart {
    const struct graph_neighbour *entries; /* NULL: the block is refused */
    size_t bytes;
    uint64_t count;
};

static void take_piece(void *context, const struct graph_piece *piece) {
    struct apart *apart = context;
    check(piece->at == apart->bytes && piece->first + piece->second > 0);
    apart->bytes += piece->first + piece->second;
    if (piece->kind != GRAPH_PIECE_ENTRY) return;
    check(piece->number == apart->count++);
    if (!apart->entries) return;
    const struct graph_neighbour *entry = &apart->entries[piece->number];
    check(piece->type == entry->type && piece->node == entry->node && piece->edge == entry->edge);
}

/* Told piece by piece, without a gap, and as the decoder has it. */
static void take_block_apart(struct slice bytes) {
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    size_t count = 0;
    uint64_t put, taken;
    const enum status status = adjacency_block_decode(bytes, false, entries, &count);
    struct apart apart = {.entries = status == STATUS_OK ? entries : NULL};
    check(graph_explain_block(bytes, take_piece, &apart) == status && apart.bytes == bytes.size);
    check(status != STATUS_OK || apart.count == count);
    if (graph_explain_operand(bytes, &put, &taken) == STATUS_OK) check(put + taken <= ADJACENCY_CHANGES_MAX);
}

static void read_block(struct slice bytes) {
    struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS];
    struct adjacency_change changes[ADJACENCY_BLOCK_SLOTS];
    struct buf written = BUF_EMPTY;
    size_t count = 0;
    take_block_apart(bytes);
    if (adjacency_block_decode(bytes, false, entries, &count)) return;
    for (size_t i = 0; i < count; i++) {
        changes[i] =
            (struct adjacency_change){.node = entries[i].node, .edge = entries[i].edge, .type = entries[i].type};
        check(i == 0 || adjacency_order(&changes[i - 1], &changes[i]) < 0);
    }
    check(adjacency_block_encode(&written, changes, count) == STATUS_OK);
    expect_written(&written, bytes);
}

/* A base (maybe none) and up to three operands: two ways of folding give the same, or one of them an error. */
static void fold_operands(struct slice bytes) {
    struct decoder decoder = decoder_make(bytes);
    struct slice parts[4] = {{NULL, 0}};
    struct buf at_once = BUF_EMPTY, partial = BUF_EMPTY, in_steps = BUF_EMPTY;
    for (int i = 0; i < 4; i++) parts[i] = decode_string(&decoder);
    if (decoder.failed) return;
    const struct slice *base = parts[0].size ? &parts[0] : NULL;
    enum status first = adjacency_merge.full(NULL, bytes, base, parts + 1, 3, &at_once);
    enum status second = adjacency_merge.partial(NULL, bytes, parts + 1, 3, &partial);
    const struct slice folded = buf_slice(&partial);
    if (second == STATUS_OK) second = adjacency_merge.full(NULL, bytes, base, &folded, 1, &in_steps);
    if (first == STATUS_OK && second == STATUS_OK) check(slice_equal(buf_slice(&at_once), buf_slice(&in_steps)));
    buf_deinit(&at_once);
    buf_deinit(&partial);
    buf_deinit(&in_steps);
}

static void read_row(struct slice bytes) {
    uint32_t labels[GRAPH_LABELS_MAX];
    struct node_row node;
    struct edge_row edge;
    struct graph_meta meta;
    struct adjacency_head head;
    struct buf written = BUF_EMPTY;
    const uint8_t kind = bytes.data[0] % 4;
    bytes = slice_from(bytes, 1);
    if (kind == 0 && node_row_decode(bytes, labels, &node) == STATUS_OK)
        check(node_row_encode(&written, &node) == STATUS_OK);
    else if (kind == 1 && edge_row_decode(bytes, &edge) == STATUS_OK)
        check(edge_row_encode(&written, &edge) == STATUS_OK);
    else if (kind == 2 && graph_meta_decode(bytes, &meta) == STATUS_OK)
        check(graph_meta_encode(&written, &meta) == STATUS_OK);
    else if (kind == 3 && adjacency_head_decode(bytes, &head) == STATUS_OK)
        check(adjacency_head_encode(&written, &head) == STATUS_OK);
    else
        return;
    expect_written(&written, bytes);
}

static void read_properties(struct slice bytes) {
    struct slice rest = bytes;
    struct graph_property property;
    struct buf written = BUF_EMPTY;
    char words[GRAPH_EXPLAIN_WORDS_BYTES];
    graph_explain_value(bytes, words);
    check(strlen(words) < sizeof words);
    if (!property_list_is_valid(bytes, NULL)) return;
    while (graph_property_next(&rest, &property)) {
        struct slice found;
        check(graph_property_is_valid(property.value));
        check(graph_property_find(bytes, property.key, &found) && slice_equal(found, property.value));
        check(property_list_add(&written, &property) == STATUS_OK);
    }
    expect_written(&written, bytes);
}

/* A store that serves many inputs, emptied before each. */
struct host {
    struct io *io;
    struct engine *engine;
    struct graph_store *store;
    struct engine_batch batch;
    uint64_t index;
    unsigned inputs;
};

enum { INPUTS_MAX = 200 }; /* of one host: what was emptied stays behind as range deletes */

static void write_batch(struct host *host) {
    host->batch.mark.index = ++host->index;
    check(engine_write(host->engine, &host->batch, NULL) == STATUS_OK);
    engine_batch_clear(&host->batch);
}

static void open_host(struct host *host) {
    static struct engine_tree_kind kinds[16];
    struct engine_options options = {
        .kinds = kinds, .wal = ENGINE_WAL_OFF, .disk_reserve_bytes = 1, .memtable_bytes = 8 << 20};
    memcpy(kinds, names_kinds, names_kind_count * sizeof kinds[0]);
    memcpy(kinds + names_kind_count, graph_kinds, graph_kind_count * sizeof kinds[0]);
    options.kind_count = names_kind_count + graph_kind_count;
    *host = (struct host){.io = sim_io_create_alone(1)};
    engine_batch_init(&host->batch);
    check(engine_open(host->io, "db", &options, &host->engine, NULL) == STATUS_OK);
    for (size_t i = 0; i < names_kind_count; i++)
        check(engine_batch_create_tree(&host->batch, names_kinds[i].id, names_kinds[i].id) == STATUS_OK);
    write_batch(host);
    check(graph_store_create(&graph_name_owner, 1, &host->store) == STATUS_OK);
}

static void close_host(struct host *host) {
    graph_store_destroy(host->store);
    engine_batch_deinit(&host->batch);
    engine_close(host->engine);
    io_destroy(host->io);
    host->engine = NULL;
}

static void empty_host(struct host *host) {
    struct names_edit *edit = NULL;
    const struct names_view view = {.engine = host->engine};
    check(names_edit_create(&graph_name_owner, 1, &edit) == STATUS_OK);
    names_edit_begin(edit, &view, &host->batch);
    check(names_edit_clear(edit) == STATUS_OK && names_edit_finish(edit) == STATUS_OK);
    names_edit_destroy(edit);
    write_batch(host);
}

/* On an empty store, then once more: whatever it does, the graphs are whole. */
static void apply_operation(struct slice bytes) {
    static struct host host;
    struct buf reply = BUF_EMPTY;
    if (host.engine && host.inputs == INPUTS_MAX) close_host(&host);
    if (!host.engine) open_host(&host);
    host.inputs++;
    empty_host(&host);
    const struct names_view view = {.engine = host.engine};
    for (int round = 0; round < 2; round++) {
        engine_batch_clear(&host.batch);
        buf_clear(&reply);
        if (graph_apply(host.store, &view, host.index + 1, bytes, &host.batch, &reply) != STATUS_OK) break;
        write_batch(&host);
        check(graph_verify(&view, NULL, NULL) == STATUS_OK);
    }
    engine_batch_clear(&host.batch);
    buf_deinit(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const readers[])(struct slice bytes) = {read_operation, read_block,      fold_operands,
                                                          read_row,       read_properties, apply_operation};
    if (size < 2) return 0;
    readers[data[0] % 6](slice_make(data + 1, size - 1));
    return 0;
}
