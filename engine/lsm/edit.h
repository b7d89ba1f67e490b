/*
 * edit: one change of what a store consists of: which files, which trees, up to which mark. A manifest is a log of
 * edits; an edit takes effect as a whole. Bytes: FORMAT.md, "edit".
 *
 * Plain data. Keys and names are borrowed: from the decoded bytes, or from whoever built the edit.
 */
#ifndef ENGINE_LSM_EDIT_H
#define ENGINE_LSM_EDIT_H

#include "engine/base/fields.h"
#include "engine/engine.h"

/* Why an edit was made. Stored on disk: never renumber. */
#define EDIT_CAUSE_LIST(X)                                                                                             \
    X(1, CREATE, "create")         /* the first of a store */                                                          \
    X(2, SNAPSHOT, "snapshot")     /* the whole state, at the head of a manifest */                                    \
    X(3, FLUSH, "flush")           /* memtables became files */                                                        \
    X(4, COMPACTION, "compaction") /* files became others */                                                           \
    X(5, MOVE, "move")             /* files went a level down, unread */                                               \
    X(6, DROP, "drop")             /* files went whose content is all deleted, unread */                               \
    X(7, RESERVE, "reserve")       /* file numbers set aside */                                                        \
    X(8, CHECKPOINT, "checkpoint") /* the first of a store made from another */                                        \
    X(9, INGEST, "ingest")         /* files that were built outside came in */                                         \
    X(10, UPGRADE, "upgrade")      /* the format level went up */

enum edit_cause {
#define X(number, name, text) EDIT_##name = number,
    EDIT_CAUSE_LIST(X)
#undef X
};
const char *edit_cause_name(uint8_t cause); /* "unknown" */

struct edit_kind {
    uint32_t id;
    struct slice name;
    struct slice merge;  /* the operator's name; empty = none */
    struct slice filter; /* empty = none */
};

/* A tree that came to be. An instance is one life of a tree: dropped and made again under the same id it is another.
 * Instances are never reused. */
struct edit_tree {
    uint32_t instance;
    uint32_t tree;
    uint32_t kind;
};

struct edit_file {
    uint64_t number;
    uint64_t store; /* that built it: with the number the identity of its blocks */
    uint32_t instance;
    uint32_t level;
    uint64_t bytes;
    struct slice first; /* first <= every key, range deletes included */
    struct slice last;  /* empty and has_last false: to the end of the tree */
    bool has_last;
    bool last_exclusive;
    uint32_t codec;
    uint64_t entries, deletes, operands, range_deletes;
    uint64_t
        hidden; /* versions behind a newer put or delete of their key: only snapshots kept them. 0 also = not known */
    uint64_t first_sequence, last_sequence;
    int64_t created_ms; /* log time */
    int64_t oldest_ms;  /* log time of the oldest data in it */
    int64_t
        droppable_ms; /* log time from which rewriting it pays, because the filter drops from it; INT64_MAX = never */

    /* Of a file that was built outside and ingested; 0, 0 of any other. */
    uint64_t sequence; /* that all of it has: it stands with 0 in the file */
    uint64_t built_as; /* its number where it was built: with `store` its identity */

    struct slice values; /* what of which files of values it refers to: engine/lsm/value_table.h; empty = nothing */
};

/* Its number where it was built: with `store` the identity of its blocks. */
static inline uint64_t edit_file_identity(const struct edit_file *file) {
    return file->built_as ? file->built_as : file->number;
}

/* A file of values kept apart. It is there as long as an SST refers to it: there is no field that removes one. */
struct edit_value_file {
    uint64_t number;
    uint64_t store; /* that built it */
    uint32_t instance;
    uint64_t bytes;
    uint64_t records;
};

struct edit_removed {
    uint64_t number;
    uint32_t instance;
    uint32_t level;
};

struct edit {
    uint64_t number; /* 1 higher than the one before; goes on through snapshots */
    uint8_t cause;   /* enum edit_cause */
    uint64_t job;    /* number of the flush or compaction; 0 = none */
    int64_t time_ms; /* log time */

    uint32_t format_level; /* that a reader must know from here on (format_level.h); 0 = as before */

    bool has_mark;
    struct engine_mark mark; /* all up to here is in files */
    uint64_t last_sequence;  /* the highest that the mark covers */

    uint64_t next_file;     /* no number at or above was ever given; 0 = as before */
    uint32_t next_instance; /* the same for instances; 0 = as before */

    struct edit_kind *kinds;
    struct edit_tree *created;
    uint32_t *dropped; /* instances; takes effect after `created` */
    struct edit_file *added;
    struct edit_removed *removed;        /* takes effect before `added` */
    struct edit_value_file *value_files; /* takes effect before `added` */
    size_t kind_count, created_count, dropped_count, added_count, removed_count, value_file_count;
    size_t kind_capacity, created_capacity, dropped_capacity, added_capacity, removed_capacity, value_file_capacity;
};

void edit_init(struct edit *edit, enum edit_cause cause);
void edit_deinit(struct edit *edit);

/* NO_MEMORY leaves the edit as it was. */
MUST_CHECK enum status edit_add_kind(struct edit *edit, const struct edit_kind *kind);
MUST_CHECK enum status edit_create_tree(struct edit *edit, const struct edit_tree *tree);
MUST_CHECK enum status edit_drop_tree(struct edit *edit, uint32_t instance);
MUST_CHECK enum status edit_add_file(struct edit *edit, const struct edit_file *file);
MUST_CHECK enum status edit_add_value_file(struct edit *edit, const struct edit_value_file *file);
MUST_CHECK enum status edit_remove_file(struct edit *edit, const struct edit_removed *removed);

/* Appends the bytes of edit. */
MUST_CHECK enum status edit_encode(const struct edit *edit, struct buf *to);
/*
 * Reads untrusted bytes into an edit that edit_init made. CORRUPT; VERSION when a required field or feature is not
 * known: *error names it. The caller deinits in any case.
 */
MUST_CHECK enum status edit_decode(struct slice bytes, struct edit *edit, struct error *error);

/* An edit's bytes field by field, for tools. */
void edit_describe(struct fields *fields);

#endif
