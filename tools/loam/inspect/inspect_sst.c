/*
 * inspect_sst: header, units front to back, footer. A unit whose header makes no sense is bridged: the bytes up to the
 * next sound unit are told as damaged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/sst/block_format.h"
#include "engine/sst/filter_format.h"
#include "engine/sst/sst_format.h"
#include "engine/sst/sst_layout_format.h"
#include "engine/values/value_format.h"
#include "engine/values/value_layout_format.h"
#include "tools/loam/inspect/inspect.h"
#include "tools/loam/inspect/report_rows.h"
#include "tools/loam/inspect/resync.h"
#include "tools/loam/inspect/sst_dictionary_fields.h"
#include "tools/loam/inspect/sst_rows.h"

enum { KEY_SHOWN = 40, TEXT_BYTES = 200 };

struct walk {
    struct report *report;
    struct sst_identity identity;
    struct resync units;
    struct {
        uint64_t offset; /* 0: nothing yet */
        struct sst_unit unit;
        bool is_one, sound;
    } latest;               /* that was looked at */
    uint64_t dictionary_at; /* by the properties; 0: they have none */
    bool has_properties;
    struct dictionary_unpacker *unpacker; /* NULL: it has no dictionary, or no sound one */
    uint64_t entries, blocks;
    uint64_t stored_bytes, raw_bytes;
    struct sst_rows rows;
};

static const char *key_text(struct slice key, char text[TEXT_BYTES]) {
    report_text(text, TEXT_BYTES, key, KEY_SHOWN);
    return text;
}

/* ---- Header and footer ----------------------------------------------------------------------------------------- */

static void header_fields(struct walk *walk) {
    struct report *report = walk->report;
    struct error error;
    report_need(report, 0, report->bytes.size < SST_HEADER_BYTES ? report->bytes.size : SST_HEADER_BYTES);
    enum status status = sst_header_decode(report->bytes, &walk->identity, &error);
    if (status != STATUS_OK) report_problem(report, REPORT_CORRUPT, 0, "%s", error.text);
    report_part(report, status == STATUS_OK ? REPORT_RIGHT : REPORT_WRONG, "header");
    if (report->bytes.size < SST_HEADER_BYTES) {
        report_plain(report, report->bytes.size, "cut header");
        return;
    }
    report_rows(report, sst_header_layout.rows);
    report_fact(report, "store", "%016" PRIx64, walk->identity.store);
    report_fact(report, "file", "%" PRIu64, walk->identity.file);
}

static void footer_fields(struct walk *walk, bool sound) {
    struct report *report = walk->report;
    report_part(report, sound ? REPORT_RIGHT : REPORT_WRONG, "footer");
    report_rows(report, sst_footer_layout.rows);
}

/* ---- Blocks ---------------------------------------------------------------------------------------------------- */

static void column_field(struct report *report, const struct sst_block_view *view, uint32_t width, const char *name) {
    report_field(report, (uint64_t)width * view->count, name, "%" PRIu32 " times %" PRIu32 " bytes", view->count,
                 width);
}

/* The rows of an entry's value; the first one says whose it is. */
static void report_entry(struct report *report, const struct layout_row *rows, uint32_t at) {
    report_field(report, layout_row_size(rows), rows->name, "entry %" PRIu32 ": %" PRIu64, at,
                 coding_get_u64(report->bytes.data + report->next));
    report_rows(report, rows + 1);
}

static void value_field(struct walk *walk, const struct sst_block_view *view, uint32_t at, unsigned section,
                        uint8_t *room) {
    struct report *report = walk->report;
    const struct slice value = block_view_value(view, at);
    char text[TEXT_BYTES];
    if (section == SST_SECTION_INDEX && value.size == SST_INDEX_VALUE_BYTES) {
        report_entry(report, sst_index_value_layout.rows, at);
        return;
    }
    struct value_reference reference;
    if (section == SST_SECTION_DATA && entry_kind(block_view_trailer(view, at)) == ENTRY_REFERENCE &&
        value_reference_decode(value, &reference) == STATUS_OK) {
        report_entry(report, value_reference_layout.rows, at);
        return;
    }
    if (section == SST_SECTION_DATA && walk->rows.describer) {
        sst_rows_value_fields(&walk->rows, report, view, at, room);
        return;
    }
    report_field(report, value.size, section == SST_SECTION_RANGE_DELETES ? "end of range" : "value",
                 "entry %" PRIu32 ": \"%s\"", at, key_text(value, text));
}

static void entry_heads(struct walk *walk, const struct sst_block_view *view, unsigned section, uint8_t *room) {
    const struct row_describer *rows = section == SST_SECTION_DATA ? walk->rows.describer : NULL;
    struct buf text = BUF_EMPTY;
    for (uint32_t i = 0; i < view->count && walk->report->fields_wanted; i++) {
        const uint64_t trailer = block_view_trailer(view, i);
        buf_clear(&text);
        enum status status = key_text_append(&text, rows, block_view_key(view, i, room), NULL);
        if (status == STATUS_OK) status = buf_append_byte(&text, 0);
        if (status != STATUS_OK) walk->report->no_memory = true;
        report_field(walk->report, BLOCK_HEAD_BYTES, "head", "entry %" PRIu32 ": %s, %s %" PRIu64, i,
                     status == STATUS_OK ? (const char *)text.data : "", sst_entry_kind_name(trailer),
                     entry_sequence(trailer));
    }
    if (!walk->report->fields_wanted) report_plain(walk->report, (uint64_t)view->count * BLOCK_HEAD_BYTES, "heads");
    buf_deinit(&text);
}

/* The bytes of a block that stands there raw. */
static void block_fields(struct walk *walk, const struct sst_block_view *view, unsigned section, uint8_t *room) {
    struct report *report = walk->report;
    char text[TEXT_BYTES];
    report_rows(report, sst_block_layout.rows);
    entry_heads(walk, view, section, room);
    report_field(report, view->prefix_size, "prefix", "\"%s\"", key_text(block_view_prefix(view), text));
    column_field(report, view, view->tail_width, "tail ends");
    column_field(report, view, view->value_width, "value ends");
    column_field(report, view, view->sequence_width, "sequences");
    column_field(report, view, view->head_size == BLOCK_VARIES, "head sizes");
    column_field(report, view, view->kind == BLOCK_VARIES, "kinds");
    for (uint32_t i = 0; i < view->count; i++) {
        const struct slice tail = block_view_tail(view, i);
        report_field(report, tail.size, "tail", "entry %" PRIu32 ": \"%s\"", i, key_text(tail, text));
    }
    for (uint32_t i = 0; i < view->count; i++) value_field(walk, view, i, section, room);
}

static void property_facts(struct walk *walk, struct slice raw, bool fields) {
    struct decoder decoder = decoder_make(raw);
    struct sst_property property;
    enum status status;
    char text[TEXT_BYTES];
    const uint8_t *from = raw.data;
    while ((status = sst_property_next(&decoder, &property)) == STATUS_OK) {
        if (property.is_number) {
            snprintf(text, sizeof text, "%" PRIu64, property.number);
            if (strcmp(property.name, "cause") == 0)
                snprintf(text, sizeof text, "%s", sst_cause_name((unsigned)property.number));
            if (strcmp(property.name, "codec") == 0)
                snprintf(text, sizeof text, "%s", codec_name((enum codec_id)property.number));
        } else if (strcmp(property.name, "dictionary") == 0 && property.value.size == SST_INDEX_VALUE_BYTES) {
            const struct sst_handle handle = sst_handle_decode(property.value.data);
            snprintf(text, sizeof text, "unit of %" PRIu32 " bytes at %" PRIu64, handle.size, handle.offset);
        } else {
            key_text(property.value, text);
        }
        report_fact(walk->report, property.name, "%s", text);
        if (fields)
            report_field(walk->report, (uint64_t)(decoder.cursor - from), "property", "%s = %s", property.name, text);
        from = decoder.cursor;
    }
    if (status == STATUS_END) return;
    report_problem(walk->report, REPORT_CORRUPT, walk->report->next, "the properties are malformed");
    if (fields) report_plain(walk->report, (uint64_t)(raw.data + raw.size - from), "malformed properties");
}

/* ---- Units ----------------------------------------------------------------------------------------------------- */

/* What stands in a unit, decompressed with slack behind it; NULL when it can't be had. */
static uint8_t *unit_raw(const struct walk *walk, const struct sst_unit *unit) {
    uint8_t *raw = calloc(1, unit->raw_size + BLOCK_SLACK_BYTES);
    if (raw && sst_unit_unpack(unit, NULL, walk->unpacker, raw) == STATUS_OK) return raw;
    free(raw);
    return NULL;
}

static void block_payload(struct walk *walk, const struct sst_unit *unit, const uint8_t *raw) {
    struct report *report = walk->report;
    const uint64_t offset = report->next;
    struct sst_block_view view;
    uint8_t *room = NULL;
    char first[TEXT_BYTES] = "", last[TEXT_BYTES] = "";
    const bool sound = block_view_parse(slice_make(raw, unit->raw_size), &view) == STATUS_OK;
    if (sound) room = malloc(block_view_key_room(&view));
    if (!sound)
        report_problem(report, REPORT_CORRUPT, offset, "the %s block's columns do not fit",
                       sst_section_name(unit->section));
    if (sound && block_view_check_order(&view) != STATUS_OK)
        report_problem(report, REPORT_CORRUPT, offset, "the entries are not in order");
    if (!room) {
        report_field(report, unit->payload.size, "payload", "%s", sound ? "not shown: no memory" : "malformed");
        return;
    }
    if (unit->section == SST_SECTION_DATA) {
        walk->entries += view.count;
        walk->blocks++;
        walk->raw_bytes += unit->raw_size;
        walk->stored_bytes += unit->payload.size + SST_UNIT_HEADER_BYTES;
    }
    if (!report->fields_wanted) {
        report_plain(report, unit->payload.size, "payload");
    } else if (unit->codec == CODEC_NONE) {
        block_fields(walk, &view, unit->section, room);
    } else {
        if (view.count) key_text(block_view_key(&view, 0, room), first);
        if (view.count) key_text(block_view_key(&view, view.count - 1, room), last);
        report_field(report, unit->payload.size, "payload",
                     "%s block of %" PRIu32 " entries, \"%s\" to \"%s\", %" PRIu32 " bytes by %s%s",
                     sst_section_name(unit->section), view.count, first, last, unit->raw_size, codec_name(unit->codec),
                     unit->with_dictionary ? " with the dictionary" : "");
    }
    if (unit->section == SST_SECTION_DATA)
        sst_rows_show(&walk->rows, report, &view, offset - SST_UNIT_HEADER_BYTES, unit->codec != CODEC_NONE, room);
    free(room);
}

static void filter_payload(struct walk *walk, const struct sst_unit *unit, const uint8_t *raw) {
    struct report *report = walk->report;
    struct filter filter;
    if (filter_decode(slice_make(raw, unit->raw_size), &filter) != STATUS_OK || unit->codec != CODEC_NONE) {
        report_problem(report, REPORT_CORRUPT, report->next, "the filter is malformed");
        report_field(report, unit->payload.size, "filter", "malformed");
        return;
    }
    report_rows(report, sst_filter_layout.rows);
    report_plain(report, (uint64_t)filter.line_count * FILTER_LINE_BYTES, "bits");
}

static void unit_payload(struct walk *walk, const struct sst_unit *unit, bool sound) {
    struct report *report = walk->report;
    if (unit->section == SST_SECTION_DICTIONARY) {
        sst_dictionary_fields(report, unit, sound);
        return;
    }
    uint8_t *raw = sound ? unit_raw(walk, unit) : NULL;
    if (!raw) {
        if (sound)
            report_problem(report, REPORT_CORRUPT, report->next, "the payload does not decompress%s",
                           unit->with_dictionary && !walk->unpacker ? ": the dictionary is not there" : "");
        report_field(report, unit->payload.size, "payload", "of a %s unit, not read", sst_section_name(unit->section));
    } else if (unit->section == SST_SECTION_FILTER) {
        filter_payload(walk, unit, raw);
    } else if (unit->section == SST_SECTION_PROPERTIES) {
        property_facts(walk, slice_make(raw, unit->raw_size), unit->codec == CODEC_NONE);
        if (unit->codec != CODEC_NONE)
            report_field(report, unit->payload.size, "payload", "properties by %s", codec_name(unit->codec));
    } else {
        block_payload(walk, unit, raw);
    }
    free(raw);
}

static void unit_fields(struct walk *walk, const struct sst_unit *unit, bool sound) {
    struct report *report = walk->report;
    const uint64_t offset = report->next;
    if (!sound)
        report_problem(report, REPORT_CORRUPT, offset, "the check of this %s unit is wrong",
                       sst_section_name(unit->section));
    report_part(report, sound ? REPORT_RIGHT : REPORT_WRONG, "%s unit at %" PRIu64, sst_section_name(unit->section),
                offset);
    report_field(report, 8, sst_unit_layout.rows[0].name, "%s", sound ? "right" : "WRONG");
    report_rows(report, sst_unit_layout.rows + 1);
    unit_payload(walk, unit, sound);
}

static void look_at(struct walk *walk, uint64_t offset) {
    struct report *report = walk->report;
    const size_t left = (size_t)(walk->units.end - offset);
    const struct slice rest = slice_make(report->bytes.data + offset, left);
    struct sst_unit *unit = &walk->latest.unit;
    walk->latest.offset = offset;
    report_need(report, offset, left < SST_UNIT_HEADER_BYTES ? left : SST_UNIT_HEADER_BYTES);
    walk->latest.is_one = sst_unit_peek(rest, unit) == STATUS_OK;
    if (!walk->latest.is_one) return;
    const struct slice whole = slice_make(rest.data, SST_UNIT_HEADER_BYTES + unit->payload.size);
    report_need(report, offset, whole.size);
    walk->latest.sound = sst_unit_decode(whole, &walk->identity, offset, unit) == STATUS_OK;
}

/* The unit at `offset`, if its header makes sense; *sound: its check holds. */
static bool unit_at(struct walk *walk, uint64_t offset, struct sst_unit *unit, bool *sound) {
    if (walk->latest.offset != offset) look_at(walk, offset);
    *unit = walk->latest.unit;
    *sound = walk->latest.sound;
    return walk->latest.is_one;
}

static bool look(void *context, uint64_t offset, uint64_t *size, bool *sound) {
    struct sst_unit unit;
    if (!unit_at(context, offset, &unit, sound)) return false;
    *size = SST_UNIT_HEADER_BYTES + unit.payload.size;
    return true;
}

/* Up to the end, or to that of the range. */
static void walk_units(struct walk *walk) {
    struct report *report = walk->report;
    while (report->next < walk->units.end && !report_is_past(report, report->next)) {
        struct sst_unit unit;
        bool sound = false;
        const uint64_t next = resync_next(&walk->units, report->next);
        if (next == report->next && unit_at(walk, next, &unit, &sound)) {
            unit_fields(walk, &unit, sound);
            continue;
        }
        report_problem(report, REPORT_CORRUPT, report->next, "%" PRIu64 " bytes that are no sound unit",
                       next - report->next);
        report_part(report, REPORT_WRONG, "damage at %" PRIu64, report->next);
        report_field(report, next - report->next, "damaged bytes", "no sound unit begins here");
    }
}

/* ---- Rows ------------------------------------------------------------------------------------------------------ */

typedef void unit_visit(struct walk *walk, uint64_t offset, const struct sst_unit *unit, const uint8_t *raw);

/* Visits every sound unit of the section with its raw bytes: from `from` on, which is where one begins, as far as
 * anything is shown. */
static void visit_units(struct walk *walk, uint64_t from, unsigned section, unit_visit *visit) {
    for (uint64_t at = from; at < walk->units.end && !report_is_past(walk->report, at);) {
        struct sst_unit unit;
        bool sound = false;
        at = resync_next(&walk->units, at);
        if (at >= walk->units.end || !unit_at(walk, at, &unit, &sound)) return;
        uint8_t *raw = sound && unit.section == section ? unit_raw(walk, &unit) : NULL;
        if (raw) visit(walk, at, &unit, raw);
        free(raw);
        at += SST_UNIT_HEADER_BYTES + unit.payload.size;
    }
}

static void visit_one(struct walk *walk, uint64_t at, unsigned section, unit_visit *visit) {
    struct sst_unit unit;
    bool sound = false;
    if (at < walk->units.begin || at >= walk->units.end || !unit_at(walk, at, &unit, &sound)) return;
    uint8_t *raw = sound && unit.section == section ? unit_raw(walk, &unit) : NULL;
    if (raw) visit(walk, at, &unit, raw);
    free(raw);
}

static void take_dictionary(struct walk *walk, uint64_t offset, const struct sst_unit *unit, const uint8_t *raw) {
    (void)offset;
    if (walk->unpacker) return;
    if (dictionary_unpacker_create(slice_make(raw, unit->raw_size), &walk->unpacker) == STATUS_NO_MEMORY)
        walk->report->no_memory = true;
}

static void find_kind(struct walk *walk, uint64_t offset, const struct sst_unit *unit, const uint8_t *raw) {
    struct decoder decoder = decoder_make(slice_make(raw, unit->raw_size));
    struct sst_property property;
    (void)offset;
    walk->has_properties = true;
    while (sst_property_next(&decoder, &property) == STATUS_OK) {
        if (property.is_number && strcmp(property.name, "kind") == 0)
            walk->rows.describer = describers_find(property.number);
        if (strcmp(property.name, "dictionary") == 0 && property.value.size == SST_INDEX_VALUE_BYTES)
            walk->dictionary_at = sst_handle_decode(property.value.data).offset;
    }
}

/* What units are read by: their kind of rows, their dictionary. Where a sound footer leads to, or else wherever they
 * are; for a range of a file without a footer not at all. */
static void find_keys(struct walk *walk, const struct sst_footer *footer) {
    if (footer)
        visit_one(walk, footer->sections[SST_SECTION_PROPERTIES - SST_SECTION_FILTER].offset, SST_SECTION_PROPERTIES,
                  find_kind);
    if (walk->dictionary_at) visit_one(walk, walk->dictionary_at, SST_SECTION_DICTIONARY, take_dictionary);
    if (walk->report->is_ranged || (walk->has_properties && (!walk->dictionary_at || walk->unpacker))) return;
    visit_units(walk, walk->units.begin, SST_SECTION_DICTIONARY, take_dictionary);
    visit_units(walk, walk->units.begin, SST_SECTION_PROPERTIES, find_kind);
}

/* Where what is shown begins. */
static uint64_t find_start(const struct walk *walk, const struct sst_footer *footer) {
    const uint64_t target = walk->report->range_begin;
    if (!walk->report->is_ranged || target <= walk->units.begin) return walk->units.begin;
    if (target >= walk->units.end) return walk->units.end;
    for (unsigned i = 0; footer && i < SST_FOOTER_SECTIONS; i++) {
        const struct sst_handle *section = &footer->sections[i];
        if (target >= section->offset && target < section->offset + section->size) return section->offset;
    }
    return resync_back(&walk->units, target);
}

static void judge_block(struct walk *walk, uint64_t offset, const struct sst_unit *unit, const uint8_t *raw) {
    struct sst_block_view view;
    if (block_view_parse(slice_make(raw, unit->raw_size), &view) != STATUS_OK) return;
    uint8_t *room = malloc(block_view_key_room(&view));
    if (room)
        sst_rows_judge(&walk->rows, &view, offset, room);
    else
        walk->report->no_memory = true;
    free(room);
}

void inspect_sst(struct report *report) {
    struct walk walk = {.report = report};
    header_fields(&walk);
    const uint64_t size = report->bytes.size;
    if (size < SST_HEADER_BYTES) return;
    struct sst_footer footer;
    struct error error;
    const bool room = size >= SST_HEADER_BYTES + SST_FOOTER_BYTES;
    const uint64_t footer_at = room ? size - SST_FOOTER_BYTES : size;
    const struct slice last = slice_from(report->bytes, (size_t)footer_at);
    report_need(report, footer_at, last.size);
    const bool has_footer = sst_footer_decode(last, size, &footer, &error) == STATUS_OK;
    if (!has_footer) report_problem(report, REPORT_CORRUPT, footer_at, "%s", error.text);
    /* A footer with the right magic is shown as one, sound or not; without it the bytes may be units. */
    const bool magic = has_footer || (room && memcmp(last.data + 8, "loam.end", 8) == 0);
    walk.units = (struct resync){&walk, SST_HEADER_BYTES, magic ? footer_at : size, look};
    find_keys(&walk, has_footer ? &footer : NULL);
    const uint64_t start = find_start(&walk, has_footer ? &footer : NULL);
    if (walk.rows.describer) visit_units(&walk, start, SST_SECTION_DATA, judge_block);
    sst_rows_report(&walk.rows, report);
    if (report->is_ranged) report_pass(report, start);
    walk_units(&walk);
    if (report->is_ranged) report_pass(report, walk.units.end);
    if (magic) footer_fields(&walk, has_footer);
    report_fact(report, "blocks read",
                "%" PRIu64 " with %" PRIu64 " entries, %" PRIu64 " bytes stored, %" PRIu64 " raw", walk.blocks,
                walk.entries, walk.stored_bytes, walk.raw_bytes);
    dictionary_unpacker_destroy(walk.unpacker);
}
