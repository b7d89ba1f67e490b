/*
 * wal_internal: the log's state, shared by its files. wal_group builds a group in memory, wal_segment makes, recycles
 * and removes files, wal_writer appends and commits, wal_put writes a record at once, wal_reader reads back,
 * wal_recover opens.
 *
 * Whose is what: fields under "owner" belong to the thread that calls the log; fields under "shared" are the keeper
 * job's and readers', too, and stand under the mutex.
 */
#ifndef ENGINE_WAL_WAL_INTERNAL_H
#define ENGINE_WAL_WAL_INTERNAL_H

#include <stdatomic.h>

#include "engine/base/check.h"
#include "engine/base/list.h"
#include "engine/base/sync.h"
#include "engine/wal/wal_format.h"

enum {
    WAL_SPARES_MAX = 64,
    WAL_PINS_MAX = 64, /* distinct segments pinned at a time */
    WAL_FILL_CHUNK = 64 << 10,
    WAL_FILL_STEP_CHUNKS = 4,               /* of zeros that one step of the keeper writes */
    WAL_FILL_AHEAD_FIRST_BYTES = 256 << 10, /* of zeros that a durable commit writes ahead: doubled each time */
    WAL_FILL_AHEAD_MOST_BYTES = 8 << 20,
    WAL_IMAGE_FIRST_BYTES = 16 << 10,
    WAL_IMAGE_KEEP_BYTES = 1 << 20,
    WAL_PUT_MAX_BYTES = 4 << 10, /* payload that wal_put writes as a compact group; more costs little as another one */
    WAL_PUT_SECTORS = 10,        /* that it lies in at most */
    WAL_PUSH_BYTES = 4 << 20,    /* what was not synced goes out in such portions where syncs come, so that one finds
                                    little    to do */
    WAL_SYNCS_LAST_SEGMENTS = 2, /* how long durable commits are said to come after one did */
};

/* ---- A group in memory ------------------------------------------------------------------------------------------- */

/* Sectors as they will stand in the file, from the one in which the group begins to the end of the page in which it
 * ends. */
struct wal_image {
    struct list link;
    uint32_t segment;
    uint64_t segment_bytes;
    uint64_t begin, end; /* in the stream: of the header, and of what comes after the last record */
    uint64_t group;
    uint32_t count;
    uint64_t sum;
    size_t pending;     /* record bytes */
    bool closed;        /* takes no more records */
    struct buf sectors; /* its memory begins with a page */
};

/* Makes *image an empty group at that place. `shared`: the sector in which it begins, when an earlier group ends there,
 * else NULL. */
MUST_CHECK enum status wal_image_begin(struct wal_image *image, uint64_t owner, uint32_t segment,
                                       uint64_t segment_bytes, uint64_t begin, uint64_t group, const uint8_t *shared);
/* Whether a record with a payload of that size still finds room in the segment. */
bool wal_image_fits(const struct wal_image *image, size_t payload_bytes);
MUST_CHECK enum status wal_image_add(struct wal_image *image, uint64_t owner, uint8_t type,
                                     const struct wal_payload *payload, uint64_t *lsn);

struct wal_seal {
    uint64_t owner;
    uint64_t previous, durable;
    bool padded;
};
/* Ends the group: header, padding, stamps. What is to be written is wal_image_range. Never fails. */
void wal_image_seal(struct wal_image *image, const struct wal_seal *seal);
struct slice wal_image_range(const struct wal_image *image, uint64_t *offset);
/* The image's sector that holds a position, with its stamp. */
const uint8_t *wal_image_sector(const struct wal_image *image, uint64_t position);

/* ---- Files ------------------------------------------------------------------------------------------------------- */

struct wal_segment {
    struct list link;
    uint32_t number;
    uint32_t version;
    bool allocated; /* its blocks are, and were not written when it was made */
    bool unsynced;  /* owner: something stands in it that no sync has covered */
    uint64_t bytes;
    _Atomic uint64_t end; /* what counts of it, in the stream */
    struct io_file *file;
};

/* A new newest segment: asked for by the owner, carried out inline or by the keeper. */
struct wal_rotation {
    struct wal_segment_header header;
    struct wal_segment *made; /* out; NULL again once installed */
    enum status status;       /* out */
};

enum wal_rotation_state { WAL_ROTATION_NONE, WAL_ROTATION_ASKED, WAL_ROTATION_DONE };

struct wal_pin_count {
    uint32_t segment;
    uint32_t count;
};

struct wal {
    struct io *io;
    struct log *log;
    char dir[IO_PATH_BYTES];
    uint64_t owner;
    uint64_t segment_bytes;
    uint32_t version; /* of segments to come */
    bool loose;       /* they may be made while what stands before them is not durable */
    unsigned recycle_limit;
    size_t pending_limit;
    void (*on_commit)(void *context, enum status status, uint64_t durable_lsn);
    void *context;

    /* owner */
    struct list groups;       /* of struct wal_image, not written, oldest first; the one in flight is the first */
    struct list idle_images;  /* kept for reuse */
    struct wal_image *flight; /* being committed by wal_commit_start */
    uint32_t next_segment;    /* where the next group begins */
    uint64_t next_position;
    uint64_t next_bytes; /* of next_segment's file, there or planned; of no meaning while it is neither */
    uint64_t next_group;
    struct wal_segment *current; /* the newest file's; NULL = there is none */
    uint32_t current_segment;    /* its number */
    uint64_t current_end;        /* what is written of it, in the stream */
    uint64_t current_bytes;
    uint32_t current_version; /* of its format */
    uint64_t current_filled;  /* its blocks below this offset are written, not merely allocated */
    uint64_t fill_step;       /* bytes of zeros that the next durable commit behind it writes ahead */
    uint64_t pushed;          /* what the keeper was told to have written out of it, in the stream */
    bool spare_asked;         /* since it was installed */
    uint64_t last_group;      /* last written */
    uint64_t durable_group;
    bool unsynced;          /* something written since the last barrier, in any segment */
    atomic_bool syncs_come; /* durable commits were asked for lately: segments to come are written full of zeros, and
                               what is not synced is pushed */
    uint32_t sync_segment;  /* the newest one when that was */
    /* The sector of current_end, when that is inside one; and room for those that a compact group reaches. */
    uint8_t tail[WAL_PUT_SECTORS * IO_SECTOR_BYTES];
    enum status failed; /* not OK: read-only, and why */
    size_t pending;
    struct io_op op;
    uint64_t drop_below;   /* segment number asked for by wal_drop_before */
    bool dropped_unsynced; /* some that were dropped had not been synced, and may still have their names */
    struct wal_pin_count pins[WAL_PINS_MAX];
    unsigned pin_count;
    struct wal_stats stats;

    _Atomic uint64_t durable_lsn;

    /* shared */
    struct mutex mutex;
    struct condition changed;
    struct list live;    /* of struct wal_segment, by number */
    struct list dropped; /* no longer part of the log, still on disk, by number */
    uint32_t spares[WAL_SPARES_MAX];
    bool spare_allocated[WAL_SPARES_MAX]; /* as of a segment */
    unsigned spare_count;
    uint32_t spare_serial; /* for names of spares */
    struct io_job keeper;
    bool closing; /* wal_close has begun */
    bool keeper_runs;
    bool keeper_ended; /* its last step is over; in a loop keeper_runs stays until it was told */
    bool dropping;     /* the keeper is at one that it took from there */
    bool drop_paused;  /* a removal failed: not before the next call */
    bool fill_paused;  /* preparing a spare failed: not before the next rotation */
    bool wants_spare;
    struct io_file *pushing; /* of which [push_begin, push_end) is to go out; NULL = nothing */
    uint64_t push_begin, push_end;
    struct io_file *filling; /* the spare that is being prepared */
    bool filling_allocated;  /* the keeper's: it is not filled */
    uint64_t filled;
    struct wal_rotation rotation;
    enum wal_rotation_state rotation_state;
    uint64_t disk_bytes, created, recycled;
    _Atomic uint64_t file_syncs;
};

/* Lsn behind everything that ends at position: where the next record of a further group would stand. */
static inline uint64_t wal_end_lsn(uint32_t segment, uint64_t position) {
    return wal_lsn(segment, wal_item_start(position + WAL_GROUP_HEADER_BYTES));
}

enum { WAL_OPEN_FLAGS = IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_DIRECT | IO_OPEN_MAPPED };

enum { WAL_NAME_BYTES = 32 };
void wal_segment_name(char name[WAL_NAME_BYTES], uint32_t number);
void wal_spare_name(char name[WAL_NAME_BYTES], uint32_t serial);
/* False if it is not such a name: 8 hexadecimal digits and the suffix. */
bool wal_parse_name(const char *name, const char *suffix, uint32_t *number);
MUST_CHECK enum status wal_path(const struct wal *wal, const char *name, char path[IO_PATH_BYTES]);

/* The newest segment's file. */
static inline struct io_file *wal_current_file(const struct wal *wal) {
    return wal->current->file;
}
/* The newest segment now ends there. */
void wal_set_end(struct wal *wal, uint64_t position);

/*
 * A new newest segment from a spare, or zero-filled here and now. Blocking. NO_SPACE has changed nothing that counts;
 * after another failure what stands in the directory is still a sound log.
 */
MUST_CHECK enum status wal_make_segment(struct wal *wal, const struct wal_segment_header *header,
                                        struct wal_segment **made);
/* The header of the segment that is to follow the newest one. */
struct wal_segment_header wal_next_header(const struct wal *wal, uint32_t number, uint64_t bytes, uint64_t start_group);
/* Has the keeper write out what stands in the newest segment from wal->pushed on. */
void wal_push(struct wal *wal);
/* Durable commits are to come up to that offset: has the blocks behind it written, not merely allocated. Owner. */
MUST_CHECK enum status wal_fill_ahead(struct wal *wal, uint64_t end);
/* Makes it part of the log. */
void wal_install_segment(struct wal *wal, struct wal_segment *made);

/* Starts the keeper if there is something to do and it does not run. */
void wal_keeper_poke(struct wal *wal);
/* Until it has ended. */
void wal_keeper_wait(struct wal *wal);
/* The same, but only until a spare is there or none will come. Blocking owners only. */
void wal_keeper_wait_for_spare(struct wal *wal);
/*
 * What was dropped and never synced is gone for good, or synced: before that nothing behind it may be called durable,
 * since a name that a power cut brings back would be that of a segment with holes. Blocking owners only.
 */
MUST_CHECK enum status wal_forget_dropped(struct wal *wal);
/* The loop: the keeper's job has ended. */
void wal_keeper_done(struct io_job *job);
/* A rotation asked of the keeper has ended; wal_writer goes on. */
void wal_rotation_done(struct wal *wal);

/* Marks the log read-only and says why. */
enum status wal_fail(struct wal *wal, enum status status, const char *what);

/* What a commit that was not synced leaves to do: pages on their way, the next segment. */
void wal_after_unsynced(struct wal *wal);

/* An empty group, synced: bounds what came before. */
MUST_CHECK enum status wal_write_mark(struct wal *wal);

/*
 * The segments that make up the log, by their headers: the newest, the one that it names as the one before it, and so
 * on; oldest first. Those in between that none names are dead: they stood behind a hole, and the log went on without
 * them. `dead` is as long as `headers`; FAULTY: a segment is missing, `*missing` tells its number.
 */
MUST_CHECK enum status wal_chain_select(const struct wal_segment_header *headers, size_t count, bool *dead,
                                        uint32_t *missing);

/* Frees everything; files are closed, nothing is written. */
void wal_free(struct wal *wal);

#endif
