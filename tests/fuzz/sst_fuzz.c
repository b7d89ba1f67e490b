/*
 * sst_fuzz: any bytes as an SST. An input is taken twice: as it is, and with all checks made right again, so that what
 * stands behind them is reached too. Taken as a file, it is opened, asked and walked; whatever it answers, it answers
 * within its bounds, and both ways of a walk agree.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/sst/block_format.h"
#include "engine/sst/sst_format.h"
#include "engine/sst/sst_read.h"
#include "tools/sim/sim_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 };

static const char path[] = "/fuzz.sst";

/* ---- Using it -------------------------------------------------------------------------------------------------- */

static void ask(struct sst *sst, struct slice key, uint64_t trailer) {
    struct sst_version version;
    enum status status = sst_get(sst, key, entry_sequence(trailer), 0, &version);
    check(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_CORRUPT);
    if (status != STATUS_OK) return;
    check(version.value.data >= version.block->data);
    check(version.value.data + version.value.size <= version.block->data + version.block->size);
    block_release(version.block);
}

static void walk(struct sst *sst) {
    struct sst_source source;
    sst_source_init(&source, sst, 0);
    uint64_t forward = 0, backward = 0, sum = 0;
    for (source_seek_first(&source.source); source.source.valid; source_next(&source.source)) {
        forward++;
        sum += hash64(source.source.value, source.source.trailer) + hash64(source.source.key, 1);
        if (forward % 16 == 1) ask(sst, source.source.key, source.source.trailer);
    }
    bool whole = source.source.status == STATUS_OK;
    check(whole || source.source.status == STATUS_CORRUPT);
    for (source_seek_last(&source.source); source.source.valid; source_prev(&source.source)) {
        backward++;
        sum -= hash64(source.source.value, source.source.trailer) + hash64(source.source.key, 1);
    }
    if (whole) check(forward == backward && sum == 0);
    source_seek(&source.source, slice_from_text("user:00042:name"), ENTRY_TRAILER_FIRST);
    source_seek_before(&source.source, slice_from_text("user:00042:name"), ENTRY_TRAILER_FIRST);
    source_close(&source.source);
}

static void use_file(struct slice bytes) {
    struct sst_identity identity;
    if (sst_header_decode(bytes, &identity, NULL) != STATUS_OK) return;
    struct io *io = sim_io_create_alone(1);
    struct sst_environment environment = {
        .io = io, .codec = codec_create(), .cache = block_cache_create(1 << 20, NULL)};
    struct io_file *file;
    check(environment.codec && environment.cache);
    check(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file) == STATUS_OK);
    check(io_file_write(file, 0, bytes.data, bytes.size) == STATUS_OK);
    io_file_close(file);
    struct sst *sst = NULL;
    struct error error;
    enum status status = sst_open(&environment, path, identity, 1, &sst, &error);
    check(status == STATUS_OK || error.text[0] != 0);
    if (status == STATUS_OK) {
        walk(sst);
        (void)range_set_cover(sst_range_deletes(sst), sst_properties(sst)->origin.tree, slice_from_text("banana"), 9);
        (void)sst_approximate_bytes(sst, slice_from_text("a"), slice_from_text("z"));
        status = sst_verify(sst, NULL, NULL);
        check(status == STATUS_OK || status == STATUS_CORRUPT);
    }
    sst_close(sst);
    block_cache_destroy(environment.cache);
    codec_destroy(environment.codec);
    io_destroy(io);
}

/* ---- Making the checks right ----------------------------------------------------------------------------------- */

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

static void mend(uint8_t *bytes, size_t size) {
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > INPUT_MAX) return 0;
    use_file(slice_make(data, size));
    if (size < SST_HEADER_BYTES + SST_FOOTER_BYTES) return 0;
    uint8_t *bytes = malloc(size);
    check(bytes != NULL);
    memcpy(bytes, data, size);
    mend(bytes, size);
    use_file(slice_make(bytes, size));
    free(bytes);
    return 0;
}
