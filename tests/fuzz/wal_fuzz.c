/*
 * wal_fuzz: any bytes as a log segment. An input is taken twice: as it is, and with all checks made right again, so
 * that what stands behind them is reached too.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/wal/wal_format.h"
#include "tests/harness/mend.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *bytes = calloc(1, SEGMENT);
    check(bytes != NULL);
    if (size > 0) memcpy(bytes, data, size < SEGMENT ? size : SEGMENT);
    scan_segment(bytes, NULL);

    const uint32_t segment = mend_segment(bytes, SEGMENT);
    scan_segment(bytes, NULL);
    struct wal_segment_header successor = {
        .predecessor_end = (uint64_t)segment << 32 | (size % SEGMENT), .predecessor_group = size, .durable = size};
    scan_segment(bytes, &successor);
    successor.durable = size / 2;
    scan_segment(bytes, &successor);
    free(bytes);
    return 0;
}
