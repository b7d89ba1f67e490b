/* state_machine: fills in struct state_machine for graph. Keeps no truth: the engine's pointer, the names' seed, and
 * apply's scratch memory. */
#include "graph/state_machine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/store/keys.h"

struct graph_machine {
    struct graph_store *store;
    struct engine *engine;
    uint64_t seed;
    struct state_machine_tree trees[GRAPH_TREE_COUNT];
};

static struct names_view view_at(const struct graph_machine *machine, const struct engine_snapshot *snapshot,
                                 int64_t time_ms) {
    return (struct names_view){
        .engine = machine->engine, .snapshot = snapshot, .seed = machine->seed, .log_time_ms = time_ms};
}

static enum status machine_apply(void *context, const struct envelope *envelope, struct slice operation,
                                 struct engine_batch *batch, struct buf *reply) {
    struct graph_machine *machine = context;
    struct names_view view = view_at(machine, NULL, envelope->time_ms);
    view.memory_only = !envelope->may_block;
    return graph_apply(machine->store, &view, envelope->index, operation, batch, reply);
}

static enum status machine_prefetch(void *context, const struct engine_snapshot *snapshot, struct slice operation) {
    const struct graph_machine *machine = context;
    struct names_view view = view_at(machine, snapshot, 0);
    return graph_prefetch(machine->store, &view, operation);
}

static enum status machine_after_restore(void *context, struct engine *engine, uint64_t seed) {
    struct graph_machine *machine = context;
    machine->engine = engine;
    machine->seed = seed;
    return STATUS_OK;
}

static enum status machine_hash(void *context, const struct engine_snapshot *snapshot, int64_t time_ms,
                                uint64_t *hash) {
    const struct graph_machine *machine = context;
    struct names_view view = view_at(machine, snapshot, time_ms);
    return graph_hash(&view, hash);
}

struct finding {
    struct error *error;
    bool is_told;
};

static void note_first(void *context, uint64_t object, const char *text) {
    struct finding *finding = context;
    if (!finding->is_told) (void)error_set(finding->error, STATUS_CORRUPT, "graph %" PRIu64 ": %s", object, text);
    finding->is_told = true;
}

static enum status machine_verify(void *context, const struct engine_snapshot *snapshot, int64_t time_ms,
                                  struct error *error) {
    const struct graph_machine *machine = context;
    struct names_view view = view_at(machine, snapshot, time_ms);
    struct finding finding = {.error = error};
    enum status status = graph_verify(&view, note_first, &finding);
    if (status == STATUS_OK || finding.is_told) return status;
    return error_set(error, status, "graphs: %s", status_text(status));
}

enum status graph_machine_create(const struct name_owner *owners, size_t owner_count,
                                 struct graph_machine **graph_machine, struct state_machine *machine) {
    struct graph_machine *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    enum status status = graph_store_create(owners, owner_count, &made->store);
    if (status) {
        free(made);
        return status;
    }
    check(graph_kind_count == GRAPH_TREE_COUNT);
    for (size_t i = 0; i < graph_kind_count; i++)
        made->trees[i] = (struct state_machine_tree){graph_kinds[i].id, graph_kinds[i].id};
    *graph_machine = made;
    *machine = (struct state_machine){
        .store = GRAPH_STORE,
        .name = "graph",
        .context = made,
        .kinds = graph_kinds,
        .kind_count = graph_kind_count,
        .trees = made->trees,
        .tree_count = graph_kind_count,
        .apply = machine_apply,
        .prefetch = machine_prefetch,
        .after_restore = machine_after_restore,
        .hash = machine_hash,
        .verify = machine_verify,
    };
    return STATUS_OK;
}

void graph_machine_destroy(struct graph_machine *machine) {
    if (!machine) return;
    graph_store_destroy(machine->store);
    free(machine);
}
