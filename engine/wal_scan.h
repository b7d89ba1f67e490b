/*
 * wal_scan: what the bytes of one log segment mean. Pure: a slice in, groups and a verdict out; no files, any bytes are
 * safe. Recovery, the inspector and the fuzzer read segments through this and through nothing else. Bytes and rules:
 * engine/wal/FORMAT.md.
 *
 * A scan goes from group to group. A group is handed out only when all of it verifies: stamps, place, order, every
 * record and the sum.
 */
#ifndef ENGINE_WAL_SCAN_H
#define ENGINE_WAL_SCAN_H

#include "engine/base/buf.h"
#include "engine/base/error.h"
#include "engine/wal.h"

#pragma GCC visibility push(default)

struct wal_segment_header {
    uint32_t version;
    uint32_t segment; /* number, and generation of the stamps */
    uint64_t owner;
    uint64_t segment_bytes;
    uint64_t start_group;       /* no group in it is lower */
    uint64_t predecessor_end;   /* lsn at which the segment before ends; 0 = there is none */
    uint64_t predecessor_group; /* the last group before this segment; 0 = none */
    uint64_t durable; /* version 3: highest group known to be durable when it was made; else predecessor_group */
};

/* `page` is the first IO_PAGE_BYTES of a file. SYNTAX: not a segment (another magic, too short); VERSION; CORRUPT. */
MUST_CHECK enum status wal_segment_header_decode(struct slice page, struct wal_segment_header *header,
                                                 struct error *error);

enum wal_sector_class {
    WAL_SECTOR_ZERO,  /* never written */
    WAL_SECTOR_STALE, /* never written since the file was recycled: a sound stamp of an older generation */
    WAL_SECTOR_OWN,   /* a sound stamp of this generation */
    WAL_SECTOR_BAD,   /* neither */
};
struct wal_sector {
    enum wal_sector_class class;
    uint32_t generation;
    uint64_t group;
    bool after_durable; /* all groups before `group` were durable when it was written */
};
/* Sector `index` of the segment's file (the header page is 0..7). */
struct wal_sector wal_sector_classify(const struct wal_segment_header *header, uint64_t index,
                                      const uint8_t sector[IO_SECTOR_BYTES]);

struct wal_group {
    uint64_t lsn;     /* of its header; of its record when it is compact */
    uint64_t end_lsn; /* of what comes after it */
    uint64_t group;
    uint64_t previous; /* the group before it */
    uint64_t durable;  /* highest group known to be durable when it was written */
    uint64_t sum;
    uint32_t count;  /* records */
    bool padded;     /* fills its last page: written to be durable */
    bool compact;    /* one record and no header: number, previous and durable are told by what stands around it */
    uint64_t begin;  /* the scan's: position in the byte stream */
    uint64_t length; /* bytes of the stream */
};

enum wal_verdict {
    WAL_FOUND_GROUP, /* *group holds the next one */
    WAL_FOUND_END,   /* what follows was never written (or, in a sealed segment: the end was reached exactly) */
    WAL_FOUND_TORN,  /* what follows is the rest of a group that was never durable, as far as this segment tells: in a
                        sealed one, ask the later ones, too (wal_scan_proves) */
    WAL_FOUND_FAULTY,
    WAL_FOUND_UNREAD, /* what follows is not there yet: see wal_scan_have */
};

/* A sector that was classified; index 0 = none. */
struct wal_scan_known {
    uint64_t index;
    struct wal_sector sector;
};
enum { WAL_SCAN_KNOWN = 4 };

struct wal_scan {
    struct slice bytes; /* borrowed: the whole file */
    struct wal_segment_header header;
    uint64_t position;       /* in the byte stream: what is below is sound */
    uint64_t limit;          /* where the segment ends */
    uint64_t ready;          /* what is below was read; UINT64_MAX = all of the file */
    bool sealed;             /* its successor says where it ends */
    uint64_t sealed_group;   /* and which group is its last */
    uint64_t sealed_durable; /* and up to which group nothing may be missing */
    uint64_t last_group;
    uint64_t highest_group;    /* seen in any stamp or header, torn ones included */
    uint64_t durable;          /* highest group that is known to be durable */
    uint64_t durable_position; /* below it is durable for sure */
    struct buf scratch;
    struct wal_scan_known known[WAL_SCAN_KNOWN];
    uint64_t checked_lsn;   /* of the group that was handed out last; 0 = none */
    struct wal_record only; /* its last record, */
    uint64_t only_end;      /* which ends there in the byte stream */

    /* set by TORN and FAULTY, and by END when a damaged sector stands in never-written space */
    const char *what;  /* NULL = nothing to say */
    uint64_t at;       /* offset in the file */
    uint64_t at_group; /* 0 = unknown */
};

/*
 * `bytes` is the file, whose header has been decoded. successor is the header of the next segment, or NULL for the
 * newest one. CORRUPT when header and file contradict each other.
 */
MUST_CHECK enum status wal_scan_init(struct wal_scan *scan, struct slice bytes, const struct wal_segment_header *header,
                                     const struct wal_segment_header *successor, struct error *error);
void wal_scan_deinit(struct wal_scan *scan);
/* For a file that is scanned while it is read: its first `size` bytes are there now. Until it is told so of all of
 * them, wal_scan_next gives UNREAD where it would need more, and may be asked again once there are. */
void wal_scan_have(struct wal_scan *scan, uint64_t size);
/* NO_MEMORY is the only failure. After a verdict other than GROUP and UNREAD the scan has ended. */
MUST_CHECK enum status wal_scan_next(struct wal_scan *scan, enum wal_verdict *verdict, struct wal_group *group);

/*
 * The records of a group that wal_scan_next has handed out, one by one: *at starts as 0 and is the walk's own. END
 * after the last. The payload is borrowed from the scan until its next call.
 */
MUST_CHECK enum status wal_scan_record(struct wal_scan *scan, const struct wal_group *group, uint64_t *at,
                                       struct wal_record *record);

/*
 * A segment behind one that lacks groups after `group`: does it prove that any of them was durable, by its header, a
 * stamp or a group's header? *highest is raised to the highest group that a sound stamp names.
 */
bool wal_scan_proves(struct slice bytes, const struct wal_segment_header *header, uint64_t group, uint64_t *highest);

/* Position in the byte stream -> offset in the file, and back (an offset inside a stamp or the header page gives
 * false). */
uint64_t wal_offset_of(uint64_t position);
bool wal_position_of(uint64_t offset, uint64_t *position);

#pragma GCC visibility pop

#endif
