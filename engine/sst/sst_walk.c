/*
 * sst_walk: from unit to unit. Invariant: a block is listed only if its unit verifies at its place, it decodes, and its
 * entries lie behind those of the block before. Bytes: FORMAT.md, "Unit".
 */
#include "engine/sst/sst_walk.h"

#include <stdlib.h>

enum { PART_BYTES = 64 << 10, GRAIN_BYTES = 512 };

/* ---- The file's bytes -------------------------------------------------------------------------------------------- */

/* What can't be read stays zero: no unit verifies there. */
static void read_grains(struct io_file *file, uint64_t from, uint64_t to, uint8_t *bytes) {
    for (uint64_t at = from; at < to; at += GRAIN_BYTES) {
        const size_t size = to - at < GRAIN_BYTES ? (size_t)(to - at) : GRAIN_BYTES;
        size_t got = 0;
        if (io_file_read(file, at, bytes + at, size, &got) != STATUS_OK || got < size) memset(bytes + at, 0, size);
    }
}

static enum status read_bytes(struct sst_walk *walk, const char *path) {
    struct io_file *file = NULL;
    uint64_t size = 0;
    enum status status = io_file_open(walk->environment->io, path, IO_OPEN_READ, &file);
    if (status != STATUS_OK) return status;
    status = io_file_size(file, &size);
    if (status == STATUS_OK && size > SST_WALK_MAX_BYTES) status = STATUS_TOO_LARGE;
    if (status == STATUS_OK) status = buf_append_zeros(&walk->bytes, (size_t)size + BLOCK_SLACK_BYTES);
    for (uint64_t at = 0; status == STATUS_OK && at < size; at += PART_BYTES) {
        const size_t part = size - at < PART_BYTES ? (size_t)(size - at) : PART_BYTES;
        size_t got = 0;
        if (io_file_read(file, at, walk->bytes.data + at, part, &got) != STATUS_OK || got < part)
            read_grains(file, at, at + part, walk->bytes.data);
    }
    if (status == STATUS_OK) walk->bytes.size = (size_t)size; /* the slack stays behind it */
    io_file_close(file);
    return status;
}

/* ---- Units ------------------------------------------------------------------------------------------------------- */

/* A whole unit stands there and verifies; *size is that of the unit. */
static bool unit_at(const struct sst_walk *walk, uint64_t offset, struct sst_unit *unit, size_t *size) {
    const struct slice left = slice_from(buf_slice(&walk->bytes), (size_t)offset);
    if (left.size < SST_UNIT_HEADER_BYTES || sst_unit_peek(left, unit) != STATUS_OK) return false;
    *size = SST_UNIT_HEADER_BYTES + unit->payload.size;
    return sst_unit_decode(slice_make(left.data, *size), &walk->identity, offset, unit) == STATUS_OK;
}

static enum status unpack(const struct sst_walk *walk, const struct sst_unit *unit, struct buf *to) {
    buf_clear(to);
    enum status status = buf_append_zeros(to, (size_t)unit->raw_size + BLOCK_SLACK_BYTES);
    if (status == STATUS_OK) status = sst_unit_unpack(unit, walk->environment->codec, walk->unpacker, to->data);
    to->size = status == STATUS_OK ? unit->raw_size : 0;
    return status;
}

static enum status look_at(struct sst_walk *walk, const struct sst_unit *unit, struct sst_block_view *view) {
    enum status status = unpack(walk, unit, &walk->raw);
    if (status == STATUS_OK) status = block_view_parse(buf_slice(&walk->raw), view);
    return status == STATUS_OK && view->count == 0 ? STATUS_CORRUPT : status;
}

/* The first entry of the block lies behind *last, which becomes its last one. */
static enum status goes_on(const struct sst_block_view *view, struct buf *last, uint64_t *trailer, bool any) {
    struct buf room = BUF_EMPTY;
    enum status status = block_view_check_order(view);
    if (status == STATUS_OK) status = buf_reserve(&room, block_view_key_room(view));
    if (status == STATUS_OK) {
        const struct slice first = block_view_key(view, 0, room.data);
        if (any && entry_compare(buf_slice(last), *trailer, first, block_view_trailer(view, 0)) >= 0)
            status = STATUS_CORRUPT;
    }
    if (status == STATUS_OK) status = buf_assign(last, block_view_key(view, view->count - 1, room.data));
    if (status == STATUS_OK) *trailer = block_view_trailer(view, view->count - 1);
    buf_deinit(&room);
    return status;
}

static enum status add_block(struct sst_walk *walk, const struct sst_walk_block *block) {
    if (walk->count == walk->capacity) {
        const size_t more = walk->capacity ? walk->capacity * 2 : 256;
        struct sst_walk_block *grown = realloc(walk->blocks, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        walk->blocks = grown;
        walk->capacity = more;
    }
    walk->blocks[walk->count++] = *block;
    return STATUS_OK;
}

/* ---- Walking ----------------------------------------------------------------------------------------------------- */

struct progress {
    struct buf last; /* the last key listed */
    uint64_t trailer;
    bool gap; /* since the last block listed */
    bool past_data;
};

static enum status take_data(struct sst_walk *walk, struct progress *progress, const struct sst_unit *unit,
                             uint64_t offset, size_t size) {
    struct sst_block_view view;
    enum status status = look_at(walk, unit, &view);
    if (status == STATUS_OK) status = goes_on(&view, &progress->last, &progress->trailer, walk->count > 0);
    if (status == STATUS_NO_MEMORY) return status;
    if (unit->with_dictionary && !walk->unpacker) walk->without_dictionary++;
    if (status != STATUS_OK) {
        progress->gap = true;
        return STATUS_OK;
    }
    const struct sst_walk_block block = {.offset = offset, .size = (uint32_t)size, .after_gap = progress->gap};
    progress->gap = false;
    return add_block(walk, &block);
}

/* It stands before the blocks that need it. */
static enum status take_dictionary(struct sst_walk *walk, const struct sst_unit *unit) {
    if (walk->unpacker || unit->codec != CODEC_NONE) return STATUS_OK;
    const enum status status = dictionary_unpacker_create(unit->payload, &walk->unpacker);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status take_section(struct sst_walk *walk, const struct sst_unit *unit) {
    enum status status = STATUS_OK;
    if (unit->section == SST_SECTION_RANGE_DELETES) {
        status = unpack(walk, unit, &walk->ranges_raw);
        if (status == STATUS_OK) status = block_view_parse(buf_slice(&walk->ranges_raw), &walk->ranges);
        walk->has_ranges = status == STATUS_OK;
    } else if (unit->section == SST_SECTION_PROPERTIES) {
        status = unpack(walk, unit, &walk->properties_raw);
        if (status == STATUS_OK) status = sst_properties_decode(buf_slice(&walk->properties_raw), &walk->properties);
        walk->has_properties = status == STATUS_OK;
    }
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status walk_units(struct sst_walk *walk, struct progress *progress) {
    enum status status = STATUS_OK;
    for (uint64_t at = SST_HEADER_BYTES; at < walk->bytes.size && status == STATUS_OK;) {
        struct sst_unit unit;
        size_t size = 0;
        if (!unit_at(walk, at, &unit, &size)) {
            progress->gap = progress->gap || !progress->past_data;
            at++; /* its size can't be believed: the next unit begins wherever one verifies */
            continue;
        }
        if (unit.section == SST_SECTION_DICTIONARY) {
            status = take_dictionary(walk, &unit);
        } else if (unit.section == SST_SECTION_DATA) {
            status = take_data(walk, progress, &unit, at, size);
        } else {
            if (!progress->past_data) walk->ends_in_gap = progress->gap;
            progress->past_data = true;
            status = take_section(walk, &unit);
        }
        at += size;
    }
    if (!progress->past_data) walk->ends_in_gap = true;
    return status;
}

enum status sst_walk_open(const struct sst_environment *environment, const char *path, struct sst_identity identity,
                          struct sst_walk *walk) {
    struct progress progress = {.last = BUF_EMPTY};
    *walk = (struct sst_walk){.environment = environment, .identity = identity};
    enum status status = read_bytes(walk, path);
    if (status == STATUS_OK) status = walk_units(walk, &progress);
    buf_deinit(&progress.last);
    return status;
}

void sst_walk_close(struct sst_walk *walk) {
    buf_deinit(&walk->bytes);
    buf_deinit(&walk->raw);
    buf_deinit(&walk->properties_raw);
    buf_deinit(&walk->ranges_raw);
    dictionary_unpacker_destroy(walk->unpacker);
    walk->unpacker = NULL;
    free(walk->blocks);
    walk->blocks = NULL;
    walk->count = walk->capacity = 0;
}

enum status sst_walk_block(struct sst_walk *walk, size_t at, struct sst_block_view *view) {
    struct sst_unit unit;
    size_t size = 0;
    if (!unit_at(walk, walk->blocks[at].offset, &unit, &size)) return STATUS_CORRUPT;
    return look_at(walk, &unit, view);
}
