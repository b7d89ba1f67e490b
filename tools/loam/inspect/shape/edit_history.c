/*
 * edit_history: see history.h. Invariant: files whose `gone` is HISTORY_STAYS are what the edits so far add up to, and
 * exactly these are in the table by number.
 */
#include "tools/loam/inspect/shape/edit_history.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/look.h"

enum { ARENA_BLOCK_BYTES = 256 << 10, SLOTS_FIRST = 1024 };

/* One reading: where it stands, and the engine's own word on whether an edit fits. */
struct reading {
    struct shape_history *history;
    struct slice bytes;
    uint64_t offset; /* of the edit that comes next */
    struct look_sum *sum;
};

/* Room for one more; false: out of memory. */
static bool grow(void *items, size_t count, size_t *capacity, size_t item_bytes) {
    void **array = items;
    if (count < *capacity) return true;
    const size_t more = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*array, more * item_bytes);
    if (!grown) return false;
    *array = grown;
    *capacity = more;
    return true;
}

static bool keep(struct shape_history *history, struct slice *slice) {
    const void *copy = slice->size ? arena_copy(&history->arena, slice->data, slice->size) : NULL;
    if (slice->size && !copy) return false;
    slice->data = copy;
    return true;
}

/* ---- Files by number --------------------------------------------------------------------------------------------- */

static uint32_t *slot_of(const struct shape_history *history, uint64_t number) {
    return &history->slots[number % history->slot_count];
}

static bool grow_slots(struct shape_history *history) {
    const size_t count = history->slot_count ? history->slot_count * 2 : SLOTS_FIRST;
    if (history->file_count < history->slot_count) return true;
    uint32_t *slots = malloc(count * sizeof *slots);
    if (!slots) return false;
    free(history->slots);
    history->slots = slots;
    history->slot_count = count;
    for (size_t i = 0; i < count; i++) slots[i] = HISTORY_STAYS;
    for (size_t i = 0; i < history->file_count; i++) {
        if (history->files[i].gone != HISTORY_STAYS) continue;
        uint32_t *slot = slot_of(history, history->files[i].meta.number);
        history->files[i].next_of_slot = *slot;
        *slot = (uint32_t)i;
    }
    return true;
}

const struct shape_history_file *shape_history_find_file(const struct shape_history *history, uint64_t number) {
    if (history->slot_count == 0) return NULL;
    uint32_t at = *slot_of(history, number);
    while (at != HISTORY_STAYS && history->files[at].meta.number != number) at = history->files[at].next_of_slot;
    return at == HISTORY_STAYS ? NULL : &history->files[at];
}

static void take_out_of_slot(struct shape_history *history, uint32_t file) {
    uint32_t *at = slot_of(history, history->files[file].meta.number);
    while (*at != file) at = &history->files[*at].next_of_slot;
    *at = history->files[file].next_of_slot;
}

/* ---- What an edit changes ---------------------------------------------------------------------------------------- */

static struct shape_history_tree *find_tree(const struct shape_history *history, uint32_t instance) {
    size_t low = 0, high = history->tree_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (history->trees[middle].tree.instance < instance)
            low = middle + 1;
        else
            high = middle;
    }
    return low < history->tree_count && history->trees[low].tree.instance == instance ? &history->trees[low] : NULL;
}

const struct shape_history_tree *shape_history_find_tree(const struct shape_history *history, uint32_t instance) {
    return find_tree(history, instance);
}

static enum status take_kind(struct shape_history *history, const struct edit_kind *kind) {
    struct edit_kind copy = *kind;
    size_t at = 0;
    if (!keep(history, &copy.name) || !keep(history, &copy.merge) || !keep(history, &copy.filter))
        return STATUS_NO_MEMORY;
    while (at < history->kind_count && history->kinds[at].id != kind->id) at++;
    if (!grow(&history->kinds, at, &history->kind_capacity, sizeof copy)) return STATUS_NO_MEMORY;
    history->kinds[at] = copy;
    history->kind_count += at == history->kind_count;
    return STATUS_OK;
}

static enum status take_tree(struct shape_history *history, const struct edit_tree *tree) {
    if (!grow(&history->trees, history->tree_count, &history->tree_capacity, sizeof *history->trees))
        return STATUS_NO_MEMORY;
    history->trees[history->tree_count++] = (struct shape_history_tree){
        .tree = *tree, .born = (uint32_t)history->edit_count, .gone = HISTORY_STAYS, .files = HISTORY_STAYS};
    return STATUS_OK;
}

static enum status take_value_file(struct shape_history *history, const struct edit_value_file *file) {
    if (history->value_file_count >= HISTORY_FILES_MAX) return STATUS_TOO_LARGE;
    if (!grow(&history->value_files, history->value_file_count, &history->value_file_capacity,
              sizeof *history->value_files))
        return STATUS_NO_MEMORY;
    history->value_files[history->value_file_count++] =
        (struct shape_history_value_file){.meta = *file, .born = (uint32_t)history->edit_count};
    return STATUS_OK;
}

static enum status take_added(struct shape_history *history, const struct edit_file *meta) {
    struct shape_history_tree *tree = find_tree(history, meta->instance);
    struct shape_history_file file = {.meta = *meta, .born = (uint32_t)history->edit_count, .gone = HISTORY_STAYS};
    check(tree != NULL); /* look_sum_add has looked */
    if (history->file_count >= HISTORY_FILES_MAX) return STATUS_TOO_LARGE;
    if (!grow(&history->files, history->file_count, &history->file_capacity, sizeof file) || !grow_slots(history))
        return STATUS_NO_MEMORY;
    if (!keep(history, &file.meta.first) || !keep(history, &file.meta.last) || !keep(history, &file.meta.values))
        return STATUS_NO_MEMORY;
    uint32_t *slot = slot_of(history, meta->number);
    file.next_of_slot = *slot;
    file.next_of_tree = tree->files;
    *slot = tree->files = (uint32_t)history->file_count;
    history->files[history->file_count++] = file;
    return STATUS_OK;
}

static enum status take_away(struct shape_history *history, uint32_t file) {
    if (!grow(&history->removed, history->removed_count, &history->removed_capacity, sizeof *history->removed))
        return STATUS_NO_MEMORY;
    take_out_of_slot(history, file);
    history->files[file].gone = (uint32_t)history->edit_count;
    history->removed[history->removed_count++] = file;
    return STATUS_OK;
}

static enum status take_dropped(struct shape_history *history, uint32_t instance) {
    struct shape_history_tree *tree = find_tree(history, instance);
    enum status status = STATUS_OK;
    check(tree != NULL);
    tree->gone = (uint32_t)history->edit_count;
    for (uint32_t at = tree->files; at != HISTORY_STAYS && status == STATUS_OK; at = history->files[at].next_of_tree)
        if (history->files[at].gone == HISTORY_STAYS) status = take_away(history, at);
    return status;
}

/* In the order in which an edit's parts take effect. */
static enum status take_parts(struct shape_history *history, const struct edit *edit) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < edit->kind_count && status == STATUS_OK; i++) status = take_kind(history, &edit->kinds[i]);
    for (size_t i = 0; i < edit->created_count && status == STATUS_OK; i++)
        status = take_tree(history, &edit->created[i]);
    for (size_t i = 0; i < edit->removed_count && status == STATUS_OK; i++) {
        const struct shape_history_file *file = shape_history_find_file(history, edit->removed[i].number);
        check(file != NULL);
        status = take_away(history, (uint32_t)(file - history->files));
    }
    for (size_t i = 0; i < edit->value_file_count && status == STATUS_OK; i++)
        status = take_value_file(history, &edit->value_files[i]);
    for (size_t i = 0; i < edit->added_count && status == STATUS_OK; i++) status = take_added(history, &edit->added[i]);
    for (size_t i = 0; i < edit->dropped_count && status == STATUS_OK; i++)
        status = take_dropped(history, edit->dropped[i]);
    return status;
}

static struct shape_history_edit head_of(const struct reading *reading, const struct edit *edit) {
    const struct shape_history *history = reading->history;
    return (struct shape_history_edit){.number = edit->number,
                                       .job = edit->job,
                                       .offset = reading->offset,
                                       .time_ms = edit->time_ms,
                                       .cause = edit->cause,
                                       .has_mark = edit->has_mark,
                                       .mark = edit->mark,
                                       .last_sequence = edit->last_sequence,
                                       .format_level = edit->format_level,
                                       .added_at = (uint32_t)history->file_count,
                                       .added = (uint32_t)edit->added_count,
                                       .removed_at = (uint32_t)history->removed_count,
                                       .created = (uint32_t)edit->created_count,
                                       .dropped = (uint32_t)edit->dropped_count,
                                       .value_files_at = (uint32_t)history->value_file_count,
                                       .values = (uint32_t)edit->value_file_count};
}

/* Behind the edit that begins at `offset`; it was parsed. */
static uint64_t next_offset(const struct reading *reading) {
    struct manifest_sector sector = {.count = 1};
    const uint64_t at = reading->offset;
    const struct manifest_id *id = &reading->history->id;
    (void)manifest_sector_parse(id, at / IO_SECTOR_BYTES, reading->bytes.data + at, &sector);
    return at + manifest_round_to_page((size_t)sector.count * IO_SECTOR_BYTES);
}

static enum status take_edit(void *context, const struct edit *edit, struct error *error) {
    struct reading *reading = context;
    struct shape_history *history = reading->history;
    if (history->edit_count >= HISTORY_EDITS_MAX) return STATUS_TOO_LARGE;
    if (!grow(&history->edits, history->edit_count, &history->edit_capacity, sizeof *history->edits))
        return STATUS_NO_MEMORY;
    enum status status = look_sum_add(reading->sum, edit, error);
    if (status != STATUS_OK) return error_prefix(error, status, "offset %llu", (unsigned long long)reading->offset);
    struct shape_history_edit head = head_of(reading, edit);
    status = take_parts(history, edit);
    if (status != STATUS_OK) return status;
    history->applied++;
    head.removed = (uint32_t)history->removed_count - head.removed_at;
    history->edits[history->edit_count++] = head;
    reading->offset = next_offset(reading);
    return STATUS_OK;
}

enum status shape_history_read(struct shape_history *history, struct slice bytes, const struct manifest_id *expected,
                               uint64_t durable_bytes) {
    struct reading reading = {.history = history, .bytes = bytes, .offset = IO_PAGE_BYTES};
    struct error error = {.status = STATUS_OK};
    *history = (struct shape_history){.bytes = bytes.size};
    arena_init(&history->arena, ARENA_BLOCK_BYTES);
    reading.sum = look_sum_create();
    if (!reading.sum) return STATUS_NO_MEMORY;
    if (manifest_header_parse(bytes, &history->id, NULL) != STATUS_OK) history->id = (struct manifest_id){0};
    const enum status status =
        manifest_parse(bytes, expected, durable_bytes, take_edit, &reading, &history->recovery, &error);
    look_sum_destroy(reading.sum);
    history->stopped_at = reading.offset;
    if (status == STATUS_NO_MEMORY || status == STATUS_TOO_LARGE) return status;
    if (status != STATUS_OK) {
        history->damage = error;
        history->damage.status = status;
    }
    return STATUS_OK;
}

void shape_history_deinit(struct shape_history *history) {
    arena_deinit(&history->arena);
    free(history->edits);
    free(history->files);
    free(history->removed);
    free(history->trees);
    free(history->kinds);
    free(history->value_files);
    free(history->slots);
    *history = (struct shape_history){.edits = NULL};
}

bool shape_history_find_edit(const struct shape_history *history, uint64_t number, uint32_t *at) {
    if (history->edit_count == 0 || number < history->edits[0].number) return false;
    if (number - history->edits[0].number >= history->edit_count) return false;
    *at = (uint32_t)(number - history->edits[0].number);
    return true;
}

const struct edit_kind *shape_history_find_kind(const struct shape_history *history, uint32_t kind) {
    for (size_t i = 0; i < history->kind_count; i++)
        if (history->kinds[i].id == kind) return &history->kinds[i];
    return NULL;
}
