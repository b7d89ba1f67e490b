/* describe: kv's operations in the log, field by field (FORMAT.md); its rows are those of the name space. For tools. */
#ifndef KV_DESCRIBE_H
#define KV_DESCRIBE_H

#include "engine/describe.h"

void kv_operation_describe(struct fields *fields);

#endif
