/*
 * store: the inside of struct engine, and what its parts offer one another. Private to engine/lsm.
 *
 * Locks, in the order in which they may be taken:
 *   install_lock  one change of the version at a time; held across the manifest's write and sync. Never taken by a
 * reader or a writer. mutex         everything in memory that changes; never held across I/O. table_lock, morgue.mutex,
 * views.mutex: leaves. Beside them the lead (lead.h): nobody waits for it with the mutex held but on a condition.
 */
#ifndef ENGINE_LSM_STORE_H
#define ENGINE_LSM_STORE_H

#include <stdatomic.h>

#include "engine/base/sync.h"
#include "engine/cache/memory.h"
#include "engine/lsm/budget.h"
#include "engine/lsm/company.h"
#include "engine/lsm/events.h"
#include "engine/lsm/format_level.h"
#include "engine/lsm/gap_search.h"
#include "engine/lsm/lead.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/mem.h"
#include "engine/lsm/superblock.h"
#include "engine/lsm/tables.h"
#include "engine/lsm/timing.h"
#include "engine/lsm/tree_table.h"
#include "engine/lsm/value_table.h"
#include "engine/lsm/version.h"
#include "engine/lsm/view.h"
#include "engine/lsm/warmer.h"
#include "engine/sst/sst_build.h"
#include "engine/sst/sst_read.h"
#include "engine/wal.h"

enum {
    STORE_FILE_RESERVE = 1024, /* file numbers that one edit sets aside */
    STORE_LEVEL_LAST = ENGINE_LEVELS - 1,
    STORE_VALUE_GARBAGE_PERCENT = 50, /* of a file of values: beyond it what is left is written anew */
};

struct engine_snapshot {
    struct list link;
    uint64_t sequence;
    struct engine_mark mark;
    struct view *view; /* of a reader beside a writer, which keeps nothing for it; else NULL */
    bool transaction;  /* what came after it must stay to be seen, too: see store_oldest_transaction */
};

struct flush;
struct compaction;
struct recovered;

/* Where a compaction will put files of any span within that of its inputs: an ingest keeps off. */
struct store_claim {
    uint32_t instance; /* 0 = none; STORE_CLAIM_ALL = it has not chosen yet */
    uint32_t level;
};
#define STORE_CLAIM_ALL UINT32_MAX

/* A background job: one step function, started when there is something to do, never twice at once. */
struct store_job {
    struct io_job job;
    bool running; /* mutex */
    bool again;   /* mutex: something came up while it ran */
};

/* Whether writes come (rest.c); mutex. */
struct rest {
    struct condition wake; /* the job that waits has something to look at */
    bool waits;            /* the compaction job has nothing to do but what waits until nobody writes */
    uint64_t sequence;     /* the last one seen */
    uint64_t since_ns;     /* when it was seen first */
    bool came;             /* the compaction job saw that nobody has written for a while: what that allows was tried */
};

struct store_counters {
    _Atomic uint64_t flushes, compactions, trivial_moves;
    _Atomic uint64_t user_bytes, flushed_bytes, compacted_read_bytes, compacted_written_bytes;
    _Atomic uint64_t delayed_ns, filter_asked, filter_negative;
    _Atomic uint64_t wal_commits, wal_syncs, wal_bytes;
    _Atomic uint64_t ingested_files, ingested_bytes;
    _Atomic uint64_t level_read[ENGINE_LEVELS], level_written[ENGINE_LEVELS];
    _Atomic uint64_t value_written_bytes, value_moved_bytes;
    _Atomic uint64_t dictionaries, dictionary_saved_bytes;
};

struct engine {
    struct io *io;
    struct log *log;
    char dir[IO_PATH_BYTES];
    struct engine_options options;          /* defaults filled in */
    struct io_lock *lock;                   /* of the directory */
    struct engine_tree_kind *strange_kinds; /* options.explains: owned; options.kinds then */
    bool tolerates;                         /* what can't be opened: options.explains, and it stayed so */
    struct sst_environment environment;
    struct memory memory;          /* who holds how much */
    struct mutex budget_lock;      /* budget.c */
    uint64_t cache_limit;          /* budget_lock: as it was set last */
    uint64_t memory_most;          /* budget_lock */
    uint64_t store;                /* its number: salts every check */
    _Atomic uint32_t format_level; /* of the manifest; changes under install_lock, upwards only */

    struct mutex mutex;
    struct condition changed; /* with mutex: room, an install, a job's end, a failure */
    uint64_t changes;         /* mutex: how often `changed` was signalled */

    /* Commit queue (write.c): mutex for the list; the rest is the leader's. */
    struct lead lead;
    struct company company;
    struct list writers;
    atomic_bool seal_wanted;     /* changed under mutex: seal when the present group ends */
    uint64_t cut_below;          /* mutex: the own log is to be cut below this; 0 = nothing to do */
    atomic_bool seal_due;        /* owner_seals: the owner is to do it now, there is room */
    uint64_t last_sequence;      /* given out */
    _Atomic uint64_t sequence;   /* published: readers see up to here */
    struct engine_mark applied;  /* leader */
    struct lead_mark shown;      /* applied and sequence, for all others */
    uint64_t paced_bytes;        /* leader: of the active memtable when pressure was computed last */
    _Atomic int64_t log_time_ms; /* applied.time_ms, for readers: not older than the state at `sequence` */
    struct wal *wal;             /* ENGINE_WAL_OWN; leader */
    uint64_t log_end;            /* leader: where the own log ends */

    /* What reads see. */
    struct view_table views;
    struct tree_table trees;
    uint32_t next_instance;              /* leader */
    struct mem *active;                  /* changes under mutex, by the leader */
    struct mem *sealed[VIEW_SEALED_MAX]; /* mutex; oldest first */
    uint32_t sealed_count;
    struct page_pool spare_runs; /* of memtables that were flushed, for those to come; none with a memory limit */
    struct warmer warmer;        /* of these */
    uint64_t mem_seed;
    struct list snapshots; /* mutex; by sequence, oldest first */
    uint64_t iterators;

    /* Pace and limits (pace.c). */
    _Atomic uint32_t pressure;
    _Atomic uint64_t pace_until_ns;
    _Atomic bool space_low;
    _Atomic uint64_t space_wanted; /* bytes for what met a full disk; 0 = the reserve alone counts */
    _Atomic uint64_t flush_passed; /* bytes of the oldest sealed memtable that its flush has passed, at least */
    _Atomic uint64_t debt;
    _Atomic uint64_t rest_debt; /* what compaction is going to move once nobody writes: no reason to slow a writer */
    atomic_bool scans_hurt;     /* a scan passed over many deletes: the compaction job looks for them */
    uint64_t level0_most;       /* mutex: files in the fullest level 0 */

    /* What is on disk (install.c). */
    struct mutex install_lock;
    struct manifest *manifest;     /* install_lock */
    uint64_t manifest_first_bytes; /* install_lock: length after its first edit */
    struct superblock superblock;  /* install_lock */
    uint64_t last_edit;            /* install_lock */
    struct version *version;       /* replaced under install_lock and mutex */
    struct engine_mark installed;  /* mutex */
    uint64_t installed_sequence;   /* mutex */
    uint32_t installed_instance;   /* install_lock: next_instance that the manifest knows */
    uint64_t next_file;            /* mutex */
    uint64_t reserved_file;        /* mutex: numbers below may be given out */
    uint64_t next_job;             /* mutex */
    struct morgue morgue;
    struct value_table values;
    struct mutex table_lock;     /* opening of SSTs, and taking them from their files */
    _Atomic uint64_t open_files; /* SSTs */
    uint64_t open_files_most;    /* these and files of values */
    struct list detached;        /* the sweep job's: SSTs to be closed (tables.c) */
    uint64_t detached_count;     /* table_lock */
    uint64_t detached_bytes;     /* table_lock */
    uint64_t table_hand;         /* table_lock */
    struct store_claim claim;    /* mutex: of the compaction under way */

    _Atomic uint64_t log_durable; /* ENGINE_WAL_OFF: index */
    _Atomic uint64_t flush_waits; /* index that a finished flush waits for; UINT64_MAX = none */

    /* What is known to be empty (gaps.h, gap_search.h). */
    struct gaps gaps;
    struct delete_run delete_run; /* leader */
    struct gap_search gap_search; /* of its job */

    struct store_job flush_job, compact_job, help_job, sweep_job, gap_job;
    struct flush *flush;           /* of the flush job */
    struct compaction *compaction; /* of the compaction job */
    struct compaction *merge;      /* mutex: the same, while its parts may be taken by the job that helps */
    bool merge_wait;               /* mutex: the compaction job waits for that one's step to end */
    struct rest rest;
    atomic_bool closing;
    enum status flush_status;   /* mutex: why the last flush was put off */
    unsigned compact_all;       /* mutex: callers of engine_compact that wait */
    uint64_t compact_rounds;    /* mutex: how often the job found nothing left, or gave up */
    enum status compact_status; /* mutex: of the last round */

    /* Of a reader beside a writer (refresh.c); install_lock. */
    uint64_t known_sequence;                       /* trees made and dropped up to here are in the table */
    uint64_t seen_generation, seen_manifest_bytes; /* of the manifest when it was last read */
    uint64_t seen_lsn;                             /* of the newest record in the memtable; 0 = none, or nobody knows */

    _Atomic int failed; /* enum status: not OK = read-only for good */
    struct mutex error_lock;
    struct error last_error, last_damage;
    struct store_counters counters;
    struct timing timing;
    struct events events;
};

/* ---- Failure (store.c) ------------------------------------------------------------------------------------------- */

/* Remembers what went wrong; any thread. */
void store_note_error(struct engine *engine, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, and the engine is read-only from now on. */
void store_fail(struct engine *engine, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool store_has_failed(const struct engine *engine) {
    return atomic_load_explicit(&engine->failed, memory_order_acquire) != STATUS_OK;
}
/* Whether bytes of this kind may be written: asked anew for each file or record, and never taken back. Any thread. */
static inline bool store_allows(const struct engine *engine, enum format_feature feature) {
    return atomic_load_explicit(&engine->format_level, memory_order_acquire) >= format_feature_level(feature);
}
const struct engine_tree_kind *store_kind(const struct engine *engine, uint32_t id); /* NULL: not in the options */
/* A job has read and written that much for a tree. Takes mutex. */
void store_charge_tree(struct engine *engine, uint32_t instance, uint64_t flushed, uint64_t read, uint64_t written);

static inline unsigned store_garbage_percent(const struct engine_tree_kind *kind) {
    return kind->value_garbage_percent ? kind->value_garbage_percent : STORE_VALUE_GARBAGE_PERCENT;
}

/* ---- Jobs (store.c) ---------------------------------------------------------------------------------------------- */

/* REQUIRES: mutex. Starts it, or has it look again when it is running. */
void store_job_start(struct engine *engine, struct store_job *job);
/* For a step that found nothing left to do: true if it may end now, false if something came up. Takes mutex. */
bool store_job_end(struct engine *engine, struct store_job *job);
/* REQUIRES: mutex. Tells all that wait. */
void store_signal(struct engine *engine);
/* REQUIRES: mutex. Waits for a change, or runs a step of somebody's job where there are no threads. */
void store_wait(struct engine *engine);

/* ---- Files (files.c) --------------------------------------------------------------------------------------------- */

/* The open SST of a file, opened if need be. WOULD_BLOCK with SST_MEMORY_ONLY. Stays while the caller holds the file.
 */
MUST_CHECK enum status store_open_file(struct engine *engine, struct file *file, unsigned flags, struct sst **sst);
/* Opens it beside the one that is open, and closes it again: what stands on disk now. Damage, with the place. */
MUST_CHECK enum status store_try_open_file(struct engine *engine, const struct file *file, struct error *error);
/* ---- Values kept apart (value_load.c) ---------------------------------------------------------------------------- */

/* The value that a REFERENCE entry of key names: *value is borrowed from *block, which carries a reference for the
 * caller. The caller holds a view, or a version, that has the entry's SST. flags: enum sst_read_flag. */
MUST_CHECK enum status store_load_value(struct engine *engine, struct slice reference, struct slice key, unsigned flags,
                                        struct block **block, struct slice *value);
/* The open reader of a file of values, with a reference for the caller (value_reader_close). WOULD_BLOCK with
 * SST_MEMORY_ONLY. The file is held, as above; the second knows it by its number. */
MUST_CHECK enum status store_open_values(struct engine *engine, struct value_file *file, unsigned flags,
                                         struct value_reader **reader);
MUST_CHECK enum status store_use_values(struct engine *engine, uint64_t number, unsigned flags,
                                        struct value_reader **reader);
/* From meta.values to file->uses; CORRUPT when one is not there. What was attached is detached before the file goes. */
MUST_CHECK enum status store_attach_values(struct engine *engine, struct file *file, struct error *error);
void store_detach_values(struct file *file);
/* The file comes into the present version, or goes from it. REQUIRES: install_lock (or recovery). */
void store_count_values(struct file *file, bool add);
/* Closes the files of values that nobody uses, and removes those that the present version does not live on. Blocking.
 */
void store_bury_values(struct engine *engine);

/* A number nobody ever had. Blocking: may write an edit that sets numbers aside. */
MUST_CHECK enum status store_take_file_number(struct engine *engine, uint64_t *number);
uint64_t store_take_job_number(struct engine *engine);
MUST_CHECK enum status store_file_path(const struct engine *engine, uint64_t number, char path[IO_PATH_BYTES]);
/* Frees what nobody refers to any more. Blocking; for the sweep, and where there is none. */
void store_sweep(struct engine *engine);
/* At close, when no view and no job is left: closes all files, removes the dead. */
void store_sweep_closed(struct engine *engine);
/* What a read goes by. */
struct store_read {
    struct view *view;       /* held until store_end_read */
    uint64_t sequence;       /* the view holds everything up to it */
    int64_t time_ms;         /* log time of the state: what expires is judged by it */
    const struct tree *tree; /* as of that sequence; NULL = there is none */
    bool borrowed;           /* the view is a snapshot's, which is released later */
};
/* snapshot NULL = the latest state. */
void store_begin_read(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                      struct store_read *read);
void store_end_read(struct engine *engine, const struct store_read *read);
/* Releases a view; starts the sweep if it was the last reference. */
void store_release_view(struct engine *engine, struct view *view);

/* ---- Sealing (seal.c). REQUIRES, all of them: mutex, and the lead ------------------------------------------------ */

/* Seals the active memtable and starts a flush; does nothing when it is empty. NO_MEMORY, BUSY (no room for another).
 */
MUST_CHECK enum status store_seal(struct engine *engine);
/* The same if it is full or a flush was asked, and sealing is not the owner's. */
void store_seal_if_full(struct engine *engine);
/* In two steps, with a batch between them that is to be its last: all that may fail comes first. NO_MEMORY, BUSY. */
struct store_sealing {
    struct mem *fresh;
    struct view *view;
};
MUST_CHECK enum status store_prepare_seal(struct engine *engine, struct store_sealing *sealing);
/* status: of the batch; not OK = the memtable stays. */
void store_end_seal(struct engine *engine, const struct store_sealing *sealing, enum status status);
/* Where the owner seals: whether it should. After anything that it hangs on has changed. */
void store_note_seal_due(struct engine *engine);
/* Another memtable may become active. Mutex alone will do. */
bool store_has_room(const struct engine *engine);
/* The active one has its size. Mutex alone will do. */
bool store_is_full(const struct engine *engine);

/* ---- Writing (write.c) ------------------------------------------------------------------------------------------- */

/*
 * A condition on which a batch is written, asked by the leader of the commit queue when all that is written before the
 * batch is applied, published or not: what is not OK is the write's answer. `view` has all of that. May read files; the
 * queue waits.
 */
struct store_check {
    enum status (*ask)(void *context, const struct view *view);
    void *context;
};
/* engine_write with a condition; check NULL = none. */
MUST_CHECK enum status store_write_checked(struct engine *engine, struct engine_batch *batch,
                                           const struct engine_write_options *options, const struct store_check *check);

/* REQUIRES: mutex, and the lead, which ends: what was asked for meanwhile is done, and the first of the queue has it
 * next. */
void store_end_lead(struct engine *engine);

/* Calls act as leader of the commit queue: with the mutex, which it may give up, and no batch is applied meanwhile.
 * Returns its status. */
MUST_CHECK enum status store_lead_alone(struct engine *engine, enum status (*act)(void *context), void *context);

/* ---- Snapshots (snapshot.c) -------------------------------------------------------------------------------------- */

/* The sequences that reads may still ask with, ascending, in an array that the caller frees; *count 0 and NULL when
 * there are none. */
MUST_CHECK enum status store_snapshots(struct engine *engine, uint64_t **sequences, size_t *count);

/* NULL when out of memory. `transaction`: its commit will ask which keys were written since. */
struct engine_snapshot *store_snapshot_acquire(struct engine *engine, bool transaction);
/* The sequence of the oldest transaction's snapshot; 0 = there is none. Folding keeps the newest version of each key
 * above a snapshot, deletes too; what drops files whole must ask here. */
uint64_t store_oldest_transaction(struct engine *engine);

/* ---- Installing (install.c) -------------------------------------------------------------------------------------- */

/* What a job made of files: becomes one edit and one new version. The edit's lists of files are filled from the
 * changes. */
struct install {
    struct edit edit;
    struct version_change *changes; /* owned; holds no references */
    size_t count, capacity;
    /* An ingest: everything before it is installed, and it takes this sequence; 0 = none. */
    uint64_t sequence;
    /* Called first of all under install_lock: may add changes that hang on what the version is then. May be NULL. */
    enum status (*complete)(struct install *install, const struct version *version, void *context);
    void *context;
};
void install_init(struct install *install, enum edit_cause cause);
void install_deinit(struct install *install);
MUST_CHECK enum status install_add(struct install *install, struct file *file, uint32_t level,
                                   const struct engine_tree_kind *kind);
MUST_CHECK enum status install_remove(struct install *install, struct file *file, uint32_t level);
/*
 * Writes the edit, durably, and makes the new version present. Removed files that were not added again are dead.
 * `flushed` (may be NULL) is the oldest sealed memtable, which goes. NO_MEMORY, NO_SPACE and INVALID change nothing;
 * another failure makes the engine read-only.
 */
MUST_CHECK enum status store_install(struct engine *engine, struct install *install, struct mem *flushed);
/* Lets the files of dropped trees go that only a snapshot kept. Blocking; what fails now is done by a later install. */
void store_drop_departed(struct engine *engine);
/* Fills an edit with all there is: kinds, trees, files, marks, counters. REQUIRES: install_lock (or recovery). */
MUST_CHECK enum status store_describe(struct engine *engine, const struct version *version, struct edit *edit);
/* Begins a new manifest under the next generation. REQUIRES: install_lock (or recovery). */
MUST_CHECK enum status store_roll_manifest(struct engine *engine);
/* The same in parts, of which the second, which waits for the device, may be another thread's, as long as nothing is
 * installed and the present manifest and superblock stay. What it says is settled by the first. */
struct manifest_roll {
    struct superblock next;
    struct edit edit;
    struct manifest *manifest; /* owned; NULL = not begun */
    enum status status;
};
void store_roll_begin(struct engine *engine, struct manifest_roll *roll);
void store_roll_write(struct engine *engine, struct manifest_roll *roll);
MUST_CHECK enum status store_roll_end(struct engine *engine, struct manifest_roll *roll); /* from here on it counts */

/* ---- Recovery (recover.c) ---------------------------------------------------------------------------------------- */

/* *options_differ: options_compare's answer, asked once the level is known and before anything is written. */
MUST_CHECK enum status store_recover(struct engine *engine, bool *options_differ, struct error *error);
/* Its parts, for a reader that looks again (refresh.c). The manifest that the superblock names, added up; the
 * superblock goes to engine->superblock. */
MUST_CHECK enum status store_load_manifest(struct engine *engine, struct recovered *recovered, struct error *error);
/* A version of what is recovered; files that are in engine->version already are taken from there. Trees are known. */
MUST_CHECK enum status store_load_files(struct engine *engine, struct recovered *recovered, struct version **version,
                                        struct error *error);
/* Calls visit for each record of the own log, which is opened, and stays open unless the engine is read_only. from_lsn
 * (0 = all), before_change (may be NULL): see wal_options. */
MUST_CHECK enum status store_read_log(struct engine *engine, uint64_t from_lsn,
                                      enum status (*visit)(void *context, const struct wal_record *record),
                                      enum status (*before_change)(void *context), void *context, struct error *error);

/* ---- Jobs' steps ------------------------------------------------------------------------------------------------- */

enum io_job_state flush_step(struct io_job *job);
enum io_job_state compaction_step(struct io_job *job);
enum io_job_state compaction_help_step(struct io_job *job); /* compact_split.c */
enum io_job_state sweep_step(struct io_job *job);
void flush_abandon(struct engine *engine);      /* at close */
void compaction_abandon(struct engine *engine); /* at close */
/* Looks whether anything was written, so that it is known since when not. Cheap; for jobs, a step at a time. */
void rest_note(struct engine *engine);
/* For the compaction job (rest.c). True: nobody has written for a while. */
bool rest_has_come(struct engine *engine);
/* Nothing is due: true if the job should stay, to do later what is owed at rest. Tells those that wait for its end. */
bool rest_begin_wait(struct engine *engine);
/* While it stays: true if it should come again; waits itself, until there is something to look at. False: there may be
 * something to do. */
bool rest_goes_on(struct engine *engine);
/* A scan passed over many deletes or expired values: has them brought down, as far as that pays. Cheap; any thread. */
void compaction_note_deletes(struct engine *engine);

/* ---- Pace (pace.c) ----------------------------------------------------------------------------------------------- */

/* Computes pressure anew. REQUIRES: mutex. */
void pace_update(struct engine *engine);
/* The same, and what compaction owes; after the version changed. REQUIRES: mutex. */
void pace_recount(struct engine *engine);
/* Waits as pressure asks for `bytes` more, or answers BUSY. */
MUST_CHECK enum status pace_admit(struct engine *engine, uint64_t bytes, bool no_wait);
/* Something met a full disk and needs about that much: ordinary writes are refused until it is there. 0: was done
 * since.
 */
void pace_note_full(struct engine *engine, uint64_t wanted);
/* Asks the device how much is free; sets space_low. Starts what was put off when there is room again. Blocking. */
void pace_check_space(struct engine *engine);

#endif
