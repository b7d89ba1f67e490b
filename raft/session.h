/*
 * session: writes that are sent again are applied once (dissertation 6.3).
 *
 * A node that takes writes opens a session by an entry; the session's id is that entry's index. It numbers its writes
 * 1, 2, 3, ...; apply takes last + 1 only. A serial that was applied is a duplicate, one further on is a gap (an
 * earlier one was lost on its way: the node sends from there again), a session that is not there has been evicted: an
 * error, never a second application.
 *
 * The truth is rows in TREE_SYSTEM, written in the batch of the entry that they speak of, so they are in every snapshot
 * and at the same cut as the data; the table in memory is a cache of them. Bounded: SESSIONS_MAX sessions,
 * SESSION_WINDOW kept replies each of at most SESSION_REPLY_MAX_BYTES. Who is evicted follows from the log alone: the
 * one whose last write has the lowest index. These numbers are part of the format: every replica must use the same.
 * Bytes: raft/log/FORMAT.md, "system tree".
 *
 * Loop thread, but for sessions_restore (opening).
 */
#ifndef RAFT_SESSION_H
#define RAFT_SESSION_H

#include "engine/engine.h"

#pragma GCC visibility push(default)

enum { SESSIONS_MAX = 256, SESSION_WINDOW = 4096, SESSION_REPLY_MAX_BYTES = 1024 };

struct sessions;

enum session_verdict {
    SESSION_APPLY,     /* the next one */
    SESSION_DUPLICATE, /* applied already: sessions_get_reply */
    SESSION_GAP,       /* not applied: an earlier serial is missing */
    SESSION_UNKNOWN,   /* not applied: evicted, or never opened */
};

MUST_CHECK enum status sessions_create(struct sessions **sessions);
void sessions_destroy(struct sessions *sessions); /* NULL is allowed */

/* Forgets all and reads the rows of an engine that was opened or replaced. Blocking. CORRUPT if they contradict each
 * other. */
MUST_CHECK enum status sessions_restore(struct sessions *sessions, struct engine *engine);

/* ---- apply: in log order; what they put into the batch must be written, or the node stops ---- */

/* Opens session `index` for a node; evicts one if all places are taken. */
MUST_CHECK enum status sessions_open(struct sessions *sessions, struct engine_batch *batch, uint64_t index,
                                     uint64_t node);
enum session_verdict sessions_judge(const struct sessions *sessions, uint64_t session, uint64_t serial);
/* The write was applied by the entry at `index`, with this reply. Only after SESSION_APPLY. */
MUST_CHECK enum status sessions_note(struct sessions *sessions, struct engine_batch *batch, uint64_t session,
                                     uint64_t serial, uint64_t index, struct slice reply);

/* The kept reply of a duplicate, appended: OK; NOT_FOUND: out of the window; TOO_LARGE: was not kept for its size;
 * WOULD_BLOCK (memory_only), IO, CORRUPT. */
MUST_CHECK enum status sessions_get_reply(const struct sessions *sessions, struct engine *engine, bool memory_only,
                                          uint64_t session, uint64_t serial, struct buf *reply, uint64_t *index);

struct session_info {
    uint64_t id, node;
    uint64_t last_serial;
    uint64_t last_index; /* of its last write; its own id before the first */
};
size_t sessions_count(const struct sessions *sessions);
/* Rows in order of id; i < sessions_count. */
void sessions_get_info(const struct sessions *sessions, size_t i, struct session_info *info);
/* NOT_FOUND, OK. */
MUST_CHECK enum status sessions_find(const struct sessions *sessions, uint64_t session, struct session_info *info);

#pragma GCC visibility pop

#endif
