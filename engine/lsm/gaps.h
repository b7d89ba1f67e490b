/*
 * gaps: stretches of keys that are known to be empty, so that a walk hops over them instead of passing what was deleted
 * there key by key.
 *
 * A gap says: every state of its tree from sequence `since` on has no key in [begin, end). It becomes known in three
 * steps. Somebody proposes a span: a walk that passed many deletes, or the commit queue, which has taken a row of
 * deletes in the order of their keys. From its activation on, at a moment when no batch is being applied, every key
 * that is put into the span is cut out of it. Then a job (gap_search.h) reads the span as of a later state, and what it
 * finds empty is proven: whatever was put there since has been cut out.
 *
 * Threads: any; a leaf lock. The owner sees to it that gaps_activate meets no batch in flight, and that gaps_note_key
 * is called before the key's sequence is published. What does not fit, or finds no memory, is forgotten: it costs time,
 * never an answer.
 */
#ifndef ENGINE_LSM_GAPS_H
#define ENGINE_LSM_GAPS_H

#include <stdatomic.h>

#include "engine/base/buf.h"
#include "engine/base/sync.h"

enum { GAPS_MAX = 16 };

/* Keys in [begin, end) of one tree. */
struct gap_span {
    uint32_t tree;     /* id */
    uint32_t instance; /* of the tree */
    struct slice begin, end;
    bool has_end; /* false: to the end of the tree */
};

struct gap {
    uint32_t tree, instance;
    uint64_t since; /* of a proven one */
    bool doubted;   /* files have changed: it may be that nothing is left there to hop over */
    bool has_end;
    struct buf begin, end;
};

struct gap_list {
    struct gap items[GAPS_MAX]; /* the oldest first */
    uint32_t count;
};

void gap_release(struct gap *gap);                  /* its buffers */
struct gap_span gap_span_of(const struct gap *gap); /* borrowed */
/* Copies. Where the list is full the oldest goes; an empty one, or one without memory, is left out. */
void gap_list_add(struct gap_list *list, const struct gap_span *span, uint64_t since);
void gap_list_clear(struct gap_list *list);

enum gaps_state {
    GAPS_IDLE,
    GAPS_PROPOSED, /* span is to be watched as soon as no batch is in flight */
    GAPS_WATCHED,  /* and a job is, or will be, at it */
};

struct gaps {
    struct mutex mutex;
    _Atomic uint32_t count; /* in both lists: none, and nobody needs to ask */
    atomic_bool proposed;   /* state is GAPS_PROPOSED */
    enum gaps_state state;
    struct gap span;         /* proposed or watched, as a whole */
    struct gap_list watched; /* what is left of it */
    struct gap_list proven;
};

void gaps_init(struct gaps *gaps);
void gaps_deinit(struct gaps *gaps);

static inline bool gaps_are_none(const struct gaps *gaps) {
    return atomic_load_explicit(&gaps->count, memory_order_relaxed) == 0;
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* True if it is taken: one at a time is. Copies the keys. */
bool gaps_propose(struct gaps *gaps, const struct gap_span *span);
/* Watches what was proposed; true if there is something for the job. No batch is being applied, and all that was
 * applied is published. */
bool gaps_activate(struct gaps *gaps);
/* The span that is watched, for the job; false = none. Borrowed until gaps_prove or gaps_give_up. */
bool gaps_watched(struct gaps *gaps, struct gap_span *span);
/* As of sequence `since`, which is not older than the activation, the pieces (parts of the span that is watched) were
 * empty. Ends the watch. */
void gaps_prove(struct gaps *gaps, uint64_t since, const struct gap_span *pieces, size_t count);
void gaps_give_up(struct gaps *gaps); /* ends the watch with nothing learned */

/* ---- Unmaking ---------------------------------------------------------------------------------------------------- */

/* A key that is about to be there, in a state that is not published yet. */
void gaps_note_key(struct gaps *gaps, uint32_t instance, struct slice key);
/* Anything may be about to be in the tree. */
void gaps_forget(struct gaps *gaps, uint32_t instance);
/* Files have changed: true if there are proven gaps, for the job to look at. */
bool gaps_doubt(struct gaps *gaps);
/* One that is doubted, copied into *gap (whose buffers are the caller's), and doubted no more; false = none. */
bool gaps_take_doubted(struct gaps *gaps, struct gap *gap);
/* Nothing is left there to hop over. */
void gaps_drop(struct gaps *gaps, const struct gap *gap);

/* ---- Using ------------------------------------------------------------------------------------------------------- */

/* The gap around key that a reader of `snapshot` may go by: where it begins, or where it ends, in *to. */
enum gaps_side { GAPS_NONE, GAPS_TO, GAPS_TO_END };
enum gaps_side gaps_find_end(struct gaps *gaps, uint32_t instance, struct slice key, uint64_t snapshot, struct buf *to);
enum gaps_side gaps_find_begin(struct gaps *gaps, uint32_t instance, struct slice key, uint64_t snapshot,
                               struct buf *to);

#endif
