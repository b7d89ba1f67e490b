#include "tests/harness/stores_workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "graph/property.h"
#include "tools/sim/sim_io.h"

enum { SAMPLES_MAX = 24, EDITS_MAX = 16, TEXT_MAX = 400, STEP_MS = 1000, LATE_STEPS = 8 };

struct stores_workload_counts stores_workload_counts;

struct entry {
    uint8_t store;
    struct buf operation;
    struct model_state state; /* after it */
};

struct stores_workload {
    uint64_t seed;
    uint32_t count;
    struct entry *entries; /* from 1 */
};

/* While it is made. */
struct maker {
    struct stores_workload *workload;
    struct stores_lab *lab;
    struct prng prng;
    uint32_t n;
    struct entry *entry; /* n's; its state is that of n - 1, until it is changed */
    struct buf stale;    /* an operation on a graph, computed on a state that has passed; or empty */
};

static void must(enum status status) {
    check(status == STATUS_OK);
}

static struct slice name_slice(unsigned number) {
    return slice_from_text(model_name_text(number));
}

static unsigned draw_name(struct maker *maker) {
    return (unsigned)prng_below(&maker->prng, MODEL_NAMES);
}

/* Mostly one of this type, if there is one. */
static unsigned draw_name_of(struct maker *maker, enum model_type type) {
    unsigned number = draw_name(maker);
    if (prng_chance(&maker->prng, 1, 8)) return number;
    for (unsigned i = 0; i < MODEL_NAMES && maker->entry->state.names[number].type != type; i++)
        number = (number + 1) % MODEL_NAMES;
    return number;
}

/* ---- Strings and names ------------------------------------------------------------------------------------------- */

static void encode_kv(struct maker *maker, enum kv_op_kind kind, struct slice first, struct slice second,
                      size_t count) {
    const struct slice arguments[2] = {first, second};
    const struct kv_op op = {.kind = kind, .arguments = arguments, .argument_count = count};
    maker->entry->store = KV_STORE;
    must(kv_op_encode(&maker->entry->operation, &op));
}

static struct slice draw_text(struct maker *maker, char text[TEXT_MAX]) {
    size_t size = (size_t)prng_between(&maker->prng, 1, TEXT_MAX);
    for (size_t i = 0; i < size; i++) text[i] = (char)('a' + prng_below(&maker->prng, 26));
    return slice_make(text, size);
}

static void make_text(struct maker *maker, bool is_append) {
    char room[TEXT_MAX];
    unsigned number = draw_name(maker);
    struct model_name *name = &maker->entry->state.names[number];
    struct slice text = draw_text(maker, room);
    encode_kv(maker, is_append ? KV_OP_APPEND : KV_OP_SET, name_slice(number), text, 2);
    if (is_append && name->type != MODEL_NOTHING && name->type != MODEL_STRING) return; /* refused */
    if (!is_append || name->type == MODEL_NOTHING) model_become(name, MODEL_STRING);
    must(buf_append_slice(&name->text, text));
}

static void make_delete(struct maker *maker) {
    unsigned number = draw_name(maker);
    encode_kv(maker, KV_OP_DELETE, name_slice(number), slice_make(NULL, 0), 1);
    model_become(&maker->entry->state.names[number], MODEL_NOTHING);
    stores_workload_counts.whole_deletes++;
}

static void make_rename(struct maker *maker) {
    unsigned from = draw_name(maker),
             to = (from + 1 + (unsigned)prng_below(&maker->prng, MODEL_NAMES - 1)) % MODEL_NAMES;
    struct model_name *names = maker->entry->state.names;
    encode_kv(maker, KV_OP_RENAME, name_slice(from), name_slice(to), 2);
    if (names[from].type == MODEL_NOTHING) return; /* refused */
    model_become(&names[to], MODEL_NOTHING);
    names[to] = names[from];
    names[from] = (struct model_name){.type = MODEL_NOTHING};
    stores_workload_counts.renames++;
}

static void make_clear(struct maker *maker) {
    encode_kv(maker, KV_OP_CLEAR, slice_make(NULL, 0), slice_make(NULL, 0), 0);
    model_clear(&maker->entry->state);
}

static void make_kv(struct maker *maker) {
    uint64_t draw = prng_below(&maker->prng, 100);
    if (draw < 62)
        make_text(maker, draw < 30);
    else if (draw < 78)
        make_delete(maker);
    else if (draw < 98)
        make_rename(maker);
    else
        make_clear(maker);
}

/* ---- Series ------------------------------------------------------------------------------------------------------ */

static double draw_value(struct prng *prng) {
    static const uint64_t odd[] = {0x8000000000000000U, 0x7ff0000000000000U, 0xfff0000000000000U, 0x7ff8000000000123U};
    double value = (double)prng_below(prng, 1000) / 8;
    if (prng_chance(prng, 1, 10)) memcpy(&value, &odd[prng_below(prng, 4)], sizeof value);
    return prng_chance(prng, 1, 4) ? prng_unit(prng) * 1e6 : value;
}

static int64_t draw_time(struct maker *maker) {
    int64_t time_ms = (int64_t)maker->n * STEP_MS + (int64_t)prng_below(&maker->prng, STEP_MS);
    if (!prng_chance(&maker->prng, 1, 4)) return time_ms;
    stores_workload_counts.late_samples++;
    return time_ms - (int64_t)prng_below(&maker->prng, LATE_STEPS * STEP_MS);
}

static void encode_tsdb(struct maker *maker, const struct tsdb_op *op) {
    maker->entry->store = TSDB_STORE;
    must(tsdb_op_encode(&maker->entry->operation, op));
}

static void make_add(struct maker *maker) {
    static const struct tsdb_label label = {{(const uint8_t *)"kind", 4}, {(const uint8_t *)"any", 3}};
    unsigned number = draw_name_of(maker, prng_chance(&maker->prng, 1, 3) ? MODEL_NOTHING : MODEL_SERIES);
    struct model_name *name = &maker->entry->state.names[number];
    const struct tsdb_add sample = {
        .name = name_slice(number), .time_ms = draw_time(maker), .value = draw_value(&maker->prng)};
    encode_tsdb(maker, &(struct tsdb_op){.kind = TSDB_OP_ADD,
                                         .settings = {.given = TSDB_CHUNK_SIZE | TSDB_DUPLICATE_POLICY | TSDB_LABELS,
                                                      .chunk_bytes = prng_chance(&maker->prng, 1, 2) ? 64 : 160,
                                                      .policy = TSDB_POLICY_LAST,
                                                      .labels = &label,
                                                      .label_count = 1},
                                         .samples = &sample,
                                         .sample_count = 1});
    if (name->type == MODEL_NOTHING) model_become(name, MODEL_SERIES);
    if (name->type == MODEL_SERIES) model_put_sample(name, sample.time_ms, sample.value);
}

static void make_madd(struct maker *maker) {
    struct tsdb_add samples[SAMPLES_MAX];
    size_t count = (size_t)prng_between(&maker->prng, 1, SAMPLES_MAX);
    for (size_t i = 0; i < count; i++) {
        unsigned number = draw_name_of(maker, MODEL_SERIES);
        struct model_name *name = &maker->entry->state.names[number];
        samples[i] = (struct tsdb_add){
            .name = name_slice(number), .time_ms = draw_time(maker), .value = draw_value(&maker->prng)};
        if (name->type == MODEL_SERIES) model_put_sample(name, samples[i].time_ms, samples[i].value);
    }
    encode_tsdb(maker, &(struct tsdb_op){.kind = TSDB_OP_MADD, .samples = samples, .sample_count = count});
}

static void make_delete_range(struct maker *maker) {
    unsigned number = draw_name_of(maker, MODEL_SERIES);
    struct model_name *name = &maker->entry->state.names[number];
    struct tsdb_op op = {.kind = TSDB_OP_DELETE_RANGE, .name = name_slice(number), .from_ms = draw_time(maker)};
    op.to_ms = op.from_ms + (int64_t)prng_below(&maker->prng, 4 * STEP_MS);
    encode_tsdb(maker, &op);
    if (name->type != MODEL_SERIES) return;
    model_delete_samples(name, op.from_ms, op.to_ms);
    stores_workload_counts.deleted_ranges++;
}

static void make_tsdb(struct maker *maker) {
    uint64_t draw = prng_below(&maker->prng, 10);
    if (draw < 3)
        make_add(maker);
    else if (draw < 8)
        make_madd(maker);
    else
        make_delete_range(maker);
}

/* ---- Graphs ------------------------------------------------------------------------------------------------------ */

/* One query's edits, on the handle and on the model. */
struct editing {
    struct graph *graph;
    struct model_name *model;
    uint32_t label, type, key;
    struct prng *prng;
};

/* The first ones are hubs. */
static uint64_t draw_node(const struct editing *editing) {
    size_t count = model_node_count(editing->model);
    size_t at = (size_t)prng_below(editing->prng, prng_chance(editing->prng, 1, 2) && count > 2 ? 2 : count);
    return ((const uint64_t *)(const void *)editing->model->nodes.data)[at];
}

static void edit_node(const struct editing *editing) {
    uint64_t id = 0;
    must(graph_edit_create_node(editing->graph, &editing->label, 1, NULL, 0, &id));
    model_add_node(editing->model, id);
}

static void edit_edge(const struct editing *editing) {
    struct buf value = BUF_EMPTY;
    struct model_edge edge = {.source = draw_node(editing), .destination = draw_node(editing)};
    edge.token = (int64_t)prng_below(editing->prng, 1000000);
    must(graph_property_encode_integer(&value, edge.token));
    const struct graph_property property = {.key = editing->key, .value = buf_slice(&value)};
    must(graph_edit_create_edge(editing->graph, editing->type, edge.source, edge.destination, &property, 1, &edge.id));
    model_add_edge(editing->model, &edge);
    buf_deinit(&value);
}

static void edit_less(const struct editing *editing) {
    size_t edges = model_edge_count(editing->model);
    if (prng_chance(editing->prng, 1, 4)) {
        uint64_t node = draw_node(editing);
        must(graph_edit_delete_node(editing->graph, node, true));
        model_delete_node(editing->model, node);
    } else if (edges > 0) {
        const struct model_edge *edge =
            (const struct model_edge *)(const void *)editing->model->edges.data + prng_below(editing->prng, edges);
        uint64_t id = edge->id;
        must(graph_edit_delete_edge(editing->graph, id));
        model_delete_edge(editing->model, id);
        stores_workload_counts.deleted_edges++;
    }
}

/* Appends the operation of one query on the present state; *model becomes what the graph is after it. */
static void edit(struct maker *maker, unsigned number, struct model_name *model, struct buf *operation) {
    const struct names_view view = stores_lab_view(maker->lab);
    struct editing editing = {.model = model, .prng = &maker->prng};
    must(graph_create(&editing.graph));
    enum status status = graph_open(editing.graph, &view, name_slice(number));
    check(status == STATUS_OK || status == STATUS_NOT_FOUND);
    if (model->type != MODEL_GRAPH) model_become(model, MODEL_GRAPH);
    must(graph_edit_word(editing.graph, GRAPH_LABEL, slice_from_text("Node"), &editing.label));
    must(graph_edit_word(editing.graph, GRAPH_TYPE, slice_from_text("EDGE"), &editing.type));
    must(graph_edit_word(editing.graph, GRAPH_KEY, slice_from_text("token"), &editing.key));
    edit_node(&editing); /* so that it does change something */
    for (uint64_t left = prng_below(&maker->prng, EDITS_MAX); left > 0; left--) {
        uint64_t draw = model_node_count(model) == 0 ? 0 : prng_below(&maker->prng, 10);
        if (draw < 2)
            edit_node(&editing);
        else if (draw < 8)
            edit_edge(&editing);
        else
            edit_less(&editing);
    }
    must(graph_edit_operation(editing.graph, operation));
    graph_destroy(editing.graph);
}

/* A second query that starts on the same state, and will be late. */
static void make_late_edit(struct maker *maker, unsigned number) {
    struct model_state unused = {0};
    model_copy(&unused, &maker->entry->state);
    buf_clear(&maker->stale);
    edit(maker, number, &unused.names[number], &maker->stale);
    model_clear(&unused);
}

static void make_edits(struct maker *maker) {
    unsigned number = draw_name(maker);
    struct model_name *name = &maker->entry->state.names[number];
    for (unsigned i = 0; i < MODEL_NAMES && name->type != MODEL_NOTHING && name->type != MODEL_GRAPH; i++) {
        number = (number + 1) % MODEL_NAMES;
        name = &maker->entry->state.names[number];
    }
    maker->entry->store = GRAPH_STORE;
    if (name->type != MODEL_NOTHING && name->type != MODEL_GRAPH) { /* none is left: refused */
        must(graph_op_encode_delete(&maker->entry->operation, name_slice(number)));
        return;
    }
    if (prng_chance(&maker->prng, 1, 6)) make_late_edit(maker, number);
    edit(maker, number, name, &maker->entry->operation);
}

static void make_graph(struct maker *maker) {
    maker->entry->store = GRAPH_STORE;
    if (!prng_chance(&maker->prng, 1, 20)) {
        make_edits(maker);
        return;
    }
    unsigned number = draw_name(maker);
    struct model_name *name = &maker->entry->state.names[number];
    must(graph_op_encode_delete(&maker->entry->operation, name_slice(number)));
    if (name->type == MODEL_GRAPH) model_become(name, MODEL_NOTHING);
}

/* ---- The series of entries --------------------------------------------------------------------------------------- */

static void make_entry(struct maker *maker) {
    uint64_t draw = prng_below(&maker->prng, 10);
    if (maker->n == 1) return; /* the trees */
    if (maker->stale.size > 0) {
        /* The graph has changed since, by the entry before: nothing may happen. */
        maker->entry->store = GRAPH_STORE;
        must(buf_assign(&maker->entry->operation, buf_slice(&maker->stale)));
        buf_clear(&maker->stale);
        stores_workload_counts.stale_edits++;
    } else if (draw < 3) {
        make_kv(maker);
    } else if (draw < 6) {
        make_tsdb(maker);
    } else {
        make_graph(maker);
    }
}

static enum status play(struct maker *maker, struct engine *engine, struct error *error) {
    enum status status = stores_lab_attach(maker->lab, engine);
    for (maker->n = 1; status == STATUS_OK && maker->n <= maker->workload->count; maker->n++) {
        maker->entry = &maker->workload->entries[maker->n];
        if (maker->n > 1) model_copy(&maker->entry->state, &maker->workload->entries[maker->n - 1].state);
        make_entry(maker);
        const struct stores_entry entry = stores_workload_entry(maker->workload, maker->n);
        status = stores_lab_stage(maker->lab, &entry);
        if (status == STATUS_OK) status = engine_write(engine, &maker->lab->batch, NULL);
        if (status != STATUS_OK) return error_set(error, status, "entry %u: %s", maker->n, status_text(status));
        status = model_compare(&maker->entry->state, maker->lab, error);
        if (status != STATUS_OK) (void)error_prefix(error, status, "without any cut, after entry %u", maker->n);
    }
    return status;
}

static enum status make(struct stores_workload *workload, struct error *error) {
    struct stores_lab lab;
    struct engine *engine = NULL;
    struct maker maker = {.workload = workload, .lab = &lab};
    prng_init(&maker.prng, workload->seed);
    stores_lab_init(&lab);
    struct engine_options options = stores_workload_engine_options(&lab);
    struct io *io = sim_io_create_alone(workload->seed);
    enum status status = engine_open(io, "/made", &options, &engine, error);
    if (status == STATUS_OK) status = play(&maker, engine, error);
    engine_close(engine);
    io_destroy(io);
    stores_lab_deinit(&lab);
    buf_deinit(&maker.stale);
    return status;
}

struct stores_workload *stores_workload_create(uint64_t seed, uint32_t entries, struct error *error) {
    struct stores_workload *workload = calloc(1, sizeof *workload);
    check(workload != NULL);
    *workload = (struct stores_workload){.seed = seed, .count = entries};
    workload->entries = calloc((size_t)entries + 1, sizeof *workload->entries);
    check(workload->entries != NULL);
    if (make(workload, error) == STATUS_OK) return workload;
    stores_workload_destroy(workload);
    return NULL;
}

void stores_workload_destroy(struct stores_workload *workload) {
    if (workload == NULL) return;
    for (uint32_t n = 0; n <= workload->count; n++) {
        buf_deinit(&workload->entries[n].operation);
        model_clear(&workload->entries[n].state);
    }
    free(workload->entries);
    free(workload);
}

struct stores_entry stores_workload_entry(const struct stores_workload *workload, uint32_t n) {
    check(n >= 1 && n <= workload->count);
    const struct entry *entry = &workload->entries[n];
    return (struct stores_entry){
        .index = n, .time_ms = (int64_t)n * STEP_MS, .store = entry->store, .operation = buf_slice(&entry->operation)};
}

const struct model_state *stores_workload_state(const struct stores_workload *workload, uint32_t n) {
    check(n <= workload->count);
    return &workload->entries[n].state;
}

struct engine_options stores_workload_engine_options(const struct stores_lab *lab) {
    return (struct engine_options){.kinds = lab->kinds,
                                   .kind_count = lab->kind_count,
                                   .memtable_bytes = 12 << 10,
                                   .memtable_limit = 3,
                                   .cache_bytes = 48 << 10,
                                   .block_bytes = 512,
                                   .file_bytes = 8 << 10,
                                   .level_base_bytes = 16 << 10,
                                   .level_ratio = 4,
                                   .level0_trigger = 2,
                                   .wal_segment_bytes = 64 << 10,
                                   .disk_reserve_bytes = 1};
}
