/* state_machine: tsdb as raft sees it; the only file of tsdb that knows raft (DESIGN R4). */
#ifndef TSDB_STATE_MACHINE_H
#define TSDB_STATE_MACHINE_H

#include "raft/state_machine.h"
#include "tsdb/tsdb.h"

#pragma GCC visibility push(default)

enum { TSDB_STORE = 2 };

struct tsdb_machine;

/* `owners` as tsdb_create; borrowed; tsdb_machine_owner's row may be put there afterwards. *machine is filled in, its
 * context is *tsdb_machine, which lives until tsdb_machine_destroy. A series' id is the index of the entry that made
 * it.
 */
MUST_CHECK enum status tsdb_machine_create(const struct name_owner *owners, size_t owner_count,
                                           struct tsdb_machine **tsdb_machine, struct state_machine *machine);
void tsdb_machine_destroy(struct tsdb_machine *machine); /* NULL is allowed */
struct name_owner tsdb_machine_owner(struct tsdb_machine *machine);

#pragma GCC visibility pop

#endif
