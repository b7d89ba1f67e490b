/* describers: see describers.h. A new store is a row in each of the two tables. */
#include "tools/loam/inspect/describers.h"

#include "graph/describe.h"
#include "graph/state_machine.h"
#include "kv/describe.h"
#include "kv/state_machine.h"
#include "tsdb/describe.h"
#include "tsdb/state_machine.h"

static const struct {
    const struct row_describer *rows;
    const size_t *count;
} tables[] = {
    {raft_describers, &raft_describer_count},
    {names_describers, &names_describer_count},
    {tsdb_describers, &tsdb_describer_count},
    {graph_describers, &graph_describer_count},
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static const struct operation_describer operations[] = {
    {KV_STORE, "kv", kv_operation_describe},
    {TSDB_STORE, "tsdb", tsdb_operation_describe},
    {GRAPH_STORE, "graph", graph_operation_describe},
};
const struct operation_describers store_describers = {operations, sizeof operations / sizeof operations[0]};

const struct row_describer *describers_get(size_t i) {
    for (size_t t = 0; t < TABLES; t++) {
        if (i < *tables[t].count) return &tables[t].rows[i];
        i -= *tables[t].count;
    }
    return NULL;
}

const struct row_describer *describers_find(uint64_t kind) {
    const struct row_describer *found;
    for (size_t i = 0; (found = describers_get(i)) != NULL; i++)
        if (found->kind == kind) return found;
    return NULL;
}

static const struct row_describer *find_tree(void *context, uint32_t tree) {
    (void)context;
    return describers_find(tree);
}

const struct tree_describers node_trees = {.find = find_tree};
