/* mend_segment: a segment of the log: see mend.h. */
#include "engine/base/check.h"
#include "engine/wal/wal_format.h"
#include "tests/harness/mend.h"

enum { SEGMENT_MAX_BYTES = 64 << 10 };

static void gather(const uint8_t *bytes, uint64_t position, uint8_t *to, uint64_t size) {
    for (uint64_t i = 0; i < size; i++) to[i] = bytes[wal_offset_of(position + i)];
}

static void scatter(uint8_t *bytes, uint64_t position, const uint8_t *from, uint64_t size) {
    for (uint64_t i = 0; i < size; i++) bytes[wal_offset_of(position + i)] = from[i];
}

static void mend_stamps(uint8_t *bytes, const struct wal_segment_header *header) {
    for (uint64_t sector = WAL_PAGE_SECTORS; sector < header->segment_bytes / IO_SECTOR_BYTES; sector++) {
        uint8_t *stamp = bytes + sector * IO_SECTOR_BYTES;
        if (wal_is_zero(stamp, WAL_STAMP_BYTES)) continue;
        uint64_t word = coding_get_u64(stamp + 4);
        wal_stamp_encode(stamp, header->owner, coding_get_u32(stamp), sector, word & (UINT64_MAX >> 1), word >> 63);
    }
}

/* Checks of the group's records; returns its sum. */
static uint64_t mend_records(uint8_t *bytes, const struct wal_segment_header *header, const struct wal_group *group) {
    static uint8_t payload[SEGMENT_MAX_BYTES];
    uint64_t sum = wal_sum_start(header->owner, group->group);
    uint64_t position = group->begin + WAL_GROUP_HEADER_BYTES;
    for (uint32_t i = 0; i < group->count; i++) {
        uint64_t start = wal_item_start(position);
        if (start + WAL_PREFIX_BYTES > group->begin + group->length) break;
        uint8_t prefix_bytes[WAL_PREFIX_BYTES];
        gather(bytes, start, prefix_bytes, sizeof prefix_bytes);
        struct wal_prefix prefix = wal_prefix_decode(prefix_bytes);
        if (prefix.length > group->begin + group->length - start - WAL_PREFIX_BYTES) break;
        gather(bytes, start + WAL_PREFIX_BYTES, payload, prefix.length);
        const struct slice whole = slice_make(payload, prefix.length);
        const struct wal_payload mended = wal_payload_of(&whole);
        prefix.check = wal_record_check(header->owner, wal_lsn(header->segment, start), prefix.type, &mended);
        wal_prefix_encode(prefix_bytes, &prefix);
        scatter(bytes, start, prefix_bytes, sizeof prefix_bytes);
        sum = wal_sum_add(sum, prefix.check);
        position = start + WAL_PREFIX_BYTES + prefix.length;
    }
    return sum;
}

/* The length of a compact group at that place, made right; 0: there is none. */
static uint64_t mend_compact(uint8_t *bytes, const struct wal_segment_header *header, uint64_t position) {
    static uint8_t payload[WAL_COMPACT_MAX_BYTES];
    uint8_t prefix_bytes[WAL_PREFIX_BYTES];
    gather(bytes, position, prefix_bytes, sizeof prefix_bytes);
    const struct wal_prefix found = wal_prefix_decode(prefix_bytes);
    const uint64_t start = position + WAL_PREFIX_BYTES;
    if (header->version < WAL_VERSION_COMPACT || !found.compact || found.type == 0) return 0;
    if (found.length > wal_capacity(header->segment_bytes) - start) return 0;
    gather(bytes, start, payload, found.length);
    const struct slice whole = slice_make(payload, found.length);
    const struct wal_payload mended = wal_payload_of(&whole);
    const struct wal_prefix prefix =
        wal_compact_prefix(header->owner, wal_lsn(header->segment, position), found.type, &mended);
    wal_prefix_encode(prefix_bytes, &prefix);
    scatter(bytes, position, prefix_bytes, sizeof prefix_bytes);
    return wal_item_start(start + found.length) - position;
}

static void mend_groups(uint8_t *bytes, const struct wal_segment_header *header) {
    uint64_t position = 0, limit = wal_capacity(header->segment_bytes);
    while (position + WAL_GROUP_HEADER_BYTES <= limit) {
        const uint64_t compact = mend_compact(bytes, header, position);
        position += compact;
        if (compact > 0) continue;
        uint8_t fields[WAL_GROUP_HEADER_BYTES];
        gather(bytes, position, fields, sizeof fields);
        struct wal_group group = {
            .lsn = wal_lsn(header->segment, position),
            .begin = position,
            .length = coding_get_u32(fields + 4),
            .padded = fields[9] & 1,
            .count = coding_get_u32(fields + 12),
            .group = coding_get_u64(fields + 16),
            .previous = coding_get_u64(fields + 24),
            .durable = coding_get_u64(fields + 32),
        };
        if (group.length < WAL_GROUP_HEADER_BYTES || group.length > limit - position) return;
        group.sum = mend_records(bytes, header, &group);
        wal_group_header_encode(fields, header->owner, &group);
        scatter(bytes, position, fields, sizeof fields);
        position += group.length;
    }
}

uint32_t mend_segment(uint8_t *bytes, size_t size) {
    check(size >= WAL_SEGMENT_MIN_BYTES && size <= SEGMENT_MAX_BYTES && size % IO_PAGE_BYTES == 0);
    struct wal_segment_header header = {
        .version = bytes[8] == WAL_VERSION_PLAIN || bytes[8] == WAL_VERSION_COMPACT ? bytes[8] : WAL_VERSION,
        .segment = coding_get_u32(bytes + 12),
        .owner = coding_get_u64(bytes + 16),
        .segment_bytes = size,
        .start_group = coding_get_u64(bytes + 32),
        .predecessor_end = coding_get_u64(bytes + 40),
        .predecessor_group = coding_get_u64(bytes + 48),
        .durable = coding_get_u64(bytes + 64),
    };
    wal_segment_header_encode(bytes, &header);
    mend_stamps(bytes, &header);
    mend_groups(bytes, &header);
    return header.segment;
}
