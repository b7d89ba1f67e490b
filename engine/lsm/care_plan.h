/*
 * care_plan: what a repair has found and what it makes of it. Filled by care_repair.c (what is there), care_device.c
 * (what the device does not give), care_place.c
 * (which table goes where), care_merge.c (tables made of others), care_lost.c (values kept apart), care_log.c (the own
 * log).
 */
#ifndef ENGINE_LSM_CARE_PLAN_H
#define ENGINE_LSM_CARE_PLAN_H

#include "engine/care.h"
#include "engine/lsm/care_salvage.h"
#include "engine/lsm/care_values.h"
#include "engine/lsm/table_row.h"
#include "engine/sst/sst_read.h"

#define FILE_NAME_LOG_COPY "wal.repaired" /* the own log in the making */

enum table_fate {
    TABLE_KEPT,
    TABLE_DAMAGED,  /* set aside */
    TABLE_OBSOLETE, /* no part of the state: set aside */
    TABLE_MERGED,   /* its content is in a new one: set aside */
};

struct care_table_plan {
    struct edit_file meta; /* keys lie in the salvage's arena; of a damaged one perhaps only the number */
    enum table_fate fate;
    bool known;       /* an edit that stands names it: its level is right */
    bool rewrite;     /* values that it refers to are lost, or lie in damaged files: it is made anew where it stands */
    bool from_blocks; /* damaged: its sound blocks are made a new table first of all, which takes this row */
    uint64_t lost_values;
    uint32_t kind;                             /* of its tree */
    unsigned filter_bits, filter_prefix_bytes; /* that it was built with */
    size_t dictionary_bytes;                   /* of its dictionary; 0 = it has none */
    size_t block_bytes;                        /* of its data blocks, about; 0 = not known */
    const char *why;                           /* static; of one that is not kept */
};

struct care_plan {
    struct io *io;
    const char *dir;
    const struct care_repair_options *options;
    struct sst_environment environment;
    struct salvage salvage;
    uint64_t store;
    uint64_t generation; /* highest that was seen */
    bool manifest_is_sound;
    bool any_damaged;            /* tables */
    char refused[IO_PATH_BYTES]; /* the file whose read ended the repair; "" = none */
    size_t dead_tables;          /* of which the device does not give the most */
    struct care_table_plan *tables;
    size_t count, capacity;
    uint64_t highest; /* number in the directory */

    struct care_sink sink; /* tells damage of files */
    struct care_values values;
    bool values_differ;  /* tables refer to other values than their edits say, or to some that are lost */
    uint64_t lost_found; /* values named as lost of which another table knew a copy */

    /* The own log. */
    bool has_log;
    bool log_is_copy; /* a repair was cut between its two moves: the log is still called wal.repaired */
    bool log_is_damaged;
    uint64_t log_records;
    uint64_t tables_end; /* the highest sequence in tables, as it was when the log was read */
    uint64_t ambiguous;  /* entries of two tables that claim the same place */
};

void care_say(const struct care_plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));
MUST_CHECK enum status care_plan_add(struct care_plan *plan, const struct care_table_plan *table);

/*
 * The device answered a read of `path` with an error. IO: the repair ends; OK: what it does not give is lost, as the
 * caller asked for. Of a table: whether that is the most of it.
 */
MUST_CHECK enum status care_refused(struct care_plan *plan, const char *path);
MUST_CHECK enum status care_table_refused(struct care_plan *plan, const char *path, bool most);
/* Reads superblock, manifests and log (log_dir may be NULL), which are small, so that nothing is made of a part of them
 * unawares. What care_refused answers. */
MUST_CHECK enum status care_probe_device(struct care_plan *plan, const char *log_dir);
/* A manifest as far as it can be read, zeros for the rest. NOT_FOUND, TOO_LARGE, NO_MEMORY, IO. */
MUST_CHECK enum status care_read_manifest(struct care_plan *plan, uint64_t number, struct buf *to);
/* At the end of the looking, with its status: puts into words why it ended, or ends it as most tables are out of reach.
 */
MUST_CHECK enum status care_judge_device(const struct care_plan *plan, enum status status, struct error *error);

/* Gives each kept table a level at which reads are right, or has the tables of a tree merged: *merges says of how many
 * trees. Changes nothing on disk. */
MUST_CHECK enum status care_place(struct care_plan *plan, bool *merges);
/* Tables with fate KEPT and level CARE_LEVEL_MERGE become new ones in the last level, synced; they are MERGED then. So
 * do those to be rewritten, each on its own level. A value that is lost becomes a delete of its sequence. */
enum { CARE_LEVEL_MERGE = ENGINE_LEVELS };
MUST_CHECK enum status care_merge(struct care_plan *plan, struct error *error);

/*
 * Of a damaged table whose meta has number and identity (named: an edit says all of it): where something of it is
 * sound, it is KEPT with from_blocks, and the keys that are lost are told. Changes nothing on disk. NO_MEMORY; IO: what
 * care_refused says.
 */
MUST_CHECK enum status care_blocks_judge(struct care_plan *plan, bool named, struct care_table_plan *table);
/* Writes those tables, synced; the damaged ones are MERGED then. */
MUST_CHECK enum status care_blocks_make(struct care_plan *plan);
/* As a table tells of itself how it was built, for what is made of it. */
void care_keep_building(const struct sst_properties *properties, struct care_table_plan *table);
/* What a table that is made of `like` gets, but for identity and origin. */
struct sst_build_options care_build_options(const struct care_plan *plan, const struct care_table_plan *like);
/* Copies the keys of meta to where they stay. NO_MEMORY. */
MUST_CHECK enum status care_keep_keys(struct care_plan *plan, struct edit_file *meta);

/* Of a table that stays: counts what it refers to into its meta, names the keys whose values are lost, and sets
 * `rewrite`. NO_MEMORY; what else reading the table answers. */
MUST_CHECK enum status care_judge_values(struct care_plan *plan, const char *path, struct care_table_plan *table);
/* Adds the files of values that tables which stay refer to. */
MUST_CHECK enum status care_list_values(struct care_plan *plan, struct edit *edit);
/* All other files of values get a second name in `aside`, before the manifest counts: an open after a cut would remove
 * them. Then they leave the first one. */
MUST_CHECK enum status care_link_values_aside(struct care_plan *plan, const char *aside);
MUST_CHECK enum status care_set_values_aside(struct care_plan *plan, const char *aside, uint64_t *count);

/* The directory of the log, or of its copy where that is the log; TOO_LARGE. */
MUST_CHECK enum status care_log_path(const struct care_plan *plan, char path[IO_PATH_BYTES]);
/* Whether the log, if there is one, goes on where the salvage ends; a damaged one does as far as it reads. */
MUST_CHECK enum status care_log_follows(const struct care_plan *plan, bool *follows);
/* Reads the own log as far as it is sound; sets the salvage's mark to where it goes on behind the tables. */
MUST_CHECK enum status care_read_log(struct care_plan *plan, struct error *error);
/* A damaged log: its sound records into a new one; the old directory is moved to `aside`. */
MUST_CHECK enum status care_rewrite_log(struct care_plan *plan, const char *aside, struct error *error);

#endif
