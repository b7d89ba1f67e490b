/* value_layout: see value_layout_format.h. Names, and the meanings that FORMAT.md prints. */
#include "engine/codec/codec.h"
#include "engine/sst/sst_layout_format.h"
#include "engine/values/value_layout_format.h"

static const struct layout_row header_rows[] = {
    {"magic", LAYOUT_MAGIC, .text = "loam.val"},
    {"version", LAYOUT_U32, .meaning = "1"},
    {"header bytes", LAYOUT_U32, .meaning = "bytes of the header, 64"},
    {"store", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "that built it"},
    {"file", LAYOUT_U64, .meaning = "file number"},
    {"required features", LAYOUT_U32, LAYOUT_AS_HEX,
     .meaning = "0: a reader that does not know a bit that is set refuses the file (VERSION)"},
    {"reserved", LAYOUT_ZEROS, .size = 20, .text = "zero"},
    {"check", LAYOUT_CHECK, .text = "of the 56 bytes before", .meaning = "hash(bytes 0..55, seed(0))"},
    {.name = NULL},
};
const struct layout value_header_layout = {.name = "values header", .rows = header_rows};

static const struct layout_row record_rows[] = {
    {"check", LAYOUT_CHECK, .meaning = "hash(bytes 8 to the record's end, seed(offset of the record))"},
    {"stored bytes", LAYOUT_U32, .meaning = "s, bytes of the value as stored, at most its raw bytes"},
    {"raw bytes", LAYOUT_U32, .meaning = "bytes of the value raw, at most 64 MiB"},
    {"key bytes", LAYOUT_U32, .meaning = "k, bytes of the key, at most 128 KiB"},
    {"codec", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = sst_codec_name, .names_last = CODEC_COUNT - 1, .other = "unknown",
     .meaning = "none: then s = raw; an lz4 block, a zstd frame"},
    {"zero", LAYOUT_ZEROS, .size = 3},
    {"key", LAYOUT_CODE, .text = "k", .meaning = "the key that the value was put under"},
    {"value", LAYOUT_CODE, .text = "s", .meaning = "the value; compressed only where that saves an eighth at least"},
    {.name = NULL},
};
const struct layout value_record_layout = {.name = "value record", .rows = record_rows};

static const struct layout_row footer_rows[] = {
    {"footer check", LAYOUT_CHECK, .text = "of the 56 bytes behind",
     .meaning = "hash(bytes 8..63, seed(offset of the footer))"},
    {"magic", LAYOUT_MAGIC, .text = "loam.vnd"},
    {"version", LAYOUT_U32, .meaning = "1"},
    {"zero", LAYOUT_ZEROS, .size = 4},
    {"values", LAYOUT_U64, .meaning = "records"},
    {"bytes of values", LAYOUT_U64, .meaning = "bytes of their values, raw"},
    {"file bytes", LAYOUT_U64, .meaning = "bytes of the file"},
    {"store", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "as in the header"},
    {"file", LAYOUT_U64, .meaning = "file number"},
    {.name = NULL},
};
const struct layout value_footer_layout = {.name = "values footer", .rows = footer_rows};

static const struct layout_row reference_rows[] = {
    {"file of the value", LAYOUT_U64, .meaning = "file number"},
    {"offset of the value", LAYOUT_U64, .meaning = "offset of the record"},
    {"bytes of the record", LAYOUT_U32, .meaning = "all of it"},
    {"check of the record", LAYOUT_CHECK,
     .meaning = "check of the record: one that took its place, sound in itself, does not pass"},
    {.name = NULL},
};
const struct layout value_reference_layout = {.name = "reference", .rows = reference_rows};
