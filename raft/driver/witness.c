/*
 * witness: a voter without data. It keeps of each command what says whose it is and when it was made, and not what it
 * does; its store holds the system tree alone. What it acknowledges is the order of entries: a leader that lacks one
 * gets no vote of it, and it never leads itself, because it has not got what its log stands for (raft/README.md).
 */
#include "raft/driver/driver_internal.h"

struct slice witness_keeps(const struct raft_entry *entry) {
    struct envelope envelope;
    uint8_t store;
    struct slice operation;
    if (entry->kind != RAFT_ENTRY_COMMAND) return entry->bytes;
    if (envelope_decode(entry->bytes, &envelope, &store, &operation) != STATUS_OK || store == 0) return entry->bytes;
    return slice_make(entry->bytes.data, (size_t)(operation.data - entry->bytes.data));
}

bool raft_driver_is_in_doubt(const struct raft_driver *driver) {
    return driver->superblock.doubt_term != 0;
}

bool raft_driver_is_witness(const struct raft_driver *driver) {
    return driver->superblock.is_witness;
}

bool witness_is(const struct raft_driver *driver, uint64_t node) {
    for (size_t i = 0; i < driver->members.count; i++)
        if (driver->members.rows[i].member.id == node) return driver->members.rows[i].is_witness;
    return false;
}

static enum status empty_trees(struct raft_driver *driver, const struct state_machine *machine,
                               struct engine_batch *batch) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < machine->tree_count && status == STATUS_OK; i++) {
        struct engine_tree_info info;
        status = engine_tree_info(driver->engine, machine->trees[i].tree, &info);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && info.entries == 0 && info.files == 0)) {
            status = STATUS_OK;
            continue;
        }
        if (status == STATUS_OK) status = engine_batch_drop_tree(batch, machine->trees[i].tree);
        if (status == STATUS_OK)
            status = engine_batch_create_tree(batch, machine->trees[i].tree, machine->trees[i].kind);
    }
    return status;
}

enum status witness_forget_data(struct raft_driver *driver) {
    struct engine_batch batch;
    enum status status = STATUS_OK;
    if (!driver->superblock.is_witness) return STATUS_OK;
    engine_batch_init(&batch);
    for (size_t i = 0; i < driver->options.machine_count && status == STATUS_OK; i++)
        status = empty_trees(driver, &driver->options.machines[i], &batch);
    if (status == STATUS_OK && batch.operations.size > 0) {
        status = engine_amend(driver->engine, &batch, false);
        driver->forgets = true;
    }
    engine_batch_deinit(&batch);
    return status;
}

/* What it held is gone from the disk once a flush says so. */
void witness_turn(struct raft_driver *driver) {
    if (!driver->forgets || driver->failed != STATUS_OK || driver->installing) return;
    driver->forgets = raft_driver_flush_start(driver) == STATUS_BUSY;
}
