/* stats_print: what the engine counts as one object of JSON, for people and for programs. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/store.h"

struct printing {
    struct buf *to;
    enum status status;
};

static void put(struct printing *printing, const char *before, const char *name, uint64_t number) {
    if (printing->status != STATUS_OK) return;
    printing->status = buf_append_format(printing->to, "%s\"%s\":%" PRIu64, before, name, number);
}

static void put_text(struct printing *printing, const char *text) {
    if (printing->status == STATUS_OK) printing->status = buf_append_format(printing->to, "%s", text);
}

static void put_counters(struct printing *printing, struct engine *engine, const struct engine_stats *stats) {
    put(printing, "{", "sequence", stats->sequence);
    put(printing, ",", "format_level", atomic_load(&engine->format_level));
    put(printing, ",", "memtables", stats->memtable_count);
    put(printing, ",", "memtable_bytes", stats->memtable_bytes);
    put(printing, ",", "flushes", stats->flushes);
    put(printing, ",", "compactions", stats->compactions);
    put(printing, ",", "trivial_moves", stats->trivial_moves);
    put(printing, ",", "user_bytes", stats->user_bytes);
    put(printing, ",", "flushed_bytes", stats->flushed_bytes);
    put(printing, ",", "compacted_read_bytes", stats->compacted_read_bytes);
    put(printing, ",", "compacted_written_bytes", stats->compacted_written_bytes);
    put(printing, ",", "ingested_files", stats->ingested_files);
    put(printing, ",", "ingested_bytes", stats->ingested_bytes);
    put(printing, ",", "dictionaries", stats->dictionaries);
    put(printing, ",", "dictionary_saved_bytes", stats->dictionary_saved_bytes);
    put(printing, ",", "debt_bytes", stats->debt_bytes);
    put(printing, ",", "delayed_ns", stats->delayed_ns);
    put(printing, ",", "cache_bytes", stats->cache_bytes);
    put(printing, ",", "cache_pinned_bytes", engine_cache_pinned_bytes(engine));
    put(printing, ",", "cache_hits", stats->cache_hits);
    put(printing, ",", "cache_misses", stats->cache_misses);
    put(printing, ",", "filter_asked", stats->filter_asked);
    put(printing, ",", "filter_negative", stats->filter_negative);
    put(printing, ",", "wal_commits", stats->wal_commits);
    put(printing, ",", "wal_syncs", stats->wal_syncs);
    put(printing, ",", "wal_bytes", stats->wal_bytes);
    put(printing, ",", "disk_bytes", stats->disk_bytes);
    put(printing, ",", "events_lost", stats->events_lost);
    put(printing, ",", "open_files", stats->open_files);
}

static void put_values(struct printing *printing, const struct engine_stats *stats) {
    put(printing, ",\"values\":{", "files", stats->value_files);
    put(printing, ",", "bytes", stats->value_bytes);
    put(printing, ",", "live_bytes", stats->value_live_bytes);
    put(printing, ",", "written_bytes", stats->value_written_bytes);
    put(printing, ",", "moved_bytes", stats->value_moved_bytes);
    put_text(printing, "}");
}

static void put_memory(struct printing *printing, const struct engine_stats *stats) {
    put(printing, ",\"memory\":{", "limit", stats->memory_limit);
    for (unsigned i = 0; i < ENGINE_MEMORY_USERS; i++)
        put(printing, ",", engine_memory_user_name((enum engine_memory_user)i), stats->memory_used[i]);
    put(printing, ",", "total", stats->memory_total);
    put(printing, ",", "most", stats->memory_most);
    put_text(printing, "}");
}

static void put_levels(struct printing *printing, const struct engine_stats *stats) {
    put_text(printing, ",\"levels\":[");
    for (unsigned i = 0; i < ENGINE_LEVELS; i++) {
        put(printing, i ? ",{" : "{", "level", i);
        put(printing, ",", "files", stats->levels[i].files);
        put(printing, ",", "bytes", stats->levels[i].bytes);
        put(printing, ",", "compacted_read_bytes", stats->levels[i].compacted_read_bytes);
        put(printing, ",", "compacted_written_bytes", stats->levels[i].compacted_written_bytes);
        put_text(printing, "}");
    }
    put_text(printing, "]");
}

static void put_timings(struct printing *printing, struct engine *engine) {
    struct hist *hist = malloc(sizeof *hist);
    if (!hist) printing->status = STATUS_NO_MEMORY;
    put_text(printing, ",\"timings\":{");
    for (unsigned i = 0; i < ENGINE_TIMING_COUNT && printing->status == STATUS_OK; i++) {
        engine_get_timing(engine, (enum engine_timing)i, hist);
        printing->status =
            buf_append_format(printing->to, "%s\"%s\":", i ? "," : "", engine_timing_name((enum engine_timing)i));
        put(printing, "{", "sampled", hist->count);
        put(printing, ",", "p50_ns", hist_quantile(hist, 0.5));
        put(printing, ",", "p99_ns", hist_quantile(hist, 0.99));
        put(printing, ",", "p999_ns", hist_quantile(hist, 0.999));
        put(printing, ",", "max_ns", hist->max);
        put_text(printing, "}");
    }
    put_text(printing, "}");
    free(hist);
}

struct ids {
    uint32_t *items;
    size_t count, capacity;
};

static void note_id(void *context, struct tree *tree) {
    struct ids *ids = context;
    if (atomic_load_explicit(&tree->dropped, memory_order_relaxed) == TREE_LIVE && ids->count < ids->capacity)
        ids->items[ids->count++] = tree->id;
}

static int compare_ids(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void put_tree(struct printing *printing, const struct engine_tree_info *info, bool first) {
    put(printing, first ? "{" : ",{", "tree", info->tree);
    put(printing, ",", "kind", info->kind);
    put(printing, ",", "files", info->files);
    put(printing, ",", "disk_bytes", info->disk_bytes);
    put(printing, ",", "entries", info->entries);
    put(printing, ",", "deletes", info->deletes);
    put(printing, ",", "operands", info->operands);
    put(printing, ",", "range_deletes", info->range_deletes);
    put(printing, ",", "expiring_files", info->expiring_files);
    put(printing, ",", "flushed_bytes", info->flushed_bytes);
    put(printing, ",", "compactions", info->compactions);
    put(printing, ",", "compacted_read_bytes", info->compacted_read_bytes);
    put(printing, ",", "compacted_written_bytes", info->compacted_written_bytes);
    put_text(printing, "}");
}

static void put_trees(struct printing *printing, struct engine *engine) {
    mutex_lock(&engine->mutex);
    struct ids ids = {.capacity = engine->trees.live};
    ids.items = calloc(ids.capacity + 1, sizeof *ids.items);
    if (ids.items) tree_table_each(&engine->trees, note_id, &ids);
    mutex_unlock(&engine->mutex);
    if (!ids.items) printing->status = STATUS_NO_MEMORY;
    if (ids.count > 1) qsort(ids.items, ids.count, sizeof *ids.items, compare_ids);
    put_text(printing, ",\"trees\":[");
    bool first = true;
    for (size_t i = 0; i < ids.count && printing->status == STATUS_OK; i++) {
        struct engine_tree_info info;
        if (engine_tree_info(engine, ids.items[i], &info) != STATUS_OK) continue; /* dropped meanwhile */
        put_tree(printing, &info, first);
        first = false;
    }
    put_text(printing, "]}");
    free(ids.items);
}

enum status engine_print_stats(struct engine *engine, struct buf *to) {
    struct printing printing = {.to = to};
    struct engine_stats stats;
    engine_get_stats(engine, &stats);
    put_counters(&printing, engine, &stats);
    put_values(&printing, &stats);
    put_memory(&printing, &stats);
    put_levels(&printing, &stats);
    put_timings(&printing, engine);
    put_trees(&printing, engine);
    return printing.status;
}
