/* snapshot: a sequence that compaction must respect. The list is ordered by sequence, as acquisition is. */
#include <stdlib.h>

#include "engine/lsm/store.h"

struct engine_snapshot *engine_snapshot_acquire(struct engine *engine) {
    struct engine_snapshot *snapshot = malloc(sizeof *snapshot);
    if (!snapshot) return NULL;
    mutex_lock(&engine->mutex);
    snapshot->sequence = atomic_load_explicit(&engine->sequence, memory_order_acquire);
    snapshot->mark = engine->applied;
    list_push_back(&engine->snapshots, &snapshot->link);
    mutex_unlock(&engine->mutex);
    return snapshot;
}

void engine_snapshot_release(struct engine *engine, struct engine_snapshot *snapshot) {
    if (!snapshot) return;
    mutex_lock(&engine->mutex);
    list_remove(&snapshot->link);
    /* What only this snapshot held may be compacted or dropped now. */
    if (list_is_empty(&engine->snapshots)) store_job_start(engine, &engine->compact_job);
    mutex_unlock(&engine->mutex);
    free(snapshot);
}

struct engine_mark engine_snapshot_mark(const struct engine_snapshot *snapshot) {
    return snapshot->mark;
}

enum status store_snapshots(struct engine *engine, uint64_t **sequences, size_t *count) {
    *sequences = NULL;
    *count = 0;
    enum status status = STATUS_OK;
    mutex_lock(&engine->mutex);
    size_t total = 0;
    for (struct list *at = engine->snapshots.next; at != &engine->snapshots; at = at->next) total++;
    if (total > 0) *sequences = malloc(total * sizeof **sequences);
    if (total > 0 && !*sequences) status = STATUS_NO_MEMORY;
    for (struct list *at = engine->snapshots.next; status == STATUS_OK && at != &engine->snapshots; at = at->next) {
        const uint64_t sequence = list_entry(at, struct engine_snapshot, link)->sequence;
        if (*count == 0 || (*sequences)[*count - 1] != sequence) (*sequences)[(*count)++] = sequence;
    }
    mutex_unlock(&engine->mutex);
    return status;
}
