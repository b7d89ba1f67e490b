/* describe: series, chunks, labels and operations, field by field (FORMAT.md). For tools. */
#ifndef TSDB_DESCRIBE_H
#define TSDB_DESCRIBE_H

#include "engine/describe.h"

/* One for each of tsdb_kinds, in their order. */
extern const struct row_describer tsdb_describers[];
extern const size_t tsdb_describer_count;

void tsdb_operation_describe(struct fields *fields);

#endif
