/*
 * load: many operations into a memtable that nobody reads yet, for a replay of a log. An entry that comes in no order
 * waits for memory at nearly every step of its way down the tree; so entries are set aside as they come, and linked in
 * the order of their keys, all at once.
 *
 * The memtable's one writer. Between memtable_load_begin and memtable_load_end nobody else reads or writes it; what was
 * loaded stands in it after memtable_load_link.
 */
#ifndef ENGINE_MEMTABLE_LOAD_H
#define ENGINE_MEMTABLE_LOAD_H

#include "engine/memtable/memtable.h"

struct load_run;

/* Calls work(context, at), which does not fail, for each at in [0, count), two at a time where there are two who can,
 * and returns when all have returned. */
struct memtable_load_team {
    void (*run)(void *user, size_t count, enum status (*work)(void *context, size_t at), void *context);
    void *user; /* the caller's */
};

struct memtable_load {
    struct memtable *memtable; /* borrowed */
    struct load_run *runs;     /* of each tree with entries that wait; owned */
    struct load_run *latest;   /* of the last entry's tree; NULL = none */
    size_t waiting;            /* entries in all of them */
};

void memtable_load_begin(struct memtable_load *load, struct memtable *memtable);
/* As memtable_add. After a failure the memtable is good for nothing but its release. */
MUST_CHECK enum status memtable_load_add(struct memtable_load *load, uint32_t tree, enum entry_kind kind,
                                         uint64_t sequence, struct slice key, struct slice value);
/* All that was added is linked; more may come. With a team (borrowed for the call, NULL = alone) by halves.
 * NO_MEMORY: as above. */
MUST_CHECK enum status memtable_load_link(struct memtable_load *load, const struct memtable_load_team *team);
/* Frees what the load holds beside the memtable; what was not linked is lost with the memtable. */
void memtable_load_end(struct memtable_load *load);
/* What memtable_bytes will be about once all is linked. */
size_t memtable_load_bytes(const struct memtable_load *load);

#endif
