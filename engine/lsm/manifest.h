/*
 * manifest: the log of edits. Bytes and rules: FORMAT.md, "manifest" and "superblock".
 *
 * An edit fills whole sectors, each with a check that covers its place, and starts on a page of its own. One edit is
 * written and synced before the next, so only the last one can be torn; everything else that does not verify is damage,
 * and is told from a torn tail because a sector holds its old bytes (zeros) or its new ones, nothing between.
 *
 * Writer: one thread at a time (the install lock). After a failed append the file is not written again.
 */
#ifndef ENGINE_LSM_MANIFEST_H
#define ENGINE_LSM_MANIFEST_H

#include "engine/io.h"
#include "engine/lsm/edit.h"

enum {
    MANIFEST_MAX_BYTES = 1 << 30, /* a larger one is refused: it is not ours */
    MANIFEST_SECTOR_PAYLOAD = IO_SECTOR_BYTES - 32,
    MANIFEST_EDIT_MAX_BYTES = 512 << 20,
};

/* Which manifest: salts every check. */
struct manifest_id {
    uint64_t store;
    uint64_t number;     /* of the file */
    uint64_t generation; /* of the superblock that names it */
};

struct manifest;

/*
 * Makes the file and its first edit (the whole state), durable but for the name: io_dir_sync is the caller's. On
 * failure nothing is open; the file may be there.
 */
MUST_CHECK enum status manifest_create(struct io *io, const char *dir, const struct manifest_id *id,
                                       const struct edit *first, struct manifest **manifest);
/* Durable when OK. edit->number is one higher than that of the last. After NO_SPACE, NO_MEMORY and TOO_LARGE the
 * manifest is as before, and may be appended to; after any other failure it is READ_ONLY. */
MUST_CHECK enum status manifest_append(struct manifest *manifest, const struct edit *edit);
uint64_t manifest_bytes(const struct manifest *manifest);
void manifest_close(struct manifest *manifest); /* NULL is allowed */

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

struct manifest_recovery {
    struct manifest_id id; /* as the header has it */
    uint64_t edits;
    uint64_t end; /* offset behind the last whole edit's page */
    bool torn;    /* an edit at `end` was begun and never acknowledged */
};

enum manifest_sector_state { MANIFEST_SECTOR_EMPTY, MANIFEST_SECTOR_VALID, MANIFEST_SECTOR_BAD };

/* One sector of an edit, as its head says; for recovery and for the inspector. */
struct manifest_sector {
    uint64_t edit;
    uint32_t index; /* in the edit */
    uint32_t count; /* sectors of the edit */
    uint32_t used;  /* bytes of payload */
    struct slice payload;
};
/* bytes: IO_SECTOR_BYTES of them. `at` is the sector's number in the file. */
enum manifest_sector_state manifest_sector_parse(const struct manifest_id *id, uint64_t at, const uint8_t *bytes,
                                                 struct manifest_sector *sector);
/* The header sector alone. CORRUPT, VERSION. */
MUST_CHECK enum status manifest_header_parse(struct slice bytes, struct manifest_id *id, struct error *error);

/*
 * Parses a whole manifest, untrusted, and calls visit for each edit in order (borrowed for the call); a status of visit
 * that is not OK ends it. `expected` NULL = whatever the header says. Everything below durable_bytes must verify.
 * CORRUPT with offset, VERSION, MISMATCH (not the expected one), NO_MEMORY.
 */
MUST_CHECK enum status manifest_parse(struct slice bytes, const struct manifest_id *expected, uint64_t durable_bytes,
                                      enum status (*visit)(void *context, const struct edit *edit, struct error *error),
                                      void *context, struct manifest_recovery *recovery, struct error *error);
/* The same from the file; *error names it. */
MUST_CHECK enum status manifest_read(struct io *io, const char *dir, const struct manifest_id *expected,
                                     uint64_t durable_bytes,
                                     enum status (*visit)(void *context, const struct edit *edit, struct error *error),
                                     void *context, struct manifest_recovery *recovery, struct error *error);

/* The whole content of a file into *to. TOO_LARGE over limit. */
MUST_CHECK enum status file_read_all(struct io *io, const char *path, uint64_t limit, struct buf *to);

#endif
