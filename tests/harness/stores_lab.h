/*
 * stores_lab: an engine with the trees of all three stores, and the stores as a node has them: a table of state
 * machines, each entry's operation applied from memory first, after reading ahead if something was missing.
 */
#ifndef TESTS_HARNESS_STORES_LAB_H
#define TESTS_HARNESS_STORES_LAB_H

#include "graph/state_machine.h"
#include "kv/state_machine.h"
#include "tsdb/state_machine.h"

enum { STORES_LAB_MACHINES = 3, STORES_LAB_KINDS = 24, STORES_LAB_NAME_SEED = 11 };

struct stores_lab {
    struct engine *engine; /* borrowed; NULL: none is open */
    struct kv_machine *kv;
    struct tsdb_machine *tsdb;
    struct graph_machine *graph;
    struct state_machine machines[STORES_LAB_MACHINES];
    struct name_owner owners[STORES_LAB_MACHINES];
    struct engine_tree_kind kinds[STORES_LAB_KINDS];
    size_t kind_count;
    struct engine_batch batch; /* of the entry that was staged last */
    struct buf reply;
    uint64_t prefetches;
};

/* An entry of the log. The first one makes the trees: store 0, no bytes. */
struct stores_entry {
    uint64_t index;
    int64_t time_ms;
    uint8_t store;
    struct slice operation;
};

void stores_lab_init(struct stores_lab *lab);
void stores_lab_deinit(struct stores_lab *lab);
/* kinds of engine_options are lab->kinds. The stores forget what they know of another engine. */
MUST_CHECK enum status stores_lab_attach(struct stores_lab *lab, struct engine *engine);

/* Turns the entry into lab->batch, to be written before the next one, and lab->reply. */
MUST_CHECK enum status stores_lab_stage(struct stores_lab *lab, const struct stores_entry *entry);

/* Which entry the engine holds as the last one; 0 = none. */
MUST_CHECK enum status stores_lab_last(const struct stores_lab *lab, uint64_t *index);

struct names_view stores_lab_view(const struct stores_lab *lab);

#endif
