/*
 * superblock_format: one slot of the superblock as bytes. Pure. Bytes: FORMAT.md, "superblock".
 */
#ifndef ENGINE_LSM_SUPERBLOCK_FORMAT_H
#define ENGINE_LSM_SUPERBLOCK_FORMAT_H

#include "engine/io.h"

enum { SUPERBLOCK_SLOTS = 2, SUPERBLOCK_BYTES = SUPERBLOCK_SLOTS * IO_PAGE_BYTES };

struct superblock {
    uint64_t store;          /* drawn when the store was made */
    uint64_t generation;     /* 1.., higher with each switch */
    uint64_t manifest;       /* number of the file */
    uint64_t manifest_bytes; /* durable before the switch */
};

/* Slot `slot` from its IO_SECTOR_BYTES bytes, untrusted. CORRUPT, VERSION. */
MUST_CHECK enum status superblock_parse(const uint8_t *bytes, unsigned slot, struct superblock *superblock);
void superblock_encode(const struct superblock *superblock, unsigned slot, uint8_t *bytes);

#endif
