/*
 * open: a node's directory, from its making to its end.
 *
 *     superblock          identity, term, vote, which engine directory counts
 *     log/                the wal; log-NNNNNNNN/ once one was set aside
 *     engine-NNNNNNNN/    the store
 *     incoming-NNNNNNNN/  a store that is being received; becomes an engine directory
 *     outgoing-NNNNNNNN/  a checkpoint that is being sent
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "raft/driver/driver_internal.h"

static enum status path_in(const char *dir, const char *format, uint64_t number, char path[IO_PATH_BYTES]) {
    int length = snprintf(path, IO_PATH_BYTES, "%s/%s-%08" PRIx64, dir, format, number);
    return length > 0 && length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status driver_path(const struct raft_driver *driver, const char *format, uint64_t number,
                        char path[IO_PATH_BYTES]) {
    return path_in(driver->dir, format, number, path);
}

static enum status log_path(const char *dir, uint64_t number, char path[IO_PATH_BYTES]) {
    if (number != 0) return path_in(dir, "log", number, path);
    int length = snprintf(path, IO_PATH_BYTES, "%s/log", dir);
    return length > 0 && length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status driver_log_path(const struct raft_driver *driver, uint64_t number, char path[IO_PATH_BYTES]) {
    return log_path(driver->dir, number, path);
}

enum status raft_store_path(struct io *io, const char *dir, char path[IO_PATH_BYTES], struct error *error) {
    struct node_state superblock;
    enum status status = node_state_read(io, dir, &superblock, error);
    if (status != STATUS_OK) return status;
    status = path_in(dir, "engine", superblock.engine_number, path);
    return status == STATUS_OK ? status : error_set(error, status, "%s: the path is too long", dir);
}

enum status raft_directory_read(struct io *io, const char *dir, struct raft_directory *directory, struct error *error) {
    struct node_state state;
    enum status status = node_state_read(io, dir, &state, error);
    if (status != STATUS_OK) return status;
    directory->identity = (struct raft_identity){
        .cluster_id = state.cluster_id, .node_id = state.node_id, .incarnation = state.incarnation};
    directory->log_from = state.log_from;
    directory->log_start = state.log_start;
    status = path_in(dir, "engine", state.engine_number, directory->store);
    if (status == STATUS_OK) status = log_path(dir, state.log_number, directory->log);
    return status == STATUS_OK ? status : error_set(error, status, "%s: the path is too long", dir);
}

/* ---- Making a directory ---- */

static enum status make_dir_durable(struct io *io, const char *dir) {
    char parent[IO_PATH_BYTES];
    snprintf(parent, sizeof parent, "%s", dir);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        snprintf(parent, sizeof parent, ".");
    else
        slash[slash == parent ? 1 : 0] = 0;
    enum status status = io_dir_make(io, dir);
    if (status == STATUS_EXISTS) status = STATUS_OK;
    return status == STATUS_OK ? io_dir_sync(io, parent) : status;
}

/* Founders have a hash of their list, a node that joins has 0. */
static enum status make_directory(struct io *io, const char *dir, struct node_state *superblock, struct error *error) {
    enum status status = make_dir_durable(io, dir);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", dir, status_text(status));
    superblock->generation = superblock->engine_number = 1;
    while (superblock->incarnation == 0) io_entropy(io, &superblock->incarnation, sizeof superblock->incarnation);
    return node_state_create(io, dir, superblock, error);
}

enum status raft_directory_create(struct io *io, const char *dir, enum raft_node_kind kind, uint64_t cluster_id,
                                  uint64_t node_id, const struct raft_member *members, size_t member_count,
                                  struct error *error) {
    struct raft_member sorted[RAFT_NODES_MAX];
    enum status status = members_sort(sorted, members, member_count, node_id, error);
    if (status != STATUS_OK) return status;
    struct node_state superblock = {.node_id = node_id, .is_witness = kind == RAFT_NODE_WITNESS};
    status = members_hash(sorted, member_count, &superblock.members_hash);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", dir, status_text(status));
    superblock.cluster_id = cluster_id != 0 ? cluster_id : hash_mix(superblock.members_hash, 1);
    return make_directory(io, dir, &superblock, error);
}

enum status raft_directory_create_joining(struct io *io, const char *dir, enum raft_node_kind kind, uint64_t cluster_id,
                                          uint64_t node_id, struct raft_identity *identity, struct error *error) {
    struct node_state superblock = {
        .cluster_id = cluster_id, .node_id = node_id, .is_witness = kind == RAFT_NODE_WITNESS};
    if (cluster_id == 0 || node_id == 0)
        return error_set(error, STATUS_INVALID, "a node that joins needs the cluster's id, and one of its own");
    enum status status = make_directory(io, dir, &superblock, error);
    *identity =
        (struct raft_identity){.cluster_id = cluster_id, .node_id = node_id, .incarnation = superblock.incarnation};
    return status;
}

/* ---- Removing ---- */

static enum status remove_entry(void *context, const struct io_entry *entry);

struct removal {
    struct io *io;
    struct log *log;
    const char *dir;
};

static enum status remove_entry(void *context, const struct io_entry *entry) {
    const struct removal *removal = context;
    char path[IO_PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/%s", removal->dir, entry->name);
    if (length >= IO_PATH_BYTES) return STATUS_TOO_LARGE;
    if (entry->kind == IO_ENTRY_DIR) {
        driver_remove_dir(removal->io, removal->log, path);
        return STATUS_OK;
    }
    return io_remove(removal->io, path);
}

void driver_remove_dir(struct io *io, struct log *log, const char *path) {
    struct removal removal = {.io = io, .log = log, .dir = path};
    enum status status = io_dir_list(io, path, remove_entry, &removal);
    if (status == STATUS_OK) status = io_remove(io, path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_warn(log, "%s is not removed: %s", path, status_text(status));
}

/* What the superblock names: in use, or set aside by a repair. */
static enum status is_named(const struct raft_driver *driver, const char *path, bool *named) {
    const struct node_state *superblock = &driver->superblock;
    char paths[4][IO_PATH_BYTES];
    enum status status = driver_path(driver, "engine", superblock->engine_number, paths[0]);
    if (status == STATUS_OK) status = driver_path(driver, "engine", superblock->damaged_engine, paths[1]);
    if (status == STATUS_OK) status = driver_log_path(driver, superblock->log_number, paths[2]);
    if (status == STATUS_OK && superblock->damaged_log != 0)
        status = driver_log_path(driver, superblock->damaged_log - 1, paths[3]);
    for (unsigned i = 0; i < 3 + (superblock->damaged_log != 0); i++)
        if (status == STATUS_OK && strcmp(path, paths[i]) == 0) *named = true;
    return status;
}

static enum status remove_leftover(void *context, const struct io_entry *entry) {
    struct raft_driver *driver = context;
    char path[IO_PATH_BYTES];
    bool named = false;
    bool ours = strncmp(entry->name, "engine-", 7) == 0 || strncmp(entry->name, "incoming-", 9) == 0 ||
                strncmp(entry->name, "outgoing-", 9) == 0 || strncmp(entry->name, "log-", 4) == 0 ||
                strcmp(entry->name, "log") == 0;
    int length = snprintf(path, sizeof path, "%s/%s", driver->dir, entry->name);
    if (entry->kind != IO_ENTRY_DIR || !ours || length >= IO_PATH_BYTES) return STATUS_OK;
    enum status status = is_named(driver, path, &named);
    if (status == STATUS_OK && !named) driver_remove_dir(driver->io, driver->log, path);
    return status;
}

enum status driver_remove_leftovers(struct raft_driver *driver) {
    return io_dir_list(driver->io, driver->dir, remove_leftover, driver);
}

/* ---- Opening ---- */

static void fill_in_options(struct raft_driver *driver, const struct raft_driver_options *options) {
    struct raft_driver_options *to = &driver->options;
    *to = *options;
    if (to->tick_ms == 0) to->tick_ms = 20;
    if (to->heartbeat_ticks == 0) to->heartbeat_ticks = 3;
    if (to->election_ticks == 0) to->election_ticks = 20;
    const uint64_t guard_ms = (uint64_t)(to->heartbeat_ticks + 1) * to->tick_ms;
    if (to->guard_ms == 0) to->guard_ms = guard_ms < RAFT_GUARD_MS_MAX ? (uint32_t)guard_ms : RAFT_GUARD_MS_MAX;
    if (to->drift_permille == 0) to->drift_permille = 50;
    if (to->priority == 0) to->priority = 100;
    if (to->entry_limit_bytes == 0) to->entry_limit_bytes = RAFT_ENTRY_LIMIT_BYTES;
    if (to->log_limit_bytes == 0) to->log_limit_bytes = (uint64_t)256 << 20;
    if (to->log_segment_bytes == 0) to->log_segment_bytes = (uint64_t)16 << 20;
    if (to->uncommitted_limit_bytes == 0) to->uncommitted_limit_bytes = (size_t)32 << 20;
    if (to->pending_requests == 0) to->pending_requests = 4096;
    if (to->reply_memory_bytes == 0) to->reply_memory_bytes = (size_t)4 << 20;
    if (to->snapshot_rate_bytes == 0) to->snapshot_rate_bytes = (uint64_t)64 << 20;
    if (to->scrub_rate_bytes == 0) to->scrub_rate_bytes = (uint64_t)8 << 20;
    if (to->scrub_interval_s == 0) to->scrub_interval_s = 24 * 60 * 60;
    if (to->slow_disk_ms == 0) to->slow_disk_ms = 1000;
    if (to->leaderless_wait_ms == 0) to->leaderless_wait_ms = 2000;
}

/* The machines' kinds of trees, and raft's own. */
enum status driver_collect_kinds(struct raft_driver *driver) {
    size_t count = 1;
    for (size_t i = 0; i < driver->options.machine_count; i++) count += driver->options.machines[i].kind_count;
    driver->kinds = calloc(count, sizeof *driver->kinds);
    if (driver->kinds == NULL) return STATUS_NO_MEMORY;
    driver->kinds[driver->kind_count++] = (struct engine_tree_kind){
        .id = KIND_SYSTEM, .name = "raft.system", .upper = ENGINE_COMPRESSION_NONE, .bottom = ENGINE_COMPRESSION_NONE};
    for (size_t i = 0; i < driver->options.machine_count; i++) {
        const struct state_machine *machine = &driver->options.machines[i];
        for (size_t k = 0; k < machine->kind_count; k++) driver->kinds[driver->kind_count++] = machine->kinds[k];
    }
    return STATUS_OK;
}

enum status driver_open_engine(struct raft_driver *driver, uint64_t number, bool must_exist, bool read_only,
                               struct engine **engine, struct error *error) {
    char path[IO_PATH_BYTES];
    struct engine_options options = driver->options.engine;
    options.log = driver->log;
    options.kinds = driver->kinds;
    options.kind_count = driver->kind_count;
    options.wal = ENGINE_WAL_OFF;
    options.owner_seals = true;
    options.must_exist = must_exist;
    options.read_only = read_only;
    options.memory_writes = options.memory_writes && read_only;
    enum status status = driver_path(driver, "engine", number, path);
    return status == STATUS_OK ? engine_open(driver->io, path, &options, engine, error) : status;
}

static enum status check_identity(struct raft_driver *driver, struct error *error) {
    const struct node_state *superblock = &driver->superblock;
    driver->identity = (struct raft_identity){
        .cluster_id = superblock->cluster_id, .node_id = superblock->node_id, .incarnation = superblock->incarnation};
    if (superblock->node_id != driver->options.node_id) {
        return error_set(error, STATUS_MISMATCH, "%s belongs to node %" PRIu64 ", not to node %" PRIu64, driver->dir,
                         superblock->node_id, driver->options.node_id);
    }
    return STATUS_OK;
}

/* A term is promised only once there is a log. Where there is none any more, what it held was acknowledged, perhaps:
 * an empty one in its place would be a lie. Behind a repair a new one is to be made. */
bool driver_has_had_log(const struct node_state *superblock) {
    return superblock->term > 0 && superblock->doubt_term == 0;
}

static enum status open_log(struct raft_driver *driver, struct error *error) {
    char path[IO_PATH_BYTES];
    if (driver_log_path(driver, driver->superblock.log_number, path) != STATUS_OK)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", driver->dir);
    struct raft_log_options options = {
        .log = driver->log,
        .owner = hash_mix(driver->identity.incarnation, driver->identity.node_id),
        .segment_bytes = driver->options.log_segment_bytes,
        .must_exist = driver_has_had_log(&driver->superblock),
        .from = driver->superblock.log_from,
        .start = driver->superblock.log_start,
        .start_term = driver->superblock.log_start_term,
        .on_commit = persist_on_commit,
        .on_read = persist_on_read,
        .context = driver,
    };
    enum status status = raft_log_open(driver->io, path, &options, &driver->raft_log, error);
    if (status != STATUS_OK) return status;
    struct engine_mark mark = engine_installed(driver->engine);
    status = raft_log_settle_start(driver->raft_log, mark.index, mark.term, error);
    return status == STATUS_OK ? status : error_prefix(error, status, "%s", path);
}

static enum status recover_entries(struct raft_driver *driver) {
    const struct raft_log *log = driver->raft_log;
    for (uint64_t index = raft_log_start(log) + 1; index <= raft_log_last(log); index++) {
        enum status status =
            raft_recover_entry(driver->raft, index, raft_log_term(log, index), raft_log_recovered_kind(log, index));
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status make_core(struct raft_driver *driver, struct error *error) {
    const struct raft_driver_options *options = &driver->options;
    uint64_t seed;
    io_entropy(driver->io, &seed, sizeof seed);
    struct raft_options core = {
        .id = driver->identity.node_id,
        .seed = seed,
        .heartbeat_ticks = options->heartbeat_ticks,
        .election_ticks = options->election_ticks,
        .is_witness = driver->superblock.is_witness,
        .guard_ms = options->guard_ms,
        .guard_recovered_ms = RAFT_GUARD_MS_MAX,
        .drift_permille = options->drift_permille,
        .no_lease = options->no_lease,
        .append_bytes_max = DRIVER_APPEND_BYTES,
        .uncommitted_bytes_max = options->uncommitted_limit_bytes,
        .works_max = DRIVER_WORKS_MAX,
        .measure = raft_log_measure,
        .measure_context = driver->raft_log,
        .hard_state = {.term = driver->superblock.term, .vote = driver->superblock.vote},
        .log_start = raft_log_start(driver->raft_log),
        .log_start_term = raft_log_start_term(driver->raft_log),
        .applied = driver->applied,
        .doubt_term = driver->superblock.doubt_term,
        .commit = raft_log_recovered_commit(driver->raft_log),
        .log_time_ms = driver->log_time_ms > 0 ? (uint64_t)driver->log_time_ms : 0,
        .configuration = &driver->configuration,
    };
    enum status status = raft_create(&core, &driver->raft);
    if (status == STATUS_OK) status = recover_entries(driver);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: log, term and store contradict each other: %s", driver->dir,
                         status_text(status));
    return STATUS_OK;
}

static enum status open_transport(struct raft_driver *driver, struct error *error) {
    const struct driver_member *own = members_find(driver, driver->identity.node_id);
    const char *listen = driver->options.peer_listen;
    struct raft_member list[DRIVER_MEMBERS_MAX];
    if (listen == NULL && own != NULL) listen = own->member.peer_address;
    struct transport_options options = {
        .self = own != NULL ? own->member : (struct raft_member){.id = driver->identity.node_id},
        .log = driver->log,
        .identity = driver->identity,
        .members = list,
        .member_count = members_list(driver, list, true),
        .listen = listen,
        .secret = driver->options.peer_secret,
        .members_hash = driver->superblock.members_hash,
        .message_limit_bytes = driver->options.entry_limit_bytes + ((size_t)1 << 20),
        .queue_limit_bytes = driver->options.entry_limit_bytes + ((size_t)24 << 20),
        .admit = driver_admit,
        .on_message = driver_on_message,
        .on_link = driver_on_link,
        .context = driver,
    };
    return transport_open(driver->io, &options, &driver->transport, error);
}

/*
 * What was read may stand in the system's cache alone: after a failed sync it does, whatever a later one says. So it
 * is written once more, to one slot after the other, before anything is built on it: a term that was read and then lost
 * would leave a log with entries of a term that nobody promised. It also mends a slot that was damaged.
 */
enum status driver_settle_superblock(struct raft_driver *driver) {
    enum status status = STATUS_OK;
    for (unsigned slot = 0; status == STATUS_OK && slot < 2; slot++) {
        driver->superblock.generation++;
        node_state_encode(&driver->superblock, driver->superblock_bytes);
        uint64_t offset = node_state_offset(&driver->superblock);
        status =
            io_file_write(driver->superblock_file, offset, driver->superblock_bytes, sizeof driver->superblock_bytes);
        if (status == STATUS_OK) status = io_file_sync(driver->superblock_file);
    }
    return status;
}

static enum status open_directory(struct raft_driver *driver, struct error *error) {
    enum status status = io_dir_lock(driver->io, driver->dir, &driver->lock, error);
    if (status == STATUS_OK) status = node_state_read(driver->io, driver->dir, &driver->superblock, error);
    if (status == STATUS_OK) status = check_identity(driver, error);
    if (status != STATUS_OK) return status;
    status = node_state_open(driver->io, driver->dir, &driver->superblock_file);
    if (status == STATUS_OK) status = driver_settle_superblock(driver);
    if (status == STATUS_OK) status = driver_remove_leftovers(driver);
    return status == STATUS_OK ? status : error_set(error, status, "%s: %s", driver->dir, status_text(status));
}

/* Log, store and core. *part: what failed, when it is a status of damage. */
static enum status open_state(struct raft_driver *driver, enum repair_part *part, struct error *error) {
    const struct node_state *superblock = &driver->superblock;
    const uint64_t number = superblock->engine_number;
    const bool may_be_new = number == 1 || (superblock->doubt_term != 0 && superblock->damaged_engine != 0);
    *part = REPAIR_STORE;
    enum status status = driver_open_engine(driver, number, !may_be_new, false, &driver->engine, error);
    if (status != STATUS_OK) return status;
    *part = REPAIR_LOG;
    status = open_log(driver, error);
    if (status != STATUS_OK) return status;
    *part = REPAIR_STORE;
    status = apply_load_state(driver, driver->engine, error);
    if (status == STATUS_OK) status = members_check_options(driver, error);
    if (status == STATUS_OK) status = witness_forget_data(driver);
    if (status == STATUS_OK) status = make_core(driver, error);
    if (status == STATUS_OK) status = apply_restore_machines(driver, error);
    return status;
}

enum status driver_open_parts(struct raft_driver *driver, struct error *error) {
    enum repair_part part;
    enum status status = open_state(driver, &part, error);
    for (unsigned repairs = 0; repairs < REPAIR_PARTS && repair_is_damage(status); repairs++) {
        status = repair_set_aside(driver, part, status, error);
        if (status != STATUS_OK) return status;
        status = open_state(driver, &part, error);
    }
    return status == STATUS_OK ? open_transport(driver, error) : status;
}

static enum status check_clocks(const struct raft_driver_options *options, struct error *error) {
    if (options->guard_ms > RAFT_GUARD_MS_MAX)
        return error_set(error, STATUS_INVALID, "a guard of %" PRIu32 " ms is over the limit of %d", options->guard_ms,
                         RAFT_GUARD_MS_MAX);
    if (options->drift_permille < 1000) return STATUS_OK;
    return error_set(error, STATUS_INVALID, "clocks that stand still or run twice as fast are no clocks");
}

static enum status prepare(struct raft_driver *driver, const struct raft_driver_options *options, struct error *error) {
    uint64_t seed;
    engine_batch_init(&driver->batch);
    reads_init(driver);
    io_entropy(driver->io, &seed, sizeof seed);
    prng_init(&driver->prng, seed);
    fill_in_options(driver, options);
    prefetch_init(driver);
    scrub_init(driver);
    driver->tick_ns = (uint64_t)driver->options.tick_ms * MS_NS;
    driver->next_tick_ns = driver_now(driver) + driver->tick_ns;
    driver->in = calloc(DRIVER_APPEND_ENTRIES, sizeof *driver->in);
    driver->out = calloc(DRIVER_APPEND_ENTRIES, sizeof *driver->out);
    enum status status = requests_init(driver);
    if (driver->in == NULL || driver->out == NULL) status = STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = sessions_create(driver->options.reply_memory_bytes, &driver->sessions);
    if (status == STATUS_OK) status = driver_collect_kinds(driver);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", driver->dir, status_text(status));
    status = check_clocks(&driver->options, error);
    return status == STATUS_OK ? members_settle(driver, options, error) : status;
}

enum status raft_driver_open(struct io *io, const char *dir, const struct raft_driver_options *options,
                             struct raft_driver **driver, struct error *error) {
    *driver = NULL;
    if (strlen(dir) + 64 >= IO_PATH_BYTES) return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", dir);
    struct raft_driver *made = calloc(1, sizeof *made);
    if (made == NULL) return error_set(error, STATUS_NO_MEMORY, "%s: %s", dir, status_text(STATUS_NO_MEMORY));
    made->io = io;
    made->log = options->log;
    snprintf(made->dir, sizeof made->dir, "%s", dir);
    enum status status = prepare(made, options, error);
    if (status == STATUS_OK) status = open_directory(made, error);
    if (status == STATUS_OK) status = driver_open_parts(made, error);
    if (status != STATUS_OK) {
        raft_driver_close(made);
        return status;
    }
    log_info(made->log, "node %" PRIu64 ": term %" PRIu64 ", log %" PRIu64 "..%" PRIu64 ", store at %" PRIu64,
             made->identity.node_id, made->superblock.term, raft_log_start(made->raft_log) + 1,
             raft_log_last(made->raft_log), made->applied);
    *driver = made;
    return STATUS_OK;
}

enum { CLOSE_TURNS_MAX = 100000 };

void raft_driver_close(struct raft_driver *driver) {
    if (driver == NULL) return;
    driver->closing = true;
    transport_close(driver->transport);
    requests_deinit(driver);
    reads_fail_all(driver, STATUS_CANCELLED);
    hand_over_end(driver, STATUS_CANCELLED);
    change_end(driver, STATUS_CANCELLED);
    requests_deliver_refused(driver);
    for (unsigned turn = 0; driver->superblock_writing; turn++) {
        check(turn < CLOSE_TURNS_MAX);
        io_run(driver->io, driver_now(driver) + MS_NS);
    }
    snapshot_send_deinit(driver);
    snapshot_take_deinit(driver);
    prefetch_deinit(driver);
    scrub_deinit(driver);
    apply_deinit(driver);
    raft_log_close(driver->raft_log);
    raft_destroy(driver->raft);
    engine_close(driver->engine);
    io_file_close(driver->superblock_file);
    if (driver->lock != NULL) io_unlock(driver->lock);
    sessions_destroy(driver->sessions);
    free(driver->in);
    free(driver->out);
    buf_deinit(&driver->scratch);
    buf_deinit(&driver->maintenance);
    free(driver->kinds);
    free(driver);
}
