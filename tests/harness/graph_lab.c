/* graph_lab: see graph_lab.h. */
#include "tests/harness/graph_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "kv/kv.h"
#include "tools/sim/sim_io.h"

static const char dir[] = "db";

static void expect(enum status status) {
    if (status != STATUS_OK) fail_msg("%s", status_name(status));
}

enum status graph_lab_open_engine(struct graph_lab *lab, struct error *error) {
    enum status status = engine_open(lab->io, dir, &lab->options, &lab->engine, error);
    if (status) return status;
    lab->index = engine_applied(lab->engine).index;
    if (lab->index > 0) return STATUS_OK;
    engine_batch_clear(&lab->batch);
    for (size_t i = 0; status == STATUS_OK && i < names_kind_count; i++)
        status = engine_batch_create_tree(&lab->batch, names_kinds[i].id, names_kinds[i].id);
    if (status == STATUS_OK) status = engine_batch_create_tree(&lab->batch, TREE_SYSTEM, KIND_SYSTEM);
    if (status == STATUS_OK) status = graph_create_trees(&lab->batch);
    lab->batch.mark = (struct engine_mark){.index = 1, .term = 1, .time_ms = lab->now_ms};
    if (status == STATUS_OK) status = engine_write(lab->engine, &lab->batch, NULL);
    lab->index = 1;
    if (lab->options.wal == ENGINE_WAL_OFF) engine_log_durable(lab->engine, 1);
    return status;
}

void graph_lab_close_engine(struct graph_lab *lab) {
    graph_destroy(lab->graph); /* it may hold what belongs to the engine */
    lab->graph = NULL;
    engine_close(lab->engine);
    lab->engine = NULL;
}

void graph_lab_init(struct graph_lab *lab, struct io *io, uint64_t seed, const struct engine_options *options) {
    static const struct engine_options small = {.memtable_bytes = 64 << 10,
                                                .cache_bytes = 256 << 10,
                                                .block_bytes = 1 << 10,
                                                .file_bytes = 32 << 10,
                                                .level_base_bytes = 64 << 10,
                                                .level_ratio = 4,
                                                .wal_segment_bytes = 64 << 10,
                                                .wal = ENGINE_WAL_OFF,
                                                .disk_reserve_bytes = 1};
    *lab = (struct graph_lab){.io = io, .owns_io = io == NULL, .options = options ? *options : small, .now_ms = 1000};
    if (!io) lab->io = sim_io_create_alone(seed);
    assert_true(names_kind_count + graph_kind_count < sizeof lab->kinds / sizeof lab->kinds[0]);
    memcpy(lab->kinds, names_kinds, names_kind_count * sizeof names_kinds[0]);
    memcpy(lab->kinds + names_kind_count, graph_kinds, graph_kind_count * sizeof graph_kinds[0]);
    lab->options.kinds = lab->kinds;
    lab->options.kind_count = names_kind_count + graph_kind_count + 1;
    lab->kinds[lab->options.kind_count - 1] = (struct engine_tree_kind){.id = KIND_SYSTEM, .name = "lab.system"};
    lab->owners[0] = kv_string_owner;
    lab->owners[1] = graph_name_owner;
    engine_batch_init(&lab->batch);
    expect(graph_store_create(lab->owners, GRAPH_LAB_OWNERS, &lab->store));
}

void graph_lab_deinit(struct graph_lab *lab) {
    graph_lab_close_engine(lab);
    graph_store_destroy(lab->store);
    engine_batch_deinit(&lab->batch);
    buf_deinit(&lab->operation);
    buf_deinit(&lab->reply);
    if (lab->owns_io) io_destroy(lab->io);
}

struct names_view graph_lab_view(const struct graph_lab *lab, const struct engine_snapshot *snapshot) {
    return (struct names_view){.engine = lab->engine, .snapshot = snapshot, .seed = 99, .log_time_ms = lab->now_ms};
}

static enum status apply_once(struct graph_lab *lab, struct slice operation, bool memory_only) {
    struct names_view view = graph_lab_view(lab, NULL);
    view.memory_only = memory_only;
    engine_batch_clear(&lab->batch);
    buf_clear(&lab->reply);
    return graph_apply(lab->store, &view, lab->index + 1, operation, &lab->batch, &lab->reply);
}

static enum status read_ahead(struct graph_lab *lab, struct slice operation) {
    struct engine_snapshot *snapshot = engine_snapshot_acquire(lab->engine);
    if (!snapshot) return STATUS_NO_MEMORY;
    const struct names_view view = graph_lab_view(lab, snapshot);
    enum status status = graph_prefetch(lab->store, &view, operation);
    engine_snapshot_release(lab->engine, snapshot);
    lab->prefetches++;
    return status;
}

/* Every entry of a node leaves a row of its own; so no entry is an empty batch, which would be no entry. */
enum status graph_lab_write(struct graph_lab *lab, bool sync) {
    const struct engine_write_options options = {.sync = sync};
    uint8_t row[8];
    coding_put_u64(row, lab->index + 1);
    enum status status =
        engine_batch_put(&lab->batch, TREE_SYSTEM, slice_from_text("index"), slice_make(row, sizeof row));
    lab->batch.mark = (struct engine_mark){.index = lab->index + 1, .term = 1, .time_ms = lab->now_ms};
    if (status == STATUS_OK) status = engine_write(lab->engine, &lab->batch, &options);
    if (status) return status;
    lab->index++;
    if (lab->options.wal == ENGINE_WAL_OFF) engine_log_durable(lab->engine, lab->index);
    return STATUS_OK;
}

enum status graph_lab_try(struct graph_lab *lab, struct slice operation) {
    enum status status = apply_once(lab, operation, true);
    if (status == STATUS_WOULD_BLOCK) {
        status = read_ahead(lab, operation);
        if (status == STATUS_OK) status = apply_once(lab, operation, true);
        if (status == STATUS_WOULD_BLOCK) status = apply_once(lab, operation, false); /* it did not stay in the cache */
    }
    return status ? status : graph_lab_write(lab, false);
}

void graph_lab_apply(struct graph_lab *lab, struct slice operation) {
    expect(graph_lab_try(lab, operation));
}

struct graph *graph_lab_open(struct graph_lab *lab, const char *name) {
    const struct names_view view = graph_lab_view(lab, NULL);
    if (!lab->graph) expect(graph_create(&lab->graph));
    enum status status = graph_open(lab->graph, &view, slice_from_text(name));
    if (status != STATUS_NOT_FOUND) expect(status);
    return lab->graph;
}

static void expect_no_error(const struct graph_lab *lab) {
    struct decoder decoder = decoder_make(buf_slice(&lab->reply));
    struct reply_value value;
    expect(reply_decode(&decoder, &value));
    if (value.tag == REPLY_ERROR) fail_msg("%.*s", (int)value.text.size, (const char *)value.text.data);
}

void graph_lab_commit(struct graph_lab *lab, const struct graph *graph) {
    buf_clear(&lab->operation);
    expect(graph_edit_operation(graph, &lab->operation));
    graph_lab_apply(lab, buf_slice(&lab->operation));
    expect_no_error(lab);
}

void graph_lab_delete(struct graph_lab *lab, const char *name) {
    buf_clear(&lab->operation);
    expect(graph_op_encode_delete(&lab->operation, slice_from_text(name)));
    graph_lab_apply(lab, buf_slice(&lab->operation));
    expect_no_error(lab);
}

static void say_finding(void *context, uint64_t object, const char *text) {
    (void)context;
    printf("graph %llu: %s\n", (unsigned long long)object, text);
}

void graph_lab_expect_whole(const struct graph_lab *lab) {
    const struct names_view view = graph_lab_view(lab, NULL);
    expect(graph_verify(&view, say_finding, NULL));
}

uint64_t graph_lab_hash(const struct graph_lab *lab) {
    const struct names_view view = graph_lab_view(lab, NULL);
    uint64_t hash = 0;
    expect(graph_hash(&view, &hash));
    return hash;
}
