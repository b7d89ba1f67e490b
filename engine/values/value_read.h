/*
 * value_read: one open file of values: single values through the cache, and a walk over all of it.
 *
 * Threads: everything but open and close from any thread. Every byte is checked before it is believed.
 */
#ifndef ENGINE_VALUES_VALUE_READ_H
#define ENGINE_VALUES_VALUE_READ_H

#include "engine/values/value_format.h"

struct value_reader;

/* With one reference, the caller's. CORRUPT, MISMATCH (another identity), VERSION, NOT_FOUND, IO, NO_MEMORY.
 * cache_file: the key of its values in the cache. */
MUST_CHECK enum status value_reader_open(const struct sst_environment *environment, const char *path,
                                         struct sst_identity identity, uint64_t cache_file,
                                         struct value_reader **reader, struct error *error);
void value_reader_acquire(struct value_reader *reader);
/* Gives a reference back; the last one closes the file. Pinned values may outlive it. NULL is allowed. */
void value_reader_close(struct value_reader *reader);
const struct value_footer *value_reader_footer(const struct value_reader *reader);

/*
 * The value that `reference` names for `key`: *value is borrowed from *block, which carries a reference for the caller.
 * flags: enum sst_read_flag, MEMORY_ONLY and NO_FILL. WOULD_BLOCK, CORRUPT, IO, NO_MEMORY.
 */
MUST_CHECK enum status value_reader_get(struct value_reader *reader, const struct value_reference *reference,
                                        struct slice key, unsigned flags, struct block **block, struct slice *value);

/* The value in a block that came from a reader. Borrowed from the block. */
struct slice value_block_value(const struct block *block);

/* A value that somebody is going to read. */
struct value_wanted {
    struct value_reader *reader;
    struct value_reference reference;
    struct slice key;
    struct block *block; /* out: a reference for the caller (block_release); NULL = it can't be had */
};
/* Reads several values as one batch, and offers them to the cache. Blocking. What fails is left out: whoever then gets
 * that value alone meets the failure and reports it. */
void value_load_many(struct io *io, struct value_wanted *wanted, size_t count);

/* Reads every byte; visit is called for each finding. OK or CORRUPT (IO, NO_MEMORY if it could not be read). */
MUST_CHECK enum status value_reader_verify(struct value_reader *reader,
                                           void (*visit)(void *context, uint64_t offset, const char *text),
                                           void *context);

#endif
