/*
 * wal_ahead: a ring of stretches between the one who verifies and the one who takes.
 *
 * Invariant: `producing` is held by one at a time; its holder alone touches the fields under "producer" and the stretch
 * behind those that are ready. The taker has the first ready one. The job's last act is to say that it has ended.
 */
#include "engine/wal/wal_ahead.h"

#include <stdlib.h>

#include "engine/base/pages.h"
#include "engine/io/job_wait.h"

enum {
    STRETCHES = 16,           /* what is ready lasts while the next segment is read, and a thread wakes up */
    STRETCH_BYTES = 64 << 10, /* of payload, but for a larger record; all of them stay in a processor's cache */
    STRETCH_RECORDS = 1024,
    READY_BYTES_MOST = STRETCHES * STRETCH_BYTES, /* of payload that waits to be taken: a larger record waits alone */
    READ_BYTES = 256 << 10,                       /* of a file at a time: verified while it is in the cache */
    JOB_BYTES_LEAST = 2 << 20,                    /* less is read before a thread has woken up */
};

struct wal_ahead {
    struct io *io;
    struct wal_segment *const *files;
    const struct wal_segment_header *headers;
    size_t count;
    bool has_job;

    /* producer */
    struct wal_bytes *bytes;
    size_t at;     /* the segment */
    size_t had;    /* bytes of it */
    bool scans;    /* it is scanned while it is read */
    bool is_part;  /* and is not there to its end: the device refuses; zeros stand behind */
    bool in_group; /* whose records are being told */
    bool holds;    /* `held` was told and is not in a stretch yet */
    struct wal_scan scan;
    struct wal_group group;
    uint64_t group_at;
    struct wal_record held;

    /* mutex */
    struct mutex mutex;
    struct condition changed;
    struct wal_stretch ring[STRETCHES];
    size_t first, ready; /* stretches that are ready: which, and how many */
    size_t ready_bytes;
    bool taken;     /* the first one is being looked at */
    bool producing; /* somebody does a step */
    bool ended;     /* the last one is ready, or was taken */
    bool stops;     /* nobody takes any more */
    bool started;   /* the job, which has not ended */
    bool runs;      /* and has begun */
    struct io_job job;
};

/* ---- A segment in memory ----------------------------------------------------------------------------------------- */

/* Small pages would take longer to come by than the segment to read. */
static enum status make_room(struct wal_bytes *bytes, size_t size) {
    bytes->size = 0;
    if (size <= bytes->room) return STATUS_OK;
    pages_room_free(bytes->data, bytes->room);
    bytes->room = 0;
    bytes->data = pages_room_alloc(size);
    if (!bytes->data) return STATUS_NO_MEMORY;
    bytes->room = size;
    return STATUS_OK;
}

static enum status say(struct error *error, const struct wal_segment *segment, enum status status) {
    return error_set(error, status, "%s: %s", io_file_path(segment->file), status_text(status));
}

/* Up to `most` bytes more; *had: so many are there. */
static enum status read_more(struct wal_bytes *bytes, const struct wal_segment *segment, size_t most, size_t *had) {
    const size_t left = segment->bytes - *had, size = left < most ? left : most;
    size_t got = 0;
    const enum status status = io_file_read(segment->file, *had, bytes->data + *had, size, &got);
    if (status != STATUS_OK) return status;
    if (got < size) return STATUS_IO;
    *had += got;
    return STATUS_OK;
}

/* What comes before the first sector that the device refuses, and zeros. `had`: so much is there already. */
static void read_front(struct wal_bytes *bytes, const struct wal_segment *segment, size_t had) {
    size_t at = had, got = IO_SECTOR_BYTES;
    while (at < segment->bytes && got == IO_SECTOR_BYTES) {
        if (io_file_read(segment->file, at, bytes->data + at, IO_SECTOR_BYTES, &got) != STATUS_OK) break;
        at += got;
    }
    memset(bytes->data + at, 0, segment->bytes - at);
}

enum status wal_bytes_read(struct wal_bytes *bytes, const struct wal_segment *segment, size_t index,
                           struct error *error) {
    size_t had = 0;
    enum status status = make_room(bytes, segment->bytes);
    if (status == STATUS_OK) status = read_more(bytes, segment, segment->bytes, &had);
    if (status != STATUS_OK) return say(error, segment, status);
    bytes->size = had;
    bytes->index = index;
    return STATUS_OK;
}

void wal_bytes_deinit(struct wal_bytes *bytes) {
    pages_room_free(bytes->data, bytes->room);
    *bytes = (struct wal_bytes){0};
}

/* ---- A stretch --------------------------------------------------------------------------------------------------- */

static bool is_full(const struct wal_stretch *stretch, size_t payload_bytes) {
    return stretch->count == STRETCH_RECORDS || (stretch->count > 0 && stretch->used + payload_bytes > STRETCH_BYTES);
}

static enum status grow_bytes(struct wal_stretch *stretch, size_t payload_bytes) {
    const size_t room = payload_bytes > STRETCH_BYTES ? payload_bytes : STRETCH_BYTES;
    if (stretch->used + payload_bytes <= stretch->room) return STATUS_OK;
    check(stretch->count == 0); /* nothing points into it */
    free(stretch->bytes);
    stretch->room = 0;
    stretch->bytes = malloc(room);
    if (!stretch->bytes) return STATUS_NO_MEMORY;
    stretch->room = room;
    return STATUS_OK;
}

static enum status grow_records(struct wal_stretch *stretch) {
    if (stretch->count < stretch->record_room) return STATUS_OK;
    const size_t room = stretch->record_room ? stretch->record_room * 2 : 64;
    struct wal_record *grown = realloc(stretch->records, room * sizeof *grown);
    if (!grown) return STATUS_NO_MEMORY;
    stretch->records = grown;
    stretch->record_room = room;
    return STATUS_OK;
}

static enum status add_record(struct wal_stretch *stretch, const struct wal_record *record) {
    enum status status = grow_bytes(stretch, record->payload.size);
    if (status == STATUS_OK) status = grow_records(stretch);
    if (status != STATUS_OK) return status;
    uint8_t *to = stretch->bytes + stretch->used;
    if (record->payload.size) memcpy(to, record->payload.data, record->payload.size);
    stretch->records[stretch->count] = *record;
    stretch->records[stretch->count++].payload = slice_make(to, record->payload.size);
    stretch->used += record->payload.size;
    return STATUS_OK;
}

static void empty(struct wal_stretch *stretch) {
    stretch->count = 0;
    stretch->used = 0;
    stretch->ends = false;
    stretch->error = (struct error){.status = STATUS_OK};
    if (stretch->room <= STRETCH_BYTES) return;
    free(stretch->bytes);
    stretch->bytes = NULL;
    stretch->room = 0;
}

static void stretch_deinit(struct wal_stretch *stretch) {
    free(stretch->records);
    free(stretch->bytes);
}

/* ---- Producing --------------------------------------------------------------------------------------------------- */

static enum status note_unread(const struct wal_ahead *ahead, struct error *error) {
    return error_set(error, STATUS_IO, "%s: offset %llu or behind it: %s", io_file_path(ahead->files[ahead->at]->file),
                     (unsigned long long)ahead->scan.at, status_text(STATUS_IO));
}

static void end_segment(struct wal_ahead *ahead, struct wal_stretch *stretch, enum status status,
                        enum wal_verdict verdict) {
    if (status == STATUS_OK && ahead->is_part) status = note_unread(ahead, &stretch->error);
    stretch->ends = true;
    stretch->index = ahead->at;
    stretch->status = status;
    stretch->verdict = verdict;
    stretch->scan = ahead->scan;
    stretch->scan.scratch = BUF_EMPTY;
    wal_scan_deinit(&ahead->scan);
    ahead->scan = (struct wal_scan){0};
    ahead->scans = ahead->is_part = false;
    ahead->had = 0;
    ahead->at++;
}

static enum status begin_scan(struct wal_ahead *ahead, struct error *error) {
    const struct wal_segment_header *header = &ahead->headers[ahead->at];
    const struct wal_segment *segment = ahead->files[ahead->at];
    const bool newest = ahead->at + 1 == ahead->count;
    enum status status = make_room(ahead->bytes, segment->bytes);
    if (status != STATUS_OK) return say(error, segment, status);
    ahead->scans = true;
    const struct slice bytes = slice_make(ahead->bytes->data, segment->bytes);
    status = wal_scan_init(&ahead->scan, bytes, header, newest ? NULL : header + 1, error);
    if (status != STATUS_OK) return error_prefix(error, status, "%s", io_file_path(segment->file));
    wal_scan_have(&ahead->scan, 0);
    return STATUS_OK;
}

/* Some more of the segment. */
static enum status read_some(struct wal_ahead *ahead, struct error *error) {
    const struct wal_segment *segment = ahead->files[ahead->at];
    const enum status status = read_more(ahead->bytes, segment, READ_BYTES, &ahead->had);
    if (status != STATUS_OK && status != STATUS_IO) return say(error, segment, status);
    if (status == STATUS_IO) { /* there is no more than that */
        read_front(ahead->bytes, segment, ahead->had);
        ahead->had = segment->bytes;
        ahead->is_part = true;
    }
    wal_scan_have(&ahead->scan, ahead->had);
    if (ahead->had < segment->bytes) return STATUS_OK;
    ahead->bytes->size = ahead->had;
    ahead->bytes->index = ahead->at;
    return STATUS_OK;
}

/* What stands behind the last group, too: whoever is told of the end has the segment. */
static enum status read_rest(struct wal_ahead *ahead, struct error *error) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && ahead->had < ahead->files[ahead->at]->bytes) status = read_some(ahead, error);
    return status;
}

/* The next record that verifies, into ahead->held; *verdict is GROUP as long as there is one. */
static enum status find_record(struct wal_ahead *ahead, enum wal_verdict *verdict) {
    *verdict = WAL_FOUND_GROUP;
    for (;;) {
        enum status status;
        if (!ahead->in_group) {
            status = wal_scan_next(&ahead->scan, verdict, &ahead->group);
            if (status != STATUS_OK || *verdict != WAL_FOUND_GROUP) return status;
            ahead->in_group = true;
            ahead->group_at = 0;
        }
        status = wal_scan_record(&ahead->scan, &ahead->group, &ahead->group_at, &ahead->held);
        if (status == STATUS_END || ahead->group.count == 1) ahead->in_group = false; /* most hold one record */
        if (status != STATUS_END) {
            ahead->holds = status == STATUS_OK;
            return status;
        }
    }
}

/* Until it is full, or the segment at its end. */
static void fill(struct wal_ahead *ahead, struct wal_stretch *stretch) {
    for (;;) {
        enum wal_verdict verdict = WAL_FOUND_GROUP;
        enum status status = ahead->holds ? STATUS_OK : find_record(ahead, &verdict);
        if (status == STATUS_OK && verdict == WAL_FOUND_GROUP) {
            if (is_full(stretch, ahead->held.payload.size)) return;
            status = add_record(stretch, &ahead->held);
            ahead->holds = false;
        } else if (status == STATUS_OK && verdict == WAL_FOUND_UNREAD) {
            status = read_some(ahead, &stretch->error);
        } else {
            if (status == STATUS_OK) status = read_rest(ahead, &stretch->error);
            end_segment(ahead, stretch, status, verdict);
            return;
        }
        if (status == STATUS_OK) continue;
        end_segment(ahead, stretch, status, verdict);
        return;
    }
}

/* A bounded amount of work on the stretch, which is ready then. */
static void produce(struct wal_ahead *ahead, struct wal_stretch *stretch) {
    const enum status status = ahead->scans ? STATUS_OK : begin_scan(ahead, &stretch->error);
    if (status == STATUS_OK)
        fill(ahead, stretch);
    else
        end_segment(ahead, stretch, status, WAL_FOUND_FAULTY);
}

static bool is_last(const struct wal_ahead *ahead, const struct wal_stretch *stretch) {
    return stretch->ends &&
           (stretch->status != STATUS_OK || stretch->verdict != WAL_FOUND_END || stretch->index + 1 == ahead->count);
}

static bool has_room(const struct wal_ahead *ahead) {
    return !ahead->ended && !ahead->stops && ahead->ready < STRETCHES &&
           (ahead->ready == 0 || ahead->ready_bytes < READY_BYTES_MOST);
}

/* REQUIRES: mutex, which it gives up meanwhile; has_room, and nobody is at it. */
static void produce_once(struct wal_ahead *ahead) {
    struct wal_stretch *stretch = &ahead->ring[(ahead->first + ahead->ready) % STRETCHES];
    ahead->producing = true;
    mutex_unlock(&ahead->mutex);
    produce(ahead, stretch);
    mutex_lock(&ahead->mutex);
    ahead->producing = false;
    ahead->ready++;
    ahead->ready_bytes += stretch->used;
    ahead->ended = is_last(ahead, stretch);
    condition_broadcast(&ahead->changed);
}

static enum io_job_state step(struct io_job *job) {
    struct wal_ahead *ahead = job->context;
    mutex_lock(&ahead->mutex);
    ahead->runs = true;
    while (ahead->producing) condition_wait(&ahead->changed, &ahead->mutex);
    const bool works = has_room(ahead);
    if (works) {
        produce_once(ahead);
    } else {
        ahead->started = ahead->runs = false;
        condition_broadcast(&ahead->changed);
    }
    mutex_unlock(&ahead->mutex);
    return works ? IO_JOB_MORE : IO_JOB_DONE;
}

/* REQUIRES: mutex. The job goes on once half of the ring is free. */
static void start_job(struct wal_ahead *ahead) {
    if (!ahead->has_job || ahead->started || !has_room(ahead) || ahead->ready > STRETCHES / 2) return;
    ahead->started = true;
    ahead->job = (struct io_job){.pool = IO_POOL_READ, .step = step, .context = ahead};
    io_job_start(ahead->io, &ahead->job);
}

/* ---- Taking ------------------------------------------------------------------------------------------------------ */

/* REQUIRES: mutex. */
static void give_back(struct wal_ahead *ahead) {
    if (!ahead->taken) return;
    ahead->taken = false;
    ahead->ready_bytes -= ahead->ring[ahead->first].used;
    empty(&ahead->ring[ahead->first]);
    ahead->first = (ahead->first + 1) % STRETCHES;
    ahead->ready--;
}

const struct wal_stretch *wal_ahead_next(struct wal_ahead *ahead) {
    mutex_lock(&ahead->mutex);
    give_back(ahead);
    start_job(ahead);
    while (ahead->ready == 0 && !ahead->ended) {
        if (ahead->runs || ahead->producing)
            condition_wait(&ahead->changed, &ahead->mutex);
        else
            produce_once(ahead);
    }
    ahead->taken = ahead->ready > 0;
    const struct wal_stretch *stretch = ahead->taken ? &ahead->ring[ahead->first] : NULL;
    mutex_unlock(&ahead->mutex);
    return stretch;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct wal_ahead *wal_ahead_begin(struct io *io, struct wal_segment *const *files,
                                  const struct wal_segment_header *headers, size_t first, size_t count,
                                  struct wal_bytes *bytes) {
    struct wal_ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead) return NULL;
    uint64_t all = 0;
    for (size_t i = first; i < count; i++) all += files[i]->bytes;
    ahead->io = io;
    ahead->files = files;
    ahead->headers = headers;
    ahead->count = count;
    ahead->bytes = bytes;
    ahead->at = first;
    ahead->ended = first == count;
    ahead->has_job = all >= JOB_BYTES_LEAST;
    mutex_init(&ahead->mutex);
    condition_init(&ahead->changed);
    return ahead;
}

void wal_ahead_end(struct wal_ahead *ahead) {
    if (!ahead) return;
    mutex_lock(&ahead->mutex);
    ahead->stops = true;
    io_job_wait_while(ahead->io, &ahead->started, &ahead->mutex, &ahead->changed);
    mutex_unlock(&ahead->mutex);
    wal_scan_deinit(&ahead->scan);
    for (size_t i = 0; i < STRETCHES; i++) stretch_deinit(&ahead->ring[i]);
    condition_deinit(&ahead->changed);
    mutex_deinit(&ahead->mutex);
    free(ahead);
}
