/*
 * apply: committed entries become batches of the engine, in order, each once, a bounded slice per turn. An entry is one
 * batch: what its store did. What raft itself remembers of it (the reply of its session, the chain) is kept in memory
 * and becomes rows of the system tree where a flush cuts: the engine says when it wants to seal its memtable, and the
 * rows go in as the last thing. So what the engine holds after a crash is the state after a whole entry, raft's part
 * included, and replaying the log from there gives what was in memory.
 *
 * The chain is a hash over every batch and every session's reply so far: equal on all replicas at an equal index, or
 * they have diverged.
 */
#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "raft/driver/driver_internal.h"
#include "raft/log/system_row.h"

enum { SLICE_ENTRIES = 512, SLICE_NS = 2 * MS_NS, RETRY_NS = 2 * MS_NS };

static const uint8_t configuration_key[1] = {SYSTEM_ROW_CONFIGURATION}, chain_key[1] = {SYSTEM_ROW_CHAIN};

/* ---- One entry becomes a batch ---- */

const struct state_machine *driver_find_machine(const struct raft_driver *driver, uint8_t store) {
    for (size_t i = 0; i < driver->options.machine_count; i++)
        if (driver->options.machines[i].store == store) return &driver->options.machines[i];
    return NULL;
}

/* The first entry of all makes the trees. */
static enum status stage_trees(struct raft_driver *driver) {
    if (driver->trees_ready) return STATUS_OK;
    enum status status = engine_batch_create_tree(&driver->batch, TREE_SYSTEM, KIND_SYSTEM);
    for (size_t i = 0; i < driver->options.machine_count; i++) {
        const struct state_machine *machine = &driver->options.machines[i];
        for (size_t k = 0; k < machine->tree_count && status == STATUS_OK; k++)
            status = engine_batch_create_tree(&driver->batch, machine->trees[k].tree, machine->trees[k].kind);
    }
    return status;
}

static enum status stage_configuration(struct raft_driver *driver, const struct raft_entry *entry) {
    enum status status = raft_configuration_decode(entry->bytes, &driver->staged_configuration);
    driver->staged.configuration = status == STATUS_OK;
    if (status == STATUS_OK) status = members_stage_configuration(driver);
    if (status != STATUS_OK) return status;
    return engine_batch_put(&driver->batch, TREE_SYSTEM, slice_make(configuration_key, 1), entry->bytes);
}

static enum status stage_own(struct raft_driver *driver, const struct envelope *envelope, struct slice bytes) {
    struct own_operation own;
    enum status status = own_decode(bytes, &own);
    if (status != STATUS_OK || own.kind == OWN_TICK) return status;
    if (own.kind == OWN_MEMBER) {
        driver->staged.member = true;
        driver->staged_member = own.member;
        return members_stage(driver, &own.member);
    }
    status = sessions_stage_open(driver->sessions, &driver->batch, envelope->index, own.node_id);
    if (status != STATUS_OK) return status;
    driver->staged.sessions_changed = true;
    driver->staged.opened_node = own.node_id;
    if (own.node_id == driver->identity.node_id) driver->staged.opened_nonce = own.nonce;
    return STATUS_OK;
}

static enum status stage_operation(struct raft_driver *driver, const struct envelope *envelope, uint8_t store,
                                   struct slice operation) {
    if (store == 0) return stage_own(driver, envelope, operation);
    if (driver->superblock.is_witness) return STATUS_OK; /* what it does is not here */
    const struct state_machine *machine = driver_find_machine(driver, store);
    if (machine == NULL) return STATUS_UNSUPPORTED;
    return machine->apply(machine->context, envelope, operation, &driver->batch, &driver->reply);
}

static enum status stage_command(struct raft_driver *driver, uint64_t index, const struct raft_entry *entry) {
    struct envelope envelope;
    uint8_t store;
    struct slice operation;
    enum status status = envelope_decode(entry->bytes, &envelope, &store, &operation);
    if (status != STATUS_OK) return status;
    envelope.index = index;
    envelope.may_block = driver->prefetched_index == index;
    envelope.term = entry->term;
    if (envelope.time_ms < driver->log_time_ms) envelope.time_ms = driver->log_time_ms;
    enum session_verdict verdict =
        envelope.session == 0 ? SESSION_APPLY : sessions_judge(driver->sessions, envelope.session, envelope.serial);
    if (verdict == SESSION_UNKNOWN && envelope.session == driver->requests.session)
        driver->staged.sessions_changed = true;
    if (verdict == SESSION_APPLY) status = stage_operation(driver, &envelope, store, operation);
    if (status != STATUS_OK) return status;
    driver->log_time_ms = envelope.time_ms;
    if (verdict != SESSION_APPLY) return STATUS_OK;
    driver->staged.session = envelope.session;
    driver->staged.serial = envelope.serial;
    return STATUS_OK;
}

/* The chain behind the entry that is staged. */
static uint64_t next_chain(const struct raft_driver *driver, uint64_t index) {
    const struct staged *staged = &driver->staged;
    uint64_t chain = hash_mix(driver->chain, hash64(buf_slice(&driver->batch.operations), index));
    if (staged->session == 0) return chain;
    return hash_mix(chain, hash64(buf_slice(&driver->reply), hash_mix(staged->session, staged->serial)));
}

static enum status stage(struct raft_driver *driver, uint64_t index, const struct raft_entry *entry) {
    engine_batch_clear(&driver->batch);
    buf_clear(&driver->reply);
    driver->staged = (struct staged){0};
    enum status status = stage_trees(driver);
    if (status == STATUS_OK && entry->kind == RAFT_ENTRY_CONFIGURATION) status = stage_configuration(driver, entry);
    if (status == STATUS_OK && entry->kind == RAFT_ENTRY_COMMAND) status = stage_command(driver, index, entry);
    if (status != STATUS_OK) return status;
    driver->staged.chain = next_chain(driver, index);
    driver->staged.index = index;
    driver->staged.term = entry->term;
    driver->batch.mark = (struct engine_mark){.index = index, .term = entry->term, .time_ms = driver->log_time_ms};
    return STATUS_OK;
}

/* ---- What is kept in memory becomes rows ---- */

/* As of the last applied entry: another may be staged, and is no part of it. */
static enum status stage_rows(const struct raft_driver *driver, struct engine_batch *batch, bool cut) {
    uint8_t row[CHAIN_ROW_BYTES];
    coding_put_u64(row, driver->applied);
    coding_put_u64(row + 8, driver->chain);
    enum status status = sessions_stage_replies(driver->sessions, batch);
    if (status != STATUS_OK || !cut) return status;
    return engine_batch_put(batch, TREE_SYSTEM, slice_make(chain_key, 1), slice_make(row, sizeof row));
}

/* cut: and the memtable ends here. */
static enum status write_rows(struct raft_driver *driver, bool cut) {
    struct engine_batch batch; /* seldom, and may be large: not kept */
    engine_batch_init(&batch);
    enum status status = stage_rows(driver, &batch, cut);
    if (status == STATUS_OK) status = engine_amend(driver->engine, &batch, cut);
    if (status == STATUS_OK) sessions_replies_written(driver->sessions);
    engine_batch_deinit(&batch);
    return status;
}

/* ---- and the batch the state ---- */

static enum status write_staged(struct raft_driver *driver) {
    struct engine_write_options options = {.no_wait = true};
    const struct staged staged = driver->staged;
    enum status status = STATUS_OK;
    if (staged.session != 0 && !sessions_have_room(driver->sessions)) status = write_rows(driver, false);
    if (status == STATUS_OK) status = engine_write(driver->engine, &driver->batch, &options);
    if (status != STATUS_OK) return status;
    driver->staged.index = 0;
    if (staged.opened_node != 0) sessions_opened(driver->sessions, staged.index, staged.opened_node);
    if (staged.session != 0) {
        sessions_note(driver->sessions, staged.session, staged.serial, staged.index, buf_slice(&driver->reply));
        driver->written = staged.index;
    }
    driver->trees_ready = true;
    driver->chain = staged.chain;
    driver->applied = staged.index;
    driver->counts.applied_entries++;
    if (staged.opened_nonce != 0) requests_session_opened(driver, staged.opened_nonce, staged.index);
    if (staged.sessions_changed) requests_check_session(driver);
    if (staged.session != 0 && staged.session == driver->requests.session)
        requests_applied(driver, staged.serial, staged.index, buf_slice(&driver->reply));
    if (staged.member) members_told(driver, &driver->staged_member, staged.index);
    if (!staged.configuration) return STATUS_OK;
    driver->configuration = driver->staged_configuration;
    members_configured(driver, staged.index);
    if (driver->raft == NULL) return STATUS_OK; /* a log that is only read */
    change_applied(driver, staged.index, staged.term);
    struct raft_event event = {.kind = RAFT_EVENT_APPLY_CONFIGURATION,
                               .apply = {.index = staged.index, .configuration = &driver->configuration}};
    const enum status applied = driver_step(driver, &event, 0, NULL);
    if (applied == STATUS_OK) about_configured(driver);
    return applied;
}

enum status apply_replayed(struct raft_driver *driver, uint64_t index, const struct raft_entry *entry) {
    driver->prefetched_index = index; /* it may block */
    enum status status = stage(driver, index, entry);
    driver->staged.sessions_changed = false;
    driver->staged.opened_nonce = 0;
    return status == STATUS_OK ? write_staged(driver) : status;
}

/* ---- Rows that are not in memory ---- */

static enum io_job_state prefetch_step(struct io_job *job) {
    struct raft_driver *driver = job->context;
    const struct state_machine *machine = driver->prefetch_machine;
    driver->prefetch_status =
        machine->prefetch(machine->context, driver->prefetch_snapshot, buf_slice(&driver->prefetch_operation));
    return IO_JOB_DONE;
}

static void prefetch_done(struct io_job *job) {
    struct raft_driver *driver = job->context;
    engine_snapshot_release(driver->engine, driver->prefetch_snapshot);
    driver->prefetch_snapshot = NULL;
    driver->prefetching = false;
    driver->wants_turn = true;
    if (driver->prefetch_status != STATUS_OK && !driver->closing)
        driver_fail(driver, driver->prefetch_status, "reading what an entry needs failed");
}

static enum status start_prefetch(struct raft_driver *driver, const struct raft_entry *entry) {
    struct envelope envelope;
    uint8_t store;
    struct slice operation;
    enum status status = envelope_decode(entry->bytes, &envelope, &store, &operation);
    if (status == STATUS_OK) status = buf_assign(&driver->prefetch_operation, operation);
    if (status != STATUS_OK) return status;
    driver->prefetch_machine = driver_find_machine(driver, store);
    check(driver->prefetch_machine != NULL); /* it answered */
    driver->prefetch_snapshot = engine_snapshot_acquire(driver->engine);
    if (driver->prefetch_snapshot == NULL) return STATUS_NO_MEMORY;
    driver->prefetching = true;
    driver->prefetched_index = driver->applied + 1;
    driver->prefetch = (struct io_job){
        .pool = IO_POOL_READ, .priority = -1, .step = prefetch_step, .done = prefetch_done, .context = driver};
    io_job_start(driver->io, &driver->prefetch);
    return STATUS_OK;
}

/* ---- A slice ---- */

static void take_failure(struct raft_driver *driver, enum status status) {
    if (status == STATUS_BUSY || status == STATUS_NO_MEMORY || status == STATUS_NO_SPACE) {
        driver->apply_retry_ns = driver_now(driver) + RETRY_NS; /* the engine is at its limit: its jobs need time */
        return;
    }
    driver_fail(driver, status, "applying an entry failed");
}

static void say_applied(struct raft_driver *driver) {
    raft_log_applied(driver->raft_log, driver->applied);
    raft_observe_log_time(driver->raft, driver->log_time_ms > 0 ? (uint64_t)driver->log_time_ms : 0);
    struct raft_event event = {.kind = RAFT_EVENT_APPLIED, .applied = {.index = driver->applied}};
    enum status status = driver_step(driver, &event, 0, NULL);
    if (status != STATUS_OK) driver_fail(driver, status, "the core does not know what was applied");
}

/* False: nothing more for now. */
static bool apply_next(struct raft_driver *driver) {
    struct raft_entry entry = {0};
    enum status status = STATUS_OK;
    if (driver->staged.index == 0) {
        if (!raft_log_get(driver->raft_log, driver->applied + 1, &entry)) return false; /* persist_on_read */
        status = stage(driver, driver->applied + 1, &entry);
    }
    if (status == STATUS_OK) status = write_staged(driver);
    const bool applied = status == STATUS_OK;
    if (status == STATUS_WOULD_BLOCK)
        status = prefetch_is_under_way(driver, driver->applied + 1) ? STATUS_OK : start_prefetch(driver, &entry);
    if (status != STATUS_OK) take_failure(driver, status);
    return applied;
}

/* False: not now. */
static bool cut_if_due(struct raft_driver *driver) {
    if (!engine_wants_seal(driver->engine)) return true;
    enum status status = write_rows(driver, true);
    if (status != STATUS_OK) take_failure(driver, status);
    return status == STATUS_OK;
}

/*
 * Lets the machine whose entries come next see some of them at once: apply waits for memory at each row, and what is
 * asked for together is waited for together. Returns the last index that was looked at.
 */
static uint64_t touch_next(struct raft_driver *driver) {
    struct slice operations[STATE_MACHINE_TOUCH_MAX];
    const struct state_machine *machine = NULL;
    size_t count = 0;
    uint64_t index = driver->superblock.is_witness ? driver->commit : driver->applied;
    while (index < driver->commit && count < STATE_MACHINE_TOUCH_MAX) {
        struct raft_entry entry;
        struct envelope envelope;
        uint8_t store;
        if (!raft_log_peek(driver->raft_log, index + 1, &entry) || entry.kind != RAFT_ENTRY_COMMAND) break;
        if (envelope_decode(entry.bytes, &envelope, &store, &operations[count]) != STATUS_OK) break;
        const struct state_machine *its = driver_find_machine(driver, store);
        if (its == NULL || (machine != NULL && its != machine)) break; /* another's turn comes */
        machine = its;
        count++;
        index++;
    }
    if (count > 1 && machine->touch != NULL) machine->touch(machine->context, operations, count);
    return index;
}

bool apply_slice(struct raft_driver *driver) {
    uint64_t begin = driver_now(driver);
    if (driver->installing || driver->prefetching || driver->failed != STATUS_OK || begin < driver->apply_retry_ns)
        return false;
    unsigned count = 0;
    uint64_t touched = driver->applied;
    bool more = cut_if_due(driver);
    while (driver->applied < driver->commit && more && driver->failed == STATUS_OK) {
        if (driver->applied >= touched) touched = touch_next(driver);
        more = apply_next(driver);
        if (more) count++;
        if (more) more = cut_if_due(driver);
        /* Each may have been a long one (an import): what is behind it waits for another turn, heartbeats don't. */
        if (count == SLICE_ENTRIES || driver_now(driver) - begin > SLICE_NS) break;
    }
    if (count > 0) say_applied(driver);
    return count > 0 && more && driver->applied < driver->commit;
}

/* ---- What an engine holds ---- */

enum status apply_read_configuration(const struct raft_driver *driver, struct engine *engine,
                                     struct raft_configuration *configuration) {
    struct engine_value value;
    members_founding_configuration(driver, configuration);
    enum status status = engine_get(engine, NULL, TREE_SYSTEM, slice_make(configuration_key, 1), &value);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    status = raft_configuration_decode(value.data, configuration);
    engine_value_release(&value);
    return status;
}

static enum status read_chain(struct engine *engine, uint64_t index, uint64_t *chain) {
    struct engine_value value;
    enum status status = engine_get(engine, NULL, TREE_SYSTEM, slice_make(chain_key, 1), &value);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    bool sound = value.data.size == CHAIN_ROW_BYTES && coding_get_u64(value.data.data) == index;
    if (sound) *chain = coding_get_u64(value.data.data + 8);
    engine_value_release(&value);
    return sound ? STATUS_OK : STATUS_CORRUPT;
}

enum status apply_load_state(struct raft_driver *driver, struct engine *engine, struct error *error) {
    struct engine_mark mark = engine_applied(engine);
    driver->chain = 0;
    driver->applied = driver->commit = mark.index;
    driver->log_time_ms = mark.time_ms;
    driver->trees_ready = mark.index > 0;
    driver->staged = (struct staged){0};
    members_founding_configuration(driver, &driver->configuration);
    if (!driver->trees_ready) return members_load(driver, engine);
    enum status status = sessions_restore(driver->sessions, engine);
    if (status == STATUS_OK) status = read_chain(engine, mark.index, &driver->chain);
    if (status == STATUS_OK) status = apply_read_configuration(driver, engine, &driver->configuration);
    if (status == STATUS_OK) status = members_load(driver, engine);
    if (status != STATUS_OK) return error_set(error, status, "the system tree: %s", status_text(status));
    return STATUS_OK;
}

enum status apply_restore_machines(struct raft_driver *driver, struct error *error) {
    for (size_t i = 0; i < driver->options.machine_count; i++) {
        const struct state_machine *machine = &driver->options.machines[i];
        enum status status = machine->after_restore(machine->context, driver->engine, driver->identity.cluster_id);
        if (status != STATUS_OK)
            return error_set(error, status, "%s: taking up the store: %s", machine->name, status_text(status));
    }
    return STATUS_OK;
}

void apply_deinit(struct raft_driver *driver) {
    while (driver->prefetching) {
        if (!io_job_assist(driver->io)) io_sleep(driver->io, MS_NS);
        io_run(driver->io, 0);
    }
    engine_batch_deinit(&driver->batch);
    buf_deinit(&driver->reply);
    buf_deinit(&driver->prefetch_operation);
}
