/* history: see history.h. Invariant: every slice of an op points into the history's own arena. */
#include "tools/judge/history.h"

#include <stdlib.h>

#include "engine/base/check.h"

enum { TEXT_BLOCK_BYTES = 64 * 1024, FIRST_CAPACITY = 64 };

void history_init(struct history *history) {
    *history = (struct history){0};
    arena_init(&history->text, TEXT_BLOCK_BYTES);
}

void history_deinit(struct history *history) {
    free(history->ops);
    arena_deinit(&history->text);
    *history = (struct history){0};
}

static enum status copy_text(struct history *history, struct slice from, struct slice *to) {
    *to = slice_make(NULL, 0);
    if (from.size == 0) return STATUS_OK;
    void *copy = arena_copy(&history->text, from.data, from.size);
    if (!copy) return STATUS_NO_MEMORY;
    *to = slice_make(copy, from.size);
    return STATUS_OK;
}

static enum status reserve_op(struct history *history) {
    if (history->count < history->capacity) return STATUS_OK;
    size_t capacity = history->capacity ? history->capacity * 2 : FIRST_CAPACITY;
    struct history_op *ops = realloc(history->ops, capacity * sizeof *ops);
    if (!ops) return STATUS_NO_MEMORY;
    history->ops = ops;
    history->capacity = capacity;
    return STATUS_OK;
}

enum status history_invoke(struct history *history, const struct history_op *op, size_t *index) {
    enum status status = reserve_op(history);
    if (status != STATUS_OK) return status;
    struct history_op copy = {
        .client = op->client, .kind = op->kind, .invoked = op->invoked, .outcome = HISTORY_PENDING};
    status = copy_text(history, op->key, &copy.key);
    for (int i = 0; i < HISTORY_ARGUMENTS && status == STATUS_OK; i++)
        status = copy_text(history, op->arguments[i], &copy.arguments[i]);
    if (status != STATUS_OK) return status;
    *index = history->count;
    history->ops[history->count++] = copy;
    return STATUS_OK;
}

enum status history_return(struct history *history, size_t index, uint64_t time, enum history_result type,
                           struct slice result) {
    check(index < history->count);
    struct history_op *op = &history->ops[index];
    check(op->outcome == HISTORY_PENDING && time >= op->invoked);
    enum status status = copy_text(history, result, &op->result);
    if (status != STATUS_OK) return status;
    op->outcome = HISTORY_RETURNED;
    op->returned = time;
    op->result_type = type;
    return STATUS_OK;
}

void history_refuse(struct history *history, size_t index) {
    check(index < history->count && history->ops[index].outcome == HISTORY_PENDING);
    history->ops[index].outcome = HISTORY_REFUSED;
}
