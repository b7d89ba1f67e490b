/* state_machine: fills in struct state_machine for tsdb. Keeps no truth: the engine's pointer, the names' seed, and
 * apply's cache and scratch memory. */
#include "tsdb/state_machine.h"

#include <stdlib.h>

struct tsdb_machine {
    struct tsdb *tsdb;
    struct engine *engine;
    uint64_t seed;
};

static struct names_view view_at(const struct tsdb_machine *machine, const struct engine_snapshot *snapshot,
                                 int64_t time_ms) {
    return (struct names_view){
        .engine = machine->engine, .snapshot = snapshot, .seed = machine->seed, .log_time_ms = time_ms};
}

static enum status machine_apply(void *context, const struct envelope *envelope, struct slice operation,
                                 struct engine_batch *batch, struct buf *reply) {
    struct tsdb_machine *machine = context;
    struct names_view view = view_at(machine, NULL, envelope->time_ms);
    view.memory_only = !envelope->may_block;
    return tsdb_apply(machine->tsdb, &view, envelope->index, operation, batch, reply);
}

static enum status machine_prefetch(void *context, const struct engine_snapshot *snapshot, struct slice operation) {
    const struct tsdb_machine *machine = context;
    /* The entry's time is not known here; that of the state before it is near. */
    struct names_view view = view_at(machine, snapshot, engine_snapshot_mark(snapshot).time_ms);
    return tsdb_prefetch(machine->tsdb, &view, operation);
}

static enum status machine_after_restore(void *context, struct engine *engine, uint64_t seed) {
    struct tsdb_machine *machine = context;
    machine->engine = engine;
    machine->seed = seed;
    tsdb_forget(machine->tsdb);
    return STATUS_OK;
}

static enum status machine_hash(void *context, const struct engine_snapshot *snapshot, int64_t time_ms,
                                uint64_t *hash) {
    const struct tsdb_machine *machine = context;
    struct names_view view = view_at(machine, snapshot, time_ms);
    return tsdb_hash(&view, hash);
}

static const struct state_machine_tree tsdb_trees[] = {
    {TREE_SERIES, KIND_SERIES}, {TREE_CHUNKS, KIND_CHUNKS}, {TREE_LABELS, KIND_LABELS}};

enum status tsdb_machine_create(const struct name_owner *owners, size_t owner_count, struct tsdb_machine **tsdb_machine,
                                struct state_machine *machine) {
    struct tsdb_machine *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    enum status status = tsdb_create(owners, owner_count, &made->tsdb);
    if (status) {
        free(made);
        return status;
    }
    *tsdb_machine = made;
    *machine = (struct state_machine){
        .store = TSDB_STORE,
        .name = "tsdb",
        .context = made,
        .kinds = tsdb_kinds,
        .kind_count = tsdb_kind_count,
        .trees = tsdb_trees,
        .tree_count = sizeof tsdb_trees / sizeof tsdb_trees[0],
        .apply = machine_apply,
        .prefetch = machine_prefetch,
        .after_restore = machine_after_restore,
        .hash = machine_hash,
    };
    return STATUS_OK;
}

void tsdb_machine_destroy(struct tsdb_machine *machine) {
    if (!machine) return;
    tsdb_destroy(machine->tsdb);
    free(machine);
}

struct name_owner tsdb_machine_owner(struct tsdb_machine *machine) {
    return tsdb_owner(machine->tsdb);
}
