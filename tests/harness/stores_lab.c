#include "tests/harness/stores_lab.h"

#include "engine/base/check.h"
#include "engine/base/coding.h"

/* The owner's own rows: here, which entry came last. Not every entry changes a store. */
static const struct engine_tree_kind owner_kind = {.id = KIND_SYSTEM, .name = "test.owner", .filter_bits_per_key = 10};
static const uint8_t last_key[1] = {'l'};

void stores_lab_init(struct stores_lab *lab) {
    *lab = (struct stores_lab){0};
    engine_batch_init(&lab->batch);
    check(kv_machine_create(lab->owners, STORES_LAB_MACHINES, &lab->kv, &lab->machines[0]) == STATUS_OK);
    check(tsdb_machine_create(lab->owners, STORES_LAB_MACHINES, &lab->tsdb, &lab->machines[1]) == STATUS_OK);
    check(graph_machine_create(lab->owners, STORES_LAB_MACHINES, &lab->graph, &lab->machines[2]) == STATUS_OK);
    lab->owners[0] = kv_string_owner;
    lab->owners[1] = tsdb_machine_owner(lab->tsdb);
    lab->owners[2] = graph_name_owner;
    lab->kinds[lab->kind_count++] = owner_kind;
    for (size_t i = 0; i < STORES_LAB_MACHINES; i++) {
        for (size_t k = 0; k < lab->machines[i].kind_count; k++) {
            check(lab->kind_count < STORES_LAB_KINDS);
            lab->kinds[lab->kind_count++] = lab->machines[i].kinds[k];
        }
    }
}

void stores_lab_deinit(struct stores_lab *lab) {
    engine_batch_deinit(&lab->batch);
    buf_deinit(&lab->reply);
    kv_machine_destroy(lab->kv);
    tsdb_machine_destroy(lab->tsdb);
    graph_machine_destroy(lab->graph);
}

enum status stores_lab_attach(struct stores_lab *lab, struct engine *engine) {
    enum status status = STATUS_OK;
    lab->engine = engine;
    for (size_t i = 0; status == STATUS_OK && i < STORES_LAB_MACHINES; i++)
        status = lab->machines[i].after_restore(lab->machines[i].context, engine, STORES_LAB_NAME_SEED);
    return status;
}

struct names_view stores_lab_view(const struct stores_lab *lab) {
    return (struct names_view){.engine = lab->engine, .seed = STORES_LAB_NAME_SEED, .log_time_ms = 1};
}

static enum status stage_trees(struct stores_lab *lab) {
    enum status status = engine_batch_create_tree(&lab->batch, TREE_SYSTEM, KIND_SYSTEM);
    for (size_t i = 0; i < STORES_LAB_MACHINES; i++) {
        const struct state_machine *machine = &lab->machines[i];
        for (size_t k = 0; status == STATUS_OK && k < machine->tree_count; k++)
            status = engine_batch_create_tree(&lab->batch, machine->trees[k].tree, machine->trees[k].kind);
    }
    return status;
}

static enum status read_ahead(struct stores_lab *lab, const struct state_machine *machine, struct slice operation) {
    struct engine_snapshot *snapshot = engine_snapshot_acquire(lab->engine);
    if (snapshot == NULL) return STATUS_NO_MEMORY;
    enum status status = machine->prefetch(machine->context, snapshot, operation);
    engine_snapshot_release(lab->engine, snapshot);
    lab->prefetches++;
    return status;
}

static enum status apply(struct stores_lab *lab, const struct state_machine *machine, const struct envelope *envelope,
                         struct slice operation) {
    engine_batch_clear(&lab->batch);
    buf_clear(&lab->reply);
    return machine->apply(machine->context, envelope, operation, &lab->batch, &lab->reply);
}

enum status stores_lab_stage(struct stores_lab *lab, const struct stores_entry *entry) {
    struct envelope envelope = {.index = entry->index, .term = 1, .time_ms = entry->time_ms, .seed = entry->index};
    enum status status;
    engine_batch_clear(&lab->batch);
    if (entry->store == 0) {
        status = stage_trees(lab);
    } else {
        const struct state_machine *machine = &lab->machines[entry->store - 1];
        check(machine->store == entry->store);
        status = apply(lab, machine, &envelope, entry->operation);
        if (status == STATUS_WOULD_BLOCK) {
            status = read_ahead(lab, machine, entry->operation);
            envelope.may_block = true;
            if (status == STATUS_OK) status = apply(lab, machine, &envelope, entry->operation);
        }
    }
    uint8_t last[8];
    coding_put_u64(last, entry->index);
    lab->batch.mark = (struct engine_mark){.index = entry->index, .term = 1, .time_ms = entry->time_ms};
    if (status != STATUS_OK) return status;
    return engine_batch_put(&lab->batch, TREE_SYSTEM, slice_make(last_key, 1), slice_make(last, sizeof last));
}

enum status stores_lab_last(const struct stores_lab *lab, uint64_t *index) {
    struct engine_tree_info info;
    struct engine_value value;
    *index = 0;
    enum status status = engine_tree_info(lab->engine, TREE_SYSTEM, &info);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = engine_get(lab->engine, NULL, TREE_SYSTEM, slice_make(last_key, 1), &value);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    *index = value.data.size == 8 ? coding_get_u64(value.data.data) : UINT64_MAX;
    engine_value_release(&value);
    return STATUS_OK;
}
