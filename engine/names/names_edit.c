/*
 * names_edit: what one log entry does to the name space.
 *
 * Invariant: after finish, count and expiry index agree with the rows. A name is loaded when first touched and emitted
 * once, as the difference between what it was and what it became; a row that was due counts as absent, its index entry
 * stays owed to a reap, whatever compaction has dropped (names.h).
 */
#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/base/coding.h"
#include "engine/names/names_format.h"

enum { ARENA_BLOCK_BYTES = 16 << 10, FIRST_CAPACITY = 16 };

struct touched {
    uint64_t hash;
    struct slice name; /* in the arena */
    bool was_there;
    int64_t old_expire_ms;
    uint64_t old_object; /* also of a due row that is still stored: its rows must go with it */
    uint8_t old_type;
    bool is_there;
    bool changed;
    struct name_row row; /* if is_there; value in the arena or pinned by old_value */
};

struct names_edit {
    const struct name_owner *owners;
    size_t owner_count;
    struct names_view view;
    struct engine_batch *batch;
    struct arena arena;
    struct buf scratch;
    struct buf scratch_row;
    struct touched *touched; /* in order of first touch */
    size_t touched_count, touched_capacity;
    uint32_t *slots; /* open addressing: index + 1 into touched, 0 = free; capacity 2 * touched_capacity */
    bool cleared;
    int64_t reaped;
};

enum status names_edit_create(const struct name_owner *owners, size_t owner_count, struct names_edit **edit) {
    struct names_edit *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->owners = owners;
    made->owner_count = owner_count;
    arena_init(&made->arena, ARENA_BLOCK_BYTES);
    *edit = made;
    return STATUS_OK;
}

void names_edit_destroy(struct names_edit *edit) {
    if (!edit) return;
    arena_deinit(&edit->arena);
    buf_deinit(&edit->scratch);
    buf_deinit(&edit->scratch_row);
    free(edit->touched);
    free(edit->slots);
    free(edit);
}

static void forget_touched(struct names_edit *edit) {
    if (edit->touched_count) memset(edit->slots, 0, 2 * edit->touched_capacity * sizeof *edit->slots);
    edit->touched_count = 0;
    arena_reset(&edit->arena);
}

void names_edit_begin(struct names_edit *edit, const struct names_view *view, struct engine_batch *batch) {
    forget_touched(edit);
    edit->view = *view;
    edit->batch = batch;
    edit->cleared = false;
    edit->reaped = 0;
}

/* ---- the table of touched names ---------------------------------------------------------------------------------- */

static uint32_t *find_slot(const struct names_edit *edit, uint64_t hash, struct slice name) {
    size_t mask = 2 * edit->touched_capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &edit->slots[i];
        if (*slot == 0) return slot;
        const struct touched *entry = &edit->touched[*slot - 1];
        if (entry->hash == hash && slice_equal(entry->name, name)) return slot;
    }
}

static enum status grow_table(struct names_edit *edit) {
    size_t capacity = edit->touched_capacity ? 2 * edit->touched_capacity : FIRST_CAPACITY;
    uint32_t *slots = calloc(2 * capacity, sizeof *slots);
    if (!slots) return STATUS_NO_MEMORY;
    struct touched *touched = realloc(edit->touched, capacity * sizeof *touched);
    if (!touched) {
        free(slots);
        return STATUS_NO_MEMORY;
    }
    free(edit->slots);
    edit->slots = slots;
    edit->touched = touched;
    edit->touched_capacity = capacity;
    for (size_t i = 0; i < edit->touched_count; i++)
        *find_slot(edit, touched[i].hash, touched[i].name) = (uint32_t)i + 1;
    return STATUS_OK;
}

static enum status copy_in(struct names_edit *edit, struct slice from, struct slice *to) {
    if (from.size == 0) {
        *to = slice_make(NULL, 0);
        return STATUS_OK;
    }
    void *copy = arena_copy(&edit->arena, from.data, from.size);
    *to = slice_make(copy, from.size);
    return copy ? STATUS_OK : STATUS_NO_MEMORY;
}

/* What is stored under the name, due or not. NOT_FOUND leaves the entry absent. */
static enum status load(struct names_edit *edit, struct touched *entry) {
    struct names_view raw = edit->view;
    raw.log_time_ms = 0; /* shows a due row too */
    raw.clock_ms = 0;
    struct engine_value value;
    enum status status = names_get(&raw, entry->name, &entry->row, &value);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status) return status;
    entry->old_type = entry->row.type;
    entry->old_object = entry->row.object;
    entry->was_there = entry->is_there = !names_row_is_due(&entry->row, edit->view.log_time_ms);
    entry->old_expire_ms = entry->was_there ? entry->row.expire_ms : 0;
    if (entry->is_there) status = copy_in(edit, entry->row.value, &entry->row.value);
    engine_value_release(&value);
    return status;
}

static enum status touch(struct names_edit *edit, struct slice name, struct touched **found) {
    if (2 * edit->touched_count >= edit->touched_capacity) {
        enum status status = grow_table(edit);
        if (status) return status;
    }
    uint64_t hash = names_hash_of(edit->view.seed, name);
    uint32_t *slot = find_slot(edit, hash, name);
    if (*slot == 0) {
        struct touched entry = {.hash = hash};
        enum status status = copy_in(edit, name, &entry.name);
        if (status == STATUS_OK && !edit->cleared) status = load(edit, &entry);
        if (status) return status;
        edit->touched[edit->touched_count] = entry;
        *slot = (uint32_t)++edit->touched_count;
    }
    *found = &edit->touched[*slot - 1];
    return STATUS_OK;
}

/* ---- edits ------------------------------------------------------------------------------------------------------- */

enum status names_edit_get(struct names_edit *edit, struct slice name, struct name_row *row) {
    struct touched *entry = NULL;
    enum status status = touch(edit, name, &entry);
    if (status) return status;
    if (!entry->is_there) return STATUS_NOT_FOUND;
    *row = entry->row;
    return STATUS_OK;
}

enum status names_edit_put(struct names_edit *edit, struct slice name, const struct name_row *row) {
    if (name.size > ENGINE_KEY_MAX_BYTES - NAMES_HASH_BYTES) return STATUS_TOO_LARGE;
    struct touched *entry = NULL;
    enum status status = touch(edit, name, &entry);
    if (status) return status;
    struct name_row copy = *row;
    bool same_bytes =
        entry->is_there && row->value.data == entry->row.value.data && row->value.size == entry->row.value.size;
    if (!same_bytes) status = copy_in(edit, row->value, &copy.value);
    if (status) return status;
    entry->row = copy;
    entry->is_there = true;
    entry->changed = true;
    return STATUS_OK;
}

enum status names_edit_delete(struct names_edit *edit, struct slice name) {
    struct touched *entry = NULL;
    enum status status = touch(edit, name, &entry);
    if (status) return status;
    if (!entry->is_there) return STATUS_NOT_FOUND;
    entry->is_there = false;
    entry->changed = true;
    return STATUS_OK;
}

static const struct name_owner *find_owner(const struct name_owner *owners, size_t count, uint8_t type) {
    for (size_t i = 0; i < count; i++)
        if (owners[i].type == type) return &owners[i];
    return NULL;
}

static enum status rename_object(struct names_edit *edit, const struct name_row *row, struct slice new_name) {
    const struct name_owner *owner = find_owner(edit->owners, edit->owner_count, row->type);
    if (row->object == 0 || !owner || !owner->rename_object) return STATUS_OK;
    return owner->rename_object(owner->context, &edit->view, edit->batch, row->object, new_name);
}

enum status names_edit_rename(struct names_edit *edit, struct slice from, struct slice to) {
    struct touched *entry = NULL;
    enum status status = touch(edit, from, &entry);
    if (status) return status;
    if (!entry->is_there) return STATUS_NOT_FOUND;
    struct name_row row = entry->row;
    status = names_edit_put(edit, to, &row);
    if (status == STATUS_OK) status = rename_object(edit, &row, to);
    if (status == STATUS_OK) status = touch(edit, from, &entry); /* put may have moved the table */
    if (status) return status;
    entry->is_there = false;
    entry->changed = true;
    entry->old_object = 0; /* it lives on under the other name */
    return STATUS_OK;
}

static enum status clear_tree(struct engine_batch *batch, uint32_t tree) {
    struct slice everything = {0};
    return engine_batch_delete_range(batch, tree, everything, everything);
}

enum status names_edit_clear(struct names_edit *edit) {
    forget_touched(edit);
    edit->cleared = true;
    edit->reaped = 0;
    enum status status = clear_tree(edit->batch, TREE_NAMES);
    if (status == STATUS_OK) status = clear_tree(edit->batch, TREE_NAMES_EXPIRY);
    for (size_t i = 0; status == STATUS_OK && i < edit->owner_count; i++) {
        const struct name_owner *owner = &edit->owners[i];
        if (owner->delete_all) status = owner->delete_all(owner->context, edit->batch);
    }
    return status;
}

/* ---- reaping what is due ----------------------------------------------------------------------------------------- */

static enum status delete_object(struct names_edit *edit, uint8_t type, uint64_t object) {
    const struct name_owner *owner = find_owner(edit->owners, edit->owner_count, type);
    if (!owner || !owner->delete_object) return STATUS_OK;
    return owner->delete_object(owner->context, &edit->view, edit->batch, object);
}

/*
 * The stored row goes if it is the one that the index entry speaks of; a later row of that name has an expiry of its
 * own. Compaction drops due rows without an object (names_filter_decide), on each node at another time: for these the
 * batch has to be the same whether the row is still there or not.
 */
static bool may_have_been_dropped(const struct names_edit *edit, const struct name_row *row) {
    return row->object == 0 && names_row_is_due(row, edit->view.log_time_ms);
}

static enum status reap_row(struct names_edit *edit, int64_t expire_ms, struct slice name) {
    struct names_view raw = edit->view;
    raw.log_time_ms = 0;
    raw.clock_ms = 0;
    struct name_row row = {0};
    struct engine_value value;
    enum status status = names_get(&raw, name, &row, &value);
    const bool is_there = status == STATUS_OK;
    if (!is_there && status != STATUS_NOT_FOUND) return status;
    status = STATUS_OK;
    if (!is_there || row.expire_ms == expire_ms || may_have_been_dropped(edit, &row)) {
        status = names_encode_key(&edit->scratch, names_hash_of(edit->view.seed, name), name);
        if (status == STATUS_OK) status = engine_batch_delete(edit->batch, TREE_NAMES, buf_slice(&edit->scratch));
        if (status == STATUS_OK && row.object) status = delete_object(edit, row.type, row.object);
    }
    if (is_there) engine_value_release(&value);
    return status;
}

/* Calls `each` for every index entry that is due, oldest first, up to limit. */
static enum status for_each_due(const struct names_view *view, uint32_t limit,
                                enum status (*each)(void *context, int64_t expire_ms, struct slice key,
                                                    struct slice name),
                                void *context) {
    struct engine_iterator_options options = {.snapshot = view->snapshot, .memory_only = view->memory_only};
    struct engine_iterator *iterator = NULL;
    enum status status = engine_iterator_open(view->engine, TREE_NAMES_EXPIRY, &options, &iterator);
    if (status) return status;
    engine_iterator_seek_first(iterator);
    for (uint32_t done = 0; status == STATUS_OK && done < limit && engine_iterator_valid(iterator); done++) {
        int64_t expire_ms = 0;
        struct slice name;
        status = names_decode_expiry(engine_iterator_key(iterator), &expire_ms, &name);
        if (status || expire_ms > view->log_time_ms) break;
        status = each(context, expire_ms, engine_iterator_key(iterator), name);
        engine_iterator_next(iterator);
    }
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static enum status reap_entry(void *context, int64_t expire_ms, struct slice key, struct slice name) {
    struct names_edit *edit = context;
    enum status status = reap_row(edit, expire_ms, name);
    if (status == STATUS_OK) status = engine_batch_delete(edit->batch, TREE_NAMES_EXPIRY, key);
    if (status == STATUS_OK) edit->reaped++;
    return status;
}

enum status names_edit_reap(struct names_edit *edit, uint32_t limit, uint32_t *reaped) {
    int64_t before = edit->reaped;
    enum status status = for_each_due(&edit->view, limit, reap_entry, edit);
    *reaped = (uint32_t)(edit->reaped - before);
    return status;
}

/* ---- reading ahead ------------------------------------------------------------------------------------------------
 */

struct ahead {
    struct names_view view; /* blocking; shows due rows too */
    const struct name_owner *owners;
    size_t owner_count;
};

static struct ahead ahead_make(const struct names_view *view, const struct name_owner *owners, size_t owner_count) {
    struct ahead ahead = {.view = *view, .owners = owners, .owner_count = owner_count};
    ahead.view.memory_only = false;
    ahead.view.clock_ms = 0;
    return ahead;
}

static enum status prefetch_name(const struct ahead *ahead, struct slice name) {
    struct names_view raw = ahead->view;
    raw.log_time_ms = 0;
    struct name_row row;
    struct engine_value value;
    enum status status = names_get(&raw, name, &row, &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    const struct name_owner *owner = find_owner(ahead->owners, ahead->owner_count, row.type);
    if (row.object && owner && owner->prefetch_object)
        status = owner->prefetch_object(owner->context, &ahead->view, row.object);
    engine_value_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status prefetch_entry(void *context, int64_t expire_ms, struct slice key, struct slice name) {
    (void)expire_ms;
    (void)key;
    return prefetch_name(context, name);
}

enum status names_prefetch(const struct names_view *view, const struct name_owner *owners, size_t owner_count,
                           struct slice name) {
    struct ahead ahead = ahead_make(view, owners, owner_count);
    return prefetch_name(&ahead, name);
}

enum status names_prefetch_reap(const struct names_view *view, const struct name_owner *owners, size_t owner_count,
                                uint32_t limit) {
    struct ahead ahead = ahead_make(view, owners, owner_count);
    return for_each_due(&ahead.view, limit, prefetch_entry, &ahead);
}

/* ---- into the batch ---------------------------------------------------------------------------------------------- */

static enum status emit_row(struct names_edit *edit, const struct touched *entry) {
    enum status status = names_encode_key(&edit->scratch, entry->hash, entry->name);
    if (status) return status;
    if (!entry->is_there)
        return entry->was_there ? engine_batch_delete(edit->batch, TREE_NAMES, buf_slice(&edit->scratch)) : STATUS_OK;
    buf_clear(&edit->scratch_row);
    status = names_encode_row(&edit->scratch_row, &entry->row);
    if (status) return status;
    return engine_batch_put(edit->batch, TREE_NAMES, buf_slice(&edit->scratch), buf_slice(&edit->scratch_row));
}

static enum status emit_expiry(struct names_edit *edit, const struct touched *entry) {
    int64_t old_expire_ms = entry->was_there ? entry->old_expire_ms : 0;
    int64_t new_expire_ms = entry->is_there ? entry->row.expire_ms : 0;
    if (old_expire_ms == new_expire_ms) return STATUS_OK;
    enum status status = STATUS_OK;
    if (old_expire_ms) {
        status = names_encode_expiry(&edit->scratch, old_expire_ms, entry->name);
        if (status == STATUS_OK)
            status = engine_batch_delete(edit->batch, TREE_NAMES_EXPIRY, buf_slice(&edit->scratch));
    }
    if (status == STATUS_OK && new_expire_ms) {
        status = names_encode_expiry(&edit->scratch, new_expire_ms, entry->name);
        if (status == STATUS_OK)
            status = engine_batch_put(edit->batch, TREE_NAMES_EXPIRY, buf_slice(&edit->scratch), slice_make(NULL, 0));
    }
    return status;
}

static enum status emit_object(struct names_edit *edit, const struct touched *entry) {
    if (entry->old_object == 0) return STATUS_OK;
    /* A due row is replaced, never deleted, here: without a new row its object waits for the reap. */
    bool goes = entry->is_there ? entry->row.object != entry->old_object : entry->was_there;
    return goes ? delete_object(edit, entry->old_type, entry->old_object) : STATUS_OK;
}

static enum status emit_count(struct names_edit *edit, int64_t change) {
    if (change == 0 && !edit->cleared) return STATUS_OK;
    uint64_t count = 0;
    if (!edit->cleared) {
        enum status status = names_count(&edit->view, &count);
        if (status) return status;
    }
    if (change < 0 && count < (uint64_t)-change) return STATUS_CORRUPT;
    uint8_t bytes[8];
    coding_put_u64(bytes, count + (uint64_t)change);
    return engine_batch_put(edit->batch, TREE_NAMES_META, names_count_key(), slice_make(bytes, sizeof bytes));
}

enum status names_edit_finish(struct names_edit *edit) {
    int64_t change = -edit->reaped;
    for (size_t i = 0; i < edit->touched_count; i++) {
        const struct touched *entry = &edit->touched[i];
        if (!entry->changed) continue;
        enum status status = emit_row(edit, entry);
        if (status == STATUS_OK) status = emit_expiry(edit, entry);
        if (status == STATUS_OK) status = emit_object(edit, entry);
        if (status) return status;
        change += (int64_t)entry->is_there - (int64_t)entry->was_there;
    }
    return emit_count(edit, change);
}
