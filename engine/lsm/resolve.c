/* resolve: folds operands, oldest first, run by run of one kind. Invariant: any grouping of a chain gives the same
 * bytes, as the operator promises and concatenation does. */
#include "engine/lsm/resolve.h"

#include <stdlib.h>

void operands_deinit(struct operands *operands) {
    free(operands->items);
    buf_deinit(&operands->bytes);
    *operands = (struct operands){0};
}

void operands_clear(struct operands *operands) {
    operands->count = 0;
    buf_clear(&operands->bytes);
}

enum status operands_add(struct operands *operands, uint64_t trailer, struct slice value) {
    if (operands->count == operands->capacity) {
        const size_t more = operands->capacity ? operands->capacity * 2 : 8;
        struct operand *grown = realloc(operands->items, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        operands->items = grown;
        operands->capacity = more;
    }
    const enum status status = buf_append_slice(&operands->bytes, value);
    if (status != STATUS_OK) return status;
    operands->items[operands->count++] = (struct operand){trailer, {NULL, value.size}};
    return STATUS_OK;
}

void operands_settle(struct operands *operands) {
    size_t at = 0;
    for (size_t i = 0; i < operands->count; i++) {
        operands->items[i].value.data = operands->bytes.data + at;
        at += operands->items[i].value.size;
    }
}

/* How many operands from `newest` down to index 0 counted backwards from `oldest` are of one kind: the run [run_newest,
 * oldest]. */
static size_t run_newest(const struct operands *operands, size_t oldest) {
    const enum entry_kind kind = entry_kind(operands->items[oldest].trailer);
    size_t newest = oldest;
    while (newest > 0 && entry_kind(operands->items[newest - 1].trailer) == kind) newest--;
    return newest;
}

static enum status append_run(const struct operands *operands, size_t newest, size_t oldest, struct buf *result) {
    for (size_t i = oldest + 1; i-- > newest;) {
        if (result->size + operands->items[i].value.size > ENGINE_VALUE_MAX_BYTES) return STATUS_TOO_LARGE;
        const enum status status = buf_append_slice(result, operands->items[i].value);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* The values of a run as the operator wants them: oldest first. NULL when out of memory. */
static struct slice *oldest_first(const struct operands *operands, size_t newest, size_t oldest) {
    struct slice *values = malloc((oldest - newest + 1) * sizeof *values);
    for (size_t i = 0; values && i <= oldest - newest; i++) values[i] = operands->items[oldest - i].value;
    return values;
}

static enum status merge_run(const struct engine_tree_kind *kind, struct slice key, const struct slice *base,
                             const struct operands *operands, size_t newest, size_t oldest, struct buf *result) {
    if (!kind->merge) return STATUS_CORRUPT; /* no write of ours put it there */
    struct slice *values = oldest_first(operands, newest, oldest);
    if (!values) return STATUS_NO_MEMORY;
    const enum status status = kind->merge->full(kind->merge->context, key, base, values, oldest - newest + 1, result);
    free(values);
    return status;
}

enum status resolve_full(const struct engine_tree_kind *kind, struct slice key, const struct slice *base,
                         const struct operands *operands, struct buf *result) {
    struct buf scratch = BUF_EMPTY;
    enum status status = STATUS_OK;
    bool has_base = base != NULL;
    buf_clear(result);
    if (base) status = buf_append_slice(result, *base);
    for (size_t left = operands->count; left > 0 && status == STATUS_OK;) {
        const size_t oldest = left - 1, newest = run_newest(operands, oldest);
        if (entry_kind(operands->items[oldest].trailer) == ENTRY_APPEND) {
            status = append_run(operands, newest, oldest, result);
        } else {
            const struct slice present = buf_slice(result);
            buf_clear(&scratch);
            status = merge_run(kind, key, has_base ? &present : NULL, operands, newest, oldest, &scratch);
            const struct buf swap = *result;
            *result = scratch;
            scratch = swap;
        }
        has_base = true;
        left = newest;
    }
    buf_deinit(&scratch);
    return status;
}

enum status resolve_partial(const struct engine_tree_kind *kind, struct slice key, const struct operands *operands,
                            size_t from, size_t *taken, struct buf *result) {
    size_t oldest = from;
    const enum entry_kind run = entry_kind(operands->items[from].trailer);
    while (oldest + 1 < operands->count && entry_kind(operands->items[oldest + 1].trailer) == run) oldest++;
    *taken = oldest - from + 1;
    buf_clear(result);
    if (run == ENTRY_APPEND) return append_run(operands, from, oldest, result);
    if (!kind->merge) return STATUS_CORRUPT;
    if (!kind->merge->partial) return STATUS_UNSUPPORTED;
    struct slice *values = oldest_first(operands, from, oldest);
    if (!values) return STATUS_NO_MEMORY;
    const enum status status = kind->merge->partial(kind->merge->context, key, values, *taken, result);
    free(values);
    return status;
}
