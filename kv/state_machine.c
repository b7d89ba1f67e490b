/* state_machine: fills in struct state_machine for kv. Keeps no truth: the engine's pointer, the names' seed, and
 * apply's scratch memory. */
#include "kv/state_machine.h"

#include <stdlib.h>

enum { REAP_LIMIT = 512 };

struct kv_machine {
    struct kv *kv;
    struct engine *engine;
    uint64_t seed;
};

static struct names_view view_at(const struct kv_machine *machine, const struct engine_snapshot *snapshot,
                                 int64_t time_ms) {
    return (struct names_view){
        .engine = machine->engine, .snapshot = snapshot, .seed = machine->seed, .log_time_ms = time_ms};
}

struct names_view kv_machine_view(const struct kv_machine *machine) {
    return view_at(machine, NULL, 0);
}

static enum status machine_apply(void *context, const struct envelope *envelope, struct slice operation,
                                 struct engine_batch *batch, struct buf *reply) {
    struct kv_machine *machine = context;
    struct names_view view = view_at(machine, NULL, envelope->time_ms);
    view.memory_only = !envelope->may_block;
    return kv_apply(machine->kv, &view, operation, batch, reply);
}

static enum status machine_prefetch(void *context, const struct engine_snapshot *snapshot, struct slice operation) {
    const struct kv_machine *machine = context;
    /* No time: a row that is due is read all the same, and a reap's range is bounded by its limit. */
    struct names_view view = view_at(machine, snapshot, INT64_MAX);
    return kv_prefetch(machine->kv, &view, operation);
}

static enum status machine_probe(void *context, struct slice operation) {
    const struct kv_machine *machine = context;
    struct names_view view = view_at(machine, NULL, INT64_MAX);
    return kv_probe(&view, operation);
}

static enum status machine_after_restore(void *context, struct engine *engine, uint64_t seed) {
    struct kv_machine *machine = context;
    machine->engine = engine;
    machine->seed = seed;
    return STATUS_OK;
}

static enum status machine_hash(void *context, const struct engine_snapshot *snapshot, int64_t time_ms,
                                uint64_t *hash) {
    const struct kv_machine *machine = context;
    struct names_view view = view_at(machine, snapshot, time_ms);
    return names_hash(&view, hash);
}

static void machine_touch(void *context, const struct slice *operations, size_t count) {
    const struct kv_machine *machine = context;
    struct names_view view = view_at(machine, NULL, 0);
    kv_touch(&view, operations, count);
}

static enum status machine_maintain(void *context, int64_t log_time_ms, struct buf *operation) {
    const struct kv_machine *machine = context;
    struct names_view view = view_at(machine, NULL, log_time_ms);
    view.memory_only = true;
    int64_t expire_ms = 0;
    enum status status = names_next_expiry(&view, &expire_ms);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status == STATUS_OK && expire_ms > log_time_ms) return STATUS_OK;
    /* Due, or not in memory: apply finds out which, after its prefetch. */
    if (status != STATUS_OK && status != STATUS_WOULD_BLOCK) return status;
    struct kv_op op = {.kind = KV_OP_REAP, .number = REAP_LIMIT};
    return kv_op_encode(operation, &op);
}

static const struct state_machine_tree kv_trees[] = {
    {TREE_NAMES, KIND_NAMES}, {TREE_NAMES_EXPIRY, KIND_NAMES_EXPIRY}, {TREE_NAMES_META, KIND_NAMES_META}};

enum status kv_machine_create(const struct name_owner *owners, size_t owner_count, struct kv_machine **kv_machine,
                              struct state_machine *machine) {
    struct kv_machine *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    enum status status = kv_create(owners, owner_count, &made->kv);
    if (status) {
        free(made);
        return status;
    }
    *kv_machine = made;
    *machine = (struct state_machine){
        .store = KV_STORE,
        .name = "kv",
        .context = made,
        .kinds = names_kinds,
        .kind_count = names_kind_count,
        .trees = kv_trees,
        .tree_count = sizeof kv_trees / sizeof kv_trees[0],
        .apply = machine_apply,
        .prefetch = machine_prefetch,
        .probe = machine_probe,
        .touch = machine_touch,
        .after_restore = machine_after_restore,
        .hash = machine_hash,
        .maintain = machine_maintain,
    };
    return STATUS_OK;
}

void kv_machine_destroy(struct kv_machine *machine) {
    if (!machine) return;
    kv_destroy(machine->kv);
    free(machine);
}
