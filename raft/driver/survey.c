/*
 * survey: see raft/survey.h. The decoders are those of the log, the superblock and the wal; what an opening refuses is
 * read as a repair would (engine/wal_salvage.h).
 */
#include "raft/survey.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/care.h"
#include "raft/driver/driver_internal.h"

/* ---- Superblock -------------------------------------------------------------------------------------------------- */

static void take_slot(struct raft_survey_slot *slot, const struct node_state *state) {
    *slot = (struct raft_survey_slot){
        .generation = state->generation,
        .identity = {.cluster_id = state->cluster_id, .node_id = state->node_id, .incarnation = state->incarnation},
        .is_founder = state->members_hash != 0,
        .is_witness = state->is_witness,
        .term = state->term,
        .vote = state->vote,
        .engine_number = state->engine_number,
        .log_number = state->log_number,
        .log_from = state->log_from,
        .log_start = state->log_start,
        .log_start_term = state->log_start_term,
        .doubt_term = state->doubt_term,
        .set_aside_store = state->damaged_engine,
        .set_aside_log = state->damaged_log,
    };
    for (unsigned i = 0; i < NODE_STATE_PEERS_MAX && i < RAFT_SURVEY_MET_MAX; i++) {
        if (state->peers[i].node_id == 0) continue;
        slot->met[slot->met_count].node_id = state->peers[i].node_id;
        slot->met[slot->met_count++].incarnation = state->peers[i].incarnation;
    }
}

static void read_slot(struct slice file, unsigned number, struct raft_survey_slot *slot) {
    const size_t at = (size_t)number * NODE_STATE_STRIDE;
    struct node_state state;
    enum status status = STATUS_CORRUPT;
    if (file.size >= at + NODE_STATE_SLOT_BYTES)
        status = node_state_decode(slice_make(file.data + at, NODE_STATE_SLOT_BYTES), &state);
    if (status == STATUS_OK && state.generation % 2 != number) status = STATUS_CORRUPT;
    if (status == STATUS_OK) take_slot(slot, &state);
    slot->status = status;
}

enum status raft_survey_superblock(struct io *io, const char *dir, struct raft_survey_superblock *superblock,
                                   struct error *error) {
    char path[IO_PATH_BYTES];
    uint8_t bytes[NODE_STATE_BYTES];
    struct io_file *file = NULL;
    size_t got = 0;
    *superblock = (struct raft_survey_superblock){.right_bytes = NODE_STATE_BYTES, .counts = -1};
    if (snprintf(path, sizeof path, "%s/superblock", dir) >= IO_PATH_BYTES)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", dir);
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_size(file, &superblock->size_bytes);
    if (status == STATUS_OK) status = io_file_read(file, 0, bytes, sizeof bytes, &got);
    io_file_close(file);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    for (unsigned i = 0; i < 2; i++) {
        struct raft_survey_slot *slot = &superblock->slots[i];
        read_slot(slice_make(bytes, got), i, slot);
        const bool is_newer = superblock->counts < 0 || slot->generation > superblock->slots[0].generation;
        if (slot->status == STATUS_OK && is_newer) superblock->counts = (int)i;
    }
    return STATUS_OK;
}

/* ---- Log --------------------------------------------------------------------------------------------------------- */

uint64_t raft_survey_log_owner(uint64_t node_id, uint64_t incarnation) {
    return hash_mix(incarnation, node_id);
}

static enum status path_of(const char *dir, const char *name, uint64_t number, char path[IO_PATH_BYTES]) {
    const int size = number == 0 ? snprintf(path, IO_PATH_BYTES, "%s/%s", dir, name)
                                 : snprintf(path, IO_PATH_BYTES, "%s/%s-%08llx", dir, name, (unsigned long long)number);
    return size < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status raft_survey_log_path(const char *dir, uint64_t number, char path[IO_PATH_BYTES]) {
    return path_of(dir, "log", number, path);
}

enum status raft_survey_store_path(const char *dir, uint64_t number, char path[IO_PATH_BYTES]) {
    return path_of(dir, "engine", number, path);
}

struct walk {
    const struct raft_survey_visitor *visitor;
    enum status refused; /* what the visitor answered */
};

static enum status tell_record(void *context, const struct wal_record *record) {
    struct walk *walk = context;
    struct raft_log_record found;
    const bool is_ours = raft_log_record_decode(record->type, record->payload, &found) == STATUS_OK;
    struct raft_survey_record told = {.kind = RAFT_SURVEY_STRANGE, .lsn = record->lsn};
    if (is_ours) {
        told.kind = found.kind == RAFT_LOG_ENTRY ? RAFT_SURVEY_ENTRY
                    : found.kind == RAFT_LOG_CUT ? RAFT_SURVEY_CUT
                                                 : RAFT_SURVEY_COMMIT;
        told.index = found.index;
        told.term = found.term;
        told.entry_kind = found.entry_kind;
        told.bytes = found.bytes;
    }
    walk->refused = walk->visitor->record(walk->visitor->context, &told);
    return walk->refused;
}

static void tell_loss(void *context, const struct wal_loss *loss) {
    struct walk *walk = context;
    walk->visitor->lost(walk->visitor->context, loss);
}

static bool is_log_dir(struct io *io, const char *path) {
    struct io_entry entry;
    return io_stat(io, path, &entry) == STATUS_OK && entry.kind == IO_ENTRY_DIR;
}

enum status raft_survey_log(struct io *io, const char *path, uint64_t owner, const struct raft_survey_visitor *visitor,
                            struct raft_survey_log *log, struct error *error) {
    struct walk walk = {.visitor = visitor, .refused = STATUS_OK};
    struct wal *wal = NULL;
    const struct wal_options options = {.owner = owner, .read_only = true};
    *log = (struct raft_survey_log){.status = STATUS_OK};
    if (!is_log_dir(io, path)) return error_set(error, STATUS_NOT_FOUND, "%s: no such directory", path);
    log->status = wal_open(io, path, &options, tell_record, &walk, &wal, &log->recovery, &log->error);
    if (log->status == STATUS_OK) return STATUS_OK;
    if (walk.refused != STATUS_OK) return error_set(error, walk.refused, "%s: %s", path, status_text(walk.refused));
    if (log->status == STATUS_NO_MEMORY || log->status == STATUS_VERSION)
        return error_set(error, log->status, "%s", log->error.text);
    const struct wal_salvage_visitor salvage = {tell_record, tell_loss, &walk};
    visitor->again(visitor->context);
    error->status = STATUS_OK;
    return wal_salvage(io, path, owner, &salvage, error);
}

/* ---- Store ------------------------------------------------------------------------------------------------------- */

static enum status read_store(struct raft_driver *driver, uint64_t number, struct raft_survey_store *store,
                              struct error *error) {
    enum status status = driver_collect_kinds(driver);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", driver->dir, status_text(status));
    status = driver_open_engine(driver, number, true, true, &driver->engine, error);
    if (status != STATUS_OK) return status;
    const struct engine_mark mark = engine_installed(driver->engine);
    *store = (struct raft_survey_store){.index = mark.index, .term = mark.term, .time_ms = mark.time_ms};
    if (mark.index == 0) return STATUS_OK;
    status = apply_read_configuration(driver, driver->engine, &store->configuration);
    store->has_configuration = status == STATUS_OK && store->configuration.voter_count > 0;
    return status == STATUS_OK ? status : error_set(error, status, "%s: the system tree", driver->dir);
}

enum status raft_survey_store(struct io *io, const char *dir, uint64_t number, const struct state_machine *machines,
                              size_t machine_count, struct raft_survey_store *store, struct error *error) {
    *store = (struct raft_survey_store){.index = 0};
    char path[IO_PATH_BYTES];
    struct raft_driver *driver = calloc(1, sizeof *driver);
    if (driver == NULL) return error_set(error, STATUS_NO_MEMORY, "%s: %s", dir, status_text(STATUS_NO_MEMORY));
    driver->io = io;
    driver->options.machines = machines;
    driver->options.machine_count = machine_count;
    snprintf(driver->dir, sizeof driver->dir, "%s", dir);
    const enum status status = read_store(driver, number, store, error);
    engine_close(driver->engine);
    free(driver->kinds);
    free(driver);
    struct care_stats stats;
    struct error ignored;
    const bool is_damaged = status_class(status) == STATUS_CLASS_DAMAGE;
    if (is_damaged && store->index == 0 && raft_survey_store_path(dir, number, path) == STATUS_OK &&
        engine_care_stats(io, path, &stats, NULL, NULL, &ignored) == STATUS_OK)
        *store = (struct raft_survey_store){
            .index = stats.mark.index, .term = stats.mark.term, .time_ms = stats.mark.time_ms};
    return status;
}
