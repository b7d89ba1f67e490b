/*
 * names: the one name space of users. A row per name, whatever store owns the thing behind it: type, expiry, object id,
 * and a string's value inline.
 *
 * Rows lie in hash order: key = the upper 63 bits of the name's XXH3-64 with the directory's seed (8 bytes, big-endian)
 * + the name. Redis knows no order of names, and hash order gives SCAN a positive 64-bit cursor that means the same on
 * every node and after every restart, and RANDOMKEY a seek. Beside the rows stands the expiry index {expire_ms
 * big-endian, name}, and one row that counts names.
 *
 * A row that is due (expire_ms <= log time) is absent to everyone, whether or not compaction has dropped it yet; only
 * its index entry is still owed, until a reap takes it. So the state is the same on every replica at the same log
 * index. Bytes: engine/names/FORMAT.md.
 */
#ifndef ENGINE_NAMES_H
#define ENGINE_NAMES_H

#include "engine/engine.h"

#pragma GCC visibility push(default)

/* Trees with fixed ids; stores take theirs from NAMES_TREE_STORES on. */
enum {
    TREE_SYSTEM = 1, /* raft: sessions, configuration, chain */
    TREE_NAMES = 2,
    TREE_NAMES_EXPIRY = 3,
    TREE_NAMES_META = 4, /* count */
    TREE_STORES = 16,
};

/* Kinds of trees with fixed ids; names_kinds are the rows for engine_options.kinds (raft brings KIND_SYSTEM's own). */
enum { KIND_SYSTEM = 1, KIND_NAMES = 2, KIND_NAMES_EXPIRY = 3, KIND_NAMES_META = 4, KIND_STORES = 16 };
extern const struct engine_tree_kind names_kinds[];
extern const size_t names_kind_count;

enum name_type { NAME_STRING = 1, NAME_SERIES = 2, NAME_GRAPH = 3 };

struct name_row {
    uint8_t type;       /* enum name_type; stores add theirs */
    int64_t expire_ms;  /* log time at which it is gone; 0 = never */
    uint64_t object;    /* id of the object behind it; 0 = none (a string) */
    struct slice value; /* a string's bytes; borrowed */
};

/*
 * A view of the name space: where to read and what time it is. Plain data, copied freely; borrows all.
 * Writing functions are for apply only: one thread, in log order; each batch holds one entry's effects, so a name
 * touched twice in an entry is the caller's care (names_batch_*).
 */
struct names_view {
    struct engine *engine;
    const struct engine_snapshot *snapshot; /* NULL = latest */
    uint64_t seed;
    int64_t log_time_ms; /* rows due by it are absent */
    int64_t clock_ms;    /* reads: rows due by it but not by log time set *late and are absent; 0 = don't look */
    bool memory_only;    /* WOULD_BLOCK instead of reading a file */
    bool *late;          /* may be NULL if clock_ms is 0 */
};

/*
 * What a store does when one of its names goes or changes: puts the change of the object's rows into the same batch,
 * O(1) or a few rows. `view` is the state before the entry; with view->memory_only it may answer WOULD_BLOCK, and the
 * operation is applied again after prefetch_object. Apply's thread, except prefetch_object: any, blocking, by view
 * alone. The batch may be dropped: what the store caches about the object goes at the call, and is not changed
 * otherwise.
 */
struct name_owner {
    uint8_t type;
    const char *name; /* what TYPE answers: "string" */
    /* NULL: has no objects */
    enum status (*delete_object)(void *context, const struct names_view *view, struct engine_batch *batch,
                                 uint64_t object);
    enum status (*delete_all)(void *context, struct engine_batch *batch);
    /* For a store whose rows hold the name, too; NULL: they don't. */
    enum status (*rename_object)(void *context, const struct names_view *view, struct engine_batch *batch,
                                 uint64_t object, struct slice new_name);
    /* Reads what delete_object and rename_object would read; NULL: nothing. */
    enum status (*prefetch_object)(void *context, const struct names_view *view, uint64_t object);
    void *context;
};

/* OK or NOT_FOUND (absent or due); WOULD_BLOCK, CORRUPT, IO. row->value is borrowed from *value, which the caller
 * releases after OK. */
MUST_CHECK enum status names_get(const struct names_view *view, struct slice name, struct name_row *row,
                                 struct engine_value *value);

/* Replaces *key by that of the name's row in TREE_NAMES, whether or not there is one. For tools. NO_MEMORY. */
MUST_CHECK enum status names_row_key(uint64_t seed, struct slice name, struct buf *key);

/* A hint: these names are asked for next (engine_touch). At most NAMES_TOUCH_MAX. */
enum { NAMES_TOUCH_MAX = 16 };
void names_touch(const struct names_view *view, const struct slice *names, size_t count);

/*
 * The names as one entry's operations leave them, before the batch is written: read-your-writes inside apply. What
 * changed is put into the batch once, by finish, in the order in which names were first touched. Reused from entry to
 * entry; apply's thread only.
 */
struct names_edit;
MUST_CHECK enum status names_edit_create(const struct name_owner *owners, size_t owner_count,
                                         struct names_edit **edit); /* owners borrowed */
void names_edit_destroy(struct names_edit *edit);                   /* NULL is allowed */
/* Forgets the last entry; view and batch are borrowed until finish. */
void names_edit_begin(struct names_edit *edit, const struct names_view *view, struct engine_batch *batch);
/* As names_get, with this entry's edits seen; row->value borrowed until the next begin. */
MUST_CHECK enum status names_edit_get(struct names_edit *edit, struct slice name, struct name_row *row);
/* Makes or replaces: keeps count and expiry index right; an object of the old row that is not row->object is deleted by
 * its owner. */
MUST_CHECK enum status names_edit_put(struct names_edit *edit, struct slice name, const struct name_row *row);
/* OK if it was there, else NOT_FOUND. */
MUST_CHECK enum status names_edit_delete(struct names_edit *edit, struct slice name);
/* The row of `from`, object and expiry included, becomes that of `to`; what `to` was is gone; the object's owner is
 * told (an object is renamed at most once in an entry). NOT_FOUND if `from` is absent. from != to. */
MUST_CHECK enum status names_edit_rename(struct names_edit *edit, struct slice from, struct slice to);
/* Puts all that changed, and the count, into the batch. */
MUST_CHECK enum status names_edit_finish(struct names_edit *edit);
/* Every name and every object; edits of this entry before it are forgotten. O(1). */
MUST_CHECK enum status names_edit_clear(struct names_edit *edit);
/* Takes up to `limit` index entries that are due; *reaped tells how many. */
MUST_CHECK enum status names_edit_reap(struct names_edit *edit, uint32_t limit, uint32_t *reaped);

/* Read, blocking, what an edit of this name, or names_edit_reap with this limit, would read; the objects behind too.
 * Any thread. */
MUST_CHECK enum status names_prefetch(const struct names_view *view, const struct name_owner *owners,
                                      size_t owner_count, struct slice name);
MUST_CHECK enum status names_prefetch_reap(const struct names_view *view, const struct name_owner *owners,
                                           size_t owner_count, uint32_t limit);

/* The number of names, due ones that were not reaped yet included (as Redis counts). */
MUST_CHECK enum status names_count(const struct names_view *view, uint64_t *count);
/* The earliest expiry in the index; NOT_FOUND when nothing expires. */
MUST_CHECK enum status names_next_expiry(const struct names_view *view, int64_t *expire_ms);

/*
 * Visits names in hash order from *cursor (0 = the start) until `limit` rows were looked at and no name of the last
 * hash is left; sets *cursor to where to go on, 0 at the end. Every name that is there from a full pass's start to its
 * end is visited at least once. visit's slices are borrowed for the call.
 */
MUST_CHECK enum status names_scan(const struct names_view *view, uint64_t *cursor, uint64_t limit,
                                  enum status (*visit)(void *context, struct slice name, const struct name_row *row),
                                  void *context);

/* Chained hash over every row that is not due, and the count: equal on replicas at the same index. Reads all. */
MUST_CHECK enum status names_hash(const struct names_view *view, uint64_t *hash);

#pragma GCC visibility pop

#endif
