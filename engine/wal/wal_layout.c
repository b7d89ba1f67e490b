/* wal_layout: see wal_layout_format.h. Names, and the meanings that FORMAT.md prints. */
#include <inttypes.h>
#include <stdio.h>

#include "engine/wal/wal_format.h"
#include "engine/wal/wal_layout_format.h"

/* "2:17": the opening of the log and the group in it. */
static void say_group(uint64_t group, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "%" PRIu64 ":%" PRIu64, group >> 32, group & UINT32_MAX);
}

/* ---- Segment ----------------------------------------------------------------------------------------------------- */

static const struct layout_row header_rows[] = {
    {"magic", LAYOUT_MAGIC, .text = "LOAMWAL\n"},
    {"version", LAYOUT_U32,
     .meaning = "1; 2 where groups may be compact; 3 where, besides, what stands before the segment need not be "
                "durable"},
    {"segment", LAYOUT_U32, .meaning = "segment number; also the *generation* of its stamps"},
    {"owner", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "salts every check below"},
    {"file bytes", LAYOUT_U64, .meaning = "size of the file, a multiple of 4096"},
    {"start group", LAYOUT_U64, .say = say_group, .meaning = "no group in the segment is lower"},
    {"predecessor end", LAYOUT_U64, LAYOUT_AS_HEX,
     .meaning = "position where the segment before ends; 0 = there is none"},
    {"predecessor group", LAYOUT_U64, .say = say_group, .meaning = "the last group before this segment; 0 = none"},
    {"check", LAYOUT_CHECK, .meaning = "hash(bytes 0..55, 0)"},
    {.name = NULL},
};
const struct layout wal_header_layout = {.name = "segment header", .rows = header_rows};

static const struct layout_row loose_rows[] = {
    {"durable", LAYOUT_U64, .say = say_group,
     .meaning = "the highest group known to be durable when the segment was made, not above the last group before it. "
                "In other versions that is the last group before it"},
    {"check of what version 3 added", LAYOUT_CHECK, .meaning = "hash(bytes 0..71, 0)"},
    {.name = NULL},
};
const struct layout wal_loose_header_layout = {
    .name = "segment header of version 3", .rows = loose_rows, .begins_at = 64};

static void say_generation(uint64_t generation, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "generation %" PRIu64, generation);
}

static void say_stamp_group(uint64_t word, unsigned i, char words[FIELD_WORDS_BYTES]) {
    const uint64_t after_durable = (uint64_t)1 << 63;
    char group[FIELD_WORDS_BYTES];
    say_group(word & ~after_durable, i, group);
    snprintf(words, FIELD_WORDS_BYTES, "%.60s%s", group, word & after_durable ? ", all before it durable" : "");
}

static const struct layout_row stamp_rows[] = {
    {"stamp", LAYOUT_U32, .say = say_generation, .meaning = "generation"},
    {"stamp group", LAYOUT_U64, .say = say_stamp_group,
     .meaning = "group number (63 bits); bit 63: all groups before it were durable when the sector was written"},
    {"stamp check", LAYOUT_CHECK, .size = 4,
     .meaning = "hash32(owner u64 \\| generation u32 \\| sector's number in the file u32 \\| the 8 bytes at 4, 0)"},
    {"body", LAYOUT_CODE, .text = "496", .meaning = "a part of the stream"},
    {.name = NULL},
};
const struct layout wal_stamp_layout = {.name = "sector of a segment", .rows = stamp_rows};

/* ---- Stream ------------------------------------------------------------------------------------------------------ */

static void say_stream(uint64_t length, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "%" PRIu64 " bytes of stream", length);
}
static void say_padded(uint64_t flags, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "%s", flags & 1 ? "padded: made durable" : "not padded");
}

static const struct layout_name group_types[] = {{0, "a group", NULL}, {.name = NULL}};
static const struct layout_row group_rows[] = {
    {"group check", LAYOUT_CHECK, .size = 4, .meaning = "never 0: hash32(bytes 4..47, hash(owner u64 \\| lsn u64, 0))"},
    {"length", LAYOUT_U32, .say = say_stream, .meaning = "of the group in the stream, with header and padding"},
    {"type", LAYOUT_U8, LAYOUT_AS_NAMED, .names = group_types},
    {"flags", LAYOUT_U8, .say = say_padded, .meaning = "1 = *padded*: the group ends with its last page. Others 0"},
    {"zero", LAYOUT_ZEROS, .size = 2},
    {"records", LAYOUT_U32, .meaning = "number of records"},
    {"group", LAYOUT_U64, .say = say_group, .meaning = "group number"},
    {"previous", LAYOUT_U64, .say = say_group, .meaning = "number of the group before it, 0 for the first of all"},
    {"durable", LAYOUT_U64, .say = say_group,
     .meaning = "the highest group known to be durable when this one was written"},
    {"sum", LAYOUT_CHECK,
     .meaning = "start with hash(owner u64 \\| group u64, 0); for each record, sum = hash(sum u64 \\| check u32, 0)"},
    {.name = NULL},
};
const struct layout wal_group_layout = {.name = "group header", .rows = group_rows};

static const struct layout_row record_rows[] = {
    {"record check", LAYOUT_CHECK, .size = 4,
     .meaning = "never 0: hash32(payload, hash(owner u64 \\| lsn u64 \\| length u32 \\| type u8, 0))"},
    {"length", LAYOUT_U32, .meaning = "length of the payload, at most 64 MiB"},
    {"type", LAYOUT_U8, .meaning = "1..255, the user's"},
    {"payload", LAYOUT_CODE, .text = "length", .meaning = "the user's"},
    {.name = NULL},
};
const struct layout wal_record_layout = {.name = "record", .rows = record_rows};

static const struct layout_row compact_rows[] = {
    {"compact group check", LAYOUT_CHECK, .size = 4, .meaning = "as of a record"},
    {"length", LAYOUT_U16, .meaning = "bits 0..15 of a u32: length of the payload"},
    {"mark and tag", LAYOUT_U16,
     .meaning = "its bits 16..30 tag: the upper 15 bits of hash(owner u64 \\| lsn u64 \\| length u32 \\| type u8, 0); "
                "bit 31 set"},
    {"type", LAYOUT_U8, .meaning = "1..255, the user's"},
    {"payload", LAYOUT_CODE, .text = "length", .meaning = "the user's"},
    {.name = NULL},
};
const struct layout wal_compact_layout = {.name = "compact group", .rows = compact_rows};
