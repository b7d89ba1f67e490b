/*
 * get_many: gets of many keys in the order of the keys, as of one state. First all are answered from memory; the blocks
 * and values kept apart that others want are then read as one batch, each block once, and those keys are tried again,
 * which may want a block of an older file, or the value that an entry refers to. Invariant: each round answers a key or
 * makes it want something else; a key that goes round in blocks that it wanted before (the cache had no room for them)
 * reads for itself. A value that was read answers its key, whether the cache has room for it or not.
 */
#include <stdlib.h>

#include "engine/lsm/lookup.h"

enum {
    BATCH_BLOCKS = 64,
    BATCH_VALUES = 64,
    BATCH_VALUE_BYTES = 8 << 20, /* but for the first */
    TOUCH_KEYS = 16,
};

struct wish {
    uint32_t at;   /* in the caller's arrays */
    uint64_t head; /* of the key */
    struct lookup_missing missing;
    struct lookup_missing marked; /* what it wanted some rounds ago */
    struct block *held;           /* in a round: the value that was read for it, the round's */
    unsigned rounds;
};

struct get_many {
    struct engine *engine;
    struct store_read read;
    struct own_writes own;
    const struct slice *keys;
    struct engine_value *values;
    enum status *statuses;
    struct wish *wishes; /* not answered yet, by key */
    size_t wish_count;
};

/* qsort has no context: heads decide first, equal ones are settled by insertion. */
static int compare_heads(const void *a, const void *b) {
    const struct wish *x = a, *y = b;
    if (x->head != y->head) return x->head < y->head ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int compare_keys(const struct get_many *many, const struct wish *a, const struct wish *b) {
    return slice_compare(many->keys[a->at], many->keys[b->at]);
}

/* Sorts a run of wishes with one head by merging: long common beginnings are ordinary. */
static void sort_run(const struct get_many *many, struct wish *run, struct wish *room, size_t count) {
    if (count < 2) return;
    const size_t half = count / 2;
    sort_run(many, run, room, half);
    sort_run(many, run + half, room, count - half);
    memcpy(room, run, half * sizeof *room);
    for (size_t left = 0, right = half, to = 0; left < half; to++) {
        if (right < count && compare_keys(many, &run[right], &room[left]) < 0)
            run[to] = run[right++];
        else
            run[to] = room[left++];
    }
}

static enum status sort_wishes(struct get_many *many) {
    struct wish *wishes = many->wishes;
    qsort(wishes, many->wish_count, sizeof *wishes, compare_heads);
    struct wish *room = malloc(many->wish_count * sizeof *room);
    if (!room) return STATUS_NO_MEMORY;
    for (size_t from = 0, to; from < many->wish_count; from = to) {
        for (to = from + 1; to < many->wish_count && wishes[to].head == wishes[from].head;) to++;
        sort_run(many, wishes + from, room, to - from);
    }
    free(room);
    return STATUS_OK;
}

static bool is_same(const struct lookup_missing *a, const struct lookup_missing *b) {
    return a->sst == b->sst && a->at == b->at && a->reference.file == b->reference.file &&
           a->reference.offset == b->reference.offset;
}

static bool wants_value(const struct lookup_missing *missing) {
    return missing->reference.bytes > 0;
}

/* Notes what is wanted; false: it was wanted before. The mark stands for twice as many rounds each time, so
 * that circles of any length are met (after Brent, "An improved Monte Carlo factorization algorithm", 1980). */
static bool wants_another(struct wish *wish, const struct lookup *lookup) {
    if (!lookup->missing.sst && !wants_value(&lookup->missing)) return false;
    if (wish->rounds > 0 && is_same(&lookup->missing, &wish->marked)) return false;
    wish->missing = lookup->missing;
    wish->rounds++;
    if ((wish->rounds & (wish->rounds - 1)) == 0) wish->marked = wish->missing;
    return true;
}

/* With the value that was read for it. */
static void answer_held(struct get_many *many, struct wish *wish) {
    struct lookup lookup = {
        .engine = many->engine,
        .tree = many->read.tree,
        .key = many->keys[wish->at],
        .time_ms = many->read.time_ms,
        .has_base = true,
        .base = value_block_value(wish->held),
        .block = wish->held,
    };
    block_acquire(wish->held);
    many->statuses[wish->at] = lookup_answer(&lookup, STATUS_OK, &many->values[wish->at]);
}

/* True: answered, well or badly. */
static bool try_one(struct get_many *many, struct wish *wish, unsigned flags) {
    if (wish->held && wish->missing.is_all) {
        answer_held(many, wish);
        return true;
    }
    struct lookup lookup = {
        .engine = many->engine,
        .tree = many->read.tree,
        .key = many->keys[wish->at],
        .hash = entry_key_hash(many->keys[wish->at]),
        .snapshot = many->read.sequence,
        .time_ms = many->read.time_ms,
        .flags = flags,
        .own = many->own,
        .held = wish->held,
    };
    const enum status ran = lookup_run(&lookup, many->read.view);
    const enum status status = lookup_answer(&lookup, ran, &many->values[wish->at]);
    if (status == STATUS_WOULD_BLOCK && wants_another(wish, &lookup)) return false;
    if (status == STATUS_WOULD_BLOCK) return try_one(many, wish, 0);
    many->statuses[wish->at] = status;
    return true;
}

/* Answers what memory can of the first `count` wishes; the others stay, in order. */
static void try_first(struct get_many *many, size_t count) {
    struct wish *wishes = many->wishes;
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        struct wish wish = wishes[i];
        if (try_one(many, &wish, SST_MEMORY_ONLY)) continue;
        wish.held = NULL;
        wishes[left++] = wish;
    }
    memmove(wishes + left, wishes + count, (many->wish_count - count) * sizeof *wishes);
    many->wish_count -= count - left;
}

/* What one round reads. */
struct batch {
    struct sst_wanted blocks[BATCH_BLOCKS];
    struct value_wanted values[BATCH_VALUES];
    struct wish *wanters[BATCH_VALUES]; /* of the values */
    size_t block_count, value_count;
    uint64_t value_bytes;
};

static void want_block(struct batch *batch, const struct lookup_missing *missing) {
    for (size_t i = 0; i < batch->block_count; i++)
        if (batch->blocks[i].sst == missing->sst && batch->blocks[i].at == missing->at) return;
    batch->blocks[batch->block_count++] = (struct sst_wanted){.sst = missing->sst, .at = missing->at};
}

/* What can't be opened is left out: its key meets the failure when it is tried again. */
static void want_value(struct get_many *many, struct batch *batch, struct wish *wish) {
    struct value_wanted *want = &batch->values[batch->value_count];
    *want = (struct value_wanted){.reference = wish->missing.reference, .key = many->keys[wish->at]};
    if (store_use_values(many->engine, want->reference.file, 0, &want->reader) != STATUS_OK) return;
    batch->wanters[batch->value_count++] = wish;
    batch->value_bytes += want->reference.bytes;
}

static bool has_room(const struct batch *batch, const struct wish *wish) {
    if (!wants_value(&wish->missing)) return batch->block_count < BATCH_BLOCKS;
    return batch->value_count == 0 || (batch->value_count < BATCH_VALUES &&
                                       batch->value_bytes + wish->missing.reference.bytes <= BATCH_VALUE_BYTES);
}

/* Reads blocks and values that are wanted, and holds them while the keys are tried again. */
static void load_round(struct get_many *many) {
    struct batch batch;
    size_t last = 0;
    batch.block_count = batch.value_count = 0;
    batch.value_bytes = 0;
    for (; last < many->wish_count && has_room(&batch, &many->wishes[last]); last++) {
        struct wish *wish = &many->wishes[last];
        if (wants_value(&wish->missing))
            want_value(many, &batch, wish);
        else
            want_block(&batch, &wish->missing);
    }
    sst_load_many(many->engine->io, batch.blocks, batch.block_count);
    value_load_many(many->engine->io, batch.values, batch.value_count);
    for (size_t i = 0; i < batch.value_count; i++) batch.wanters[i]->held = batch.values[i].block;
    try_first(many, last);
    for (size_t i = 0; i < batch.block_count; i++) block_release(batch.blocks[i].block);
    for (size_t i = 0; i < batch.value_count; i++) {
        block_release(batch.values[i].block);
        value_reader_close(batch.values[i].reader);
    }
}

/* The searches in the newest memtable wait for memory side by side. */
static void touch(const struct get_many *many) {
    const struct memtable *memtable = many->read.view->active->table;
    struct slice keys[TOUCH_KEYS];
    size_t count = 0;
    for (size_t i = 0; i < many->wish_count; i++) {
        const struct slice key = many->keys[many->wishes[i].at];
        if (memtable_may_have(memtable, many->read.tree->instance, entry_key_hash(key))) keys[count++] = key;
        if (count < TOUCH_KEYS) continue;
        memtable_touch(memtable, many->read.tree->instance, keys, count);
        count = 0;
    }
    if (count > 1) memtable_touch(memtable, many->read.tree->instance, keys, count);
}

static enum status run(struct get_many *many, size_t count) {
    if (!many->read.tree) return STATUS_INVALID;
    many->wishes = malloc((count ? count : 1) * sizeof *many->wishes);
    if (!many->wishes) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        many->wishes[i] = (struct wish){.at = (uint32_t)i, .head = entry_head(many->keys[i])};
    many->wish_count = count;
    const enum status status = count ? sort_wishes(many) : STATUS_OK;
    if (status != STATUS_OK) return status;
    if (count > 1) touch(many);
    try_first(many, count);
    while (many->wish_count > 0) load_round(many);
    return STATUS_OK;
}

enum status lookup_get_many(struct engine *engine, const struct engine_snapshot *snapshot, const struct own_writes *own,
                            uint32_t tree, const struct slice *keys, size_t count, struct engine_value *values,
                            enum status *statuses) {
    if (count > UINT32_MAX) return STATUS_TOO_LARGE;
    struct get_many many = {.engine = engine, .own = *own, .keys = keys, .values = values, .statuses = statuses};
    for (size_t i = 0; i < count; i++) {
        values[i] = (struct engine_value){.data = {NULL, 0}};
        statuses[i] = STATUS_NOT_FOUND;
    }
    store_begin_read(engine, snapshot, tree, &many.read);
    const enum status status = run(&many, count);
    store_end_read(engine, &many.read);
    free(many.wishes);
    for (size_t i = 0; i < count && status != STATUS_OK; i++) statuses[i] = status;
    return status;
}

enum status engine_get_many(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                            const struct slice *keys, size_t count, struct engine_value *values,
                            enum status *statuses) {
    return lookup_get_many(engine, snapshot, &own_writes_none, tree, keys, count, values, statuses);
}
