/*
 * sst_source: the entries of an SST one by one, both ways.
 *
 * A walk that goes forward block by block reads stretches of the file. Where its blocks are not to enter the cache, it
 * looks at them where they were read: they are verified, but not copied.
 *
 * Invariant: while valid, `view` is data block index_at, in `block` or, where that is NULL, in `ahead` or `unpacked`;
 * `key` starts with the block's prefix, and entry_at < view->count.
 */
#include "engine/base/check.h"
#include "engine/sst/sst_file.h"

enum {
    AHEAD_BYTES = 256 << 10,
    AHEAD_BYTES_FIRST = 32 << 10,
    AHEAD_SHARE = 1024, /* of a limit of memory: a merge has a stretch for each of its sources, in each of its parts */
    RUN_MIN = 2,
    LINES_AT_SEEK = 8,  /* of values that are asked of memory: by each source of a merge */
    LINES_AT_NEXT = 12, /* and by that which goes on */
    TAKING_STEP = 3,    /* of a preparation: the block's lines have come by then */
};

static struct sst_source *source_of(struct source *source) {
    return (struct sst_source *)(void *)source;
}

static void leave_block(struct sst_source *this) {
    block_release(this->block);
    this->block = NULL;
    this->view = NULL;
    this->shown->valid = false;
}

static void fail(struct sst_source *this, enum status status) {
    leave_block(this);
    this->shown->status = status;
}

/* Shows entry entry_at of the open block, whose tail and value begin there. */
static inline void show_from(struct sst_source *this, uint32_t tail_begin, uint32_t value_begin) {
    const struct sst_block_view *view = this->view;
    struct source *shown = this->shown;
    const uint32_t at = this->entry_at, prefix_size = view->prefix_size;
    const uint64_t head = block_view_head(view, at);
    this->tail_end = block_view_tail_end(view, at);
    this->value_end = block_view_value_end(view, at);
    const struct slice tail = slice_make(view->bytes + view->tails + tail_begin, this->tail_end - tail_begin);
    shown->key = slice_make(this->key.data, block_view_put_suffix(view, at, head, tail, this->key.data));
    shown->head = prefix_size < 8 ? this->prefix_head | head >> (8 * prefix_size) : this->prefix_head;
    shown->trailer = block_view_trailer(view, at);
    shown->value = slice_make(view->bytes + view->values + value_begin, this->value_end - value_begin);
    shown->valid = true;
}

static void show(struct sst_source *this) {
    const uint32_t at = this->entry_at;
    show_from(this, at ? block_view_tail_end(this->view, at - 1) : 0,
              at ? block_view_value_end(this->view, at - 1) : 0);
}

/* A job can't be refused what it needs, so what it needs is in proportion. */
static size_t job_ahead_bytes(const struct memory *memory) {
    if (!memory || memory->limit == 0 || memory->limit / AHEAD_SHARE >= AHEAD_BYTES) return AHEAD_BYTES;
    const uint64_t share = memory->limit / AHEAD_SHARE;
    return share > AHEAD_BYTES_FIRST ? (size_t)share : AHEAD_BYTES_FIRST;
}

/* How much to read at once: a walk that goes on and on reads ever more. */
static size_t ahead_bytes(const struct sst_source *this) {
    if (this->flags & SST_READ_AHEAD) return job_ahead_bytes(this->sst->environment->memory);
    uint32_t doublings = this->run - RUN_MIN;
    return doublings < 3 ? (size_t)AHEAD_BYTES_FIRST << doublings : AHEAD_BYTES;
}

static enum engine_memory_user user_of(const struct sst_source *this) {
    return this->flags & SST_READ_AHEAD ? ENGINE_MEMORY_JOBS : ENGINE_MEMORY_READERS;
}

static void charge(struct sst_source *this) {
    memory_charge(this->sst->environment->memory, user_of(this), &this->charged,
                  this->ahead.capacity + this->unpacked.capacity);
}

/* Room for `size` bytes ahead, counted. Readers that find none read block by block. */
static enum status reserve_ahead(struct sst_source *this, size_t *size, size_t least) {
    struct memory *memory = this->sst->environment->memory;
    if (*size + BLOCK_SLACK_BYTES > this->ahead.capacity && !(this->flags & SST_READ_AHEAD) &&
        !memory_allows_reader(memory, *size))
        *size = least;
    buf_clear(&this->ahead);
    const enum status status = buf_reserve(&this->ahead, *size + BLOCK_SLACK_BYTES);
    charge(this);
    return status;
}

static bool is_ahead(const struct sst_source *this, const struct sst_handle *handle) {
    return handle->offset >= this->ahead_offset &&
           handle->offset + handle->size <= this->ahead_offset + this->ahead.size;
}

/* The unit of data block `at` where it is mapped, or out of the stretch of file that was read ahead; reads the next
 * stretch if it isn't in there. */
static enum status ahead_unit(struct sst_source *this, uint32_t at, struct slice *unit) {
    const struct sst_handle handle = sst_index_handle(this->sst, at);
    if (this->sst->map && !(this->flags & SST_READ_AHEAD)) { /* jobs read: what a device can't give is theirs to tell */
        *unit = sst_map_slice(this->sst->map, &handle);
        return STATUS_OK;
    }
    if (!is_ahead(this, &handle)) {
        uint64_t left = sst_footer_data_end(&this->sst->footer) - handle.offset;
        size_t size = ahead_bytes(this);
        if (size > left) size = (size_t)left;
        if (size < handle.size) size = handle.size;
        enum status status = reserve_ahead(this, &size, handle.size);
        if (status != STATUS_OK) return status;
        struct engine_watch *watch = this->sst->environment->watch;
        const uint64_t start = watch ? sst_watch_start(this->sst) : 0;
        status = sst_file_read(this->sst, handle.offset, this->ahead.data, size);
        if (watch) sst_watch_stretch(this->sst, handle.offset, size, status, start);
        if (status != STATUS_OK) return sst_block_failed(this->sst, at, status, "the file can't be read there");
        this->ahead.size = size;
        this->ahead_offset = handle.offset;
    }
    *unit = slice_make(this->ahead.data + (handle.offset - this->ahead_offset), handle.size);
    return STATUS_OK;
}

/* What a step into a block brings: a block, or a look at bytes that the source keeps. */
struct entered {
    struct block *block; /* NULL: a look */
    struct sst_block_view look;
};

/* Out of what was read ahead: looked at, or made a block where it is to enter the cache. */
static enum status load_ahead(struct sst_source *this, uint32_t at, struct entered *entered) {
    struct slice unit;
    enum status status = ahead_unit(this, at, &unit);
    if (this->sst->environment->watch) this->sst->environment->watch->from = ENGINE_FROM_STRETCH;
    if (status != STATUS_OK) return status;
    if (!(this->flags & (SST_READ_AHEAD | SST_NO_FILL))) {
        status = sst_block_decode(this->sst, at, unit, &entered->block);
        if (status == STATUS_OK) sst_block_cache(this->sst, &entered->block);
        return status;
    }
    const size_t before = this->unpacked.capacity;
    status = sst_block_look(this->sst, at, unit, &this->unpacked, &entered->look);
    if (this->unpacked.capacity != before) charge(this);
    return status;
}

static bool take_prepared(struct sst_source *this, uint32_t at, struct entered *entered) {
    if (!this->prepared_block || this->prepared != at) return false;
    entered->block = this->prepared_block;
    this->prepared_block = NULL;
    return true;
}

/* Block by block through the cache; once a walk has gone forward for some blocks, what is not cached is read in
 * stretches. What was read ahead already is not asked of the cache. */
static enum status load(struct sst_source *this, uint32_t at, struct entered *entered) {
    if (take_prepared(this, at, entered)) return STATUS_OK;
    if (this->flags & SST_READ_AHEAD) return load_ahead(this, at, entered);
    const bool is_mapped = this->sst->map && !(this->flags & SST_NO_FILL); /* the system reads ahead itself */
    if (this->run < RUN_MIN || is_mapped) return sst_block_load(this->sst, at, this->flags, &entered->block);
    const struct sst_handle handle = sst_index_handle(this->sst, at);
    if ((this->flags & SST_NO_FILL) && is_ahead(this, &handle)) return load_ahead(this, at, entered);
    const enum status status = sst_block_load(this->sst, at, this->flags | SST_MEMORY_ONLY, &entered->block);
    if (status != STATUS_WOULD_BLOCK || (this->flags & SST_MEMORY_ONLY)) return status;
    return load_ahead(this, at, entered);
}

static enum status load_watched(struct sst_source *this, uint32_t at, struct entered *entered) {
    const uint64_t start = sst_watch_start(this->sst);
    const enum status status = load(this, at, entered);
    sst_watch_block(this->sst, at, status, start);
    return status;
}

/* The key's beginning that all entries of the view have. */
static enum status begin_keys(struct sst_source *this, const struct sst_block_view *view) {
    buf_clear(&this->key);
    const enum status status = buf_reserve(&this->key, block_view_key_room(view));
    if (status != STATUS_OK) return status;
    const struct slice prefix = block_view_prefix(view);
    if (prefix.size) memcpy(this->key.data, prefix.data, prefix.size);
    this->prefix_head = entry_head(prefix);
    return STATUS_OK;
}

/* Opens data block `at`; false and failed if that does not work. */
static bool enter_block(struct sst_source *this, uint32_t at) {
    if (this->view && this->index_at == at) return true;
    struct entered entered = {.block = NULL};
    this->run = this->view && at == this->index_at + 1 ? this->run + 1 : 0;
    enum status status = this->sst->environment->watch ? load_watched(this, at, &entered) : load(this, at, &entered);
    leave_block(this);
    if (status == STATUS_OK)
        status = begin_keys(this, entered.block ? sst_block_view_of(entered.block) : &entered.look);
    if (status == STATUS_OK) {
        if (!entered.block) this->look = entered.look;
        this->block = entered.block;
        this->view = entered.block ? sst_block_view_of(entered.block) : &this->look;
        this->index_at = at;
        return true;
    }
    block_release(entered.block);
    fail(this, status);
    return false;
}

static void show_first_of(struct sst_source *this, uint32_t at) {
    if (at >= this->sst->index.count) {
        leave_block(this);
    } else if (enter_block(this, at)) {
        this->entry_at = 0;
        show(this);
    }
}

static void show_last_of(struct sst_source *this, uint32_t at) {
    if (!enter_block(this, at)) return;
    this->entry_at = this->view->count - 1;
    show(this);
}

static void sst_source_seek(struct source *source, struct slice key, uint64_t trailer) {
    struct sst_source *this = source_of(source);
    this->shown->status = STATUS_OK;
    uint32_t at = sst_index_seek(this->sst, key, trailer);
    if (at == this->sst->index.count) {
        leave_block(this);
        return;
    }
    if (!enter_block(this, at)) return;
    this->entry_at = block_view_seek(this->view, key, trailer);
    if (this->entry_at < this->view->count) {
        block_view_touch_values(this->view, this->entry_at, 0, LINES_AT_SEEK);
        this->touch_at = this->entry_at + 1;
        show(this);
    } else {
        show_first_of(this, at + 1);
    }
}

static void sst_source_seek_before(struct source *source, struct slice key, uint64_t trailer) {
    struct sst_source *this = source_of(source);
    this->shown->status = STATUS_OK;
    uint32_t count = this->sst->index.count;
    uint32_t at = sst_index_seek(this->sst, key, trailer);
    if (at < count) {
        if (!enter_block(this, at)) return;
        uint32_t entry = block_view_seek(this->view, key, trailer);
        if (entry > 0) {
            this->entry_at = entry - 1;
            show(this);
            return;
        }
    }
    if (at == 0) {
        leave_block(this);
    } else {
        show_last_of(this, at - 1);
    }
}

static void drop_prepared(struct sst_source *this) {
    block_release(this->prepared_block);
    this->prepared_block = NULL;
}

/* Step 0 asks for the block's slot, step 1 for the block that it tells, which a later one takes. */
static void sst_source_prepare(struct source *source, struct slice key, uint64_t trailer, unsigned step) {
    struct sst_source *this = source_of(source);
    const struct sst *sst = this->sst;
    if (!sst->slots) return;
    if (step == 0) {
        this->prepared = sst_index_seek(sst, key, trailer);
        if (this->prepared < sst->index.count) __builtin_prefetch(&sst->slots[this->prepared]);
        return;
    }
    if (this->prepared >= sst->index.count || (this->view && this->index_at == this->prepared)) return;
    if (step == 1) block_cache_touch(&sst->slots[this->prepared]);
    if (step != TAKING_STEP) return;
    drop_prepared(this);
    this->prepared_block = sst_block_cached(this->sst, this->prepared);
}

static void sst_source_seek_first(struct source *source) {
    struct sst_source *this = source_of(source);
    this->shown->status = STATUS_OK;
    show_first_of(this, 0);
}

void sst_source_seek_block(struct sst_source *source, uint32_t at) {
    source->shown->status = STATUS_OK;
    show_first_of(source, at);
}

static void sst_source_seek_last(struct source *source) {
    struct sst_source *this = source_of(source);
    source->status = STATUS_OK;
    if (this->sst->index.count == 0) {
        leave_block(this);
    } else {
        show_last_of(this, this->sst->index.count - 1);
    }
}

static void sst_source_next(struct source *source) {
    struct sst_source *this = source_of(source);
    check(this->shown->valid);
    if (++this->entry_at < this->view->count) {
        if (this->entry_at == this->touch_at) {
            block_view_touch_values(this->view, this->entry_at - 1, LINES_AT_SEEK, LINES_AT_NEXT);
            this->touch_at = 0;
        }
        show_from(this, this->tail_end, this->value_end);
    } else {
        show_first_of(this, this->index_at + 1);
    }
}

static void sst_source_prev(struct source *source) {
    struct sst_source *this = source_of(source);
    check(this->shown->valid);
    if (this->entry_at > 0) {
        this->entry_at--;
        show(this);
    } else if (this->index_at > 0) {
        show_last_of(this, this->index_at - 1);
    } else {
        leave_block(this);
    }
}

static void sst_source_close(struct source *source) {
    struct sst_source *this = source_of(source);
    leave_block(this);
    drop_prepared(this);
    buf_deinit(&this->key);
    memory_subtract(this->sst->environment->memory, user_of(this), this->charged);
    this->charged = 0;
    buf_deinit(&this->ahead);
    buf_deinit(&this->unpacked);
}

static const struct source_vtable sst_source_vtable = {
    .seek = sst_source_seek,
    .seek_before = sst_source_seek_before,
    .seek_first = sst_source_seek_first,
    .seek_last = sst_source_seek_last,
    .next = sst_source_next,
    .prev = sst_source_prev,
    .close = sst_source_close,
    .prepare = sst_source_prepare,
};

void sst_source_init(struct sst_source *source, struct sst *sst, unsigned flags) {
    *source = (struct sst_source){
        .source = {.vtable = &sst_source_vtable}, .shown = &source->source, .sst = sst, .flags = flags};
}
