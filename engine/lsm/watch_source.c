/* watch_source: see watch_source.h. Invariant: the entry is that of the source below, in the struct of this one. */
#include "engine/lsm/watch_source.h"

#include <stdlib.h>

#include "engine/lsm/expiry.h"
#include "engine/lsm/watch.h"

static struct watch_source *own(struct source *source) {
    return (struct watch_source *)(void *)source;
}

static bool is_value(enum entry_kind kind) {
    return kind == ENTRY_PUT || kind == ENTRY_REFERENCE;
}

/* As the iterator judges, of a version that is the first that counts of its key, or behind operands. */
static enum engine_step_effect judge(const struct watch_source *watch) {
    const struct source *below = watch->below;
    const enum entry_kind kind = entry_kind(below->trailer);
    if (kind == ENTRY_DELETE) return ENGINE_EFFECT_DELETED;
    if (read_set_cover(watch->set, below->key) > entry_sequence(below->trailer)) return ENGINE_EFFECT_COVERED;
    if (watch->expires && expiry_is_due(below->value, watch->time_ms)) return ENGINE_EFFECT_EXPIRED;
    return is_value(kind) ? ENGINE_EFFECT_SHOWN : ENGINE_EFFECT_OPERAND;
}

static enum engine_step_effect find_effect(struct watch_source *watch) {
    const struct source *below = watch->below;
    if (entry_sequence(below->trailer) > watch->snapshot) return ENGINE_EFFECT_NEWER;
    const bool same = watch->has_key && slice_equal(below->key, buf_slice(&watch->key));
    if (same && !watch->operands) return ENGINE_EFFECT_OLDER;
    const enum engine_step_effect effect = judge(watch);
    watch->operands = effect == ENGINE_EFFECT_OPERAND;
    watch->has_key = buf_assign(&watch->key, below->key) == STATUS_OK;
    return effect;
}

/* Where the entry comes from: the child that the merge has on top. */
static void find_place(const struct watch_source *watch, struct engine_step *step) {
    const struct read_set *set = watch->set;
    const struct source *child = set->child_count == 1 ? set->children[0] : set->merge.heap[0];
    step->memtable = ENGINE_MEMTABLE_NONE;
    for (size_t i = 0; i < set->memtable_count; i++)
        if (child == &set->memtables[i].source) step->memtable = (uint32_t)i;
    for (size_t i = 0; i < set->file_count; i++)
        if (child == &set->files[i].source) step->file = sst_number(set->files[i].sst);
    for (size_t i = 0; i < set->level_count; i++)
        if (child == &set->levels[i].source) step->file = level_source_file(&set->levels[i])->meta.number;
}

/* After a move of the source below. */
static void stand(struct source *source) {
    struct watch_source *watch = own(source);
    const struct source *below = watch->below;
    source->status = below->status;
    source->valid = below->valid;
    if (!below->valid) return;
    source->head = below->head;
    source->trailer = below->trailer;
    source->key = below->key;
    source->value = below->value;
    struct engine_step step = {.kind = ENGINE_STEP_ENTRY, .key = below->key, .effect = find_effect(watch)};
    find_place(watch, &step);
    watch_entry(watch->set->engine->environment.watch, &step, below->trailer, below->value);
}

static void watch_seek(struct source *source, struct slice key, uint64_t trailer) {
    source_seek(own(source)->below, key, trailer);
    stand(source);
}

static void watch_seek_before(struct source *source, struct slice key, uint64_t trailer) {
    source_seek_before(own(source)->below, key, trailer);
    stand(source);
}

static void watch_seek_first(struct source *source) {
    source_seek_first(own(source)->below);
    stand(source);
}

static void watch_seek_last(struct source *source) {
    source_seek_last(own(source)->below);
    stand(source);
}

static void watch_next(struct source *source) {
    source_next(own(source)->below);
    stand(source);
}

static void watch_prev(struct source *source) {
    source_prev(own(source)->below);
    stand(source);
}

static void watch_close(struct source *source) {
    (void)source; /* the set closes what is below */
}

static const struct source_vtable vtable = {
    .seek = watch_seek,
    .seek_before = watch_seek_before,
    .seek_first = watch_seek_first,
    .seek_last = watch_seek_last,
    .next = watch_next,
    .prev = watch_prev,
    .close = watch_close,
};

struct watch_source *watch_source_create(struct read_set *set, uint64_t snapshot, int64_t time_ms, bool expires) {
    struct watch_source *watch = calloc(1, sizeof *watch);
    if (!watch) return NULL;
    *watch = (struct watch_source){.source = {.vtable = &vtable},
                                   .below = set->top,
                                   .set = set,
                                   .snapshot = snapshot,
                                   .time_ms = time_ms,
                                   .expires = expires};
    return watch;
}

void watch_source_destroy(struct watch_source *watch) {
    if (!watch) return;
    buf_deinit(&watch->key);
    free(watch);
}
