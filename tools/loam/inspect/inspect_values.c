/*
 * inspect_values: a file of values kept apart: header, records front to back, footer. A record whose sizes make no
 * sense is bridged: the bytes up to the next sound one are told as damaged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/values/value_format.h"
#include "engine/values/value_layout_format.h"
#include "tools/loam/inspect/inspect.h"
#include "tools/loam/inspect/report_rows.h"
#include "tools/loam/inspect/resync.h"

enum { SHOWN = 40, TEXT_BYTES = 200 };

struct walk {
    struct report *report;
    struct sst_identity identity;
    struct resync values;
    uint64_t records, value_bytes;
};

static void header_fields(struct walk *walk) {
    struct report *report = walk->report;
    struct error error = {.status = STATUS_OK};
    report_need(report, 0, report->bytes.size < VALUE_HEADER_BYTES ? report->bytes.size : VALUE_HEADER_BYTES);
    const bool sound = value_header_decode(report->bytes, &walk->identity, &error) == STATUS_OK;
    if (!sound) report_problem(report, REPORT_CORRUPT, 0, "%s", error.text);
    report_part(report, sound ? REPORT_RIGHT : REPORT_WRONG, "header");
    if (report->bytes.size < VALUE_HEADER_BYTES) {
        report_plain(report, report->bytes.size, "cut header");
        return;
    }
    report_rows(report, value_header_layout.rows);
    report_fact(report, "store", "%016" PRIx64, walk->identity.store);
    report_fact(report, "file", "%" PRIu64, walk->identity.file);
}

/* The value itself, in words: as it stands, or unfolded. */
static void payload_field(struct walk *walk, const struct value_record *record) {
    struct report *report = walk->report;
    char text[TEXT_BYTES];
    if (record->codec == CODEC_NONE) {
        report_text(text, sizeof text, record->payload, SHOWN);
        report_field(report, record->payload.size, "value", "\"%s\"", text);
        return;
    }
    uint8_t *raw = malloc(record->raw_bytes ? record->raw_bytes : 1);
    if (!raw) report->no_memory = true;
    if (raw && codec_decompress(NULL, record->codec, record->payload, raw, record->raw_bytes) == STATUS_OK) {
        report_text(text, sizeof text, slice_make(raw, record->raw_bytes), SHOWN);
        report_field(report, record->payload.size, "value", "\"%s\", %" PRIu32 " bytes by %s", text, record->raw_bytes,
                     codec_name(record->codec));
    } else {
        report_problem(report, REPORT_CORRUPT, report->next, "the value does not decompress");
        report_plain(report, record->payload.size, "value that can't be read");
    }
    free(raw);
}

static void record_fields(struct walk *walk, const struct value_record *record, bool sound) {
    struct report *report = walk->report;
    char text[TEXT_BYTES];
    if (!sound) report_problem(report, REPORT_CORRUPT, report->next, "the check of this value is wrong");
    report_part(report, sound ? REPORT_RIGHT : REPORT_WRONG, "value at %" PRIu64, report->next);
    report_field(report, 8, value_record_layout.rows[0].name, "%s", sound ? "right" : "WRONG");
    report_rows(report, value_record_layout.rows + 1);
    report_text(text, sizeof text, record->key, SHOWN);
    report_field(report, record->key.size, "key", "\"%s\"", text);
    if (sound)
        payload_field(walk, record);
    else
        report_plain(report, record->payload.size, "value that does not verify");
    walk->records += sound;
    walk->value_bytes += sound ? record->raw_bytes : 0;
}

/* The record at `offset`, if its sizes make sense; *sound: its check holds. */
static bool record_at(const struct walk *walk, uint64_t offset, struct value_record *record, size_t *size,
                      bool *sound) {
    struct report *report = walk->report;
    const struct slice left = slice_make(report->bytes.data + offset, (size_t)(walk->values.end - offset));
    report_need(report, offset, left.size < VALUE_RECORD_HEADER_BYTES ? left.size : VALUE_RECORD_HEADER_BYTES);
    if (value_record_peek(left, record, size) != STATUS_OK || *size > left.size) return false;
    report_need(report, offset, *size);
    *sound = value_record_decode(slice_make(left.data, *size), &walk->identity, offset, record) == STATUS_OK;
    return true;
}

static bool look(void *context, uint64_t offset, uint64_t *size, bool *sound) {
    struct value_record record;
    size_t bytes = 0;
    const bool is_one = record_at(context, offset, &record, &bytes, sound);
    *size = bytes;
    return is_one;
}

/* Up to the end, or to that of the range. */
static void records(struct walk *walk) {
    struct report *report = walk->report;
    while (report->next < walk->values.end && !report_is_past(report, report->next)) {
        struct value_record record;
        size_t size = 0;
        bool sound = false;
        const uint64_t next = resync_next(&walk->values, report->next);
        if (next == report->next && record_at(walk, next, &record, &size, &sound)) {
            record_fields(walk, &record, sound);
            continue;
        }
        report_problem(report, REPORT_CORRUPT, report->next, "%" PRIu64 " bytes that are no sound value",
                       next - report->next);
        report_part(report, REPORT_WRONG, "damage at %" PRIu64, report->next);
        report_field(report, next - report->next, "damaged bytes", "no sound value begins here");
    }
}

/* From where the range begins. */
static void records_of_range(struct walk *walk) {
    struct report *report = walk->report;
    const uint64_t target = report->range_begin;
    if (target >= walk->values.end)
        report_pass(report, walk->values.end);
    else if (target > report->next)
        report_pass(report, resync_back(&walk->values, target));
    records(walk);
    report_pass(report, walk->values.end);
}

static void footer_fields(struct walk *walk, bool sound, const struct error *error) {
    struct report *report = walk->report;
    report_part(report, sound ? REPORT_RIGHT : REPORT_WRONG, "footer");
    if (!sound) {
        report_problem(report, REPORT_CORRUPT, report->next, "%s", error->text);
        report_plain(report, VALUE_FOOTER_BYTES, "damaged footer");
        return;
    }
    report_rows(report, value_footer_layout.rows);
}

void inspect_values(struct report *report) {
    struct walk walk = {.report = report};
    struct value_footer footer = {0};
    struct error error = {.status = STATUS_OK};
    const uint64_t size = report->bytes.size;
    header_fields(&walk);
    if (size < VALUE_HEADER_BYTES + VALUE_FOOTER_BYTES) {
        if (size > VALUE_HEADER_BYTES) report_part(report, REPORT_WRONG, "cut file");
        if (size > VALUE_HEADER_BYTES) report_plain(report, size - VALUE_HEADER_BYTES, "cut");
        report_problem(report, REPORT_CORRUPT, report->next, "the file is cut");
        return;
    }
    const uint64_t end = size - VALUE_FOOTER_BYTES;
    report_need(report, end, VALUE_FOOTER_BYTES);
    const bool sound = value_footer_decode(slice_from(report->bytes, (size_t)end), size, &footer, &error) == STATUS_OK;
    walk.values = (struct resync){&walk, VALUE_HEADER_BYTES, end, look};
    if (report->is_ranged)
        records_of_range(&walk);
    else
        records(&walk);
    footer_fields(&walk, sound, &error);
    if (sound && !report->is_ranged && (footer.records != walk.records || footer.value_bytes != walk.value_bytes))
        report_problem(report, REPORT_CORRUPT, end, "the footer counts %" PRIu64 " values, %" PRIu64 " are sound",
                       footer.records, walk.records);
    report_fact(report, "values", "%" PRIu64 " of %" PRIu64 " bytes", walk.records, walk.value_bytes);
}
