/*
 * sst_walk: from unit to unit. Invariant: a block is handed out only if its unit verifies at its place, it decodes, and
 * its entries lie behind those of the block before. Bytes: FORMAT.md, "Unit".
 */
#include "engine/sst/sst_walk.h"

#include <stdlib.h>

enum {
    WINDOW_BYTES = 1 << 20,
    PART_BYTES = 64 << 10,
    GRAIN_BYTES = 512,
    UNIT_MAX_BYTES = SST_UNIT_RAW_MAX + PART_BYTES, /* one that says it is longer can't be believed */
    SECTION_AT = 16,                                /* of a unit's header */
    ZERO_AT = 19,
};

/* ---- The window -------------------------------------------------------------------------------------------------- */

static bool read_exactly(struct sst_walk *walk, uint64_t offset, uint8_t *to, size_t size) {
    size_t got = 0;
    const enum status status = io_file_read(walk->file, offset, to, size, &got);
    if (status == STATUS_OK && got < size) memset(to + got, 0, size - got);
    return status == STATUS_OK;
}

/* What can't be read becomes zeros: no unit verifies there. */
static void read_grains(struct sst_walk *walk, uint64_t offset, uint8_t *to, size_t size) {
    for (size_t at = 0; at < size; at += GRAIN_BYTES) {
        const size_t grain = size - at < GRAIN_BYTES ? size - at : GRAIN_BYTES;
        if (read_exactly(walk, offset + at, to + at, grain)) continue;
        memset(to + at, 0, grain);
        walk->unread_bytes += grain;
    }
}

static void read_parts(struct sst_walk *walk, uint64_t offset, uint8_t *to, size_t size) {
    for (size_t at = 0; at < size; at += PART_BYTES) {
        const size_t part = size - at < PART_BYTES ? size - at : PART_BYTES;
        if (!read_exactly(walk, offset + at, to + at, part)) read_grains(walk, offset + at, to + at, part);
    }
}

/* Has the window begin at walk->at and hold `size` bytes, or all that are left; each byte of the file is read once. */
static enum status fill(struct sst_walk *walk, size_t size) {
    struct buf *window = &walk->window;
    const uint64_t left = walk->file_bytes - walk->at;
    if (size > left) size = (size_t)left;
    const size_t passed = (size_t)(walk->at - walk->window_at);
    if (window->size - passed >= size) return STATUS_OK;
    buf_consume(window, passed);
    walk->window_at = walk->at;
    const size_t kept = window->size;
    if (size < WINDOW_BYTES) size = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
    const enum status status = buf_reserve(window, size - kept + BLOCK_SLACK_BYTES);
    if (status != STATUS_OK) return status;
    read_parts(walk, walk->at + kept, window->data + kept, size - kept);
    memset(window->data + size, 0, BLOCK_SLACK_BYTES);
    window->size = size;
    return STATUS_OK;
}

static struct slice ahead(const struct sst_walk *walk) {
    return slice_from(buf_slice(&walk->window), (size_t)(walk->at - walk->window_at));
}

/* ---- Units ------------------------------------------------------------------------------------------------------- */

/* The size that a unit at walk->at has by the words of its header, which may lie; 0 = none begins there. */
static size_t claimed_size(const struct sst_walk *walk) {
    struct sst_unit unit;
    const uint8_t *header = ahead(walk).data;
    const uint64_t left = walk->file_bytes - walk->at;
    /* Nearly everything that is no unit ends here. */
    if (left < SST_UNIT_HEADER_BYTES || header[SECTION_AT] == 0 || header[ZERO_AT] != 0) return 0;
    const size_t most = left < UNIT_MAX_BYTES ? (size_t)left : UNIT_MAX_BYTES;
    if (sst_unit_peek(slice_make(header, most), &unit) != STATUS_OK) return 0; /* looks at the header alone */
    return SST_UNIT_HEADER_BYTES + unit.payload.size;
}

/* To where the next unit may begin: its size can't be believed, so that is the next place that looks like a header, and
 * what is nothing but zeros is passed over quickly. */
static void pass_over(struct sst_walk *walk) {
    const struct slice bytes = ahead(walk);
    size_t at = 1;
    while (at + SST_UNIT_HEADER_BYTES <= bytes.size && bytes.data[at + SECTION_AT] == 0) at++;
    walk->at += at;
    walk->gap = walk->gap || !walk->past_data;
}

/* *size: of the whole unit that stands at walk->at and verifies; 0 = none does. */
static enum status unit_at(struct sst_walk *walk, struct sst_unit *unit, size_t *size) {
    *size = 0;
    enum status status = fill(walk, SST_UNIT_HEADER_BYTES);
    if (status != STATUS_OK) return status;
    const size_t claimed = claimed_size(walk);
    if (claimed == 0) return STATUS_OK;
    status = fill(walk, claimed);
    if (status != STATUS_OK) return status;
    const struct slice bytes = slice_make(ahead(walk).data, claimed);
    if (sst_unit_decode(bytes, &walk->identity, walk->at, unit) == STATUS_OK) *size = claimed;
    return STATUS_OK;
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

/* The first entry of the block lies behind the last one so far, which becomes that of the block. */
static enum status goes_on(struct sst_walk *walk, const struct sst_block_view *view) {
    struct buf room = BUF_EMPTY;
    enum status status = block_view_check_order(view);
    if (status == STATUS_OK) status = buf_reserve(&room, block_view_key_room(view));
    if (status == STATUS_OK && walk->count > 0) {
        const struct slice first = block_view_key(view, 0, room.data);
        if (entry_compare(buf_slice(&walk->last), walk->last_trailer, first, block_view_trailer(view, 0)) >= 0)
            status = STATUS_CORRUPT;
    }
    if (status == STATUS_OK) status = buf_assign(&walk->last, block_view_key(view, view->count - 1, room.data));
    if (status == STATUS_OK) walk->last_trailer = block_view_trailer(view, view->count - 1);
    buf_deinit(&room);
    return status;
}

/* ---- Walking ----------------------------------------------------------------------------------------------------- */

/* OK: it is a block; CORRUPT: it is lost. */
static enum status take_data(struct sst_walk *walk, const struct sst_unit *unit, struct sst_walk_block *block) {
    enum status status = look_at(walk, unit, &block->view);
    if (status == STATUS_OK) status = goes_on(walk, &block->view);
    if (status == STATUS_NO_MEMORY) return status;
    if (unit->with_dictionary && !walk->unpacker) walk->without_dictionary++;
    block->after_gap = walk->gap;
    walk->gap = status != STATUS_OK;
    walk->count += status == STATUS_OK;
    return status == STATUS_OK ? STATUS_OK : STATUS_CORRUPT;
}

/* It stands before the blocks that need it. */
static enum status take_dictionary(struct sst_walk *walk, const struct sst_unit *unit) {
    if (walk->unpacker || unit->codec != CODEC_NONE) return STATUS_OK;
    const enum status status = dictionary_unpacker_create(unit->payload, &walk->unpacker);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status take_section(struct sst_walk *walk, const struct sst_unit *unit) {
    enum status status = STATUS_OK;
    if (unit->section == SST_SECTION_DICTIONARY) return take_dictionary(walk, unit);
    if (!walk->past_data) walk->ends_in_gap = walk->gap;
    walk->past_data = true;
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

enum status sst_walk_next(struct sst_walk *walk, struct sst_walk_block *block) {
    while (walk->at < walk->file_bytes) {
        struct sst_unit unit;
        size_t size = 0;
        enum status status = unit_at(walk, &unit, &size);
        if (status != STATUS_OK) return status;
        if (size == 0) {
            pass_over(walk);
            continue;
        }
        const bool is_data = unit.section == SST_SECTION_DATA;
        status = is_data ? take_data(walk, &unit, block) : take_section(walk, &unit);
        if (status == STATUS_NO_MEMORY) return status;
        walk->at += size;
        if (is_data && status == STATUS_OK) return STATUS_OK;
    }
    if (!walk->past_data) walk->ends_in_gap = true;
    return STATUS_END;
}

enum status sst_walk_open(const struct sst_environment *environment, const char *path, struct sst_identity identity,
                          struct sst_walk *walk) {
    *walk = (struct sst_walk){
        .environment = environment, .identity = identity, .at = SST_HEADER_BYTES, .window_at = SST_HEADER_BYTES};
    const enum status status = io_file_open(environment->io, path, IO_OPEN_READ, &walk->file);
    return status == STATUS_OK ? io_file_size(walk->file, &walk->file_bytes) : status;
}

void sst_walk_close(struct sst_walk *walk) {
    io_file_close(walk->file);
    buf_deinit(&walk->window);
    buf_deinit(&walk->last);
    buf_deinit(&walk->raw);
    buf_deinit(&walk->properties_raw);
    buf_deinit(&walk->ranges_raw);
    dictionary_unpacker_destroy(walk->unpacker);
    *walk = (struct sst_walk){.count = 0};
}
