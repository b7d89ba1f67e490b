/* stores: see stores.h. All owners stand in the table before the first machine is made: each is told their number. */
#include "tools/loamd/stores.h"

enum status stores_init(struct stores *stores) {
    *stores = (struct stores){0};
    stores->owners[stores->owner_count++] = kv_string_owner;
    stores->owners[stores->owner_count++] = graph_name_owner;
    enum status status =
        kv_machine_create(stores->owners, stores->owner_count, &stores->kv, &stores->machines[stores->machine_count]);
    if (status) return status;
    stores->machine_count++;
    status = graph_machine_create(stores->owners, stores->owner_count, &stores->graph,
                                  &stores->machines[stores->machine_count]);
    if (status) return status;
    stores->machine_count++;
    return STATUS_OK;
}

void stores_deinit(struct stores *stores) {
    kv_machine_destroy(stores->kv);
    graph_machine_destroy(stores->graph);
    *stores = (struct stores){0};
}
