/*
 * wal_scan: reads one segment's bytes group by group and says what follows the last sound one: never written, torn or
 * faulty. Source: FORMAT.md, "Valid if and only if" and "What follows the last group".
 */
#include "engine/base/check.h"
#include "engine/wal/wal_format.h"

/* ---- Bytes of the stream ----------------------------------------------------------------------------------------- */

static uint64_t sector_of(uint64_t position) {
    return WAL_HEADER_BYTES / IO_SECTOR_BYTES + position / WAL_BODY_BYTES;
}

static const uint8_t *sector_bytes(const struct wal_scan *scan, uint64_t sector) {
    return scan->bytes.data + sector * IO_SECTOR_BYTES;
}

/* A group asks for its sectors again and again. */
static const struct wal_sector *sector_at(struct wal_scan *scan, uint64_t sector) {
    struct wal_scan_known *known = &scan->known[sector % WAL_SCAN_KNOWN];
    if (known->index != sector) {
        known->index = sector;
        known->sector = wal_sector_classify(&scan->header, sector, sector_bytes(scan, sector));
    }
    return &known->sector;
}

/* The run of stream bytes from position on that lies in one sector, at most `most` of them. */
static struct slice run_at(const struct wal_scan *scan, uint64_t position, uint64_t most) {
    uint64_t left = WAL_BODY_BYTES - position % WAL_BODY_BYTES;
    return slice_make(scan->bytes.data + wal_offset(position), left < most ? left : most);
}

static void gather(const struct wal_scan *scan, uint64_t position, uint8_t *to, uint64_t size) {
    while (size > 0) {
        struct slice run = run_at(scan, position, size);
        memcpy(to, run.data, run.size);
        to += run.size;
        position += run.size;
        size -= run.size;
    }
}

static struct wal_prefix prefix_at(const struct wal_scan *scan, uint64_t position) {
    uint8_t bytes[WAL_PREFIX_BYTES];
    const struct slice run = run_at(scan, position, WAL_PREFIX_BYTES);
    if (run.size == WAL_PREFIX_BYTES) return wal_prefix_decode(run.data);
    gather(scan, position, bytes, sizeof bytes);
    return wal_prefix_decode(bytes);
}

static bool is_zero_between(const struct wal_scan *scan, uint64_t begin, uint64_t end) {
    while (begin < end) {
        struct slice run = run_at(scan, begin, end - begin);
        if (!wal_is_zero(run.data, run.size)) return false;
        begin += run.size;
    }
    return true;
}

/* Borrowed from the file where it lies in one sector, else from the scratch buffer. */
static enum status stream_slice(struct wal_scan *scan, uint64_t position, uint64_t size, struct slice *slice) {
    if (size == 0) {
        *slice = slice_make(NULL, 0);
        return STATUS_OK;
    }
    *slice = run_at(scan, position, size);
    if (slice->size == size) return STATUS_OK;
    buf_clear(&scan->scratch);
    enum status status = buf_reserve(&scan->scratch, size);
    if (status != STATUS_OK) return status;
    gather(scan, position, scan->scratch.data, size);
    *slice = slice_make(scan->scratch.data, size);
    return STATUS_OK;
}

/* ---- Findings ---------------------------------------------------------------------------------------------------- */

static enum wal_verdict faulty(struct wal_scan *scan, uint64_t offset, uint64_t group, const char *what) {
    scan->what = what;
    scan->at = offset;
    scan->at_group = group;
    return WAL_FOUND_FAULTY;
}

static enum wal_verdict faulty_at(struct wal_scan *scan, uint64_t position, uint64_t group, const char *what) {
    return faulty(scan, wal_offset(position), group, what);
}

/* ---- What follows the last sound group of the newest segment ----------------------------------------------------- */

struct tail {
    uint64_t lowest; /* group among the sectors that remain; 0 = none */
    uint64_t highest;
    uint64_t lowest_sector;
    uint64_t proof;   /* highest group whose sectors say that all before it is durable */
    uint64_t damaged; /* sector that is neither ours nor never written, alone in its page */
};

/* Looks at the sectors of one page from `first` on. `own_before`: the page holds sectors of the last sound group. */
static enum wal_verdict tail_page(struct wal_scan *scan, uint64_t first, uint64_t end, bool own_before,
                                  struct tail *tail) {
    uint64_t own = own_before, bad = 0, bad_sector = 0;
    for (uint64_t sector = first; sector < end; sector++) {
        const struct wal_sector found = *sector_at(scan, sector);
        if (found.class == WAL_SECTOR_BAD) {
            bad++;
            bad_sector = sector;
        }
        if (found.class != WAL_SECTOR_OWN) continue;
        own++;
        if (found.group <= scan->last_group) {
            return faulty(scan, sector * IO_SECTOR_BYTES, found.group,
                          "a sector of an earlier group stands after a later one");
        }
        if (tail->lowest == 0 || found.group < tail->lowest) {
            tail->lowest = found.group;
            tail->lowest_sector = sector;
        }
        if (found.group > tail->highest) tail->highest = found.group;
        if (found.after_durable && found.group > tail->proof) tail->proof = found.group;
    }
    if (bad > 1 || (bad == 1 && own > 0)) {
        return faulty(scan, bad_sector * IO_SECTOR_BYTES, tail->lowest, "a sector's stamp is damaged");
    }
    if (bad == 1) tail->damaged = bad_sector;
    return WAL_FOUND_END;
}

/* The group that comes after last_group, or the one with which an opening begins: that one ends with the page in which
 * its header does, so its place is known. */
static bool may_follow_directly(const struct wal_scan *scan, const struct tail *tail) {
    if (tail->lowest == scan->last_group + 1) return true;
    uint64_t end = wal_page_up(scan->position + WAL_GROUP_HEADER_BYTES);
    return (uint32_t)tail->lowest == 0 && tail->lowest_sector < sector_of(end);
}

/* A group header at the start of a page that proves more durable than there is. */
static bool header_proves_loss(struct wal_scan *scan, uint64_t page_position) {
    const struct wal_sector sector = *sector_at(scan, sector_of(page_position));
    if (sector.class != WAL_SECTOR_OWN) return false;
    struct wal_group group;
    uint8_t bytes[WAL_GROUP_HEADER_BYTES];
    gather(scan, page_position, bytes, sizeof bytes);
    uint64_t lsn = wal_lsn(scan->header.segment, page_position);
    return wal_group_header_decode(bytes, scan->header.owner, lsn, &group) && group.durable > scan->last_group;
}

static enum wal_verdict read_tail(struct wal_scan *scan) {
    const uint64_t position = scan->position;
    if (scan->sealed && (scan->last_group < scan->sealed_durable || scan->last_group >= scan->sealed_group))
        return faulty_at(scan, position, 0, "a group is missing below the end that the next segment records");

    struct tail tail = {0};
    uint64_t sector = sector_of(position);
    bool shared = position % WAL_BODY_BYTES !=
                  0; /* it holds the end of the last sound group; and perhaps the beginning of the next */
    if (shared && sector_at(scan, sector)->group == scan->last_group) sector++;
    /* What stands behind the end of a sealed segment was cut before. */
    const uint64_t sectors =
        scan->sealed ? sector_of(scan->limit - 1) + 1 : scan->header.segment_bytes / IO_SECTOR_BYTES;
    while (sector < sectors) {
        uint64_t page_end = (sector / WAL_PAGE_SECTORS + 1) * WAL_PAGE_SECTORS;
        if (page_end > sectors) page_end = sectors;
        enum wal_verdict verdict = tail_page(scan, sector, page_end, sector % WAL_PAGE_SECTORS != 0, &tail);
        if (verdict != WAL_FOUND_END) return verdict;
        sector = page_end;
    }
    if (tail.highest > scan->highest_group) scan->highest_group = tail.highest;
    if (tail.damaged != 0) {
        scan->what = "a damaged sector in never-written space";
        scan->at = tail.damaged * IO_SECTOR_BYTES;
    }
    if (tail.lowest == 0 && !scan->sealed) return WAL_FOUND_END;

    bool lost = tail.proof > tail.lowest || (tail.proof == tail.lowest && !may_follow_directly(scan, &tail));
    for (uint64_t page = wal_page_up(position); !lost && page < scan->limit; page += WAL_PAGE_STREAM)
        lost = header_proves_loss(scan, page);
    if (lost)
        return faulty_at(scan, position, tail.lowest,
                         "a group lacks sectors, and a later one proves that it was durable");
    scan->what = scan->sealed
                     ? "groups below the end that the next segment records are missing, and were not durable then"
                     : "a group lacks sectors and was never durable";
    scan->at = wal_offset(position);
    scan->at_group = tail.lowest;
    return WAL_FOUND_TORN;
}

bool wal_scan_proves(struct slice bytes, const struct wal_segment_header *header, uint64_t group, uint64_t *highest) {
    struct wal_scan scan = {.bytes = bytes, .header = *header, .last_group = group};
    const uint64_t sectors = bytes.size / IO_SECTOR_BYTES;
    bool proves = header->durable > group;
    for (uint64_t index = WAL_PAGE_SECTORS; index < sectors; index++) {
        const struct wal_sector sector = *sector_at(&scan, index);
        if (sector.class != WAL_SECTOR_OWN) continue;
        if (sector.group > *highest) *highest = sector.group;
        proves = proves || sector.after_durable;
        if (index % WAL_PAGE_SECTORS == 0 && !proves)
            proves = header_proves_loss(&scan, (index - WAL_PAGE_SECTORS) * WAL_BODY_BYTES);
    }
    return proves;
}

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

enum presence { PRESENT, ABSENT, DAMAGED, UNREAD };

/* A header, and the sector in which it begins. */
static bool begin_is_read(const struct wal_scan *scan) {
    return scan->ready >= scan->position + WAL_BODY_BYTES + WAL_GROUP_HEADER_BYTES;
}

/* Whether a group begins at scan->position, judged by the stamp of its first sector. */
static enum presence group_begins(struct wal_scan *scan) {
    uint64_t position = scan->position;
    const struct wal_sector sector = *sector_at(scan, sector_of(position));
    if (sector.class != WAL_SECTOR_OWN) return ABSENT;
    if (sector.group > scan->last_group) return PRESENT;
    uint64_t inside = position % WAL_BODY_BYTES;
    if (inside == 0 || sector.group != scan->last_group) {
        faulty_at(scan, position, sector.group, "a stamp of an earlier group where a later one begins");
        return DAMAGED;
    }
    if (!is_zero_between(scan, position, position + WAL_BODY_BYTES - inside)) {
        scan->what = "a group whose writer ended before its stamp";
        scan->at = wal_offset(position);
    }
    return ABSENT;
}

/* What the prefix of a compact group says, and the salt of its record's check. */
struct compact {
    struct wal_prefix prefix;
    uint64_t place;
};

static uint64_t scan_lsn(const struct wal_scan *scan, uint64_t position) {
    return (uint64_t)scan->header.segment << 32 | wal_offset(position);
}

static const char *misfit(const struct wal_scan *scan, const struct wal_group *group) {
    if (group->group < scan->header.start_group) return "a group lower than the segment's first";
    if (group->begin + group->length > scan->limit) return "a group is longer than what is left of the segment";
    return NULL;
}

/* A prefix that is not that of a group header, where a group begins: its sectors bear sound stamps, so it was complete.
 */
static enum presence read_compact(struct wal_scan *scan, struct wal_group *group, struct compact *compact) {
    const uint64_t position = scan->position;
    const struct wal_prefix prefix = prefix_at(scan, position);
    const uint64_t lsn = scan_lsn(scan, position);
    const uint64_t end = wal_item_start(position + WAL_PREFIX_BYTES + prefix.length);
    *group = (struct wal_group){
        .lsn = lsn,
        .end_lsn = scan_lsn(scan, end),
        .group = scan->last_group + 1,
        .previous = scan->last_group,
        .durable = scan->durable,
        .count = 1,
        .compact = true,
        .begin = position,
        .length = end - position,
    };
    *compact = (struct compact){prefix, wal_record_place(scan->header.owner, lsn, prefix.type, prefix.length)};
    const char *what = misfit(scan, group);
    if (!wal_compact_fits(&prefix, compact->place)) what = "a compact group's prefix does not verify";
    if (position % WAL_PAGE_STREAM == 0) what = "a compact group where a page begins";
    if (what != NULL) {
        faulty_at(scan, position, group->group, what);
        return DAMAGED;
    }
    if (end > scan->ready) return UNREAD;
    const uint64_t last = sector_of(end - 1);
    for (uint64_t index = sector_of(position); index <= last; index++) {
        const struct wal_sector *sector = sector_at(scan, index);
        if (sector->class == WAL_SECTOR_OWN && sector->group == group->group && sector->after_durable)
            group->durable = group->previous;
    }
    return PRESENT;
}

/* Whether a compact group begins at `position`: the byte of its type stands in a sector that is ours, and is not 0. */
static bool begins_compact(struct wal_scan *scan, uint64_t position) {
    if (scan->header.version < WAL_VERSION_COMPACT) return false;
    const uint64_t type = position + WAL_PREFIX_BYTES - 1;
    return sector_at(scan, sector_of(type))->class == WAL_SECTOR_OWN && scan->bytes.data[wal_offset(type)] != 0;
}

static enum presence read_group_header(struct wal_scan *scan, struct wal_group *group, struct compact *compact) {
    uint64_t position = scan->position;
    if (begins_compact(scan, position)) return read_compact(scan, group, compact);
    uint64_t last = position + WAL_GROUP_HEADER_BYTES - 1;
    if (last >= scan->limit) {
        faulty_at(scan, position, 0, "no room for a group header before the end of the segment");
        return DAMAGED;
    }
    const struct wal_sector sector = *sector_at(scan, sector_of(last));
    if (sector.class == WAL_SECTOR_ZERO || sector.class == WAL_SECTOR_STALE) return ABSENT;

    uint8_t bytes[WAL_GROUP_HEADER_BYTES];
    gather(scan, position, bytes, sizeof bytes);
    if (!wal_group_header_decode(bytes, scan->header.owner, wal_lsn(scan->header.segment, position), group)) {
        faulty_at(scan, position, sector.class == WAL_SECTOR_OWN ? sector.group : 0, "a group header does not verify");
        return DAMAGED;
    }
    group->begin = position;
    uint64_t end = position + group->length;
    group->end_lsn = wal_lsn(scan->header.segment, end);
    const char *what = misfit(scan, group);
    if (group->previous != scan->last_group) what = "the group before this one is missing";
    if (group->padded ? end % WAL_PAGE_STREAM != 0 : wal_item_start(end) != end)
        what = "a group ends where none can end";
    if (what == NULL) return end > scan->ready ? UNREAD : PRESENT;
    faulty_at(scan, position, group->group, what);
    return DAMAGED;
}

/* Every sector of the group is there, written by it; the last one may have been written again with a later group behind
 * it. */
static enum presence check_sectors(struct wal_scan *scan, const struct wal_group *group) {
    uint64_t first = sector_of(group->begin);
    uint64_t last = sector_of(group->begin + group->length - 1);
    bool absent = false;
    for (uint64_t index = first; index <= last; index++) {
        const struct wal_sector sector = *sector_at(scan, index);
        if (sector.class == WAL_SECTOR_ZERO || sector.class == WAL_SECTOR_STALE) {
            absent = true;
            continue;
        }
        bool ours = sector.class == WAL_SECTOR_OWN && sector.group == group->group &&
                    sector.after_durable == (group->durable == group->previous);
        bool shared = sector.class == WAL_SECTOR_OWN && sector.group > group->group && index == last && !group->padded;
        if (ours || shared) continue;
        faulty(scan, index * IO_SECTOR_BYTES, group->group,
               "a sector inside a group has a damaged stamp or one of another group");
        return DAMAGED;
    }
    return absent ? ABSENT : PRESENT;
}

/* `checked`: it was verified before. */
static enum status next_record(struct wal_scan *scan, const struct wal_group *group, bool checked, uint64_t *position,
                               struct wal_record *record, uint32_t *check_value, const char **what) {
    uint64_t end = group->begin + group->length;
    uint64_t start = wal_item_start(*position);
    *what = "a record lies outside its group";
    if (start + WAL_PREFIX_BYTES > end) return STATUS_OK;
    const struct wal_prefix prefix = prefix_at(scan, start);
    if (prefix.length > WAL_RECORD_MAX_BYTES || prefix.length > end - start - WAL_PREFIX_BYTES) return STATUS_OK;
    enum status status = stream_slice(scan, start + WAL_PREFIX_BYTES, prefix.length, &record->payload);
    if (status != STATUS_OK) return status;
    record->lsn = wal_lsn(scan->header.segment, start);
    record->type = prefix.type;
    *what = "a record does not verify";
    const bool sound = prefix.type != 0 && prefix.compact == group->compact;
    const struct wal_payload payload = wal_payload_of(&record->payload);
    if (!sound ||
        (!checked && prefix.check != wal_record_check(scan->header.owner, record->lsn, prefix.type, &payload)))
        return STATUS_OK;
    *what = "bytes between records are not zero";
    if (!is_zero_between(scan, *position, start)) return STATUS_OK;
    *what = NULL;
    *check_value = prefix.check;
    *position = start + WAL_PREFIX_BYTES + prefix.length;
    return STATUS_OK;
}

static uint64_t header_bytes(const struct wal_group *group) {
    return group->compact ? 0 : WAL_GROUP_HEADER_BYTES;
}

/* The record of a compact group, whose prefix fits its place, and the padding. As check_content. */
static enum status check_compact(struct wal_scan *scan, const struct wal_group *group, const struct compact *compact,
                                 uint64_t *where, const char **what) {
    const uint64_t start = group->begin + WAL_PREFIX_BYTES, end = start + compact->prefix.length;
    *where = group->begin;
    *what = "a record does not verify";
    const enum status status = stream_slice(scan, start, compact->prefix.length, &scan->only.payload);
    if (status != STATUS_OK || compact->prefix.check != wal_check_at(compact->place, scan->only.payload)) return status;
    scan->only.lsn = group->lsn;
    scan->only.type = compact->prefix.type;
    *where = scan->only_end = end;
    *what = is_zero_between(scan, end, group->begin + group->length) ? NULL : "padding is not zero";
    return STATUS_OK;
}

/* Records, padding and sum. *what = NULL when all is well, else where and why not. */
static enum status check_content(struct wal_scan *scan, const struct wal_group *group, uint64_t *where,
                                 const char **what) {
    uint64_t position = group->begin + WAL_GROUP_HEADER_BYTES;
    uint64_t sum = wal_sum_start(scan->header.owner, group->group);
    *what = NULL;
    for (uint32_t i = 0; i < group->count; i++) {
        uint32_t record_check = 0;
        *where = position;
        enum status status = next_record(scan, group, false, &position, &scan->only, &record_check, what);
        if (status != STATUS_OK || *what != NULL) return status;
        sum = wal_sum_add(sum, record_check);
    }
    *where = scan->only_end = position;
    if (!is_zero_between(scan, position, group->begin + group->length))
        *what = "padding is not zero";
    else if (sum != group->sum)
        *what = "the sum of a group does not match its records";
    return STATUS_OK;
}

enum status wal_scan_next(struct wal_scan *scan, enum wal_verdict *verdict, struct wal_group *group) {
    *verdict = WAL_FOUND_FAULTY;
    scan->checked_lsn = 0;
    if (scan->position == scan->limit) {
        bool complete = !scan->sealed || scan->last_group == scan->sealed_group;
        *verdict = complete
                       ? WAL_FOUND_END
                       : faulty_at(scan, scan->position, scan->last_group, "the next segment names another last group");
        return STATUS_OK;
    }
    struct compact compact = {.place = 0};
    enum presence presence = begin_is_read(scan) ? group_begins(scan) : UNREAD;
    if (presence == PRESENT) presence = read_group_header(scan, group, &compact);
    if (presence == PRESENT) presence = check_sectors(scan, group);
    if (presence == ABSENT && scan->ready != UINT64_MAX) presence = UNREAD; /* the tail is looked at whole */
    if (presence == UNREAD) *verdict = WAL_FOUND_UNREAD;
    if (presence == ABSENT) *verdict = read_tail(scan);
    if (presence != PRESENT) return STATUS_OK;

    uint64_t where = 0;
    const char *what = NULL;
    const enum status status = group->compact ? check_compact(scan, group, &compact, &where, &what)
                                              : check_content(scan, group, &where, &what);
    if (status != STATUS_OK) return status;
    if (what != NULL) {
        *verdict = faulty_at(scan, where, group->group, what);
        return STATUS_OK;
    }
    if (group->durable == group->previous) scan->durable_position = group->begin;
    if (group->durable > scan->durable) scan->durable = group->durable;
    scan->checked_lsn = group->lsn;
    scan->position = group->begin + group->length;
    scan->last_group = group->group;
    if (scan->highest_group < group->group) scan->highest_group = group->group;
    *verdict = WAL_FOUND_GROUP;
    return STATUS_OK;
}

enum status wal_scan_record(struct wal_scan *scan, const struct wal_group *group, uint64_t *at,
                            struct wal_record *record) {
    const bool checked = scan->checked_lsn == group->lsn;
    if (checked && *at == 0 && group->count == 1) { /* as it was found when the group was verified */
        *record = scan->only;
        *at = scan->only_end - group->begin;
        return STATUS_OK;
    }
    uint64_t position = group->begin + (*at == 0 ? header_bytes(group) : *at);
    uint64_t start = wal_item_start(position);
    uint8_t bytes[WAL_PREFIX_BYTES];
    if (start + WAL_PREFIX_BYTES > group->begin + group->length) return STATUS_END;
    gather(scan, start, bytes, sizeof bytes);
    if (wal_is_zero(bytes, sizeof bytes)) return STATUS_END; /* padding: a record's check is never 0 */
    uint32_t record_check;
    const char *what;
    enum status status = next_record(scan, group, checked, &position, record, &record_check, &what);
    if (status != STATUS_OK) return status;
    if (what != NULL) return STATUS_CORRUPT;
    *at = position - group->begin;
    return STATUS_OK;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

enum status wal_scan_init(struct wal_scan *scan, struct slice bytes, const struct wal_segment_header *header,
                          const struct wal_segment_header *successor, struct error *error) {
    *scan = (struct wal_scan){
        .bytes = bytes,
        .header = *header,
        .limit = wal_capacity(header->segment_bytes),
        .ready = UINT64_MAX,
        .last_group = header->predecessor_group,
        .durable = header->durable,
        .highest_group = header->start_group - 1,
        .scratch = BUF_EMPTY,
    };
    if (bytes.size != header->segment_bytes) {
        return error_set(error, STATUS_CORRUPT, "the file has %zu bytes, its header says %llu", bytes.size,
                         (unsigned long long)header->segment_bytes);
    }
    if (successor == NULL) return STATUS_OK;
    uint64_t end = 0;
    bool told = wal_lsn_segment(successor->predecessor_end) == header->segment &&
                wal_position_of((uint32_t)successor->predecessor_end, &end) && end <= scan->limit;
    if (!told) return error_set(error, STATUS_CORRUPT, "the next segment says that this one ends where it cannot end");
    scan->sealed = true;
    scan->limit = end;
    scan->sealed_group = successor->predecessor_group;
    scan->sealed_durable = successor->durable;
    return STATUS_OK;
}

void wal_scan_have(struct wal_scan *scan, uint64_t size) {
    const uint64_t sectors = size < WAL_HEADER_BYTES ? 0 : (size - WAL_HEADER_BYTES) / IO_SECTOR_BYTES;
    scan->ready = size < scan->bytes.size ? sectors * WAL_BODY_BYTES : UINT64_MAX;
}

void wal_scan_deinit(struct wal_scan *scan) {
    buf_deinit(&scan->scratch);
}
