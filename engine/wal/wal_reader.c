/*
 * wal_reader: reads one record back, from the file or from a group that is still in memory. Every byte that it hands
 * out was verified: stamps, place and the record's own check.
 */
#include "engine/wal/wal_internal.h"

/* Where the bytes of a segment's stream are. */
struct source {
    struct wal *wal;
    const struct wal_image *image; /* NULL = in the file */
    struct io_file *file;
    struct wal_segment_header header; /* as much as stamps need */
    uint64_t end;                     /* in the stream */
};

static enum status corrupt(const struct source *source, uint64_t position, const char *what, struct error *error) {
    return error_set(error, STATUS_CORRUPT, "%s/%08x.wal: offset %llu: %s", source->wal->dir, source->header.segment,
                     (unsigned long long)wal_offset_of(position), what);
}

/* Whole sectors, stamps included, starting with the one that holds `position`. */
static enum status load_sectors(const struct source *source, uint64_t position, uint64_t count, uint8_t *to,
                                struct error *error) {
    if (source->image != NULL) {
        memcpy(to, wal_image_sector(source->image, position), count * IO_SECTOR_BYTES);
        return STATUS_OK;
    }
    uint64_t first = WAL_HEADER_BYTES / IO_SECTOR_BYTES + position / WAL_BODY_BYTES;
    size_t got;
    enum status status = io_file_read(source->file, first * IO_SECTOR_BYTES, to, count * IO_SECTOR_BYTES, &got);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: read failed: %s", io_file_path(source->file), status_text(status));
    if (got < count * IO_SECTOR_BYTES) return corrupt(source, position, "the file is too short", error);
    for (uint64_t i = 0; i < count; i++) {
        struct wal_sector sector = wal_sector_classify(&source->header, first + i, to + i * IO_SECTOR_BYTES);
        if (sector.class != WAL_SECTOR_OWN)
            return corrupt(source, position + i * WAL_BODY_BYTES, "a sector does not verify", error);
    }
    return STATUS_OK;
}

/* The stream's bytes [position, position + size), contiguous, in *scratch. */
static enum status load(const struct source *source, uint64_t position, uint64_t size, struct buf *scratch,
                        struct slice *bytes, struct error *error) {
    uint64_t inside = position % WAL_BODY_BYTES;
    uint64_t count = (inside + size + WAL_BODY_BYTES - 1) / WAL_BODY_BYTES;
    buf_clear(scratch);
    enum status status = buf_reserve(scratch, count * IO_SECTOR_BYTES);
    if (status != STATUS_OK) return status;
    status = load_sectors(source, position, count, scratch->data, error);
    if (status != STATUS_OK) return status;
    for (uint64_t i = 0; i < count; i++)
        memmove(scratch->data + i * WAL_BODY_BYTES, scratch->data + i * IO_SECTOR_BYTES + WAL_STAMP_BYTES,
                WAL_BODY_BYTES);
    *bytes = slice_make(scratch->data + inside, size);
    return STATUS_OK;
}

static enum status read_at(const struct source *source, uint64_t position, const struct wal_prefix *prefix,
                           struct buf *scratch, struct wal_record *record, struct error *error) {
    if (prefix->length > WAL_RECORD_MAX_BYTES || prefix->length > source->end - position - WAL_PREFIX_BYTES) {
        return corrupt(source, position, "a record is longer than its segment", error);
    }
    struct slice payload = slice_make(NULL, 0);
    enum status status = STATUS_OK;
    if (prefix->length > 0)
        status = load(source, position + WAL_PREFIX_BYTES, prefix->length, scratch, &payload, error);
    if (status != STATUS_OK) return status;
    *record =
        (struct wal_record){.lsn = wal_lsn(source->header.segment, position), .type = prefix->type, .payload = payload};
    const uint64_t place = wal_record_place(source->header.owner, record->lsn, record->type, prefix->length);
    const bool tagged = !prefix->compact || wal_compact_fits(prefix, place);
    if (!tagged || prefix->check != wal_check_at(place, payload)) {
        return corrupt(source, position, "a record does not verify", error);
    }
    return STATUS_OK;
}

/* The first record at or after *position. END: there is none in this source. Sets *position to what follows it. */
static enum status read_record(const struct source *source, uint64_t *position, struct buf *scratch,
                               struct wal_record *record, struct error *error) {
    uint64_t at = *position;
    for (;;) {
        at = wal_item_start(at);
        if (at + WAL_PREFIX_BYTES > source->end) return STATUS_END;
        struct slice bytes;
        enum status status = load(source, at, WAL_PREFIX_BYTES, scratch, &bytes, error);
        if (status != STATUS_OK) return status;
        struct wal_prefix prefix = wal_prefix_decode(bytes.data);
        if (wal_is_zero(bytes.data, bytes.size)) {
            at = wal_page_up(at + 1);
        } else if (prefix.type == 0) {
            at += WAL_GROUP_HEADER_BYTES;
        } else {
            status = read_at(source, at, &prefix, scratch, record, error);
            *position = wal_item_start(at + WAL_PREFIX_BYTES + prefix.length);
            return status;
        }
    }
}

enum place { PLACE_FOUND, PLACE_DROPPED, PLACE_AHEAD };

/* The file of segment number, or of the first one after it when *position is behind its end. */
static enum place find_file(struct wal *wal, uint32_t *number, uint64_t *position, struct source *source) {
    enum place place = PLACE_AHEAD;
    mutex_lock(&wal->mutex);
    if (*number < list_entry(wal->live.next, struct wal_segment, link)->number) place = PLACE_DROPPED;
    for (struct list *link = wal->live.next; place == PLACE_AHEAD && link != &wal->live; link = link->next) {
        const struct wal_segment *segment = list_entry(link, struct wal_segment, link);
        if (segment->number < *number) continue;
        if (segment->number > *number) *position = 0;
        *number = segment->number;
        const uint64_t end = atomic_load_explicit(&segment->end, memory_order_acquire);
        if (*position >= end) continue;
        *source = (struct source){
            .wal = wal,
            .file = segment->file,
            .header = {.segment = segment->number, .owner = wal->owner},
            .end = end,
        };
        place = PLACE_FOUND;
    }
    mutex_unlock(&wal->mutex);
    return place;
}

static enum place find_image(struct wal *wal, uint32_t *number, uint64_t *position, struct source *source) {
    for (struct list *link = wal->groups.next; link != &wal->groups; link = link->next) {
        const struct wal_image *image = list_entry(link, struct wal_image, link);
        bool before = image->segment < *number || (image->segment == *number && image->end <= *position);
        if (before) continue;
        uint64_t first = image->begin + WAL_GROUP_HEADER_BYTES; /* the header is not there yet */
        if (image->segment > *number || *position < first) *position = first;
        *number = image->segment;
        *source = (struct source){
            .wal = wal,
            .image = image,
            .header = {.segment = image->segment, .owner = wal->owner},
            .end = image->end,
        };
        return PLACE_FOUND;
    }
    return PLACE_AHEAD;
}

enum status wal_read(struct wal *wal, uint64_t lsn, struct buf *scratch, struct wal_record *record, uint64_t *next_lsn,
                     struct error *error) {
    uint32_t number = wal_lsn_segment(lsn);
    uint64_t position;
    if (!wal_position_of((uint32_t)lsn, &position)) {
        return error_set(error, STATUS_INVALID, "%s: %llx is no position in the log", wal->dir,
                         (unsigned long long)lsn);
    }
    for (;;) {
        struct source source;
        enum place place = find_file(wal, &number, &position, &source);
        if (place == PLACE_DROPPED) return STATUS_COMPACTED;
        if (place == PLACE_AHEAD) place = find_image(wal, &number, &position, &source);
        if (place == PLACE_AHEAD) return STATUS_END;
        enum status status = read_record(&source, &position, scratch, record, error);
        if (status == STATUS_END) {
            if (source.end > position) position = source.end;
            continue;
        }
        if (status == STATUS_OK) *next_lsn = wal_lsn(number, position);
        return status;
    }
}
