/*
 * iterator_parts: the inside of an iterator, for its parts: iterator.c (moves) and iterator_open.c (life). Private to
 * engine/lsm.
 */
#ifndef ENGINE_LSM_ITERATOR_PARTS_H
#define ENGINE_LSM_ITERATOR_PARTS_H

#include "engine/lsm/iterator.h"
#include "engine/lsm/read_set.h"
#include "engine/lsm/resolve.h"
#include "engine/lsm/watch_source.h"

struct engine_iterator {
    struct engine *engine;
    struct store_read read;
    const struct engine_tree_kind *kind;
    struct read_set set;
    struct source *top;
    struct watch_source *watched; /* top, for explanations; owned; NULL = it is the set's */
    uint64_t snapshot;
    uint64_t own_sequence;   /* of the transaction that reads; 0 = none does */
    uint64_t newest_trailer; /* before every version that can be seen */
    struct slice lower, upper;
    struct buf prefix, behind_prefix; /* what every key begins with; the least key behind all of those, empty = none */
    bool is_bare; /* no upper bound, no range deletes, no times: a value that is seen is shown as it is */
    bool valid;
    bool backward; /* the sources stand before the key; else at it or behind */
    bool direct;   /* key and value are the source's */
    enum status status;
    struct slice shown_key, shown_value;
    struct buf key; /* the key shown, or to be passed over */
    uint64_t key_head;
    struct buf value;    /* folded or copied */
    bool is_apart;       /* the value shown is a reference: read when it is asked for */
    struct block *block; /* pins a value that was read so */
    unsigned flags;      /* of reads */
    uint64_t charged;    /* of the memory of readers */
    struct operands operands;

    /* Of a move that passes keys that are gone. */
    uint32_t gone_some; /* it looks for a gap behind so many */
    uint32_t patience;  /* 0 = endless */
    bool paused, ignores_gaps;
    uint64_t passed;
    struct buf gone_from; /* one of the first */
    struct buf hop;       /* where a gap ends or begins */
};

#endif
