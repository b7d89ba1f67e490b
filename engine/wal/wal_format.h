/*
 * wal_format: the bytes of the log, encoder beside decoder (FORMAT.md). A segment is a header page and sectors; a
 * sector is a stamp and a body; the bodies, one after another, are the segment's byte stream; the stream holds groups;
 * a group is a header and records.
 */
#ifndef ENGINE_WAL_WAL_FORMAT_H
#define ENGINE_WAL_WAL_FORMAT_H

#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/wal_scan.h"

enum {
    WAL_VERSION_PLAIN = 1,
    WAL_VERSION_COMPACT = 2, /* groups that are not synced may be compact */
    WAL_VERSION_LOOSE = 3,   /* and what stands before the segment need not be durable */
    WAL_VERSION = WAL_VERSION_LOOSE,
    WAL_HEADER_BYTES = IO_PAGE_BYTES,
    WAL_STAMP_BYTES = 16,
    WAL_BODY_BYTES = IO_SECTOR_BYTES - WAL_STAMP_BYTES,
    WAL_PAGE_SECTORS = IO_PAGE_BYTES / IO_SECTOR_BYTES,
    WAL_PAGE_STREAM = WAL_PAGE_SECTORS * WAL_BODY_BYTES, /* stream bytes of a page */
    WAL_PREFIX_BYTES = 9,           /* {check, length, type}: how every item of the stream begins */
    WAL_COMPACT_MAX_BYTES = 0xffff, /* payload of a compact group */
    WAL_GROUP_HEADER_BYTES = 48,
    WAL_SEGMENT_MIN_BYTES = 16 << 10,
    WAL_SEGMENT_MAX_BYTES = 1 << 30,
    WAL_SEGMENT_DEFAULT_BYTES = 64 << 20,
};

/* As wal_offset_of, for those that ask often. */
static inline uint64_t wal_offset(uint64_t position) {
    return WAL_HEADER_BYTES + position / WAL_BODY_BYTES * IO_SECTOR_BYTES + WAL_STAMP_BYTES + position % WAL_BODY_BYTES;
}

/* Lsn and its halves. */
static inline uint64_t wal_lsn(uint32_t segment, uint64_t position) {
    return (uint64_t)segment << 32 | wal_offset(position);
}
static inline uint32_t wal_lsn_segment(uint64_t lsn) {
    return (uint32_t)(lsn >> 32);
}

/* Stream bytes that a file of so many bytes holds. */
static inline uint64_t wal_capacity(uint64_t segment_bytes) {
    return (segment_bytes - WAL_HEADER_BYTES) / IO_PAGE_BYTES * WAL_PAGE_STREAM;
}
/* The start of the first page at or after position. */
static inline uint64_t wal_page_up(uint64_t position) {
    return (position + WAL_PAGE_STREAM - 1) / WAL_PAGE_STREAM * WAL_PAGE_STREAM;
}
/* Where an item that follows position begins: a prefix never lies across two pages. */
static inline uint64_t wal_item_start(uint64_t position) {
    return WAL_PAGE_STREAM - position % WAL_PAGE_STREAM < WAL_PREFIX_BYTES ? wal_page_up(position) : position;
}

void wal_segment_header_encode(uint8_t page[WAL_HEADER_BYTES], const struct wal_segment_header *header);

void wal_stamp_encode(uint8_t stamp[WAL_STAMP_BYTES], uint64_t owner, uint32_t segment, uint64_t sector, uint64_t group,
                      bool after_durable);

struct wal_prefix {
    uint32_t check; /* never 0 */
    uint32_t length;
    uint8_t type; /* 0 = group header */
    bool compact; /* a group by itself */
    uint16_t tag; /* compact: 15 bits that verify length and type before the payload is looked at; else 0 */
};
#define WAL_PREFIX_COMPACT ((uint32_t)1 << 31) /* in the length */
enum { WAL_PREFIX_TAG_SHIFT = 16, WAL_PREFIX_TAG_MASK = 0x7fff };
static inline struct wal_prefix wal_prefix_decode(const uint8_t from[WAL_PREFIX_BYTES]) {
    struct wal_prefix prefix = {.check = coding_get_u32(from), .length = coding_get_u32(from + 4), .type = from[8]};
    if (!(prefix.length & WAL_PREFIX_COMPACT)) return prefix;
    prefix.compact = true;
    prefix.tag = (uint16_t)(prefix.length >> WAL_PREFIX_TAG_SHIFT & WAL_PREFIX_TAG_MASK);
    prefix.length &= WAL_COMPACT_MAX_BYTES;
    return prefix;
}
void wal_prefix_encode(uint8_t to[WAL_PREFIX_BYTES], const struct wal_prefix *prefix);
bool wal_is_zero(const uint8_t *bytes, size_t size);

/* What a record holds: parts, one behind the other. Borrowed. */
struct wal_payload {
    const struct slice *parts;
    unsigned count;
    size_t size; /* of all */
};
static inline struct wal_payload wal_payload_of(const struct slice *whole) {
    return (struct wal_payload){.parts = whole, .count = 1, .size = whole->size};
}

/* The check of a record: covers owner, place, type, length and payload. */
uint32_t wal_record_check(uint64_t owner, uint64_t lsn, uint8_t type, const struct wal_payload *payload);
/* The prefix of a compact group with that payload. */
struct wal_prefix wal_compact_prefix(uint64_t owner, uint64_t lsn, uint8_t type, const struct wal_payload *payload);
/* What salts the check of a record there, and tags a compact one. */
uint64_t wal_record_place(uint64_t owner, uint64_t lsn, uint8_t type, uint32_t length);
/* Whether a prefix is a compact group's of that place. */
bool wal_compact_fits(const struct wal_prefix *prefix, uint64_t place);
/* wal_record_check of the record there. */
uint32_t wal_check_at(uint64_t place, struct slice payload);

/* The sum of a group: wal_sum_start, then wal_sum_add for each record's check in order. */
uint64_t wal_sum_start(uint64_t owner, uint64_t group);
uint64_t wal_sum_add(uint64_t sum, uint32_t record_check);

/* Lengths, flags, numbers and sum as they stand in the header; lsn salts its check. */
void wal_group_header_encode(uint8_t to[WAL_GROUP_HEADER_BYTES], uint64_t owner, const struct wal_group *group);
/* False if it is not a sound group header of that place. Sets everything but end_lsn and begin. */
bool wal_group_header_decode(const uint8_t from[WAL_GROUP_HEADER_BYTES], uint64_t owner, uint64_t lsn,
                             struct wal_group *group);

#endif
