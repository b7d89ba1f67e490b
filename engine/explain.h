/*
 * explain: what a get or a scan did, step by step, told by the very code that answers it; and what became of a key over
 * time, out of manifest, tables and log. For tools.
 *
 * A store is opened for it with read_only and explains (engine.h): a table that is damaged or gone then fails the reads
 * that need it, not the opening. Nothing is written, no lock is taken. Any bytes on disk are safe.
 */
#ifndef ENGINE_EXPLAIN_H
#define ENGINE_EXPLAIN_H

#include "engine/engine.h"

#pragma GCC visibility push(default)

/* ---- Steps of a read --------------------------------------------------------------------------------------------- */

enum engine_step_kind {
    ENGINE_STEP_MEMTABLE, /* one is asked: memtable, entries. A get: `hit`: its filter lets the key pass; a scan: `hit`:
                             it has something of the tree */
    ENGINE_STEP_LEVEL,    /* one that has files: level, count; `hit`: one of them, at least, may hold what is wanted */
    ENGINE_STEP_FILE,     /* looked at: level, file, answer */
    ENGINE_STEP_OPEN,     /* its table was not open: file, status, ns */
    ENGINE_STEP_COVER,    /* range deletes of the memtable or file asked last cover the key: sequence of the newest */
    ENGINE_STEP_FILTER,   /* of the file: `hit`: it may have the key; count: bits per key, 0 = it has no filter */
    ENGINE_STEP_INDEX,    /* of the file: `at`: the one block, of count, that may hold it; count = behind the last */
    ENGINE_STEP_BLOCK,    /* is looked into: file, at, offset, bytes as stored, from, ns, status */
    ENGINE_STEP_STRETCH, /* of a file, read ahead for a scan, several blocks at once: file, offset, bytes, ns, status */
    ENGINE_STEP_VERSION, /* of the key: sequence, entry, value, effect; from the memtable or file asked last */
    ENGINE_STEP_ENTRY,   /* a scan stands at it: key, sequence, entry, value, effect, file or memtable */
    ENGINE_STEP_VALUE,   /* kept apart: file (of values), offset, bytes, from, ns, status */
    ENGINE_STEP_FOLD,    /* operands are folded onto what is older: count, status */
};

enum engine_step_answer {
    ENGINE_FILE_CANDIDATE, /* its span has the key; it is asked if nothing newer decides */
    ENGINE_FILE_ASKED,
    ENGINE_FILE_OUTSIDE, /* its span has nothing of what is wanted */
    ENGINE_FILE_NEWER,   /* all of it is newer than the state that is read */
    ENGINE_FILE_PREFIX,  /* its filter: no key of it begins so */
    ENGINE_FILE_HIDDEN,  /* a newer range delete hides all of it */
};

enum engine_step_from { ENGINE_FROM_CACHE, ENGINE_FROM_FILE, ENGINE_FROM_STRETCH };

enum engine_step_entry { ENGINE_ENTRY_DELETE, ENGINE_ENTRY_PUT, ENGINE_ENTRY_MERGE, ENGINE_ENTRY_APPEND };

enum engine_step_effect {
    ENGINE_EFFECT_SHOWN,   /* the value, or what operands are folded onto */
    ENGINE_EFFECT_OPERAND, /* is gathered; an older version is looked for */
    ENGINE_EFFECT_DELETED, /* it is a delete: there is nothing older to see */
    ENGINE_EFFECT_COVERED, /* a newer range delete hides it */
    ENGINE_EFFECT_OLDER,   /* a scan: a version behind the one that counts */
    ENGINE_EFFECT_NEWER,   /* a scan: newer than the state that is read */
    ENGINE_EFFECT_EXPIRED, /* a scan: its time is over */
};

enum { ENGINE_MEMTABLE_NONE = UINT32_MAX };

/* Which members mean something: see the kinds; the others are 0. Slices are borrowed for the call. */
struct engine_step {
    enum engine_step_kind kind;
    enum status status;
    bool hit;
    enum engine_step_answer answer;
    enum engine_step_from from;
    enum engine_step_entry entry;
    enum engine_step_effect effect;
    bool apart;        /* VERSION, ENTRY: value is a reference to a file of values */
    uint32_t memtable; /* 0 = the active one, 1.. = sealed ones, newest first; ENTRY: NONE = of a file */
    uint32_t level;
    uint64_t file;
    uint64_t entries, file_bytes;           /* of the memtable, of the file */
    uint64_t first_sequence, last_sequence; /* FILE */
    struct slice first, last;               /* FILE: its span, */
    bool has_last;                          /* to the end of the tree without */
    uint32_t at, count;                     /* of blocks, files, operands, bits */
    uint64_t offset, bytes, ns;
    uint64_t sequence;
    struct slice key, value;
};

struct engine_watch {
    void (*told)(void *context, const struct engine_step *step);
    void *context;
    enum engine_step_from from; /* the engine's own */
};

/* From now on engine_explain_get, and iterators that are opened, tell their steps; watch is borrowed until another one,
 * or NULL, is given. One thread, and nobody else reads meanwhile. */
void engine_explain(struct engine *engine, struct engine_watch *watch);
/*
 * Calls visit with each table that could not be opened when the store was, or at a read since: where it belongs, and
 * why, with its place in the words; keys are borrowed for the call. Blocking: opens it once more.
 */
struct engine_damaged_file {
    uint32_t tree, level;
    uint64_t file, bytes, entries, first_sequence, last_sequence;
    struct slice first, last; /* its span, */
    bool has_last;            /* to the end of the tree without */
    const char *why;
};
void engine_explain_damaged(struct engine *engine, void (*visit)(void *context, const struct engine_damaged_file *file),
                            void *context);
/* As engine_get of the latest state. */
MUST_CHECK enum status engine_explain_get(struct engine *engine, uint32_t tree, struct slice key,
                                          struct engine_value *value);

/* ---- Every version of the keys of a range ------------------------------------------------------------------------ */

/*
 * Tells every version that memtables and tables hold of the tree's keys from `lower` on, up to `upper`, which is not in
 * it: source by source, the newest first. Steps: MEMTABLE (memtable; `hit`: it has something of the tree), or FILE
 * (ASKED: its span has something of the range); then BLOCK (at, count, offset, bytes) before what stands in it; ENTRY
 * (key, sequence, entry, value, apart, place), keys ascending, each key's newest version first; effect as far as the
 * version alone decides it: COVERED by a range delete that can be read, else SHOWN, DELETED or OPERAND.
 *
 * What can't be read is told and passed over: OPEN of a table, BLOCK (first, last: its entries lie behind the one,
 * empty = the beginning, and up to the other), both with their status; engine_last_error has the words then. visit's
 * status, if not OK, ends it. INVALID: no such tree. NO_MEMORY. Blocking.
 */
MUST_CHECK enum status engine_explain_versions(struct engine *engine, uint32_t tree, struct slice lower,
                                               struct slice upper,
                                               enum status (*visit)(void *context, const struct engine_step *step),
                                               void *context);

/* ---- What became of a key ---------------------------------------------------------------------------------------- */

enum engine_history_kind {
    ENGINE_HISTORY_MANIFEST, /* is read: path, edit (its first), last_edit; before that nothing is known of files */
    ENGINE_HISTORY_EDIT,     /* one with a mark, or that touches what may hold the key; what it did follows then */
    ENGINE_HISTORY_TREE,     /* made, or dropped with all that it held: added */
    ENGINE_HISTORY_FILE,     /* whose span has the key: came to its level, or went from it: added */
    ENGINE_HISTORY_TABLE, /* one is asked: path, file, status, why; named: the manifest has it now; certain: all of the
                             manifest was read, else edits that are lost may say otherwise */
    ENGINE_HISTORY_VERSION, /* that the table holds: sequence, entry, value; at, offset, bytes: of its block */
    ENGINE_HISTORY_COVER,   /* the newest range delete of the table over the key: sequence */
    ENGINE_HISTORY_DAMAGE, /* why: file, place and what is wrong, in words; status; certain: it is not the manifest's */
};

/* Borrowed for the call; what does not belong to the kind is 0. */
struct engine_history_event {
    enum engine_history_kind kind;
    enum status status;
    const char *path, *why;
    uint64_t store; /* MANIFEST: the number of the store, which owns its log */
    uint64_t edit, last_edit;
    const char *cause; /* "flush", "compaction", ... */
    uint64_t job;      /* 0 = none; numbers begin anew with each opening */
    int64_t time_ms;   /* log time; 0 = not told */
    bool has_mark, touches, added, named, certain, has_last, apart;
    struct engine_mark mark; /* of the edit: all up to here is in tables */
    uint64_t last_sequence;  /* of the mark, of the file */
    uint64_t file, file_bytes, entries, first_sequence;
    uint32_t level;
    struct slice first, last;
    uint64_t sequence;
    enum engine_step_entry entry;
    struct slice value;
    uint32_t at;
    uint64_t offset, bytes;
};

/*
 * Tells what manifest and tables of the store in `dir` say of a key, oldest edit first, then table by table: those that
 * the manifest names, newest level first, then any other that lies there. No engine is opened: damage of one file is
 * told, and the others are read. visit's status, if not OK, ends it. BUSY: a running owner changed the store meanwhile:
 * forget what was told and call again. NOT_FOUND (no store), NO_MEMORY, IO: *error has words. Blocking.
 */
MUST_CHECK enum status engine_explain_history(struct io *io, const char *dir, uint32_t tree, struct slice key,
                                              enum status (*visit)(void *context,
                                                                   const struct engine_history_event *event),
                                              void *context, struct error *error);

/* Whether the superblock and the manifests and tables that lie beside it are of one store. OK, also where none can be
 * read; MISMATCH: *error says which is another's. Blocking. */
MUST_CHECK enum status engine_explain_superblock(struct io *io, const char *dir, struct error *error);

/* Whether the manifest, which reads to its end, seems to have lost its newest edits, so that tables are missed that
 * were merged. OK, also where it can't be read; CORRUPT: *error says which file, and why. Blocking. */
MUST_CHECK enum status engine_explain_manifest(struct io *io, const char *dir, struct error *error);

/* An operation in a record of the engine's own log that touches the key: batches are numbered as marks are. */
struct engine_batch_event {
    struct engine_mark mark;
    uint64_t sequence;
    bool range; /* a range delete, or the tree is dropped or made: `words` */
    const char *words;
    struct slice value;
};
/* Which batch a record of the own log is. CORRUPT, VERSION. Pure. */
MUST_CHECK enum status engine_batch_mark(struct slice record, struct engine_mark *mark);
/* CORRUPT, VERSION: no batch. Pure. */
MUST_CHECK enum status engine_explain_batch(struct slice record, uint32_t tree, struct slice key,
                                            void (*visit)(void *context, const struct engine_batch_event *event),
                                            void *context);

/* What a batch does, operation by operation, as whoever wrote it asked for it. Borrowed for the call. */
enum engine_operation_kind {
    ENGINE_OPERATION_PUT,
    ENGINE_OPERATION_DELETE,
    ENGINE_OPERATION_DELETE_RANGE,
    ENGINE_OPERATION_MERGE,
    ENGINE_OPERATION_APPEND,
    ENGINE_OPERATION_CREATE_TREE,
    ENGINE_OPERATION_DROP_TREE,
};
struct engine_operation {
    enum engine_operation_kind kind;
    uint32_t tree;
    struct slice key;   /* DELETE_RANGE: where it begins */
    struct slice value; /* DELETE_RANGE: its end; empty: to the end of the tree */
};
/* visit's status, if not OK, ends it. INVALID: no batch that engine_batch_put and its kin made. Pure. */
MUST_CHECK enum status engine_walk_batch(const struct engine_batch *batch,
                                         enum status (*visit)(void *context, const struct engine_operation *operation),
                                         void *context);
/* The same of a record of the own log; *mark: its. CORRUPT, VERSION: no batch; operations before the place were told.
 * Pure. */
MUST_CHECK enum status engine_walk_record(struct slice record, struct engine_mark *mark,
                                          enum status (*visit)(void *context, const struct engine_operation *operation),
                                          void *context);

#pragma GCC visibility pop

#endif
