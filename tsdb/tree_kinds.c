/*
 * tree_kinds: how the engine keeps this store's trees, and the hash over what is in them.
 *
 * Sealed chunks are dense bits: zstd finds what repeats in them only where values do, and that is cheap where it does
 * not. No filters: chunks are found by seeks, and the one get of a series' row nearly always finds it.
 */
#include "engine/base/hash.h"
#include "tsdb/tsdb.h"

const struct engine_tree_kind tsdb_kinds[] = {
    {.id = KIND_SERIES, .name = "tsdb.series", .upper = ENGINE_COMPRESSION_LZ4, .bottom = ENGINE_COMPRESSION_ZSTD},
    {.id = KIND_CHUNKS, .name = "tsdb.chunks", .upper = ENGINE_COMPRESSION_LZ4, .bottom = ENGINE_COMPRESSION_ZSTD},
    {.id = KIND_LABELS, .name = "tsdb.labels", .upper = ENGINE_COMPRESSION_LZ4, .bottom = ENGINE_COMPRESSION_ZSTD},
};
const size_t tsdb_kind_count = sizeof tsdb_kinds / sizeof tsdb_kinds[0];

static enum status hash_tree(const struct names_view *view, uint32_t tree, uint64_t *hash) {
    struct engine_iterator_options options = {
        .snapshot = view->snapshot, .memory_only = view->memory_only, .no_fill = true};
    struct engine_iterator *iterator = NULL;
    enum status status = engine_iterator_open(view->engine, tree, &options, &iterator);
    if (status) return status;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator))
        *hash = hash64(engine_iterator_value(iterator), hash64(engine_iterator_key(iterator), *hash));
    status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

enum status tsdb_hash(const struct names_view *view, uint64_t *hash) {
    static const uint32_t trees[] = {TREE_SERIES, TREE_CHUNKS, TREE_LABELS};
    enum status status = STATUS_OK;
    *hash = 0;
    for (size_t i = 0; status == STATUS_OK && i < sizeof trees / sizeof trees[0]; i++)
        status = hash_tree(view, trees[i], hash);
    return status;
}
