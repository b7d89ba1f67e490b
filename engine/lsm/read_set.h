/*
 * read_set: everything an iterator reads: a source for each memtable, file of level 0 and level that can hold keys of
 * its bounds, merged; and the range deletes over them.
 */
#ifndef ENGINE_LSM_READ_SET_H
#define ENGINE_LSM_READ_SET_H

#include "engine/lsm/level_source.h"
#include "engine/lsm/merge_source.h"
#include "engine/lsm/own_writes.h"

/* The range deletes of one memtable or file, with the stretch asked about last. */
struct read_cover {
    const struct range_set *set;
    uint64_t snapshot; /* asked with */
    struct range_stretch stretch;
    bool has_stretch;
};

struct read_set {
    uint32_t instance;
    uint64_t snapshot;
    struct engine *engine;
    unsigned flags;
    struct slice prefix; /* that every key has; empty = they have none in common, or none that filters know */
    uint64_t prefix_hash;
    struct memtable_source *memtables;
    struct sst_source *files;
    struct level_source levels[ENGINE_LEVELS];
    size_t memtable_count, file_count, level_count;
    struct read_cover *covers;
    size_t cover_count, cover_capacity;
    struct source **children; /* and the heap behind it */
    size_t child_count;
    struct merge_source merge;
    struct source *top; /* what to read: the merge, or the only child */
};

struct read_options {
    uint32_t instance;
    uint64_t snapshot;
    struct slice lower, upper; /* empty = none */
    struct slice prefix;       /* of all keys within the bounds, as long as filters know it; borrowed until close */
    unsigned flags;            /* enum sst_read_flag */
    struct own_writes own;     /* of the transaction that reads */
};

/* Sources stand nowhere; the view is held by the caller until close. WOULD_BLOCK, CORRUPT, IO when range deletes must
 * be read and can't be. On failure nothing is open. */
MUST_CHECK enum status read_set_open(struct read_set *set, struct engine *engine, const struct view *view,
                                     const struct read_options *options);
void read_set_close(struct read_set *set);
/* What it has allocated, with room for a key in each source. */
uint64_t read_set_memory(const struct read_set *set);
/* The highest range delete over key that the snapshot sees; 0 = none. */
uint64_t read_set_cover(struct read_set *set, struct slice key);

#endif
