/*
 * wal_group: a group while it is in memory. Its bytes are built as they will stand in the file, stamps' places left
 * out, so that a commit is one write without a copy.
 */
#include <stdlib.h>

#include "engine/wal/wal_internal.h"

static uint64_t first_sector(const struct wal_image *image) {
    return image->begin / WAL_BODY_BYTES;
}

/* Offset in the image of a position at or after the first sector's start. */
static size_t image_offset(const struct wal_image *image, uint64_t position) {
    return (size_t)((position / WAL_BODY_BYTES - first_sector(image)) * IO_SECTOR_BYTES + WAL_STAMP_BYTES +
                    position % WAL_BODY_BYTES);
}

/* Room for `bytes` in memory that begins with a page, as writes past the system's cache want it. */
static enum status make_room(struct buf *sectors, size_t bytes) {
    if (bytes <= sectors->capacity) return STATUS_OK;
    size_t capacity = sectors->capacity > 0 ? sectors->capacity : WAL_IMAGE_FIRST_BYTES;
    while (capacity < bytes) capacity *= 2;
    uint8_t *memory = aligned_alloc(IO_PAGE_BYTES, capacity);
    if (memory == NULL) return STATUS_NO_MEMORY;
    if (sectors->size > 0) memcpy(memory, sectors->data, sectors->size);
    free(sectors->data);
    sectors->data = memory;
    sectors->capacity = capacity;
    return STATUS_OK;
}

static size_t bytes_to(const struct wal_image *image, uint64_t sector_end) {
    return (size_t)(sector_end / WAL_BODY_BYTES - first_sector(image)) * IO_SECTOR_BYTES;
}

/* Makes the image reach to the end of the sector in which `end` lies, with room to the end of its page. */
static enum status reach(struct wal_image *image, uint64_t end) {
    const size_t want = bytes_to(image, end + WAL_BODY_BYTES - 1);
    if (want <= image->sectors.size) return STATUS_OK;
    const size_t room = bytes_to(image, wal_page_up(end));
    enum status status = room <= image->sectors.capacity ? STATUS_OK : make_room(&image->sectors, room);
    if (status != STATUS_OK) return status;
    memset(image->sectors.data + image->sectors.size, 0, want - image->sectors.size);
    image->sectors.size = want;
    return STATUS_OK;
}

static void put(struct wal_image *image, uint64_t position, const uint8_t *from, size_t size) {
    while (size > 0) {
        size_t left = WAL_BODY_BYTES - position % WAL_BODY_BYTES;
        size_t take = left < size ? left : size;
        memcpy(image->sectors.data + image_offset(image, position), from, take);
        from += take;
        position += take;
        size -= take;
    }
}

enum status wal_image_begin(struct wal_image *image, uint64_t owner, uint32_t segment, uint64_t segment_bytes,
                            uint64_t begin, uint64_t group, const uint8_t *shared) {
    image->segment = segment;
    image->segment_bytes = segment_bytes;
    image->begin = begin;
    image->end = begin + WAL_GROUP_HEADER_BYTES;
    image->group = group;
    image->count = 0;
    image->sum = wal_sum_start(owner, group);
    image->pending = 0;
    image->closed = false;
    buf_clear(&image->sectors);
    enum status status = reach(image, image->end);
    if (status == STATUS_OK && shared != NULL) memcpy(image->sectors.data, shared, IO_SECTOR_BYTES);
    return status;
}

static uint64_t end_with(const struct wal_image *image, size_t payload_bytes) {
    return wal_item_start(image->end) + WAL_PREFIX_BYTES + payload_bytes;
}

bool wal_image_fits(const struct wal_image *image, size_t payload_bytes) {
    return !image->closed && end_with(image, payload_bytes) <= wal_capacity(image->segment_bytes);
}

enum status wal_image_add(struct wal_image *image, uint64_t owner, uint8_t type, const struct wal_payload *payload,
                          uint64_t *lsn) {
    check(wal_image_fits(image, payload->size));
    enum status status = reach(image, end_with(image, payload->size));
    if (status != STATUS_OK) return status;
    uint64_t start = wal_item_start(image->end);
    *lsn = wal_lsn(image->segment, start);
    struct wal_prefix prefix = {
        .check = wal_record_check(owner, *lsn, type, payload),
        .length = (uint32_t)payload->size,
        .type = type,
    };
    uint8_t bytes[WAL_PREFIX_BYTES];
    wal_prefix_encode(bytes, &prefix);
    put(image, start, bytes, sizeof bytes);
    image->end = start + WAL_PREFIX_BYTES;
    for (unsigned i = 0; i < payload->count; i++) {
        put(image, image->end, payload->parts[i].data, payload->parts[i].size);
        image->end += payload->parts[i].size;
    }
    image->sum = wal_sum_add(image->sum, prefix.check);
    image->count++;
    return STATUS_OK;
}

void wal_image_seal(struct wal_image *image, const struct wal_seal *seal) {
    image->closed = true;
    image->end = seal->padded ? wal_page_up(image->end) : wal_item_start(image->end);
    const enum status status = reach(image, image->end);
    check(status == STATUS_OK); /* there is room to the end of the page */
    struct wal_group group = {
        .lsn = wal_lsn(image->segment, image->begin),
        .length = image->end - image->begin,
        .padded = seal->padded,
        .count = image->count,
        .group = image->group,
        .previous = seal->previous,
        .durable = seal->durable,
        .sum = image->sum,
    };
    uint8_t header[WAL_GROUP_HEADER_BYTES];
    wal_group_header_encode(header, seal->owner, &group);
    put(image, image->begin, header, sizeof header);

    uint64_t last = (image->end - 1) / WAL_BODY_BYTES;
    for (uint64_t sector = first_sector(image); sector <= last; sector++) {
        uint8_t *stamp = image->sectors.data + (sector - first_sector(image)) * IO_SECTOR_BYTES;
        uint64_t index = WAL_HEADER_BYTES / IO_SECTOR_BYTES + sector;
        wal_stamp_encode(stamp, seal->owner, image->segment, index, image->group, seal->durable == seal->previous);
    }
}

struct slice wal_image_range(const struct wal_image *image, uint64_t *offset) {
    uint64_t last = (image->end - 1) / WAL_BODY_BYTES;
    *offset = WAL_HEADER_BYTES + first_sector(image) * IO_SECTOR_BYTES;
    return slice_make(image->sectors.data, (size_t)(last - first_sector(image) + 1) * IO_SECTOR_BYTES);
}

const uint8_t *wal_image_sector(const struct wal_image *image, uint64_t position) {
    return image->sectors.data + (position / WAL_BODY_BYTES - first_sector(image)) * IO_SECTOR_BYTES;
}
