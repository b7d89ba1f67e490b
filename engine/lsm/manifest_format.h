/*
 * manifest_format: where things stand in a manifest's sectors; for the writer and the reader. Normative text:
 * FORMAT.md, "manifest".
 */
#ifndef ENGINE_LSM_MANIFEST_FORMAT_H
#define ENGINE_LSM_MANIFEST_FORMAT_H

#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/lsm/manifest.h"

#define MANIFEST_MAGIC UINT64_C(0x494e414d4d414f4c)       /* "LOAMMANI" */
#define MANIFEST_HEADER_SEED UINT64_C(0x4d616e6948656164) /* of the header's check, which can't know its place yet */

enum {
    MANIFEST_VERSION = 1,
    MANIFEST_SECTOR_MAGIC = 0x54494445, /* "EDIT" */

    /* every sector: check (8 bytes) over the rest of it, then */
    MANIFEST_HEADER_MAGIC_AT = 8,
    MANIFEST_HEADER_VERSION_AT = 16,
    MANIFEST_HEADER_SECTOR_BYTES_AT = 20,
    MANIFEST_HEADER_STORE_AT = 24,
    MANIFEST_HEADER_NUMBER_AT = 32,
    MANIFEST_HEADER_GENERATION_AT = 40,

    MANIFEST_SECTOR_EDIT_AT = 8,
    MANIFEST_SECTOR_INDEX_AT = 16,
    MANIFEST_SECTOR_COUNT_AT = 20,
    MANIFEST_SECTOR_USED_AT = 24,
    MANIFEST_SECTOR_MAGIC_AT = 28,
    MANIFEST_SECTOR_PAYLOAD_AT = 32,
};

/* The header sector, of IO_SECTOR_BYTES. manifest_header_parse is its other half. */
void manifest_header_encode(const struct manifest_id *id, uint8_t *sector);

static inline uint64_t manifest_check(const uint8_t *sector, uint64_t seed) {
    return hash64(slice_make(sector + 8, IO_SECTOR_BYTES - 8), seed);
}

static inline uint64_t manifest_sector_seed(const struct manifest_id *id, uint64_t at) {
    return hash_mix(hash_mix(id->store, id->number), at);
}

static inline size_t manifest_round_to_page(size_t bytes) {
    return (bytes + IO_PAGE_BYTES - 1) / IO_PAGE_BYTES * IO_PAGE_BYTES;
}

#endif
