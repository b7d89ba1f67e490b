/* stores: see stores.h. Every store borrows the table of owners, which is complete before any of them applies. */
#include "tools/loamd/stores.h"

#include "engine/base/check.h"

enum { OWNER_COUNT = 3 };

static void add_owner(struct stores *stores, struct name_owner owner) {
    check(stores->owner_count < OWNER_COUNT);
    stores->owners[stores->owner_count++] = owner;
}

static enum status add_kv(struct stores *stores) {
    struct state_machine *machine = &stores->machines[stores->machine_count];
    enum status status = kv_machine_create(stores->owners, OWNER_COUNT, &stores->kv, machine);
    if (status) return status;
    stores->machine_count++;
    add_owner(stores, kv_string_owner);
    return STATUS_OK;
}

static enum status add_tsdb(struct stores *stores) {
    struct state_machine *machine = &stores->machines[stores->machine_count];
    enum status status = tsdb_machine_create(stores->owners, OWNER_COUNT, &stores->tsdb, machine);
    if (status) return status;
    stores->machine_count++;
    add_owner(stores, tsdb_machine_owner(stores->tsdb));
    return STATUS_OK;
}

static enum status add_graph(struct stores *stores) {
    struct state_machine *machine = &stores->machines[stores->machine_count];
    enum status status = graph_machine_create(stores->owners, OWNER_COUNT, &stores->graph, machine);
    if (status) return status;
    stores->machine_count++;
    add_owner(stores, graph_name_owner);
    return STATUS_OK;
}

enum status stores_init(struct stores *stores) {
    *stores = (struct stores){0};
    enum status status = add_kv(stores);
    if (status == STATUS_OK) status = add_tsdb(stores);
    if (status == STATUS_OK) status = add_graph(stores);
    if (status) stores_deinit(stores);
    return status;
}

void stores_deinit(struct stores *stores) {
    kv_machine_destroy(stores->kv);
    tsdb_machine_destroy(stores->tsdb);
    graph_machine_destroy(stores->graph);
    *stores = (struct stores){0};
}
