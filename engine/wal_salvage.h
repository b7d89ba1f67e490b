/*
 * wal_salvage: what is left of a log that wal_open refuses: segments whose header is damaged or can't be read, groups
 * behind a damaged place. For repairs, which must not take for the log's what never was or no longer is part of it
 * (engine/wal/FORMAT.md, "What can be had of a damaged log"), and for those who look.
 */
#ifndef ENGINE_WAL_SALVAGE_H
#define ENGINE_WAL_SALVAGE_H

#include "engine/wal_scan.h"

#pragma GCC visibility push(default)

/* A file that has a segment's name. */
struct wal_listed {
    const char *path; /* borrowed for the call */
    uint32_t number;  /* as its name says */
    uint64_t size;
    enum status status; /* of its header: OK, it is sound; what it says need not fit name, size and owner */
    struct wal_segment_header header;
    const char *why; /* borrowed for the call; "" where status is OK */
};
/* Tells of each, in ascending order of numbers. NOT_FOUND: there is no such directory; NO_MEMORY, IO. Blocking. */
MUST_CHECK enum status wal_list(struct io *io, const char *dir,
                                void (*visit)(void *context, const struct wal_listed *segment), void *context,
                                struct error *error);

struct wal_loss {
    const char *path;  /* of the segment; it need not be there */
    uint64_t from, to; /* offsets in the file */
    const char *what;
    bool costs_records; /* groups may be lost; false: a header alone, and groups say what it said */
};

struct wal_salvage_visitor {
    /* Each record whose group verifies, in the order of the log. A status that is not OK ends the walk with it. */
    enum status (*record)(void *context, const struct wal_record *record);
    /* Between the records before and behind, in the same order. */
    void (*lost)(void *context, const struct wal_loss *loss);
    void *context;
};

/*
 * Reads only. A record that comes behind a loss is one that the log held; whether it follows, on what came before or on
 * something else, is the visitor's to show. OK: all was visited; VERSION: a newer program has written it; NO_MEMORY.
 * Blocking.
 */
MUST_CHECK enum status wal_salvage(struct io *io, const char *dir, uint64_t owner,
                                   const struct wal_salvage_visitor *visitor, struct error *error);

#pragma GCC visibility pop

#endif
