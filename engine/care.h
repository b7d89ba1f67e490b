/*
 * care: what is done to the directory of a store that nobody has open: verify, repair, backup and restore. None of the
 * store's kinds, merge operators or filters is needed: what files say of themselves is enough. For tools and for
 * owners' own programs.
 *
 * All calls block; one thread each. Findings and reports come through callbacks, as lines for people.
 */
#ifndef ENGINE_CARE_H
#define ENGINE_CARE_H

#include "engine/engine.h"

#pragma GCC visibility push(default)

struct care_verify_options {
    /* Both are called by one thread at a time, not always the same. */
    /* Each finding: file, offset, what is wrong with which keys, what to do. May be NULL. */
    void (*visit)(void *context, const struct engine_finding *finding);
    /* Now and then, while files are read. May be NULL. */
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes);
    void *context;
};

struct care_verify_report {
    uint64_t files, bytes, entries;  /* of tables that were read */
    uint64_t log_records, log_bytes; /* of the own log: bytes of payload */
    uint64_t value_files;            /* of values kept apart, that were read; their bytes count too */
    /* Tables and files of values that no edit names: an open removes them, unless a job of a running owner is about to
     * name or to remove them. */
    uint64_t orphans;
    /* The same that a running owner removed before they were read: not judged, and in no count. */
    uint64_t left;
    uint64_t findings;
    unsigned format_level; /* 0: the manifest can't be read */
};

/*
 * Reads everything: superblock, manifest, options, every byte of every table, the own log; and judges what they mean
 * together: counts, spans, sequences and filters against the entries, tables against the manifest, the manifest against
 * the directory, levels against one another. Tables are read by the caller and by a job beside it, so their findings
 * come in no order. Changes nothing and takes no lock. Beside a running owner a table that he removes meanwhile, and a
 * log that he cuts, are no findings: what does not fit is judged anew beside the newest manifest. OK, CORRUPT
 * (findings), NOT_FOUND (no store), or why it could not be done.
 */
MUST_CHECK enum status engine_care_verify(struct io *io, const char *dir, const struct care_verify_options *options,
                                          struct care_verify_report *report, struct error *error);

struct care_repair_options {
    bool dry_run; /* nothing is changed: the plan alone is told */
    /* What the device answers with an error instead of bytes counts as lost, sector by sector. Without it, a repair
     * ends at the first such answer. */
    bool unreadable_as_lost;
    /* The plan, line by line: what is kept, what is set aside and why, the manifest that is written. May be NULL. */
    void (*say)(void *context, const char *line);
    void *context;
};

struct care_repair_report {
    uint64_t kept, set_aside; /* tables */
    uint64_t log_records;     /* kept */
    bool log_was_cut;         /* it was damaged: what can't be kept is set aside with it */
    bool needed;              /* false: nothing had to be changed, and nothing was */
};

/*
 * Makes a store that opens of what is there. A manifest that reads to its end is believed, unless log or tables show
 * that its newest edits are lost; of a damaged one every edit that verifies is; without one, tables are placed by what
 * they say of themselves: where their keys and sequences overlap so that their order can't be told, the tables of that
 * tree are merged into new ones, by the sequence of each entry. Of a damaged table, which is read as a stream, the
 * blocks that verify come into a new one. Of a damaged log all that comes before the place is kept, and behind it what
 * goes on without a gap, from there or from the tables; what is lost is told by file and offsets. A damaged table, log
 * or manifest, and a table that is not needed, go to the folder `set-aside`; nothing is deleted. What is lost with a
 * block may uncover older versions of its keys: the plan says which spans. A repair that is cut can be run again, and
 * then comes to the same. Of a damaged file of values everything that verifies comes back to its keys; each key whose
 * value is lost is named, and becomes a delete of that version's sequence, so that no older value shows.
 *
 * Where the edit that made a tree is lost, its number is a guess (its kind's, and the plan says so) or, when no table
 * of it is left, the tree is unknown: what an own log writes by the right number goes into the tree that was given it,
 * or does not fit, and the store does not open until the log is set aside, too.
 *
 * A device that answers a read with an error has not said what stands there: the repair then ends with IO, names the
 * file, and has changed nothing, so that the directory can be copied to a sound device first. With unreadable_as_lost
 * it goes on, unless the most of more than half of the tables can't be read.
 *
 * The store is locked meanwhile; a dry run only looks whether somebody has it open. OK; IO; LOCKED; NOT_FOUND (no
 * store); UNSUPPORTED (no manifest tells where an owner's log goes on, or the one that did has lost an edit that may
 * have said so: a node is made anew from its peers).
 */
MUST_CHECK enum status engine_care_repair(struct io *io, const char *dir, const struct care_repair_options *options,
                                          struct care_repair_report *report, struct error *error);

/* ---- Statistics -------------------------------------------------------------------------------------------------- */

/* Of some tables, as the manifest counts them: every version is an entry, a delete too. */
struct care_sums {
    uint64_t files, bytes, entries, deletes, operands, range_deletes;
    uint64_t expiring_files; /* from which the filter will drop values by their time */
};

struct care_tree_stats {
    uint32_t tree, kind;
    struct care_sums sums;
};

struct care_stats {
    uint64_t sequence;
    struct engine_mark mark; /* what is in tables */
    unsigned format_level;
    uint64_t log_bytes; /* files of the own log */
    struct care_sums all, levels[ENGINE_LEVELS];
};

/*
 * What the store consists of, out of its manifest alone; visit (may be NULL) is called for each tree. Changes nothing
 * and takes no lock. NOT_FOUND, CORRUPT, VERSION, IO.
 */
MUST_CHECK enum status engine_care_stats(struct io *io, const char *dir, struct care_stats *stats,
                                         void (*visit)(void *context, const struct care_tree_stats *tree),
                                         void *context, struct error *error);

/* ---- Format level ------------------------------------------------------------------------------------------------ */

struct care_upgrade_report {
    unsigned from, to; /* the same: nothing was changed */
};

/*
 * engine_upgrade (engine.h) for a store that nobody has open (LOCKED otherwise): writes a manifest that requires the
 * level, and nothing else. A crash leaves the old level or the new one. INVALID: below the present level, or not known;
 * CORRUPT: the store is damaged: nothing was changed.
 */
MUST_CHECK enum status engine_care_upgrade(struct io *io, const char *dir, unsigned level,
                                           struct care_upgrade_report *report, struct error *error);
/* The present level. What care_upgrade answers when it can't be read. Takes no lock. */
MUST_CHECK enum status engine_care_format_level(struct io *io, const char *dir, unsigned *level, struct error *error);

/* ---- Backups ----------------------------------------------------------------------------------------------------- */

/*
 * A folder of backups holds directories 0000000001, 0000000002, ..: each is a whole store by itself, that could be
 * opened where it lies (do not: restore it). A table, or a file of values kept apart, that the backup before it has is
 * a hard link to that one's copy, so only new ones are copied, and removing any backup takes nothing from the others.
 * What was copied is read back and verified. A backup is made under the name NUMBER.new and renamed once all of it is
 * durable: it is there whole or not at all; leftovers go with the next one.
 */
struct backup_options {
    uint32_t keep;   /* afterwards the oldest go until so many are left; 0 = all stay */
    bool verify_all; /* also tables that are links to earlier copies are read */
};

struct backup_report {
    uint64_t number;
    uint64_t tables, linked_tables;
    uint64_t value_files, linked_value_files; /* of values kept apart */
    uint64_t copied_bytes, linked_bytes;
    uint64_t pruned; /* backups removed */
    struct engine_mark mark;
};

/*
 * Of a running store: everything written before the call (with the own log: it flushes first; with an owner's: up to
 * the last installed flush). Writes go on. Blocking; any thread; one backup into a folder at a time (LOCKED).
 */
MUST_CHECK enum status engine_backup(struct engine *engine, const char *folder, const struct backup_options *options,
                                     struct backup_report *report, struct error *error);
/* Of a store that nobody has open (LOCKED otherwise): its own log is copied as it is. */
MUST_CHECK enum status engine_care_backup(struct io *io, const char *dir, const char *folder,
                                          const struct backup_options *options, struct backup_report *report,
                                          struct error *error);

/* Calls visit for each whole backup, oldest first. NOT_FOUND: no folder. */
MUST_CHECK enum status engine_care_list_backups(struct io *io, const char *folder,
                                                enum status (*visit)(void *context, uint64_t number), void *context);

/* Makes `dir` (absent or empty) the store that backup `number` holds (0 = the newest), verified whole. Tables are
 * linked where the device allows it, else copied. */
MUST_CHECK enum status engine_care_restore(struct io *io, const char *folder, uint64_t number, const char *dir,
                                           struct error *error);

#pragma GCC visibility pop

#endif
