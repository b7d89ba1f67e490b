/*
 * survey: a node's directory as it lies on disk, also a damaged one, for those who look: the slots of its superblock,
 * the records of its log as far as they can be had, what its store was flushed with. Each part is read for itself and
 * none is judged by another. Nothing is written, no lock is taken; the node may run meanwhile: what it is writing may
 * look torn then, and what it has just dropped may be missing.
 *
 * Bytes: raft/log/FORMAT.md, engine/wal/FORMAT.md. All is blocking.
 */
#ifndef RAFT_SURVEY_H
#define RAFT_SURVEY_H

#include "engine/wal_salvage.h"
#include "raft/driver.h"

#pragma GCC visibility push(default)

enum { RAFT_SURVEY_MET_MAX = 16 };

struct raft_survey_slot {
    enum status status; /* OK; NOT_FOUND: never written; CORRUPT; VERSION. The rest only where OK */
    uint64_t generation;
    struct raft_identity identity;
    bool is_founder; /* made with the cluster, not added later */
    bool is_witness;
    uint64_t term, vote; /* vote 0 = none in this term */
    uint64_t engine_number, log_number;
    uint64_t log_from; /* records of the log below this position don't count */
    uint64_t log_start, log_start_term;
    uint64_t doubt_term; /* not 0: of what it acknowledged in terms up to this one, some is missing */
    uint64_t set_aside_store, set_aside_log; /* as in struct raft_driver_status */
    unsigned met_count;
    struct {
        uint64_t node_id, incarnation;
    } met[RAFT_SURVEY_MET_MAX];
};

struct raft_survey_superblock {
    uint64_t size_bytes;  /* of the file */
    uint64_t right_bytes; /* that it should have */
    struct raft_survey_slot slots[2];
    int counts; /* the slot that a start would believe; -1 = none, the node would not start */
};

/* OK also where no slot is sound. NOT_FOUND: there is no such file; IO, ... with words. */
MUST_CHECK enum status raft_survey_superblock(struct io *io, const char *dir, struct raft_survey_superblock *superblock,
                                              struct error *error);

/* What salts every check of a node's log: the owner of its segments. */
uint64_t raft_survey_log_owner(uint64_t node_id, uint64_t incarnation);
/* The directory of the log that has this number, and of the store. TOO_LARGE: the path is too long. */
MUST_CHECK enum status raft_survey_log_path(const char *dir, uint64_t number, char path[IO_PATH_BYTES]);
MUST_CHECK enum status raft_survey_store_path(const char *dir, uint64_t number, char path[IO_PATH_BYTES]);

enum raft_survey_kind {
    RAFT_SURVEY_ENTRY,
    RAFT_SURVEY_CUT,     /* entries from `index` on are gone */
    RAFT_SURVEY_COMMIT,  /* entries up to `index` were known to be committed */
    RAFT_SURVEY_STRANGE, /* its checks hold, but it is none of raft's */
};

struct raft_survey_record {
    enum raft_survey_kind kind;
    uint64_t lsn; /* segment << 32 | offset in the file */
    uint64_t index, term;
    enum raft_entry_kind entry_kind;
    struct slice bytes; /* of the entry; borrowed for the call */
};

struct raft_survey_visitor {
    /* Records in the log's order. */
    enum status (*record)(void *context, const struct raft_survey_record *record);
    /* Between the records before and behind it. */
    void (*lost)(void *context, const struct wal_loss *loss);
    /* What was told so far is told anew, now with what was lost. */
    void (*again)(void *context);
    void *context;
};

/* What an opening of the log would say. */
struct raft_survey_log {
    enum status status;           /* OK, or why the node would not open it */
    struct error error;           /* its words */
    struct wal_recovery recovery; /* torn_groups and torn_lsn: a tail that a start cuts */
};

/* Walks over the log in the directory `path`. OK also where it is damaged: *log tells. NOT_FOUND: no such directory;
 * VERSION, NO_MEMORY, IO, or what `record` answered. */
MUST_CHECK enum status raft_survey_log(struct io *io, const char *path, uint64_t owner,
                                       const struct raft_survey_visitor *visitor, struct raft_survey_log *log,
                                       struct error *error);

struct raft_survey_store {
    uint64_t index, term; /* up to which the store's files go; 0 = nothing was flushed yet */
    int64_t time_ms;
    bool has_configuration; /* of `index`; false: that of the founders still holds, or it could not be read */
    struct raft_configuration configuration;
};

/*
 * What the store of that number says of the log. machines: the node's table, borrowed. With a status of damage, *store
 * may hold the mark all the same, from the manifest alone. Tables are not read: engine_care_verify does.
 */
MUST_CHECK enum status raft_survey_store(struct io *io, const char *dir, uint64_t number,
                                         const struct state_machine *machines, size_t machine_count,
                                         struct raft_survey_store *store, struct error *error);

#pragma GCC visibility pop

#endif
