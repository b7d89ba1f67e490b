/*
 * source: what every ordered run of entries (a memtable's tree, an SST, a level, a merge of them) looks like to the one
 * that reads it.
 *
 * The current entry stands in the struct itself and is read without a call; the moves are in the vtable.
 * Implementations embed struct source as first member. The entry is borrowed until the next move or close. When a move
 * runs past either end or fails, valid is false and status tells which (OK = the end). A failed source stays failed
 * until the next seek. One thread at a time.
 */
#ifndef ENGINE_ENTRY_SOURCE_H
#define ENGINE_ENTRY_SOURCE_H

#include "engine/base/status.h"
#include "engine/entry/internal_key.h"

struct source;

struct source_vtable {
    void (*seek)(struct source *source, struct slice key,
                 uint64_t trailer); /* the first entry at or after (key, trailer) */
    void (*seek_before)(struct source *source, struct slice key,
                        uint64_t trailer); /* the last entry before (key, trailer) */
    void (*seek_first)(struct source *source);
    void (*seek_last)(struct source *source);
    void (*next)(struct source *source); /* source->valid */
    void (*prev)(struct source *source); /* source->valid */
    void (*close)(struct source *source);
    /* A hint: a seek (either one) to (key, trailer) comes next; key stays until then. What it will read is asked for,
     * not waited for: called with step 0 and, each time after others had their turn, with those that follow. The source
     * stands nowhere until that seek. NULL = there is nothing to ask for. */
    void (*prepare)(struct source *source, struct slice key, uint64_t trailer, unsigned step);
};

enum { SOURCE_PREPARE_STEPS = 6 };

struct source {
    const struct source_vtable *vtable;
    enum status status;
    bool valid;
    uint64_t head; /* entry_head(key); these four only when valid */
    uint64_t trailer;
    struct slice key;
    struct slice value;
};

static inline void source_seek(struct source *source, struct slice key, uint64_t trailer) {
    source->vtable->seek(source, key, trailer);
}
static inline void source_seek_before(struct source *source, struct slice key, uint64_t trailer) {
    source->vtable->seek_before(source, key, trailer);
}
static inline void source_seek_first(struct source *source) {
    source->vtable->seek_first(source);
}
static inline void source_seek_last(struct source *source) {
    source->vtable->seek_last(source);
}
static inline void source_next(struct source *source) {
    source->vtable->next(source);
}
static inline void source_prev(struct source *source) {
    source->vtable->prev(source);
}
static inline void source_close(struct source *source) {
    source->vtable->close(source);
}

static inline void source_prepare(struct source *source, struct slice key, uint64_t trailer, unsigned step) {
    if (source->vtable->prepare) source->vtable->prepare(source, key, trailer, step);
}

/* Order of the current entries of two valid sources: <0, 0, >0. */
static inline int source_compare(const struct source *a, const struct source *b) {
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    return entry_compare(a->key, a->trailer, b->key, b->trailer);
}

#endif
