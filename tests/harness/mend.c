/* mend: see mend.h. */
#include "tests/harness/mend.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/lsm/manifest_format.h"
#include "engine/lsm/superblock_format.h"
#include "engine/sst/block_format.h"
#include "engine/sst/sst_format.h"
#include "engine/values/value_format.h"
#include "raft/log/node_state_format.h"

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

/* A unit's check by its own sizes; returns its size, 0 if it does not fit. */
static size_t mend_unit(uint8_t *bytes, size_t left, const struct sst_identity *identity, uint64_t offset) {
    struct sst_unit unit;
    if (sst_unit_peek(slice_make(bytes, left), &unit) != STATUS_OK) return 0;
    size_t size = SST_UNIT_HEADER_BYTES + unit.payload.size;
    coding_put_u64(bytes, hash64(slice_make(bytes + 8, size - 8), sst_seed(identity, offset)));
    return size;
}

/* Puts the units' new checks into the handles of an index that stands raw. */
static void mend_index(uint8_t *bytes, uint64_t offset, size_t size, uint64_t data_end) {
    struct sst_unit unit;
    if (sst_unit_peek(slice_make(bytes + offset, size), &unit) != STATUS_OK || unit.codec != CODEC_NONE) return;
    uint8_t *raw = calloc(1, unit.payload.size + BLOCK_SLACK_BYTES);
    check(raw != NULL);
    if (unit.payload.size) memcpy(raw, unit.payload.data, unit.payload.size);
    struct sst_block_view view;
    if (block_view_parse(slice_make(raw, unit.payload.size), &view) == STATUS_OK) {
        for (uint32_t i = 0; i < view.count; i++) {
            struct slice value = block_view_value(&view, i);
            if (value.size != SST_INDEX_VALUE_BYTES) continue;
            struct sst_handle handle = sst_handle_decode(value.data);
            if (handle.offset > data_end - 8 || data_end < 8) continue;
            handle.check = coding_get_u64(bytes + handle.offset);
            sst_handle_encode(bytes + offset + SST_UNIT_HEADER_BYTES + (value.data - raw), &handle);
        }
    }
    free(raw);
}

/* Puts the dictionary's new check into properties that stand raw. */
static void mend_properties(uint8_t *bytes, uint64_t offset, size_t size, uint64_t dictionary_check) {
    struct sst_unit unit;
    if (sst_unit_peek(slice_make(bytes + offset, size), &unit) != STATUS_OK || unit.codec != CODEC_NONE) return;
    struct decoder decoder = decoder_make(unit.payload);
    struct sst_property property;
    while (sst_property_next(&decoder, &property) == STATUS_OK) {
        if (strcmp(property.name, "dictionary") != 0 || property.value.size != SST_INDEX_VALUE_BYTES) continue;
        struct sst_handle handle = sst_handle_decode(property.value.data);
        handle.check = dictionary_check;
        sst_handle_encode(bytes + (property.value.data - bytes), &handle);
    }
}

void mend_sst(uint8_t *bytes, size_t size) {
    struct sst_identity identity = {.store = coding_get_u64(bytes + 16), .file = coding_get_u64(bytes + 24)};
    sst_header_encode(bytes, &identity, sst_header_features(bytes) & SST_FEATURE_DICTIONARY);
    uint8_t *last = bytes + size - SST_FOOTER_BYTES;
    struct sst_footer footer = {.identity = identity, .file_bytes = size};
    uint64_t at = SST_HEADER_BYTES, end = size - SST_FOOTER_BYTES, data_end = at, dictionary_check = 0;
    while (at < end) {
        const size_t left = (size_t)(end - at);
        if (bytes[at + 16] == SST_SECTION_INDEX && left > SST_UNIT_HEADER_BYTES) mend_index(bytes, at, left, data_end);
        if (bytes[at + 16] == SST_SECTION_PROPERTIES && left > SST_UNIT_HEADER_BYTES)
            mend_properties(bytes, at, left, dictionary_check);
        size_t unit = mend_unit(bytes + at, left, &identity, at);
        if (unit == 0) break;
        unsigned section = bytes[at + 16];
        if (section == SST_SECTION_DATA || section == SST_SECTION_DICTIONARY) data_end = at + unit;
        if (section == SST_SECTION_DICTIONARY) dictionary_check = coding_get_u64(bytes + at);
        if (section != SST_SECTION_DATA && section != SST_SECTION_DICTIONARY) {
            footer.sections[section - SST_SECTION_FILTER] =
                (struct sst_handle){.offset = at, .size = (uint32_t)unit, .check = coding_get_u64(bytes + at)};
        }
        at += unit;
    }
    sst_footer_encode(last, &footer);
}

/* ---- Values, manifests, superblocks ------------------------------------------------------------------------------ */

void mend_values(uint8_t *bytes, size_t size) {
    const struct sst_identity identity = {.store = coding_get_u64(bytes + 16), .file = coding_get_u64(bytes + 24)};
    struct value_footer footer = {.file_bytes = size, .identity = identity};
    const uint64_t end = size - VALUE_FOOTER_BYTES;
    value_header_encode(bytes, &identity);
    for (uint64_t at = VALUE_HEADER_BYTES; at < end;) {
        struct value_record record;
        size_t record_size;
        const struct slice left = slice_make(bytes + at, (size_t)(end - at));
        if (value_record_peek(left, &record, &record_size) != STATUS_OK || record_size > left.size) break;
        coding_put_u64(bytes + at, hash64(slice_make(bytes + at + 8, record_size - 8), sst_seed(&identity, at)));
        footer.records++;
        footer.value_bytes += record.raw_bytes;
        at += record_size;
    }
    value_footer_encode(bytes + end, &footer);
}

void mend_manifest(uint8_t *bytes, size_t size) {
    struct manifest_id id;
    if (size < IO_PAGE_BYTES) return;
    coding_put_u64(bytes + MANIFEST_HEADER_MAGIC_AT, MANIFEST_MAGIC);
    coding_put_u32(bytes + MANIFEST_HEADER_VERSION_AT, MANIFEST_VERSION);
    coding_put_u32(bytes + MANIFEST_HEADER_SECTOR_BYTES_AT, IO_SECTOR_BYTES);
    coding_put_u64(bytes, manifest_check(bytes, MANIFEST_HEADER_SEED));
    check(manifest_header_parse(slice_make(bytes, size), &id, NULL) == STATUS_OK);
    for (size_t at = IO_PAGE_BYTES / IO_SECTOR_BYTES; (at + 1) * IO_SECTOR_BYTES <= size; at++) {
        uint8_t *sector = bytes + at * IO_SECTOR_BYTES;
        if (coding_get_u64(sector) == 0) continue;
        coding_put_u32(sector + MANIFEST_SECTOR_MAGIC_AT, MANIFEST_SECTOR_MAGIC);
        coding_put_u64(sector, manifest_check(sector, manifest_sector_seed(&id, at)));
    }
}

void mend_superblock(uint8_t *bytes, size_t size) {
    for (unsigned slot = 0; slot < SUPERBLOCK_SLOTS; slot++) {
        uint8_t *at = bytes + (size_t)slot * IO_PAGE_BYTES;
        if (size < (size_t)slot * IO_PAGE_BYTES + IO_SECTOR_BYTES) return;
        const struct superblock superblock = {.store = coding_get_u64(at + 24),
                                              .generation = coding_get_u64(at + 32),
                                              .manifest = coding_get_u64(at + 40),
                                              .manifest_bytes = coding_get_u64(at + 48)};
        superblock_encode(&superblock, slot, at);
    }
}

void mend_node_state(uint8_t *bytes, size_t size) {
    const size_t check_at = NODE_STATE_SLOT_BYTES - 8;
    for (unsigned slot = 0; slot < 2; slot++) {
        uint8_t *at = bytes + (size_t)slot * NODE_STATE_STRIDE;
        if (size < (size_t)slot * NODE_STATE_STRIDE + NODE_STATE_SLOT_BYTES) return;
        at[16] = (uint8_t)((at[16] & ~1u) | slot); /* the slot of its generation */
        coding_put_u64(at + check_at, hash64(slice_make(at, check_at), slot));
    }
}
