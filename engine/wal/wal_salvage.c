/*
 * wal_salvage: see the header. First which segments are the log's: by their headers, and where one is lost by the
 * numbers of groups. Then each is read group by group; behind a damaged place the next page that begins with a group
 * goes on.
 *
 * Invariant: a segment is read only if its successor's words or the numbers of groups show that the log went on from
 * it: those that stand behind a hole never come back.
 */
#include "engine/wal_salvage.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/wal/wal_format.h"
#include "engine/wal/wal_internal.h"

enum { READ_BYTES = 1 << 20, UNREAD_BYTE = 0xee /* a stamp of such bytes does not verify, and is not zero */ };

struct piece {
    uint32_t number;
    uint64_t size;
    bool has_header, has_first, live;
    struct wal_segment_header header; /* without has_header made of what is known */
    struct wal_group first;           /* the group at the beginning of the stream */
    uint32_t missing;                 /* the segment that it follows, which is not there; 0 = none */
};

struct salvage {
    struct io *io;
    const char *dir;
    uint64_t owner;
    const struct wal_salvage_visitor *visitor;
    struct error *error;
    struct piece *pieces; /* by number */
    size_t count, capacity;
    size_t unproven; /* of pieces below that, what is not live can't be told from segments that are dead */

    /* The file that was read last. */
    uint8_t *bytes; /* owned */
    size_t room;
    uint64_t unread_end; /* behind the last sector that the device does not give; 0 = it gives all */

    uint64_t last_group; /* of the log, as far as it was read */
    bool ended;          /* at a hole, or where nothing more was written */
};

static enum status piece_path(const struct salvage *salvage, uint32_t number, char path[IO_PATH_BYTES]) {
    const int size = snprintf(path, IO_PATH_BYTES, "%s/%08x.wal", salvage->dir, number);
    return size < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

static void tell(const struct salvage *salvage, uint32_t number, uint64_t from, uint64_t to, const char *what,
                 bool costs_records) {
    char path[IO_PATH_BYTES];
    if (from >= to || piece_path(salvage, number, path) != STATUS_OK) return;
    const struct wal_loss loss = {path, from, to, what, costs_records};
    salvage->visitor->lost(salvage->visitor->context, &loss);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

/* Sector by sector what stands in [at, end). */
static enum status read_sectors(struct salvage *salvage, struct io_file *file, uint64_t at, uint64_t end) {
    for (; at < end; at += IO_SECTOR_BYTES) {
        const size_t size = end - at < IO_SECTOR_BYTES ? (size_t)(end - at) : IO_SECTOR_BYTES;
        size_t got = 0;
        const enum status status = io_file_read(file, at, salvage->bytes + at, size, &got);
        if (status == STATUS_OK && got == size) continue;
        if (status != STATUS_OK && status != STATUS_IO) return status;
        memset(salvage->bytes + at, UNREAD_BYTE, size);
        salvage->unread_end = at + size;
    }
    return STATUS_OK;
}

/* The first `most` bytes of the segment; what the device does not give is UNREAD_BYTE. */
static enum status read_piece(struct salvage *salvage, const struct piece *piece, uint64_t most) {
    const uint64_t size = piece->size < most ? piece->size : most;
    char path[IO_PATH_BYTES];
    struct io_file *file = NULL;
    salvage->unread_end = 0;
    if (size > salvage->room) {
        uint8_t *grown = realloc(salvage->bytes, size);
        if (!grown) return STATUS_NO_MEMORY;
        salvage->bytes = grown;
        salvage->room = size;
    }
    enum status status = piece_path(salvage, piece->number, path);
    if (status == STATUS_OK) status = io_file_open(salvage->io, path, IO_OPEN_READ, &file);
    for (uint64_t at = 0; at < size && status == STATUS_OK; at += READ_BYTES) {
        const size_t part = size - at < READ_BYTES ? (size_t)(size - at) : READ_BYTES;
        size_t got = 0;
        status = io_file_read(file, at, salvage->bytes + at, part, &got);
        if (status == STATUS_IO || (status == STATUS_OK && got < part))
            status = read_sectors(salvage, file, at, at + part);
    }
    io_file_close(file);
    return status;
}

/* ---- What a segment says of itself ------------------------------------------------------------------------------- */

/* All that is not zero in a header page lies in its first sector. */
static enum status read_header(struct salvage *salvage, struct piece *piece, struct error *why) {
    uint8_t page[WAL_HEADER_BYTES];
    memcpy(page, salvage->bytes, sizeof page);
    for (size_t at = IO_SECTOR_BYTES; at < sizeof page && salvage->unread_end > 0; at += IO_SECTOR_BYTES)
        if (page[at] == UNREAD_BYTE && memcmp(page + at, page + at + 1, IO_SECTOR_BYTES - 1) == 0)
            memset(page + at, 0, IO_SECTOR_BYTES);
    const enum status status = wal_segment_header_decode(slice_make(page, sizeof page), &piece->header, why);
    if (status == STATUS_VERSION) return error_set(salvage->error, status, "%s: %s", salvage->dir, why->text);
    piece->has_header = status == STATUS_OK && piece->header.owner == salvage->owner &&
                        piece->header.segment == piece->number && piece->header.segment_bytes == piece->size;
    return STATUS_OK;
}

/* A sound header of a group where a page of the stream begins. */
static bool group_at_page(const struct salvage *salvage, const struct wal_segment_header *header, uint64_t position,
                          struct wal_group *group) {
    const uint8_t *page = salvage->bytes + WAL_HEADER_BYTES + position / WAL_PAGE_STREAM * IO_PAGE_BYTES;
    const uint64_t index = (uint64_t)(page - salvage->bytes) / IO_SECTOR_BYTES;
    return wal_sector_classify(header, index, page).class == WAL_SECTOR_OWN &&
           wal_group_header_decode(page + WAL_STAMP_BYTES, salvage->owner, wal_lsn(header->segment, position), group);
}

static enum status look_at(struct salvage *salvage, struct piece *piece) {
    struct error why = {.status = STATUS_OK};
    const bool may_be_one = piece->size >= WAL_SEGMENT_MIN_BYTES && piece->size <= WAL_SEGMENT_MAX_BYTES;
    if (!may_be_one || piece->size % IO_PAGE_BYTES != 0) return STATUS_OK;
    enum status status = read_piece(salvage, piece, WAL_HEADER_BYTES + IO_PAGE_BYTES);
    if (status == STATUS_OK) status = read_header(salvage, piece, &why);
    if (status != STATUS_OK || piece->has_header) return status;
    piece->header = (struct wal_segment_header){.version = WAL_VERSION,
                                                .segment = piece->number,
                                                .owner = salvage->owner,
                                                .segment_bytes = piece->size,
                                                .start_group = 1};
    piece->has_first = group_at_page(salvage, &piece->header, 0, &piece->first);
    if (!piece->has_first) return STATUS_OK;
    piece->header.start_group = piece->first.group;
    piece->header.predecessor_group = piece->first.previous;
    return STATUS_OK;
}

static enum status note_entry(void *context, const struct io_entry *entry) {
    struct salvage *salvage = context;
    uint32_t number;
    if (entry->kind != IO_ENTRY_FILE || !wal_parse_name(entry->name, ".wal", &number)) return STATUS_OK;
    if (salvage->count == salvage->capacity) {
        const size_t capacity = salvage->capacity ? salvage->capacity * 2 : 16;
        struct piece *grown = realloc(salvage->pieces, capacity * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        salvage->pieces = grown;
        salvage->capacity = capacity;
    }
    salvage->pieces[salvage->count++] = (struct piece){.number = number, .size = entry->size};
    return STATUS_OK;
}

/* ---- Which of them are the log's --------------------------------------------------------------------------------- */

/* Groups that stamps of the segment name; 0 = none. */
static enum status read_stamps(struct salvage *salvage, const struct piece *piece, uint64_t *lowest,
                               uint64_t *highest) {
    const struct wal_segment_header header = {.segment = piece->number, .owner = salvage->owner};
    *lowest = *highest = 0;
    if (piece->size > WAL_SEGMENT_MAX_BYTES) return STATUS_OK; /* it never was one */
    const enum status status = read_piece(salvage, piece, piece->size);
    if (status != STATUS_OK) return status;
    for (uint64_t index = WAL_PAGE_SECTORS; index < piece->size / IO_SECTOR_BYTES; index++) {
        const struct wal_sector sector = wal_sector_classify(&header, index, salvage->bytes + index * IO_SECTOR_BYTES);
        if (sector.class != WAL_SECTOR_OWN) continue;
        if (*lowest == 0 || sector.group < *lowest) *lowest = sector.group;
        if (sector.group > *highest) *highest = sector.group;
    }
    return STATUS_OK;
}

/*
 * Nothing says which segment comes before `at`. The next lower one does if the same opening wrote into it as wrote
 * `group`, which stands behind it: a segment that an opening left behind a hole is never written again.
 */
static enum status find_by_opening(struct salvage *salvage, size_t at, uint64_t group, size_t *before) {
    uint64_t lowest, highest;
    *before = SIZE_MAX;
    if (at == 0) return STATUS_OK;
    const enum status status = read_stamps(salvage, &salvage->pieces[at - 1], &lowest, &highest);
    if (status == STATUS_OK && highest >> 32 == group >> 32)
        *before = at - 1;
    else
        salvage->unproven = at;
    return status;
}

/* The one that holds the group before the first of `at`. */
static size_t find_by_group(const struct salvage *salvage, size_t at) {
    const uint64_t group = salvage->pieces[at].first.previous;
    for (size_t i = at; group > 0 && i-- > 0;) {
        const struct piece *piece = &salvage->pieces[i];
        if ((piece->has_header || piece->has_first) && piece->header.start_group <= group) return i;
    }
    return SIZE_MAX;
}

/* By its header, which may name one that is not there: then by `group`, the last one in that. */
static enum status find_by_header(struct salvage *salvage, size_t at, size_t *before) {
    const struct wal_segment_header *header = &salvage->pieces[at].header;
    const uint32_t number = wal_lsn_segment(header->predecessor_end);
    size_t i = at;
    *before = SIZE_MAX;
    if (header->predecessor_end == 0) return STATUS_OK;
    while (i > 0 && salvage->pieces[i - 1].number > number) i--;
    if (i == 0) return STATUS_OK; /* it was dropped */
    if (salvage->pieces[i - 1].number == number) {
        *before = i - 1;
        return STATUS_OK;
    }
    salvage->pieces[at].missing = number;
    return find_by_opening(salvage, i, header->predecessor_group, before);
}

/* Of a segment with neither header nor first group: by its lowest group, else by what its successor says of its last.
 * The newest one of which there is nothing at all might as well not be there. */
static enum status find_by_stamps(struct salvage *salvage, size_t at, uint64_t successor_group, size_t *before) {
    uint64_t lowest, highest;
    const enum status status = read_stamps(salvage, &salvage->pieces[at], &lowest, &highest);
    if (status != STATUS_OK) return status;
    if (lowest > 0) return find_by_opening(salvage, at, lowest, before);
    if (successor_group > 0) return find_by_opening(salvage, at, successor_group, before);
    *before = at > 0 ? at - 1 : SIZE_MAX;
    return STATUS_OK;
}

static enum status choose(struct salvage *salvage) {
    uint64_t successor_group = 0;
    enum status status = STATUS_OK;
    for (size_t at = salvage->count ? salvage->count - 1 : SIZE_MAX, before; at != SIZE_MAX && status == STATUS_OK;
         at = before) {
        struct piece *piece = &salvage->pieces[at];
        piece->live = true;
        before = SIZE_MAX;
        if (piece->has_header)
            status = find_by_header(salvage, at, &before);
        else if (piece->has_first)
            before = find_by_group(salvage, at);
        else
            status = find_by_stamps(salvage, at, successor_group, &before);
        successor_group = piece->header.predecessor_group;
    }
    return status;
}

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

/* Where a segment that is being read ends. */
struct reading {
    const struct piece *piece;
    const struct piece *next; /* NULL: it is the newest */
    struct wal_scan scan;
    uint64_t last; /* group, as the next one's first says; 0 = the scan knows, or nobody does */
};

static enum status visit_group(struct salvage *salvage, struct wal_scan *scan, const struct wal_group *group) {
    uint64_t at = 0;
    struct wal_record record;
    enum status status;
    while ((status = wal_scan_record(scan, group, &at, &record)) == STATUS_OK) {
        status = salvage->visitor->record(salvage->visitor->context, &record);
        if (status != STATUS_OK) return status;
    }
    salvage->last_group = group->group;
    return status == STATUS_END ? STATUS_OK : status;
}

/* Behind a damaged place: the next group that begins with a page and verifies. *verdict: GROUP, or else there is none.
 */
static enum status find_group(struct salvage *salvage, struct reading *reading, enum wal_verdict *verdict,
                              struct wal_group *group) {
    struct wal_scan *scan = &reading->scan;
    const uint64_t begin = scan->position, from = wal_offset_of(begin), last = scan->last_group;
    const char *what = salvage->unread_end > from ? "the device does not give all of it" : scan->what;
    enum status status = STATUS_OK;
    *verdict = WAL_FOUND_FAULTY;
    for (uint64_t page = wal_page_up(begin + 1); page < scan->limit; page += WAL_PAGE_STREAM) {
        if (!group_at_page(salvage, &scan->header, page, group) || group->previous < last) continue;
        scan->position = page;
        scan->last_group = group->previous;
        status = wal_scan_next(scan, verdict, group);
        if (status != STATUS_OK || *verdict == WAL_FOUND_GROUP) break;
    }
    const uint64_t to = *verdict == WAL_FOUND_GROUP ? WAL_HEADER_BYTES + group->begin / WAL_PAGE_STREAM * IO_PAGE_BYTES
                                                    : reading->piece->size;
    tell(salvage, reading->piece->number, from, to, what, true);
    return status;
}

/* Whether the groups that are missing there were never durable: then the log ends with them. */
static enum status is_end_of_log(struct salvage *salvage, struct reading *reading, bool *is_end) {
    const uint64_t last = reading->scan.last_group;
    uint64_t highest = 0;
    *is_end = salvage->unread_end <= wal_offset_of(reading->scan.position);
    enum status status = STATUS_OK;
    for (const struct piece *piece = reading->next; piece && *is_end; piece++) {
        if (piece == salvage->pieces + salvage->count) break;
        if (!piece->live || piece->header.segment_bytes == 0) continue;
        status = read_piece(salvage, piece, piece->size);
        if (status != STATUS_OK) return status;
        *is_end = !wal_scan_proves(slice_make(salvage->bytes, piece->size), &piece->header, last, &highest);
    }
    status = read_piece(salvage, reading->piece, reading->piece->size);
    reading->scan.bytes = slice_make(salvage->bytes, reading->piece->size); /* they may have moved */
    return status;
}

/* What follows the last group. *verdict: GROUP if another one was found behind it. */
static enum status pass_end(struct salvage *salvage, struct reading *reading, enum wal_verdict *verdict,
                            struct wal_group *group) {
    const bool is_short = reading->last > 0 && reading->scan.last_group < reading->last;
    if (*verdict == WAL_FOUND_END && !is_short) {
        salvage->ended = !reading->next;
        return STATUS_OK;
    }
    if (*verdict == WAL_FOUND_TORN || *verdict == WAL_FOUND_END) {
        const bool knows_end = !reading->next || reading->scan.sealed || reading->last > 0;
        bool is_end = false;
        const enum status status = is_end_of_log(salvage, reading, &is_end);
        if (status != STATUS_OK) return status;
        if (is_end && !knows_end) return STATUS_OK; /* it may have been cut there before its successor was made */
        salvage->ended = is_end;
        if (is_end) return STATUS_OK;
    }
    return find_group(salvage, reading, verdict, group);
}

static enum status read_groups(struct salvage *salvage, struct reading *reading) {
    enum wal_verdict verdict;
    struct wal_group group;
    enum status status = wal_scan_next(&reading->scan, &verdict, &group);
    while (status == STATUS_OK) {
        if (verdict != WAL_FOUND_GROUP) status = pass_end(salvage, reading, &verdict, &group);
        if (status != STATUS_OK || verdict != WAL_FOUND_GROUP) return status;
        if (reading->last > 0 && group.group > reading->last) return STATUS_OK; /* behind the end */
        status = visit_group(salvage, &reading->scan, &group);
        if (status != STATUS_OK || group.group == reading->last) return status;
        status = wal_scan_next(&reading->scan, &verdict, &group);
    }
    return status;
}

static enum status read_segment(struct salvage *salvage, struct piece *piece, const struct piece *next) {
    struct reading reading = {.piece = piece, .next = next};
    struct error why;
    if (piece->missing) tell(salvage, piece->missing, 0, piece->size, "the file is missing", true);
    if (!piece->has_header && !piece->has_first) piece->header.predecessor_group = salvage->last_group;
    if (!piece->has_header)
        tell(salvage, piece->number, 0, WAL_HEADER_BYTES, "the segment's header does not verify, or can't be read",
             !piece->has_first);
    if (piece->header.segment_bytes == 0) { /* its size alone is wrong */
        tell(salvage, piece->number, WAL_HEADER_BYTES, piece->size, "a file of this size is no segment", true);
        return STATUS_OK;
    }
    enum status status = read_piece(salvage, piece, piece->size);
    if (status != STATUS_OK) return status;
    const struct slice bytes = slice_make(salvage->bytes, piece->size);
    const struct wal_segment_header *successor = next && next->has_header ? &next->header : NULL;
    status = wal_scan_init(&reading.scan, bytes, &piece->header, successor, &why);
    if (status != STATUS_OK) status = wal_scan_init(&reading.scan, bytes, &piece->header, NULL, &why);
    if (next && next->has_first) reading.last = next->first.previous;
    if (status == STATUS_OK) status = read_groups(salvage, &reading);
    wal_scan_deinit(&reading.scan);
    return status;
}

static enum status read_log(struct salvage *salvage) {
    enum status status = STATUS_OK;
    for (size_t at = 0; at < salvage->count && status == STATUS_OK && !salvage->ended; at++) {
        struct piece *piece = &salvage->pieces[at];
        size_t next;
        for (next = at + 1; next < salvage->count && !salvage->pieces[next].live; next++) continue;
        if (!piece->live && at < salvage->unproven)
            tell(salvage, piece->number, 0, piece->size, "it can't be shown that the log went on behind this segment",
                 true);
        if (piece->live) status = read_segment(salvage, piece, next < salvage->count ? &salvage->pieces[next] : NULL);
    }
    return status;
}

enum status wal_salvage(struct io *io, const char *dir, uint64_t owner, const struct wal_salvage_visitor *visitor,
                        struct error *error) {
    struct salvage salvage = {.io = io, .dir = dir, .owner = owner, .visitor = visitor, .error = error};
    enum status status = io_dir_list(io, dir, note_entry, &salvage);
    for (size_t i = 0; i < salvage.count && status == STATUS_OK; i++) status = look_at(&salvage, &salvage.pieces[i]);
    if (status == STATUS_OK) status = choose(&salvage);
    if (status == STATUS_OK) status = read_log(&salvage);
    if (status != STATUS_OK && error->status == STATUS_OK) error_set(error, status, "%s: %s", dir, status_text(status));
    free(salvage.pieces);
    free(salvage.bytes);
    return status;
}
