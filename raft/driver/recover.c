/*
 * recover: a majority is gone for good, and who is left goes on without it. What Raft promises ends here: an entry that
 * was committed by those who are gone alone is lost, and nobody can tell. So it is never done by a running node, only
 * offline, to the one survivor whose log is the best, at a person's word.
 *
 * That node's log gets one entry more, in a term of its own: the configuration of the survivors, and the note that all
 * up to there is committed. From then on everything is as ever: the others of the configuration vote for it, since its
 * log is the best, and follow. No format knows of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "raft/driver/driver_internal.h"

enum { WRITE_TURNS_MAX = 100000, SEGMENT_BYTES = 16 << 20 };

struct recovery {
    struct raft_driver driver; /* without core, transport, machines at work: what opening an engine and a log needs */
    enum status committed;
};

/* ---- What there is ---- */

static enum status look(struct io *io, const char *dir, const struct raft_reading_options *options,
                        struct raft_recovery *found, struct error *error) {
    struct raft_reading_options all = *options;
    struct raft_reading *reading = NULL;
    struct raft_reading_facts facts;
    all.uncommitted = true;
    enum status status = raft_reading_open(io, dir, &all, &reading, error);
    if (status != STATUS_OK) return status;
    raft_reading_get_facts(reading, &facts);
    found->identity = facts.identity;
    found->last = facts.last;
    found->known_commit = facts.commit;
    found->before = *raft_reading_configuration(reading);
    raft_reading_close(reading);
    return STATUS_OK;
}

static bool is_majority(const uint64_t *voters, unsigned voter_count, const uint64_t *survivors, size_t count) {
    unsigned held = 0;
    for (unsigned i = 0; i < voter_count; i++)
        for (size_t k = 0; k < count; k++) held += voters[i] == survivors[k];
    return 2 * held > voter_count;
}

static enum status check_survivors(struct raft_recovery *found, const uint64_t *survivors, size_t count,
                                   struct error *error) {
    const struct raft_configuration *before = &found->before;
    bool has_self = false;
    if (before->voter_count == 0)
        return error_set(error, STATUS_INVALID,
                         "node %" PRIu64 " does not know who the members are: name those of the beginning, as in "
                         "loamd's --cluster; one that was never a member holds nothing to go on with",
                         found->identity.node_id);
    found->after = (struct raft_configuration){.voter_count = 0};
    for (size_t i = 0; i < count && i < RAFT_MEMBERS_MAX; i++) {
        if (!raft_configuration_has(before, survivors[i]))
            return error_set(error, STATUS_INVALID, "node %" PRIu64 " is no member by this log", survivors[i]);
        has_self = has_self || survivors[i] == found->identity.node_id;
        found->after.voters[found->after.voter_count++] = survivors[i];
    }
    if (!has_self)
        return error_set(error, STATUS_INVALID, "node %" PRIu64 ", whose directory it is, must be among the survivors",
                         found->identity.node_id);
    if (!raft_configuration_is_valid(&found->after))
        return error_set(error, STATUS_INVALID, "survivors are named once each, in ascending order");
    const bool lives =
        is_majority(before->voters, before->voter_count, survivors, count) &&
        (before->outgoing_count == 0 || is_majority(before->outgoing, before->outgoing_count, survivors, count));
    if (lives)
        return error_set(error, STATUS_INVALID,
                         "the survivors are a majority: start them, and remove or replace the others");
    return STATUS_OK;
}

/* ---- The entry ---- */

static void note_commit(void *context, enum status status) {
    struct recovery *recovery = context;
    recovery->committed = status;
}

static void note_read(void *context) {
    (void)context;
}

static enum status open_log(struct recovery *recovery, struct error *error) {
    struct raft_driver *driver = &recovery->driver;
    const struct node_state *superblock = &driver->superblock;
    char path[IO_PATH_BYTES];
    enum status status = driver_log_path(driver, superblock->log_number, path);
    if (status != STATUS_OK) return error_set(error, status, "%s: the path is too long", driver->dir);
    const struct raft_log_options options = {
        .log = driver->log,
        .owner = hash_mix(superblock->incarnation, superblock->node_id),
        .segment_bytes = SEGMENT_BYTES,
        .from = superblock->log_from,
        .start = superblock->log_start,
        .start_term = superblock->log_start_term,
        .on_commit = note_commit,
        .on_read = note_read,
        .context = recovery,
    };
    status = raft_log_open(driver->io, path, &options, &driver->raft_log, error);
    if (status != STATUS_OK) return status;
    const struct engine_mark mark = engine_installed(driver->engine);
    return raft_log_settle_start(driver->raft_log, mark.index, mark.term, error);
}

/* The promise first: a log must never hold an entry of a term that nobody promised. */
static enum status promise(struct recovery *recovery, uint64_t term) {
    struct raft_driver *driver = &recovery->driver;
    driver->superblock.term = term;
    driver->superblock.vote = driver->superblock.node_id;
    driver->superblock.generation++;
    node_state_encode(&driver->superblock, driver->superblock_bytes);
    enum status status = node_state_open(driver->io, driver->dir, &driver->superblock_file);
    if (status == STATUS_OK)
        status = io_file_write(driver->superblock_file, node_state_offset(&driver->superblock),
                               driver->superblock_bytes, sizeof driver->superblock_bytes);
    return status == STATUS_OK ? io_file_sync(driver->superblock_file) : status;
}

static enum status append(struct recovery *recovery, const struct raft_configuration *after, uint64_t term) {
    struct raft_driver *driver = &recovery->driver;
    uint8_t bytes[RAFT_CONFIGURATION_BYTES_MAX];
    const struct raft_entry entry = {.term = term,
                                     .kind = RAFT_ENTRY_CONFIGURATION,
                                     .bytes = slice_make(bytes, raft_configuration_encode(after, bytes))};
    const uint64_t index = raft_log_last(driver->raft_log) + 1;
    uint64_t end_lsn = 0;
    enum status status = raft_log_reserve(driver->raft_log, 1);
    if (status != STATUS_OK) return status;
    raft_log_put(driver->raft_log, index, &entry, 1, NULL);
    status = STATUS_BUSY;
    for (unsigned turn = 0; turn < WRITE_TURNS_MAX; turn++) {
        if (status == STATUS_BUSY) status = raft_log_write(driver->raft_log, index, index, &end_lsn);
        if (status != STATUS_OK && status != STATUS_BUSY) return status;
        if (recovery->committed != STATUS_OK) return recovery->committed;
        if (status == STATUS_OK && raft_log_durable_lsn(driver->raft_log) >= end_lsn) return STATUS_OK;
        raft_log_commit_start(driver->raft_log);
        io_run(driver->io, io_now_ns(driver->io) + MS_NS);
    }
    return STATUS_TIMED_OUT;
}

/* ---- Life ---- */

static enum status open_parts(struct recovery *recovery, const struct raft_reading_options *options,
                              struct error *error) {
    struct raft_driver *driver = &recovery->driver;
    enum status status = io_dir_lock(driver->io, driver->dir, &driver->lock, error);
    if (status == STATUS_OK) status = node_state_read(driver->io, driver->dir, &driver->superblock, error);
    if (status == STATUS_OK && driver->superblock.is_witness)
        return error_set(error, STATUS_INVALID, "node %" PRIu64 " is a witness: it has no data to go on with",
                         driver->superblock.node_id);
    if (status != STATUS_OK) return status;
    if (driver->superblock.doubt_term != 0)
        return error_set(error, STATUS_FAULTY,
                         "%s: its log or store was damaged and is not had again yet: it must not be the one",
                         driver->dir);
    uint64_t founders = 0;
    status = members_hash(options->founders, options->founder_count, &founders);
    if (status == STATUS_OK && options->founder_count > 0 && driver->superblock.members_hash != 0 &&
        founders != driver->superblock.members_hash)
        status = error_set(error, STATUS_MISMATCH, "%s was made with another list of members", driver->dir);
    if (status != STATUS_OK) return status;
    driver->options.machines = options->machines;
    driver->options.machine_count = options->machine_count;
    status = driver_collect_kinds(driver);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", driver->dir, status_text(status));
    status = driver_open_engine(driver, driver->superblock.engine_number, true, true, &driver->engine, error);
    return status == STATUS_OK ? open_log(recovery, error) : status;
}

static void close_parts(struct recovery *recovery) {
    struct raft_driver *driver = &recovery->driver;
    raft_log_close(driver->raft_log);
    engine_close(driver->engine);
    io_file_close(driver->superblock_file);
    if (driver->lock != NULL) io_unlock(driver->lock);
    free(driver->kinds);
}

enum status raft_directory_recover(struct io *io, const char *dir, const struct raft_reading_options *options,
                                   const uint64_t *survivors, size_t count, bool write, struct raft_recovery *found,
                                   struct error *error) {
    *found = (struct raft_recovery){.last = 0};
    if (count == 0 || count > RAFT_MEMBERS_MAX)
        return error_set(error, STATUS_INVALID, "1 to %d survivors", RAFT_MEMBERS_MAX);
    if (strlen(dir) + 64 >= IO_PATH_BYTES) return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", dir);
    struct recovery *recovery = calloc(1, sizeof *recovery);
    if (recovery == NULL) return error_set(error, STATUS_NO_MEMORY, "%s: %s", dir, status_text(STATUS_NO_MEMORY));
    recovery->driver.io = io;
    recovery->driver.log = options->log;
    snprintf(recovery->driver.dir, sizeof recovery->driver.dir, "%s", dir);
    enum status status = open_parts(recovery, options, error);
    if (status == STATUS_OK) status = look(io, dir, options, found, error);
    if (status == STATUS_OK) {
        found->last_term = raft_log_term(recovery->driver.raft_log, found->last);
        if (found->last_term == 0) found->last_term = raft_log_start_term(recovery->driver.raft_log);
        found->term = recovery->driver.superblock.term + 1;
        status = check_survivors(found, survivors, count, error);
    }
    if (status == STATUS_OK && write) {
        status = promise(recovery, found->term);
        if (status == STATUS_OK) status = append(recovery, &found->after, found->term);
        if (status != STATUS_OK) error_set(error, status, "%s: %s", dir, status_text(status));
    }
    close_parts(recovery);
    free(recovery);
    return status;
}
