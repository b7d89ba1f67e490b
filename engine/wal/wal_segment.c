/*
 * wal_segment: the life of a segment's file: prepared (zero-filled or recycled), given a header and a name, live,
 * dropped, recycled or removed.
 *
 * Invariant: under a name NNNNNNNN.wal stands a file whose header for that number is durable. Names are taken away
 * oldest first, each made durable before the next, so that the numbers on disk never have a gap. The keeper is the job
 * that does this in the background.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/wal/wal_internal.h"

static const uint8_t zeros[WAL_FILL_CHUNK];

/* ---- Names ------------------------------------------------------------------------------------------------------- */

void wal_segment_name(char name[WAL_NAME_BYTES], uint32_t number) {
    snprintf(name, WAL_NAME_BYTES, "%08x.wal", number);
}

void wal_spare_name(char name[WAL_NAME_BYTES], uint32_t serial) {
    snprintf(name, WAL_NAME_BYTES, "%08x.spare", serial);
}

bool wal_parse_name(const char *name, const char *suffix, uint32_t *number) {
    *number = 0;
    for (int i = 0; i < 8; i++) {
        char c = name[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a' + 10);
        else
            return false;
        *number = *number << 4 | digit;
    }
    return strcmp(name + 8, suffix) == 0;
}

enum status wal_path(const struct wal *wal, const char *name, char path[IO_PATH_BYTES]) {
    int length = snprintf(path, IO_PATH_BYTES, "%s/%s", wal->dir, name);
    return length > 0 && length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

static const char rotating_name[] = "rotate.tmp";
static const char filling_name[] = "prepare.tmp";

/* ---- Preparing --------------------------------------------------------------------------------------------------- */

static void count_disk(struct wal *wal, int64_t bytes) {
    mutex_lock(&wal->mutex);
    wal->disk_bytes += (uint64_t)bytes;
    mutex_unlock(&wal->mutex);
}

static void count_sync(struct wal *wal) {
    atomic_fetch_add_explicit(&wal->file_syncs, 1, memory_order_relaxed);
}

static enum status open_fresh(struct wal *wal, const char *name, struct io_file **file) {
    char path[IO_PATH_BYTES];
    enum status status = wal_path(wal, name, path);
    if (status != STATUS_OK) return status;
    return io_file_open(wal->io, path, IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, file);
}

static void remove_quietly(struct wal *wal, const char *name) {
    char path[IO_PATH_BYTES];
    if (wal_path(wal, name, path) != STATUS_OK) return;
    enum status status = io_remove(wal->io, path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_warn(wal->log, "wal %s: cannot remove %s: %s", wal->dir, name, status_text(status));
}

/* Zeros from *filled on, at most `chunks` chunks. */
static enum status fill(struct io_file *file, uint64_t bytes, uint64_t *filled, unsigned chunks) {
    for (unsigned i = 0; i < chunks && *filled < bytes; i++) {
        uint64_t left = bytes - *filled;
        size_t size = left < sizeof zeros ? (size_t)left : sizeof zeros;
        enum status status = io_file_write(file, *filled, zeros, size);
        if (status != STATUS_OK) return status;
        *filled += size;
    }
    return STATUS_OK;
}

/* Whether segments are written full of zeros before use: where groups are synced, so that a sync has no block to turn
 * from allocated to written. Otherwise having the blocks is enough. */
static bool fills_ahead(const struct wal *wal) {
    return wal->on_commit != NULL || atomic_load_explicit(&wal->syncs_come, memory_order_relaxed);
}

/*
 * A sync of blocks that are merely allocated has the file system note each time that they are written now. So the first
 * durable commit in such a segment writes zeros ahead of it, in stretches that grow; its own sync covers them.
 */
enum status wal_fill_ahead(struct wal *wal, uint64_t end) {
    if (end <= wal->current_filled) return STATUS_OK;
    uint64_t at = (end + IO_PAGE_BYTES - 1) / IO_PAGE_BYTES * IO_PAGE_BYTES;
    const uint64_t want = at + wal->fill_step, till = want < wal->current_bytes ? want : wal->current_bytes;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && at < till) status = fill(wal_current_file(wal), till, &at, 1);
    if (status != STATUS_OK) return status;
    wal->current_filled = till;
    if (wal->fill_step < WAL_FILL_AHEAD_MOST_BYTES) wal->fill_step *= 2;
    return STATUS_OK;
}

/* The name under which a prepared file stands that becomes the segment: a spare's, or that of one zero-filled here. Its
 * size is right and durable. */
static enum status prepared(struct wal *wal, uint64_t bytes, char name[WAL_NAME_BYTES], bool *recycled,
                            bool *allocated) {
    *recycled = *allocated = false;
    mutex_lock(&wal->mutex);
    if (bytes == wal->segment_bytes && wal->spare_count > 0) {
        wal_spare_name(name, wal->spares[--wal->spare_count]);
        *allocated = wal->spare_allocated[wal->spare_count];
        *recycled = true;
    }
    mutex_unlock(&wal->mutex);
    if (*recycled) return STATUS_OK;

    snprintf(name, WAL_NAME_BYTES, "%s", rotating_name);
    struct io_file *file;
    uint64_t free_bytes = 0;
    /* Known beforehand, it costs nothing: an owner may ask again with each write. */
    if (io_free_space(wal->io, wal->dir, &free_bytes) == STATUS_OK && free_bytes < bytes) return STATUS_NO_SPACE;
    enum status status = open_fresh(wal, name, &file);
    if (status != STATUS_OK) return status;
    uint64_t filled = 0;
    *allocated = !fills_ahead(wal);
    if (*allocated)
        status = io_file_allocate(file, bytes);
    else
        while (status == STATUS_OK && filled < bytes) status = fill(file, bytes, &filled, 1);
    if (status == STATUS_OK) status = io_file_sync(file);
    io_file_close(file);
    if (status != STATUS_OK)
        remove_quietly(wal, name);
    else
        count_disk(wal, (int64_t)bytes);
    count_sync(wal);
    return status;
}

/* ---- A new newest segment ---------------------------------------------------------------------------------------- */

struct wal_segment_header wal_next_header(const struct wal *wal, uint32_t number, uint64_t bytes,
                                          uint64_t start_group) {
    /* A number may be left out where segments behind a hole died: only the latest version can say so. */
    const bool leaps = wal->current_segment != 0 && number != wal->current_segment + 1;
    return (struct wal_segment_header){
        .version = leaps ? WAL_VERSION_LOOSE : wal->version,
        .segment = number,
        .owner = wal->owner,
        .segment_bytes = bytes,
        .start_group = start_group,
        .predecessor_end = wal->current_segment ? wal_lsn(wal->current_segment, wal->current_end) : 0,
        .predecessor_group = wal->current_segment ? wal->last_group : 0,
        .durable = wal->current_segment ? wal->durable_group : 0,
    };
}

static enum status write_header(struct wal *wal, const char *path, const struct wal_segment_header *header) {
    struct io_file *file;
    enum status status = io_file_open(wal->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file);
    if (status != STATUS_OK) return status;
    uint8_t page[WAL_HEADER_BYTES];
    wal_segment_header_encode(page, header);
    status = io_file_write_sync(file, 0, page, sizeof page); /* and nothing of what the file held before */
    count_sync(wal);
    io_file_close(file);
    return status;
}

static enum status name_segment(struct wal *wal, const char *from, uint32_t number, struct io_file **file) {
    char name[WAL_NAME_BYTES], path[IO_PATH_BYTES];
    wal_segment_name(name, number);
    enum status status = wal_path(wal, name, path);
    if (status == STATUS_OK) status = io_rename(wal->io, from, path);
    if (status == STATUS_OK) status = io_dir_sync(wal->io, wal->dir);
    count_sync(wal);
    if (status == STATUS_OK) status = io_file_open(wal->io, path, WAL_OPEN_FLAGS, file);
    return status;
}

enum status wal_make_segment(struct wal *wal, const struct wal_segment_header *header, struct wal_segment **made) {
    char name[WAL_NAME_BYTES], path[IO_PATH_BYTES];
    bool recycled;
    *made = NULL;
    struct wal_segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) return STATUS_NO_MEMORY;
    enum status status = prepared(wal, header->segment_bytes, name, &recycled, &segment->allocated);
    if (status == STATUS_OK) status = wal_path(wal, name, path);
    if (status == STATUS_OK) {
        /* A prepared file has its blocks: what fails from here on is a fault of the device, not want of room. */
        status = write_header(wal, path, header);
        if (status == STATUS_OK) status = name_segment(wal, path, header->segment, &segment->file);
        if (status == STATUS_NO_SPACE) status = STATUS_IO;
    }
    if (status != STATUS_OK) {
        free(segment);
        return status;
    }
    segment->number = header->segment;
    segment->version = header->version;
    segment->bytes = header->segment_bytes;
    mutex_lock(&wal->mutex);
    if (recycled)
        wal->recycled++;
    else
        wal->created++;
    mutex_unlock(&wal->mutex);
    *made = segment;
    return STATUS_OK;
}

void wal_install_segment(struct wal *wal, struct wal_segment *made) {
    mutex_lock(&wal->mutex);
    list_push_back(&wal->live, &made->link);
    wal->fill_paused = false;
    mutex_unlock(&wal->mutex);
    wal->current = made;
    wal->current_segment = made->number;
    wal->current_bytes = made->bytes;
    wal->current_version = made->version;
    wal->current_filled = made->allocated ? 0 : made->bytes;
    wal->fill_step = WAL_FILL_AHEAD_FIRST_BYTES;
    wal->current_end = 0;
    wal->pushed = 0;
    wal->spare_asked = false;
    if (made->number - wal->sync_segment > WAL_SYNCS_LAST_SEGMENTS)
        atomic_store_explicit(&wal->syncs_come, false, memory_order_relaxed);
}

void wal_set_end(struct wal *wal, uint64_t position) {
    wal->current_end = position;
    atomic_store_explicit(&wal->current->end, position, memory_order_release);
}

void wal_push(struct wal *wal) {
    mutex_lock(&wal->mutex);
    if (wal->pushing != wal_current_file(wal)) wal->push_begin = wal_offset_of(wal->pushed);
    wal->pushing = wal_current_file(wal);
    wal->push_end = wal_offset_of(wal->current_end);
    mutex_unlock(&wal->mutex);
    wal->pushed = wal->current_end;
    wal_keeper_poke(wal);
}

/* ---- The keeper -------------------------------------------------------------------------------------------------- */

enum keeper_work { KEEPER_NOTHING, KEEPER_ROTATE, KEEPER_PUSH, KEEPER_DROP, KEEPER_FILL };

/* REQUIRES: mutex held. */
static enum keeper_work choose_work(const struct wal *wal) {
    if (wal->closing) return KEEPER_NOTHING;
    if (wal->rotation_state == WAL_ROTATION_ASKED) return KEEPER_ROTATE;
    if (wal->pushing != NULL) return KEEPER_PUSH;
    if (!list_is_empty(&wal->dropped) && !wal->drop_paused) return KEEPER_DROP;
    if (wal->filling != NULL || (wal->wants_spare && wal->spare_count == 0 && !wal->fill_paused)) return KEEPER_FILL;
    return KEEPER_NOTHING;
}

static void keep_rotation(struct wal *wal) {
    wal->rotation.status = wal_make_segment(wal, &wal->rotation.header, &wal->rotation.made);
    mutex_lock(&wal->mutex);
    wal->rotation_state = WAL_ROTATION_DONE;
    mutex_unlock(&wal->mutex);
}

/* A file that is pushed is live, or dropped and not yet closed: closing is the keeper's own work, and comes after. */
static void keep_push(struct wal *wal) {
    mutex_lock(&wal->mutex);
    struct io_file *file = wal->pushing;
    const uint64_t begin = wal->push_begin, end = wal->push_end;
    wal->pushing = NULL;
    mutex_unlock(&wal->mutex);
    io_file_push(file, begin, end - begin);
}

/* REQUIRES: mutex held. */
static bool add_spare(struct wal *wal, uint32_t serial, bool allocated) {
    if (wal->spare_count == WAL_SPARES_MAX) return false;
    wal->spare_allocated[wal->spare_count] = allocated;
    wal->spares[wal->spare_count++] = serial;
    return true;
}

/* The oldest dropped file loses its name, for good, before the next one may. */
static void keep_drop(struct wal *wal) {
    mutex_lock(&wal->mutex);
    struct wal_segment *segment = list_entry(list_pop_front(&wal->dropped), struct wal_segment, link);
    wal->dropping = true;
    bool recycle = wal->spare_count < wal->recycle_limit && segment->bytes == wal->segment_bytes;
    uint32_t serial = recycle ? wal->spare_serial++ : 0;
    mutex_unlock(&wal->mutex);

    char name[WAL_NAME_BYTES], from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    wal_segment_name(name, segment->number);
    enum status status = wal_path(wal, name, from);
    wal_spare_name(name, serial);
    if (status == STATUS_OK) status = wal_path(wal, name, to);
    io_file_close(segment->file);
    segment->file = NULL;
    if (status == STATUS_OK) status = recycle ? io_rename(wal->io, from, to) : io_remove(wal->io, from);
    if (status == STATUS_NOT_FOUND) { /* an attempt before did it, and could not make it durable */
        status = STATUS_OK;
        recycle = false;
    }
    if (status == STATUS_OK) status = io_dir_sync(wal->io, wal->dir);
    if (status != STATUS_OK)
        log_warn(wal->log, "wal %s: segment %08x is kept for now: %s", wal->dir, segment->number, status_text(status));

    count_sync(wal);
    mutex_lock(&wal->mutex);
    wal->dropping = false;
    if (status != STATUS_OK) {
        wal->drop_paused = true;
        list_push_front(&wal->dropped, &segment->link);
        segment = NULL;
    } else if (!recycle || !add_spare(wal, serial, segment->allocated && segment->unsynced)) {
        wal->disk_bytes -= segment->bytes;
    }
    mutex_unlock(&wal->mutex);
    free(segment);
}

static enum status finish_spare(struct wal *wal) {
    enum status status = io_file_sync(wal->filling);
    count_sync(wal);
    io_file_close(wal->filling);
    wal->filling = NULL;
    if (status != STATUS_OK) return status;
    mutex_lock(&wal->mutex);
    uint32_t serial = wal->spare_serial++;
    mutex_unlock(&wal->mutex);
    char name[WAL_NAME_BYTES], from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    wal_spare_name(name, serial);
    status = wal_path(wal, filling_name, from);
    if (status == STATUS_OK) status = wal_path(wal, name, to);
    if (status == STATUS_OK) status = io_rename(wal->io, from, to);
    if (status != STATUS_OK) return status;
    mutex_lock(&wal->mutex);
    bool added = add_spare(wal, serial, wal->filling_allocated);
    wal->disk_bytes += wal->segment_bytes;
    mutex_unlock(&wal->mutex);
    check(added); /* one is prepared only when there is none */
    return STATUS_OK;
}

static void keep_fill(struct wal *wal) {
    enum status status = STATUS_OK;
    if (wal->filling == NULL) {
        wal->filled = 0;
        status = open_fresh(wal, filling_name, &wal->filling);
        wal->filling_allocated = !fills_ahead(wal);
        if (status == STATUS_OK && wal->filling_allocated) {
            status = io_file_allocate(wal->filling, wal->segment_bytes);
            wal->filled = wal->segment_bytes;
        }
    }
    if (status == STATUS_OK) status = fill(wal->filling, wal->segment_bytes, &wal->filled, WAL_FILL_STEP_CHUNKS);
    if (status == STATUS_OK && wal->filled == wal->segment_bytes) status = finish_spare(wal);
    if (status == STATUS_OK) return;

    log_warn(wal->log, "wal %s: no segment prepared ahead: %s", wal->dir, status_text(status));
    io_file_close(wal->filling);
    wal->filling = NULL;
    remove_quietly(wal, filling_name);
    mutex_lock(&wal->mutex);
    wal->fill_paused = true;
    mutex_unlock(&wal->mutex);
}

static enum io_job_state keeper_step(struct io_job *job) {
    struct wal *wal = job->context;
    mutex_lock(&wal->mutex);
    enum keeper_work work = choose_work(wal);
    mutex_unlock(&wal->mutex);
    if (work == KEEPER_ROTATE) keep_rotation(wal);
    if (work == KEEPER_PUSH) keep_push(wal);
    if (work == KEEPER_DROP) keep_drop(wal);
    if (work == KEEPER_FILL) keep_fill(wal);

    mutex_lock(&wal->mutex);
    bool ended = wal->rotation_state == WAL_ROTATION_DONE || choose_work(wal) == KEEPER_NOTHING;
    wal->keeper_ended = ended;
    if (ended && wal->keeper.done == NULL) wal->keeper_runs = false; /* else the loop does it, when it is told */
    condition_broadcast(&wal->changed);
    mutex_unlock(&wal->mutex);
    return ended ? IO_JOB_DONE : IO_JOB_MORE;
}

void wal_keeper_poke(struct wal *wal) {
    mutex_lock(&wal->mutex);
    bool start = !wal->keeper_runs && choose_work(wal) != KEEPER_NOTHING;
    if (start) {
        wal->keeper_runs = true;
        wal->keeper_ended = false;
    }
    mutex_unlock(&wal->mutex);
    if (!start) return;
    wal->keeper = (struct io_job){
        .pool = IO_POOL_COMPACTION,
        .priority = -1, /* before any compaction: commits may wait for it */
        .step = keeper_step,
        .done = wal->on_commit != NULL ? wal_keeper_done : NULL,
        .context = wal,
    };
    io_job_start(wal->io, &wal->keeper);
}

void wal_keeper_done(struct io_job *job) {
    struct wal *wal = job->context;
    mutex_lock(&wal->mutex);
    wal->keeper_runs = false;
    bool rotated = wal->rotation_state == WAL_ROTATION_DONE && !wal->closing;
    if (rotated) wal->rotation_state = WAL_ROTATION_NONE;
    mutex_unlock(&wal->mutex);
    if (wal->closing) return;
    if (rotated) wal_rotation_done(wal);
    wal_keeper_poke(wal);
}

enum { WAIT_TURN_NS = 1000000 };

/* Until `ready` says so; the mutex is held around it. */
static void wait_until(struct wal *wal, bool (*ready)(const struct wal *wal)) {
    mutex_lock(&wal->mutex);
    while (!ready(wal)) {
        mutex_unlock(&wal->mutex);
        bool ran = io_job_assist(wal->io);
        mutex_lock(&wal->mutex);
        if (!ran && !ready(wal)) condition_wait(&wal->changed, &wal->mutex);
    }
    mutex_unlock(&wal->mutex);
}

static bool keeper_has_ended(const struct wal *wal) {
    return !wal->keeper_runs || wal->keeper_ended;
}

static bool spare_is_decided(const struct wal *wal) {
    return keeper_has_ended(wal) || wal->spare_count > 0;
}

void wal_keeper_wait(struct wal *wal) {
    wait_until(wal, keeper_has_ended);
    while (wal->keeper_runs) io_run(wal->io, io_now_ns(wal->io) + WAIT_TURN_NS); /* the loop still has to be told */
}

void wal_keeper_wait_for_spare(struct wal *wal) {
    wait_until(wal, spare_is_decided);
}

static bool drops_are_decided(const struct wal *wal) {
    return !wal->dropping && (list_is_empty(&wal->dropped) || wal->drop_paused);
}

/* One that could not be removed. */
static enum status sync_dropped(struct wal *wal, struct wal_segment *segment) {
    char name[WAL_NAME_BYTES], path[IO_PATH_BYTES];
    struct io_file *file = NULL;
    wal_segment_name(name, segment->number);
    enum status status = wal_path(wal, name, path);
    if (status == STATUS_OK) status = io_file_open(wal->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file);
    if (status == STATUS_NOT_FOUND) return io_dir_sync(wal->io, wal->dir);
    if (status == STATUS_OK) status = io_file_sync(file);
    count_sync(wal);
    io_file_close(file);
    segment->unsynced = segment->unsynced && status != STATUS_OK;
    return status;
}

enum status wal_forget_dropped(struct wal *wal) {
    if (!wal->dropped_unsynced) return STATUS_OK;
    wal_keeper_poke(wal);
    wait_until(wal, drops_are_decided);
    enum status status = STATUS_OK; /* the keeper leaves the list alone as long as drops are paused */
    for (struct list *link = wal->dropped.next; link != &wal->dropped && status == STATUS_OK; link = link->next) {
        struct wal_segment *segment = list_entry(link, struct wal_segment, link);
        if (segment->unsynced) status = sync_dropped(wal, segment);
    }
    if (status == STATUS_OK) wal->dropped_unsynced = false;
    return status;
}
