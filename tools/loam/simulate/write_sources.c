/* write_sources: see write_sources.h. Invariant: after a rewind the same writes come again. */
#include "tools/loam/simulate/write_sources.h"

#include <string.h>

#include "engine/base/hash.h"

/* ---- A trace ----------------------------------------------------------------------------------------------------- */

static enum status trace_next(struct write_source *source, struct write_op *op) {
    return trace_reader_next(((struct trace_source *)(void *)source)->reader, op);
}

static void trace_rewind(struct write_source *source) {
    trace_reader_rewind(((struct trace_source *)(void *)source)->reader);
}

void trace_source_init(struct trace_source *trace, struct trace_reader *reader) {
    *trace = (struct trace_source){.source = {.next = trace_next, .rewind = trace_rewind}, .reader = reader};
}

/* ---- A share ----------------------------------------------------------------------------------------------------- */

static enum status sampled_next(struct write_source *source, struct write_op *op) {
    struct sampled_source *sampled = (struct sampled_source *)(void *)source;
    for (;;) {
        const enum status status = sampled->from->next(sampled->from, op);
        if (status != STATUS_OK || op->kind == WRITE_DELETE_RANGE || op->kind == WRITE_DROP_TREE) return status;
        if (hash64(op->key, op->tree) % sampled->parts == 0) return STATUS_OK;
    }
}

static void sampled_rewind(struct write_source *source) {
    struct write_source *from = ((struct sampled_source *)(void *)source)->from;
    from->rewind(from);
}

void sampled_source_init(struct sampled_source *sampled, struct write_source *from, uint64_t parts) {
    *sampled = (struct sampled_source){
        .source = {.next = sampled_next, .rewind = sampled_rewind}, .from = from, .parts = parts};
}

/* ---- A workload -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *summary;
} kinds[WORKLOAD_KINDS] = {
    [WORKLOAD_FILLSEQ] = {"fillseq", "puts, keys in order"},
    [WORKLOAD_FILLRANDOM] = {"fillrandom", "puts of keys drawn at random"},
    [WORKLOAD_OVERWRITE] = {"overwrite", "the same again, of keys that are mostly there"},
    [WORKLOAD_OVERWRITEHOT] = {"overwritehot", "puts, nine of ten of them of a tenth of the keys"},
    [WORKLOAD_DELETERANDOM] = {"deleterandom", "deletes of keys drawn at random"},
};

const char *workload_name(enum workload_kind kind) {
    return kinds[kind].name;
}

const char *workload_summary(enum workload_kind kind) {
    return kinds[kind].summary;
}

static uint64_t draw_hot(struct workload_source *workload) {
    enum { HOT_PARTS = 10 };
    const uint64_t hot = workload->entries / HOT_PARTS > 0 ? workload->entries / HOT_PARTS : 1;
    const bool is_hot = prng_chance(&workload->prng, 9, HOT_PARTS);
    return prng_below(&workload->prng, is_hot ? hot : workload->entries) * (is_hot ? workload->entries / hot : 1);
}

static enum status workload_next(struct write_source *source, struct write_op *op) {
    struct workload_source *workload = (struct workload_source *)(void *)source;
    if (workload->at == workload->entries) {
        workload->at = 0;
        workload->step++;
    }
    if (workload->step == workload->count) return STATUS_END;
    const enum workload_kind kind = workload->steps[workload->step];
    uint64_t number = workload->at++;
    if (kind == WORKLOAD_OVERWRITEHOT) number = draw_hot(workload);
    if (kind != WORKLOAD_OVERWRITEHOT && kind != WORKLOAD_FILLSEQ)
        number = prng_below(&workload->prng, workload->entries);
    coding_put_key_u64(workload->key, number);
    const bool deletes = kind == WORKLOAD_DELETERANDOM;
    *op = (struct write_op){.kind = deletes ? WRITE_DELETE : WRITE_PUT,
                            .tree = WORKLOAD_TREE,
                            .key = slice_make(workload->key, sizeof workload->key),
                            .value_bytes = deletes ? 0 : workload->value_bytes};
    return STATUS_OK;
}

static void workload_rewind(struct write_source *source) {
    struct workload_source *workload = (struct workload_source *)(void *)source;
    prng_init(&workload->prng, workload->seed);
    memset(workload->key, '0', sizeof workload->key);
    workload->step = 0;
    workload->at = 0;
}

static bool find_kind(const char *name, size_t size, enum workload_kind *kind) {
    for (unsigned i = 0; i < WORKLOAD_KINDS; i++) {
        if (strlen(kinds[i].name) != size || memcmp(kinds[i].name, name, size) != 0) continue;
        *kind = (enum workload_kind)i;
        return true;
    }
    return false;
}

bool workload_source_init(struct workload_source *workload, const char *names, uint64_t entries, uint32_t value_bytes,
                          uint64_t seed) {
    *workload = (struct workload_source){.source = {.next = workload_next, .rewind = workload_rewind},
                                         .entries = entries,
                                         .value_bytes = value_bytes,
                                         .seed = seed};
    for (const char *at = names; *at;) {
        const size_t size = strcspn(at, ",");
        if (workload->count == WORKLOAD_STEPS_MAX || !find_kind(at, size, &workload->steps[workload->count]))
            return false;
        workload->count++;
        at += size + (at[size] == ',');
    }
    workload_rewind(&workload->source);
    return workload->count > 0;
}
