/*
 * iterator: from versions to keys and values, both ways.
 *
 * Forward, the sources stand at the version that is shown (key and value are borrowed from it) or behind the operands
 * that it was folded from. Backward, versions of a key come oldest first; they are gathered, and the sources stand
 * before the key. Invariant: a key is shown once, with its newest version that the snapshot sees, and only if no delete
 * hides it.
 */
#include "engine/lsm/expiry.h"
#include "engine/lsm/iterator_parts.h"

enum {
    SKIPS_BEFORE_SEEK = 16, /* versions of one key passed one by one */
    GONE_MANY = 1024,       /* the engine is told */
};

static void end(struct engine_iterator *iterator, enum status status) {
    iterator->valid = false;
    iterator->status = status;
}

static inline void show(struct engine_iterator *iterator, struct slice key, struct slice value, bool direct) {
    if (iterator->kind->expires) {
        const enum status status = expiry_show(&value, iterator->read.time_ms); /* what is due was passed over */
        if (status != STATUS_OK) {
            end(iterator, STATUS_CORRUPT);
            return;
        }
    }
    iterator->is_apart = false;
    iterator->shown_key = key;
    iterator->shown_value = value;
    iterator->direct = direct;
    iterator->status = STATUS_OK;
    iterator->valid = true;
}

/* The source ended or failed, or stands outside the bounds. */
static inline bool is_at_end(struct engine_iterator *iterator) {
    const struct source *top = iterator->top;
    if (!top->valid) {
        end(iterator, top->status);
        return true;
    }
    const bool outside = iterator->backward ? slice_compare(top->key, iterator->lower) < 0
                                            : iterator->upper.size && slice_compare(top->key, iterator->upper) >= 0;
    if (outside) end(iterator, STATUS_OK);
    return outside;
}

static inline bool is_deleted(struct engine_iterator *iterator, struct slice key, uint64_t trailer) {
    if (entry_kind(trailer) == ENTRY_DELETE) return true;
    return iterator->set.cover_count > 0 && read_set_cover(&iterator->set, key) > entry_sequence(trailer);
}

/* The source stands at a version that hides its key: a delete, or a value whose time is over. */
static inline bool is_gone(struct engine_iterator *iterator) {
    const struct source *top = iterator->top;
    if (is_deleted(iterator, top->key, top->trailer)) return true;
    return iterator->kind->expires && expiry_is_due(top->value, iterator->read.time_ms);
}

/* Newer than the snapshot, and not the reading transaction's own. */
static inline bool is_unseen(const struct engine_iterator *iterator, uint64_t trailer) {
    const uint64_t sequence = entry_sequence(trailer);
    return sequence > iterator->snapshot && (sequence < OWN_SEQUENCE_FIRST || sequence > iterator->own_sequence);
}

static bool is_operand(uint64_t trailer) {
    return entry_kind(trailer) == ENTRY_MERGE || entry_kind(trailer) == ENTRY_APPEND;
}

static inline bool keep_key(struct engine_iterator *iterator, struct slice key) {
    iterator->key_head = entry_head(key);
    if (key.size >= 8 && key.size <= 16 && iterator->key.capacity >= 16) { /* most keys: two copies of a word */
        memcpy(iterator->key.data, key.data, 8);
        memcpy(iterator->key.data + key.size - 8, key.data + key.size - 8, 8);
        iterator->key.size = key.size;
        return true;
    }
    const enum status status = buf_assign(&iterator->key, key);
    if (status != STATUS_OK) end(iterator, status);
    return status == STATUS_OK;
}

static void drop_block(struct engine_iterator *iterator) {
    block_release(iterator->block);
    iterator->block = NULL;
}

/* The value that a reference of iterator->key names, pinned by iterator->block. */
static enum status load_apart(struct engine_iterator *iterator, struct slice key, struct slice *value) {
    drop_block(iterator);
    return store_load_value(iterator->engine, *value, key, iterator->flags, &iterator->block, value);
}

/* Folds the gathered operands onto base and shows the result. */
static void show_folded(struct engine_iterator *iterator, const struct slice *base) {
    struct buf folded = BUF_EMPTY;
    const enum status status =
        resolve_full(iterator->kind, buf_slice(&iterator->key), base, &iterator->operands, &folded);
    if (status != STATUS_OK) {
        buf_deinit(&folded);
        end(iterator, status);
        return;
    }
    buf_deinit(&iterator->value);
    iterator->value = folded;
    show(iterator, buf_slice(&iterator->key), buf_slice(&iterator->value), false);
}

/* ---- Keys that are gone ------------------------------------------------------------------------------------------ */

static bool looks_for_gaps(const struct engine_iterator *iterator) {
    return !gaps_are_none(&iterator->engine->gaps) && !iterator->ignores_gaps;
}

/* A move has passed `gone` keys, the last of which is iterator->key; false: it ends here. */
static bool note_gone(struct engine_iterator *iterator, uint32_t gone) {
    iterator->passed += iterator->gone_some;
    if (gone == iterator->gone_some) {
        const enum status status = buf_assign(&iterator->gone_from, buf_slice(&iterator->key));
        if (status != STATUS_OK) {
            end(iterator, status);
            return false;
        }
    }
    if (gone == GONE_MANY) compaction_note_deletes(iterator->engine);
    if (iterator->patience == 0 || gone < iterator->patience) return true;
    end(iterator, STATUS_OK);
    iterator->paused = true;
    return false;
}

/* So many keys were gone that whoever comes next should hop over them. Not where values expire: they are gone as of a
 * time, not of a sequence. */
static bool is_long(const struct engine_iterator *iterator, uint32_t gone) {
    return gone >= 4 * iterator->engine->options.gap_keys && iterator->status == STATUS_OK &&
           !iterator->kind->expires && !iterator->ignores_gaps;
}

static void propose(struct engine_iterator *iterator, struct slice begin, struct slice stop, bool has_end) {
    const struct tree *tree = iterator->read.tree;
    const struct gap_span span = {
        .tree = tree->id, .instance = tree->instance, .begin = begin, .end = stop, .has_end = has_end};
    gap_search_note_walk(iterator->engine, &span);
}

/* From one of the first keys passed to the key shown, or to where the walk ends. */
static void propose_forward(struct engine_iterator *iterator) {
    const struct slice stop = iterator->valid ? iterator->shown_key : iterator->upper;
    propose(iterator, buf_slice(&iterator->gone_from), stop, stop.size > 0);
}

static void propose_backward(struct engine_iterator *iterator) {
    struct buf *begin = &iterator->hop; /* behind the key shown */
    enum status status = buf_assign(begin, iterator->valid ? iterator->shown_key : iterator->lower);
    if (status == STATUS_OK && iterator->valid) status = buf_append_byte(begin, 0);
    if (status == STATUS_OK) propose(iterator, buf_slice(begin), buf_slice(&iterator->gone_from), true);
}

/* ---- Forward ----------------------------------------------------------------------------------------------------- */

static inline bool is_at_key(const struct engine_iterator *iterator) {
    const struct source *top = iterator->top;
    return top->valid && top->head == iterator->key_head && slice_equal(top->key, buf_slice(&iterator->key));
}

/* Passes what is left of the versions of iterator->key. */
static inline void pass_key(struct engine_iterator *iterator) {
    for (unsigned passed = 0; is_at_key(iterator); passed++) {
        if (passed == SKIPS_BEFORE_SEEK)
            source_seek(iterator->top, buf_slice(&iterator->key), 0);
        else
            source_next(iterator->top);
        if (passed > SKIPS_BEFORE_SEEK) return; /* a version of sequence 0 is the last one */
    }
}

/* At a further version of the key. Between a transaction's own ones and the snapshot's there may be others'. */
static bool is_at_older(struct engine_iterator *iterator) {
    while (iterator->own_sequence && is_at_key(iterator) && is_unseen(iterator, iterator->top->trailer))
        source_next(iterator->top);
    return is_at_key(iterator);
}

/* Operands from here on, newest first; stops at what is none. */
static void fold_forward(struct engine_iterator *iterator) {
    struct source *top = iterator->top;
    enum status status = STATUS_OK;
    if (!keep_key(iterator, top->key)) return;
    operands_clear(&iterator->operands);
    while (status == STATUS_OK && is_at_older(iterator) && is_operand(top->trailer) &&
           !is_deleted(iterator, top->key, top->trailer)) {
        status = operands_add(&iterator->operands, top->trailer, top->value);
        source_next(top);
    }
    if (status == STATUS_OK) status = top->status;
    if (status != STATUS_OK) {
        end(iterator, status);
        return;
    }
    operands_settle(&iterator->operands);
    const bool has_base = is_at_key(iterator) && !is_deleted(iterator, top->key, top->trailer);
    struct slice base = has_base ? top->value : slice_make(NULL, 0);
    if (has_base && entry_kind(top->trailer) == ENTRY_REFERENCE) {
        status = load_apart(iterator, buf_slice(&iterator->key), &base);
        if (status != STATUS_OK) {
            end(iterator, status);
            return;
        }
    }
    show_folded(iterator, has_base ? &base : NULL);
}

/* Over the gaps that begin here; false: behind them is nothing. */
static bool hop_forward(struct engine_iterator *iterator) {
    struct gaps *gaps = &iterator->engine->gaps;
    struct source *top = iterator->top;
    while (top->valid) {
        const enum gaps_side side =
            gaps_find_end(gaps, iterator->read.tree->instance, top->key, iterator->snapshot, &iterator->hop);
        if (side == GAPS_NONE) return true;
        iterator->passed += iterator->engine->options.gap_keys;
        if (side == GAPS_TO_END) {
            end(iterator, STATUS_OK);
            return false;
        }
        source_seek(top, buf_slice(&iterator->hop), entry_trailer_at(iterator->snapshot));
    }
    return true;
}

static void find_forward(struct engine_iterator *iterator) {
    struct source *top = iterator->top;
    uint32_t gone = 0, look_at = iterator->gone_some;
    iterator->backward = false;
    while (!is_at_end(iterator)) {
        if (is_unseen(iterator, top->trailer)) {
            source_next(top);
            continue;
        }
        if (!is_gone(iterator)) {
            if (is_operand(top->trailer))
                fold_forward(iterator);
            else
                show(iterator, top->key, top->value, true);
            iterator->is_apart = entry_kind(top->trailer) == ENTRY_REFERENCE && iterator->direct;
            break;
        }
        if (!keep_key(iterator, top->key)) return;
        pass_key(iterator);
        if (++gone != look_at) continue;
        look_at += iterator->gone_some;
        if (!note_gone(iterator, gone) || (looks_for_gaps(iterator) && !hop_forward(iterator))) return;
    }
    if (is_long(iterator, gone)) propose_forward(iterator);
}

/* ---- Backward ---------------------------------------------------------------------------------------------------- */

/* What the versions of a key seen so far, oldest first, add up to. */
struct gathered {
    bool has_base; /* in iterator->value */
    bool is_apart; /* a reference */
};

/* Nearly always there is room: a copy, and no call but that. */
static enum status keep_value(struct engine_iterator *iterator, struct slice value) {
    struct buf *to = &iterator->value;
    if (value.size == 0 || value.size > to->capacity) return buf_assign(to, value);
    memcpy(to->data, value.data, value.size);
    to->size = value.size;
    return STATUS_OK;
}

static enum status gather_version(struct engine_iterator *iterator, struct gathered *gathered) {
    const struct source *top = iterator->top;
    if (is_unseen(iterator, top->trailer)) return STATUS_OK;
    const bool gone = is_gone(iterator);
    if (!is_operand(top->trailer) || gone) {
        operands_clear(&iterator->operands);
        gathered->has_base = false;
    }
    if (gone) return STATUS_OK;
    if (is_operand(top->trailer)) return operands_add(&iterator->operands, top->trailer, top->value);
    gathered->has_base = true;
    gathered->is_apart = entry_kind(top->trailer) == ENTRY_REFERENCE;
    return keep_value(iterator, top->value);
}

/* Gathered oldest first; folding wants them newest first. */
static void settle_backward(struct operands *operands) {
    operands_settle(operands);
    for (size_t low = 0, high = operands->count; low + 1 < high; low++) {
        high--;
        const struct operand swap = operands->items[low];
        operands->items[low] = operands->items[high];
        operands->items[high] = swap;
    }
}

/* All versions of the key that the source stands at; true: something is shown, or failed. */
static bool gather_key(struct engine_iterator *iterator) {
    struct gathered gathered = {.has_base = false};
    enum status status = STATUS_OK;
    if (!keep_key(iterator, iterator->top->key)) return true;
    operands_clear(&iterator->operands);
    do {
        status = gather_version(iterator, &gathered);
        source_prev(iterator->top);
    } while (status == STATUS_OK && is_at_key(iterator));
    if (status == STATUS_OK) status = iterator->top->status;
    if (status != STATUS_OK) {
        end(iterator, status);
        return true;
    }
    if (iterator->operands.count > 0) {
        struct slice base = buf_slice(&iterator->value);
        if (gathered.has_base && gathered.is_apart) status = load_apart(iterator, buf_slice(&iterator->key), &base);
        if (status != STATUS_OK) {
            end(iterator, status);
            return true;
        }
        settle_backward(&iterator->operands);
        show_folded(iterator, gathered.has_base ? &base : NULL);
        return true;
    }
    if (gathered.has_base) show(iterator, buf_slice(&iterator->key), buf_slice(&iterator->value), false);
    iterator->is_apart = gathered.has_base && gathered.is_apart;
    return gathered.has_base;
}

static void hop_backward(struct engine_iterator *iterator) {
    struct gaps *gaps = &iterator->engine->gaps;
    struct source *top = iterator->top;
    while (top->valid && gaps_find_begin(gaps, iterator->read.tree->instance, top->key, iterator->snapshot,
                                         &iterator->hop) == GAPS_TO)
        source_seek_before(top, buf_slice(&iterator->hop), ENTRY_TRAILER_FIRST);
}

static void find_backward(struct engine_iterator *iterator) {
    uint32_t gone = 0, look_at = iterator->gone_some;
    iterator->backward = true;
    while (!is_at_end(iterator) && !gather_key(iterator)) {
        if (++gone != look_at) continue;
        look_at += iterator->gone_some;
        if (!note_gone(iterator, gone)) return;
        if (looks_for_gaps(iterator)) hop_backward(iterator);
    }
    if (is_long(iterator, gone)) propose_backward(iterator);
}

/* ---- Moves ------------------------------------------------------------------------------------------------------- */

void engine_iterator_seek(struct engine_iterator *iterator, struct slice key) {
    const struct slice from = slice_compare(key, iterator->lower) < 0 ? iterator->lower : key;
    struct engine *engine = iterator->engine;
    const uint64_t start = timing_start(&engine->timing, engine->io, ENGINE_TIMING_SEEK);
    iterator->valid = false;
    source_seek(iterator->top, from, iterator->newest_trailer);
    find_forward(iterator);
    timing_end(&engine->timing, engine->io, ENGINE_TIMING_SEEK, start);
}

void engine_iterator_seek_first(struct engine_iterator *iterator) {
    engine_iterator_seek(iterator, iterator->lower);
}

void engine_iterator_seek_before(struct engine_iterator *iterator, struct slice key) {
    const bool above = iterator->upper.size && slice_compare(key, iterator->upper) > 0;
    iterator->valid = false;
    source_seek_before(iterator->top, above ? iterator->upper : key, ENTRY_TRAILER_FIRST);
    find_backward(iterator);
}

void engine_iterator_seek_last(struct engine_iterator *iterator) {
    iterator->valid = false;
    if (iterator->upper.size)
        source_seek_before(iterator->top, iterator->upper, ENTRY_TRAILER_FIRST);
    else
        source_seek_last(iterator->top);
    find_backward(iterator);
}

/* The source stands, forward, at another key, whose newest version is a value, is seen, and is hidden by nothing. */
static inline bool is_plain(const struct engine_iterator *iterator) {
    const struct source *top = iterator->top;
    return iterator->is_bare && top->valid && entry_kind(top->trailer) == ENTRY_PUT &&
           entry_sequence(top->trailer) <= iterator->snapshot && !is_at_key(iterator);
}

/* From the version shown: no need to ask whether the source stands at its key. */
static inline void next_of_direct(struct engine_iterator *iterator) {
    struct source *top = iterator->top;
    if (!keep_key(iterator, iterator->shown_key)) return;
    source_next(top);
    if (is_plain(iterator)) { /* most steps: what else is shown stays as it was */
        iterator->is_apart = false;
        iterator->shown_key = top->key;
        iterator->shown_value = top->value;
        return;
    }
    iterator->valid = false;
    pass_key(iterator);
    find_forward(iterator);
}

void engine_iterator_next(struct engine_iterator *iterator) {
    if (!iterator->valid) return;
    if (iterator->direct) {
        next_of_direct(iterator);
        return;
    }
    iterator->valid = false;
    if (iterator->backward)
        source_seek(iterator->top, buf_slice(&iterator->key),
                    0); /* behind every version of the key, but one of sequence 0 */
    pass_key(iterator);
    find_forward(iterator);
}

void engine_iterator_prev(struct engine_iterator *iterator) {
    if (!iterator->valid) return;
    if (iterator->direct && !keep_key(iterator, iterator->shown_key)) return;
    iterator->valid = false;
    if (!iterator->backward) source_seek_before(iterator->top, buf_slice(&iterator->key), ENTRY_TRAILER_FIRST);
    find_backward(iterator);
}

void iterator_set_patience(struct engine_iterator *iterator, uint32_t keys) {
    iterator->patience = keys;
}

bool iterator_is_paused(const struct engine_iterator *iterator) {
    return iterator->paused;
}

void iterator_go_on(struct engine_iterator *iterator) {
    iterator->paused = false;
    find_forward(iterator);
}

void iterator_ignore_gaps(struct engine_iterator *iterator) {
    iterator->ignores_gaps = true;
}

uint64_t iterator_passed(const struct engine_iterator *iterator) {
    return iterator->passed;
}

const struct store_read *iterator_read(const struct engine_iterator *iterator) {
    return &iterator->read;
}

bool engine_iterator_valid(const struct engine_iterator *iterator) {
    return iterator->valid;
}

enum status engine_iterator_status(const struct engine_iterator *iterator) {
    return iterator->status;
}

struct slice engine_iterator_key(const struct engine_iterator *iterator) {
    return iterator->shown_key;
}

/* Reads what is shown and has not been read yet. */
static struct slice read_value(struct engine_iterator *iterator) {
    const enum status status = load_apart(iterator, iterator->shown_key, &iterator->shown_value);
    iterator->is_apart = false;
    if (status == STATUS_OK) return iterator->shown_value;
    end(iterator, status);
    return iterator->shown_value = slice_make(NULL, 0);
}

struct slice engine_iterator_value(const struct engine_iterator *iterator) {
    if (!iterator->is_apart || !iterator->valid) return iterator->shown_value;
    return read_value((struct engine_iterator *)(uintptr_t)iterator); /* it stands where it stood */
}
