/* history_store: histories in files, through struct io. */
#ifndef TOOLS_LOAM_HISTORY_STORE_H
#define TOOLS_LOAM_HISTORY_STORE_H

#include "engine/io.h"
#include "tools/judge/history_file.h"

/* Appends what the file holds to an empty history. As history_read, and what a file can't be read for; the words have
 * no name of the file. */
MUST_CHECK enum status history_load(struct io *io, const char *path, struct history *history,
                                    const struct linearize_model **model, struct error *error);
/* Writes it as EDN, over what stands there. */
MUST_CHECK enum status history_save(struct io *io, const char *path, const struct history *history,
                                    const struct linearize_model *model, struct error *error);

#endif
