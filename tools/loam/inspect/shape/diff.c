/* diff: see diff.h. */
#include "tools/loam/inspect/shape/diff.h"

#include <stdlib.h>

struct side {
    const struct edit_file **files; /* by identity */
    size_t count;
};

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_identity(const void *left, const void *right) {
    const struct edit_file *a = *(const struct edit_file *const *)left, *b = *(const struct edit_file *const *)right;
    if (a->store != b->store) return compare_numbers(a->store, b->store);
    return compare_numbers(edit_file_identity(a), edit_file_identity(b));
}

static enum status side_make(struct side *side, const struct state *state) {
    side->files = malloc((state->count + 1) * sizeof *side->files);
    if (!side->files) return STATUS_NO_MEMORY;
    side->count = state->count;
    for (size_t i = 0; i < state->count; i++) side->files[i] = &state_file(state, i)->meta;
    if (side->count > 1) qsort(side->files, side->count, sizeof *side->files, compare_identity);
    return STATUS_OK;
}

static const struct edit_file *side_find(const struct side *side, const struct edit_file *file) {
    const struct edit_file *const *found =
        side->count ? bsearch(&file, side->files, side->count, sizeof *side->files, compare_identity) : NULL;
    return found ? *found : NULL;
}

static void add(struct diff *diff, enum diff_kind kind, const struct edit_file *before, const struct edit_file *after) {
    diff->items[diff->count++] = (struct diff_item){kind, before, after};
    diff->counts[kind]++;
}

static void compare(struct diff *diff, const struct side *old, const struct side *new, const struct state *before,
                    const struct state *after) {
    for (size_t i = 0; i < before->count; i++) {
        const struct edit_file *file = &state_file(before, i)->meta;
        if (!side_find(new, file)) add(diff, DIFF_REMOVED, file, NULL);
    }
    for (size_t i = 0; i < after->count; i++)
        if (!side_find(old, &state_file(after, i)->meta)) add(diff, DIFF_ADDED, NULL, &state_file(after, i)->meta);
    for (size_t i = 0; i < after->count; i++) {
        const struct edit_file *file = &state_file(after, i)->meta, *was = side_find(old, file);
        if (!was) continue;
        if (was->level != file->level) add(diff, DIFF_MOVED, was, file);
        diff->same_files++;
        diff->same_bytes += file->bytes;
    }
}

enum status diff_make(struct diff *diff, const struct state *before, const struct state *after) {
    struct side old = {.files = NULL}, new = {.files = NULL};
    *diff = (struct diff){.items = malloc((before->count + after->count + 1) * sizeof *diff->items)};
    enum status status = diff->items ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = side_make(&old, before);
    if (status == STATUS_OK) status = side_make(&new, after);
    if (status == STATUS_OK) compare(diff, &old, &new, before, after);
    free(old.files);
    free(new.files);
    return status;
}

void diff_deinit(struct diff *diff) {
    free(diff->items);
    *diff = (struct diff){.items = NULL};
}

const char *diff_kind_name(enum diff_kind kind) {
    static const char *const names[] = {[DIFF_REMOVED] = "removed", [DIFF_ADDED] = "added", [DIFF_MOVED] = "moved"};
    return names[kind];
}
