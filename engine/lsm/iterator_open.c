/*
 * iterator_open: how an iterator begins and ends: the bounds that it keeps within, its sources, the state of the store
 * that it holds, its memory among that of readers. How it moves: iterator.c.
 */
#include <stdlib.h>

#include "engine/lsm/iterator_parts.h"

enum { GONE_SOME = 16 /* keys passed over before a gap is looked for */ };

/* The prefix with its last byte that can be raised raised, and what stands behind that cut off. */
static enum status put_behind_prefix(struct engine_iterator *iterator) {
    struct buf *behind = &iterator->behind_prefix;
    const enum status status = buf_assign(behind, buf_slice(&iterator->prefix));
    while (behind->size > 0 && behind->data[behind->size - 1] == 0xff) behind->size--;
    if (behind->size > 0) behind->data[behind->size - 1]++;
    return status;
}

/* Bounds that let only keys with the prefix through. */
static enum status bound(struct engine_iterator *iterator, const struct engine_iterator_options *options) {
    iterator->lower = options->lower;
    iterator->upper = options->upper;
    if (options->prefix.size == 0) return STATUS_OK;
    enum status status = buf_assign(&iterator->prefix, options->prefix);
    if (status == STATUS_OK) status = put_behind_prefix(iterator);
    if (status != STATUS_OK) return status;
    const struct slice prefix = buf_slice(&iterator->prefix), behind = buf_slice(&iterator->behind_prefix);
    if (slice_compare(prefix, iterator->lower) > 0) iterator->lower = prefix;
    if (behind.size && (iterator->upper.size == 0 || slice_compare(behind, iterator->upper) < 0))
        iterator->upper = behind;
    return STATUS_OK;
}

/* As much of the prefix as filters know. */
static struct slice filter_prefix(const struct engine_iterator *iterator, const struct engine_tree_kind *kind) {
    const size_t size = kind->filter_prefix_bytes;
    return iterator->prefix.size >= size ? slice_make(iterator->prefix.data, size) : slice_make(NULL, 0);
}

static enum status watch_iterator(struct engine_iterator *iterator) {
    iterator->watched =
        watch_source_create(&iterator->set, iterator->snapshot, iterator->read.time_ms, iterator->kind->expires);
    if (!iterator->watched) return STATUS_NO_MEMORY;
    iterator->top = &iterator->watched->source;
    return STATUS_OK;
}

static enum status open_iterator(struct engine_iterator *iterator, const struct engine_iterator_options *options,
                                 const struct own_writes *own) {
    const struct tree *tree = iterator->read.tree;
    if (!tree) return STATUS_INVALID;
    enum status status = bound(iterator, options);
    if (status != STATUS_OK) return status;
    const struct read_options read = {
        .instance = tree->instance,
        .snapshot = iterator->read.sequence,
        .lower = iterator->lower,
        .upper = iterator->upper,
        .prefix = filter_prefix(iterator, tree->kind),
        .flags = (options->memory_only ? SST_MEMORY_ONLY : 0u) | (options->no_fill ? SST_NO_FILL : 0u),
        .own = *own,
    };
    iterator->kind = tree->kind;
    iterator->flags = read.flags;
    iterator->snapshot = iterator->read.sequence;
    iterator->own_sequence = own->table ? own->sequence : 0;
    iterator->newest_trailer = own->table ? ENTRY_TRAILER_FIRST : entry_trailer_at(iterator->snapshot);
    status = read_set_open(&iterator->set, iterator->engine, iterator->read.view, &read);
    iterator->top = iterator->set.top;
    iterator->is_bare = iterator->set.cover_count == 0 && !tree->kind->expires && iterator->upper.size == 0;
    if (status != STATUS_OK) return status;
    const uint64_t bytes = sizeof *iterator + read_set_memory(&iterator->set);
    status = iterator->engine->environment.watch ? watch_iterator(iterator) : STATUS_OK;
    if (status == STATUS_OK) status = budget_admit_reader(iterator->engine, bytes);
    if (status == STATUS_OK)
        iterator->charged = bytes;
    else
        read_set_close(&iterator->set);
    return status;
}

enum status iterator_open_over(struct engine *engine, uint32_t tree, const struct engine_iterator_options *options,
                               const struct own_writes *own, struct engine_iterator **iterator) {
    static const struct engine_iterator_options defaults = {.memory_only = false};
    if (!options) options = &defaults;
    *iterator = NULL;
    struct engine_iterator *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->engine = engine;
    made->gone_some = engine->options.gap_keys < GONE_SOME ? engine->options.gap_keys : GONE_SOME;
    made->ignores_gaps = own->table != NULL; /* what is not published is not cut out of them */
    store_begin_read(engine, options->snapshot, tree, &made->read);
    const enum status status = open_iterator(made, options, own);
    if (status == STATUS_OK) {
        *iterator = made;
        return STATUS_OK;
    }
    store_end_read(engine, &made->read);
    watch_source_destroy(made->watched);
    buf_deinit(&made->prefix);
    buf_deinit(&made->behind_prefix);
    free(made);
    return status;
}

enum status engine_iterator_open(struct engine *engine, uint32_t tree, const struct engine_iterator_options *options,
                                 struct engine_iterator **iterator) {
    return iterator_open_over(engine, tree, options, &own_writes_none, iterator);
}

void engine_iterator_close(struct engine_iterator *iterator) {
    if (!iterator) return;
    memory_subtract(&iterator->engine->memory, ENGINE_MEMORY_READERS, iterator->charged);
    watch_source_destroy(iterator->watched);
    read_set_close(&iterator->set);
    block_release(iterator->block);
    store_end_read(iterator->engine, &iterator->read);
    buf_deinit(&iterator->key);
    buf_deinit(&iterator->value);
    buf_deinit(&iterator->prefix);
    buf_deinit(&iterator->behind_prefix);
    buf_deinit(&iterator->gone_from);
    buf_deinit(&iterator->hop);
    operands_deinit(&iterator->operands);
    free(iterator);
}
