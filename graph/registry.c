/* registry: all graphs of a store: their trees, what happens to them with their names, their list and their hash. */
#include "engine/base/hash.h"
#include "graph/store/adjacency.h"
#include "graph/store/keys.h"

const struct engine_tree_kind graph_kinds[] = {
    {.id = TREE_GRAPHS,
     .name = "graph.graphs",
     .upper = ENGINE_COMPRESSION_NONE,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10},
    {.id = TREE_GRAPH_WORDS,
     .name = "graph.words",
     .upper = ENGINE_COMPRESSION_NONE,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10},
    {.id = TREE_GRAPH_NODES,
     .name = "graph.nodes",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10},
    {.id = TREE_GRAPH_EDGES,
     .name = "graph.edges",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10},
    {.id = TREE_GRAPH_ADJACENCY,
     .name = "graph.adjacency",
     .upper = ENGINE_COMPRESSION_NONE,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10,
     .merge = &adjacency_merge,
     .filter = &adjacency_filter},
    {.id = TREE_GRAPH_LABELS,
     .name = "graph.labels",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4},
    {.id = TREE_GRAPH_EXTERNAL,
     .name = "graph.external",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10},
};
const size_t graph_kind_count = sizeof graph_kinds / sizeof graph_kinds[0];

enum status graph_create_trees(struct engine_batch *batch) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < graph_kind_count; i++)
        status = engine_batch_create_tree(batch, graph_kinds[i].id, graph_kinds[i].id);
    return status;
}

/* ---- What names do to graphs ------------------------------------------------------------------------------------- */

static enum status delete_object(void *context, const struct names_view *view, struct engine_batch *batch,
                                 uint64_t object) {
    const struct graph_key begin = graph_key_graph(object), end = graph_key_after(&begin);
    enum status status = STATUS_OK;
    (void)context;
    (void)view;
    for (size_t i = 0; status == STATUS_OK && i < graph_kind_count; i++)
        status = engine_batch_delete_range(batch, graph_kinds[i].id, graph_key_slice(&begin), graph_key_slice(&end));
    return status;
}

static enum status delete_all(void *context, struct engine_batch *batch) {
    const struct slice everything = {0};
    enum status status = STATUS_OK;
    (void)context;
    status = graph_create_trees(batch); /* a directory may be older than this store */
    for (size_t i = 0; status == STATUS_OK && i < graph_kind_count; i++)
        status = engine_batch_delete_range(batch, graph_kinds[i].id, everything, everything);
    return status;
}

static enum status rename_object(void *context, const struct names_view *view, struct engine_batch *batch,
                                 uint64_t object, struct slice new_name) {
    const struct graph_key key = graph_key_part(object, GRAPH_PART_NAME);
    (void)context;
    (void)view;
    return engine_batch_put(batch, TREE_GRAPHS, graph_key_slice(&key), new_name);
}

const struct name_owner graph_name_owner = {.type = NAME_GRAPH,
                                            .name = "graphdata",
                                            .delete_object = delete_object,
                                            .delete_all = delete_all,
                                            .rename_object = rename_object};

/* ---- List -------------------------------------------------------------------------------------------------------- */

/* Whether the name still leads to the graph. */
static enum status is_current(const struct names_view *view, struct slice name, uint64_t object, bool *current) {
    struct name_row row;
    struct engine_value value;
    *current = false;
    enum status status = names_get(view, name, &row, &value);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status) return status;
    *current = row.type == NAME_GRAPH && row.object == object;
    engine_value_release(&value);
    return STATUS_OK;
}

enum status graph_list(const struct names_view *view,
                       enum status (*visit)(void *context, struct slice name, uint64_t object), void *context) {
    const struct engine_iterator_options options = {.snapshot = view->snapshot, .memory_only = view->memory_only};
    struct engine_iterator *iterator = NULL;
    enum status status = engine_iterator_open(view->engine, TREE_GRAPHS, &options, &iterator);
    if (status == STATUS_INVALID) return STATUS_OK; /* no such tree: no graph was ever made here */
    if (status) return status;
    engine_iterator_seek_first(iterator);
    for (; status == STATUS_OK && engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        const struct slice key = engine_iterator_key(iterator), name = engine_iterator_value(iterator);
        bool current = false;
        if (key.size != 9 || key.data[8] != GRAPH_PART_NAME) continue;
        const uint64_t object = coding_get_key_u64(key.data);
        status = is_current(view, name, object, &current);
        if (status == STATUS_OK && current) status = visit(context, name, object);
    }
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

/* ---- Hash -------------------------------------------------------------------------------------------------------- */

static enum status hash_tree(const struct names_view *view, uint32_t tree, uint64_t *hash) {
    const struct engine_iterator_options options = {.snapshot = view->snapshot, .no_fill = true};
    struct engine_iterator *iterator = NULL;
    enum status status = engine_iterator_open(view->engine, tree, &options, &iterator);
    if (status == STATUS_INVALID) return STATUS_OK; /* no such tree: no graph was ever made here */
    if (status) return status;
    *hash = hash_mix(*hash, tree);
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        const struct slice key = engine_iterator_key(iterator), value = engine_iterator_value(iterator);
        /* An empty block may have been dropped by one engine's compaction and not by another's. */
        if (tree == TREE_GRAPH_ADJACENCY && key.size == GRAPH_BLOCK_KEY_BYTES && adjacency_block_is_empty(value))
            continue;
        *hash = hash_mix(*hash, hash64(value, hash64(key, tree)));
    }
    status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

enum status graph_hash(const struct names_view *view, uint64_t *hash) {
    enum status status = STATUS_OK;
    *hash = 0;
    for (size_t i = 0; status == STATUS_OK && i < graph_kind_count; i++)
        status = hash_tree(view, graph_kinds[i].id, hash);
    return status;
}
