/*
 * wal_format: encoders and decoders of the fixed parts of a segment. Source: FORMAT.md beside this file.
 */
#include "engine/wal/wal_format.h"

#include "engine/base/check.h"

static const uint8_t segment_magic[8] = {'L', 'O', 'A', 'M', 'W', 'A', 'L', '\n'};

enum { GROUP_PADDED = 1 };
static const uint64_t AFTER_DURABLE = (uint64_t)1 << 63;

uint64_t wal_offset_of(uint64_t position) {
    return wal_offset(position);
}

bool wal_position_of(uint64_t offset, uint64_t *position) {
    if (offset < WAL_HEADER_BYTES) return false;
    uint64_t sector = (offset - WAL_HEADER_BYTES) / IO_SECTOR_BYTES;
    uint64_t inside = offset % IO_SECTOR_BYTES;
    if (inside < WAL_STAMP_BYTES) return false;
    *position = sector * WAL_BODY_BYTES + inside - WAL_STAMP_BYTES;
    return true;
}

bool wal_is_zero(const uint8_t *bytes, size_t size) {
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* ---- Segment header ---------------------------------------------------------------------------------------------- */

/* All that is not zero. What a version adds stands behind the first check and has one of its own, so that readers of
 * versions before it see a sound header that they do not know. */
static size_t segment_fields_bytes(uint32_t version) {
    return version >= WAL_VERSION_LOOSE ? 80 : 64;
}

void wal_segment_header_encode(uint8_t page[WAL_HEADER_BYTES], const struct wal_segment_header *header) {
    memset(page, 0, WAL_HEADER_BYTES);
    memcpy(page, segment_magic, sizeof segment_magic);
    coding_put_u32(page + 8, header->version);
    coding_put_u32(page + 12, header->segment);
    coding_put_u64(page + 16, header->owner);
    coding_put_u64(page + 24, header->segment_bytes);
    coding_put_u64(page + 32, header->start_group);
    coding_put_u64(page + 40, header->predecessor_end);
    coding_put_u64(page + 48, header->predecessor_group);
    coding_put_u64(page + 56, hash64(slice_make(page, 56), 0));
    if (header->version < WAL_VERSION_LOOSE) return;
    coding_put_u64(page + 64, header->durable);
    coding_put_u64(page + 72, hash64(slice_make(page, 72), 0));
}

static bool segment_header_is_sound(const struct wal_segment_header *header) {
    const bool first = header->predecessor_end == 0;
    const uint64_t bytes = header->segment_bytes;
    const uint32_t before = wal_lsn_segment(header->predecessor_end);
    const bool follows =
        header->version >= WAL_VERSION_LOOSE ? before > 0 && before < header->segment : before == header->segment - 1;
    return header->segment != 0 && bytes >= WAL_SEGMENT_MIN_BYTES && bytes % IO_PAGE_BYTES == 0 &&
           bytes <= UINT32_MAX - IO_PAGE_BYTES && header->start_group > header->predecessor_group &&
           header->durable <= header->predecessor_group && (first ? header->predecessor_group == 0 : follows);
}

enum status wal_segment_header_decode(struct slice page, struct wal_segment_header *header, struct error *error) {
    *header = (struct wal_segment_header){0};
    if (page.size < WAL_HEADER_BYTES)
        return error_set(error, STATUS_SYNTAX, "not a log segment: shorter than its header");
    if (memcmp(page.data, segment_magic, sizeof segment_magic) != 0)
        return error_set(error, STATUS_SYNTAX, "not a log segment: another magic");
    const uint32_t version = coding_get_u32(page.data + 8);
    if (coding_get_u64(page.data + 56) != hash64(slice_make(page.data, 56), 0)) {
        return error_set(error, STATUS_CORRUPT, "segment header: bad check");
    }
    *header = (struct wal_segment_header){
        .version = version,
        .segment = coding_get_u32(page.data + 12),
        .owner = coding_get_u64(page.data + 16),
        .segment_bytes = coding_get_u64(page.data + 24),
        .start_group = coding_get_u64(page.data + 32),
        .predecessor_end = coding_get_u64(page.data + 40),
        .predecessor_group = coding_get_u64(page.data + 48),
        .durable = coding_get_u64(page.data + (version >= WAL_VERSION_LOOSE ? 64 : 48)),
    };
    if (header->version < WAL_VERSION_PLAIN || header->version > WAL_VERSION) {
        return error_set(error, STATUS_VERSION, "log segment of version %u; this program reads versions %d to %d",
                         header->version, WAL_VERSION_PLAIN, WAL_VERSION);
    }
    const size_t fields = segment_fields_bytes(version);
    if (version >= WAL_VERSION_LOOSE && coding_get_u64(page.data + 72) != hash64(slice_make(page.data, 72), 0))
        return error_set(error, STATUS_CORRUPT, "segment header: bad check of what version %u added", version);
    if (!wal_is_zero(page.data + fields, WAL_HEADER_BYTES - fields)) {
        return error_set(error, STATUS_CORRUPT, "segment header: the rest of its page is not zero");
    }
    if (!segment_header_is_sound(header))
        return error_set(error, STATUS_CORRUPT, "segment header: fields contradict each other");
    return STATUS_OK;
}

/* ---- Stamps ------------------------------------------------------------------------------------------------------ */

static uint32_t stamp_check(uint64_t owner, uint32_t segment, uint64_t sector, uint64_t group_word) {
    uint8_t covered[24];
    coding_put_u64(covered, owner);
    coding_put_u32(covered + 8, segment);
    coding_put_u32(covered + 12, (uint32_t)sector);
    coding_put_u64(covered + 16, group_word);
    return hash32(slice_make(covered, sizeof covered), 0);
}

void wal_stamp_encode(uint8_t stamp[WAL_STAMP_BYTES], uint64_t owner, uint32_t segment, uint64_t sector, uint64_t group,
                      bool after_durable) {
    check(group < AFTER_DURABLE);
    uint64_t word = group | (after_durable ? AFTER_DURABLE : 0);
    coding_put_u32(stamp, segment);
    coding_put_u64(stamp + 4, word);
    coding_put_u32(stamp + 12, stamp_check(owner, segment, sector, word));
}

struct wal_sector wal_sector_classify(const struct wal_segment_header *header, uint64_t index,
                                      const uint8_t sector[IO_SECTOR_BYTES]) {
    /* The stamp comes last: what stands behind zeros was never completed. */
    if (wal_is_zero(sector, WAL_STAMP_BYTES)) return (struct wal_sector){.class = WAL_SECTOR_ZERO};
    uint32_t generation = coding_get_u32(sector);
    uint64_t word = coding_get_u64(sector + 4);
    struct wal_sector found = {
        .class = WAL_SECTOR_BAD,
        .generation = generation,
        .group = word & ~AFTER_DURABLE,
        .after_durable = (word & AFTER_DURABLE) != 0,
    };
    if (generation == 0 || generation > header->segment) return found;
    if (coding_get_u32(sector + 12) != stamp_check(header->owner, generation, index, word)) return found;
    found.class = generation == header->segment ? WAL_SECTOR_OWN : WAL_SECTOR_STALE;
    return found;
}

/* ---- Items of the stream ----------------------------------------------------------------------------------------- */

void wal_prefix_encode(uint8_t to[WAL_PREFIX_BYTES], const struct wal_prefix *prefix) {
    const uint32_t compact = prefix->compact ? WAL_PREFIX_COMPACT | (uint32_t)prefix->tag << WAL_PREFIX_TAG_SHIFT : 0;
    coding_put_u32(to, prefix->check);
    coding_put_u32(to + 4, prefix->length | compact);
    to[8] = prefix->type;
}

/* Zero is left to padding. */
static uint32_t never_zero(uint32_t check_value) {
    return check_value != 0 ? check_value : 1;
}

uint64_t wal_record_place(uint64_t owner, uint64_t lsn, uint8_t type, uint32_t length) {
    uint8_t place[21];
    coding_put_u64(place, owner);
    coding_put_u64(place + 8, lsn);
    coding_put_u32(place + 16, length);
    place[20] = type;
    return hash64(slice_make(place, sizeof place), 0);
}

uint32_t wal_check_at(uint64_t place, struct slice payload) {
    return never_zero(hash32(payload, place));
}

static uint32_t payload_check(uint64_t place, const struct wal_payload *payload) {
    return never_zero((uint32_t)hash64_parts(payload->parts, payload->count, place));
}

uint32_t wal_record_check(uint64_t owner, uint64_t lsn, uint8_t type, const struct wal_payload *payload) {
    return payload_check(wal_record_place(owner, lsn, type, (uint32_t)payload->size), payload);
}

static uint16_t tag_of(uint64_t place) {
    return (uint16_t)(place >> 49);
}

struct wal_prefix wal_compact_prefix(uint64_t owner, uint64_t lsn, uint8_t type, const struct wal_payload *payload) {
    check(payload->size <= WAL_COMPACT_MAX_BYTES);
    const uint64_t place = wal_record_place(owner, lsn, type, (uint32_t)payload->size);
    return (struct wal_prefix){
        .check = payload_check(place, payload),
        .length = (uint32_t)payload->size,
        .type = type,
        .compact = true,
        .tag = tag_of(place),
    };
}

bool wal_compact_fits(const struct wal_prefix *prefix, uint64_t place) {
    return prefix->compact && prefix->type != 0 && prefix->tag == tag_of(place);
}

uint64_t wal_sum_start(uint64_t owner, uint64_t group) {
    uint8_t covered[16];
    coding_put_u64(covered, owner);
    coding_put_u64(covered + 8, group);
    return hash64(slice_make(covered, sizeof covered), 0);
}

uint64_t wal_sum_add(uint64_t sum, uint32_t record_check) {
    uint8_t covered[12];
    coding_put_u64(covered, sum);
    coding_put_u32(covered + 8, record_check);
    return hash64(slice_make(covered, sizeof covered), 0);
}

static uint32_t group_header_check(const uint8_t bytes[WAL_GROUP_HEADER_BYTES], uint64_t owner, uint64_t lsn) {
    uint8_t place[16];
    coding_put_u64(place, owner);
    coding_put_u64(place + 8, lsn);
    uint64_t seed = hash64(slice_make(place, sizeof place), 0);
    return never_zero(hash32(slice_make(bytes + 4, WAL_GROUP_HEADER_BYTES - 4), seed));
}

void wal_group_header_encode(uint8_t to[WAL_GROUP_HEADER_BYTES], uint64_t owner, const struct wal_group *group) {
    coding_put_u32(to + 4, (uint32_t)group->length);
    to[8] = 0; /* type */
    to[9] = group->padded ? GROUP_PADDED : 0;
    coding_put_u16(to + 10, 0);
    coding_put_u32(to + 12, group->count);
    coding_put_u64(to + 16, group->group);
    coding_put_u64(to + 24, group->previous);
    coding_put_u64(to + 32, group->durable);
    coding_put_u64(to + 40, group->sum);
    coding_put_u32(to, group_header_check(to, owner, group->lsn));
}

bool wal_group_header_decode(const uint8_t from[WAL_GROUP_HEADER_BYTES], uint64_t owner, uint64_t lsn,
                             struct wal_group *group) {
    if (coding_get_u32(from) != group_header_check(from, owner, lsn)) return false;
    if (from[8] != 0 || (from[9] & ~GROUP_PADDED) != 0 || coding_get_u16(from + 10) != 0) return false;
    *group = (struct wal_group){
        .lsn = lsn,
        .length = coding_get_u32(from + 4),
        .padded = (from[9] & GROUP_PADDED) != 0,
        .count = coding_get_u32(from + 12),
        .group = coding_get_u64(from + 16),
        .previous = coding_get_u64(from + 24),
        .durable = coding_get_u64(from + 32),
        .sum = coding_get_u64(from + 40),
    };
    return group->length >= WAL_GROUP_HEADER_BYTES && group->group < AFTER_DURABLE && group->group > group->previous &&
           group->durable <= group->previous;
}
