/* strange_kinds: see strange_kinds.h. Values that expire are known by the name of their filter, as everywhere. */
#include "engine/lsm/strange_kinds.h"

#include <stdlib.h>

#include "engine/lsm/expiry.h"

static enum status no_merge(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                            size_t count, struct buf *result) {
    (void)context, (void)key, (void)base, (void)operands, (void)count, (void)result;
    return STATUS_UNSUPPORTED;
}

static bool is_name(struct slice recorded, const char *name) {
    return slice_equal(recorded, slice_from_text(name ? name : ""));
}

static bool is_same(const struct edit_kind *recorded, const struct engine_tree_kind *kind) {
    const struct engine_filter *filter = expiry_kind_filter(kind);
    return is_name(recorded->name, kind->name) && is_name(recorded->merge, kind->merge ? kind->merge->name : NULL) &&
           is_name(recorded->filter, filter ? filter->name : NULL);
}

static struct engine_tree_kind make_strange(const struct edit_kind *recorded, const char *name) {
    static const struct engine_merge merge = {.name = "not known here", .full = no_merge};
    return (struct engine_tree_kind){.id = recorded->id,
                                     .name = name,
                                     .merge = recorded->merge.size ? &merge : NULL,
                                     .expires = is_name(recorded->filter, EXPIRY_NAME)};
}

static bool is_recorded(const struct recovered *recovered, uint32_t id) {
    for (size_t i = 0; i < recovered->kind_count; i++)
        if (recovered->kinds[i].id == id) return true;
    return false;
}

static size_t names_bytes(const struct recovered *recovered) {
    size_t bytes = 0;
    for (size_t i = 0; i < recovered->kind_count; i++) bytes += recovered->kinds[i].name.size + 1;
    return bytes;
}

enum status strange_kinds_take(struct engine *engine, const struct recovered *recovered) {
    const struct engine_options *options = &engine->options;
    const size_t most = recovered->kind_count + options->kind_count, table = most * sizeof(struct engine_tree_kind);
    struct engine_tree_kind *kinds = malloc(table + names_bytes(recovered) + 1);
    if (!kinds) return STATUS_NO_MEMORY;
    char *names = (char *)kinds + table;
    size_t count = 0;
    for (size_t i = 0; i < recovered->kind_count; i++) {
        const struct edit_kind *recorded = &recovered->kinds[i];
        const struct engine_tree_kind *given = store_kind(engine, recorded->id);
        if (recorded->name.size) memcpy(names, recorded->name.data, recorded->name.size);
        names[recorded->name.size] = 0;
        kinds[count++] = given && is_same(recorded, given) ? *given : make_strange(recorded, names);
        names += recorded->name.size + 1;
    }
    for (size_t i = 0; i < options->kind_count; i++)
        if (!is_recorded(recovered, options->kinds[i].id)) kinds[count++] = options->kinds[i];
    strange_kinds_free(engine);
    engine->strange_kinds = kinds;
    engine->options.kinds = kinds;
    engine->options.kind_count = count;
    return STATUS_OK;
}

void strange_kinds_free(struct engine *engine) {
    free(engine->strange_kinds);
    engine->strange_kinds = NULL;
}
