/* recovered: adds edits up. Invariant: every file that is there belongs to a tree that is there, and has a number of
 * its own. */
#include "engine/lsm/recovered.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/format_level.h"

enum { RECOVERED_BLOCK_BYTES = 64 << 10, RECOVERED_BUCKETS_FIRST = 256 };

void recovered_init(struct recovered *recovered) {
    *recovered = (struct recovered){.next_file = 1, .next_instance = 1, .format_level = FORMAT_LEVEL_FIRST};
    arena_init(&recovered->arena, RECOVERED_BLOCK_BYTES);
}

void recovered_deinit(struct recovered *recovered) {
    arena_deinit(&recovered->arena);
    free(recovered->buckets);
    free(recovered->trees);
    free(recovered->kinds);
    free(recovered->value_files);
    *recovered = (struct recovered){.next_file = 1};
}

static enum status keep(struct recovered *recovered, struct slice *slice) {
    if (slice->size == 0) {
        *slice = slice_make(NULL, 0);
        return STATUS_OK;
    }
    const void *copy = arena_copy(&recovered->arena, slice->data, slice->size);
    if (!copy) return STATUS_NO_MEMORY;
    slice->data = copy;
    return STATUS_OK;
}

/* ---- Kinds and trees --------------------------------------------------------------------------------------------- */

static enum status apply_kind(struct recovered *recovered, const struct edit_kind *kind) {
    struct edit_kind copy = *kind;
    enum status status = keep(recovered, &copy.name);
    if (status == STATUS_OK) status = keep(recovered, &copy.merge);
    if (status == STATUS_OK) status = keep(recovered, &copy.filter);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < recovered->kind_count; i++) {
        if (recovered->kinds[i].id != copy.id) continue;
        recovered->kinds[i] = copy;
        return STATUS_OK;
    }
    if (recovered->kind_count == recovered->kind_capacity) {
        const size_t more = recovered->kind_capacity ? recovered->kind_capacity * 2 : 16;
        struct edit_kind *grown = realloc(recovered->kinds, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        recovered->kinds = grown;
        recovered->kind_capacity = more;
    }
    recovered->kinds[recovered->kind_count++] = copy;
    return STATUS_OK;
}

static struct recovered_tree *find_tree(const struct recovered *recovered, uint32_t instance) {
    size_t low = 0, high = recovered->tree_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (recovered->trees[middle].tree.instance < instance)
            low = middle + 1;
        else
            high = middle;
    }
    return low < recovered->tree_count && recovered->trees[low].tree.instance == instance ? &recovered->trees[low]
                                                                                          : NULL;
}

const struct recovered_tree *recovered_tree(const struct recovered *recovered, uint32_t instance) {
    const struct recovered_tree *tree = find_tree(recovered, instance);
    return tree && !tree->dropped ? tree : NULL;
}

static enum status apply_created(struct recovered *recovered, const struct edit_tree *tree, struct error *error) {
    if (recovered->tree_count > 0 && recovered->trees[recovered->tree_count - 1].tree.instance >= tree->instance)
        return error_set(error, STATUS_CORRUPT, "tree instance %" PRIu32 " is created out of order", tree->instance);
    if (recovered->tree_count == recovered->tree_capacity) {
        const size_t more = recovered->tree_capacity ? recovered->tree_capacity * 2 : 16;
        struct recovered_tree *grown = realloc(recovered->trees, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        recovered->trees = grown;
        recovered->tree_capacity = more;
    }
    recovered->trees[recovered->tree_count++] = (struct recovered_tree){.tree = *tree};
    return STATUS_OK;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static struct recovered_file *find_file(const struct recovered *recovered, uint64_t number) {
    if (recovered->bucket_count == 0) return NULL;
    struct recovered_file *file = recovered->buckets[number % recovered->bucket_count];
    while (file && file->meta.number != number) file = file->next;
    return file;
}

/* It leaves its bucket, so that files that are gone cost the later edits nothing. */
static void forget_file(struct recovered *recovered, const struct recovered_file *file) {
    struct recovered_file **at = &recovered->buckets[file->meta.number % recovered->bucket_count];
    while (*at != file) at = &(*at)->next;
    *at = file->next;
    recovered->file_count--;
}

bool recovered_has_file(const struct recovered *recovered, uint64_t number) {
    return find_file(recovered, number) != NULL;
}

static enum status grow_buckets(struct recovered *recovered) {
    const size_t more = recovered->bucket_count ? recovered->bucket_count * 2 : RECOVERED_BUCKETS_FIRST;
    struct recovered_file **buckets = calloc(more, sizeof *buckets);
    if (!buckets) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < recovered->bucket_count; i++) {
        struct recovered_file *file = recovered->buckets[i];
        while (file) {
            struct recovered_file *next = file->next;
            file->next = buckets[file->meta.number % more];
            buckets[file->meta.number % more] = file;
            file = next;
        }
    }
    free(recovered->buckets);
    recovered->buckets = buckets;
    recovered->bucket_count = more;
    return STATUS_OK;
}

static enum status apply_added(struct recovered *recovered, const struct edit_file *meta, struct error *error) {
    if (find_file(recovered, meta->number))
        return error_set(error, STATUS_CORRUPT, "file %" PRIu64 " is added twice", meta->number);
    if (!recovered_tree(recovered, meta->instance))
        return error_set(error, STATUS_CORRUPT,
                         "file %" PRIu64 " belongs to the tree instance %" PRIu32 ", which is not there", meta->number,
                         meta->instance);
    if (recovered->file_count >= recovered->bucket_count) {
        const enum status status = grow_buckets(recovered);
        if (status != STATUS_OK) return status;
    }
    struct recovered_file *file = arena_alloc(&recovered->arena, sizeof *file, _Alignof(struct recovered_file));
    if (!file) return STATUS_NO_MEMORY;
    *file = (struct recovered_file){.meta = *meta};
    enum status status = keep(recovered, &file->meta.values);
    if (status == STATUS_OK) status = keep(recovered, &file->meta.first);
    if (status == STATUS_OK) status = keep(recovered, &file->meta.last);
    if (status != STATUS_OK) return status;
    struct recovered_file **bucket = &recovered->buckets[meta->number % recovered->bucket_count];
    file->next = *bucket;
    *bucket = file;
    recovered->file_count++;
    return STATUS_OK;
}

static enum status apply_value_file(struct recovered *recovered, const struct edit_value_file *file) {
    if (recovered->value_file_count == recovered->value_file_capacity) {
        const size_t more = recovered->value_file_capacity ? recovered->value_file_capacity * 2 : 16;
        struct edit_value_file *grown = realloc(recovered->value_files, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        recovered->value_files = grown;
        recovered->value_file_capacity = more;
    }
    recovered->value_files[recovered->value_file_count++] = *file;
    return STATUS_OK;
}

static int compare_value_files(const void *a, const void *b) {
    const struct edit_value_file *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

const struct edit_value_file *recovered_value_file(struct recovered *recovered, uint64_t number) {
    const struct edit_value_file key = {.number = number};
    const size_t count = recovered->value_file_count;
    if (count == 0) return NULL;
    if (recovered->value_files_sorted < count) qsort(recovered->value_files, count, sizeof key, compare_value_files);
    recovered->value_files_sorted = count;
    return bsearch(&key, recovered->value_files, count, sizeof key, compare_value_files);
}

static enum status apply_removed(struct recovered *recovered, const struct edit_removed *removed, struct error *error) {
    struct recovered_file *file = find_file(recovered, removed->number);
    if (!file || file->meta.instance != removed->instance || file->meta.level != removed->level)
        return error_set(error, STATUS_CORRUPT, "file %" PRIu64 " of level %" PRIu32 " is removed and not there",
                         removed->number, removed->level);
    forget_file(recovered, file);
    return STATUS_OK;
}

static enum status apply_dropped(struct recovered *recovered, uint32_t instance, struct error *error) {
    struct recovered_tree *tree = find_tree(recovered, instance);
    if (!tree || tree->dropped)
        return error_set(error, STATUS_CORRUPT, "tree instance %" PRIu32 " is dropped and not there", instance);
    tree->dropped = true;
    for (size_t i = 0; i < recovered->bucket_count; i++) {
        for (struct recovered_file *file = recovered->buckets[i], *next; file; file = next) {
            next = file->next;
            if (file->meta.instance == instance) forget_file(recovered, file);
        }
    }
    return STATUS_OK;
}

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

static enum status apply_parts(struct recovered *recovered, const struct edit *edit, struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < edit->kind_count && status == STATUS_OK; i++)
        status = apply_kind(recovered, &edit->kinds[i]);
    for (size_t i = 0; i < edit->created_count && status == STATUS_OK; i++)
        status = apply_created(recovered, &edit->created[i], error);
    for (size_t i = 0; i < edit->removed_count && status == STATUS_OK; i++)
        status = apply_removed(recovered, &edit->removed[i], error);
    for (size_t i = 0; i < edit->value_file_count && status == STATUS_OK; i++)
        status = apply_value_file(recovered, &edit->value_files[i]);
    for (size_t i = 0; i < edit->added_count && status == STATUS_OK; i++)
        status = apply_added(recovered, &edit->added[i], error);
    for (size_t i = 0; i < edit->dropped_count && status == STATUS_OK; i++)
        status = apply_dropped(recovered, edit->dropped[i], error);
    return status;
}

enum status recovered_apply(void *context, const struct edit *edit, struct error *error) {
    struct recovered *recovered = context;
    if (edit->has_mark && edit->mark.index < recovered->mark.index)
        return error_set(error, STATUS_CORRUPT, "edit %" PRIu64 ": the mark goes back from %" PRIu64 " to %" PRIu64,
                         edit->number, recovered->mark.index, edit->mark.index);
    if (edit->format_level && edit->format_level < recovered->format_level)
        return error_set(error, STATUS_CORRUPT,
                         "edit %" PRIu64 ": the format level goes back from %" PRIu32 " to %" PRIu32, edit->number,
                         recovered->format_level, edit->format_level);
    const enum status status = apply_parts(recovered, edit, error);
    if (status != STATUS_OK)
        return error_prefix(error, status, "edit %" PRIu64 " (%s)", edit->number, edit_cause_name(edit->cause));
    if (edit->has_mark) {
        recovered->mark = edit->mark;
        recovered->last_sequence = edit->last_sequence;
    }
    if (edit->next_file > recovered->next_file) recovered->next_file = edit->next_file;
    if (edit->next_instance > recovered->next_instance) recovered->next_instance = edit->next_instance;
    if (edit->format_level) recovered->format_level = edit->format_level;
    if (recovered->first_edit == 0) recovered->first_edit = edit->number;
    recovered->last_edit = edit->number;
    return STATUS_OK;
}

enum status recovered_each_file(const struct recovered *recovered,
                                enum status (*visit)(void *context, const struct edit_file *meta), void *context) {
    for (size_t i = 0; i < recovered->bucket_count; i++) {
        for (const struct recovered_file *file = recovered->buckets[i]; file; file = file->next) {
            const enum status status = visit(context, &file->meta);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}
