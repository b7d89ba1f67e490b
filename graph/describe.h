/* describe: the graph store's rows and operations, field by field (FORMAT.md). For tools. */
#ifndef GRAPH_DESCRIBE_H
#define GRAPH_DESCRIBE_H

#include "engine/describe.h"

/* One for each of graph_kinds, in their order. */
extern const struct row_describer graph_describers[];
extern const size_t graph_describer_count;

void graph_operation_describe(struct fields *fields);

#endif
