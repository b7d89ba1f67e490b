/* read_probe: what reads cost in a store, counted by the code that answers them (engine/explain.h). */
#ifndef TOOLS_LOAM_SIMULATE_READ_PROBE_H
#define TOOLS_LOAM_SIMULATE_READ_PROBE_H

#include "engine/base/prng.h"
#include "tools/loam/simulate/sim_store.h"

enum { PROBE_KEYS = 48 };

struct probe_key {
    uint32_t tree;
    uint8_t *bytes; /* owned */
    size_t size;
};

/* Keys that were written, drawn from all so far with equal chances. */
struct read_probe {
    struct prng prng;
    struct probe_key keys[PROBE_KEYS];
    unsigned count;
    uint64_t seen;
};
void read_probe_init(struct read_probe *probe);
void read_probe_deinit(struct read_probe *probe);
/* NO_MEMORY. */
MUST_CHECK enum status read_probe_note(struct read_probe *probe, const struct write_op *op);

/* Means of one look; all 0 when there is nothing to ask. */
struct probe_figures {
    unsigned asked;
    double get_blocks;    /* of tables, or values kept apart, that a get looks into */
    double absent_blocks; /* of a get of a key that is not there, beside one that was written */
    double seek_runs;     /* tables that a seek looks into: one in each sorted run that may hold the key or the next */
};
/* Costs no time of the store's, and changes nothing there. */
MUST_CHECK enum status read_probe_look(const struct read_probe *probe, struct sim_store *store,
                                       struct probe_figures *figures);

#endif
