/*
 * gap_search: where gaps (gaps.h) come from: who proposes, and the job that proves. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_GAP_SEARCH_H
#define ENGINE_LSM_GAP_SEARCH_H

#include "engine/io.h"
#include "engine/lsm/gaps.h"

struct engine;
struct engine_iterator;
struct tree;

/* Deletes that the commit queue has taken one behind the other in the order of their keys, up or down. The leader's. */
struct delete_run {
    uint32_t tree, instance;
    uint32_t count; /* of the span that is not proposed yet */
    bool begun;     /* two keys or more: it has a direction */
    bool down;
    struct buf last;  /* the key deleted last and a zero behind it; empty = none */
    struct buf other; /* where the span begins; going down: where it ends */
};

/* What the job is at. */
struct gap_search {
    struct engine_iterator *iterator; /* NULL = at nothing */
    struct buf piece;                 /* where the piece begins that is being read */
    uint64_t passed;                  /* keys that the iterator had passed when it began */
    struct gap_list found;
    struct gap doubted; /* the one that is looked at again */
};

/* A delete of this key is being applied. Leader. */
void gap_search_note_delete(struct engine *engine, const struct tree *tree, struct slice key);
/* REQUIRES: mutex, and the lead, no batch in flight. At the end of a group. */
void gap_search_end_group(struct engine *engine);
/* Leader: whether that has something to do. */
bool gap_search_wants_look(const struct engine *engine);
/* A walk has passed many deletes in there. Any thread. */
void gap_search_note_walk(struct engine *engine, const struct gap_span *span);
/* REQUIRES: mutex. Files have changed. */
void gap_search_note_install(struct engine *engine);

/* The job's step. */
enum io_job_state gap_search_step(struct io_job *job);
void gap_search_deinit(struct engine *engine); /* at close, when the job has ended */

#endif
