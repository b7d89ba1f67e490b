/*
 * compact_split: a merge in parts, and who is at which. Invariant: a part is stepped by one thread at a time, and by
 * nobody once it is done or failed; the last part that is left is the compaction job's alone, which so never waits for
 * longer than one step of the one that helps.
 */
#include <stdlib.h>

#include "engine/lsm/compact.h"

enum {
    PART_STEP_BYTES = 256 << 10,
    SPLIT_FILES = 4,      /* what makes fewer files than this is not cut */
    SPLIT_SAMPLES = 64,   /* keys to find the middle by, and one more for each file */
    SPLIT_KEY_BYTES = 64, /* the beginning of a key cuts as well as a whole one */
};

/* ---- Where to cut ------------------------------------------------------------------------------------------------ */

struct sample {
    struct slice key;
    uint64_t bytes; /* of its file, that end about there */
};

struct samples {
    struct compaction *compaction;
    struct sample *items;
    size_t count, capacity;
    uint64_t bytes;
};

static enum status add_sample(struct samples *samples, struct slice key, uint64_t bytes) {
    if (key.size > SPLIT_KEY_BYTES) key.size = SPLIT_KEY_BYTES;
    const void *copy = arena_copy(&samples->compaction->arena, key.data, key.size);
    if (!copy) return STATUS_NO_MEMORY;
    if (samples->count == samples->capacity) {
        const size_t more = samples->capacity ? samples->capacity * 2 : SPLIT_SAMPLES * 2;
        struct sample *grown = realloc(samples->items, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        samples->items = grown;
        samples->capacity = more;
    }
    samples->items[samples->count++] = (struct sample){slice_make(copy, key.size), bytes};
    samples->bytes += bytes;
    return STATUS_OK;
}

/* Keys at even distances of its bytes, by the index that is in memory anyway when it is merged. */
static enum status sample_file(void *context, struct file *file, uint32_t level) {
    struct samples *samples = context;
    struct compaction *compaction = samples->compaction;
    struct sst *sst;
    (void)level;
    if (compaction_hides(compaction, file)) return STATUS_OK;
    enum status status = store_open_file(compaction->engine, file, 0, &sst);
    if (status != STATUS_OK) return STATUS_OK; /* its source will meet that, and be blamed */
    const uint64_t count = 1 + file->meta.bytes * SPLIT_SAMPLES / (compaction->read_bytes + 1);
    struct buf key = BUF_EMPTY;
    for (uint64_t i = 0; i < count && status == STATUS_OK; i++) {
        buf_clear(&key);
        status = sst_part_key(sst, 2 * i + 1, 2 * count, &key);
        if (status == STATUS_OK && key.size > 0)
            status = add_sample(samples, buf_slice(&key), file->meta.bytes / count);
    }
    buf_deinit(&key);
    return status;
}

static int compare_samples(const void *a, const void *b) {
    return slice_compare(((const struct sample *)a)->key, ((const struct sample *)b)->key);
}

/* The key in the middle of the bytes; empty: there is none. */
static enum status find_middle(struct compaction *compaction, struct slice *middle) {
    struct samples samples = {.compaction = compaction};
    const enum status status = compaction_each_input(compaction, sample_file, &samples);
    uint64_t bytes = 0;
    *middle = slice_make(NULL, 0);
    if (status == STATUS_OK && samples.count > 0) {
        qsort(samples.items, samples.count, sizeof *samples.items, compare_samples);
        for (size_t i = 0; i < samples.count && bytes * 2 < samples.bytes; i++) {
            bytes += samples.items[i].bytes;
            *middle = samples.items[i].key;
        }
    }
    free(samples.items);
    return status;
}

/* ---- Who is at which --------------------------------------------------------------------------------------------- */

/* REQUIRES: mutex. A part to be stepped; *left: how many are not done yet, *failed: why one ended. */
static struct compaction_part *find_free(struct compaction *compaction, unsigned *left, enum status *failed) {
    struct compaction_part *found = NULL;
    *left = 0;
    *failed = STATUS_OK;
    for (unsigned i = 0; i < compaction->part_count; i++) {
        struct compaction_part *part = &compaction->parts[i];
        if (part->status != STATUS_OK) *failed = part->status;
        if (part->done) continue;
        ++*left;
        if (!part->busy && !found) found = part;
    }
    return found;
}

static void step_part(struct engine *engine, struct compaction_part *part) {
    bool done = false;
    const enum status status = compaction_part_step(part, PART_STEP_BYTES, &done);
    mutex_lock(&engine->mutex);
    part->busy = false;
    part->done = done;
    part->status = status;
    if (engine->merge_wait) store_signal(engine);
    mutex_unlock(&engine->mutex);
}

/* REQUIRES: mutex. Something has to change before the job can go on. */
static void wait_for_helper(struct engine *engine) {
    engine->merge_wait = true;
    store_wait(engine);
    engine->merge_wait = false;
}

enum io_job_state compaction_help_step(struct io_job *job) {
    struct engine *engine = job->context;
    struct compaction_part *part = NULL;
    unsigned left;
    enum status failed;
    mutex_lock(&engine->mutex);
    if (engine->merge && !atomic_load(&engine->closing)) part = find_free(engine->merge, &left, &failed);
    if (part && (left < 2 || failed != STATUS_OK)) part = NULL;
    if (part) part->busy = true;
    mutex_unlock(&engine->mutex);
    if (!part) return store_job_end(engine, &engine->help_job) ? IO_JOB_DONE : IO_JOB_MORE;
    step_part(engine, part);
    return IO_JOB_MORE;
}

enum status compaction_step_parts(struct compaction *compaction) {
    struct engine *engine = compaction->engine;
    unsigned left;
    enum status failed;
    mutex_lock(&engine->mutex);
    struct compaction_part *part = find_free(compaction, &left, &failed);
    while (!part && left > 0 && failed == STATUS_OK) {
        wait_for_helper(engine);
        part = find_free(compaction, &left, &failed);
    }
    if (part && failed == STATUS_OK) part->busy = true;
    mutex_unlock(&engine->mutex);
    compaction->done = left == 0;
    if (part && failed == STATUS_OK) step_part(engine, part);
    return failed;
}

void compaction_hide_parts(struct compaction *compaction) {
    struct engine *engine = compaction->engine;
    mutex_lock(&engine->mutex);
    engine->merge = NULL;
    for (unsigned i = 0; i < compaction->part_count; i++)
        while (compaction->parts[i].busy) wait_for_helper(engine);
    mutex_unlock(&engine->mutex);
}

enum status compaction_begin_parts(struct compaction *compaction) {
    struct engine *engine = compaction->engine;
    enum status status = STATUS_OK;
    if (compaction->read_bytes >= (uint64_t)engine->options.file_bytes * SPLIT_FILES)
        status = find_middle(compaction, &compaction->split);
    compaction->part_count = compaction->split.size > 0 ? 2 : 1;
    for (unsigned i = 0; i < compaction->part_count && status == STATUS_OK; i++) {
        struct compaction_part *part = &compaction->parts[i];
        part->compaction = compaction;
        part->low = i > 0 ? &compaction->split : NULL;
        part->high = i + 1 < compaction->part_count ? &compaction->split : NULL;
        status = compaction_part_open(part);
    }
    if (status != STATUS_OK || compaction->part_count == 1) return status;
    mutex_lock(&engine->mutex);
    engine->merge = compaction;
    store_job_start(engine, &engine->help_job);
    mutex_unlock(&engine->mutex);
    return STATUS_OK;
}

uint64_t compaction_written_bytes(const struct compaction *compaction) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < compaction->part_count; i++) bytes += compaction->parts[i].output.bytes;
    return bytes;
}
