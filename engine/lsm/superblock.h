/*
 * superblock: which manifest is the store's. A file of two slots, a sector each, on pages of their own; a switch writes
 * the slot of the older generation. Bytes: FORMAT.md, "superblock".
 */
#ifndef ENGINE_LSM_SUPERBLOCK_H
#define ENGINE_LSM_SUPERBLOCK_H

#include "engine/lsm/superblock_format.h"

/*
 * The newest slot that verifies. *damaged: the other does not, so that a newer one may have been there. NOT_FOUND
 * without the file; CORRUPT when neither verifies; VERSION.
 */
MUST_CHECK enum status superblock_read(struct io *io, const char *dir, struct superblock *superblock, bool *damaged,
                                       struct error *error);

/* Makes the file with both slots, durable, name included: under another name first, so that it is never there in part.
 */
MUST_CHECK enum status superblock_create(struct io *io, const char *dir, const struct superblock *superblock);
/* Writes the slot of this generation, durable when OK. */
MUST_CHECK enum status superblock_write(struct io *io, const char *dir, const struct superblock *superblock);

#endif
