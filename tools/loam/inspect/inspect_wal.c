/*
 * inspect_wal: one segment of the log. The scan (engine/wal_scan.h) says which groups and records are sound and where
 * they lie in the stream; then the file is told sector by sector, each body cut at the bounds of what lies in it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/coding.h"
#include "engine/wal/wal_format.h"
#include "engine/wal/wal_layout_format.h"
#include "tools/loam/inspect/inspect.h"
#include "tools/loam/inspect/log_rows.h"
#include "tools/loam/inspect/report_rows.h"
#include "tools/loam/inspect/spread.h"

enum { TEXT_BYTES = 200 };

struct items {
    struct spread spread;
    struct log_rows rows;
};

/* "2:17": the opening of the log and the group in it. */
static const char *group_text(uint64_t group, char text[TEXT_BYTES]) {
    snprintf(text, TEXT_BYTES, "%" PRIu64 ":%" PRIu64, group >> 32, group & UINT32_MAX);
    return text;
}

/* A row of what stands at `position`. */
static void add_row(struct spread *spread, const struct layout *layout, const char *name, uint64_t position,
                    const char *words) {
    const struct layout_row *row = layout_row(layout, name);
    spread_add(spread, position + layout_offset(layout, name), layout_row_size(row), row->name, words);
}

static void gather_records(struct wal_scan *scan, const struct wal_group *group, struct items *items) {
    struct wal_record record;
    uint64_t at = 0, number = 0;
    char words[TEXT_BYTES];
    while (wal_scan_record(scan, group, &at, &record) == STATUS_OK) {
        uint64_t position = 0;
        if (!wal_position_of(record.lsn & UINT32_MAX, &position)) continue;
        spread_part(&items->spread, "record %" PRIu64 " of group %s", ++number, group_text(group->group, words));
        const struct layout *layout = group->compact ? &wal_compact_layout : &wal_record_layout;
        add_row(&items->spread, layout, group->compact ? "compact group check" : "record check", position, "");
        snprintf(words, sizeof words, "%zu bytes", record.payload.size);
        add_row(&items->spread, layout, "length", position, words);
        if (group->compact) add_row(&items->spread, layout, "mark and tag", position, "");
        snprintf(words, sizeof words, "%u: %s", record.type, log_record_name(&items->rows, record.type));
        add_row(&items->spread, layout, "type", position, words);
        struct spread_bytes payload = {&items->spread, record.payload.data, position + WAL_PREFIX_BYTES};
        struct fields fields = fields_make(record.payload, spread_take, &payload);
        log_record_describe(&items->rows, &fields, &record);
    }
}

/* Its header is sound, so that its bytes are those that the encoder would write. */
static void gather_group(const struct wal_segment_header *header, const struct wal_group *group, struct items *items) {
    char words[TEXT_BYTES];
    uint8_t bytes[WAL_GROUP_HEADER_BYTES];
    wal_group_header_encode(bytes, header->owner, group);
    spread_part(&items->spread, "head of group %s", group_text(group->group, words));
    struct spread_bytes place = {&items->spread, bytes, group->begin};
    struct fields fields = fields_make(slice_make(bytes, sizeof bytes), spread_take, &place);
    (void)layout_describe(wal_group_layout.rows, &fields, NULL);
}

/* A scan before the scan: whose records these are. What ends it is told by the second. */
static void judge_records(struct report *report, const struct wal_segment_header *header, struct log_rows *rows) {
    struct wal_scan scan;
    struct wal_group group;
    struct wal_record record;
    enum wal_verdict verdict;
    if (wal_scan_init(&scan, report->bytes, header, NULL, NULL) != STATUS_OK) return;
    while (wal_scan_next(&scan, &verdict, &group) == STATUS_OK && verdict == WAL_FOUND_GROUP) {
        uint64_t at = 0, position = 0;
        while (wal_scan_record(&scan, &group, &at, &record) == STATUS_OK)
            if (wal_position_of(record.lsn & UINT32_MAX, &position))
                log_rows_judge(rows, record.lsn & UINT32_MAX, &record);
    }
    wal_scan_deinit(&scan);
    log_rows_report(rows, report);
}

/* Runs the scan to its end; says how it ended. */
static void scan_segment(struct report *report, const struct wal_segment_header *header, struct items *items) {
    struct wal_scan scan;
    struct error error;
    if (wal_scan_init(&scan, report->bytes, header, NULL, &error) != STATUS_OK) {
        report_problem(report, REPORT_CORRUPT, 0, "%s", error.text);
        return;
    }
    enum wal_verdict verdict = WAL_FOUND_GROUP;
    struct wal_group group;
    uint64_t groups = 0, records = 0;
    while (verdict == WAL_FOUND_GROUP) {
        if (wal_scan_next(&scan, &verdict, &group) != STATUS_OK) {
            report->no_memory = true;
            break;
        }
        if (verdict != WAL_FOUND_GROUP) break;
        groups++;
        records += group.count;
        if (report->fields_wanted && !group.compact) gather_group(header, &group, items);
        if (report->fields_wanted) gather_records(&scan, &group, items);
    }
    report_fact(report, "groups", "%" PRIu64, groups);
    report_fact(report, "records", "%" PRIu64, records);
    report_fact(report, "end", "offset %" PRIu64, wal_offset_of(scan.position));
    if (verdict == WAL_FOUND_TORN)
        report_problem(report, REPORT_TORN, scan.at, "%s; it was never acknowledged and will be cut", scan.what);
    if (verdict == WAL_FOUND_FAULTY)
        report_problem(report, REPORT_CORRUPT, scan.at, "%s; it may have been acknowledged", scan.what);
    if (verdict == WAL_FOUND_END && scan.what)
        report_fact(report, "remark", "offset %" PRIu64 ": %s", scan.at, scan.what);
    wal_scan_deinit(&scan);
}

static void sector_fields(struct report *report, const struct wal_segment_header *header, struct items *items,
                          uint64_t index) {
    static const char *const otherwise[] = {"never written", "of the file's former life", "padding", "damaged body"};
    const struct wal_sector sector = wal_sector_classify(header, index, report->bytes.data + report->next);
    uint64_t position = 0;
    report_part(report, sector.class == WAL_SECTOR_BAD ? REPORT_WRONG : REPORT_RIGHT, "stamp of sector %" PRIu64,
                index);
    if (sector.class == WAL_SECTOR_BAD) {
        report_plain(report, WAL_STAMP_BYTES, "damaged stamp");
    } else {
        report_rows(report, wal_stamp_layout.rows);
    }
    if (wal_position_of(report->next, &position)) {
        spread_tell(&items->spread, position, WAL_BODY_BYTES, otherwise[sector.class]);
    } else {
        report_part(report, REPORT_UNCHECKED, "%s", otherwise[sector.class]);
        report_plain(report, WAL_BODY_BYTES, otherwise[sector.class]);
    }
}

static void header_fields(struct report *report, const struct wal_segment_header *header) {
    report_part(report, REPORT_RIGHT, "header");
    report_rows(report, wal_header_layout.rows);
    if (header->version >= WAL_VERSION_LOOSE) report_rows(report, wal_loose_header_layout.rows);
    report_part(report, REPORT_UNCHECKED, "rest of the header page");
    report_plain(report, WAL_HEADER_BYTES - report->next, "zero");
    report_fact(report, "segment", "%" PRIu32, header->segment);
    report_fact(report, "owner", "%016" PRIx64, header->owner);
}

static void never_written(struct report *report, uint64_t size) {
    if (size > 0) report_part(report, REPORT_UNCHECKED, "never written");
    report_plain(report, size, "never written");
}

void inspect_wal(struct report *report) {
    struct wal_segment_header header;
    struct error error;
    const uint64_t size = report->bytes.size;
    if (wal_segment_header_decode(report->bytes, &header, &error) != STATUS_OK) {
        report_problem(report, REPORT_CORRUPT, 0, "%s", error.text);
        report_part(report, REPORT_WRONG, "header");
        report_plain(report, size, "not read: the header is not sound");
        return;
    }
    struct items items = {.rows = {0}};
    spread_init(&items.spread, report);
    header_fields(report, &header);
    judge_records(report, &header, &items.rows);
    scan_segment(report, &header, &items);
    uint64_t zero = 0; /* bytes of a run of sectors that were never written */
    for (uint64_t index = WAL_PAGE_SECTORS; (index + 1) * IO_SECTOR_BYTES <= size; index++) {
        const uint8_t *sector = report->bytes.data + index * IO_SECTOR_BYTES;
        const bool is_zero = wal_sector_classify(&header, index, sector).class == WAL_SECTOR_ZERO;
        if (!is_zero) never_written(report, zero);
        zero = is_zero ? zero + IO_SECTOR_BYTES : 0;
        if (!is_zero) sector_fields(report, &header, &items, index);
    }
    never_written(report, zero);
    if (report->next < size) report_part(report, REPORT_UNCHECKED, "cut sector");
    report_plain(report, size - report->next, "cut sector");
    spread_deinit(&items.spread);
}
