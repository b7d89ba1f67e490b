/* level_source: one file open at a time. Invariant: when valid, the entry is that of the inner source of file `at`,
 * which shows it in the struct of this one. */
#include "engine/lsm/level_source.h"

#include "engine/lsm/watch.h"

static struct level_source *own(struct source *source) {
    return (struct level_source *)(void *)source;
}

static void close_inner(struct level_source *own_source) {
    if (own_source->has_inner) source_close(&own_source->inner.source);
    own_source->has_inner = false;
}

static void fail(struct level_source *own_source, enum status status) {
    own_source->source.valid = false;
    own_source->source.status = status;
}

static bool is_hidden(const struct level_source *own_source, uint32_t at) {
    return own_source->is_hidden && own_source->is_hidden(own_source->context, own_source->files[at]);
}

/* Opens file `at`; false: past the end of the run, or failed. */
static bool enter(struct level_source *own_source, uint32_t at) {
    if (own_source->has_inner && own_source->at == at) return true;
    close_inner(own_source);
    own_source->at = at;
    if (at >= own_source->count) {
        fail(own_source, STATUS_OK);
        return false;
    }
    struct sst *sst;
    struct engine_watch *watch = own_source->engine->environment.watch;
    if (watch) watch_file(watch, own_source->files[at], own_source->files[at]->meta.level, ENGINE_FILE_ASKED);
    const enum status status = store_open_file(own_source->engine, own_source->files[at], own_source->flags, &sst);
    if (status != STATUS_OK) {
        fail(own_source, status);
        return false;
    }
    sst_source_init(&own_source->inner, sst, own_source->flags);
    own_source->inner.shown = &own_source->source;
    own_source->has_inner = true;
    return true;
}

/* The inner source ran out at its end: goes on with the files after it. */
static void skip_forward(struct level_source *own_source) {
    while (own_source->has_inner && !own_source->source.valid && own_source->source.status == STATUS_OK) {
        uint32_t at = own_source->at + 1;
        while (at < own_source->count && is_hidden(own_source, at)) at++;
        if (!enter(own_source, at)) return;
        source_seek_first(&own_source->inner.source);
    }
}

static void skip_backward(struct level_source *own_source) {
    while (own_source->has_inner && !own_source->source.valid && own_source->source.status == STATUS_OK) {
        uint32_t at = own_source->at;
        while (at > 0 && is_hidden(own_source, at - 1)) at--;
        if (!enter(own_source, at > 0 ? at - 1 : own_source->count)) return;
        source_seek_last(&own_source->inner.source);
    }
}

static uint32_t find(const struct level_source *own_source, struct slice key) {
    const struct level level = {.files = (struct file **)(uintptr_t)own_source->files, .count = own_source->count};
    return level_find(&level, key);
}

static void level_seek_first(struct source *source) {
    struct level_source *own_source = own(source);
    uint32_t at = 0;
    while (at < own_source->count && is_hidden(own_source, at)) at++;
    if (!enter(own_source, at)) return;
    source_seek_first(&own_source->inner.source);
    skip_forward(own_source);
}

static void level_seek_last(struct source *source) {
    struct level_source *own_source = own(source);
    uint32_t at = own_source->count;
    while (at > 0 && is_hidden(own_source, at - 1)) at--;
    if (!enter(own_source, at > 0 ? at - 1 : own_source->count)) return;
    source_seek_last(&own_source->inner.source);
    skip_backward(own_source);
}

static void level_seek(struct source *source, struct slice key, uint64_t trailer) {
    struct level_source *own_source = own(source);
    uint32_t at = find(own_source, key);
    const uint32_t found = at;
    while (at < own_source->count && is_hidden(own_source, at)) at++;
    if (!enter(own_source, at)) return;
    if (at == found)
        source_seek(&own_source->inner.source, key, trailer);
    else
        source_seek_first(&own_source->inner.source);
    skip_forward(own_source);
}

static void level_seek_before(struct source *source, struct slice key, uint64_t trailer) {
    struct level_source *own_source = own(source);
    const uint32_t found = find(own_source, key);
    if (found == own_source->count || is_hidden(own_source, found)) {
        uint32_t at = found;
        while (at > 0 && is_hidden(own_source, at - 1)) at--;
        if (!enter(own_source, at > 0 ? at - 1 : own_source->count)) return;
        source_seek_last(&own_source->inner.source);
    } else {
        if (!enter(own_source, found)) return;
        source_seek_before(&own_source->inner.source, key, trailer);
    }
    skip_backward(own_source);
}

static void level_next(struct source *source) {
    struct level_source *own_source = own(source);
    source_next(&own_source->inner.source);
    if (!own_source->source.valid) skip_forward(own_source);
}

static void level_prev(struct source *source) {
    struct level_source *own_source = own(source);
    source_prev(&own_source->inner.source);
    if (!own_source->source.valid) skip_backward(own_source);
}

/* The file that is open, or one that was opened before: nothing is opened ahead of the seek. */
static void level_prepare(struct source *source, struct slice key, uint64_t trailer, unsigned step) {
    struct level_source *own_source = own(source);
    if (step == 0) {
        own_source->prepared = find(own_source, key);
        if (own_source->prepared == own_source->count || is_hidden(own_source, own_source->prepared) ||
            !atomic_load_explicit(&own_source->files[own_source->prepared]->sst, memory_order_acquire)) {
            own_source->prepared = own_source->count;
            return;
        }
        if (!enter(own_source, own_source->prepared)) return;
    }
    if (own_source->prepared < own_source->count && own_source->has_inner)
        source_prepare(&own_source->inner.source, key, trailer, step);
}

static void level_close(struct source *source) {
    close_inner(own(source));
}

static const struct source_vtable vtable = {
    .seek = level_seek,
    .seek_before = level_seek_before,
    .seek_first = level_seek_first,
    .seek_last = level_seek_last,
    .next = level_next,
    .prev = level_prev,
    .close = level_close,
    .prepare = level_prepare,
};

void level_source_init(struct level_source *source, struct engine *engine, struct file *const *files, uint32_t count,
                       unsigned flags) {
    *source = (struct level_source){
        .source = {.vtable = &vtable}, .engine = engine, .files = files, .count = count, .flags = flags, .at = count};
}

struct file *level_source_file(const struct level_source *source) {
    return source->at < source->count ? source->files[source->at] : NULL;
}
