/*
 * session: see session.h.
 *
 * Invariant: after every written batch, restoring from the rows gives the table that is in memory.
 */
#include "raft/session.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/names.h"

/* Keys of the system tree that are ours: {tag, session id} and {tag, session id, slot}. */
enum { TAG_SESSION = 0x10, TAG_REPLY = 0x11, SESSION_KEY_BYTES = 9, REPLY_KEY_BYTES = 13, ROW_VERSION = 1 };
enum { REPLY_KEPT = 0, REPLY_TOO_LARGE = 1 };

struct sessions {
    size_t count;
    struct session_info rows[SESSIONS_MAX]; /* ascending id: ids are indexes, so a new one goes to the end */
    struct buf scratch;
};

enum status sessions_create(struct sessions **sessions) {
    *sessions = calloc(1, sizeof **sessions);
    return *sessions ? STATUS_OK : STATUS_NO_MEMORY;
}

void sessions_destroy(struct sessions *sessions) {
    if (!sessions) return;
    buf_deinit(&sessions->scratch);
    free(sessions);
}

static struct session_info *find_row(const struct sessions *sessions, uint64_t id) {
    size_t low = 0, high = sessions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct session_info *row = &sessions->rows[middle];
        if (row->id == id) return (struct session_info *)(uintptr_t)row;
        if (row->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct slice session_key(uint8_t key[REPLY_KEY_BYTES], uint64_t session) {
    key[0] = TAG_SESSION;
    coding_put_key_u64(key + 1, session);
    return slice_make(key, SESSION_KEY_BYTES);
}

static struct slice reply_key(uint8_t key[REPLY_KEY_BYTES], uint64_t session, uint64_t serial) {
    key[0] = TAG_REPLY;
    coding_put_key_u64(key + 1, session);
    coding_put_key_u32(key + 9, (uint32_t)(serial % SESSION_WINDOW));
    return slice_make(key, REPLY_KEY_BYTES);
}

/* ---- rows as bytes ---- */

struct reply_row {
    uint64_t serial, index;
    uint8_t kind;
    struct slice reply;
};

static enum status encode_reply_row(struct buf *to, const struct reply_row *row) {
    enum status status = encode_u8(to, ROW_VERSION);
    if (status == STATUS_OK) status = encode_varint(to, row->serial);
    if (status == STATUS_OK) status = encode_varint(to, row->index);
    if (status == STATUS_OK) status = encode_u8(to, row->kind);
    return status ? status : buf_append_slice(to, row->reply);
}

static enum status decode_reply_row(struct slice value, struct reply_row *row) {
    struct decoder decoder = decoder_make(value);
    uint8_t version = decode_u8(&decoder);
    row->serial = decode_varint(&decoder);
    row->index = decode_varint(&decoder);
    row->kind = decode_u8(&decoder);
    row->reply = decode_bytes(&decoder, decoder_left(&decoder));
    if (!decoder_finished(&decoder) || row->kind > REPLY_TOO_LARGE) return STATUS_CORRUPT;
    return version == ROW_VERSION ? STATUS_OK : STATUS_VERSION;
}

/* ---- restore ---- */

static enum status restore_session(struct sessions *sessions, uint64_t id, struct slice value) {
    struct decoder decoder = decoder_make(value);
    uint8_t version = decode_u8(&decoder);
    uint64_t node = decode_varint(&decoder);
    if (!decoder_finished(&decoder) || sessions->count == SESSIONS_MAX) return STATUS_CORRUPT;
    if (version != ROW_VERSION) return STATUS_VERSION;
    sessions->rows[sessions->count++] = (struct session_info){.id = id, .node = node, .last_index = id};
    return STATUS_OK;
}

static enum status restore_reply(struct sessions *sessions, uint64_t id, struct slice value) {
    struct session_info *session = find_row(sessions, id);
    struct reply_row row;
    enum status status = decode_reply_row(value, &row);
    if (status || !session) return status ? status : STATUS_CORRUPT;
    if (row.serial <= session->last_serial) return STATUS_OK;
    session->last_serial = row.serial;
    session->last_index = row.index;
    return STATUS_OK;
}

/* Session rows sort before reply rows, so a reply finds its session. */
static enum status restore_row(struct sessions *sessions, struct slice key, struct slice value) {
    if (key.size == SESSION_KEY_BYTES && key.data[0] == TAG_SESSION)
        return restore_session(sessions, coding_get_key_u64(key.data + 1), value);
    if (key.size == REPLY_KEY_BYTES && key.data[0] == TAG_REPLY)
        return restore_reply(sessions, coding_get_key_u64(key.data + 1), value);
    return STATUS_CORRUPT;
}

enum status sessions_restore(struct sessions *sessions, struct engine *engine) {
    static const uint8_t first[] = {TAG_SESSION}, behind[] = {TAG_REPLY + 1};
    struct engine_iterator_options options = {
        .lower = slice_make(first, 1), .upper = slice_make(behind, 1), .no_fill = true};
    struct engine_iterator *iterator = NULL;
    sessions->count = 0;
    enum status status = engine_iterator_open(engine, TREE_SYSTEM, &options, &iterator);
    if (status == STATUS_INVALID) return STATUS_OK; /* nothing was ever applied: the tree is not there yet */
    if (status) return status;
    for (engine_iterator_seek_first(iterator); status == STATUS_OK && engine_iterator_valid(iterator);
         engine_iterator_next(iterator))
        status = restore_row(sessions, engine_iterator_key(iterator), engine_iterator_value(iterator));
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

/* ---- apply ---- */

/* The session whose last write is the longest ago goes, with its replies. */
static enum status evict_one(struct sessions *sessions, struct engine_batch *batch) {
    size_t oldest = 0;
    for (size_t i = 1; i < sessions->count; i++)
        if (sessions->rows[i].last_index < sessions->rows[oldest].last_index) oldest = i;
    uint64_t id = sessions->rows[oldest].id;
    uint8_t key[REPLY_KEY_BYTES], end[REPLY_KEY_BYTES];
    enum status status = engine_batch_delete(batch, TREE_SYSTEM, session_key(key, id));
    if (status) return status;
    (void)reply_key(key, id, 0);
    (void)reply_key(end, id + 1, 0);
    status = engine_batch_delete_range(batch, TREE_SYSTEM, slice_make(key, SESSION_KEY_BYTES),
                                       slice_make(end, SESSION_KEY_BYTES));
    if (status) return status;
    sessions->count--;
    memmove(&sessions->rows[oldest], &sessions->rows[oldest + 1],
            (sessions->count - oldest) * sizeof sessions->rows[0]);
    return STATUS_OK;
}

enum status sessions_open(struct sessions *sessions, struct engine_batch *batch, uint64_t index, uint64_t node) {
    check(sessions->count == 0 || sessions->rows[sessions->count - 1].id < index);
    uint8_t key[REPLY_KEY_BYTES];
    buf_clear(&sessions->scratch);
    enum status status = encode_u8(&sessions->scratch, ROW_VERSION);
    if (status == STATUS_OK) status = encode_varint(&sessions->scratch, node);
    if (status == STATUS_OK && sessions->count == SESSIONS_MAX) status = evict_one(sessions, batch);
    if (status == STATUS_OK)
        status = engine_batch_put(batch, TREE_SYSTEM, session_key(key, index), buf_slice(&sessions->scratch));
    if (status) return status;
    sessions->rows[sessions->count++] = (struct session_info){.id = index, .node = node, .last_index = index};
    return STATUS_OK;
}

enum session_verdict sessions_judge(const struct sessions *sessions, uint64_t session, uint64_t serial) {
    const struct session_info *row = find_row(sessions, session);
    if (!row) return SESSION_UNKNOWN;
    if (serial <= row->last_serial) return SESSION_DUPLICATE;
    return serial == row->last_serial + 1 ? SESSION_APPLY : SESSION_GAP;
}

enum status sessions_note(struct sessions *sessions, struct engine_batch *batch, uint64_t session, uint64_t serial,
                          uint64_t index, struct slice reply) {
    struct session_info *info = find_row(sessions, session);
    check(info && serial == info->last_serial + 1);
    bool kept = reply.size <= SESSION_REPLY_MAX_BYTES;
    const struct reply_row row = {.serial = serial,
                                  .index = index,
                                  .kind = kept ? REPLY_KEPT : REPLY_TOO_LARGE,
                                  .reply = kept ? reply : slice_make(NULL, 0)};
    uint8_t key[REPLY_KEY_BYTES];
    buf_clear(&sessions->scratch);
    enum status status = encode_reply_row(&sessions->scratch, &row);
    if (status == STATUS_OK)
        status = engine_batch_put(batch, TREE_SYSTEM, reply_key(key, session, serial), buf_slice(&sessions->scratch));
    if (status) return status;
    info->last_serial = serial;
    info->last_index = index;
    return STATUS_OK;
}

/* ---- looking ---- */

enum status sessions_get_reply(const struct sessions *sessions, struct engine *engine, bool memory_only,
                               uint64_t session, uint64_t serial, struct buf *reply, uint64_t *index) {
    const struct session_info *info = find_row(sessions, session);
    if (!info || serial > info->last_serial || info->last_serial - serial >= SESSION_WINDOW) return STATUS_NOT_FOUND;
    uint8_t key[REPLY_KEY_BYTES];
    struct engine_value value;
    enum status status = memory_only
                             ? engine_get_try(engine, NULL, TREE_SYSTEM, reply_key(key, session, serial), &value)
                             : engine_get(engine, NULL, TREE_SYSTEM, reply_key(key, session, serial), &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    struct reply_row row;
    status = decode_reply_row(value.data, &row);
    if (status == STATUS_OK && row.serial != serial) status = STATUS_CORRUPT;
    if (status == STATUS_OK && row.kind == REPLY_TOO_LARGE) status = STATUS_TOO_LARGE;
    if (status == STATUS_OK) {
        *index = row.index;
        status = buf_append_slice(reply, row.reply);
    }
    engine_value_release(&value);
    return status;
}

size_t sessions_count(const struct sessions *sessions) {
    return sessions->count;
}

void sessions_get_info(const struct sessions *sessions, size_t i, struct session_info *info) {
    check(i < sessions->count);
    *info = sessions->rows[i];
}

enum status sessions_find(const struct sessions *sessions, uint64_t session, struct session_info *info) {
    const struct session_info *row = find_row(sessions, session);
    if (!row) return STATUS_NOT_FOUND;
    *info = *row;
    return STATUS_OK;
}
