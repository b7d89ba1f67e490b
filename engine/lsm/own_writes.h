/*
 * own_writes: what a transaction has written and nobody else sees yet, laid over the state of its snapshot. A memtable
 * whose sequences are above all that the store gives out, so that they win wherever sequences are compared; a reader
 * sees its snapshot's and these, and nothing between. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_OWN_WRITES_H
#define ENGINE_LSM_OWN_WRITES_H

#include "engine/engine.h"
#include "engine/memtable/memtable.h"

/* The store's sequences stay below: at a thousand million writes a second for a year. */
#define OWN_SEQUENCE_FIRST (UINT64_C(1) << 55)

struct own_writes {
    struct memtable *table; /* borrowed; NULL = none */
    uint64_t sequence;      /* the last one that is seen */
};

static const struct own_writes own_writes_none = {.table = NULL};

/* engine_iterator_open over own writes, which stay until it is closed; later ones of the same table are not seen. */
MUST_CHECK enum status iterator_open_over(struct engine *engine, uint32_t tree,
                                          const struct engine_iterator_options *options, const struct own_writes *own,
                                          struct engine_iterator **iterator);

#endif
