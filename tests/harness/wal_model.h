/*
 * wal_model: what a log must hold, for the tests of the log. Record i (0..) has a size and content that follow from i
 * and the seed; so the model is two numbers, and any record that is lost, repeated, out of order or damaged shows.
 */
#ifndef TESTS_HARNESS_WAL_MODEL_H
#define TESTS_HARNESS_WAL_MODEL_H

#include "engine/wal.h"
#include "tools/sim/sim_io.h"

enum { WAL_MODEL_TYPES = 3 };

struct wal_model {
    uint64_t seed;
    size_t size_limit;  /* payloads are 8 .. size_limit bytes, small ones more often */
    uint64_t next;      /* number of the next record to append */
    uint64_t durable;   /* records below it were acknowledged as durable */
    uint64_t dropped;   /* records below it may be gone */
    struct buf payload; /* owned */

    /* of the last recovery */
    uint64_t seen_first, seen_next; /* numbers of records visited: [seen_first, seen_next) */
    uint64_t last_lsn;
    const char *wrong; /* NULL = all was as it must be */
};

void wal_model_init(struct wal_model *model, uint64_t seed, size_t size_limit);
void wal_model_deinit(struct wal_model *model);
/* Type and payload of record `number`; the slice lives until the next call. */
struct slice wal_model_record(struct wal_model *model, uint64_t number, uint8_t *type);
/* Appends the next record. */
enum status wal_model_append(struct wal_model *model, struct wal *wal, uint64_t *lsn);
/* Writes it by wal_put. */
enum status wal_model_put(struct wal_model *model, struct wal *wal, uint64_t *lsn);

/* Opens the log, collecting what it holds into seen_* and wrong. */
enum status wal_model_open(struct wal_model *model, struct io *io, const char *dir, const struct wal_options *options,
                           struct wal **wal, struct wal_recovery *recovery, struct error *error);
/* NULL, or what is wrong with what the last opening showed: all that is durable must be there, nothing that was not
 * appended. */
const char *wal_model_judge(const struct wal_model *model);
/* From now on the model is what was recovered: it has become durable, what lay behind was never there. */
void wal_model_adopt(struct wal_model *model);

/* A machine with a disk. */
struct wal_machine {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
};
void wal_machine_init(struct wal_machine *machine, uint64_t seed);
void wal_machine_deinit(struct wal_machine *machine);
/* The io ends (whatever runs on it must be closed) and a new one begins on what the disk has kept. */
void wal_machine_boot(struct wal_machine *machine);

#endif
