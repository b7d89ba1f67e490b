/*
 * snapshot: the state that a read sees: of a snapshot, a sequence that compaction must respect, or of this moment. The
 * list of snapshots is ordered by sequence, as acquisition is.
 */
#include <stdlib.h>

#include "engine/lsm/store.h"

struct engine_snapshot *store_snapshot_acquire(struct engine *engine, bool transaction) {
    struct engine_snapshot *snapshot = malloc(sizeof *snapshot);
    if (!snapshot) return NULL;
    snapshot->transaction = transaction;
    snapshot->view = NULL;
    mutex_lock(&engine->mutex);
    snapshot->sequence = lead_mark_load(&engine->shown, &snapshot->mark);
    if (engine->options.read_only) snapshot->view = view_acquire(&engine->views);
    list_push_back(&engine->snapshots, &snapshot->link);
    mutex_unlock(&engine->mutex);
    return snapshot;
}

struct engine_snapshot *engine_snapshot_acquire(struct engine *engine) {
    return store_snapshot_acquire(engine, false);
}

uint64_t store_oldest_transaction(struct engine *engine) {
    uint64_t sequence = 0;
    mutex_lock(&engine->mutex);
    for (struct list *at = engine->snapshots.next; at != &engine->snapshots && sequence == 0; at = at->next) {
        const struct engine_snapshot *snapshot = list_entry(at, struct engine_snapshot, link);
        if (snapshot->transaction) sequence = snapshot->sequence;
    }
    mutex_unlock(&engine->mutex);
    return sequence;
}

void engine_snapshot_release(struct engine *engine, struct engine_snapshot *snapshot) {
    if (!snapshot) return;
    mutex_lock(&engine->mutex);
    const bool was_oldest = engine->snapshots.next == &snapshot->link;
    list_remove(&snapshot->link);
    /* What only this snapshot held may be compacted or dropped now. */
    if (was_oldest) store_job_start(engine, &engine->compact_job);
    mutex_unlock(&engine->mutex);
    if (snapshot->view) store_release_view(engine, snapshot->view);
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

/*
 * The view comes first: one acquired after the sequence could lack versions that only this sequence still asks for. But
 * between the two a memtable may have been sealed and batches in the new one published, of which the view has the trees
 * and not the rows; or a tree that the sequence sees was dropped, flushed and forgotten. Either puts another view in
 * place: then all is taken anew. What a snapshot sees is neither.
 */
void store_begin_read(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                      struct store_read *read) {
    read->borrowed = snapshot && snapshot->view;
    for (;;) {
        read->view = read->borrowed ? snapshot->view : view_acquire(&engine->views);
        read->sequence = snapshot ? snapshot->sequence : atomic_load_explicit(&engine->sequence, memory_order_acquire);
        read->time_ms =
            snapshot ? snapshot->mark.time_ms : atomic_load_explicit(&engine->log_time_ms, memory_order_relaxed);
        if (!snapshot && read->view->sequence) {
            read->sequence = read->view->sequence;
            read->time_ms = read->view->time_ms;
        }
        read->tree = tree_table_find(&engine->trees, tree, read->sequence);
        if (snapshot || read->view->sequence || view_is_present(&engine->views, read->view)) return;
        store_release_view(engine, read->view);
    }
}

void store_end_read(struct engine *engine, const struct store_read *read) {
    if (!read->borrowed) store_release_view(engine, read->view);
}
