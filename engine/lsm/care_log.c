/*
 * care_log: the own log in a repair: where it goes on behind the tables, and its sound part when the rest is damaged:
 * what comes before a damaged place, and what comes behind it as long as batches show that it follows.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/lsm/batch.h"
#include "engine/lsm/care_backup.h"
#include "engine/lsm/care_plan.h"
#include "engine/lsm/care_state.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/log_follow.h"
#include "engine/wal.h"
#include "engine/wal_salvage.h"

enum { COMMIT_EVERY = 256 };

struct log_walk {
    struct care_plan *plan;
    struct wal *copy;    /* NULL: only looked at */
    uint64_t tables_end; /* the highest sequence that is in tables */
    struct engine_mark mark;
    uint64_t mark_sequence;
    struct engine_mark last; /* of the batch before */
    uint64_t next_sequence;  /* where the next begins, unless files were taken in between the two */
    bool has_record;
    bool is_past; /* beyond what the tables hold */
    uint64_t uncommitted;

    /* Of a damaged log. */
    bool has_gap;                  /* batches may be missing before the next one */
    bool ends;                     /* what comes now does not follow */
    uint64_t left;                 /* batches of which that is so */
    uint64_t from_index, to_index; /* the first and the last of them */
};

/* The batches that the tables hold come first; the mark is that of the last of them. Its sequence is the one before the
 * next batch: files that were taken in have theirs between the two, and no record. All that was written before such
 * files was in tables by then (ingest.c), though none of it need be left in any, nor the files. */
static void note_batch(struct log_walk *walk, const struct batch_header *header) {
    const bool covered = header->first_sequence <= walk->tables_end;
    if (walk->is_past && header->first_sequence != walk->next_sequence) {
        walk->mark = walk->last;
        walk->is_past = false;
    }
    if (covered) {
        walk->mark = header->mark;
        walk->mark_sequence = header->first_sequence + header->count - 1;
    } else if (!walk->is_past) {
        if (!walk->has_record) /* the tables end before the log begins */
            walk->mark = (struct engine_mark){.time_ms = header->mark.time_ms};
        walk->mark.index = header->mark.index - 1; /* a power cut may have taken some that are in tables */
        walk->mark_sequence = header->first_sequence - 1;
        walk->is_past = true;
    }
    walk->has_record = true;
    walk->last = header->mark;
    walk->next_sequence = header->first_sequence + header->count;
}

static enum status take(struct log_walk *walk, const struct wal_record *record, const struct batch_header *header) {
    uint64_t lsn;
    note_batch(walk, header);
    walk->plan->log_records++;
    if (!walk->copy) return STATUS_OK;
    enum status status = wal_append(walk->copy, record->type, &record->payload, 1, &lsn);
    if (status == STATUS_OK && ++walk->uncommitted % COMMIT_EVERY == 0) status = wal_commit(walk->copy, false);
    return status;
}

static enum status visit(void *context, const struct wal_record *record) {
    struct batch_header header;
    struct slice operations;
    const enum status status = batch_header_decode(record->payload, &header, &operations);
    return status == STATUS_OK ? take(context, record, &header) : status;
}

static enum status open_log(const struct care_plan *plan, const char *path,
                            enum status (*each)(void *context, const struct wal_record *record), void *context,
                            struct error *error) {
    const struct wal_options options = {.owner = plan->store, .read_only = true};
    struct wal_recovery recovery;
    struct wal *wal = NULL;
    return wal_open(plan->io, path, &options, each, context, &wal, &recovery, error);
}

/* ---- A damaged log ----------------------------------------------------------------------------------------------- */

/* What is lost before the batch is in tables, or holds no batch: it goes on where they end, or the one before did. */
static bool closes_gap(const struct log_walk *walk, const struct batch_header *header) {
    const struct salvage *salvage = &walk->plan->salvage;
    if (walk->has_record && header->mark.index == walk->last.index + 1 && header->first_sequence == walk->next_sequence)
        return true;
    if (header->first_sequence != walk->tables_end + 1) return false;
    return !walk->plan->manifest_is_sound || header->mark.index == salvage->mark.index + 1;
}

static enum status visit_salvaged(void *context, const struct wal_record *record) {
    struct log_walk *walk = context;
    struct batch_header header;
    struct slice operations;
    const bool is_batch = batch_header_decode(record->payload, &header, &operations) == STATUS_OK;
    if (is_batch && walk->has_gap && closes_gap(walk, &header)) walk->has_gap = false;
    const bool is_in_tables = is_batch && header.first_sequence <= walk->tables_end;
    walk->ends = walk->ends || !is_batch || (walk->has_gap && !is_in_tables);
    if (!walk->ends) return take(walk, record, &header);
    if (is_batch && walk->left == 0) walk->from_index = header.mark.index;
    if (is_batch) walk->to_index = header.mark.index;
    walk->left++;
    return STATUS_OK;
}

static void note_loss(void *context, const struct wal_loss *loss) {
    struct log_walk *walk = context;
    walk->has_gap = walk->has_gap || loss->costs_records;
    if (walk->copy) return; /* was told */
    care_say(walk->plan, "%s of the log: %s, offset %" PRIu64 " to %" PRIu64 ": %s",
             loss->costs_records ? "lost" : "not sound", loss->path, loss->from, loss->to, loss->what);
}

static enum status salvage_log(struct log_walk *walk, const char *path, struct error *error) {
    const struct wal_salvage_visitor visitor = {visit_salvaged, note_loss, walk};
    walk->plan->log_records = 0;
    const enum status status = wal_salvage(walk->plan->io, path, walk->plan->store, &visitor, error);
    if (status != STATUS_OK || walk->copy || walk->left == 0) return status;
    care_say(walk->plan,
             "%" PRIu64 " batches of the log behind that verify, %" PRIu64 " to %" PRIu64
             ", and do not follow on what is kept: they are set aside with it",
             walk->left, walk->from_index, walk->to_index);
    return status;
}

/* ---- Tables and log ---------------------------------------------------------------------------------------------- */

static uint64_t end_of_tables(const struct care_plan *plan) {
    uint64_t end = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->tables[i].fate == TABLE_KEPT && plan->tables[i].meta.last_sequence > end)
            end = plan->tables[i].meta.last_sequence;
    return end;
}

static enum status copy_path(const struct care_plan *plan, char path[IO_PATH_BYTES]) {
    const int size = snprintf(path, IO_PATH_BYTES, "%s/" FILE_NAME_LOG_COPY, plan->dir);
    return size < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status care_log_path(const struct care_plan *plan, char path[IO_PATH_BYTES]) {
    return plan->log_is_copy ? copy_path(plan, path) : care_log_dir(plan->dir, path);
}

/* ---- Whether it goes on where the manifest ends ------------------------------------------------------------------ */

static enum status follow(void *context, const struct wal_record *record) {
    struct log_follow *following = context;
    struct batch_header header;
    struct slice operations;
    const enum status status = batch_header_decode(record->payload, &header, &operations);
    if (status == STATUS_OK) log_follow_note(following, &header);
    return following->leaps ? STATUS_CANCELLED : status;
}

enum status care_log_follows(const struct care_plan *plan, bool *follows) {
    const struct salvage *salvage = &plan->salvage;
    struct log_follow following = log_follow_from(salvage->mark.index, salvage->last_sequence);
    struct error unused;
    char path[IO_PATH_BYTES];
    *follows = true;
    if (!plan->has_log) return STATUS_OK;
    enum status status = care_log_path(plan, path);
    if (status == STATUS_OK) status = open_log(plan, path, follow, &following, &unused);
    *follows = !following.leaps;
    return status == STATUS_NO_MEMORY || status == STATUS_TOO_LARGE ? status : STATUS_OK; /* damage is told elsewhere */
}

enum status care_read_log(struct care_plan *plan, struct error *error) {
    const uint64_t end = end_of_tables(plan);
    char path[IO_PATH_BYTES];
    enum status status = care_log_path(plan, path);
    if (status != STATUS_OK) return status;
    struct salvage *salvage = &plan->salvage;
    plan->tables_end = salvage->has_mark && salvage->last_sequence > end ? salvage->last_sequence : end;
    struct log_walk walk = {.plan = plan, .tables_end = plan->tables_end};
    status = open_log(plan, path, visit, &walk, error);
    plan->log_is_damaged =
        status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_MISMATCH || status == STATUS_IO;
    if (plan->log_is_damaged) {
        care_say(plan, "the log is damaged: %s", error->text);
        *error = (struct error){.status = STATUS_OK};
        walk = (struct log_walk){.plan = plan, .tables_end = plan->tables_end};
        status = salvage_log(&walk, path, error);
    }
    if (status != STATUS_OK) return status;
    if (plan->manifest_is_sound) return STATUS_OK; /* its mark holds */
    if (walk.has_record && (!salvage->has_mark || walk.mark.index >= salvage->mark.index)) {
        salvage->mark = walk.mark;
        if (walk.mark_sequence > salvage->last_sequence) salvage->last_sequence = walk.mark_sequence;
    }
    if (walk.tables_end > salvage->last_sequence) salvage->last_sequence = walk.tables_end;
    salvage->has_mark = true;
    return STATUS_OK;
}

/* Of an earlier repair, which was cut before it was whole. */
static enum status remove_leftover(const struct care_plan *plan, const char *copy) {
    const enum status status = backup_remove(plan->io, copy);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status copy_records(struct care_plan *plan, const char *path, const char *copy, struct error *error) {
    struct log_walk walk = {.plan = plan, .tables_end = plan->tables_end};
    const struct wal_options options = {.owner = plan->store};
    struct wal_recovery recovery;
    enum status status = wal_open(plan->io, copy, &options, NULL, NULL, &walk.copy, &recovery, error);
    if (status != STATUS_OK) return status;
    status = salvage_log(&walk, path, error); /* comes to the same as before */
    if (status == STATUS_OK) status = wal_commit(walk.copy, true);
    wal_close(walk.copy);
    return status == STATUS_OK ? io_dir_sync(plan->io, plan->dir) : status;
}

/* The copy is whole and durable, its name too, before the damaged log moves; between the two moves there is none, and a
 * repair that is run again takes the copy. */
enum status care_rewrite_log(struct care_plan *plan, const char *aside, struct error *error) {
    char path[IO_PATH_BYTES], copy[IO_PATH_BYTES], old[IO_PATH_BYTES];
    enum status status = care_log_dir(plan->dir, path);
    if (status == STATUS_OK) status = copy_path(plan, copy);
    if (status != STATUS_OK) return status;
    if (snprintf(old, sizeof old, "%s/wal", aside) >= (int)sizeof old) return STATUS_TOO_LARGE;
    if (!plan->log_is_copy) {
        status = remove_leftover(plan, copy);
        if (status == STATUS_OK) status = copy_records(plan, path, copy, error);
        if (status == STATUS_OK) status = io_rename(plan->io, path, old);
        if (status == STATUS_OK) status = io_dir_sync(plan->io, aside);
    }
    if (status == STATUS_OK) status = io_rename(plan->io, copy, path);
    return status == STATUS_OK ? io_dir_sync(plan->io, plan->dir) : status;
}
