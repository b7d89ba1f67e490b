/*
 * write_totals: see write_totals.h. What is alive is asked of an engine that takes the same writes: it alone knows what
 * an append or a range delete leaves.
 */
#include "tools/loam/simulate/write_totals.h"

#include "tools/loam/simulate/sim_store.h"

enum { PROGRESS_WRITES = 4096 };

/* ---- Counting ---------------------------------------------------------------------------------------------------- */

static void place_points(struct write_totals *totals) {
    totals->points = totals->writes < TOTALS_POINTS ? (unsigned)totals->writes : TOTALS_POINTS;
    for (unsigned i = 0; i < totals->points; i++)
        totals->at[i] = (uint64_t)((double)totals->writes * (i + 1) / totals->points);
    if (totals->points > 0) totals->at[totals->points - 1] = totals->writes;
}

enum status write_totals_count(struct write_totals *totals, struct write_source *source) {
    struct write_op op;
    enum status status;
    *totals = (struct write_totals){.writes = 0};
    source->rewind(source);
    while ((status = source->next(source, &op)) == STATUS_OK) {
        if (totals->writes++ == 0) totals->first_ms = op.time_ms;
        totals->last_ms = op.time_ms;
        totals->of_kind[op.kind]++;
        totals->bytes += write_op_bytes(&op);
        if (op.value_bytes > totals->value_most) totals->value_most = op.value_bytes;
    }
    place_points(totals);
    return status == STATUS_END ? STATUS_OK : status;
}

/* ---- What is alive ----------------------------------------------------------------------------------------------- */

struct alive {
    struct sim_store store;
    uint64_t bytes, keys;
};

/* *bytes: of key and value; *found: it is there. */
static enum status look_up(struct alive *alive, const struct write_op *op, uint64_t *bytes, bool *found) {
    struct engine_value value;
    *bytes = 0;
    *found = false;
    if (!sim_store_has_tree(&alive->store, op->tree)) return STATUS_OK;
    const enum status status = engine_get(alive->store.engine, NULL, op->tree, op->key, &value);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    *found = true;
    *bytes = op->key.size + value.data.size;
    engine_value_release(&value);
    return STATUS_OK;
}

/* All of [from, to): it goes. */
static enum status take_range(struct alive *alive, uint32_t tree, struct slice from, struct slice to) {
    const struct engine_iterator_options options = {.lower = from, .upper = to, .no_fill = true};
    struct engine_iterator *iterator;
    if (!sim_store_has_tree(&alive->store, tree)) return STATUS_OK;
    if (to.size > 0 && slice_compare(from, to) >= 0) return STATUS_OK;
    enum status status = engine_iterator_open(alive->store.engine, tree, &options, &iterator);
    if (status != STATUS_OK) return status;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        alive->bytes -= engine_iterator_key(iterator).size + engine_iterator_value(iterator).size;
        alive->keys--;
    }
    status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static enum status note(struct alive *alive, const struct write_op *op) {
    uint64_t before, after = op->key.size + op->value_bytes;
    bool found;
    if (op->kind == WRITE_DELETE_RANGE) return take_range(alive, op->tree, op->key, op->end);
    if (op->kind == WRITE_DROP_TREE) return take_range(alive, op->tree, slice_make(NULL, 0), slice_make(NULL, 0));
    const enum status status = look_up(alive, op, &before, &found);
    if (op->kind == WRITE_DELETE) after = 0;
    if (op->kind == WRITE_APPEND && found) after = before + op->value_bytes;
    alive->bytes += after - before;
    alive->keys += (uint64_t)(op->kind != WRITE_DELETE) - (uint64_t)found;
    return status;
}

static enum status measure(struct alive *alive, struct write_totals *totals, struct write_source *source,
                           const struct write_progress *progress) {
    struct write_op op;
    uint64_t writes = 0, waited;
    unsigned point = 0;
    enum status status;
    source->rewind(source);
    while ((status = source->next(source, &op)) == STATUS_OK) {
        status = note(alive, &op);
        if (status == STATUS_OK) status = sim_store_write_waiting(&alive->store, &op, &waited);
        if (status != STATUS_OK) return status;
        writes++;
        if (point < totals->points && writes == totals->at[point]) totals->alive[point++] = alive->bytes;
        if (alive->bytes > totals->alive_most) totals->alive_most = alive->bytes;
        if (progress && writes % PROGRESS_WRITES == 0) progress->tell(progress->context, writes, totals->writes);
    }
    totals->alive_keys = alive->keys;
    return status == STATUS_END ? STATUS_OK : status;
}

enum status write_totals_measure(struct write_totals *totals, struct write_source *source, uint64_t capacity_bytes,
                                 const struct write_progress *progress, struct error *error) {
    struct alive alive = {.bytes = 0};
    const struct sim_store_options options = {
        .capacity_bytes = capacity_bytes, .value_most = totals->value_most, .kind = {.filter_bits_per_key = 10}};
    enum status status = sim_store_open(&alive.store, &options);
    if (status == STATUS_OK) status = measure(&alive, totals, source, progress);
    if (status != STATUS_OK)
        (void)error_set(error, status, "%s",
                        alive.store.error.status == STATUS_OK ? status_text(status) : alive.store.error.text);
    sim_store_close(&alive.store);
    return status;
}
