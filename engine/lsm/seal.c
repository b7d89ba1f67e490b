/*
 * seal: the end of a memtable. The engine seals by itself when it is full or a flush was asked, or has its owner do it
 * (owner_seals). Invariant: a sealed memtable holds all up to its mark and nothing behind it.
 */
#include "engine/lsm/store.h"

bool store_has_room(const struct engine *engine) {
    return engine->sealed_count + 1 < engine->options.memtable_limit;
}

enum status store_prepare_seal(struct engine *engine, struct store_sealing *sealing) {
    if (!store_has_room(engine)) return STATUS_BUSY;
    *sealing = (struct store_sealing){mem_create(&engine->memory, &engine->spare_runs, engine->mem_seed + 1),
                                      view_reserve(&engine->views)};
    if (sealing->fresh && sealing->view) return STATUS_OK;
    mem_release(sealing->fresh);
    view_discard(&engine->views, sealing->view);
    return STATUS_NO_MEMORY;
}

/* REQUIRES: as store_prepare_seal, which went before. */
static void carry_out(struct engine *engine, const struct store_sealing *sealing) {
    struct mem *sealed[VIEW_SEALED_MAX];
    sealed[0] = engine->active;
    for (uint32_t i = 0; i < engine->sealed_count; i++) sealed[i + 1] = engine->sealed[engine->sealed_count - 1 - i];
    engine->mem_seed++;
    view_fill(sealing->view, engine->version, sealing->fresh, sealed, engine->sealed_count + 1);
    engine->active->mark = engine->applied;
    engine->active->last_sequence = engine->last_sequence;
    engine->active->log_end = engine->log_end;
    engine->sealed[engine->sealed_count++] = engine->active;
    engine->active = sealing->fresh;
    sealing->fresh->last_sequence = engine->last_sequence;
    if (view_publish(&engine->views, sealing->view)) store_job_start(engine, &engine->sweep_job);
    store_job_start(engine, &engine->flush_job);
    pace_update(engine);
}

enum status store_seal(struct engine *engine) {
    struct store_sealing sealing;
    if (mem_is_empty(engine->active)) return STATUS_OK;
    const enum status status = store_prepare_seal(engine, &sealing);
    if (status == STATUS_OK) carry_out(engine, &sealing);
    return status;
}

void store_end_seal(struct engine *engine, const struct store_sealing *sealing, enum status status) {
    if (status != STATUS_OK || store_has_failed(engine)) {
        mem_release(sealing->fresh);
        view_discard(&engine->views, sealing->view);
        return;
    }
    carry_out(engine, sealing);
    engine->seal_wanted = false;
    store_signal(engine); /* the others may go on */
}

bool store_is_full(const struct engine *engine) {
    return memtable_bytes(engine->active->table) >= engine->options.memtable_bytes;
}

void store_note_seal_due(struct engine *engine) {
    if (!engine->options.owner_seals) return;
    if (mem_is_empty(engine->active)) engine->seal_wanted = false; /* a flush of nothing is done */
    const bool due =
        (engine->seal_wanted || store_is_full(engine)) && store_has_room(engine) && !store_has_failed(engine);
    atomic_store_explicit(&engine->seal_due, due, memory_order_relaxed);
}

void store_seal_if_full(struct engine *engine) {
    if (engine->options.owner_seals || (!engine->seal_wanted && !store_is_full(engine))) return;
    if (store_has_failed(engine)) return;
    const enum status status = store_seal(engine);
    if (status == STATUS_BUSY) return; /* the next group tries again */
    engine->seal_wanted = false;
    if (status == STATUS_OK) return;
    engine->flush_status = status;
    store_signal(engine);
}
