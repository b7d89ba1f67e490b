/*
 * care_state: what a directory's superblock and manifest say, without an engine: for verify, repair and backup.
 */
#ifndef ENGINE_LSM_CARE_STATE_H
#define ENGINE_LSM_CARE_STATE_H

#include "engine/care.h"
#include "engine/lsm/recovered.h"
#include "engine/lsm/superblock.h"
#include "engine/sst/sst_read.h"

struct care_state {
    struct io *io;
    const char *dir; /* borrowed */
    struct superblock superblock;
    bool slot_damaged; /* one of the superblock's two */
    struct recovered recovered;
};

/* Before anything is made there, a lock file too: NOT_FOUND where neither a superblock nor a manifest nor a table lies.
 */
MUST_CHECK enum status care_find_store(struct io *io, const char *dir, struct error *error);

/* deinit in any case. NOT_FOUND without a superblock; what else reading the two answers, with words. */
MUST_CHECK enum status care_state_load(struct care_state *state, struct io *io, const char *dir, struct error *error);
void care_state_deinit(struct care_state *state);

/* The files of a state as an array, the caller's to free: by instance, level, first key (level 0: newest first). */
MUST_CHECK enum status care_state_files(const struct recovered *recovered, struct edit_file **files, size_t *count);

/* The log's directory; TOO_LARGE. */
MUST_CHECK enum status care_log_dir(const char *dir, char path[IO_PATH_BYTES]);

/* A key for people: bytes that are no plain text as \\xNN; a long one is cut and ends in "..". Returns text. */
enum { CARE_KEY_TEXT_BYTES = 256 };
const char *care_key_text(struct slice key, char text[CARE_KEY_TEXT_BYTES]);

/* Takes what is wrong with one table. */
struct care_sink {
    void (*find)(void *context, const char *path, uint64_t offset, const char *text);
    void *context;
};
/*
 * Opens and reads one table whole. meta (may be NULL): what the manifest says of it, which is compared; without, the
 * table's own word counts. *entries (may be NULL) is set. OK, or CORRUPT and IO once told to the sink; others.
 */
struct care_table {
    struct sst_environment *environment;
    const struct care_sink *sink;
    const char *path;
    const struct edit_file *meta;
    uint32_t format_level; /* of the store: what it does not know is wrong; 0 = nobody knows */
    void (*progress)(void *context, uint64_t bytes);
    void *progress_context;
};
MUST_CHECK enum status care_table_verify(const struct care_table *table, uint64_t *entries);

#endif
