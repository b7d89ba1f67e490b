/* open_ops: which operation of a history each client waits for, while one is read. */
#ifndef TOOLS_JUDGE_OPEN_OPS_H
#define TOOLS_JUDGE_OPEN_OPS_H

#include <stdint.h>

#include "tools/judge/history.h"

struct open_ops {
    struct open_op *slots; /* owned; open addressing, at most half full */
    size_t slot_count, used;
};

void open_ops_deinit(struct open_ops *ops);
/* Notes the operation. EXISTS: the client waits for another one. NO_MEMORY. */
MUST_CHECK enum status open_ops_put(struct open_ops *ops, uint32_t client, size_t index);
/* The operation that the client waits for, and it does not wait any more; NULL: it waits for none of this kind. */
struct history_op *open_ops_take(struct open_ops *ops, struct history *history, uint32_t client, uint32_t kind);

#endif
