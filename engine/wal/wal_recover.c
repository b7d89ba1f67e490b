/*
 * wal_recover: opens a log. First it only reads: every segment, every group, and the verdict on what follows the last
 * one. A faulty log is refused with nothing changed. Only then it makes durable what it found, and marks that by an
 * empty group, so that nothing it has shown can be taken for torn later.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/wal/wal_ahead.h"

enum { AT_ONCE_BYTES = 256 << 10 /* of a tail, in one durable write */ };

struct found_file {
    uint32_t number;
    uint64_t size;
};

struct found_files {
    struct found_file *items; /* owned */
    size_t count, capacity;
};

struct opening {
    struct wal *wal;
    bool read_only;
    uint32_t from_segment; /* what stands before it was told before, if it is there yet; 0 = nothing was */
    struct found_files segments, spares;
    struct wal_segment_header *headers; /* of segments, same order; owned */
    struct wal_segment **files;         /* likewise */
    struct list dead;                   /* of struct wal_segment: on disk, and not part of the log */
    uint32_t highest_number;            /* of a segment, dead or not */
    enum status (*visit)(void *context, const struct wal_record *record);
    void *visit_context;
    struct wal_recovery *recovery;
    struct error *error;
    struct wal_bytes bytes; /* of the segment that was read last */
    uint64_t highest_group;
    bool cut;                /* the newest segment takes no more groups */
    size_t unproven_segment; /* from here on in the log nothing proves that it is durable: which, */
    uint64_t unproven_begin; /* and where in its stream */
};

/* ---- What is there ----------------------------------------------------------------------------------------------- */

static enum status add_found(struct found_files *files, uint32_t number, uint64_t size) {
    if (files->count == files->capacity) {
        size_t capacity = files->capacity ? files->capacity * 2 : 16;
        struct found_file *items = realloc(files->items, capacity * sizeof *items);
        if (items == NULL) return STATUS_NO_MEMORY;
        files->items = items;
        files->capacity = capacity;
    }
    files->items[files->count++] = (struct found_file){.number = number, .size = size};
    return STATUS_OK;
}

static enum status note_entry(void *context, const struct io_entry *entry) {
    struct opening *opening = context;
    uint32_t number;
    if (entry->kind != IO_ENTRY_FILE) return STATUS_OK;
    if (wal_parse_name(entry->name, ".wal", &number)) return add_found(&opening->segments, number, entry->size);
    if (wal_parse_name(entry->name, ".spare", &number)) return add_found(&opening->spares, number, entry->size);
    return STATUS_OK;
}

/* A new directory, whose name is durable. */
static enum status make_dir(struct io *io, const char *dir) {
    char parent[IO_PATH_BYTES];
    snprintf(parent, sizeof parent, "%s", dir);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        snprintf(parent, sizeof parent, ".");
    else if (slash == parent)
        slash[1] = 0;
    else
        *slash = 0;
    enum status status = io_dir_make(io, dir);
    if (status == STATUS_EXISTS) status = STATUS_OK;
    return status == STATUS_OK ? io_dir_sync(io, parent) : status;
}

static enum status list_files(struct opening *opening) {
    struct wal *wal = opening->wal;
    enum status status = io_dir_list(wal->io, wal->dir, note_entry, opening);
    if (status == STATUS_NOT_FOUND) status = opening->read_only ? STATUS_OK : make_dir(wal->io, wal->dir);
    if (status != STATUS_OK) return error_set(opening->error, status, "%s: %s", wal->dir, status_text(status));
    return STATUS_OK;
}

static enum status segment_path(const struct wal *wal, uint32_t number, char path[IO_PATH_BYTES]) {
    char name[WAL_NAME_BYTES];
    wal_segment_name(name, number);
    return wal_path(wal, name, path);
}

/* ---- Headers ----------------------------------------------------------------------------------------------------- */

static enum status open_segment(struct opening *opening, const struct found_file *found,
                                struct wal_segment_header *header, struct wal_segment **opened) {
    struct wal *wal = opening->wal;
    char path[IO_PATH_BYTES];
    struct wal_segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) return STATUS_NO_MEMORY;
    *opened = segment;
    segment->number = found->number;
    segment->bytes = found->size;
    list_push_back(&wal->live, &segment->link);
    wal->disk_bytes += found->size;
    enum status status = segment_path(wal, found->number, path);
    const unsigned flags = opening->read_only ? IO_OPEN_READ : WAL_OPEN_FLAGS;
    if (status == STATUS_OK) status = io_file_open(wal->io, path, flags, &segment->file);
    uint8_t page[WAL_HEADER_BYTES];
    size_t got = 0;
    if (status == STATUS_OK) status = io_file_read(segment->file, 0, page, sizeof page, &got);
    if (status != STATUS_OK) return error_set(opening->error, status, "%s: %s", path, status_text(status));

    struct error why;
    status = wal_segment_header_decode(slice_make(page, got), header, &why);
    if (status == STATUS_SYNTAX) status = STATUS_CORRUPT; /* a header is durable before its file gets such a name */
    if (status != STATUS_OK) return error_set(opening->error, status, "%s: offset 0: %s", path, why.text);
    if (header->owner != wal->owner) {
        return error_set(opening->error, STATUS_MISMATCH,
                         "%s: offset 0: the segment of another store (owner %016llx, not %016llx)", path,
                         (unsigned long long)header->owner, (unsigned long long)wal->owner);
    }
    if (header->segment != found->number) {
        return error_set(opening->error, STATUS_CORRUPT, "%s: offset 0: the header is that of segment %08x", path,
                         header->segment);
    }
    return STATUS_OK;
}

static void bury(struct opening *opening, struct wal_segment *segment) {
    list_remove(&segment->link);
    list_push_back(&opening->dead, &segment->link);
    if (!opening->read_only)
        log_warn(opening->wal->log, "wal %s: segment %08x is no part of the log: it stands behind a hole",
                 opening->wal->dir, segment->number);
}

/* Leaves out the segments that the log went on without. */
static enum status keep_chain(struct opening *opening) {
    const size_t count = opening->segments.count;
    uint32_t missing = 0;
    bool *dead = malloc(count * sizeof *dead);
    if (dead == NULL) return STATUS_NO_MEMORY;
    const enum status status = wal_chain_select(opening->headers, count, dead, &missing);
    size_t kept = 0;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (dead[i]) {
            bury(opening, opening->files[i]);
            continue;
        }
        opening->headers[kept] = opening->headers[i];
        opening->files[kept++] = opening->files[i];
    }
    free(dead);
    if (status != STATUS_OK)
        return error_set(opening->error, status, "%s: segment %08x is missing", opening->wal->dir, missing);
    opening->segments.count = kept;
    return STATUS_OK;
}

static enum status open_segments(struct opening *opening) {
    size_t count = opening->segments.count;
    if (count == 0) return STATUS_OK;
    opening->headers = calloc(count, sizeof *opening->headers);
    opening->files = calloc(count, sizeof(struct wal_segment *));
    if (opening->headers == NULL || opening->files == NULL) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct found_file *found = &opening->segments.items[i];
        enum status status = open_segment(opening, found, &opening->headers[i], &opening->files[i]);
        if (status != STATUS_OK) return status;
    }
    opening->highest_number = opening->segments.items[count - 1].number;
    return keep_chain(opening);
}

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

static enum status visit_record(struct opening *opening, const struct wal_record *record) {
    opening->recovery->records++;
    opening->recovery->bytes += record->payload.size;
    const enum status status = opening->visit ? opening->visit(opening->visit_context, record) : STATUS_OK;
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(opening->error, status, "%s: record %llx: %s", opening->wal->dir, (unsigned long long)record->lsn,
                     status_text(status));
}

/* What the scan says about the end of the segment. */
static enum status judge(struct opening *opening, const struct wal_scan *scan, enum wal_verdict verdict) {
    struct wal *wal = opening->wal;
    uint64_t at_lsn = (uint64_t)scan->header.segment << 32 | (uint32_t)scan->at;
    unsigned long long at = scan->at, group = scan->at_group;
    if (verdict == WAL_FOUND_FAULTY) {
        opening->recovery->faulty_groups++;
        opening->recovery->faulty_lsn = at_lsn;
        log_error(wal->log, "wal %s: faulty: segment %08x offset %llu group %llx: %s", wal->dir, scan->header.segment,
                  at, group, scan->what);
        return error_set(opening->error, STATUS_FAULTY,
                         "%s/%08x.wal: offset %llu, group %llx: %s. What stood there may have been acknowledged: "
                         "repair it from a replica or a copy",
                         wal->dir, scan->header.segment, at, group, scan->what);
    }
    if (verdict == WAL_FOUND_TORN) {
        opening->recovery->torn_groups = 1;
        opening->recovery->torn_lsn = at_lsn;
    }
    if (scan->what != NULL) {
        opening->cut = true;
        log_warn(wal->log, "wal %s: %s: segment %08x offset %llu group %llx: %s; the log goes on in a new segment",
                 wal->dir, verdict == WAL_FOUND_TORN ? "torn" : "never written", scan->header.segment, at, group,
                 scan->what);
    }
    return STATUS_OK;
}

/* Groups are missing in the middle of the log. If nothing behind them proves that one was durable, the log ends there,
 * and the segments that come after count no more. Reads them into opening->bytes. */
static enum status end_at_hole(struct opening *opening, size_t index, struct wal_scan *scan,
                               enum wal_verdict *verdict) {
    const size_t count = opening->segments.count;
    for (size_t i = index + 1; i < count; i++) {
        const enum status status = wal_bytes_read(&opening->bytes, opening->files[i], i, opening->error);
        if (status != STATUS_OK) return status;
        const struct slice bytes = slice_make(opening->bytes.data, opening->bytes.size);
        if (!wal_scan_proves(bytes, &opening->headers[i], scan->last_group, &opening->highest_group)) continue;
        scan->what = "a group is missing, and a later segment proves that it was durable";
        *verdict = WAL_FOUND_FAULTY;
        return STATUS_OK;
    }
    for (size_t i = index + 1; i < count; i++) bury(opening, opening->files[i]);
    opening->segments.count = index + 1;
    return STATUS_OK;
}

/* Everything before the segment is durable if its header or a group in it says so. */
static void note_proof(struct opening *opening, size_t index, const struct wal_scan *scan) {
    if (index > 0 && scan->durable < scan->header.predecessor_group) return;
    opening->unproven_segment = index;
    opening->unproven_begin = scan->durable_position;
}

/* All groups of the segment were told; what follows them, and where the log goes on. */
static enum status end_segment(struct opening *opening, size_t index, struct wal_scan *scan, enum wal_verdict verdict) {
    struct wal *wal = opening->wal;
    struct wal_segment *segment = opening->files[index];
    const bool newest = index + 1 == opening->segments.count;
    enum status status = STATUS_OK;
    if (verdict == WAL_FOUND_TORN && !newest) status = end_at_hole(opening, index, scan, &verdict);
    if (status == STATUS_OK) status = judge(opening, scan, verdict);
    atomic_store_explicit(&segment->end, scan->position, memory_order_relaxed);
    wal->current = segment;
    wal->pushed = scan->position;
    wal->current_segment = segment->number;
    wal->current_bytes = segment->bytes;
    wal->current_version = scan->header.version;
    wal->current_filled = segment->bytes; /* nobody knows: that of the process before */
    wal->current_end = scan->position;
    wal->last_group = scan->last_group;
    note_proof(opening, index, scan);
    opening->recovery->end_lsn = wal_end_lsn(segment->number, scan->position);
    if (scan->highest_group > opening->highest_group) opening->highest_group = scan->highest_group;
    return status;
}

static enum status take_stretch(struct opening *opening, const struct wal_stretch *stretch) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < stretch->count && status == STATUS_OK; i++)
        status = visit_record(opening, &stretch->records[i]);
    if (status != STATUS_OK || !stretch->ends) return status;
    if (stretch->status != STATUS_OK) {
        if (stretch->error.text[0]) *opening->error = stretch->error;
        return stretch->status;
    }
    struct wal_scan scan = stretch->scan;
    return end_segment(opening, stretch->index, &scan, stretch->verdict);
}

/* The segment with which reading begins. */
static size_t first_to_read(const struct opening *opening) {
    for (size_t i = 0; i < opening->segments.count; i++)
        if (opening->headers[i].segment == opening->from_segment) return i;
    return 0;
}

static enum status recover_segments(struct opening *opening) {
    const size_t count = opening->segments.count;
    const struct wal_stretch *stretch;
    enum status status = STATUS_OK;
    opening->recovery->segments = count;
    for (size_t i = 0; i < count; i++)
        if (opening->headers[i].version > opening->recovery->version)
            opening->recovery->version = opening->headers[i].version;
    struct wal_ahead *ahead = wal_ahead_begin(opening->wal->io, opening->files, opening->headers,
                                              first_to_read(opening), count, &opening->bytes);
    if (!ahead) return STATUS_NO_MEMORY;
    while (status == STATUS_OK && (stretch = wal_ahead_next(ahead))) status = take_stretch(opening, stretch);
    wal_ahead_end(ahead);
    return status;
}

/* ---- From here on the directory is changed ----------------------------------------------------------------------- */

static uint64_t end_of(const struct wal_segment *segment) {
    return atomic_load_explicit(&segment->end, memory_order_relaxed);
}

/* Of what follows there in the segment nothing proves that it is durable. */
static uint64_t unproven_from(const struct opening *opening, size_t index) {
    return index == opening->unproven_segment ? opening->unproven_begin : 0;
}

static bool is_unproven(const struct opening *opening, size_t index) {
    return index >= opening->unproven_segment && end_of(opening->files[index]) > unproven_from(opening, index);
}

/* The pages that hold it. */
struct unproven {
    uint64_t first, size;
};

static struct unproven unproven_of(const struct opening *opening, size_t index) {
    const uint64_t begin = wal_offset_of(unproven_from(opening, index)) / IO_PAGE_BYTES * IO_PAGE_BYTES;
    const uint64_t last = wal_offset_of(end_of(opening->files[index]) - 1) / IO_PAGE_BYTES * IO_PAGE_BYTES;
    return (struct unproven){begin, last + IO_PAGE_BYTES - begin};
}

/* Little is written past the cache, with a barrier of its own. A sync of the file would have to wait for the window in
 * which a small write is a copy (IO_OPEN_MAPPED), of which every page then counts as written to. */
static bool is_little(struct unproven unproven) {
    return unproven.size <= AT_ONCE_BYTES;
}

/*
 * What was read may stand in the system's cache alone: after a failed sync it does so although a further sync says OK.
 * So the part that no later mark proves durable is written again, byte by byte the same, and synced; sectors being
 * atomic, that can't harm.
 */
static enum status write_again(struct opening *opening, size_t index) {
    struct wal_segment *segment = opening->files[index];
    const struct unproven unproven = unproven_of(opening, index);
    enum status status = STATUS_OK;
    if (opening->bytes.size == 0 || opening->bytes.index != index)
        status = wal_bytes_read(&opening->bytes, segment, index, opening->error);
    if (status != STATUS_OK) return status;
    const uint64_t last = wal_offset_of(end_of(segment) - 1) / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
    memcpy(opening->wal->tail, opening->bytes.data + last, IO_SECTOR_BYTES); /* that of the newest one stays */
    const uint8_t *from = opening->bytes.data + unproven.first;
    if (is_little(unproven)) return io_file_write_sync(segment->file, unproven.first, from, unproven.size);
    status = io_file_write(segment->file, unproven.first, from, unproven.size);
    if (status == STATUS_OK)
        io_file_push(segment->file, unproven.first, unproven.size); /* goes out while the next one is written */
    return status;
}

static enum status settle_tail(struct opening *opening) {
    struct wal *wal = opening->wal;
    if (wal->current_segment == 0) return STATUS_OK;
    enum status status = io_dir_sync(wal->io, wal->dir);
    const size_t count = opening->segments.count;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        if (is_unproven(opening, i)) status = write_again(opening, i);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        if (is_unproven(opening, i) && !is_little(unproven_of(opening, i)))
            status = io_file_sync(opening->files[i]->file);
    if (status != STATUS_OK)
        return error_set(opening->error, status, "%s: making the tail durable: %s", wal->dir, status_text(status));
    return STATUS_OK;
}

/* Keeps what can serve again; removes the rest, and what was being prepared when the process ended. */
static void adopt_spares(struct opening *opening) {
    struct wal *wal = opening->wal;
    static const char *const leftovers[] = {"rotate.tmp", "prepare.tmp"};
    char name[WAL_NAME_BYTES], path[IO_PATH_BYTES];
    for (size_t i = 0; i < opening->spares.count; i++) {
        const struct found_file *spare = &opening->spares.items[i];
        if (spare->number >= wal->spare_serial) wal->spare_serial = spare->number + 1;
        bool keep =
            wal->current_segment != 0 && spare->size == wal->segment_bytes && wal->spare_count < wal->recycle_limit;
        if (keep) {
            wal->spares[wal->spare_count++] = spare->number;
            wal->disk_bytes += spare->size;
            continue;
        }
        wal_spare_name(name, spare->number);
        if (wal_path(wal, name, path) == STATUS_OK && io_remove(wal->io, path) != STATUS_OK)
            log_warn(wal->log, "wal %s: cannot remove %s", wal->dir, name);
    }
    for (size_t i = 0; i < sizeof leftovers / sizeof *leftovers; i++) {
        if (wal_path(wal, leftovers[i], path) != STATUS_OK) continue;
        enum status status = io_remove(wal->io, path);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            log_warn(wal->log, "wal %s: cannot remove %s", wal->dir, leftovers[i]);
    }
}

/* Every opening numbers its groups in a range of its own: the upper 32 bits count openings. */
static void continue_after(struct opening *opening) {
    struct wal *wal = opening->wal;
    wal->next_group = ((opening->highest_group >> 32) + 1) << 32;
    wal->durable_group = wal->last_group;
    bool further = opening->cut || wal->current_segment == 0;
    wal->next_segment = further ? opening->highest_number + 1 : wal->current_segment;
    wal->next_position = further ? 0 : wal->current_end;
    wal->next_bytes = wal->current_bytes;
}

/* The header of a later segment says durably where the log went on: the dead ones may go. */
static void drop_dead(struct opening *opening) {
    struct wal *wal = opening->wal;
    struct list *link;
    mutex_lock(&wal->mutex);
    while ((link = list_pop_front(&opening->dead)) != NULL) list_push_back(&wal->dropped, link);
    mutex_unlock(&wal->mutex);
    wal_keeper_poke(wal);
}

static enum status begin_life(struct opening *opening) {
    struct wal *wal = opening->wal;
    enum status status = settle_tail(opening);
    if (status != STATUS_OK) return status;
    adopt_spares(opening);
    continue_after(opening);
    status = wal_write_mark(wal);
    if (status != STATUS_OK)
        return error_set(opening->error, status, "%s: the first write failed: %s", wal->dir, status_text(status));
    drop_dead(opening);
    wal->stats = (struct wal_stats){0};
    atomic_store_explicit(&wal->file_syncs, 0, memory_order_relaxed);
    opening->recovery->end_lsn = wal_end(wal);
    const struct wal_recovery *found = opening->recovery;
    log_info(wal->log, "wal %s: %llu segments, %llu records, %llu bytes; goes on at %08x:%u", wal->dir,
             (unsigned long long)found->segments, (unsigned long long)found->records, (unsigned long long)found->bytes,
             wal_lsn_segment(found->end_lsn), (uint32_t)found->end_lsn);
    return STATUS_OK;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static enum status create(struct io *io, const char *dir, const struct wal_options *options, struct wal **created,
                          struct error *error) {
    uint64_t bytes = options->segment_bytes ? options->segment_bytes : WAL_SEGMENT_DEFAULT_BYTES;
    if (bytes < WAL_SEGMENT_MIN_BYTES || bytes > WAL_SEGMENT_MAX_BYTES || bytes % IO_PAGE_BYTES != 0) {
        return error_set(error, STATUS_INVALID, "log segments of %llu bytes: not a multiple of %d in %d .. %d",
                         (unsigned long long)bytes, IO_PAGE_BYTES, WAL_SEGMENT_MIN_BYTES, WAL_SEGMENT_MAX_BYTES);
    }
    if (strlen(dir) + WAL_NAME_BYTES >= IO_PATH_BYTES)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", dir);
    struct wal *wal = calloc(1, sizeof *wal);
    if (wal == NULL) return error_set(error, STATUS_NO_MEMORY, "%s: %s", dir, status_text(STATUS_NO_MEMORY));
    wal->io = io;
    wal->log = options->log;
    snprintf(wal->dir, sizeof wal->dir, "%s", dir);
    wal->owner = options->owner;
    wal->segment_bytes = bytes;
    wal->loose = options->loose && options->on_commit == NULL;
    wal->version = options->compact ? WAL_VERSION_COMPACT : WAL_VERSION_PLAIN;
    if (wal->loose) wal->version = WAL_VERSION_LOOSE;
    wal->recycle_limit = options->recycle_segments ? options->recycle_segments : 2;
    if (wal->recycle_limit > WAL_SPARES_MAX - 1) wal->recycle_limit = WAL_SPARES_MAX - 1;
    wal->pending_limit = options->pending_limit_bytes ? options->pending_limit_bytes : (size_t)64 << 20;
    wal->on_commit = options->on_commit;
    wal->context = options->context;
    list_init(&wal->groups);
    list_init(&wal->idle_images);
    list_init(&wal->live);
    list_init(&wal->dropped);
    mutex_init(&wal->mutex);
    condition_init(&wal->changed);
    *created = wal;
    return STATUS_OK;
}

static void free_segments(struct list *segments) {
    struct list *link;
    while ((link = list_pop_front(segments)) != NULL) {
        struct wal_segment *segment = list_entry(link, struct wal_segment, link);
        io_file_close(segment->file);
        free(segment);
    }
}

enum status wal_open(struct io *io, const char *dir, const struct wal_options *options,
                     enum status (*visit)(void *context, const struct wal_record *record), void *visit_context,
                     struct wal **wal, struct wal_recovery *recovery, struct error *error) {
    struct wal_recovery unasked;
    struct error unheard = {.status = STATUS_OK};
    struct opening opening = {
        .visit = visit,
        .visit_context = visit_context,
        .read_only = options->read_only,
        .from_segment = options->read_only ? wal_lsn_segment(options->from_lsn) : 0,
        .recovery = recovery != NULL ? recovery : &unasked,
        .error = error != NULL ? error : &unheard,
    };
    *wal = NULL;
    *opening.recovery = (struct wal_recovery){0};
    opening.error->status = STATUS_OK;
    list_init(&opening.dead);
    enum status status = create(io, dir, options, &opening.wal, opening.error);
    if (status != STATUS_OK) return status;
    status = list_files(&opening);
    if (status == STATUS_OK && options->must_exist && opening.segments.count == 0)
        status = error_set(opening.error, STATUS_CORRUPT, "%s: the log is gone: no segment of it is there", dir);
    if (status == STATUS_OK) status = open_segments(&opening);
    if (status == STATUS_OK) status = recover_segments(&opening);
    if (status == STATUS_OK && options->before_change) status = options->before_change(visit_context);
    if (status == STATUS_OK && !opening.read_only) status = begin_life(&opening);
    if (status != STATUS_OK && opening.error->status == STATUS_OK)
        error_set(opening.error, status, "%s: %s", dir, status_text(status));
    free(opening.segments.items);
    free(opening.spares.items);
    free(opening.headers);
    free(opening.files);
    wal_bytes_deinit(&opening.bytes);
    free_segments(&opening.dead);
    if (status == STATUS_OK && !opening.read_only)
        *wal = opening.wal;
    else
        wal_close(opening.wal);
    return status;
}

static void free_images(struct list *images) {
    struct list *link;
    while ((link = list_pop_front(images)) != NULL) {
        struct wal_image *image = list_entry(link, struct wal_image, link);
        buf_deinit(&image->sectors);
        free(image);
    }
}

void wal_free(struct wal *wal) {
    if (wal->rotation.made != NULL) list_push_back(&wal->live, &wal->rotation.made->link);
    free_segments(&wal->live);
    free_segments(&wal->dropped);
    free_images(&wal->groups);
    free_images(&wal->idle_images);
    io_file_close(wal->filling);
    condition_deinit(&wal->changed);
    mutex_deinit(&wal->mutex);
    free(wal);
}

enum { CLOSE_TURN_NS = 1000000 };

void wal_close(struct wal *wal) {
    if (wal == NULL) return;
    mutex_lock(&wal->mutex);
    wal->closing = true; /* the keeper ends at its next step */
    mutex_unlock(&wal->mutex);
    wal_keeper_wait(wal);
    if (wal->rotation_state != WAL_ROTATION_NONE)
        wal->flight = NULL; /* it was waiting for a file, not for the device */
    while (wal->flight != NULL) io_run(wal->io, io_now_ns(wal->io) + CLOSE_TURN_NS);
    wal_free(wal);
}
