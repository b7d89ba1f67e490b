/* stats: what the engine counts, gathered. Reads a view; blocks on nothing. */
#include "engine/lsm/store.h"

static void sum_file(const struct edit_file *file, struct engine_tree_info *info) {
    info->entries += file->entries + file->range_deletes;
    info->deletes += file->deletes;
    info->operands += file->operands;
    info->range_deletes += file->range_deletes;
    info->expiring_files += file->droppable_ms != INT64_MAX;
}

static void sum_tree(const struct tree_files *files, struct engine_tree_info *info) {
    for (uint32_t i = 0; files && i < ENGINE_LEVELS; i++) {
        const struct level *level = &files->levels[i];
        info->files += level->count;
        info->disk_bytes += level->bytes;
        for (uint32_t f = 0; f < level->count; f++) sum_file(&level->files[f]->meta, info);
    }
}

void store_charge_tree(struct engine *engine, uint32_t instance, uint64_t flushed, uint64_t read, uint64_t written) {
    mutex_lock(&engine->mutex);
    struct tree *tree = tree_table_by_instance(&engine->trees, instance);
    if (tree) {
        tree->flushed_bytes += flushed;
        tree->compacted_read_bytes += read;
        tree->compacted_written_bytes += written;
        tree->compactions += flushed == 0;
    }
    mutex_unlock(&engine->mutex);
}

static void sum_cost(struct engine *engine, const struct tree *tree, struct engine_tree_info *info) {
    mutex_lock(&engine->mutex);
    info->flushed_bytes = tree->flushed_bytes;
    info->compacted_read_bytes = tree->compacted_read_bytes;
    info->compacted_written_bytes = tree->compacted_written_bytes;
    info->compactions = tree->compactions;
    mutex_unlock(&engine->mutex);
}

enum status engine_tree_info(struct engine *engine, uint32_t tree, struct engine_tree_info *info) {
    struct store_read read;
    store_begin_read(engine, NULL, tree, &read);
    if (read.tree) {
        *info = (struct engine_tree_info){.tree = tree, .kind = read.tree->kind->id};
        sum_tree(version_find(read.view->version, read.tree->instance), info);
        sum_cost(engine, read.tree, info);
    }
    store_end_read(engine, &read);
    return read.tree ? STATUS_OK : STATUS_NOT_FOUND;
}

static void gather_levels(const struct version *version, struct engine_stats *stats) {
    for (size_t t = 0; t < version->count; t++) {
        for (uint32_t i = 0; i < ENGINE_LEVELS; i++) {
            stats->levels[i].files += version->trees[t]->levels[i].count;
            stats->levels[i].bytes += version->trees[t]->levels[i].bytes;
        }
    }
    for (uint32_t i = 0; i < ENGINE_LEVELS; i++) stats->disk_bytes += stats->levels[i].bytes;
}

static void gather_value_file(void *context, struct value_file *file) {
    struct engine_stats *stats = context;
    stats->value_files++;
    stats->value_bytes += file->meta.bytes;
    stats->value_live_bytes += atomic_load_explicit(&file->live_bytes, memory_order_relaxed);
}

static void gather_counters(struct engine *engine, struct engine_stats *stats) {
    struct store_counters *counters = &engine->counters;
    stats->flushes = atomic_load_explicit(&counters->flushes, memory_order_relaxed);
    stats->compactions = atomic_load_explicit(&counters->compactions, memory_order_relaxed);
    stats->trivial_moves = atomic_load_explicit(&counters->trivial_moves, memory_order_relaxed);
    stats->user_bytes = atomic_load_explicit(&counters->user_bytes, memory_order_relaxed);
    stats->flushed_bytes = atomic_load_explicit(&counters->flushed_bytes, memory_order_relaxed);
    stats->compacted_read_bytes = atomic_load_explicit(&counters->compacted_read_bytes, memory_order_relaxed);
    stats->compacted_written_bytes = atomic_load_explicit(&counters->compacted_written_bytes, memory_order_relaxed);
    stats->delayed_ns = atomic_load_explicit(&counters->delayed_ns, memory_order_relaxed);
    stats->filter_asked = atomic_load_explicit(&counters->filter_asked, memory_order_relaxed);
    stats->filter_negative = atomic_load_explicit(&counters->filter_negative, memory_order_relaxed);
    stats->wal_commits = atomic_load_explicit(&counters->wal_commits, memory_order_relaxed);
    stats->wal_syncs = atomic_load_explicit(&counters->wal_syncs, memory_order_relaxed);
    stats->wal_bytes = atomic_load_explicit(&counters->wal_bytes, memory_order_relaxed);
    stats->value_written_bytes = atomic_load_explicit(&counters->value_written_bytes, memory_order_relaxed);
    stats->value_moved_bytes = atomic_load_explicit(&counters->value_moved_bytes, memory_order_relaxed);
    stats->dictionaries = atomic_load_explicit(&counters->dictionaries, memory_order_relaxed);
    stats->dictionary_saved_bytes = atomic_load_explicit(&counters->dictionary_saved_bytes, memory_order_relaxed);
    stats->ingested_files = atomic_load_explicit(&counters->ingested_files, memory_order_relaxed);
    stats->ingested_bytes = atomic_load_explicit(&counters->ingested_bytes, memory_order_relaxed);
    for (uint32_t i = 0; i < ENGINE_LEVELS; i++) {
        stats->levels[i].compacted_read_bytes = atomic_load_explicit(&counters->level_read[i], memory_order_relaxed);
        stats->levels[i].compacted_written_bytes =
            atomic_load_explicit(&counters->level_written[i], memory_order_relaxed);
    }
    mutex_lock(&engine->events.mutex);
    stats->events_lost = engine->events.lost;
    mutex_unlock(&engine->events.mutex);
    stats->debt_bytes = atomic_load_explicit(&engine->debt, memory_order_relaxed) +
                        atomic_load_explicit(&engine->rest_debt, memory_order_relaxed);
}

void engine_get_stats(struct engine *engine, struct engine_stats *stats) {
    struct block_cache_stats cache;
    *stats = (struct engine_stats){.sequence = atomic_load_explicit(&engine->sequence, memory_order_acquire)};
    gather_counters(engine, stats);
    block_cache_get_stats(engine->environment.cache, &cache);
    stats->cache_bytes = cache.bytes;
    stats->cache_hits = cache.hits;
    stats->cache_misses = cache.misses;
    budget_get_stats(engine, stats);
    struct view *view = view_acquire(&engine->views);
    stats->memtable_count = 1 + view->sealed_count;
    stats->memtable_bytes = memtable_bytes(view->active->table);
    for (uint32_t i = 0; i < view->sealed_count; i++) stats->memtable_bytes += memtable_bytes(view->sealed[i]->table);
    gather_levels(view->version, stats);
    value_table_each(&engine->values, gather_value_file, stats);
    stats->disk_bytes += stats->value_bytes;
    store_release_view(engine, view);
}

uint64_t engine_cache_pinned_bytes(struct engine *engine) {
    return block_cache_pinned_bytes(engine->environment.cache);
}
