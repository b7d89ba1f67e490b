/*
 * session: writes that are sent again are applied once (dissertation 6.3).
 *
 * A node that takes writes opens a session by an entry; the session's id is that entry's index. It numbers its writes
 * 1, 2, 3, ...; apply takes last + 1 only. A serial that was applied is a duplicate, one further on is a gap (an
 * earlier one was lost on its way: the node sends from there again), a session that is not there has been evicted: an
 * error, never a second application.
 *
 * Kept replies are state like the memtable's: in memory between two flushes, rebuilt by replaying the log from the
 * installed mark. They become rows in TREE_SYSTEM where a flush cuts, and when their memory is full; a session's own
 * row comes and goes in the batch of the entry that opens or evicts it. So every flush, and every snapshot made of one,
 * holds the sessions at the same cut as the data. Bounded: SESSIONS_MAX sessions, SESSION_WINDOW kept replies each of
 * at most SESSION_REPLY_MAX_BYTES. Who is evicted follows from the log alone: the one whose last write has the lowest
 * index. These numbers are part of the format: every replica must use the same. Bytes: raft/log/FORMAT.md, "system
 * tree".
 *
 * Two steps for everything: what is `staged` goes into a batch and changes nothing here; once the batch is written, the
 * verb in the past tense is called, and memory follows. So memory is always the state at the last applied index, and a
 * flush may cut at any time.
 *
 * Loop thread, but for sessions_restore (opening).
 */
#ifndef RAFT_SESSION_H
#define RAFT_SESSION_H

#include "engine/engine.h"

#pragma GCC visibility push(default)

enum {
    SESSIONS_MAX = 256,
    SESSION_WINDOW = 4096,
    SESSION_REPLY_MAX_BYTES = 1024,
    SESSION_MEMORY_MAX_BYTES = 1 << 30,
};

struct sessions;

enum session_verdict {
    SESSION_APPLY,     /* the next one */
    SESSION_DUPLICATE, /* applied already: sessions_get_reply */
    SESSION_GAP,       /* not applied: an earlier serial is missing */
    SESSION_UNKNOWN,   /* not applied: evicted, or never opened */
};

/* The replies that no row holds yet take reply_memory_bytes (at least one reply's, at most SESSION_MEMORY_MAX_BYTES),
 * asked for once. To be destroyed after NO_MEMORY too. */
MUST_CHECK enum status sessions_create(size_t reply_memory_bytes, struct sessions **sessions);
void sessions_destroy(struct sessions *sessions); /* NULL is allowed */

/* Forgets all and reads the rows of an engine that was opened or replaced. Blocking. CORRUPT if they contradict each
 * other. */
MUST_CHECK enum status sessions_restore(struct sessions *sessions, struct engine *engine);

/* ---- apply: in log order ---- */

/* Opens session `index` for a node, and evicts one if all places are taken. */
MUST_CHECK enum status sessions_stage_open(const struct sessions *sessions, struct engine_batch *batch, uint64_t index,
                                           uint64_t node);
void sessions_opened(struct sessions *sessions, uint64_t index, uint64_t node);
enum session_verdict sessions_judge(const struct sessions *sessions, uint64_t session, uint64_t serial);
/* Room for a reply of whatever size; if not, the replies must be written before the next sessions_note. */
bool sessions_have_room(const struct sessions *sessions);
/* The write was applied by the entry at `index`, with this reply. REQUIRES: SESSION_APPLY, sessions_have_room. */
void sessions_note(struct sessions *sessions, uint64_t session, uint64_t serial, uint64_t index, struct slice reply);

/* Puts rows for the replies that have none and are in the window. */
MUST_CHECK enum status sessions_stage_replies(const struct sessions *sessions, struct engine_batch *batch);
void sessions_replies_written(struct sessions *sessions);
size_t sessions_reply_bytes(const struct sessions *sessions); /* memory that waits for it */

/* The kept reply of a duplicate, appended: OK; NOT_FOUND: out of the window; TOO_LARGE: was not kept for its size;
 * WOULD_BLOCK (memory_only), IO, CORRUPT. Walks back from the newest: O(last - serial). */
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
