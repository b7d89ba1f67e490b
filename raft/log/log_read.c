/*
 * log_read: see the header.
 */
#include "raft/log/log_read.h"

#include <stdlib.h>

#include "raft/log/raft_log.h"

void log_reader_init(struct log_reader *reader, struct io *io, struct wal *wal, struct log *log) {
    *reader = (struct log_reader){.io = io, .wal = wal, .log = log};
}

enum { CLOSE_TURN_NS = 1000000 };

void log_reader_deinit(struct log_reader *reader) {
    reader->on_read = NULL;
    while (reader->runs) {
        if (!io_job_assist(reader->io)) io_sleep(reader->io, CLOSE_TURN_NS);
        io_run(reader->io, 0);
    }
    for (unsigned i = 0; i < LOG_PIECES; i++) {
        free(reader->pieces[i].entries);
        buf_deinit(&reader->pieces[i].bytes);
    }
    log_points_deinit(&reader->terms);
    buf_deinit(&reader->scratch);
}

bool log_reader_find(struct log_reader *reader, uint64_t index, uint64_t term, struct raft_entry *entry) {
    for (unsigned i = 0; i < LOG_PIECES; i++) {
        struct log_piece *piece = &reader->pieces[i];
        bool busy = reader->runs && piece == reader->target;
        if (busy || piece->first == 0 || index < piece->first || index - piece->first >= piece->count) continue;
        const struct log_piece_entry *found = &piece->entries[index - piece->first];
        if (found->term != term) continue;
        piece->used = ++reader->counter;
        *entry = (struct raft_entry){
            .term = term, .kind = found->kind, .bytes = slice_make(piece->bytes.data + found->offset, found->size)};
        return true;
    }
    return false;
}

/* ---- The job ---- */

static enum status keep(struct log_reader *reader, const struct raft_log_record *record) {
    struct log_piece *piece = reader->target;
    size_t offset = piece->bytes.size;
    enum status status = buf_append_slice(&piece->bytes, record->bytes);
    if (status != STATUS_OK) return status;
    piece->entries[piece->count++] = (struct log_piece_entry){
        .term = record->term, .kind = record->entry_kind, .offset = offset, .size = record->bytes.size};
    reader->next++;
    return STATUS_OK;
}

static bool is_full(const struct log_reader *reader) {
    const struct log_piece *piece = reader->target;
    return reader->next > reader->last || piece->count == LOG_PIECE_ENTRIES || piece->bytes.size >= LOG_PIECE_BYTES;
}

static enum status read_one(struct log_reader *reader) {
    struct wal_record record;
    enum status status = wal_read(reader->wal, reader->lsn, &reader->scratch, &record, &reader->lsn, &reader->error);
    if (status == STATUS_END)
        return error_set(&reader->error, STATUS_CORRUPT, "entry %llu is not where the log has it",
                         (unsigned long long)reader->next);
    if (status != STATUS_OK) return status;
    struct raft_log_record found;
    status = raft_log_record_decode(record.type, record.payload, &found);
    if (status != STATUS_OK)
        return error_set(&reader->error, status, "record %llx is none of raft's", (unsigned long long)record.lsn);
    /* Other terms of the same index are what was cut later on. */
    const struct log_point *run = log_points_find(&reader->terms, reader->next);
    bool wanted =
        found.kind == RAFT_LOG_ENTRY && found.index == reader->next && run != NULL && found.term == run->value;
    return wanted ? keep(reader, &found) : STATUS_OK;
}

static enum io_job_state read_step(struct io_job *job) {
    struct log_reader *reader = job->context;
    for (unsigned i = 0; i < LOG_READ_STEP_ENTRIES && reader->result == STATUS_OK && !is_full(reader); i++)
        reader->result = read_one(reader);
    return reader->result != STATUS_OK || is_full(reader) ? IO_JOB_DONE : IO_JOB_MORE;
}

static void read_done(struct io_job *job) {
    struct log_reader *reader = job->context;
    reader->runs = false;
    wal_unpin(reader->wal, reader->pinned);
    if (reader->result != STATUS_OK) {
        reader->status = reader->result;
        reader->target->count = 0;
        log_error(reader->log, "log: reading back entry %llu: %s: %s", (unsigned long long)reader->next,
                  status_name(reader->result), reader->error.text);
    }
    if (reader->target->count == 0) reader->target->first = 0;
    if (reader->on_read != NULL) reader->on_read(reader->context);
}

static struct log_piece *oldest_piece(struct log_reader *reader) {
    struct log_piece *oldest = &reader->pieces[0];
    for (unsigned i = 1; i < LOG_PIECES; i++)
        if (reader->pieces[i].used < oldest->used) oldest = &reader->pieces[i];
    return oldest;
}

void log_reader_start(struct log_reader *reader, uint64_t first, uint64_t last, uint64_t lsn,
                      const struct log_points *terms) {
    if (reader->runs || reader->status != STATUS_OK) return;
    struct log_piece *piece = oldest_piece(reader);
    if (piece->entries == NULL) piece->entries = calloc(LOG_PIECE_ENTRIES, sizeof *piece->entries);
    if (piece->entries == NULL || log_points_copy(terms, first, &reader->terms) != STATUS_OK)
        return; /* whoever needs it asks again */
    piece->first = first;
    piece->count = 0;
    piece->used = ++reader->counter;
    buf_clear(&piece->bytes);
    reader->target = piece;
    reader->next = first;
    reader->last = last;
    reader->lsn = reader->pinned = lsn;
    reader->result = STATUS_OK;
    reader->error = (struct error){.status = STATUS_OK};
    reader->runs = true;
    wal_pin(reader->wal, lsn);
    reader->job = (struct io_job){.pool = IO_POOL_READ, .step = read_step, .done = read_done, .context = reader};
    io_job_start(reader->io, &reader->job);
}
