/*
 * wal_fuzz: any bytes as a log segment. An input is taken twice: as it is, and with all checks made right again, so
 * that what stands behind them is reached too.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/wal/wal_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEGMENT = 64 << 10 };

/* The segment's bytes that are there, and others' behind them. */
static uint8_t come[SEGMENT];

/* What a scan of the whole finds one finds that asks for each page when it needs it. */
static void scan_pieces(const uint8_t *bytes, const struct wal_segment_header *successor, const struct wal_scan *whole,
                        enum wal_verdict expected) {
    struct wal_scan scan;
    enum wal_verdict verdict = WAL_FOUND_GROUP;
    size_t have = 0;
    for (size_t i = 0; i < SEGMENT; i++) come[i] = (uint8_t)(bytes[i] ^ 0x5a);
    check(wal_scan_init(&scan, slice_make(come, SEGMENT), &whole->header, successor, NULL) == STATUS_OK);
    wal_scan_have(&scan, 0);
    while (verdict == WAL_FOUND_GROUP || verdict == WAL_FOUND_UNREAD) {
        struct wal_group group;
        check(wal_scan_next(&scan, &verdict, &group) == STATUS_OK);
        if (verdict != WAL_FOUND_UNREAD) continue;
        check(have < SEGMENT);
        memcpy(come + have, bytes + have, IO_PAGE_BYTES);
        wal_scan_have(&scan, have += IO_PAGE_BYTES);
    }
    check(verdict == expected && scan.what == whole->what && scan.at == whole->at && scan.at_group == whole->at_group);
    check(scan.position == whole->position && scan.last_group == whole->last_group && scan.durable == whole->durable &&
          scan.highest_group == whole->highest_group && scan.durable_position == whole->durable_position);
    wal_scan_deinit(&scan);
}

static void scan_segment(const uint8_t *bytes, const struct wal_segment_header *successor) {
    struct wal_segment_header header;
    if (wal_segment_header_decode(slice_make(bytes, SEGMENT), &header, NULL) != STATUS_OK) return;
    struct wal_scan scan;
    if (wal_scan_init(&scan, slice_make(bytes, SEGMENT), &header, successor, NULL) != STATUS_OK) return;
    enum wal_verdict verdict = WAL_FOUND_GROUP;
    uint64_t last_lsn = 0, last_group = header.predecessor_group;
    while (verdict == WAL_FOUND_GROUP) {
        struct wal_group group;
        uint64_t before = scan.position;
        check(wal_scan_next(&scan, &verdict, &group) == STATUS_OK);
        if (verdict != WAL_FOUND_GROUP) break;
        check(group.group > last_group && group.previous == last_group);
        check(group.begin == before && scan.position == group.begin + group.length && scan.position <= scan.limit);
        last_group = group.group;
        struct wal_record record;
        uint64_t at = 0;
        uint32_t count = 0;
        enum status status;
        while ((status = wal_scan_record(&scan, &group, &at, &record)) == STATUS_OK) {
            check(record.lsn > last_lsn && record.lsn >= group.lsn && record.lsn < group.end_lsn && record.type != 0);
            last_lsn = record.lsn;
            count++;
        }
        check(status == STATUS_END && count == group.count);
    }
    check(verdict != WAL_FOUND_TORN || scan.what != NULL);
    check(verdict != WAL_FOUND_FAULTY ||
          (scan.what != NULL && scan.at >= WAL_HEADER_BYTES && scan.at <= SEGMENT + WAL_STAMP_BYTES));
    check(successor == NULL || verdict == WAL_FOUND_FAULTY || scan.position == scan.limit ||
          (verdict == WAL_FOUND_TORN && scan.last_group >= successor->durable));
    scan_pieces(bytes, successor, &scan, verdict);
    uint64_t highest = 0;
    (void)wal_scan_proves(slice_make(bytes, SEGMENT), &header, last_group, &highest);
    wal_scan_deinit(&scan);
}

/* ---- Making the checks right ------------------------------------------------------------------------------------- */

static void gather(const uint8_t *bytes, uint64_t position, uint8_t *to, uint64_t size) {
    for (uint64_t i = 0; i < size; i++) to[i] = bytes[wal_offset_of(position + i)];
}

static void scatter(uint8_t *bytes, uint64_t position, const uint8_t *from, uint64_t size) {
    for (uint64_t i = 0; i < size; i++) bytes[wal_offset_of(position + i)] = from[i];
}

static void mend_stamps(uint8_t *bytes, const struct wal_segment_header *header) {
    for (uint64_t sector = WAL_PAGE_SECTORS; sector < SEGMENT / IO_SECTOR_BYTES; sector++) {
        uint8_t *stamp = bytes + sector * IO_SECTOR_BYTES;
        if (wal_is_zero(stamp, WAL_STAMP_BYTES)) continue;
        uint64_t word = coding_get_u64(stamp + 4);
        wal_stamp_encode(stamp, header->owner, coding_get_u32(stamp), sector, word & (UINT64_MAX >> 1), word >> 63);
    }
}

/* Checks of the group's records; returns its sum. */
static uint64_t mend_records(uint8_t *bytes, const struct wal_segment_header *header, const struct wal_group *group) {
    static uint8_t payload[SEGMENT];
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
    if (found.length > wal_capacity(SEGMENT) - start) return 0;
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
    uint64_t position = 0, limit = wal_capacity(SEGMENT);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *bytes = calloc(1, SEGMENT);
    check(bytes != NULL);
    if (size > 0) memcpy(bytes, data, size < SEGMENT ? size : SEGMENT);
    scan_segment(bytes, NULL);

    struct wal_segment_header header = {
        .version = bytes[8] == WAL_VERSION_PLAIN || bytes[8] == WAL_VERSION_COMPACT ? bytes[8] : WAL_VERSION,
        .segment = coding_get_u32(bytes + 12),
        .owner = coding_get_u64(bytes + 16),
        .segment_bytes = SEGMENT,
        .start_group = coding_get_u64(bytes + 32),
        .predecessor_end = coding_get_u64(bytes + 40),
        .predecessor_group = coding_get_u64(bytes + 48),
        .durable = coding_get_u64(bytes + 64),
    };
    wal_segment_header_encode(bytes, &header);
    mend_stamps(bytes, &header);
    mend_groups(bytes, &header);
    scan_segment(bytes, NULL);
    struct wal_segment_header successor = {.predecessor_end = (uint64_t)header.segment << 32 | (size % SEGMENT),
                                           .predecessor_group = size,
                                           .durable = size};
    scan_segment(bytes, &successor);
    successor.durable = size / 2;
    scan_segment(bytes, &successor);
    free(bytes);
    return 0;
}
