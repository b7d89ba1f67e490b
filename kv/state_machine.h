/* state_machine: kv as raft sees it; the only file of kv that knows raft (DESIGN R4). */
#ifndef KV_STATE_MACHINE_H
#define KV_STATE_MACHINE_H

#include "kv/kv.h"
#include "raft/state_machine.h"

#pragma GCC visibility push(default)

enum { KV_STORE = 1 };

struct kv_machine;

/* `owners` as kv_create; borrowed. *machine is filled in, its context is *kv_machine, which lives until
 * kv_machine_destroy. */
MUST_CHECK enum status kv_machine_create(const struct name_owner *owners, size_t owner_count,
                                         struct kv_machine **kv_machine, struct state_machine *machine);
void kv_machine_destroy(struct kv_machine *machine); /* NULL is allowed */

/* A view of the latest state for readers; valid until the next after_restore. */
struct names_view kv_machine_view(const struct kv_machine *machine);

#pragma GCC visibility pop

#endif
