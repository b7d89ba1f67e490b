/*
 * filter_format: building and asking a blocked Bloom filter. Invariant: a hash that was put in is never denied. Source:
 * FORMAT.md, "Filter".
 */
#include "engine/sst/filter_format.h"

#include "engine/base/coding.h"

enum {
    FILTER_KIND = 1,
    PROBES_MAX = 16,
    LINES_MAX = 1 << 20,
    AHEAD = 12, /* a key's line is asked for so many keys before its turn */
};

/* The upper half of the hash chooses the line, the lower half the bits in it. */
static uint32_t line_of(uint64_t hash, uint32_t line_count) {
    return (uint32_t)((hash >> 32) * line_count >> 32);
}

enum status filter_build(struct buf *to, const uint64_t *hashes, size_t count, unsigned bits_per_key) {
    size_t lines = (count * bits_per_key + FILTER_LINE_BYTES * 8 - 1) / (FILTER_LINE_BYTES * 8);
    if (lines == 0) lines = 1;
    if (lines > LINES_MAX)
        lines = LINES_MAX; /* more keys than any file should have: a weaker filter, not a wrong one */
    unsigned probes = bits_per_key * 69 / 100; /* ln 2: the best number for so many bits */
    if (probes == 0) probes = 1;
    if (probes > PROBES_MAX) probes = PROBES_MAX;
    size_t start = to->size;
    enum status status = buf_append_zeros(to, FILTER_HEADER_BYTES + lines * FILTER_LINE_BYTES);
    if (status != STATUS_OK) return status;
    uint8_t *header = to->data + start;
    header[0] = FILTER_KIND;
    header[1] = (uint8_t)probes;
    coding_put_u32(header + 4, (uint32_t)lines);
    uint8_t *first = header + FILTER_HEADER_BYTES;
    for (size_t i = 0; i < count; i++) {
        const uint64_t soon = hashes[i + AHEAD < count ? i + AHEAD : i];
        __builtin_prefetch(first + (size_t)line_of(soon, (uint32_t)lines) * FILTER_LINE_BYTES, 1);
        uint8_t *line = first + (size_t)line_of(hashes[i], (uint32_t)lines) * FILTER_LINE_BYTES;
        uint32_t bits = (uint32_t)hashes[i];
        for (unsigned probe = 0; probe < probes; probe++, bits *= 0x9e3779b9u) {
            line[bits >> 26] |= (uint8_t)(1u << (bits >> 23 & 7));
        }
    }
    return STATUS_OK;
}

enum status filter_decode(struct slice raw, struct filter *filter) {
    *filter = (struct filter){0};
    if (raw.size < FILTER_HEADER_BYTES) return STATUS_CORRUPT;
    uint32_t lines = coding_get_u32(raw.data + 4);
    bool known = raw.data[0] == FILTER_KIND && raw.data[2] == 0 && raw.data[3] == 0;
    if (!known || raw.data[1] == 0 || raw.data[1] > PROBES_MAX || lines == 0 || lines > LINES_MAX)
        return STATUS_CORRUPT;
    if (raw.size != FILTER_HEADER_BYTES + (size_t)lines * FILTER_LINE_BYTES) return STATUS_CORRUPT;
    *filter = (struct filter){.lines = raw.data + FILTER_HEADER_BYTES, .line_count = lines, .probes = raw.data[1]};
    return STATUS_OK;
}

/* REQUIRES: lines. */
static const uint8_t *line_for(const struct filter *filter, uint64_t hash) {
    return filter->lines + (size_t)line_of(hash, filter->line_count) * FILTER_LINE_BYTES;
}

void filter_touch(const struct filter *filter, uint64_t hash) {
    if (filter->line_count > 0) __builtin_prefetch(line_for(filter, hash));
}

uint32_t filter_count_denied(const struct filter *filter, const uint64_t *hashes, uint32_t count) {
    uint32_t denied = 0;
    if (filter->line_count == 0) return 0;
    for (uint32_t i = 0; i < count; i++) filter_touch(filter, hashes[i]);
    for (uint32_t i = 0; i < count; i++) denied += !filter_may_have(filter, hashes[i]);
    return denied;
}

bool filter_may_have(const struct filter *filter, uint64_t hash) {
    if (filter->line_count == 0) return true;
    const uint8_t *line = line_for(filter, hash);
    uint32_t bits = (uint32_t)hash;
    for (unsigned probe = 0; probe < filter->probes; probe++, bits *= 0x9e3779b9u) {
        if (!(line[bits >> 26] & (1u << (bits >> 23 & 7)))) return false;
    }
    return true;
}
