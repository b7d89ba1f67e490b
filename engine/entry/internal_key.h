/*
 * internal_key: how versions of one user key are told apart and ordered inside memtables and SSTs.
 *
 * An entry is (user key, trailer, value); trailer = sequence << 8 | kind. Order: user key as memcmp, then trailer
 * descending, so that the newest version comes first. A sequence is given to one operation only; 0 means "older than
 * everything that can ask" (compaction at the bottom sets it).
 */
#ifndef ENGINE_ENTRY_INTERNAL_KEY_H
#define ENGINE_ENTRY_INTERNAL_KEY_H

#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/base/slice.h"

/* Stored on disk: never renumber. */
enum entry_kind {
    ENTRY_DELETE = 0, /* value empty */
    ENTRY_PUT = 1,    /* value is the value */
    ENTRY_MERGE = 2,  /* value is an operand of the tree's merge operator */
    ENTRY_APPEND = 3, /* value extends the next older version, or an empty value */
    ENTRY_RANGE_DELETE =
        4, /* never among entries: in a range_set; user key = begin, value = end (empty: to the end of the tree) */
    ENTRY_REFERENCE = 5, /* a put whose value is kept apart: value says where (engine/values/FORMAT.md) */
    ENTRY_KIND_COUNT,
};

#define ENTRY_SEQUENCE_MAX ((UINT64_C(1) << 56) - 1)

/* Before every version of a key: the trailer to seek to the newest with. */
#define ENTRY_TRAILER_FIRST UINT64_MAX

static inline uint64_t entry_trailer(uint64_t sequence, enum entry_kind kind) {
    return sequence << 8 | (uint64_t)kind;
}
static inline uint64_t entry_sequence(uint64_t trailer) {
    return trailer >> 8;
}
static inline enum entry_kind entry_kind(uint64_t trailer) {
    return (enum entry_kind)(trailer & 0xff);
}
/* The trailer to seek with so that the first entry found is the newest one that `snapshot` sees. */
static inline uint64_t entry_trailer_at(uint64_t snapshot) {
    return snapshot >= ENTRY_SEQUENCE_MAX ? ENTRY_TRAILER_FIRST : snapshot << 8 | 0xff;
}

/* The first eight bytes of a key as a number that orders like them, short keys padded with zeros: head(a) < head(b)
 * implies a < b; equal heads decide nothing. */
static inline uint64_t entry_head(struct slice key) {
    if (key.size >= 8) return coding_get_key_u64(key.data);
    uint64_t head = 0;
    for (size_t i = 0; i < key.size; i++) head |= (uint64_t)key.data[i] << (56 - 8 * i);
    return head;
}

/* The hash of a user key that all filters go by: once per get, for memtables and SSTs. On disk: never change it. */
static inline uint64_t entry_key_hash(struct slice key) {
    return hash64(key, 0);
}

/* The same of a beginning of keys; another seed, so that it is not taken for a whole key. On disk: never change it. */
static inline uint64_t entry_prefix_hash(struct slice prefix) {
    return hash64(prefix, 1);
}

/* <0, 0, >0 */
static inline int entry_compare(struct slice a, uint64_t trailer_a, struct slice b, uint64_t trailer_b) {
    int order = slice_compare(a, b);
    if (order != 0) return order;
    return (trailer_a < trailer_b) - (trailer_a > trailer_b);
}

#endif
