/*
 * memtable: the newest writes of all trees, in memory, ordered by (tree, user key, sequence descending).
 *
 * Ordered lists in an arena, one for each tree, each with a radix tree to find places in it. Threads: one writer at a
 * time (the owner's lock); readers need no lock and may run beside the writer, as long as they ask with a snapshot that
 * was published after the entries it covers were added. Entries are never moved or freed before the memtable is: values
 * are pinned by a reference to it.
 */
#ifndef ENGINE_MEMTABLE_MEMTABLE_H
#define ENGINE_MEMTABLE_MEMTABLE_H

#include "engine/base/page_pool.h"
#include "engine/entry/range_set.h"
#include "engine/entry/source.h"
#include "engine/memtable/radix.h"

struct memtable;
struct memtable_node;
struct memtable_tree;

/* One reference, the caller's. `seed` decides the shape of what range deletes are kept in, only. NULL when out of
 * memory. */
struct memtable *memtable_create(uint64_t seed);
/* The same, with memory from a pool (borrowed), to which it goes back with the last reference. */
struct memtable *memtable_create_from(struct page_pool *pool, uint64_t seed);
/* The same for one that will mostly hold a few entries: asks the system for little at a time. */
struct memtable *memtable_create_small(uint64_t seed);
void memtable_acquire(struct memtable *memtable);
void memtable_release(struct memtable *memtable); /* frees with the last reference; NULL is allowed */

/* ---- Writing (one at a time) ------------------------------------------------------------------------------------- */

/*
 * Adds one operation; copies key and value. sequence is higher than every earlier one. ENTRY_RANGE_DELETE: key = begin,
 * value = end.
 *
 * ENTRY_APPEND extends in place where the key's newest version in this memtable is a PUT or an APPEND that no later
 * range delete covers: amortised O(value.size). Where that version is a delete (or is covered), it becomes a PUT;
 * otherwise an APPEND that goes on in an older memtable or SST.
 *
 * NO_MEMORY: nothing of it is visible, the memtable stays usable. TOO_LARGE: an append over ENGINE_VALUE_MAX_BYTES.
 */
MUST_CHECK enum status memtable_add(struct memtable *memtable, uint32_t tree, enum entry_kind kind, uint64_t sequence,
                                    struct slice key, struct slice value);
/* The same for one of many: readers that go by memtable_may_have find it only after memtable_settle, which comes before
 * its sequence is published. */
MUST_CHECK enum status memtable_add_unsettled(struct memtable *memtable, uint32_t tree, enum entry_kind kind,
                                              uint64_t sequence, struct slice key, struct slice value);
void memtable_settle(struct memtable *memtable);

/*
 * For a batch that failed half-way and was not published: takes back what was added for this key (or this range) with a
 * sequence >= first. Call it for each operation that was added, in any order; afterwards the sequences may be given out
 * again. Never fails.
 */
void memtable_undo(struct memtable *memtable, uint32_t tree, enum entry_kind kind, struct slice key, struct slice value,
                   uint64_t first);

/* ---- Reading (any thread) ---------------------------------------------------------------------------------------- */

/* One version of a key as a snapshot sees it. value is borrowed from the memtable for as long as a reference to it is
 * held. */
struct memtable_version {
    uint64_t trailer; /* PUT, DELETE, MERGE or APPEND; an extended value has the sequence of its last extension that the
                         snapshot sees */
    struct slice value;
    const struct memtable_node *node; /* the memtable's */
};

/* The newest version of key that snapshot sees; false = none here. Range deletes are not looked at: see memtable_cover.
 */
bool memtable_get(const struct memtable *memtable, uint32_t tree, struct slice key, uint64_t snapshot,
                  struct memtable_version *version);
/* False: memtable_get would find nothing, whatever the snapshot (which was published after what it covers was added:
 * see above). hash = entry_key_hash(key). A cache line or two, where memtable_get searches. */
bool memtable_may_have(const struct memtable *memtable, uint32_t tree, uint64_t hash);
/* memtable_may_have comes soon: what it reads is asked of memory, not waited for. */
void memtable_touch_filter(const struct memtable *memtable, uint32_t tree, uint64_t hash);
/* A hint: these keys are asked for next. What memtable_get will read is brought close, several keys at a time. */
void memtable_touch(const struct memtable *memtable, uint32_t tree, const struct slice *keys, size_t count);
/* The next older version of the same key; false = none left. */
bool memtable_get_older(struct memtable_version *version);
/* range_set_cover of this memtable's range deletes; 0 = not covered. */
uint64_t memtable_cover(const struct memtable *memtable, uint32_t tree, struct slice key, uint64_t snapshot);
/* The range deletes, for scans and flushes. */
const struct range_set *memtable_range_deletes(const struct memtable *memtable);

/*
 * The entries of one tree. With a snapshot, each extended value is one entry with the length that the snapshot sees;
 * entries newer than the snapshot may be shown (with their true sequence): the reader skips them. With
 * MEMTABLE_EVERY_VERSION each extension is an APPEND entry of its own with the bytes that it added: the exact history,
 * for a flush; only seek_first, seek and next then work (the others end the source with INVALID).
 */
#define MEMTABLE_EVERY_VERSION UINT64_MAX

struct memtable_source {
    struct source source;
    const struct memtable_tree
        *tree; /* of a memtable that the caller holds a reference to; NULL = nothing of this tree */
    const struct memtable_node *node;
    uint64_t snapshot;
    uint32_t mark;              /* EVERY_VERSION: which extension of node stands here */
    struct radix_key coming;    /* prepared for */
    struct radix_stroll stroll; /* to it */
};
void memtable_source_init(struct memtable_source *source, const struct memtable *memtable, uint32_t tree,
                          uint64_t snapshot);

/* The lowest tree >= *tree that has entries or range deletes; false = none. */
bool memtable_next_tree(const struct memtable *memtable, uint32_t *tree);

struct memtable_stats {
    size_t bytes;    /* given out: keys, values, nodes; what memtable_bytes in the options limits */
    size_t reserved; /* asked of the system */
    uint64_t entries;
    uint64_t range_deletes;
    uint64_t first_sequence, last_sequence; /* 0, 0 when empty */
};
void memtable_get_stats(const struct memtable *memtable, struct memtable_stats *stats);
size_t memtable_bytes(const struct memtable *memtable);    /* stats.bytes alone: asked for with every write */
size_t memtable_reserved(const struct memtable *memtable); /* stats.reserved alone, likewise */

#endif
