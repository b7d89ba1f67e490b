/* open_ops: see open_ops.h. A client that was seen once keeps its slot. */
#include "tools/judge/open_ops.h"

#include <stdlib.h>

#include "engine/base/hash.h"

enum { FIRST_SLOTS = 64 };

struct open_op {
    size_t index; /* + 1; 0: waits for nothing */
    uint32_t client;
    bool is_used;
};

void open_ops_deinit(struct open_ops *ops) {
    free(ops->slots);
    *ops = (struct open_ops){0};
}

static struct open_op *find(const struct open_ops *ops, uint32_t client) {
    size_t at = (size_t)hash_mix(0, client) & (ops->slot_count - 1);
    while (ops->slots[at].is_used && ops->slots[at].client != client) at = (at + 1) & (ops->slot_count - 1);
    return &ops->slots[at];
}

static enum status grow(struct open_ops *ops) {
    if (ops->used * 2 < ops->slot_count) return STATUS_OK;
    const struct open_ops old = *ops;
    ops->slot_count = old.slot_count ? old.slot_count * 2 : FIRST_SLOTS;
    ops->slots = calloc(ops->slot_count, sizeof *ops->slots);
    if (!ops->slots) {
        *ops = old;
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i].is_used) *find(ops, old.slots[i].client) = old.slots[i];
    free(old.slots);
    return STATUS_OK;
}

enum status open_ops_put(struct open_ops *ops, uint32_t client, size_t index) {
    const enum status status = grow(ops);
    if (status != STATUS_OK) return status;
    struct open_op *slot = find(ops, client);
    if (slot->index != 0) return STATUS_EXISTS;
    ops->used += !slot->is_used;
    *slot = (struct open_op){.index = index + 1, .client = client, .is_used = true};
    return STATUS_OK;
}

struct history_op *open_ops_take(struct open_ops *ops, struct history *history, uint32_t client, uint32_t kind) {
    if (ops->slot_count == 0) return NULL;
    struct open_op *slot = find(ops, client);
    if (slot->index == 0 || history->ops[slot->index - 1].kind != kind) return NULL;
    struct history_op *op = &history->ops[slot->index - 1];
    slot->index = 0;
    return op;
}
