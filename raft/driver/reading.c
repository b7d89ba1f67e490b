/*
 * reading: a node's directory without its node. Two passes over the log: the first finds where each index stands (what
 * was cut and written again stands where it was written last) and how far commits are known; the second applies, in
 * that order, into an engine whose writes stay in memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/wal.h"
#include "raft/driver/driver_internal.h"

enum { MEMORY_BYTES_MAX = 1 << 30, REPLY_BYTES = 1 << 20 };

struct raft_reading {
    struct raft_driver driver; /* without core, log, transport: what apply.c needs */
    enum status (*on_batch)(void *context, const struct engine_batch *batch);
    void *on_batch_context;
    bool uncommitted;
    uint64_t commit;   /* the greatest note */
    uint64_t first;    /* index of places[0]; 0 = none yet */
    struct buf places; /* positions of entries first ..: 8 bytes each */
    struct error why;
};

static uint64_t place_count(const struct raft_reading *reading) {
    return reading->places.size / sizeof(uint64_t);
}

static uint64_t place_of(const struct raft_reading *reading, uint64_t index) {
    uint64_t place;
    memcpy(&place, reading->places.data + (index - reading->first) * sizeof place, sizeof place);
    return place;
}

static uint64_t last_index(const struct raft_reading *reading) {
    return reading->first == 0 ? reading->driver.applied : reading->first + place_count(reading) - 1;
}

/* ---- First pass ---- */

static enum status note_cut(struct raft_reading *reading, uint64_t index) {
    if (reading->first == 0) return STATUS_OK;
    if (index > reading->first + place_count(reading))
        return error_set(&reading->why, STATUS_CORRUPT, "a cut at %" PRIu64 ", above entry %" PRIu64, index,
                         last_index(reading));
    if (index < reading->first) reading->first = 0;
    reading->places.size = reading->first == 0 ? 0 : (size_t)(index - reading->first) * sizeof(uint64_t);
    if (reading->places.size == 0) reading->first = 0;
    return STATUS_OK;
}

static enum status note_entry(struct raft_reading *reading, uint64_t index, uint64_t lsn) {
    if (reading->first == 0) reading->first = index;
    if (index != reading->first + place_count(reading))
        return error_set(&reading->why, STATUS_CORRUPT, "entry %" PRIu64 " follows entry %" PRIu64, index,
                         last_index(reading));
    return buf_append(&reading->places, &lsn, sizeof lsn);
}

static enum status decode(struct raft_reading *reading, const struct wal_record *record,
                          struct raft_log_record *found) {
    enum status status = raft_log_record_decode(record->type, record->payload, found);
    if (status == STATUS_OK) return status;
    return error_set(&reading->why, status, "record of type %u is none of raft's", record->type);
}

static enum status find_places(void *context, const struct wal_record *record) {
    struct raft_reading *reading = context;
    struct raft_log_record found;
    if (record->lsn < reading->driver.superblock.log_from) return STATUS_OK;
    enum status status = decode(reading, record, &found);
    if (status != STATUS_OK) return status;
    if (found.kind == RAFT_LOG_CUT) return note_cut(reading, found.index);
    if (found.kind == RAFT_LOG_ENTRY) return note_entry(reading, found.index, record->lsn);
    if (found.index > reading->commit) reading->commit = found.index;
    return STATUS_OK;
}

/* ---- Second pass ---- */

static enum status apply_record(void *context, const struct wal_record *record) {
    struct raft_reading *reading = context;
    struct raft_driver *driver = &reading->driver;
    struct raft_log_record found;
    if (record->lsn < driver->superblock.log_from) return STATUS_OK;
    enum status status = decode(reading, record, &found);
    if (status != STATUS_OK || found.kind != RAFT_LOG_ENTRY) return status;
    uint64_t index = found.index;
    if (index != driver->applied + 1 || index > driver->commit) return STATUS_OK;
    if (index > last_index(reading) || record->lsn != place_of(reading, index)) return STATUS_OK; /* was cut */
    struct raft_entry entry = {.term = found.term, .kind = found.entry_kind, .bytes = found.bytes};
    status = apply_replayed(driver, index, &entry);
    if (status == STATUS_OK)
        return reading->on_batch ? reading->on_batch(reading->on_batch_context, &driver->batch) : STATUS_OK;
    struct error last;
    engine_last_error(driver->engine, &last);
    return error_set(&reading->why, status, "entry %" PRIu64 ": %s", index,
                     last.status != STATUS_OK ? last.text : status_text(status));
}

static enum status walk(struct raft_reading *reading, enum status (*visit)(void *, const struct wal_record *),
                        struct error *error) {
    struct raft_driver *driver = &reading->driver;
    char path[IO_PATH_BYTES];
    struct wal *wal = NULL;
    if (driver_log_path(driver, driver->superblock.log_number, path) != STATUS_OK)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", driver->dir);
    struct wal_options options = {.owner = hash_mix(driver->identity.incarnation, driver->identity.node_id),
                                  .log = driver->log,
                                  .must_exist = driver_has_had_log(&driver->superblock),
                                  .read_only = true};
    enum status status = wal_open(driver->io, path, &options, visit, reading, &wal, NULL, error);
    if (status != STATUS_OK && reading->why.status != STATUS_OK)
        return error_set(error, status, "%s: %s", path, reading->why.text);
    return status;
}

static enum status replay(struct raft_reading *reading, struct error *error) {
    struct raft_driver *driver = &reading->driver;
    enum status status = walk(reading, find_places, error);
    if (status != STATUS_OK) return status;
    uint64_t last = last_index(reading);
    if (reading->first > driver->applied + 1)
        return error_set(error, STATUS_CORRUPT, "%s: the log begins at %" PRIu64 ", the store ends at %" PRIu64,
                         driver->dir, reading->first, driver->applied);
    if (reading->first != 0 && last < driver->applied)
        return error_set(error, STATUS_CORRUPT, "%s: the log ends at %" PRIu64 ", the store holds %" PRIu64,
                         driver->dir, last, driver->applied);
    if (reading->commit < driver->applied) reading->commit = driver->applied; /* a flush holds what is committed */
    if (reading->commit > last) reading->commit = last;
    driver->commit = reading->uncommitted ? last : reading->commit;
    if (driver->applied == driver->commit) return STATUS_OK;
    status = walk(reading, apply_record, error);
    if (status == STATUS_OK && driver->applied < driver->commit)
        return error_set(error, STATUS_CORRUPT, "%s: entry %" PRIu64 " was there and is not", driver->dir,
                         driver->applied + 1);
    return status;
}

/* ---- Life ---- */

static void fill_in(struct raft_reading *reading, struct io *io, const struct raft_reading_options *options) {
    struct raft_driver *driver = &reading->driver;
    driver->io = io;
    driver->log = options->log;
    driver->options.machines = options->machines;
    driver->options.machine_count = options->machine_count;
    driver->options.engine.memory_writes = true;
    driver->options.engine.memtable_bytes = MEMORY_BYTES_MAX;
    driver->options.engine.explains = options->explains;
    reading->uncommitted = options->uncommitted;
    reading->on_batch = options->on_batch;
    reading->on_batch_context = options->context;
    driver->options.member_count = options->founder_count < RAFT_NODES_MAX ? options->founder_count : RAFT_NODES_MAX;
    for (size_t i = 0; i < driver->options.member_count; i++) driver->options.members[i] = options->founders[i];
}

/* What the store said of its damage: file and place; the callers above know the tree alone. */
static enum status with_place(const struct raft_driver *driver, enum status status, struct error *error) {
    struct error damage;
    if (status_class(status) != STATUS_CLASS_DAMAGE || !driver->engine) return status;
    engine_last_damage(driver->engine, &damage);
    return damage.status == STATUS_OK ? status : error_set(error, status, "%s", damage.text);
}

static enum status open_parts(struct raft_reading *reading, struct error *error) {
    struct raft_driver *driver = &reading->driver;
    const struct node_state *superblock = &driver->superblock;
    enum status status = node_state_read(driver->io, driver->dir, &driver->superblock, error);
    if (status != STATUS_OK) return status;
    driver->identity = (struct raft_identity){
        .cluster_id = superblock->cluster_id, .node_id = superblock->node_id, .incarnation = superblock->incarnation};
    status = sessions_create(REPLY_BYTES, &driver->sessions);
    if (status == STATUS_OK) status = driver_collect_kinds(driver);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", driver->dir, status_text(status));
    status = driver_open_engine(driver, superblock->engine_number, true, true, &driver->engine, error);
    if (status == STATUS_OK) status = apply_load_state(driver, driver->engine, error);
    if (status == STATUS_OK) status = apply_restore_machines(driver, error);
    return status == STATUS_OK ? replay(reading, error) : with_place(driver, status, error);
}

enum status raft_reading_open(struct io *io, const char *dir, const struct raft_reading_options *options,
                              struct raft_reading **reading, struct error *error) {
    *reading = NULL;
    if (strlen(dir) + 64 >= IO_PATH_BYTES) return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", dir);
    struct raft_reading *made = calloc(1, sizeof *made);
    if (made == NULL) return error_set(error, STATUS_NO_MEMORY, "%s: %s", dir, status_text(STATUS_NO_MEMORY));
    snprintf(made->driver.dir, sizeof made->driver.dir, "%s", dir);
    fill_in(made, io, options);
    enum status status = open_parts(made, error);
    if (status != STATUS_OK) {
        raft_reading_close(made);
        return status;
    }
    *reading = made;
    return STATUS_OK;
}

struct engine *raft_reading_engine(struct raft_reading *reading) {
    return reading->driver.engine;
}

void raft_reading_get_facts(const struct raft_reading *reading, struct raft_reading_facts *facts) {
    const struct raft_driver *driver = &reading->driver;
    *facts = (struct raft_reading_facts){.identity = driver->identity,
                                         .flushed = engine_installed(driver->engine).index,
                                         .applied = driver->applied,
                                         .commit = reading->commit,
                                         .last = last_index(reading),
                                         .log_time_ms = driver->log_time_ms,
                                         .state_hash = witness_hash(driver),
                                         .witness = driver->superblock.is_witness};
}

const struct raft_configuration *raft_reading_configuration(const struct raft_reading *reading) {
    return &reading->driver.configuration;
}

void raft_reading_close(struct raft_reading *reading) {
    if (reading == NULL) return;
    struct raft_driver *driver = &reading->driver;
    apply_deinit(driver);
    engine_close(driver->engine);
    sessions_destroy(driver->sessions);
    buf_deinit(&reading->places);
    free(driver->kinds);
    free(reading);
}
