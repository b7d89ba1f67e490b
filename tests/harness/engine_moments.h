/*
 * engine_moments: what an engine is at when an I/O comes, so that a sweep can tell which cases it reached: by the
 * engine's events (why a job runs), by the call and its file, and by what the test says that it does. An I/O may belong
 * to several.
 */
#ifndef TESTS_HARNESS_ENGINE_MOMENTS_H
#define TESTS_HARNESS_ENGINE_MOMENTS_H

#include "engine/io.h"
#include "tools/sim/sim_disk.h"

enum moment {
    MOMENT_OPENING,
    MOMENT_LOG,     /* of the engine's own */
    MOMENT_FLUSH,   /* files of a flush */
    MOMENT_MERGE,   /* files of a compaction, whatever for */
    MOMENT_EXPIRY,  /* ... because a filter drops from its inputs */
    MOMENT_SCANS,   /* ... because scans pass over deletes */
    MOMENT_DELETES, /* ... because a file is mostly deletes */
    MOMENT_RANGES,  /* ... because range deletes cover files; its edit, too */
    MOMENT_SWITCH,  /* ... after an opening with other policies */
    MOMENT_PINNED,  /* ... beside a snapshot */
    MOMENT_FIFO,    /* files that go by their age */
    MOMENT_CAPPED,  /* files that go since there are too many bytes */
    MOMENT_MANIFEST,
    MOMENT_ROLL,       /* a new manifest takes over while the store is open */
    MOMENT_SUPERBLOCK, /* the switch to it */
    MOMENT_REMOVAL,    /* of files that nobody reads any more */
    MOMENT_TRANSACTION,
    MOMENT_INGEST,
    MOMENT_CHECKPOINT,
    MOMENT_BACKUP,
    MOMENT_UPGRADE,
    MOMENT_COUNT
};
const char *moment_name(enum moment moment);

/* One life; all zero at its start. */
struct moments {
    bool is_opening, policies_changed;
    unsigned snapshots;   /* held */
    enum moment activity; /* MOMENT_TRANSACTION and those after it; 0 = none of them */
    /* From the events. */
    bool flushes, merges, drops, drops_by_bytes;
    enum moment why; /* of the merge; MOMENT_MERGE = for its size or on demand */
    /* From the calls. */
    char manifest[IO_PATH_BYTES];
    bool rolls;
};

/* Options' on_event; context is the moments. */
void moments_event(void *context, const char *line);
/* Before an opening: jobs of the life before it are over. */
void moments_open(struct moments *moments, bool policies_changed);
/* At an I/O: a bit for each moment. */
uint32_t moments_at(struct moments *moments, enum sim_disk_call call, const char *path);

#endif
