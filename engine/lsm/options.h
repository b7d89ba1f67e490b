/*
 * options: one table of all options, with defaults and bounds: by it they are filled in, checked, printed, kept in the
 * store (the file OPTIONS) and compared with what was kept. An option without a row does not exist. Bytes: FORMAT.md,
 * "options".
 */
#ifndef ENGINE_LSM_OPTIONS_H
#define ENGINE_LSM_OPTIONS_H

#include "engine/base/buf.h"
#include "engine/engine.h"

enum { OPTIONS_FILE_MAX_BYTES = 4 << 20 };

/* Zero becomes the default. */
void options_fill(struct engine_options *options);
/* INVALID: *error names the option, its value and its range. REQUIRES: filled. */
MUST_CHECK enum status options_check(const struct engine_options *options, struct error *error);

/* The file's bytes. */
MUST_CHECK enum status options_encode(const struct engine_options *options, struct buf *to);

/*
 * Compares what the store was last opened with: what differs is told to the log and as an event. MISMATCH when what
 * differs can't be changed: *error says what. A store without the file has nothing to say; a damaged file is told and
 * replaced. *differs: options_keep has something to write.
 */
MUST_CHECK enum status options_compare(struct engine *engine, bool *differs, struct error *error);
/* Writes the file anew: under another name, synced, renamed. */
MUST_CHECK enum status options_keep(struct engine *engine);
/* The same with bytes that are there already. */
MUST_CHECK enum status options_write(struct io *io, const char *dir, struct slice bytes);

#endif
