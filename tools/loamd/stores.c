/* stores: see stores.h. */
#include "tools/loamd/stores.h"

enum status stores_init(struct stores *stores) {
    *stores = (struct stores){0};
    stores->owners[stores->owner_count++] = kv_string_owner;
    enum status status =
        kv_machine_create(stores->owners, stores->owner_count, &stores->kv, &stores->machines[stores->machine_count]);
    if (status) return status;
    stores->machine_count++;
    return STATUS_OK;
}

void stores_deinit(struct stores *stores) {
    kv_machine_destroy(stores->kv);
    *stores = (struct stores){0};
}
