/*
 * wal_writer: append, commit, drop. One commit is in flight at a time; a synced group ends at the end of a page, so
 * that nothing durable is ever written again; the first failed write or sync makes the log read-only for good.
 */
#include <stdlib.h>

#include "engine/wal/wal_internal.h"

enum status wal_fail(struct wal *wal, enum status status, const char *what) {
    if (wal->failed == STATUS_OK) {
        wal->failed = status;
        log_error(wal->log, "wal %s: %s: %s; the log is read-only from here on", wal->dir, what, status_text(status));
    }
    return status;
}

/* ---- Append ------------------------------------------------------------------------------------------------------ */

static struct wal_image *first_group(const struct wal *wal) {
    return list_is_empty(&wal->groups) ? NULL : list_entry(wal->groups.next, struct wal_image, link);
}

static struct wal_image *open_group(const struct wal *wal) {
    if (list_is_empty(&wal->groups)) return NULL;
    struct wal_image *last = list_entry(wal->groups.prev, struct wal_image, link);
    return last->closed ? NULL : last;
}

static struct wal_image *take_image(struct wal *wal) {
    struct list *link = list_pop_front(&wal->idle_images);
    if (link != NULL) return list_entry(link, struct wal_image, link);
    struct wal_image *image = calloc(1, sizeof *image);
    if (image != NULL) list_init(&image->link);
    return image;
}

static void give_image_back(struct wal *wal, struct wal_image *image) {
    if (image->sectors.capacity > WAL_IMAGE_KEEP_BYTES) buf_deinit(&image->sectors);
    list_push_front(&wal->idle_images, &image->link);
}

/* Bytes of a segment made for a group whose first record has that payload. */
static uint64_t segment_bytes_for(const struct wal *wal, size_t payload_bytes) {
    uint64_t stream = wal_page_up(WAL_GROUP_HEADER_BYTES + WAL_PREFIX_BYTES + payload_bytes);
    uint64_t bytes = WAL_HEADER_BYTES + stream / WAL_PAGE_STREAM * IO_PAGE_BYTES;
    return bytes > wal->segment_bytes ? bytes : wal->segment_bytes;
}

/* Begins a group where the last one ended, or at the start of a further segment if the payload does not fit. */
static enum status begin_group(struct wal *wal, size_t payload_bytes, struct wal_image **begun) {
    struct wal_image *image = take_image(wal);
    if (image == NULL) return STATUS_NO_MEMORY;
    uint32_t segment = wal->next_segment;
    uint64_t position = wal->next_position;
    uint64_t need = wal_item_start(position + WAL_GROUP_HEADER_BYTES) + WAL_PREFIX_BYTES + payload_bytes;
    bool fixed = segment == wal->current_segment || position > 0; /* the segment has its size */
    if (fixed && need > wal_capacity(wal->next_bytes)) {
        segment++;
        position = 0;
        fixed = false;
    }
    uint64_t bytes = fixed ? wal->next_bytes : segment_bytes_for(wal, payload_bytes);
    const uint8_t *shared = position % WAL_BODY_BYTES != 0 ? wal->tail : NULL;
    enum status status = wal_image_begin(image, wal->owner, segment, bytes, position, wal->next_group, shared);
    if (status != STATUS_OK) {
        give_image_back(wal, image);
        return status;
    }
    wal->next_group++;
    wal->next_segment = segment;
    wal->next_position = position;
    list_push_back(&wal->groups, &image->link);
    *begun = image;
    return STATUS_OK;
}

/* The open group, if it takes the payload, else a new one. */
static enum status group_for(struct wal *wal, size_t payload_bytes, struct wal_image **image) {
    *image = open_group(wal);
    if (*image != NULL && wal_image_fits(*image, payload_bytes)) return STATUS_OK;
    if (*image == NULL) return begin_group(wal, payload_bytes, image);
    struct wal_image *full = *image;
    uint32_t segment = wal->next_segment;
    uint64_t position = wal->next_position;
    wal->next_segment = full->segment + 1;
    wal->next_position = 0;
    enum status status = begin_group(wal, payload_bytes, image);
    if (status == STATUS_OK) {
        full->closed = true;
    } else {
        wal->next_segment = segment;
        wal->next_position = position;
    }
    return status;
}

enum status wal_append(struct wal *wal, uint8_t type, const struct slice *parts, unsigned part_count, uint64_t *lsn) {
    check(type != 0 && part_count <= WAL_PARTS_MAX);
    if (wal->failed != STATUS_OK) return STATUS_READ_ONLY;
    size_t size = 0;
    for (unsigned i = 0; i < part_count; i++) {
        if (parts[i].size > WAL_RECORD_MAX_BYTES) return STATUS_TOO_LARGE;
        size += parts[i].size;
    }
    if (size > WAL_RECORD_MAX_BYTES) return STATUS_TOO_LARGE;
    size_t cost = WAL_PREFIX_BYTES + size;
    if (wal->pending > 0 && wal->pending + cost > wal->pending_limit) return STATUS_BUSY;

    const struct wal_payload payload = {.parts = parts, .count = part_count, .size = size};
    struct wal_image *image;
    enum status status = group_for(wal, size, &image);
    if (status == STATUS_OK) status = wal_image_add(image, wal->owner, type, &payload, lsn);
    if (status != STATUS_OK) return status;
    image->pending += cost;
    wal->pending += cost;
    wal->stats.records++;
    wal->stats.payload_bytes += size;
    return STATUS_OK;
}

/* ---- Commit ------------------------------------------------------------------------------------------------------ */

static void seal(struct wal *wal, struct wal_image *image, bool padded) {
    bool newest = wal->groups.prev == &image->link;
    struct wal_seal how = {
        .owner = wal->owner, .previous = wal->last_group, .durable = wal->durable_group, .padded = padded};
    wal_image_seal(image, &how);
    if (!newest) return; /* the next one has its place already, in a later segment */
    wal->next_segment = image->segment;
    wal->next_position = image->end;
    wal->next_bytes = image->segment_bytes;
}

/* Every segment is: see sync_older. */
static void now_durable(struct wal *wal) {
    wal->unsynced = wal->current->unsynced = false;
    wal->durable_group = wal->last_group;
    atomic_store_explicit(&wal->durable_lsn, wal_end_lsn(wal->current_segment, wal->current_end), memory_order_release);
}

/* The group stands in the file. */
static void finish_group(struct wal *wal, struct wal_image *image, bool synced) {
    struct slice range;
    uint64_t offset;
    range = wal_image_range(image, &offset);
    wal->stats.commits++;
    wal->stats.written_bytes += range.size;
    wal->last_group = image->group;
    wal_set_end(wal, image->end);
    wal->pending -= image->pending;
    if (image->end % WAL_BODY_BYTES != 0) memcpy(wal->tail, wal_image_sector(image, image->end), IO_SECTOR_BYTES);
    wal->unsynced = wal->current->unsynced = true;
    if (synced) {
        wal->stats.syncs++;
        now_durable(wal);
    }
    list_remove(&image->link);
    give_image_back(wal, image);
}

/* Whether it is time to have the next segment prepared. */
static void want_spare(struct wal *wal) {
    if (wal->spare_asked || wal->current_end < wal_capacity(wal->current_bytes) / 2) return;
    wal->spare_asked = true;
    mutex_lock(&wal->mutex);
    wal->wants_spare = true;
    mutex_unlock(&wal->mutex);
    wal_keeper_poke(wal);
}

static void forget_spare_wish(struct wal *wal) {
    mutex_lock(&wal->mutex);
    wal->wants_spare = false;
    mutex_unlock(&wal->mutex);
}

/* The segments before the newest one, oldest first: nothing is acknowledged before they are durable, too. Those that
 * were dropped need not be, once they are gone. */
static enum status sync_older(struct wal *wal) {
    const enum status gone = wal_forget_dropped(wal);
    if (gone != STATUS_OK) return wal_fail(wal, gone, "neither removed nor synced what was dropped");
    for (struct list *link = wal->live.next; link != &wal->live; link = link->next) {
        struct wal_segment *segment = list_entry(link, struct wal_segment, link);
        if (!segment->unsynced || segment == wal->current) continue;
        wal->stats.syncs++;
        const enum status status = io_file_sync(segment->file);
        if (status != STATUS_OK) return wal_fail(wal, status, "sync of an older segment failed");
        segment->unsynced = false;
    }
    return STATUS_OK;
}

static enum status sync_all(struct wal *wal) {
    enum status status = sync_older(wal);
    if (status != STATUS_OK) return status;
    wal->stats.syncs++;
    status = io_file_sync(wal_current_file(wal));
    if (status != STATUS_OK) return wal_fail(wal, status, "sync failed");
    now_durable(wal);
    return STATUS_OK;
}

/* Nobody asks for durability, and the next segment's header may say so: what is full stays in the system's cache. */
static bool leaves_unsynced(const struct wal *wal) {
    return wal->loose && !atomic_load_explicit(&wal->syncs_come, memory_order_relaxed);
}

/* Blocking. The segment of `image` becomes the newest; what came before is durable then, or the header says how much of
 * it. */
static enum status rotate(struct wal *wal, const struct wal_image *image) {
    if (wal->unsynced && !leaves_unsynced(wal)) {
        enum status status = sync_all(wal);
        if (status != STATUS_OK) return status;
    }
    wal_keeper_wait_for_spare(wal);
    struct wal_segment_header header = wal_next_header(wal, image->segment, image->segment_bytes, image->group);
    struct wal_segment *made;
    enum status status = wal_make_segment(wal, &header, &made);
    if (status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY) {
        log_warn(wal->log, "wal %s: no new segment: %s; nothing is lost, the commit may be tried again", wal->dir,
                 status_text(status));
        return status;
    }
    if (status != STATUS_OK) return wal_fail(wal, status, "making a segment failed");
    wal_install_segment(wal, made);
    forget_spare_wish(wal);
    return STATUS_OK;
}

static enum status commit_group(struct wal *wal, struct wal_image *image, bool sync) {
    if (image->segment != wal->current_segment) {
        enum status status = rotate(wal, image);
        if (status != STATUS_OK) return status;
    }
    seal(wal, image, sync);
    uint64_t offset;
    struct slice range = wal_image_range(image, &offset);
    struct io_file *file = wal_current_file(wal);
    if (sync && atomic_load_explicit(&wal->syncs_come, memory_order_relaxed)) {
        const enum status filled = wal_fill_ahead(wal, offset + range.size);
        if (filled != STATUS_OK) return wal_fail(wal, filled, "filling a segment failed");
    }
    const bool at_once = sync && !wal->unsynced; /* else the sync has to cover what came before */
    enum status status = at_once ? io_file_write_sync(file, offset, range.data, range.size)
                                 : io_file_write(file, offset, range.data, range.size);
    if (status != STATUS_OK) return wal_fail(wal, status, at_once ? "write or sync failed" : "write failed");
    if (sync && !at_once) {
        status = sync_older(wal);
        if (status == STATUS_OK) status = io_file_sync(file);
    }
    if (status != STATUS_OK) return wal_fail(wal, status, "sync failed");
    finish_group(wal, image, sync);
    if (!sync)
        wal_after_unsynced(wal);
    else
        want_spare(wal);
    return STATUS_OK;
}

void wal_after_unsynced(struct wal *wal) {
    if (wal->current_end - wal->pushed >= WAL_PUSH_BYTES && !leaves_unsynced(wal)) wal_push(wal);
    want_spare(wal);
}

enum status wal_write_mark(struct wal *wal) {
    struct wal_image *image;
    enum status status = begin_group(wal, 0, &image);
    return status != STATUS_OK ? status : commit_group(wal, image, true);
}

enum status wal_commit(struct wal *wal, bool sync) {
    check(wal->flight == NULL);
    if (wal->failed != STATUS_OK) return STATUS_READ_ONLY;
    if (sync) {
        atomic_store_explicit(&wal->syncs_come, true, memory_order_relaxed);
        wal->sync_segment = wal->current_segment;
    }
    struct wal_image *image;
    while ((image = first_group(wal)) != NULL) {
        enum status status = commit_group(wal, image, sync);
        if (status != STATUS_OK) return status;
    }
    if (!sync || !wal->unsynced) return STATUS_OK;
    /* Only unsynced groups stand there. What is durable must end with its page, or the next group would write in it
     * again. */
    return wal->current_end % WAL_PAGE_STREAM == 0 ? sync_all(wal) : wal_write_mark(wal);
}

void wal_discard(struct wal *wal) {
    struct list *link;
    check(wal->flight == NULL);
    while ((link = list_pop_front(&wal->groups)) != NULL) {
        struct wal_image *image = list_entry(link, struct wal_image, link);
        wal->pending -= image->pending;
        give_image_back(wal, image);
    }
    wal->next_segment = wal->current_segment;
    wal->next_position = wal->current_end;
    wal->next_bytes = wal->current_bytes;
}

/* ---- Commit on the loop ------------------------------------------------------------------------------------------ */

static void report(struct wal *wal, enum status status) {
    if (!wal->closing) wal->on_commit(wal->context, status, wal_durable(wal));
}

static void flight_landed(struct io_op *op) {
    struct wal *wal = op->context;
    struct wal_image *image = wal->flight;
    wal->flight = NULL;
    if (op->status != STATUS_OK) {
        wal_fail(wal, op->status, "write or sync failed");
    } else {
        finish_group(wal, image, true);
        if (!wal->closing) want_spare(wal);
    }
    report(wal, op->status);
}

static void launch(struct wal *wal) {
    uint64_t offset;
    struct slice range = wal_image_range(wal->flight, &offset);
    wal->op = (struct io_op){
        .kind = IO_OP_WRITE_SYNC,
        .file = wal_current_file(wal),
        .data = (void *)(uintptr_t)range.data,
        .size = range.size,
        .offset = offset,
        .done = flight_landed,
        .context = wal,
    };
    io_submit(wal->io, &wal->op);
}

void wal_rotation_done(struct wal *wal) {
    enum status status = wal->rotation.status;
    if (status == STATUS_OK) {
        wal_install_segment(wal, wal->rotation.made);
        wal->rotation.made = NULL;
        forget_spare_wish(wal);
        launch(wal);
        return;
    }
    wal->flight = NULL;
    if (status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY) {
        log_warn(wal->log, "wal %s: no new segment: %s; nothing is lost, the commit may be tried again", wal->dir,
                 status_text(status));
    } else {
        wal_fail(wal, status, "making a segment failed");
    }
    report(wal, status);
}

static void ask_for_rotation(struct wal *wal, const struct wal_image *image) {
    mutex_lock(&wal->mutex);
    wal->rotation =
        (struct wal_rotation){.header = wal_next_header(wal, image->segment, image->segment_bytes, image->group)};
    wal->rotation_state = WAL_ROTATION_ASKED;
    mutex_unlock(&wal->mutex);
    wal_keeper_poke(wal);
}

void wal_commit_start(struct wal *wal) {
    check(wal->on_commit != NULL);
    struct wal_image *image = first_group(wal);
    if (image == NULL || wal->flight != NULL || wal->failed != STATUS_OK) return;
    wal->flight = image;
    seal(wal, image, true); /* its place is fixed; what is appended meanwhile is the next group */
    if (image->segment == wal->current_segment)
        launch(wal);
    else
        ask_for_rotation(wal, image);
}

/* ---- Positions --------------------------------------------------------------------------------------------------- */

uint64_t wal_end(const struct wal *wal) {
    const struct wal_image *image = open_group(wal);
    if (image != NULL) return wal_lsn(image->segment, wal_item_start(image->end));
    return wal_end_lsn(wal->next_segment, wal->next_position);
}

uint64_t wal_durable(const struct wal *wal) {
    return atomic_load_explicit(&wal->durable_lsn, memory_order_acquire);
}

uint64_t wal_start(const struct wal *wal) {
    struct mutex *mutex = (struct mutex *)(uintptr_t)&wal->mutex;
    mutex_lock(mutex);
    uint32_t number = list_entry(wal->live.next, struct wal_segment, link)->number;
    mutex_unlock(mutex);
    return wal_end_lsn(number, 0);
}

size_t wal_pending(const struct wal *wal) {
    return wal->pending;
}

bool wal_is_idle(const struct wal *wal) {
    return wal->flight == NULL;
}

/* ---- Dropping a prefix ------------------------------------------------------------------------------------------- */

/* Moves what is below drop_below, and below every pin, from the log to the keeper. The newest segment always stays. */
static void drop_segments(struct wal *wal) {
    uint64_t below = wal->drop_below;
    for (unsigned i = 0; i < wal->pin_count; i++)
        if (wal->pins[i].segment < below) below = wal->pins[i].segment;
    mutex_lock(&wal->mutex);
    while (wal->live.next != wal->live.prev) {
        struct wal_segment *oldest = list_entry(wal->live.next, struct wal_segment, link);
        if (oldest->number >= below) break;
        list_remove(&oldest->link);
        list_push_back(&wal->dropped, &oldest->link);
        wal->dropped_unsynced = wal->dropped_unsynced || oldest->unsynced;
    }
    wal->drop_paused = false;
    mutex_unlock(&wal->mutex);
    wal_keeper_poke(wal);
}

void wal_drop_before(struct wal *wal, uint64_t lsn) {
    if (wal_lsn_segment(lsn) > wal->drop_below) wal->drop_below = wal_lsn_segment(lsn);
    drop_segments(wal);
}

void wal_pin(struct wal *wal, uint64_t lsn) {
    uint32_t segment = wal_lsn_segment(lsn);
    for (unsigned i = 0; i < wal->pin_count; i++) {
        if (wal->pins[i].segment != segment) continue;
        wal->pins[i].count++;
        return;
    }
    check(wal->pin_count < WAL_PINS_MAX);
    wal->pins[wal->pin_count++] = (struct wal_pin_count){.segment = segment, .count = 1};
}

void wal_unpin(struct wal *wal, uint64_t lsn) {
    uint32_t segment = wal_lsn_segment(lsn);
    unsigned at = 0;
    while (at < wal->pin_count && wal->pins[at].segment != segment) at++;
    check(at < wal->pin_count);
    if (--wal->pins[at].count > 0) return;
    wal->pins[at] = wal->pins[--wal->pin_count];
    drop_segments(wal);
}

/* REQUIRES: lock held. */
static uint64_t count_live(const struct wal *wal) {
    uint64_t count = 0;
    for (const struct list *link = wal->live.next; link != &wal->live; link = link->next) count++;
    return count;
}

uint64_t wal_live_segments(const struct wal *wal) {
    struct mutex *mutex = (struct mutex *)(uintptr_t)&wal->mutex;
    mutex_lock(mutex);
    const uint64_t count = count_live(wal);
    mutex_unlock(mutex);
    return count;
}

void wal_get_stats(const struct wal *wal, struct wal_stats *stats) {
    struct mutex *mutex = (struct mutex *)(uintptr_t)&wal->mutex;
    *stats = wal->stats;
    mutex_lock(mutex);
    stats->segments_live = count_live(wal);
    stats->segments_spare = wal->spare_count;
    stats->segments_created = wal->created;
    stats->segments_recycled = wal->recycled;
    stats->syncs += atomic_load_explicit(&wal->file_syncs, memory_order_relaxed);
    stats->disk_bytes = wal->disk_bytes;
    mutex_unlock(mutex);
}

void wal_get_totals(const struct wal *wal, struct wal_totals *totals) {
    *totals = (struct wal_totals){
        .commits = wal->stats.commits,
        .syncs = wal->stats.syncs + atomic_load_explicit(&wal->file_syncs, memory_order_relaxed),
        .written_bytes = wal->stats.written_bytes,
    };
}

static size_t images_bytes(const struct list *images) {
    size_t bytes = 0;
    for (const struct list *link = images->next; link != images; link = link->next) {
        const struct wal_image *image =
            (const struct wal_image *)(const void *)((const char *)link - offsetof(struct wal_image, link));
        bytes += sizeof *image + image->sectors.capacity;
    }
    return bytes;
}

size_t wal_memory_bytes(const struct wal *wal) {
    return sizeof *wal + images_bytes(&wal->groups) + images_bytes(&wal->idle_images);
}
