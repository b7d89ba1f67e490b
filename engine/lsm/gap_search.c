/*
 * gap_search: proposals, and the job that reads a span that is watched and says what of it is empty. Invariant: the
 * state that it reads is not older than the watch, as all that was applied before it is published.
 */
#include "engine/lsm/gap_search.h"

#include "engine/lsm/iterator.h"

enum {
    PATIENCE = 1024, /* keys that are gone, in one step */
    LIVE_AT_ONCE = 256,
    PIECE_SHARE = 4, /* a piece has a quarter of the keys at least that a row of deletes has */
};

/* ---- A row of deletes -------------------------------------------------------------------------------------------- */

/* `last` holds the key and a zero behind it: the key's successor. */
static struct slice last_key(const struct delete_run *run) {
    return slice_make(run->last.data, run->last.size - 1);
}

static void begin_run(struct delete_run *run, uint32_t tree, uint32_t instance) {
    run->tree = tree;
    run->instance = instance;
    run->begun = false;
    run->count = 0;
}

/* The second key tells the direction, and where the span begins (or, going down, ends). */
static bool direct_run(struct delete_run *run, bool down) {
    run->begun = true;
    run->down = down;
    return buf_assign(&run->other, down ? buf_slice(&run->last) : last_key(run)) == STATUS_OK;
}

void gap_search_note_delete(struct engine *engine, const struct tree *tree, struct slice key) {
    struct delete_run *run = &engine->delete_run;
    if (tree->kind->expires) return; /* what is gone there is gone as of a time */
    const bool same = run->instance == tree->instance && run->last.size > 0;
    const int order = same ? slice_compare(key, last_key(run)) : 0;
    if (order == 0 || (run->begun && run->down != (order < 0)))
        begin_run(run, tree->id, tree->instance);
    else if (!run->begun && !direct_run(run, order < 0))
        begin_run(run, tree->id, tree->instance);
    run->count++;
    if (buf_assign(&run->last, key) == STATUS_OK && buf_append_byte(&run->last, 0) == STATUS_OK) return;
    buf_clear(&run->last);
}

/* From where the last span ended. */
static void propose_run(struct engine *engine) {
    struct delete_run *run = &engine->delete_run;
    if (!run->begun || run->last.size == 0) return;
    const struct slice last = last_key(run), behind = buf_slice(&run->last), other = buf_slice(&run->other);
    const struct gap_span span = {.tree = run->tree,
                                  .instance = run->instance,
                                  .begin = run->down ? last : other,
                                  .end = run->down ? other : behind,
                                  .has_end = true};
    if (!gaps_propose(&engine->gaps, &span)) return;
    run->count = 0;
    if (buf_assign(&run->other, run->down ? last : behind) != STATUS_OK) begin_run(run, run->tree, run->instance);
}

/* ---- Proposals --------------------------------------------------------------------------------------------------- */

/* REQUIRES: mutex, no batch in flight. */
static void activate(struct engine *engine) {
    if (gaps_activate(&engine->gaps)) store_job_start(engine, &engine->gap_job);
}

bool gap_search_wants_look(const struct engine *engine) {
    return engine->delete_run.count >= engine->options.gap_keys ||
           atomic_load_explicit(&engine->gaps.proposed, memory_order_relaxed);
}

void gap_search_end_group(struct engine *engine) {
    if (engine->delete_run.count >= engine->options.gap_keys) propose_run(engine);
    if (atomic_load_explicit(&engine->gaps.proposed, memory_order_relaxed)) activate(engine);
}

void gap_search_note_walk(struct engine *engine, const struct gap_span *span) {
    if (engine->options.read_only || store_has_failed(engine) || !gaps_propose(&engine->gaps, span)) return;
    mutex_lock(&engine->mutex);
    if (lead_try(&engine->lead)) store_end_lead(engine); /* else the one who leads does it */
    mutex_unlock(&engine->mutex);
}

void gap_search_note_install(struct engine *engine) {
    if (!gaps_are_none(&engine->gaps) && gaps_doubt(&engine->gaps)) store_job_start(engine, &engine->gap_job);
}

/* ---- Reading a span ---------------------------------------------------------------------------------------------- */

/* NULL: the tree is gone, or the iterator can't be had. */
static struct engine_iterator *open_iterator(struct engine *engine, const struct gap_span *span) {
    struct engine_iterator *iterator;
    const struct engine_iterator_options options = {
        .lower = span->begin, .upper = span->has_end ? span->end : slice_make(NULL, 0), .no_fill = true};
    if (engine_iterator_open(engine, span->tree, &options, &iterator) != STATUS_OK) return NULL;
    if (iterator_read(iterator)->tree->instance == span->instance) return iterator;
    engine_iterator_close(iterator);
    return NULL;
}

static void close_iterator(struct gap_search *search) {
    engine_iterator_close(search->iterator);
    search->iterator = NULL;
    gap_list_clear(&search->found);
}

/* The piece ends before `stop`; one that has few keys to pass is not worth keeping. */
static void end_piece(struct engine *engine, const struct gap_span *watched, struct slice stop, bool has_end) {
    struct gap_search *search = &engine->gap_search;
    const struct gap_span piece = {.tree = watched->tree,
                                   .instance = watched->instance,
                                   .begin = buf_slice(&search->piece),
                                   .end = stop,
                                   .has_end = has_end};
    const uint64_t passed = iterator_passed(search->iterator) - search->passed;
    if (passed * PIECE_SHARE >= engine->options.gap_keys) gap_list_add(&search->found, &piece, 0);
    search->passed += passed;
}

static enum status begin_piece(struct gap_search *search, struct slice behind) {
    enum status status = buf_assign(&search->piece, behind);
    return status == STATUS_OK ? buf_append_byte(&search->piece, 0) : status;
}

/* False: there is nothing to read, or it can't be. */
static bool begin_span(struct engine *engine, const struct gap_span *span) {
    struct gap_search *search = &engine->gap_search;
    if (buf_assign(&search->piece, span->begin) == STATUS_OK) search->iterator = open_iterator(engine, span);
    if (!search->iterator) {
        gaps_give_up(&engine->gaps);
        return false;
    }
    search->passed = 0;
    iterator_set_patience(search->iterator, PATIENCE);
    engine_iterator_seek_first(search->iterator);
    return true;
}

/* Some of the span; true: there is more. *status: not OK = nothing can be said of it. */
static bool read_some(struct engine *engine, const struct gap_span *span, enum status *status) {
    struct gap_search *search = &engine->gap_search;
    struct engine_iterator *iterator = search->iterator;
    if (iterator_is_paused(iterator)) iterator_go_on(iterator);
    for (unsigned i = 0; i < LIVE_AT_ONCE && engine_iterator_valid(iterator); i++) {
        const struct slice key = engine_iterator_key(iterator);
        end_piece(engine, span, key, true);
        *status = begin_piece(search, key);
        if (*status != STATUS_OK) return false;
        engine_iterator_next(iterator);
    }
    *status = engine_iterator_status(iterator);
    return engine_iterator_valid(iterator) || iterator_is_paused(iterator);
}

static void end_span(struct engine *engine, const struct gap_span *span, enum status status) {
    struct gap_search *search = &engine->gap_search;
    if (status == STATUS_OK) {
        struct gap_span pieces[GAPS_MAX];
        end_piece(engine, span, span->end, span->has_end);
        for (uint32_t i = 0; i < search->found.count; i++) pieces[i] = gap_span_of(&search->found.items[i]);
        gaps_prove(&engine->gaps, iterator_read(search->iterator)->sequence, pieces, search->found.count);
    } else {
        gaps_give_up(&engine->gaps);
    }
    close_iterator(search);
}

/* ---- Gaps that compaction has closed ----------------------------------------------------------------------------- */

/* Drops the gap if what was deleted there is no longer to be passed. */
static void look_again(struct engine *engine, const struct gap *gap) {
    const struct gap_span span = gap_span_of(gap);
    struct engine_iterator *iterator = open_iterator(engine, &span);
    bool stays = false;
    if (iterator) {
        iterator_ignore_gaps(iterator);
        iterator_set_patience(iterator, (engine->options.gap_keys + PIECE_SHARE - 1) / PIECE_SHARE);
        engine_iterator_seek_first(iterator);
        stays = iterator_is_paused(iterator);
    }
    engine_iterator_close(iterator);
    if (!stays) gaps_drop(&engine->gaps, gap);
}

/* ---- The job ----------------------------------------------------------------------------------------------------- */

static void stop(struct engine *engine) {
    if (engine->gap_search.iterator) close_iterator(&engine->gap_search);
    gaps_give_up(&engine->gaps);
}

/* True: there is more to do. */
static bool work(struct engine *engine) {
    struct gap_search *search = &engine->gap_search;
    struct gap_span span;
    enum status status = STATUS_OK;
    if (gaps_watched(&engine->gaps, &span)) {
        if (!search->iterator && !begin_span(engine, &span)) return true;
        if (!read_some(engine, &span, &status)) end_span(engine, &span, status);
        return true;
    }
    if (!gaps_take_doubted(&engine->gaps, &search->doubted)) return false;
    look_again(engine, &search->doubted);
    return true;
}

enum io_job_state gap_search_step(struct io_job *job) {
    struct engine *engine = job->context;
    if (atomic_load(&engine->closing) || store_has_failed(engine))
        stop(engine);
    else if (work(engine))
        return IO_JOB_MORE;
    return store_job_end(engine, &engine->gap_job) ? IO_JOB_DONE : IO_JOB_MORE;
}

void gap_search_deinit(struct engine *engine) {
    struct gap_search *search = &engine->gap_search;
    stop(engine);
    buf_deinit(&search->piece);
    gap_release(&search->doubted);
    buf_deinit(&engine->delete_run.last);
    buf_deinit(&engine->delete_run.other);
    gaps_deinit(&engine->gaps);
}
