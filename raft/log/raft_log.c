/*
 * raft_log: see the header. Invariants: start <= durable <= clean <= last; clean <= written; entries above min(applied,
 * durable) are in memory.
 */
#include "raft/log/raft_log.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "raft/log/log_read.h"

enum {
    ENTRY_OVERHEAD_BYTES = 32,
    MARK_BYTES = 64 << 10,
    SCRUB_BYTES = 256 << 10,
    CACHE_DEFAULT_BYTES = 16 << 20,
    SLOTS_FIRST = 1024,
    LANDINGS_MAX = 256
};

/* An entry in memory. */
struct slot {
    uint64_t term;
    enum raft_entry_kind kind;
    struct raft_log_chunk *chunk;
    struct slice bytes;
};

/* A write that is under way: when the wal is durable up to lsn, entries up to last are. */
struct landing {
    uint64_t lsn;
    uint64_t last;
};

struct raft_log {
    struct io *io;
    struct wal *wal;
    struct raft_log_options options;
    uint64_t start, start_term, last;
    uint64_t written; /* last index in the wal */
    uint64_t clean;   /* up to here the wal holds what memory holds */
    uint64_t durable, applied;

    struct log_points terms; /* runs */
    struct log_points marks;
    bool mark_due; /* the next entry gets one whatever the distance */

    struct slot *slots; /* ring: index & (slot_count - 1) */
    size_t slot_count;
    uint64_t cached_from; /* entries cached_from..last are in memory */
    size_t cached_bytes;
    struct raft_log_chunk *spare; /* for an entry that the core makes */

    struct landing landings[LANDINGS_MAX]; /* ring, oldest at head */
    unsigned landing_head, landing_count;
    struct log_reader reader;

    /* recovery */
    bool any_entry; /* a record said where the log stands */
    uint64_t first_entry;
    uint64_t commit_note;
    struct log_points configurations; /* indexes of entries of that kind */
    struct error *error;
};

/* ---- Memory ---- */

enum status raft_log_chunk_create(size_t size, struct raft_log_chunk **chunk) {
    struct raft_log_chunk *made = malloc(sizeof *made + size);
    if (made == NULL) return STATUS_NO_MEMORY;
    made->references = 1;
    made->size = size;
    *chunk = made;
    return STATUS_OK;
}

void raft_log_chunk_release(struct raft_log_chunk *chunk) {
    if (chunk == NULL || --chunk->references > 0) return;
    free(chunk);
}

static struct slot *slot_at(const struct raft_log *log, uint64_t index) {
    return &log->slots[index & (log->slot_count - 1)];
}

static size_t slot_cost(const struct slot *slot) {
    return slot->bytes.size + ENTRY_OVERHEAD_BYTES;
}

static void free_slot(struct raft_log *log, uint64_t index) {
    struct slot *slot = slot_at(log, index);
    log->cached_bytes -= slot_cost(slot);
    raft_log_chunk_release(slot->chunk);
    *slot = (struct slot){0};
}

static void evict(struct raft_log *log, size_t limit) {
    uint64_t may_go = log->applied < log->durable ? log->applied : log->durable;
    while (log->cached_bytes > limit && log->cached_from <= may_go && log->cached_from <= log->last)
        free_slot(log, log->cached_from++);
}

static enum status grow_slots(struct raft_log *log, size_t want) {
    size_t count = log->slot_count ? log->slot_count : SLOTS_FIRST;
    while (count < want) count *= 2;
    if (count == log->slot_count) return STATUS_OK;
    struct slot *slots = calloc(count, sizeof *slots);
    if (slots == NULL) return STATUS_NO_MEMORY;
    for (uint64_t index = log->cached_from; log->slots != NULL && index <= log->last; index++)
        slots[index & (count - 1)] = *slot_at(log, index);
    free(log->slots);
    log->slots = slots;
    log->slot_count = count;
    return STATUS_OK;
}

enum status raft_log_reserve(struct raft_log *log, unsigned count) {
    enum status status = grow_slots(log, (size_t)(log->last + 1 - log->cached_from) + count + 1);
    if (status == STATUS_OK) status = log_points_reserve(&log->terms, count + 1);
    if (status == STATUS_OK && log->spare == NULL) status = raft_log_chunk_create(RAFT_MADE_ENTRY_BYTES, &log->spare);
    return status;
}

/* ---- Putting ---- */

static void cut_memory(struct raft_log *log, uint64_t first) {
    while (log->last >= first && log->last >= log->cached_from) free_slot(log, log->last--);
    log->last = first - 1;
    if (log->cached_from > first) log->cached_from = first;
    log_points_cut(&log->terms, first);
    if (log->durable >= first) log->durable = first - 1;
    if (log->clean >= first) log->clean = first - 1;
    for (unsigned i = 0; i < log->landing_count; i++) {
        struct landing *landing = &log->landings[(log->landing_head + i) % LANDINGS_MAX];
        if (landing->last >= first) landing->last = first - 1;
    }
}

static bool lies_in(struct slice bytes, const struct raft_log_chunk *chunk) {
    return chunk != NULL && bytes.data >= chunk->data && bytes.data + bytes.size <= chunk->data + chunk->size;
}

static void add_entry(struct raft_log *log, const struct raft_entry *entry, struct raft_log_chunk *chunk) {
    struct slot *slot = slot_at(log, ++log->last);
    *slot = (struct slot){.term = entry->term, .kind = entry->kind, .bytes = entry->bytes};
    if (entry->bytes.size > 0 && lies_in(entry->bytes, chunk)) {
        slot->chunk = chunk;
        chunk->references++;
    } else if (entry->bytes.size > 0) {
        check(log->spare != NULL && entry->bytes.size <= log->spare->size);
        slot->chunk = log->spare;
        log->spare = NULL;
        memcpy(slot->chunk->data, entry->bytes.data, entry->bytes.size);
        slot->bytes.data = slot->chunk->data;
    }
    log->cached_bytes += slot_cost(slot);
    const struct log_point *run = log_points_find(&log->terms, log->last);
    if (run == NULL || run->value != entry->term) log_points_add(&log->terms, log->last, entry->term);
}

void raft_log_put(struct raft_log *log, uint64_t first, const struct raft_entry *entries, unsigned count,
                  struct raft_log_chunk *chunk) {
    check(first > log->start && first <= log->last + 1);
    if (first <= log->last) cut_memory(log, first);
    for (unsigned i = 0; i < count; i++) add_entry(log, &entries[i], chunk);
    size_t limit = log->options.cache_bytes;
    evict(log, limit);
}

/* ---- Writing ---- */

static enum status write_index(struct raft_log *log, enum raft_log_record_kind kind, uint64_t index) {
    uint8_t bytes[RAFT_LOG_INDEX_BYTES];
    coding_put_u64(bytes, index);
    struct slice part = slice_make(bytes, sizeof bytes);
    uint64_t lsn;
    return wal_append(log->wal, (uint8_t)kind, &part, 1, &lsn);
}

static enum status write_cut(struct raft_log *log, uint64_t first) {
    enum status status = write_index(log, RAFT_LOG_CUT, first);
    if (status != STATUS_OK) return status;
    log->written = first - 1;
    log_points_cut(&log->marks, first);
    log->mark_due = true;
    return STATUS_OK;
}

static void mark(struct raft_log *log, uint64_t index, uint64_t lsn) {
    const struct log_point *last = log->marks.count > 0 ? &log->marks.items[log->marks.count - 1] : NULL;
    bool far = last == NULL || last->value >> 32 != lsn >> 32 || lsn - last->value >= MARK_BYTES;
    if (!far && !log->mark_due) return;
    log->mark_due = false;
    log_points_add(&log->marks, index, lsn);
}

static enum status write_entry(struct raft_log *log, uint64_t index) {
    const struct slot *slot = slot_at(log, index);
    check(index >= log->cached_from && index <= log->last);
    struct raft_log_record record = {.index = index, .term = slot->term, .entry_kind = slot->kind};
    uint8_t head[RAFT_LOG_ENTRY_HEAD_BYTES];
    raft_log_entry_head_encode(head, &record);
    struct slice parts[2] = {slice_make(head, sizeof head), slot->bytes};
    enum status status = log_points_reserve(&log->marks, 1);
    uint64_t lsn;
    if (status == STATUS_OK) status = wal_append(log->wal, RAFT_LOG_ENTRY, parts, 2, &lsn);
    if (status != STATUS_OK) return status;
    log->written = log->clean = index;
    mark(log, index, lsn);
    return STATUS_OK;
}

enum status raft_log_write(struct raft_log *log, uint64_t last, uint64_t commit_note, uint64_t *end_lsn) {
    enum status status = STATUS_OK;
    if (log->landing_count == LANDINGS_MAX) return STATUS_BUSY;
    uint64_t until = last < log->last ? last : log->last;
    if (log->clean < until && log->clean < log->written) status = write_cut(log, log->clean + 1);
    while (status == STATUS_OK && log->clean < until) status = write_entry(log, log->clean + 1);
    if (status == STATUS_OK && commit_note != 0) status = write_index(log, RAFT_LOG_COMMIT, commit_note);
    *end_lsn = wal_end(log->wal);
    if (status == STATUS_OK) {
        unsigned at = (log->landing_head + log->landing_count++) % LANDINGS_MAX;
        log->landings[at] = (struct landing){.lsn = *end_lsn, .last = log->clean};
    }
    return status;
}

static void land(struct raft_log *log) {
    uint64_t durable = wal_durable(log->wal);
    while (log->landing_count > 0 && log->landings[log->landing_head].lsn <= durable) {
        uint64_t last = log->landings[log->landing_head].last;
        if (last > log->durable) log->durable = last;
        log->landing_head = (log->landing_head + 1) % LANDINGS_MAX;
        log->landing_count--;
    }
}

static void wal_committed(void *context, enum status status, uint64_t durable_lsn) {
    struct raft_log *log = context;
    (void)durable_lsn;
    land(log);
    log->options.on_commit(log->options.context, status);
}

void raft_log_commit_start(struct raft_log *log) {
    wal_commit_start(log->wal);
}

bool raft_log_is_idle(const struct raft_log *log) {
    return wal_is_idle(log->wal) && wal_pending(log->wal) == 0;
}

uint64_t raft_log_end_lsn(const struct raft_log *log) {
    return wal_end(log->wal);
}

uint64_t raft_log_durable_lsn(const struct raft_log *log) {
    return wal_durable(log->wal);
}

/* ---- Reading ---- */

uint64_t raft_log_start(const struct raft_log *log) {
    return log->start;
}
uint64_t raft_log_start_term(const struct raft_log *log) {
    return log->start_term;
}
uint64_t raft_log_last(const struct raft_log *log) {
    return log->last;
}
uint64_t raft_log_durable(const struct raft_log *log) {
    return log->durable;
}

uint64_t raft_log_term(const struct raft_log *log, uint64_t index) {
    if (index == log->start) return log->start_term;
    if (index < log->start || index > log->last) return 0;
    const struct log_point *run = log_points_find(&log->terms, index);
    return run == NULL ? 0 : run->value;
}

uint64_t raft_log_recovered_commit(const struct raft_log *log) {
    return log->commit_note;
}

enum raft_entry_kind raft_log_recovered_kind(const struct raft_log *log, uint64_t index) {
    const struct log_point *found = log_points_find(&log->configurations, index);
    return found != NULL && found->index == index ? RAFT_ENTRY_CONFIGURATION : RAFT_ENTRY_COMMAND;
}

static bool find_in_memory(struct raft_log *log, uint64_t index, struct raft_entry *entry) {
    check(index > log->start && index <= log->last);
    if (index < log->cached_from) return log_reader_find(&log->reader, index, raft_log_term(log, index), entry);
    const struct slot *slot = slot_at(log, index);
    *entry = (struct raft_entry){.term = slot->term, .kind = slot->kind, .bytes = slot->bytes};
    return true;
}

bool raft_log_get(struct raft_log *log, uint64_t index, struct raft_entry *entry) {
    if (find_in_memory(log, index, entry)) return true;
    const struct log_point *place = log_points_find(&log->marks, index);
    check(place != NULL);
    log_reader_start(&log->reader, index, log->cached_from - 1, place->value, &log->terms);
    return false;
}

bool raft_log_peek(struct raft_log *log, uint64_t index, struct raft_entry *entry) {
    return find_in_memory(log, index, entry);
}

unsigned raft_log_measure(void *context, uint64_t first, uint64_t last, size_t limit, size_t *bytes) {
    struct raft_log *log = context;
    unsigned count = 0;
    *bytes = 0;
    for (uint64_t index = first; index <= last; index++) {
        struct raft_entry entry;
        bool there = count == 0 ? raft_log_get(log, index, &entry) : find_in_memory(log, index, &entry);
        if (!there) break;
        size_t size = entry.bytes.size + ENTRY_OVERHEAD_BYTES;
        if (count > 0 && *bytes + size > limit) break;
        *bytes += size;
        count++;
    }
    return count;
}

enum status raft_log_read_status(const struct raft_log *log) {
    return log->reader.status;
}

static void entries_read(void *context) {
    struct raft_log *log = context;
    log->options.on_read(log->options.context);
}

/* ---- Looking for damage ---- */

void raft_log_scrub_begin(const struct raft_log *log, struct raft_log_scrub *scrub) {
    *scrub = (struct raft_log_scrub){.next = wal_start(log->wal), .until = wal_durable(log->wal)};
}

void raft_log_scrub_deinit(struct raft_log_scrub *scrub) {
    buf_deinit(&scrub->scratch);
}

void raft_log_scrub_pin(struct raft_log *log, struct raft_log_scrub *scrub) {
    if (scrub->next < wal_start(log->wal)) scrub->next = wal_start(log->wal); /* dropped meanwhile */
    scrub->pinned = scrub->next;
    wal_pin(log->wal, scrub->pinned);
}

void raft_log_scrub_unpin(struct raft_log *log, struct raft_log_scrub *scrub) {
    wal_unpin(log->wal, scrub->pinned);
}

enum status raft_log_scrub_step(struct raft_log *log, struct raft_log_scrub *scrub) {
    const uint64_t enough = scrub->bytes + SCRUB_BYTES;
    while (scrub->next < scrub->until && scrub->bytes < enough) {
        struct wal_record record;
        enum status status = wal_read(log->wal, scrub->next, &scrub->scratch, &record, &scrub->next, &scrub->error);
        if (status != STATUS_OK) return status;
        if (record.lsn >= scrub->until) return STATUS_END;
        scrub->bytes += record.payload.size + ENTRY_OVERHEAD_BYTES;
    }
    return scrub->next < scrub->until ? STATUS_OK : STATUS_END;
}

/* ---- The prefix ---- */

void raft_log_applied(struct raft_log *log, uint64_t index) {
    if (index > log->applied) log->applied = index;
    evict(log, log->options.cache_bytes);
}

/* Entries below this one may be gone from the wal: it is the first in the oldest segment kept. */
static uint64_t first_kept(const struct raft_log *log) {
    uint64_t start = wal_start(log->wal) >> 32;
    for (size_t i = 0; i < log->marks.count; i++)
        if (log->marks.items[i].value >> 32 >= start) return log->marks.items[i].index;
    return log->last + 1;
}

uint64_t raft_log_compact(struct raft_log *log, uint64_t index) {
    if (index > log->durable) index = log->durable;
    const struct log_point *place = log_points_find(&log->marks, index + 1);
    if (index <= log->start || place == NULL) return log->start;
    wal_drop_before(log->wal, place->value);
    uint64_t start = first_kept(log) - 1;
    if (start <= log->start || start > index) return log->start;
    log->start_term = raft_log_term(log, start);
    log->start = start;
    log_points_forget(&log->marks, start + 1);
    log_points_forget(&log->terms, start + 1);
    while (log->cached_from <= start) free_slot(log, log->cached_from++);
    return start;
}

void raft_log_restart(struct raft_log *log, uint64_t index, uint64_t term) {
    while (log->last >= log->cached_from) free_slot(log, log->last--);
    log->terms.count = log->marks.count = 0;
    log->start = log->last = log->written = log->clean = log->durable = log->applied = index;
    log->start_term = term;
    log->cached_from = index + 1;
    log->landing_count = 0;
    log->mark_due = true;
}

uint64_t raft_log_place(const struct raft_log *log) {
    check(raft_log_is_idle(log));
    return wal_end(log->wal);
}

void raft_log_forget(struct raft_log *log, uint64_t place) {
    wal_drop_before(log->wal, place);
}

uint64_t raft_log_live_bytes(const struct raft_log *log) {
    const uint64_t segments = wal_live_segments(log->wal);
    return segments == 0 ? 0 : (segments - 1) * log->options.segment_bytes + (uint32_t)wal_end(log->wal);
}

void raft_log_get_stats(const struct raft_log *log, struct wal_stats *stats) {
    wal_get_stats(log->wal, stats);
}

/* ---- Recovery ---- */

static enum status recovered_entry(struct raft_log *log, const struct raft_log_record *record, uint64_t lsn) {
    if (log->any_entry && record->index != log->last + 1) {
        return error_set(log->error, STATUS_CORRUPT, "entry %llu follows entry %llu", (unsigned long long)record->index,
                         (unsigned long long)log->last);
    }
    const struct log_point *run = log_points_find(&log->terms, record->index);
    if (run != NULL && run->value > record->term) {
        return error_set(log->error, STATUS_CORRUPT, "entry %llu of term %llu follows one of term %llu",
                         (unsigned long long)record->index, (unsigned long long)record->term,
                         (unsigned long long)run->value);
    }
    enum status status = log_points_reserve(&log->terms, 1);
    if (status == STATUS_OK) status = log_points_reserve(&log->marks, 1);
    if (status == STATUS_OK) status = log_points_reserve(&log->configurations, 1);
    if (status != STATUS_OK) return status;
    if (run == NULL || run->value != record->term) log_points_add(&log->terms, record->index, record->term);
    if (record->entry_kind == RAFT_ENTRY_CONFIGURATION) log_points_add(&log->configurations, record->index, 1);
    if (log->first_entry == 0 || record->index < log->first_entry) log->first_entry = record->index;
    log->any_entry = true;
    log->last = record->index;
    mark(log, record->index, lsn);
    return STATUS_OK;
}

static enum status recovered_cut(struct raft_log *log, uint64_t index) {
    if (log->any_entry && index > log->last + 1) {
        return error_set(log->error, STATUS_CORRUPT, "a cut at %llu, above entry %llu", (unsigned long long)index,
                         (unsigned long long)log->last);
    }
    log_points_cut(&log->terms, index);
    log_points_cut(&log->marks, index);
    log_points_cut(&log->configurations, index);
    if (log->first_entry >= index) log->first_entry = 0;
    log->any_entry = true;
    log->last = index - 1;
    log->mark_due = true;
    return STATUS_OK;
}

static enum status visit(void *context, const struct wal_record *record) {
    struct raft_log *log = context;
    if (record->lsn < log->options.from) return STATUS_OK;
    struct raft_log_record found;
    enum status status = raft_log_record_decode(record->type, record->payload, &found);
    if (status != STATUS_OK) return error_set(log->error, status, "record of type %u is none of raft's", record->type);
    if (found.kind == RAFT_LOG_CUT) return recovered_cut(log, found.index);
    if (found.kind == RAFT_LOG_ENTRY) return recovered_entry(log, &found, record->lsn);
    if (found.index > log->commit_note) log->commit_note = found.index;
    return STATUS_OK;
}

enum status raft_log_settle_start(struct raft_log *log, uint64_t index, uint64_t term, struct error *error) {
    unsigned long long store = index, first = log->first_entry, last = log->last;
    if (index < log->options.start) {
        return error_set(error, STATUS_CORRUPT, "the store holds entries up to %llu, the log begins after %llu", store,
                         (unsigned long long)log->options.start);
    }
    if (log->any_entry && log->last < index)
        return error_set(error, STATUS_CORRUPT, "the log ends at %llu, the store holds %llu", last, store);
    bool empty = log->first_entry == 0;
    if (empty && log->any_entry && log->last > index)
        return error_set(error, STATUS_CORRUPT, "the log holds nothing up to %llu, the store ends at %llu", last,
                         store);
    if (!empty && log->first_entry > index + 1)
        return error_set(error, STATUS_CORRUPT, "the log begins at %llu, the store ends at %llu", first, store);
    log->start = index;
    log->start_term = term;
    if (!empty && log->first_entry <= index) {
        const struct log_point *run = log_points_find(&log->terms, index);
        if (run->value != term)
            return error_set(error, STATUS_CORRUPT, "entry %llu is of another term in the log than in the store",
                             store);
        /* Older ones stay for those who are behind. The first one's term is known, that of the one before it only if
         * that is none. */
        log->start = log->first_entry == 1 ? 0 : log->first_entry;
        log->start_term = log->first_entry == 1 ? 0 : log_points_find(&log->terms, log->first_entry)->value;
    }
    if (empty) log->last = index;
    log->written = log->clean = log->durable = log->last;
    log->applied = index;
    log->cached_from = log->last + 1;
    return STATUS_OK;
}

enum status raft_log_open(struct io *io, const char *dir, const struct raft_log_options *options, struct raft_log **log,
                          struct error *error) {
    *log = NULL;
    struct raft_log *made = calloc(1, sizeof *made);
    if (made == NULL) return error_set(error, STATUS_NO_MEMORY, "%s: %s", dir, status_text(STATUS_NO_MEMORY));
    struct error why = {.status = STATUS_OK};
    made->io = io;
    made->options = *options;
    if (made->options.cache_bytes == 0) made->options.cache_bytes = CACHE_DEFAULT_BYTES;
    made->error = &why;
    made->mark_due = true;
    made->cached_from = 1;
    struct wal_options wal_options = {
        .owner = options->owner,
        .segment_bytes = options->segment_bytes,
        .must_exist = options->must_exist,
        .log = options->log,
        .on_commit = wal_committed,
        .context = made,
    };
    enum status status = wal_open(io, dir, &wal_options, visit, made, &made->wal, NULL, error);
    if (status != STATUS_OK && why.status != STATUS_OK) status = error_prefix(error, status, "%s", why.text);
    made->error = NULL;
    if (status != STATUS_OK) {
        raft_log_close(made);
        return status;
    }
    log_reader_init(&made->reader, io, made->wal, options->log);
    made->reader.on_read = entries_read;
    made->reader.context = made;
    *log = made;
    return STATUS_OK;
}

void raft_log_close(struct raft_log *log) {
    if (log == NULL) return;
    if (log->wal != NULL) log_reader_deinit(&log->reader);
    wal_close(log->wal);
    while (log->slots != NULL && log->last >= log->cached_from) free_slot(log, log->last--);
    raft_log_chunk_release(log->spare);
    log_points_deinit(&log->terms);
    log_points_deinit(&log->marks);
    log_points_deinit(&log->configurations);
    free(log->slots);
    free(log);
}
