/*
 * sim_disk: a disk that keeps exactly what engine/io.h promises, and no more.
 *
 * It holds directories and files. Beside what a running program sees, it knows for every sector, size and name what
 * would surely survive a loss of power; sim_disk_cut takes back any part of the rest. Faults are switched on one by
 * one; every random choice comes from the disk's own seed, so that the same calls on the same seed give the same bytes.
 *
 * Pages are shared copy-on-write: sim_disk_clone costs no copy of content, so a test can cut the power of a clone at
 * every single I/O of one run of the original.
 *
 * Used through struct io (sim_io.h); the calls below are for tests and for the world. One thread.
 */
#ifndef TOOLS_SIM_SIM_DISK_H
#define TOOLS_SIM_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/slice.h"
#include "engine/base/status.h"
#include "engine/io.h"

struct sim_disk;

struct sim_disk *sim_disk_create(uint64_t seed);
void sim_disk_destroy(struct sim_disk *disk);
/*
 * The same content, synced and unsynced, with a seed of its own, powered on, without open files, locks, faults and
 * counters.
 */
struct sim_disk *sim_disk_clone(const struct sim_disk *disk, uint64_t seed);

/* ---- Power ------------------------------------------------------------------------------------------------------- */

enum sim_cut {
    SIM_CUT_NONE,   /* nothing unsynced survives */
    SIM_CUT_ALL,    /* everything does, as when only the process dies */
    SIM_CUT_RANDOM, /* each unsynced sector, size and name for itself, so that writes tear at sector bounds */
    SIM_CUT_ASTRAY, /* the same, and one of the unsynced writes went astray (sim_disk_misdirect) */
};

/* The power goes. What is left is what the disk holds from now on; programs that ran on it get IO for every call. */
void sim_disk_cut(struct sim_disk *disk, enum sim_cut cut);
/*
 * Cuts in the midst of the n-th I/O from now (1 = the next one): it may have happened in part. 0 takes the order back.
 */
void sim_disk_cut_at(struct sim_disk *disk, uint64_t nth, enum sim_cut cut);
bool sim_disk_is_powered(const struct sim_disk *disk);
void sim_disk_power_on(struct sim_disk *disk);

/* ---- Counting ---------------------------------------------------------------------------------------------------- */

enum sim_disk_call {
    SIM_DISK_OPEN,
    SIM_DISK_READ,
    SIM_DISK_WRITE,
    SIM_DISK_SYNC,
    SIM_DISK_TRUNCATE,
    SIM_DISK_REMOVE,
    SIM_DISK_RENAME,
    SIM_DISK_LINK,
    SIM_DISK_DIR_MAKE,
    SIM_DISK_DIR_SYNC,
    SIM_DISK_DIR_LIST,
    SIM_DISK_STAT,
    SIM_DISK_CALL_COUNT
};
const char *sim_disk_call_name(enum sim_disk_call call);

struct sim_disk_stats {
    uint64_t calls[SIM_DISK_CALL_COUNT];
    uint64_t ios; /* the sum */
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t faults; /* calls that were made to fail, lie or miss */
    uint64_t torn;   /* pages of which a cut kept some of the unsynced sectors and not the others */
};
void sim_disk_stats(const struct sim_disk *disk, struct sim_disk_stats *stats);

/*
 * Called before each I/O takes place. It may clone the disk, look at it and order a cut; it may not use an io on this
 * disk.
 */
typedef void sim_disk_watch(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path);
void sim_disk_set_watch(struct sim_disk *disk, sim_disk_watch *watch, void *context);

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

struct sim_disk_faults {
    uint32_t read_error_ppm;  /* IO, of a million reads */
    uint32_t write_error_ppm; /* IO; any part of it may have been written */
    uint32_t sync_error_ppm;  /* IO; see below */
    uint32_t name_error_ppm;  /* IO for open with CREATE, rename, link, remove, dir_make, dir_sync: not done */
    uint32_t misdirect_ppm;   /* a write lands elsewhere in the same or another file, and OK is answered */
    uint32_t lost_write_ppm;  /* a write does not happen, and OK is answered */
    bool sync_lies;           /* syncs of files answer OK and make nothing durable */
    uint64_t capacity_bytes;  /* NO_SPACE beyond, in pages of files; 0 = without bound */
};
void sim_disk_set_faults(struct sim_disk *disk, const struct sim_disk_faults *faults);
void sim_disk_get_faults(const struct sim_disk *disk, struct sim_disk_faults *faults);

/*
 * The n-th I/O from now fails with `status` (IO or NO_SPACE), and with `forever` each one after it, too. 0 takes the
 * order back. A failed write may be done in part, a failed sync forgets which of the unsynced sectors the device took:
 * some are durable, the others never become so, however often a later sync answers OK; reads see them until the power
 * goes, or at once no longer.
 */
void sim_disk_fail_at(struct sim_disk *disk, uint64_t nth, enum status status, bool forever);
/* True once the ordered failure was delivered. */
bool sim_disk_has_failed(const struct sim_disk *disk);

/* The next write fails as above, once. */
void sim_disk_fail_write(struct sim_disk *disk);
/* The next sync of a file, or write with sync, fails as above, once. */
void sim_disk_fail_sync(struct sim_disk *disk);
/* Takes the order back; true if it was carried out. */
bool sim_disk_take_sync_failure(struct sim_disk *disk);

/* ---- Damage: done now, to what is stored ------------------------------------------------------------------------- */

enum sim_damage {
    SIM_DAMAGE_FLIP,       /* one bit */
    SIM_DAMAGE_ZERO,       /* the sector reads as zeros */
    SIM_DAMAGE_UNREADABLE, /* reads that touch the sector answer IO until it is written */
};
/* NOT_FOUND if the file has no such offset. */
MUST_CHECK enum status sim_disk_damage(struct sim_disk *disk, const char *path, uint64_t offset,
                                       enum sim_damage damage);
/*
 * Damages a sector with content, drawn among all files whose path contains `part` ("" = any), and says where. NOT_FOUND
 * if there is none.
 */
MUST_CHECK enum status sim_disk_damage_any(struct sim_disk *disk, const char *part, enum sim_damage damage, char *path,
                                           size_t path_size, uint64_t *offset);

/* A write that went astray: where it landed, and what it was. */
struct sim_stray {
    char from[IO_PATH_BYTES]; /* the file that it was meant for */
    uint64_t from_offset;
    char path[IO_PATH_BYTES]; /* the file that it hit */
    uint64_t offset;
    size_t size;
    bool zeros; /* a sector of it, at least, is nothing but zeros */
};
/*
 * Of the writes that are not durable yet one went astray: a run of its sectors, drawn, stands over stored sectors of
 * another place in the same or another file, durably, and its own place will never have it. For the moment before a
 * cut. False if nothing is unsynced.
 */
bool sim_disk_misdirect(struct sim_disk *disk, struct sim_stray *stray);
/* What the last cut of kind SIM_CUT_ASTRAY sent astray, told once; false: nothing. */
bool sim_disk_take_stray(struct sim_disk *disk, struct sim_stray *stray);

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

uint64_t sim_disk_used_bytes(const struct sim_disk *disk);
uint64_t sim_disk_unsynced_sectors(const struct sim_disk *disk);
/* A hash over all names and contents as a running program sees them. */
uint64_t sim_disk_hash(const struct sim_disk *disk);
/* Calls visit for each file, in order of path. */
void sim_disk_walk(const struct sim_disk *disk, void (*visit)(void *context, const char *path, uint64_t size),
                   void *context);

#endif
