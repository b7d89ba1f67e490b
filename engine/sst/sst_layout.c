/* sst_layout: see sst_layout_format.h. Names, and the meanings that FORMAT.md prints. */
#include <inttypes.h>
#include <stdio.h>

#include "engine/sst/block_format.h"
#include "engine/sst/sst_format.h"
#include "engine/sst/sst_layout_format.h"

static const char unknown[] = "unknown"; /* what the functions below call a number without a name */

const char *sst_codec_name(uint64_t codec) {
    return codec_name((enum codec_id)codec);
}

static const char *section_name(uint64_t section) {
    return sst_section_name((unsigned)section);
}

/* ---- Header ------------------------------------------------------------------------------------------------------ */

static const struct layout_name features[] = {
    {SST_FEATURE_DICTIONARY, "a dictionary", "from format level 2 on"},
    {.name = NULL},
};
static const struct layout_row header_rows[] = {
    {"magic", LAYOUT_MAGIC, .text = "loam.sst"},
    {"version", LAYOUT_U32, .meaning = "1"},
    {"header bytes", LAYOUT_U32, .meaning = "bytes of the header, 64"},
    {"store", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "that built it"},
    {"file", LAYOUT_U64, .meaning = "file number"},
    {"required features", LAYOUT_U32, LAYOUT_AS_HEX_FLAGS, .names = features,
     .meaning = "a reader that does not know a bit that is set refuses the file (VERSION)"},
    {"reserved", LAYOUT_ZEROS, .size = 20, .text = "zero"},
    {"check", LAYOUT_CHECK, .text = "of the 56 bytes before", .meaning = "hash(bytes 0..55, seed(0))"},
    {.name = NULL},
};
const struct layout sst_header_layout = {.name = "sst header", .rows = header_rows};

/* ---- Unit -------------------------------------------------------------------------------------------------------- */

static const struct layout_name unit_flags[] = {{1, "with the dictionary", NULL}, {.name = NULL}};
static const struct layout_row unit_rows[] = {
    {"unit check", LAYOUT_CHECK, .meaning = "hash(bytes 8 to the unit's end, seed(offset of the unit))"},
    {"stored bytes", LAYOUT_U32, .meaning = "bytes of the payload as stored"},
    {"raw bytes", LAYOUT_U32, .meaning = "bytes of the payload raw, at most 128 MiB"},
    {"section", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = section_name, .names_last = SST_SECTION_DICTIONARY,
     .other = unknown, .meaning = "what the payload is"},
    {"codec", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = sst_codec_name, .names_last = CODEC_COUNT - 1, .other = unknown,
     .meaning = "an lz4 block, a zstd frame"},
    {"flags", LAYOUT_U8, LAYOUT_AS_FLAGS, .names = unit_flags,
     .meaning = "the zstd frame was made with the file's dictionary, of a data unit alone; else 0"},
    {"zero", LAYOUT_ZEROS, .size = 1},
    {"payload", LAYOUT_CODE, .text = "", .meaning = "compressed only where that saves an eighth at least"},
    {.name = NULL},
};
const struct layout sst_unit_layout = {.name = "unit", .rows = unit_rows};

/* ---- Block ------------------------------------------------------------------------------------------------------- */

static void say_in_all(uint64_t value, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, value == BLOCK_VARIES ? "varies" : "%" PRIu64 " in all", value);
}

static const struct layout_row block_rows[] = {
    {"entries", LAYOUT_U32, .meaning = "n, number of entries"},
    {"prefix bytes", LAYOUT_U32, .meaning = "p, bytes of the prefix"},
    {"shortest tail", LAYOUT_U32, .meaning = "bytes of the shortest tail"},
    {"shortest value", LAYOUT_U32, .meaning = "bytes of the shortest value"},
    {"lowest sequence", LAYOUT_U64, .meaning = "in the block"},
    {"width of tail ends", LAYOUT_U8, .meaning = "a, width of an element of *tail ends*: 0, 1, 2, 4 or 8"},
    {"width of value ends", LAYOUT_U8, .meaning = "b, the same of *value ends*"},
    {"width of sequences", LAYOUT_U8, .meaning = "c, the same of *sequences*"},
    {"head size", LAYOUT_U8, .say = say_in_all,
     .meaning = "bytes of a head that are the key's, 0..8, the same in all entries; 255: it varies"},
    {"kind", LAYOUT_U8, .say = say_in_all, .meaning = "of all entries; 255: it varies"},
    {"zero", LAYOUT_ZEROS, .size = 3},
    {"head", LAYOUT_CODE, .text = "8n",
     .meaning = "for each entry the first 8 bytes of the suffix as a big-endian number, zeros where the key ends "
                "before; stored little-endian"},
    {"prefix", LAYOUT_CODE, .text = "p", .meaning = "that all keys have"},
    {"tail ends", LAYOUT_CODE, .text = "an", .meaning = "end of tail i = element i + (i + 1) * shortest tail"},
    {"value ends", LAYOUT_CODE, .text = "bn", .meaning = "likewise"},
    {"sequences", LAYOUT_CODE, .text = "cn", .meaning = "sequence i = element i + lowest sequence"},
    {"head sizes", LAYOUT_CODE, .text = "n or 0", .meaning = "if byte 27 is 255"},
    {"kinds", LAYOUT_CODE, .text = "n or 0", .meaning = "if byte 28 is 255"},
    {"tail", LAYOUT_CODE, .text = "", .meaning = "tails, one behind the other"},
    {"value", LAYOUT_CODE, .text = "", .meaning = "values, one behind the other, to the end of the block"},
    {.name = NULL},
};
const struct layout sst_block_layout = {.name = "block", .rows = block_rows};

static const struct layout_row index_value_rows[] = {
    {"block offset", LAYOUT_U64, .meaning = "of the data unit"},
    {"block size", LAYOUT_U32, .meaning = "of the whole unit"},
    {"block check", LAYOUT_CHECK, .meaning = "the unit's"},
    {.name = NULL},
};
const struct layout sst_index_value_layout = {.name = "value of an index entry", .rows = index_value_rows};

static const struct layout_row range_value_rows[] = {
    {"end of range", LAYOUT_REST, .meaning = "first key behind that is not deleted; empty: to the end of the tree"},
    {.name = NULL},
};
const struct layout sst_range_value_layout = {.name = "value of a range delete", .rows = range_value_rows};

/* ---- Dictionary, filter ------------------------------------------------------------------------------------------ */

static void say_magic(uint64_t value, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "%08" PRIx64, value);
}

static const struct layout_row dictionary_rows[] = {
    {"dictionary magic", LAYOUT_U32, .say = say_magic, .meaning = "ec30a437"},
    {"dictionary number", LAYOUT_U32, .meaning = "the dictionary ID, which frames do not name"},
    {"entropy tables", LAYOUT_CODE, .text = "", .meaning = "for literals, offsets, match lengths, literal lengths"},
    {"content", LAYOUT_CODE, .text = "", .meaning = "what frames refer to"},
    {.name = NULL},
};
const struct layout sst_dictionary_layout = {.name = "dictionary", .rows = dictionary_rows};

static const struct layout_name filter_kinds[] = {{1, "Bloom in lines of 64 bytes", NULL}, {.name = NULL}};
static const struct layout_row filter_rows[] = {
    {"filter kind", LAYOUT_U8, LAYOUT_AS_NAMED, .names = filter_kinds},
    {"probes", LAYOUT_U8, .meaning = "k, probes, 1..16"},
    {"zero", LAYOUT_ZEROS, .size = 2},
    {"lines", LAYOUT_U32, .meaning = "m, lines, 1..2^20"},
    {"bits", LAYOUT_CODE, .text = "64m", .meaning = "lines"},
    {.name = NULL},
};
const struct layout sst_filter_layout = {.name = "filter", .rows = filter_rows};

/* ---- Properties -------------------------------------------------------------------------------------------------- */

static const struct layout_row property_rows[] = {
    {"property", LAYOUT_CODE, .text = "varint tag, string", .meaning = "tags ascend; the string by the tag, as below"},
    {.name = NULL},
};
const struct layout sst_property_layout = {.name = "property", .rows = property_rows};

static const struct layout_row number_rows[] = {{"number", LAYOUT_VARINT, .meaning = NULL}, {.name = NULL}};
static const struct layout_row bytes_rows[] = {{"bytes", LAYOUT_REST, .meaning = NULL}, {.name = NULL}};

static const struct layout_case properties[] = {
    {1, "tree", "its id", number_rows},
    {2, "kind", "kind of tree", number_rows},
    {3, "cause",
     "1 flush, 2 compaction, 3 repair, 4 outside: built to be ingested, tree 0, "
     "every sequence 0",
     number_rows},
    {4, "level", "that it was built for", number_rows},
    {5, "job", "that built it", number_rows},
    {6, "created_ms", "log time at which the job began in ms", number_rows},
    {7, "oldest_time_ms", "log time of the oldest data in ms", number_rows},
    {8, "entries", "how many", number_rows},
    {9, "deletes", "how many", number_rows},
    {10, "merges", "how many", number_rows},
    {11, "appends", "how many", number_rows},
    {12, "range_deletes", "how many", number_rows},
    {13, "key_bytes", "bytes of keys", number_rows},
    {14, "value_bytes", "bytes of values", number_rows},
    {15, "data_blocks", "data units", number_rows},
    {16, "data_bytes", "bytes of data units", number_rows},
    {17, "raw_bytes", "bytes of data payloads raw", number_rows},
    {18, "first_sequence", "lowest sequence (range deletes included)", number_rows},
    {19, "last_sequence", "highest sequence (range deletes included)", number_rows},
    {20, "codec", "asked for", number_rows},
    {21, "filter_bits_per_key", "filter bits a key", number_rows},
    {22, "has_last", "has a last key (0: a range delete goes to the end of the tree)", number_rows},
    {23, "last_exclusive", "last is exclusive (it is the end of a range delete)", number_rows},
    {24, "filter_prefix_bytes",
     "bytes of the keys' beginnings that the filter "
     "holds (absent: 0, whole keys alone)",
     number_rows},
    {32, "first", "where the span of keys begins, range deletes included", bytes_rows},
    {33, "last", "where it ends", bytes_rows},
    {40, "references", "number of references; there when it is not 0", number_rows},
    {41, "dictionary", "the handle of the dictionary unit", bytes_rows},
    {.name = NULL},
};
const struct layout sst_property_value_layout = {
    .name = "value of a property", .cases = properties, .chosen_by = "tag"};

/* ---- Footer ------------------------------------------------------------------------------------------------------ */

static void say_offset(uint64_t value, unsigned i, char words[FIELD_WORDS_BYTES]) {
    snprintf(words, FIELD_WORDS_BYTES, "%s at %" PRIu64, sst_section_name(SST_SECTION_FILTER + i), value);
}
static void say_size(uint64_t value, unsigned i, char words[FIELD_WORDS_BYTES]) {
    snprintf(words, FIELD_WORDS_BYTES, "%s of %" PRIu64 " bytes", sst_section_name(SST_SECTION_FILTER + i), value);
}
static void say_section(uint64_t value, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)value;
    snprintf(words, FIELD_WORDS_BYTES, "%s", sst_section_name(SST_SECTION_FILTER + i));
}

static const struct layout_row handle_rows[] = {
    {"section offset", LAYOUT_U64, .say = say_offset, .meaning = "of the section's unit"},
    {"section size", LAYOUT_U32, .say = say_size, .meaning = "of the whole unit"},
    {"section check", LAYOUT_CHECK, .say = say_section, .meaning = "the unit's"},
    {.name = NULL},
};
static const struct layout_row footer_rows[] = {
    {"footer check", LAYOUT_CHECK, .text = "of the 120 bytes behind",
     .meaning = "hash(bytes 8..127, seed(offset of the footer))"},
    {"magic", LAYOUT_MAGIC, .text = "loam.end"},
    {"version", LAYOUT_U32, .meaning = "1"},
    {"sections", LAYOUT_U32, .meaning = "number of handles, 4"},
    {"handles", LAYOUT_TIMES, .size = SST_FOOTER_SECTIONS, .of = handle_rows,
     .meaning = "handles of filter, range deletes, index, properties; zeros for one that is absent"},
    {"file bytes", LAYOUT_U64, .meaning = "bytes of the file"},
    {"store", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "as in the header"},
    {"file", LAYOUT_U64, .meaning = "file number"},
    {.name = NULL},
};
const struct layout sst_footer_layout = {.name = "sst footer", .rows = footer_rows};
