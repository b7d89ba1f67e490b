/*
 * inspect_wal: one segment of the log. The scan (engine/wal_scan.h) says which groups and records are sound and where
 * they lie in the stream; then the file is told sector by sector, each body cut at the bounds of what lies in it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/coding.h"
#include "engine/wal/wal_format.h"
#include "tools/loam/inspect/inspect.h"
#include "tools/loam/inspect/log_rows.h"
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

static void gather_records(struct wal_scan *scan, const struct wal_group *group, struct items *items) {
    struct wal_record record;
    uint64_t at = 0, number = 0;
    char words[TEXT_BYTES];
    while (wal_scan_record(scan, group, &at, &record) == STATUS_OK) {
        uint64_t position = 0;
        if (!wal_position_of(record.lsn & UINT32_MAX, &position)) continue;
        spread_part(&items->spread, "record %" PRIu64 " of group %s", ++number, group_text(group->group, words));
        spread_add(&items->spread, position, 4, group->compact ? "compact group check" : "record check", "");
        if (group->compact) {
            snprintf(words, sizeof words, "%zu bytes", record.payload.size);
            spread_add(&items->spread, position + 4, 2, "length", words);
            spread_add(&items->spread, position + 6, 2, "mark and tag", "");
        } else {
            snprintf(words, sizeof words, "%zu bytes", record.payload.size);
            spread_add(&items->spread, position + 4, 4, "length", words);
        }
        snprintf(words, sizeof words, "%u: %s", record.type, log_record_name(&items->rows, record.type));
        spread_add(&items->spread, position + 8, 1, "type", words);
        struct spread_bytes payload = {&items->spread, record.payload.data, position + WAL_PREFIX_BYTES};
        struct fields fields = fields_make(record.payload, spread_take, &payload);
        log_record_describe(&items->rows, &fields, &record);
    }
}

static void gather_group(const struct wal_group *group, struct items *items) {
    char words[TEXT_BYTES];
    const uint64_t at = group->begin;
    spread_part(&items->spread, "head of group %s", group_text(group->group, words));
    spread_add(&items->spread, at, 4, "group check", "");
    snprintf(words, sizeof words, "%" PRIu64 " bytes of stream", group->length);
    spread_add(&items->spread, at + 4, 4, "length", words);
    spread_add(&items->spread, at + 8, 1, "type", "0: a group");
    spread_add(&items->spread, at + 9, 1, "flags", group->padded ? "padded: made durable" : "not padded");
    spread_add(&items->spread, at + 10, 2, "zero", "");
    snprintf(words, sizeof words, "%" PRIu32, group->count);
    spread_add(&items->spread, at + 12, 4, "records", words);
    spread_add(&items->spread, at + 16, 8, "group", group_text(group->group, words));
    spread_add(&items->spread, at + 24, 8, "previous", group_text(group->previous, words));
    spread_add(&items->spread, at + 32, 8, "durable", group_text(group->durable, words));
    spread_add(&items->spread, at + 40, 8, "sum", "");
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
        if (report->fields_wanted && !group.compact) gather_group(&group, items);
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
    char words[TEXT_BYTES];
    report_part(report, sector.class == WAL_SECTOR_BAD ? REPORT_WRONG : REPORT_RIGHT, "stamp of sector %" PRIu64,
                index);
    if (sector.class == WAL_SECTOR_BAD) {
        report_plain(report, WAL_STAMP_BYTES, "damaged stamp");
    } else {
        report_field(report, 4, "stamp", "generation %" PRIu32, sector.generation);
        report_field(report, 8, "stamp group", "%s%s", group_text(sector.group, words),
                     sector.after_durable ? ", all before it durable" : "");
        report_plain(report, 4, "stamp check");
    }
    if (wal_position_of(report->next, &position)) {
        spread_tell(&items->spread, position, WAL_BODY_BYTES, otherwise[sector.class]);
    } else {
        report_part(report, REPORT_UNCHECKED, "%s", otherwise[sector.class]);
        report_plain(report, WAL_BODY_BYTES, otherwise[sector.class]);
    }
}

static void header_fields(struct report *report, const struct wal_segment_header *header) {
    char words[TEXT_BYTES];
    report_part(report, REPORT_RIGHT, "header");
    report_field(report, 8, "magic", "\"LOAMWAL\\n\"");
    report_field(report, 4, "version", "%" PRIu32, header->version);
    report_field(report, 4, "segment", "%" PRIu32, header->segment);
    report_field(report, 8, "owner", "%016" PRIx64, header->owner);
    report_field(report, 8, "file bytes", "%" PRIu64, header->segment_bytes);
    report_field(report, 8, "start group", "%s", group_text(header->start_group, words));
    report_field(report, 8, "predecessor end", "%" PRIx64, header->predecessor_end);
    report_field(report, 8, "predecessor group", "%s", group_text(header->predecessor_group, words));
    report_plain(report, 8, "check");
    if (header->version >= WAL_VERSION_LOOSE) {
        report_field(report, 8, "durable", "%s", group_text(header->durable, words));
        report_plain(report, 8, "check of what version 3 added");
    }
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
