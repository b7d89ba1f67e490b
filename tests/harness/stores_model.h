/*
 * stores_model: what every name holds, told by the operations alone: a string, the samples of a series, the nodes and
 * edges of a graph. It knows nothing of rows, chunks or blocks; an engine is compared with it through the stores'
 * reads.
 */
#ifndef TESTS_HARNESS_STORES_MODEL_H
#define TESTS_HARNESS_STORES_MODEL_H

#include "engine/base/error.h"
#include "tests/harness/stores_lab.h"

enum { MODEL_NAMES = 6 };

enum model_type { MODEL_NOTHING, MODEL_STRING, MODEL_SERIES, MODEL_GRAPH };

struct model_sample {
    int64_t time_ms;
    uint64_t bits; /* of the value */
};

struct model_edge {
    uint64_t id, source, destination;
    int64_t token; /* its property "token" */
};

struct model_name {
    enum model_type type;
    struct buf text;
    struct buf samples; /* struct model_sample, ascending */
    struct buf nodes;   /* uint64_t ids */
    struct buf edges;   /* struct model_edge */
};

struct model_state {
    struct model_name names[MODEL_NAMES];
};

/* "name0" .. */
const char *model_name_text(unsigned number);

void model_copy(struct model_state *to, const struct model_state *from); /* `to` is zeroed or a state */
void model_clear(struct model_state *state);

/* Becomes an empty one of this type; what it was is gone. */
void model_become(struct model_name *name, enum model_type type);
/* The sample of this time becomes, or is, this one. */
void model_put_sample(struct model_name *series, int64_t time_ms, double value);
void model_delete_samples(struct model_name *series, int64_t from_ms, int64_t to_ms);

size_t model_node_count(const struct model_name *graph);
size_t model_edge_count(const struct model_name *graph);
void model_add_node(struct model_name *graph, uint64_t id);
void model_add_edge(struct model_name *graph, const struct model_edge *edge);
void model_delete_edge(struct model_name *graph, uint64_t id);
/* With all its edges. */
void model_delete_node(struct model_name *graph, uint64_t id);

/* Everything, through the stores' reads: OK; MISMATCH with words; else what a read answered. Graphs are verified. */
MUST_CHECK enum status model_compare(const struct model_state *state, const struct stores_lab *lab,
                                     struct error *error);

#endif
