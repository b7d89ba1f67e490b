/*
 * session: see session.h.
 *
 * Invariant: memory is the state after the last written batch; restoring from the rows after sessions_stage_replies was
 * written gives the same. Replies that no row holds yet lie one behind the other in a buffer of fixed size, each with
 * the place of the one before it of its session: serials have no gaps, so the n-th step back from the newest is the
 * serial n before it.
 */
#include "raft/session.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/names.h"
#include "raft/log/system_row.h"

/* A kept reply in memory: place of the one before (4), size of the row (4), the row. */
enum {
    KEPT_HEADER_BYTES = 8,
    KEPT_MAX_BYTES = KEPT_HEADER_BYTES + 2 + 2 * VARINT64_MAX_BYTES + SESSION_REPLY_MAX_BYTES
};

struct session {
    struct session_info info;
    uint32_t newest; /* 1 + place of its newest reply that no row holds; 0 = none */
};

struct sessions {
    size_t count;
    struct session rows[SESSIONS_MAX]; /* ascending id: ids are indexes, so a new one goes to the end */
    struct buf kept;                   /* memory for `limit` bytes is taken at create */
    size_t limit;
};

enum status sessions_create(size_t reply_memory_bytes, struct sessions **sessions) {
    struct sessions *made = *sessions = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    if (reply_memory_bytes < KEPT_MAX_BYTES) reply_memory_bytes = KEPT_MAX_BYTES;
    if (reply_memory_bytes > SESSION_MEMORY_MAX_BYTES) reply_memory_bytes = SESSION_MEMORY_MAX_BYTES;
    made->limit = reply_memory_bytes;
    return buf_reserve(&made->kept, made->limit);
}

void sessions_destroy(struct sessions *sessions) {
    if (!sessions) return;
    buf_deinit(&sessions->kept);
    free(sessions);
}

static struct session *find_row(const struct sessions *sessions, uint64_t id) {
    size_t low = 0, high = sessions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct session *row = &sessions->rows[middle];
        if (row->info.id == id) return (struct session *)(uintptr_t)row;
        if (row->info.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static uint32_t slot_of(uint64_t serial) {
    return (uint32_t)(serial % SESSION_WINDOW);
}

/* ---- restore ---- */

static void add_session(struct sessions *sessions, uint64_t id, uint64_t node) {
    sessions->rows[sessions->count++] = (struct session){.info = {.id = id, .node = node, .last_index = id}};
}

/* The reply rows of one session, which lie together. */
struct restored {
    struct session *session;
    uint64_t count, lowest; /* how many, and the lowest serial */
};

static enum status restore_session(struct sessions *sessions, uint64_t id, struct slice value) {
    uint64_t node = 0;
    enum status status = session_row_decode(value, &node);
    if (status) return status;
    if (sessions->count == SESSIONS_MAX) return STATUS_CORRUPT;
    add_session(sessions, id, node);
    return STATUS_OK;
}

static enum status restore_reply(struct sessions *sessions, struct restored *restored, uint64_t id, uint32_t slot,
                                 struct slice value) {
    struct session *session = find_row(sessions, id);
    struct reply_row row;
    enum status status = reply_row_decode(value, &row);
    if (status || !session || row.serial == 0 || row.serial % SESSION_WINDOW != slot)
        return status ? status : STATUS_CORRUPT;
    if (restored->session != session) *restored = (struct restored){.session = session, .lowest = row.serial};
    restored->count++;
    if (row.serial < restored->lowest) restored->lowest = row.serial;
    if (row.serial <= session->info.last_serial) return STATUS_OK;
    session->info.last_serial = row.serial;
    session->info.last_index = row.index;
    return STATUS_OK;
}

/* All of the window are there, and none else. */
static bool is_whole(const struct restored *restored) {
    if (!restored->session) return true;
    const uint64_t last = restored->session->info.last_serial;
    const uint64_t lowest = last > SESSION_WINDOW ? last - SESSION_WINDOW + 1 : 1;
    return restored->lowest == lowest && restored->count == last - lowest + 1;
}

/* Session rows sort before reply rows, so a reply finds its session. */
static enum status restore_row(struct sessions *sessions, struct restored *restored, struct slice key,
                               struct slice value) {
    if (key.size == SESSION_KEY_BYTES && key.data[0] == SYSTEM_ROW_SESSION)
        return restore_session(sessions, coding_get_key_u64(key.data + 1), value);
    if (key.size != REPLY_KEY_BYTES || key.data[0] != SYSTEM_ROW_REPLY) return STATUS_CORRUPT;
    const uint64_t id = coding_get_key_u64(key.data + 1);
    if (restored->session && restored->session->info.id != id && !is_whole(restored)) return STATUS_CORRUPT;
    return restore_reply(sessions, restored, id, coding_get_key_u32(key.data + 9), value);
}

enum status sessions_restore(struct sessions *sessions, struct engine *engine) {
    static const uint8_t first[] = {SYSTEM_ROW_SESSION}, behind[] = {SYSTEM_ROW_REPLY + 1};
    struct engine_iterator_options options = {
        .lower = slice_make(first, 1), .upper = slice_make(behind, 1), .no_fill = true};
    struct engine_iterator *iterator = NULL;
    struct restored restored = {.session = NULL};
    sessions->count = 0;
    buf_clear(&sessions->kept);
    enum status status = engine_iterator_open(engine, TREE_SYSTEM, &options, &iterator);
    if (status == STATUS_INVALID) return STATUS_OK; /* nothing was ever applied: the tree is not there yet */
    if (status) return status;
    for (engine_iterator_seek_first(iterator); status == STATUS_OK && engine_iterator_valid(iterator);
         engine_iterator_next(iterator))
        status = restore_row(sessions, &restored, engine_iterator_key(iterator), engine_iterator_value(iterator));
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    if (status == STATUS_OK && !is_whole(&restored)) status = STATUS_CORRUPT;
    engine_iterator_close(iterator);
    return status;
}

/* ---- opening ---- */

/* Who goes when all places are taken: the session whose last write is the longest ago. */
static size_t find_oldest(const struct sessions *sessions) {
    size_t oldest = 0;
    for (size_t i = 1; i < sessions->count; i++)
        if (sessions->rows[i].info.last_index < sessions->rows[oldest].info.last_index) oldest = i;
    return oldest;
}

static enum status stage_eviction(struct engine_batch *batch, uint64_t id) {
    uint8_t key[REPLY_KEY_BYTES], end[REPLY_KEY_BYTES];
    enum status status = engine_batch_delete(batch, TREE_SYSTEM, session_key(key, id));
    if (status) return status;
    (void)reply_key(key, id, 0);
    (void)reply_key(end, id + 1, 0);
    return engine_batch_delete_range(batch, TREE_SYSTEM, slice_make(key, SESSION_KEY_BYTES),
                                     slice_make(end, SESSION_KEY_BYTES));
}

enum status sessions_stage_open(const struct sessions *sessions, struct engine_batch *batch, uint64_t index,
                                uint64_t node) {
    check(sessions->count == 0 || sessions->rows[sessions->count - 1].info.id < index);
    uint8_t key[REPLY_KEY_BYTES], row[SESSION_ROW_MAX_BYTES];
    enum status status = STATUS_OK;
    if (sessions->count == SESSIONS_MAX) status = stage_eviction(batch, sessions->rows[find_oldest(sessions)].info.id);
    return status ? status
                  : engine_batch_put(batch, TREE_SYSTEM, session_key(key, index), session_row_encode(row, node));
}

void sessions_opened(struct sessions *sessions, uint64_t index, uint64_t node) {
    if (sessions->count == SESSIONS_MAX) {
        const size_t oldest = find_oldest(sessions); /* its replies in memory go with it: nothing leads to them */
        sessions->count--;
        memmove(&sessions->rows[oldest], &sessions->rows[oldest + 1],
                (sessions->count - oldest) * sizeof sessions->rows[0]);
    }
    add_session(sessions, index, node);
}

/* ---- writes ---- */

enum session_verdict sessions_judge(const struct sessions *sessions, uint64_t session, uint64_t serial) {
    const struct session *row = find_row(sessions, session);
    if (!row) return SESSION_UNKNOWN;
    if (serial <= row->info.last_serial) return SESSION_DUPLICATE;
    return serial == row->info.last_serial + 1 ? SESSION_APPLY : SESSION_GAP;
}

bool sessions_have_room(const struct sessions *sessions) {
    return sessions->kept.size + KEPT_MAX_BYTES <= sessions->limit;
}

size_t sessions_reply_bytes(const struct sessions *sessions) {
    return sessions->kept.size;
}

void sessions_note(struct sessions *sessions, uint64_t session, uint64_t serial, uint64_t index, struct slice reply) {
    struct session *noted = find_row(sessions, session);
    struct buf *kept = &sessions->kept;
    check(noted && serial == noted->info.last_serial + 1 && sessions_have_room(sessions));
    const bool fits = reply.size <= SESSION_REPLY_MAX_BYTES;
    const struct reply_row row = {.serial = serial,
                                  .index = index,
                                  .kind = fits ? REPLY_KEPT : REPLY_TOO_LARGE,
                                  .reply = fits ? reply : slice_make(NULL, 0)};
    const size_t place = kept->size;
    enum status status = buf_append_zeros(kept, KEPT_HEADER_BYTES);
    if (status == STATUS_OK) status = reply_row_encode(kept, &row);
    check(status == STATUS_OK); /* there was room: nothing is allocated */
    coding_put_u32(kept->data + place, noted->newest);
    coding_put_u32(kept->data + place + 4, (uint32_t)(kept->size - place - KEPT_HEADER_BYTES));
    noted->newest = (uint32_t)place + 1;
    noted->info.last_serial = serial;
    noted->info.last_index = index;
}

/* The row at a step of a session's way back; *step becomes the one before it. */
static struct slice kept_row(const struct sessions *sessions, uint32_t *step) {
    const uint8_t *at = sessions->kept.data + *step - 1;
    *step = coding_get_u32(at);
    return slice_make(at + KEPT_HEADER_BYTES, coding_get_u32(at + 4));
}

static enum status stage_session(const struct sessions *sessions, const struct session *session,
                                 struct engine_batch *batch) {
    uint8_t key[REPLY_KEY_BYTES];
    enum status status = STATUS_OK;
    uint32_t step = session->newest;
    for (uint64_t back = 0; step != 0 && back < SESSION_WINDOW && status == STATUS_OK; back++) {
        const struct slice row = kept_row(sessions, &step);
        status = engine_batch_put(batch, TREE_SYSTEM,
                                  reply_key(key, session->info.id, slot_of(session->info.last_serial - back)), row);
    }
    return status;
}

enum status sessions_stage_replies(const struct sessions *sessions, struct engine_batch *batch) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sessions->count && status == STATUS_OK; i++)
        status = stage_session(sessions, &sessions->rows[i], batch);
    return status;
}

void sessions_replies_written(struct sessions *sessions) {
    buf_clear(&sessions->kept);
    for (size_t i = 0; i < sessions->count; i++) sessions->rows[i].newest = 0;
}

/* ---- looking ---- */

static enum status take_reply(struct slice value, uint64_t serial, struct buf *reply, uint64_t *index) {
    struct reply_row row;
    enum status status = reply_row_decode(value, &row);
    if (status == STATUS_OK && row.serial != serial) status = STATUS_CORRUPT;
    if (status == STATUS_OK && row.kind == REPLY_TOO_LARGE) status = STATUS_TOO_LARGE;
    if (status != STATUS_OK) return status;
    *index = row.index;
    return buf_append_slice(reply, row.reply);
}

static enum status get_written(struct engine *engine, bool memory_only, uint64_t session, uint64_t serial,
                               struct buf *reply, uint64_t *index) {
    uint8_t key[REPLY_KEY_BYTES];
    struct engine_value value;
    enum status status =
        memory_only ? engine_get_try(engine, NULL, TREE_SYSTEM, reply_key(key, session, slot_of(serial)), &value)
                    : engine_get(engine, NULL, TREE_SYSTEM, reply_key(key, session, slot_of(serial)), &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    status = take_reply(value.data, serial, reply, index);
    engine_value_release(&value);
    return status;
}

enum status sessions_get_reply(const struct sessions *sessions, struct engine *engine, bool memory_only,
                               uint64_t session, uint64_t serial, struct buf *reply, uint64_t *index) {
    const struct session *row = find_row(sessions, session);
    if (!row || serial > row->info.last_serial || row->info.last_serial - serial >= SESSION_WINDOW)
        return STATUS_NOT_FOUND;
    struct slice kept = slice_make(NULL, 0);
    uint32_t step = row->newest;
    uint64_t at = row->info.last_serial + 1;
    for (; step != 0 && at > serial; at--) kept = kept_row(sessions, &step);
    return at == serial ? take_reply(kept, serial, reply, index)
                        : get_written(engine, memory_only, session, serial, reply, index);
}

size_t sessions_count(const struct sessions *sessions) {
    return sessions->count;
}

void sessions_get_info(const struct sessions *sessions, size_t i, struct session_info *info) {
    check(i < sessions->count);
    *info = sessions->rows[i].info;
}

enum status sessions_find(const struct sessions *sessions, uint64_t session, struct session_info *info) {
    const struct session *row = find_row(sessions, session);
    if (!row) return STATUS_NOT_FOUND;
    *info = row->info;
    return STATUS_OK;
}
