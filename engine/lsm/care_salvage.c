/* care_salvage: edits one by one, whatever lies between them. */
#include "engine/lsm/care_salvage.h"

#include <stdlib.h>
#include <string.h>

#include "engine/lsm/format_level.h"
#include "engine/lsm/manifest_format.h"

enum { SALVAGE_BLOCK_BYTES = 64 << 10, SECTORS_PER_PAGE = IO_PAGE_BYTES / IO_SECTOR_BYTES };

void salvage_init(struct salvage *salvage) {
    *salvage = (struct salvage){.next_file = 1, .next_instance = 1, .format_level = FORMAT_LEVEL_FIRST};
    arena_init(&salvage->arena, SALVAGE_BLOCK_BYTES);
}

void salvage_deinit(struct salvage *salvage) {
    arena_deinit(&salvage->arena);
    free(salvage->files);
    free(salvage->trees);
    free(salvage->kinds);
    free(salvage->value_files);
}

static enum status keep(struct salvage *salvage, struct slice *slice) {
    if (slice->size == 0) return STATUS_OK;
    const void *copy = arena_copy(&salvage->arena, slice->data, slice->size);
    if (!copy) return STATUS_NO_MEMORY;
    slice->data = copy;
    return STATUS_OK;
}

static bool grow(void **items, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return true;
    const size_t more = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*items, more * size);
    if (!grown) return false;
    *items = grown;
    *capacity = more;
    return true;
}

/* Where a number stands, or would. */
static size_t place_of(const struct salvage *salvage, uint64_t number) {
    size_t low = 0, high = salvage->file_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (salvage->files[middle].meta.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct salvaged_file *salvage_file(const struct salvage *salvage, uint64_t number) {
    const size_t at = place_of(salvage, number);
    return at < salvage->file_count && salvage->files[at].meta.number == number ? &salvage->files[at] : NULL;
}

static enum status take_file(struct salvage *salvage, const struct edit_file *meta) {
    struct edit_file copy = *meta;
    enum status status = keep(salvage, &copy.first);
    if (status == STATUS_OK) status = keep(salvage, &copy.last);
    if (status == STATUS_OK) status = keep(salvage, &copy.values);
    if (status != STATUS_OK) return status;
    const size_t at = place_of(salvage, meta->number);
    if (at == salvage->file_count || salvage->files[at].meta.number != meta->number) {
        void *files = salvage->files;
        if (!grow(&files, salvage->file_count, &salvage->file_capacity, sizeof *salvage->files))
            return STATUS_NO_MEMORY;
        salvage->files = files;
        memmove(salvage->files + at + 1, salvage->files + at, (salvage->file_count - at) * sizeof *salvage->files);
        salvage->file_count++;
    }
    salvage->files[at] = (struct salvaged_file){.meta = copy};
    return STATUS_OK;
}

/* Where a file of values stands, or would. */
static size_t value_place_of(const struct salvage *salvage, uint64_t number) {
    size_t low = 0, high = salvage->value_file_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (salvage->value_files[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct edit_value_file *salvage_value_file(const struct salvage *salvage, uint64_t number) {
    const size_t at = value_place_of(salvage, number);
    const bool there = at < salvage->value_file_count && salvage->value_files[at].number == number;
    return there ? &salvage->value_files[at] : NULL;
}

static enum status take_value_file(struct salvage *salvage, const struct edit_value_file *file) {
    if (salvage_value_file(salvage, file->number)) return STATUS_OK; /* a number never names two */
    const size_t at = value_place_of(salvage, file->number);
    void *files = salvage->value_files;
    if (!grow(&files, salvage->value_file_count, &salvage->value_file_capacity, sizeof *file)) return STATUS_NO_MEMORY;
    salvage->value_files = files;
    struct edit_value_file *to = salvage->value_files + at;
    memmove(to + 1, to, (salvage->value_file_count - at) * sizeof *to);
    *to = *file;
    salvage->value_file_count++;
    return STATUS_OK;
}

struct salvaged_tree *salvage_tree(const struct salvage *salvage, uint32_t instance) {
    for (size_t i = 0; i < salvage->tree_count; i++)
        if (salvage->trees[i].tree.instance == instance) return &salvage->trees[i];
    return NULL;
}

enum status salvage_add_tree(struct salvage *salvage, const struct salvaged_tree *tree) {
    if (salvage_tree(salvage, tree->tree.instance)) return STATUS_OK;
    void *trees = salvage->trees;
    if (!grow(&trees, salvage->tree_count, &salvage->tree_capacity, sizeof *salvage->trees)) return STATUS_NO_MEMORY;
    salvage->trees = trees;
    size_t at = salvage->tree_count++;
    for (; at > 0 && salvage->trees[at - 1].tree.instance > tree->tree.instance; at--)
        salvage->trees[at] = salvage->trees[at - 1];
    salvage->trees[at] = *tree;
    return STATUS_OK;
}

static enum status take_kind(struct salvage *salvage, const struct edit_kind *kind) {
    struct edit_kind copy = *kind;
    enum status status = keep(salvage, &copy.name);
    if (status == STATUS_OK) status = keep(salvage, &copy.merge);
    if (status == STATUS_OK) status = keep(salvage, &copy.filter);
    if (status != STATUS_OK) return status;
    size_t at = 0;
    while (at < salvage->kind_count && salvage->kinds[at].id != kind->id) at++;
    void *kinds = salvage->kinds;
    if (!grow(&kinds, at, &salvage->kind_capacity, sizeof *salvage->kinds)) return STATUS_NO_MEMORY;
    salvage->kinds = kinds;
    salvage->kinds[at] = copy;
    if (at == salvage->kind_count) salvage->kind_count++;
    return STATUS_OK;
}

/* The edit that added it may be lost: that it is gone counts all the same. */
static enum status take_removal(struct salvage *salvage, const struct edit_removed *removed) {
    const struct edit_file unknown = {
        .number = removed->number, .instance = removed->instance, .level = removed->level};
    const enum status status = salvage_file(salvage, removed->number) ? STATUS_OK : take_file(salvage, &unknown);
    if (status == STATUS_OK) salvage_file(salvage, removed->number)->gone = true;
    return status;
}

/* The same of the edit that created it. */
static enum status take_drop(struct salvage *salvage, uint32_t instance) {
    const struct salvaged_tree unknown = {.tree = {.instance = instance}};
    const enum status status = salvage_add_tree(salvage, &unknown);
    if (status == STATUS_OK) salvage_tree(salvage, instance)->dropped = true;
    if (instance >= salvage->next_instance) salvage->next_instance = instance + 1;
    return status;
}

static enum status take_edit(struct salvage *salvage, const struct edit *edit) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < edit->kind_count && status == STATUS_OK; i++) status = take_kind(salvage, &edit->kinds[i]);
    for (size_t i = 0; i < edit->created_count && status == STATUS_OK; i++) {
        const struct salvaged_tree tree = {.tree = edit->created[i]};
        status = salvage_add_tree(salvage, &tree);
    }
    for (size_t i = 0; i < edit->removed_count && status == STATUS_OK; i++)
        status = take_removal(salvage, &edit->removed[i]);
    for (size_t i = 0; i < edit->value_file_count && status == STATUS_OK; i++)
        status = take_value_file(salvage, &edit->value_files[i]);
    for (size_t i = 0; i < edit->added_count && status == STATUS_OK; i++) status = take_file(salvage, &edit->added[i]);
    for (size_t i = 0; i < edit->dropped_count && status == STATUS_OK; i++)
        status = take_drop(salvage, edit->dropped[i]);
    if (edit->has_mark && (!salvage->has_mark || edit->mark.index >= salvage->mark.index)) {
        salvage->has_mark = true;
        salvage->mark = edit->mark;
        salvage->last_sequence = edit->last_sequence;
    }
    if (edit->next_file > salvage->next_file) salvage->next_file = edit->next_file;
    if (edit->next_instance > salvage->next_instance) salvage->next_instance = edit->next_instance;
    if (edit->format_level > salvage->format_level) salvage->format_level = edit->format_level;
    salvage->last_edit = edit->number;
    salvage->edits++;
    return status;
}

/* The whole payload of the edit that begins at sector `at`; false: there is none. */
static bool gather(const struct manifest_id *id, struct slice bytes, uint64_t at, struct buf *payload, uint32_t *count,
                   enum status *status) {
    struct manifest_sector head, part;
    const uint64_t sectors = bytes.size / IO_SECTOR_BYTES;
    if (manifest_sector_parse(id, at, bytes.data + at * IO_SECTOR_BYTES, &head) != MANIFEST_SECTOR_VALID ||
        head.index != 0)
        return false;
    buf_clear(payload);
    for (uint32_t i = 0; i < head.count; i++) {
        if (at + i >= sectors) return false;
        const uint8_t *sector = bytes.data + (at + i) * IO_SECTOR_BYTES;
        if (manifest_sector_parse(id, at + i, sector, &part) != MANIFEST_SECTOR_VALID) return false;
        if (part.edit != head.edit || part.index != i || part.count != head.count) return false;
        *status = buf_append_slice(payload, part.payload);
        if (*status != STATUS_OK) return true;
    }
    *count = head.count;
    return true;
}

static bool is_empty_page(struct slice bytes, uint64_t at) {
    const uint8_t *page = bytes.data + at * IO_SECTOR_BYTES;
    const uint64_t left = bytes.size - at * IO_SECTOR_BYTES, size = left < IO_PAGE_BYTES ? left : IO_PAGE_BYTES;
    return page[0] == 0 && memcmp(page, page + 1, (size_t)size - 1) == 0;
}

enum status salvage_manifest(struct salvage *salvage, struct slice bytes, uint64_t store, uint64_t number) {
    const struct manifest_id id = {.store = store, .number = number};
    struct buf payload = BUF_EMPTY;
    enum status status = STATUS_OK;
    const uint64_t sectors = bytes.size / IO_SECTOR_BYTES;
    uint64_t first_edit = 0;
    for (uint64_t at = SECTORS_PER_PAGE; at < sectors && status == STATUS_OK;) {
        uint32_t count = 0;
        struct edit edit;
        if (!gather(&id, bytes, at, &payload, &count, &status)) {
            salvage->mark_may_be_old |= !is_empty_page(bytes, at);
            at += SECTORS_PER_PAGE;
            continue;
        }
        if (status != STATUS_OK) break;
        edit_init(&edit, EDIT_CREATE);
        const enum status decoded = edit_decode(buf_slice(&payload), &edit, NULL);
        salvage->is_newer = salvage->is_newer || decoded == STATUS_VERSION;
        const bool follows = salvage->edits == 0 || edit.number == salvage->last_edit + 1;
        salvage->mark_may_be_old = decoded != STATUS_OK || (!edit.has_mark && (salvage->mark_may_be_old || !follows));
        if (decoded == STATUS_OK) {
            if (salvage->edits == 0) first_edit = edit.number;
            const bool begins = at == SECTORS_PER_PAGE;
            status = take_edit(salvage, &edit);
            salvage->whole = (begins || salvage->whole) && edit.number - first_edit + 1 == salvage->edits;
        }
        edit_deinit(&edit);
        at += manifest_round_to_page((size_t)count * IO_SECTOR_BYTES) / IO_SECTOR_BYTES;
    }
    buf_deinit(&payload);
    return status;
}
