/*
 * inspect_manifest: the log of edits, and the superblock that names it. Sectors are told one by one; the edits that
 * they add up to stand among the facts.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/lsm/lsm_layout_format.h"
#include "engine/lsm/manifest_format.h"
#include "engine/lsm/superblock_format.h"
#include "engine/values/value_format.h"
#include "tools/loam/inspect/inspect.h"
#include "tools/loam/inspect/report_rows.h"
#include "tools/loam/inspect/spread.h"

/* What only some files have. */
static void tell_attributes(struct report *report, const struct edit_file *file) {
    struct decoder values = decoder_make(file->values);
    struct value_count count;
    char name[32];
    while (value_count_next(&values, &count) == STATUS_OK) {
        snprintf(name, sizeof name, "    refers to %" PRIu64, count.number);
        report_fact(report, name, "%" PRIu64 " values, %" PRIu64 " bytes", count.records, count.bytes);
    }
    if (file->hidden) {
        snprintf(name, sizeof name, "  versions %" PRIu64, file->number);
        report_fact(report, name, "%" PRIu64 " stand behind newer ones: snapshots kept them", file->hidden);
    }
    if (!file->sequence) return;
    snprintf(name, sizeof name, "  ingested %" PRIu64, file->number);
    report_fact(report, name,
                "every entry has the sequence %" PRIu64 "; built as file %" PRIu64 " of store %016" PRIx64,
                file->sequence, edit_file_identity(file), file->store);
}

static enum status tell_edit(void *context, const struct edit *edit, struct error *error) {
    (void)error;
    struct report *report = context;
    char name[32];
    snprintf(name, sizeof name, "edit %" PRIu64, edit->number);
    report_fact(report, name,
                "%s, job %" PRIu64 ", log time %" PRId64 ": %zu files in, %zu out, %zu trees made, %zu dropped",
                edit_cause_name(edit->cause), edit->job, edit->time_ms, edit->added_count, edit->removed_count,
                edit->created_count, edit->dropped_count);
    if (edit->format_level) {
        snprintf(name, sizeof name, "  required %" PRIu64, edit->number);
        report_fact(report, name, "format level %" PRIu32, edit->format_level);
    }
    if (edit->has_mark) {
        snprintf(name, sizeof name, "  mark %" PRIu64, edit->number);
        report_fact(report, name, "index %" PRIu64 ", term %" PRIu64 ", sequence %" PRIu64, edit->mark.index,
                    edit->mark.term, edit->last_sequence);
    }
    for (size_t i = 0; i < edit->value_file_count; i++) {
        const struct edit_value_file *file = &edit->value_files[i];
        snprintf(name, sizeof name, "  values %" PRIu64, file->number);
        report_fact(report, name, "of tree instance %" PRIu32 ", %" PRIu64 " bytes, %" PRIu64 " values", file->instance,
                    file->bytes, file->records);
    }
    for (size_t i = 0; i < edit->added_count; i++) {
        const struct edit_file *file = &edit->added[i];
        char first[100], last[100];
        report_text(first, sizeof first, file->first, 20);
        report_text(last, sizeof last, file->last, 20);
        snprintf(name, sizeof name, "  in %" PRIu64, file->number);
        report_fact(report, name,
                    "level %" PRIu32 " of tree instance %" PRIu32 ", %" PRIu64 " bytes, %" PRIu64
                    " entries, \"%s\" to %s%s%s",
                    file->level, file->instance, file->bytes, file->entries, first, file->has_last ? "\"" : "the end",
                    last, file->has_last ? "\"" : "");
        tell_attributes(report, file);
    }
    for (size_t i = 0; i < edit->removed_count; i++) {
        snprintf(name, sizeof name, "  out %" PRIu64, edit->removed[i].number);
        report_fact(report, name, "level %" PRIu32 " of tree instance %" PRIu32, edit->removed[i].level,
                    edit->removed[i].instance);
    }
    return STATUS_OK;
}

/* The whole edit that begins in sector `at`; false: it does not, or not all of it is there. */
static bool gather_edit(struct report *report, const struct manifest_id *id, uint64_t at, struct buf *edit) {
    struct manifest_sector sector = {.count = 1};
    uint64_t number = 0;
    buf_clear(edit);
    for (uint32_t i = 0; i < sector.count; i++) {
        const uint64_t offset = (at + i) * IO_SECTOR_BYTES;
        if (report->bytes.size - offset < IO_SECTOR_BYTES) return false;
        if (manifest_sector_parse(id, at + i, report->bytes.data + offset, &sector) != MANIFEST_SECTOR_VALID)
            return false;
        if (i == 0) number = sector.edit;
        if (sector.edit != number || sector.index != i) return false;
        if (i + 1 < sector.count && sector.used != MANIFEST_SECTOR_PAYLOAD) return false;
        if (buf_append_slice(edit, sector.payload) != STATUS_OK) report->no_memory = true;
    }
    return true;
}

/* A sector's payload begins at its number times MANIFEST_SECTOR_PAYLOAD of the spread. */
static void gather_edits(struct report *report, const struct manifest_id *id, struct spread *spread) {
    struct buf edit = BUF_EMPTY;
    for (uint64_t at = IO_PAGE_BYTES / IO_SECTOR_BYTES; (at + 1) * IO_SECTOR_BYTES <= report->bytes.size; at++) {
        if (!gather_edit(report, id, at, &edit)) continue;
        struct spread_bytes bytes = {spread, edit.data, at * MANIFEST_SECTOR_PAYLOAD};
        struct fields fields = fields_make(buf_slice(&edit), spread_take, &bytes);
        spread_part(spread, "fields of the edit in sector %" PRIu64, at);
        edit_describe(&fields);
    }
    buf_deinit(&edit);
}

static void sector_fields(struct report *report, const struct manifest_id *id, struct spread *spread, uint64_t at) {
    struct manifest_sector sector;
    switch (manifest_sector_parse(id, at, report->bytes.data + report->next, &sector)) {
    case MANIFEST_SECTOR_EMPTY:
        report_part(report, REPORT_UNCHECKED, "empty sectors");
        report_plain(report, IO_SECTOR_BYTES, "empty");
        return;
    case MANIFEST_SECTOR_BAD:
        report_part(report, REPORT_WRONG, "sector %" PRIu64, at);
        report_problem(report, REPORT_CORRUPT, report->next, "sector %" PRIu64 " is neither empty nor sound", at);
        report_plain(report, IO_SECTOR_BYTES, "damaged sector");
        return;
    case MANIFEST_SECTOR_VALID: break;
    }
    report_part(report, REPORT_RIGHT, "edit %" PRIu64 ", sector %" PRIu32 " of %" PRIu32, sector.edit, sector.index + 1,
                sector.count);
    report_rows(report, manifest_sector_layout.rows);
    spread_tell(spread, at * MANIFEST_SECTOR_PAYLOAD, sector.used, "part of the edit");
    if (sector.used < MANIFEST_SECTOR_PAYLOAD) report_part(report, REPORT_RIGHT, "padding");
    report_plain(report, MANIFEST_SECTOR_PAYLOAD - sector.used, "padding");
}

void inspect_manifest(struct report *report) {
    struct manifest_id id;
    struct manifest_recovery recovery = {0};
    struct error error = {0};
    const uint64_t size = report->bytes.size;
    if (manifest_header_parse(report->bytes, &id, &error) != STATUS_OK) {
        report_problem(report, REPORT_CORRUPT, 0, "%s", error.text);
        report_part(report, REPORT_WRONG, "header");
        report_plain(report, size, "not read: the header is not sound");
        return;
    }
    report_fact(report, "store", "%016" PRIx64, id.store);
    report_fact(report, "manifest", "%" PRIu64 " of generation %" PRIu64, id.number, id.generation);
    enum status status = manifest_parse(report->bytes, NULL, 0, tell_edit, report, &recovery, &error);
    if (status != STATUS_OK) report_problem(report, REPORT_CORRUPT, recovery.end, "%s", error.text);
    if (recovery.torn)
        report_problem(report, REPORT_TORN, recovery.end, "an edit was begun here and never acknowledged");
    report_part(report, REPORT_RIGHT, "header");
    report_rows(report, manifest_header_layout.rows);
    report_part(report, REPORT_UNCHECKED, "rest of the header page");
    report_plain(report, IO_PAGE_BYTES - report->next, "rest of the header page");
    struct spread spread;
    spread_init(&spread, report);
    if (report->fields_wanted) gather_edits(report, &id, &spread);
    while (size - report->next >= IO_SECTOR_BYTES) sector_fields(report, &id, &spread, report->next / IO_SECTOR_BYTES);
    spread_deinit(&spread);
    report_part(report, REPORT_UNCHECKED, "cut sector");
    report_plain(report, size - report->next, "cut sector");
}

/* ---- Superblock ------------------------------------------------------------------------------------------------ */

static void slot_fields(struct report *report, unsigned slot, bool *sound) {
    const uint64_t offset = report->next;
    const uint8_t *bytes = report->bytes.data + offset;
    struct superblock superblock;
    enum status status = superblock_parse(bytes, slot, &superblock);
    *sound = status == STATUS_OK;
    report_part(report, *sound ? REPORT_RIGHT : REPORT_WRONG, "slot %u", slot);
    if (!*sound) {
        report_plain(report, IO_SECTOR_BYTES, "slot that does not verify");
    } else {
        char name[16];
        snprintf(name, sizeof name, "slot %u", slot);
        report_fact(report, name,
                    "store %016" PRIx64 ", generation %" PRIu64 ", manifest %" PRIu64 " of at least %" PRIu64 " bytes",
                    superblock.store, superblock.generation, superblock.manifest, superblock.manifest_bytes);
        report_rows(report, superblock_slot_layout.rows);
    }
    const uint64_t page_end = offset + IO_PAGE_BYTES;
    const uint64_t end = page_end < report->bytes.size ? page_end : report->bytes.size;
    report_part(report, REPORT_UNCHECKED, "rest of slot %u's page", slot);
    report_plain(report, end - report->next, "rest of the slot's page");
}

void inspect_superblock(struct report *report) {
    unsigned sound_slots = 0;
    for (unsigned slot = 0; slot < SUPERBLOCK_SLOTS && report->bytes.size - report->next >= IO_SECTOR_BYTES; slot++) {
        bool sound;
        const uint64_t offset = report->next;
        slot_fields(report, slot, &sound);
        sound_slots += sound;
        /* A switch that was cut off leaves one slot torn; the other rules. */
        if (!sound) report_problem(report, REPORT_TORN, offset, "slot %u does not verify", slot);
    }
    if (sound_slots == 0)
        report_problem(report, REPORT_CORRUPT, 0, "no slot verifies: which manifest rules is not known");
    report_part(report, REPORT_UNCHECKED, "behind the slots");
    report_plain(report, report->bytes.size - report->next, "behind the slots");
}
