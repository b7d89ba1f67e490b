/*
 * sst_read: opening and point reads. Invariant: what stands in struct sst after open was verified.
 */
#include "engine/sst/sst_read.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/sst/sst_file.h"

enum {
    RANGE_ARENA_BYTES = 16 << 10,
    FILTER_FRONT = FILTER_LINE_BYTES - FILTER_HEADER_BYTES, /* behind its header the filter's lines are the machine's */
};

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static enum status open_ends(struct sst *sst, uint32_t *features, struct error *error) {
    uint64_t size = 0;
    enum status status = io_file_size(sst->file, &size);
    if (status != STATUS_OK) return error_set(error, status, "its size can't be read");
    if (size < SST_HEADER_BYTES + SST_FOOTER_BYTES) {
        return error_set(error, STATUS_CORRUPT, "%" PRIu64 " bytes are too few for an SST", size);
    }
    uint8_t header[SST_HEADER_BYTES];
    uint8_t footer[SST_FOOTER_BYTES];
    status = sst_file_read(sst, 0, header, sizeof header);
    if (status == STATUS_OK) status = sst_file_read(sst, size - sizeof footer, footer, sizeof footer);
    if (status != STATUS_OK) return error_set(error, status, "header or footer can't be read");
    struct sst_identity claimed;
    status = sst_header_decode(slice_make(header, sizeof header), &claimed, error);
    if (status != STATUS_OK) return error_prefix(error, status, "offset 0");
    *features = sst_header_features(header);
    status = sst_footer_decode(slice_make(footer, sizeof footer), size, &sst->footer, error);
    if (status != STATUS_OK) return error_prefix(error, status, "offset %" PRIu64, size - sizeof footer);
    bool same = claimed.store == sst->identity.store && claimed.file == sst->identity.file;
    bool agree = claimed.store == sst->footer.identity.store && claimed.file == sst->footer.identity.file;
    if (!agree) return error_set(error, STATUS_CORRUPT, "header (offset 0) and footer are of different files");
    if (!same) {
        return error_set(error, STATUS_MISMATCH,
                         "offset 0: it is file %" PRIu64 " of store %016" PRIx64 ", not file %" PRIu64
                         " of store %016" PRIx64,
                         claimed.file, claimed.store, sst->identity.file, sst->identity.store);
    }
    return STATUS_OK;
}

/* One of the footer's sections out of `bytes`, which are the file from `start` on. */
static enum status open_section(struct sst *sst, unsigned section, struct slice bytes, uint64_t start,
                                struct block **block, struct error *error) {
    const struct sst_handle *handle = &sst->footer.sections[section - SST_SECTION_FILTER];
    if (handle->size == 0) return STATUS_OK;
    struct slice unit = slice_make(bytes.data + (handle->offset - start), handle->size);
    enum status status =
        sst_section_load(sst, unit, handle, section, section == SST_SECTION_FILTER ? FILTER_FRONT : 0, block);
    if (status == STATUS_OK || status == STATUS_NO_MEMORY) return status;
    return error_set(error, status, "the %s section at offset %" PRIu64 " (%u bytes) is damaged",
                     sst_section_name(section), handle->offset, handle->size);
}

/* The index's handles lie one behind the other from the header to the first section. */
static bool index_is_sound(const struct sst *sst) {
    const struct sst_block_view *index = &sst->index;
    uint64_t at = SST_HEADER_BYTES + sst->properties.dictionary.size;
    uint64_t end = sst_footer_data_end(&sst->footer);
    for (uint32_t i = 0; i < index->count; i++) {
        if (block_view_value(index, i).size != SST_INDEX_VALUE_BYTES) return false;
        struct sst_handle handle = sst_index_handle(sst, i);
        if (handle.offset != at || handle.size < SST_UNIT_HEADER_BYTES || handle.size > end - at) return false;
        at += handle.size;
    }
    return at == end && index->count == sst->properties.data_blocks && block_view_check_order(index) == STATUS_OK;
}

static int ascending(const void *left, const void *right) {
    const uint64_t *a = left;
    const uint64_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* Fills the range_set, which wants sequences ascending: `order` is an array of sequence << 32 | entry... kept as two
 * words. */
static enum status ranges_fill(struct sst *sst, const struct sst_block_view *view, uint64_t (*order)[2],
                               uint8_t *room) {
    for (uint32_t i = 0; i < view->count; i++) {
        order[i][0] = entry_sequence(block_view_trailer(view, i));
        if (sst->sequence && order[i][0]) return STATUS_CORRUPT;
        if (sst->sequence) order[i][0] = sst->sequence;
        order[i][1] = i;
        if (entry_kind(block_view_trailer(view, i)) != ENTRY_RANGE_DELETE) return STATUS_CORRUPT;
    }
    qsort(order, view->count, sizeof order[0], ascending);
    for (uint32_t i = 0; i < view->count; i++) {
        uint32_t at = (uint32_t)order[i][1];
        struct slice begin = block_view_key(view, at, room);
        struct slice end = block_view_value(view, at);
        if (end.size && slice_compare(begin, end) >= 0) return STATUS_CORRUPT;
        enum status status = range_set_add(&sst->ranges, sst->properties.origin.tree, begin, end, order[i][0]);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status open_ranges(struct sst *sst, struct block *block, struct error *error) {
    struct sst_block_view view = {0};
    enum status status = STATUS_OK;
    if (block) status = block_view_parse(block_slice(block), &view);
    if (status == STATUS_OK && view.count != sst->properties.range_deletes) status = STATUS_CORRUPT;
    if (status == STATUS_OK && view.count) {
        uint64_t(*order)[2] = calloc(view.count, sizeof order[0]);
        uint8_t *room = malloc(block_view_key_room(&view));
        status = order && room ? ranges_fill(sst, &view, order, room) : STATUS_NO_MEMORY;
        free(order);
        free(room);
    }
    if (status == STATUS_CORRUPT) error_set(error, status, "the range deletes are malformed");
    return status;
}

static enum status open_parts(struct sst *sst, struct slice bytes, uint64_t start, struct error *error) {
    struct block *ranges = NULL;
    enum status status = open_section(sst, SST_SECTION_PROPERTIES, bytes, start, &sst->properties_block, error);
    if (status == STATUS_OK) status = open_section(sst, SST_SECTION_INDEX, bytes, start, &sst->index_block, error);
    if (status == STATUS_OK) status = open_section(sst, SST_SECTION_FILTER, bytes, start, &sst->filter_block, error);
    if (status != STATUS_OK) return status;
    status = sst_properties_decode(block_slice(sst->properties_block), &sst->properties);
    if (sst->sequence) {
        sst->properties.origin.tree = sst->adopted_tree;
        if (sst->properties.last_sequence) status = STATUS_CORRUPT;
        sst->properties.first_sequence = sst->properties.last_sequence = sst->sequence;
    }
    sst->properties.file_bytes = sst->footer.file_bytes;
    if (status != STATUS_OK) return error_set(error, status, "its properties are malformed");
    status = block_view_parse(block_slice(sst->index_block), &sst->index);
    if (status == STATUS_OK && !index_is_sound(sst)) status = STATUS_CORRUPT;
    if (status != STATUS_OK) return error_set(error, status, "its index is malformed");
    if (sst->filter_block)
        status = filter_decode(slice_from(block_slice(sst->filter_block), FILTER_FRONT), &sst->filter);
    if (status != STATUS_OK) return error_set(error, status, "its filter is malformed");
    status = open_section(sst, SST_SECTION_RANGE_DELETES, bytes, start, &ranges, error);
    if (status == STATUS_OK) status = open_ranges(sst, ranges, error);
    block_release(ranges);
    return status;
}

/* Reads everything behind the data in one go. */
static enum status open_sections(struct sst *sst, struct error *error) {
    uint64_t start = sst_footer_data_end(&sst->footer);
    uint64_t size = sst->footer.file_bytes - SST_FOOTER_BYTES - start;
    if (size > (uint64_t)SST_UNIT_RAW_MAX * SST_FOOTER_SECTIONS)
        return error_set(error, STATUS_CORRUPT, "its sections are too large");
    uint8_t *bytes = malloc((size_t)size);
    if (!bytes) return STATUS_NO_MEMORY;
    enum status status = sst_file_read(sst, start, bytes, (size_t)size);
    if (status != STATUS_OK) {
        error_set(error, status, "its sections can't be read");
    } else {
        status = open_parts(sst, slice_make(bytes, (size_t)size), start, error);
    }
    free(bytes);
    return status;
}

/* Out of the cache, and the slots with them. */
static void forget_blocks(struct sst *sst) {
    if (!sst->slots) return;
    for (uint32_t at = 0; at < sst->index.count; at++)
        block_cache_drop(sst->environment->cache, sst->cache_file, at, &sst->slots[at]);
    free(sst->slots);
}

static enum status make_slots(struct sst *sst) {
    if (!sst->environment->cache || sst->index.count == 0) return STATUS_OK;
    sst->slots = calloc(sst->index.count, sizeof *sst->slots);
    return sst->slots ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status sst_open(const struct sst_environment *environment, const char *path, struct sst_identity identity,
                     uint64_t cache_file, struct sst **sst, struct error *error) {
    return sst_open_adopted(environment, path, identity, cache_file, 0, 0, sst, error);
}

enum status sst_open_adopted(const struct sst_environment *environment, const char *path, struct sst_identity identity,
                             uint64_t cache_file, uint32_t tree, uint64_t sequence, struct sst **sst,
                             struct error *error) {
    if (error) *error = (struct error){0};
    struct sst *this = calloc(1, sizeof *this);
    if (!this) return error_set(error, STATUS_NO_MEMORY, "%s: no memory to open it", path);
    this->environment = environment;
    this->identity = identity;
    this->cache_file = cache_file;
    this->adopted_tree = tree;
    this->sequence = sequence;
    arena_init(&this->arena, RANGE_ARENA_BYTES);
    range_set_init(&this->ranges, &this->arena, identity.file);
    uint32_t features = 0;
    enum status status = io_file_open(environment->io, path, IO_OPEN_READ, &this->file);
    if (status == STATUS_OK) status = open_ends(this, &features, error);
    if (status == STATUS_OK) status = open_sections(this, error);
    if (status == STATUS_OK) status = sst_open_dictionary(this, features, error);
    if (status == STATUS_OK) status = make_slots(this);
    if (status == STATUS_OK) sst_map_open(this->file, environment, &this->properties, &this->map);
    if (status == STATUS_OK) {
        *sst = this;
        return STATUS_OK;
    }
    if (error && error->text[0] == 0) error_set(error, status, "%s", status_text(status));
    error_prefix(error, status, "%s", path);
    sst_close(this);
    return status;
}

void sst_close(struct sst *sst) {
    if (!sst) return;
    forget_blocks(sst);
    sst_map_close(sst->map);
    block_release(sst->filter_block);
    block_release(sst->index_block);
    block_release(sst->properties_block);
    dictionary_unpacker_destroy(sst->unpacker);
    arena_deinit(&sst->arena);
    io_file_close(sst->file);
    free(sst);
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

const struct sst_properties *sst_properties(const struct sst *sst) {
    return &sst->properties;
}

const char *sst_path(const struct sst *sst) {
    return io_file_path(sst->file);
}

const struct range_set *sst_range_deletes(const struct sst *sst) {
    return &sst->ranges;
}

size_t sst_memory_bytes(const struct sst *sst) {
    size_t bytes =
        sizeof *sst + sst->arena.reserved_bytes + block_charge(sst->index_block) + block_charge(sst->properties_block);
    if (sst->slots) bytes += sst->index.count * sizeof *sst->slots;
    if (sst->unpacker) bytes += dictionary_unpacker_bytes(sst->unpacker);
    return sst->filter_block ? bytes + block_charge(sst->filter_block) : bytes;
}

void sst_touch_filter(const struct sst *sst, uint64_t hash) {
    filter_touch(&sst->filter, hash);
}

bool sst_may_have(const struct sst *sst, uint64_t hash) {
    return filter_may_have(&sst->filter, hash);
}

bool sst_may_have_prefix(const struct sst *sst, struct slice prefix, uint64_t hash) {
    if (prefix.size == 0 || sst->properties.filter_prefix_bytes != prefix.size) return true;
    return filter_may_have(&sst->filter, hash);
}

enum status sst_get(struct sst *sst, struct slice key, uint64_t snapshot, unsigned flags, struct sst_version *version) {
    uint64_t trailer = entry_trailer_at(snapshot);
    uint32_t at = sst_index_seek(sst, key, trailer);
    if (at == sst->index.count) return STATUS_NOT_FOUND;
    struct block *block;
    enum status status = sst_block_load(sst, at, flags, &block);
    if (status != STATUS_OK) return status;
    const struct sst_block_view *view = sst_block_view_of(block);
    uint32_t entry = block_view_seek(view, key, trailer);
    if (entry < view->count) {
        const struct slice value = block_view_value(view, entry);
        __builtin_prefetch(value.data);
        __builtin_prefetch(value.data + value.size);
    }
    /* Behind the last entry the next block begins with another key: the index's key tells blocks of one key apart. */
    if (entry == view->count || !block_view_key_is(view, entry, key)) {
        block_release(block);
        return STATUS_NOT_FOUND;
    }
    version->trailer = block_view_trailer(view, entry);
    version->value = block_view_value(view, entry);
    version->block = block;
    return STATUS_OK;
}

uint32_t sst_find_block(const struct sst *sst, struct slice key, uint64_t snapshot) {
    return sst_index_seek(sst, key, entry_trailer_at(snapshot));
}

/* Stored bytes of the data blocks before the one that holds key. */
static uint64_t bytes_before(const struct sst *sst, struct slice key) {
    uint32_t at = sst_index_seek(sst, key, ENTRY_TRAILER_FIRST);
    if (at == sst->index.count) return sst_footer_data_end(&sst->footer);
    return sst_index_handle(sst, at).offset;
}

uint64_t sst_approximate_bytes(const struct sst *sst, struct slice begin, struct slice end) {
    uint64_t from = bytes_before(sst, begin);
    uint64_t to = end.size ? bytes_before(sst, end) : sst_footer_data_end(&sst->footer);
    return to > from ? to - from : 0;
}

enum status sst_part_key(const struct sst *sst, uint64_t part, uint64_t parts, struct buf *key) {
    const struct sst_block_view *index = &sst->index;
    if (index->count == 0) return STATUS_OK;
    const enum status status = buf_reserve(key, key->size + block_view_key_room(index));
    if (status == STATUS_OK)
        key->size += block_view_key(index, (uint32_t)(part * index->count / parts), key->data + key->size).size;
    return status;
}
