/*
 * wal_put: a record that is a group of its own, compact, appended and written in one go. Nothing is kept in memory but
 * the sector in which the log ends, to which the next one is added.
 *
 * Invariant: sector 0 of wal->tail is the one that holds current_end, as it stands in the file, whenever that is inside
 * one.
 */
#include "engine/wal/wal_internal.h"

/* Whether a compact group of that size may follow what is written: FORMAT.md, "A compact group". */
static bool takes_compact(const struct wal *wal, size_t payload_bytes) {
    if (payload_bytes > WAL_PUT_MAX_BYTES || !list_is_empty(&wal->groups)) return false;
    if (wal->current_version < WAL_VERSION_COMPACT || wal->next_segment != wal->current_segment) return false;
    if (wal->next_group != wal->last_group + 1 || wal->current_end % WAL_PAGE_STREAM == 0) return false;
    return wal->current_end + WAL_PREFIX_BYTES + payload_bytes <= wal_capacity(wal->current_bytes);
}

/* The sectors that a group reaches, of which those behind the first are new. */
static void clear_reached(struct wal *wal, uint64_t sectors) {
    const uint64_t first = wal->current_end % WAL_BODY_BYTES == 0 ? 0 : 1;
    if (first < sectors) memset(wal->tail + first * IO_SECTOR_BYTES, 0, (size_t)(sectors - first) * IO_SECTOR_BYTES);
}

/* Stream bytes into the sectors that begin with the one of current_end. */
static void put(struct wal *wal, uint64_t position, const uint8_t *from, size_t size) {
    const uint64_t first = wal->current_end / WAL_BODY_BYTES;
    while (size > 0) {
        const uint64_t inside = position % WAL_BODY_BYTES;
        uint8_t *sector = wal->tail + (position / WAL_BODY_BYTES - first) * IO_SECTOR_BYTES;
        const size_t left = (size_t)(WAL_BODY_BYTES - inside), take = left < size ? left : size;
        memcpy(sector + WAL_STAMP_BYTES + inside, from, take);
        from += take;
        position += take;
        size -= take;
    }
}

static void stamp(struct wal *wal, uint64_t sectors) {
    const uint64_t first = wal_offset_of(wal->current_end) / IO_SECTOR_BYTES;
    const bool after_durable = wal->durable_group == wal->last_group;
    for (uint64_t i = 0; i < sectors; i++)
        wal_stamp_encode(wal->tail + i * IO_SECTOR_BYTES, wal->owner, wal->current_segment, first + i, wal->next_group,
                         after_durable);
}

/* The group stands in the file. */
static void note_written(struct wal *wal, uint64_t end, uint64_t sectors) {
    wal->stats.commits++;
    wal->stats.written_bytes += wal_offset_of(end) - wal_offset_of(wal->current_end);
    wal->last_group = wal->next_group++;
    wal->unsynced = wal->current->unsynced = true;
    wal_set_end(wal, end);
    wal->next_position = end;
    if (sectors > 1 && end % WAL_BODY_BYTES != 0)
        memcpy(wal->tail, wal->tail + (sectors - 1) * IO_SECTOR_BYTES, IO_SECTOR_BYTES);
}

/* A payload that lies in one sector is gathered there already. */
static struct wal_prefix prefix_of(const struct wal *wal, uint64_t lsn, uint8_t type,
                                   const struct wal_payload *payload) {
    const uint64_t start = wal->current_end + WAL_PREFIX_BYTES;
    if (start % WAL_BODY_BYTES + payload->size > WAL_BODY_BYTES)
        return wal_compact_prefix(wal->owner, lsn, type, payload);
    const uint64_t sector = start / WAL_BODY_BYTES - wal->current_end / WAL_BODY_BYTES;
    const uint8_t *there = wal->tail + sector * IO_SECTOR_BYTES + WAL_STAMP_BYTES + start % WAL_BODY_BYTES;
    const struct slice whole = slice_make(there, payload->size);
    const struct wal_payload gathered = wal_payload_of(&whole);
    return wal_compact_prefix(wal->owner, lsn, type, &gathered);
}

static enum status put_compact(struct wal *wal, uint8_t type, const struct wal_payload *payload, uint64_t *lsn) {
    const uint64_t begin = wal->current_end, start = begin + WAL_PREFIX_BYTES;
    const uint64_t end = wal_item_start(start + payload->size);
    const uint64_t sectors = (end - 1) / WAL_BODY_BYTES - begin / WAL_BODY_BYTES + 1;
    uint8_t bytes[WAL_PREFIX_BYTES];
    clear_reached(wal, sectors);
    uint64_t at = start;
    for (unsigned i = 0; i < payload->count; i++) {
        put(wal, at, payload->parts[i].data, payload->parts[i].size);
        at += payload->parts[i].size;
    }
    *lsn = wal_lsn(wal->current_segment, begin);
    const struct wal_prefix prefix = prefix_of(wal, *lsn, type, payload);
    wal_prefix_encode(bytes, &prefix);
    put(wal, begin, bytes, sizeof bytes);
    stamp(wal, sectors);
    const uint64_t offset = wal_offset_of(begin) / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
    const enum status status =
        io_file_write(wal_current_file(wal), offset, wal->tail, (size_t)sectors * IO_SECTOR_BYTES);
    if (status != STATUS_OK) return wal_fail(wal, status, "write failed");
    note_written(wal, end, sectors);
    return STATUS_OK;
}

enum status wal_put(struct wal *wal, uint8_t type, const struct slice *parts, unsigned part_count, uint64_t *lsn) {
    check(type != 0 && part_count <= WAL_PARTS_MAX && wal->flight == NULL);
    if (wal->failed != STATUS_OK) return STATUS_READ_ONLY;
    size_t size = 0;
    for (unsigned i = 0; i < part_count; i++)
        size += parts[i].size <= WAL_PUT_MAX_BYTES ? parts[i].size : WAL_PUT_MAX_BYTES + 1;
    if (!takes_compact(wal, size)) {
        const enum status status = wal_append(wal, type, parts, part_count, lsn);
        return status == STATUS_OK ? wal_commit(wal, false) : status;
    }
    const struct wal_payload payload = {.parts = parts, .count = part_count, .size = size};
    const enum status status = put_compact(wal, type, &payload, lsn);
    if (status != STATUS_OK) return status;
    wal->stats.records++;
    wal->stats.payload_bytes += size;
    wal_after_unsynced(wal);
    return STATUS_OK;
}
