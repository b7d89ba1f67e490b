/* care_verify_log: the own log of a store, judged. Beside an owner who cuts it, a mark of his manifest may be behind
 * it: then the manifest has moved on, too. */
#include <inttypes.h>

#include "engine/lsm/batch.h"
#include "engine/lsm/care_newest.h"
#include "engine/lsm/format_level.h"
#include "engine/lsm/log_follow.h"
#include "engine/lsm/refresh.h"
#include "engine/wal/wal_format.h"

struct log_look {
    struct log_follow follow;
    uint64_t leap_from, leap_to; /* indices of batches; 0 = it does not leap */
    bool has_compact_records;
    struct wal_recovery recovery;
    struct care_log_counts counts;
};

static enum status take_record(void *context, const struct wal_record *record) {
    struct log_look *look = context;
    struct batch_header header;
    struct slice operations;
    struct batch_reader reader;
    struct batch_operation operation;
    enum status status = batch_header_decode(record->payload, &header, &operations);
    if (status != STATUS_OK) return status;
    const uint64_t before = look->follow.next_index - 1;
    log_follow_note(&look->follow, &header);
    if (look->follow.leaps && !look->leap_to) {
        look->leap_from = before;
        look->leap_to = header.mark.index;
    }
    look->has_compact_records |= *(const uint8_t *)record->payload.data == BATCH_RECORD_COMPACT;
    batch_reader_init(&reader, operations, header.count);
    while ((status = batch_reader_next(&reader, &operation)) == STATUS_OK) continue;
    look->counts.records++;
    look->counts.bytes += record->payload.size;
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status judge_level(const struct log_look *look, uint32_t level, struct error *error) {
    const bool records = look->has_compact_records && level < format_feature_level(FORMAT_COMPACT_LOG);
    const bool compact =
        look->recovery.version >= WAL_VERSION_COMPACT && level < format_feature_level(FORMAT_COMPACT_LOG);
    const bool loose = look->recovery.version >= WAL_VERSION_LOOSE && level < format_feature_level(FORMAT_LOOSE_LOG);
    if (!records && !compact && !loose) return STATUS_OK;
    return error_set(error, STATUS_CORRUPT, "what it holds is beyond the store's format level %" PRIu32 "%s%s%s", level,
                     records ? ": compact records" : "", compact ? ": segments for compact groups" : "",
                     loose ? ": segments behind unsynced ones" : "");
}

static enum status look_at_log(const struct care_state *state, const char *path, struct log_look *look,
                               struct error *error) {
    const struct wal_options options = {.owner = state->superblock.store, .read_only = true};
    struct wal *wal = NULL;
    *error = (struct error){.status = STATUS_OK};
    *look = (struct log_look){.follow = log_follow_from(state->recovered.mark.index, state->recovered.last_sequence)};
    const enum status status = wal_open(state->io, path, &options, take_record, look, &wal, &look->recovery, error);
    if (status != STATUS_OK && error->status == STATUS_OK) error_set(error, status, "%s", status_text(status));
    if (status != STATUS_OK) return status;
    if (look->follow.leaps)
        return error_set(error, STATUS_CORRUPT,
                         "it does not go on where the manifest ends: batch %" PRIu64 " follows batch %" PRIu64
                         ", the manifest's newest edits are lost. A repair takes in the tables that they named",
                         look->leap_to, look->leap_from);
    return judge_level(look, state->recovered.format_level, error);
}

enum status care_log_verify(const struct care_state *state, const struct care_sink *sink,
                            struct care_log_counts *counts, struct error *error) {
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    struct log_look look = {.leap_to = 0};
    struct refresh_patience patience = {0};
    struct care_state newer;
    bool has_newer = false;
    *counts = (struct care_log_counts){0};
    enum status status = care_log_dir(state->dir, path);
    if (status == STATUS_OK) status = io_stat(state->io, path, &entry);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* an owner keeps the log */
    status = look_at_log(state, path, &look, error);
    while (status != STATUS_OK && refresh_try_again(&patience, state->io, status, error)) {
        if (has_newer) care_state_deinit(&newer);
        has_newer = true;
        status = care_state_load_settled(&newer, state->io, state->dir, error);
        if (status == STATUS_OK) status = look_at_log(&newer, path, &look, error);
    }
    if (has_newer) care_state_deinit(&newer);
    *counts = look.counts;
    const bool told = status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_MISMATCH || status == STATUS_IO;
    if (told) sink->find(sink->context, path, 0, error->text);
    return told ? STATUS_OK : status;
}
